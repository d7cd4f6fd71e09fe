//! Screens that somebody looks at: what an operator's end and an agent's end say to each other.
//!
//! An operator opens one; its provider's orders name it from then on; the agent dials in and takes
//! the other end. Both ends are channels of bytes here; `http::consoles` ties each to its WebSocket.
//! Kept in memory alone: a screen is gone with the server that carried it, and is opened again.

use bytes::Bytes;
use diecast_domain::{
    assignment::ConsoleOrder,
    ids::{ConsoleId, ProviderId},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Screens of one provider at a time: more than people look at, few enough for any agent.
pub(crate) const CONSOLES_MAX: usize = 16;
/// Messages on their way in one direction. Beyond it the one end waits for the other.
const MESSAGES_MAX: usize = 16;

/// Every screen that is open. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Consoles(Arc<Mutex<BTreeMap<ConsoleId, Open>>>);

#[derive(Debug)]
struct Open {
    provider: ProviderId,
    machine: Uuid,
    /// Taken by the agent when it dials in, once.
    far: Option<(End, oneshot::Sender<()>)>,
}

/// One end. When the other is dropped, nothing more comes.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) to: mpsc::Sender<Bytes>,
    pub(crate) from: mpsc::Receiver<Bytes>,
}

/// The operator's end. Dropping it closes the screen.
#[derive(Debug)]
pub(crate) struct Viewer {
    pub(crate) end: End,
    /// Comes true when the agent has dialled in.
    pub(crate) answered: oneshot::Receiver<()>,
    pub(crate) closed: Closed,
}

/// Takes a screen out of the orders when it is dropped.
#[derive(Debug)]
pub(crate) struct Closed {
    id: ConsoleId,
    consoles: Consoles,
}

impl Drop for Closed {
    fn drop(&mut self) {
        self.consoles.open_ones().remove(&self.id);
    }
}

/// Why an agent is not given the end that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotYours {
    Unknown,
    OfAnotherProvider,
    Taken,
}

impl Consoles {
    fn open_ones(&self) -> MutexGuard<'_, BTreeMap<ConsoleId, Open>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Opens the screen of a machine. None if too many of its provider are open.
    pub(crate) fn open(&self, provider: ProviderId, machine: Uuid) -> Option<Viewer> {
        let mut open = self.open_ones();
        if open.values().filter(|there| there.provider == provider).count() >= CONSOLES_MAX {
            return None;
        }
        let id = ConsoleId::from_uuid(Uuid::new_v4());
        let (to_agent, from_operator) = mpsc::channel(MESSAGES_MAX);
        let (to_operator, from_agent) = mpsc::channel(MESSAGES_MAX);
        let (answer, answered) = oneshot::channel();
        let far = End { to: to_operator, from: from_operator };
        open.insert(id, Open { provider, machine, far: Some((far, answer)) });
        let closed = Closed { id, consoles: self.clone() };
        Some(Viewer { end: End { to: to_agent, from: from_agent }, answered, closed })
    }

    /// Hands the agent of `provider` its end, once.
    pub(crate) fn answer(&self, id: ConsoleId, provider: ProviderId) -> Result<End, NotYours> {
        let mut open = self.open_ones();
        let there = open.get_mut(&id).ok_or(NotYours::Unknown)?;
        if there.provider != provider {
            return Err(NotYours::OfAnotherProvider);
        }
        let (end, answer) = there.far.take().ok_or(NotYours::Taken)?;
        // The operator may have gone this very moment; then the end says so by itself.
        let _ = answer.send(());
        Ok(end)
    }

    /// What agents are told.
    pub(crate) fn orders(&self) -> BTreeMap<ProviderId, Vec<ConsoleOrder>> {
        let mut orders: BTreeMap<ProviderId, Vec<ConsoleOrder>> = BTreeMap::new();
        for (id, open) in self.open_ones().iter() {
            orders.entry(open.provider).or_default().push(ConsoleOrder { id: *id, machine: open.machine });
        }
        orders
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn provider(number: u128) -> ProviderId {
        ProviderId::from_uuid(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn a_screen_has_two_ends_and_is_over_with_either() {
        let consoles = Consoles::default();
        let mut viewer = consoles.open(provider(1), Uuid::from_u128(9)).unwrap();
        let order = consoles.orders()[&provider(1)][0].clone();
        assert_eq!(order.machine, Uuid::from_u128(9));
        assert_eq!(consoles.answer(order.id, provider(2)).unwrap_err(), NotYours::OfAnotherProvider);
        let mut far = consoles.answer(order.id, provider(1)).unwrap();
        assert_eq!(consoles.answer(order.id, provider(1)).unwrap_err(), NotYours::Taken);
        viewer.answered.await.unwrap();
        viewer.end.to.send(Bytes::from_static(b"key")).await.unwrap();
        far.to.send(Bytes::from_static(b"pixels")).await.unwrap();
        assert_eq!(far.from.recv().await.unwrap(), "key");
        assert_eq!(viewer.end.from.recv().await.unwrap(), "pixels");
        drop(far);
        assert_eq!(viewer.end.from.recv().await, None);
        drop(viewer.closed);
        assert!(consoles.orders().is_empty());
        assert_eq!(consoles.answer(order.id, provider(1)).unwrap_err(), NotYours::Unknown);
    }

    #[test]
    fn nobody_opens_more_screens_than_an_agent_can_serve() {
        let consoles = Consoles::default();
        let open: Vec<_> =
            (0..CONSOLES_MAX).map(|_| consoles.open(provider(1), Uuid::nil()).unwrap()).collect();
        assert!(consoles.open(provider(1), Uuid::nil()).is_none());
        assert!(consoles.open(provider(2), Uuid::nil()).is_some(), "another provider has its own");
        drop(open);
        assert!(consoles.open(provider(1), Uuid::nil()).is_some());
    }
}
