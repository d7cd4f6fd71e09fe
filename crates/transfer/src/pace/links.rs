//! What comes over a link between sites that has a limit keeps to that too, source by source.

use super::Pace;
use diecast_domain::ids::ProviderId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// For one transfer: the pace of each source that stands beyond a limited link. It holds all the limits of the
/// transfer, and the link's share before those that more transfers have in common.
#[derive(Debug, Default)]
pub struct LinkPaces {
    by_source: Mutex<BTreeMap<ProviderId, Arc<Pace>>>,
}

impl LinkPaces {
    /// From now on these; may change while frames are under way.
    pub fn set(&self, paces: BTreeMap<ProviderId, Arc<Pace>>) {
        *self.paces() = paces;
    }

    /// None: what it gives crosses no link with a limit.
    pub fn of(&self, source: ProviderId) -> Option<Arc<Pace>> {
        self.paces().get(&source).cloned()
    }

    fn paces(&self) -> MutexGuard<'_, BTreeMap<ProviderId, Arc<Pace>>> {
        // It is changed in one step, so a panic elsewhere spoils nothing here.
        self.by_source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
