//! Agents that call with a certificate of this server's own authority and that its store does not know:
//! they enrolled after the backup that it was restored from. What each says is kept in memory, to be shown.

use diecast_domain::{ids::ProviderId, provider::SILENCE_MAX, report::Report, units::Timestamp};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// More than that are not kept: whoever calls was certified by this server once.
const STRANGERS_MAX: usize = 10_000;

/// One of them, as it called last.
#[derive(Clone, Debug)]
pub(crate) struct Stranger {
    pub(crate) certificate_serial: String,
    pub(crate) certificate_expires_at: Timestamp,
    pub(crate) heard: Timestamp,
    pub(crate) report: Arc<Report>,
}

impl Stranger {
    /// What it was called, as far as it says.
    pub(crate) fn name(&self, id: ProviderId) -> String {
        self.report.name.as_ref().map_or_else(|| id.to_string(), ToString::to_string)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<BTreeMap<ProviderId, Stranger>>);

impl Strangers {
    fn known(&self) -> MutexGuard<'_, BTreeMap<ProviderId, Stranger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn heard(&self, id: ProviderId, stranger: Stranger) {
        let mut known = self.known();
        if known.contains_key(&id) || known.len() < STRANGERS_MAX {
            known.insert(id, stranger);
        }
    }

    pub(crate) fn forget(&self, id: ProviderId) {
        self.known().remove(&id);
    }

    /// Those that still call.
    pub(crate) fn calling(&self, now: Timestamp) -> BTreeMap<ProviderId, Stranger> {
        let mut known = self.known();
        known.retain(|_, stranger| now.since(stranger.heard) < 2 * SILENCE_MAX);
        known.clone()
    }
}
