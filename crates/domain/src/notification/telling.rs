//! When what is said: what was said last, compared with what stands now.

use super::Notification;
use crate::{alarm::Alarm, units::Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Comings and goings that are told even if none of them lasted long enough to be told: twice there
/// and gone.
const FLIPS_TOLD: u32 = 4;

/// What one notification knows of each alarm.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    by_key: BTreeMap<String, Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// As it was last seen.
    alarm: Alarm,
    stands: bool,
    /// Since when it does, or does not.
    since: Timestamp,
    /// What was said last: that it stands, or that it does not.
    said: bool,
    /// It was said at some time that it stands.
    ever_said: bool,
    /// The quiet time begins: it was said that it stands, or it was seen first.
    quiet_from: Timestamp,
    /// Comings and goings since something was said.
    flips: u32,
}

/// What goes out together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    pub raised: Vec<Alarm>,
    pub cleared: Vec<Cleared>,
    pub flapped: Vec<Flapped>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cleared {
    pub alarm: Alarm,
    pub at: Timestamp,
}

/// It came and went again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapped {
    pub alarm: Alarm,
    pub stands: bool,
    /// How often it came up.
    pub times: u32,
}

/// A message on its way, tried until somebody takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The same for every attempt: a receiver may be handed it twice.
    pub id: uuid::Uuid,
    pub telling: Telling,
    pub created_at: Timestamp,
    pub attempts: u32,
}

impl Telling {
    pub fn is_empty(&self) -> bool {
        self.raised.is_empty() && self.cleared.is_empty() && self.flapped.is_empty()
    }
}

impl Memory {
    /// Looks at what stands now. What this notification does not tell of is forgotten.
    pub fn see(&mut self, notification: &Notification, standing: &[Alarm], now: Timestamp) {
        let told = standing.iter().filter(|alarm| notification.tells(alarm));
        let told: BTreeMap<&str, &Alarm> = told.map(|alarm| (alarm.key.as_str(), alarm)).collect();
        let untold: BTreeSet<&str> = standing.iter().map(|alarm| alarm.key.as_str()).collect();
        self.by_key.retain(|key, known| {
            let wanted = notification.tells(&known.alarm);
            wanted && (told.contains_key(key.as_str()) || !untold.contains(key.as_str()))
        });
        for (key, known) in &mut self.by_key {
            let there = told.get(key.as_str());
            if let Some(alarm) = there {
                known.alarm = (*alarm).clone();
            }
            if known.stands != there.is_some() {
                known.stands = !known.stands;
                known.since = now;
                known.flips = known.flips.saturating_add(1);
            }
        }
        for (key, alarm) in told {
            self.by_key.entry(key.to_owned()).or_insert_with(|| Known {
                alarm: alarm.clone(),
                stands: true,
                since: now,
                said: false,
                ever_said: false,
                quiet_from: now,
                flips: 1,
            });
        }
    }

    /// What is to be said now, if anything: then it counts as said. Whatever differs goes along, also
    /// what would have been due a little later.
    pub fn due(&mut self, notification: &Notification, now: Timestamp) -> Option<Telling> {
        let group = Duration::from_secs(notification.terms.group_seconds.into());
        let quiet = Duration::from_secs(notification.terms.quiet_seconds.into()).max(group);
        let is_due = |known: &Known| match known.what(quiet, now) {
            What::Nothing => false,
            What::Differs => now.since(known.since) >= group,
            What::Flapped => true,
        };
        let due = self.by_key.values().any(is_due);
        let mut telling = Telling::default();
        for known in self.by_key.values_mut().filter(|_| due) {
            known.say(quiet, now, &mut telling);
        }
        self.by_key.retain(|_, known| !known.is_over(quiet, now));
        self.by_key.values_mut().for_each(|known| known.count_anew(quiet, now));
        due.then_some(telling)
    }

    /// What was said did not arrive: what stands is to be told anew.
    pub fn forget(&mut self) {
        self.by_key.clear();
    }
}

/// What is to be said of one alarm.
enum What {
    Nothing,
    /// It stands and that was not said, or the other way round.
    Differs,
    /// A quiet time is over in which it came and went.
    Flapped,
}

impl Known {
    fn quiet_is_over(&self, quiet: Duration, now: Timestamp) -> bool {
        now.since(self.quiet_from) >= quiet
    }

    fn what(&self, quiet: Duration, now: Timestamp) -> What {
        let over = self.quiet_is_over(quiet, now);
        match (self.stands, self.said) {
            (true, false) if !self.ever_said => What::Differs,
            (true, false) if !over => What::Nothing,
            (true, false) if self.flips > 1 => What::Flapped,
            (true, false) | (false, true) => What::Differs,
            (stands, _) => {
                // Of what was said to be well again, every return counts.
                let told_from = if self.ever_said && !stands { 2 } else { FLIPS_TOLD };
                if over && self.flips >= told_from { What::Flapped } else { What::Nothing }
            }
        }
    }

    fn say(&mut self, quiet: Duration, now: Timestamp, telling: &mut Telling) {
        let alarm = self.alarm.clone();
        match self.what(quiet, now) {
            What::Nothing => return,
            What::Differs if self.stands => telling.raised.push(alarm),
            What::Differs => telling.cleared.push(Cleared { alarm, at: self.since }),
            What::Flapped => {
                let times = self.flips.div_ceil(2);
                telling.flapped.push(Flapped { alarm, stands: self.stands, times });
                self.quiet_from = now;
            }
        }
        if self.stands {
            (self.ever_said, self.quiet_from) = (true, now);
        }
        self.said = self.stands;
        self.flips = 0;
    }

    /// It is gone, nothing is left to be said of it, and it has been quiet.
    fn is_over(&self, quiet: Duration, now: Timestamp) -> bool {
        !self.stands && !self.said && self.quiet_is_over(quiet, now)
    }

    /// A few flickers in a quiet time are not worth a word, and do not add up over days.
    fn count_anew(&mut self, quiet: Duration, now: Timestamp) {
        if self.stands && self.said && self.flips > 0 && self.quiet_is_over(quiet, now) {
            (self.flips, self.quiet_from) = (0, now);
        }
    }
}
