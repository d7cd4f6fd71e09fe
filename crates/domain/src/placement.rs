//! Where new hosts go: spread over the candidates by free space.

use crate::{ids::ProviderId, units::ByteCount};

/// A provider that could take a host now.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    pub provider: ProviderId,
    pub hosts: usize,
    pub free: ByteCount,
}

/// One provider for each of `count` hosts: always the one with the fewest hosts, and among equals
/// the one with the most free space, then the first. Empty if there is no candidate.
pub fn spread(count: usize, candidates: &[Candidate]) -> Vec<ProviderId> {
    let mut load: Vec<Candidate> = candidates.to_vec();
    let mut chosen = Vec::with_capacity(count);
    for _ in 0..count {
        let Some(next) =
            load.iter_mut().min_by_key(|there| (there.hosts, std::cmp::Reverse(there.free), there.provider))
        else {
            break;
        };
        next.hosts += 1;
        chosen.push(next.provider);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn hosts_are_spread_evenly_and_the_roomier_provider_comes_first() {
        let there = |id: u128, hosts, gib| Candidate {
            provider: ProviderId::from_uuid(Uuid::from_u128(id)),
            hosts,
            free: ByteCount::gib(gib),
        };
        let chosen = spread(5, &[there(1, 0, 10), there(2, 0, 20), there(3, 2, 99)]);
        let chosen: Vec<_> = chosen.iter().map(|id| id.as_uuid().as_u128()).collect();
        assert_eq!(chosen, [2, 1, 2, 1, 3]);
        assert!(spread(3, &[]).is_empty());
    }
}
