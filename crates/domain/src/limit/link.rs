//! The limit of a site link, divided among those who bring something over it: no bucket is common to them, so
//! each has a share, and follows it alone. Why it is so: ADR 0020.
//!
//! **Promise:** what agents may have together, by any orders that they may still follow, is never more than the
//! whole: a share grows only by what others are known to have given up.

use super::Limit;
use crate::{
    ids::ProviderId,
    units::{BytesPerSecond, Timestamp},
};
use serde::{Deserialize, Serialize};

/// The parts that the limit of a link is divided into, in each direction.
pub const WHOLE: u32 = 1_000_000;

/// What one agent is told of a link with a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkLimit {
    /// The site beyond.
    pub site: String,
    /// Whom there its orders name as sources.
    pub sources: Vec<ProviderId>,
    pub limit: Limit,
    /// Of [`WHOLE`]. None at all: it asks nobody beyond while the limit holds.
    pub share: u32,
    /// What share it may follow until it has taken these orders. Of use to the server alone.
    #[serde(default)]
    pub held: u32,
}

impl LinkLimit {
    /// What may come over the link to this agent. None: as fast as it goes; zero: nothing.
    pub fn rate(&self, now: Timestamp) -> Option<BytesPerSecond> {
        self.limit.at(now).rate.map(|rate| rate.part(self.share, WHOLE).bytes_per_second())
    }
}

/// How somebody who may cross a link stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// Versions that it brings over the link now.
    pub weight: u32,
    /// The most that it may follow, by what it was told.
    pub held: u32,
}

/// The share that everybody is to be told, in the order of `claims`. What shrinks is told at once; what grows
/// waits for what nobody can hold any more.
pub fn divide(claims: &[Claim]) -> Vec<u32> {
    let weights: u64 = claims.iter().map(|claim| u64::from(claim.weight)).sum();
    let held: u64 = claims.iter().map(|claim| u64::from(claim.held)).sum();
    let mut free = u64::from(WHOLE).saturating_sub(held);
    let share = |claim: &Claim| {
        let fair = u64::from(WHOLE) * u64::from(claim.weight) / weights.max(1);
        let grown = fair.saturating_sub(u64::from(claim.held)).min(free);
        free -= grown;
        let share = fair.min(u64::from(claim.held)) + grown;
        u32::try_from(share).unwrap_or(WHOLE)
    };
    claims.iter().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An agent, and the server's side of it.
    #[derive(Clone, Debug, Default)]
    struct Crossing {
        weight: u32,
        /// Told and not taken yet, the oldest first.
        under_way: Vec<u32>,
        follows: u32,
        told: LinkNote,
    }

    #[derive(Clone, Copy, Debug, Default)]
    struct LinkNote {
        share: u32,
        held: u32,
        is_followed: bool,
    }

    impl Crossing {
        fn held(&self) -> u32 {
            let LinkNote { share, held, is_followed } = self.told;
            if is_followed { share } else { share.max(held) }
        }

        fn told(&mut self, share: u32) {
            if share != self.told.share {
                self.told = LinkNote { share, held: self.held(), is_followed: false };
                self.under_way.push(share);
            }
        }

        /// Takes some of what is under way, and only the last if it skips.
        fn takes(&mut self, count: usize) {
            if let Some(last) = self.under_way.drain(..count.min(self.under_way.len())).next_back() {
                self.follows = last;
            }
            self.told.is_followed = self.under_way.is_empty();
        }
    }

    fn pass(all: &mut [Crossing]) {
        let claims: Vec<_> = all.iter().map(|it| Claim { weight: it.weight, held: it.held() }).collect();
        for (it, share) in all.iter_mut().zip(divide(&claims)) {
            it.told(share);
        }
    }

    fn all_followed(all: &[Crossing]) -> u64 {
        all.iter().map(|it| u64::from(it.follows)).sum()
    }

    proptest! {
        #[test]
        fn whoever_comes_or_goes_and_however_late_agents_hear_of_it_the_link_is_never_given_twice(
            steps in proptest::collection::vec((0_usize..5, 0_u32..4, 0_usize..3, any::<bool>()), 1..80)
        ) {
            let mut all = vec![Crossing::default(); 5];
            for (who, weight, taken, passes) in steps {
                all[who].weight = weight;
                if passes {
                    pass(&mut all);
                }
                prop_assert!(all_followed(&all) <= u64::from(WHOLE));
                all[(who + taken) % 5].takes(taken);
                prop_assert!(all_followed(&all) <= u64::from(WHOLE), "{all:?}");
            }
            // Once everybody is heard, two passes give everybody its fair share.
            for _ in 0..3 {
                all.iter_mut().for_each(|it| it.takes(usize::MAX));
                pass(&mut all);
            }
            let weights: u64 = all.iter().map(|it| u64::from(it.weight)).sum();
            for it in &all {
                let fair = u64::from(WHOLE) * u64::from(it.weight) / weights.max(1);
                prop_assert_eq!(u64::from(it.told.share), fair, "{:?}", it);
            }
        }
    }

    #[test]
    fn who_is_alone_has_all_of_it_and_two_have_half_each_once_the_first_has_given_it_up() {
        let claim = |weight, held| Claim { weight, held };
        assert_eq!(divide(&[claim(1, 0)]), [WHOLE]);
        assert_eq!(divide(&[claim(1, WHOLE), claim(1, 0)]), [WHOLE / 2, 0]);
        assert_eq!(divide(&[claim(1, WHOLE / 2), claim(1, 0)]), [WHOLE / 2, WHOLE / 2]);
        assert_eq!(divide(&[claim(0, WHOLE / 2), claim(1, WHOLE / 2)]), [0, WHOLE / 2]);
        assert_eq!(divide(&[claim(0, 0), claim(1, WHOLE / 2)]), [0, WHOLE]);
        assert_eq!(divide(&[claim(0, 0), claim(0, 7)]), [0, 0], "who brings nothing needs none");
        assert!(divide(&[]).is_empty());
    }
}
