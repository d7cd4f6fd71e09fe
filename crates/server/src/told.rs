//! Wakes agents that wait for an assignment: each only for its own.

use diecast_domain::{generation::Generation, ids::ProviderId};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};
use tokio::sync::watch;

#[derive(Debug, Default)]
pub(crate) struct Told {
    latest: Mutex<BTreeMap<ProviderId, watch::Sender<Generation>>>,
}

impl Told {
    fn latest(&self) -> MutexGuard<'_, BTreeMap<ProviderId, watch::Sender<Generation>>> {
        self.latest.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes when something new is stored for `provider`. The store is the truth: a wake-up that is
    /// missed costs latency and nothing else.
    pub(crate) fn watch(&self, provider: ProviderId) -> watch::Receiver<Generation> {
        self.latest().entry(provider).or_default().subscribe()
    }

    pub(crate) fn wake(&self, provider: ProviderId, generation: Generation) {
        self.latest().entry(provider).or_default().send_replace(generation);
    }

    pub(crate) fn forget(&self, provider: ProviderId) {
        self.latest().remove(&provider);
    }
}
