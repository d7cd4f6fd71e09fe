//! When each token was used last: known here at once, and written down once a minute.

use diecast_domain::units::Timestamp;
use diecast_store::LastUse;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

/// Between two times that a token's use is written: a dashboard asks every second, and the one writer
/// has better to do.
const PAUSE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct Uses {
    latest: Mutex<HashMap<String, Use>>,
}

#[derive(Debug)]
struct Use {
    latest: LastUse,
    written_at: Timestamp,
}

impl Uses {
    fn latest(&self) -> MutexGuard<'_, HashMap<String, Use>> {
        self.latest.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes in a use of token `name`. True: it is to be written now.
    pub(crate) fn note(&self, name: &str, used: LastUse) -> bool {
        let mut all = self.latest();
        match all.get_mut(name) {
            Some(known) => {
                let due = used.at.since(known.written_at) >= PAUSE;
                if due {
                    known.written_at = used.at;
                }
                known.latest = used;
                due
            }
            None => {
                all.insert(name.to_owned(), Use { written_at: used.at, latest: used });
                true
            }
        }
    }

    pub(crate) fn of(&self, name: &str) -> Option<LastUse> {
        self.latest().get(name).map(|known| known.latest.clone())
    }

    pub(crate) fn forget(&self, name: &str) {
        self.latest().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_known_at_once_and_written_once_a_minute() {
        let uses = Uses::default();
        let at = |second: i64| LastUse { at: Timestamp(second * 1000), from: format!("10.0.0.{second}") };
        assert!(uses.note("ci", at(0)));
        assert!(!uses.note("ci", at(59)));
        assert_eq!(uses.of("ci"), Some(at(59)));
        assert!(uses.note("ci", at(60)));
        assert!(uses.note("other", at(60)));
        uses.forget("ci");
        assert_eq!(uses.of("ci"), None);
    }
}
