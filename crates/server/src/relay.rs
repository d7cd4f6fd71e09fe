//! What an operator and an agent say to each other through the server: two ends that it joins.
//!
//! An operator opens one; its provider's orders name it from then on; the agent dials in and takes the
//! other end. Both ends are channels here; `http::socket` ties each to its WebSocket. Kept in memory alone:
//! a relay is gone with the server that carried it, and is opened again.

use diecast_domain::ids::ProviderId;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Messages on their way in one direction. Beyond it the one end waits for the other.
const MESSAGES_MAX: usize = 16;

/// Every relay of one kind that is open, each with what is `W`anted by it, in `M`essages. Cheap to clone.
#[derive(Debug)]
pub(crate) struct Relays<W, M> {
    /// Of one provider at a time.
    max: usize,
    open: Arc<Mutex<BTreeMap<Uuid, Open<W, M>>>>,
}

impl<W, M> Clone for Relays<W, M> {
    fn clone(&self) -> Self {
        Self { max: self.max, open: self.open.clone() }
    }
}

#[derive(Debug)]
struct Open<W, M> {
    provider: ProviderId,
    wanted: W,
    /// Taken by the agent when it dials in, once.
    far: Option<(End<M>, oneshot::Sender<()>)>,
}

/// One end. When the other is dropped, nothing more comes.
#[derive(Debug)]
pub(crate) struct End<M> {
    pub(crate) to: mpsc::Sender<M>,
    pub(crate) from: mpsc::Receiver<M>,
}

/// Two ends that hear each other.
pub(crate) fn pair<M>() -> (End<M>, End<M>) {
    let (to_far, from_near) = mpsc::channel(MESSAGES_MAX);
    let (to_near, from_far) = mpsc::channel(MESSAGES_MAX);
    (End { to: to_far, from: from_far }, End { to: to_near, from: from_near })
}

/// The operator's end. Dropping it closes the relay.
#[derive(Debug)]
pub(crate) struct Near<W, M> {
    pub(crate) end: End<M>,
    /// Comes true when the agent has dialled in.
    pub(crate) answered: oneshot::Receiver<()>,
    pub(crate) closed: Closed<W, M>,
}

/// Takes a relay out of the orders when it is dropped.
#[derive(Debug)]
pub(crate) struct Closed<W, M> {
    id: Uuid,
    relays: Relays<W, M>,
}

impl<W, M> Drop for Closed<W, M> {
    fn drop(&mut self) {
        self.relays.open_ones().remove(&self.id);
    }
}

/// Why an agent is not given the end that it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotYours {
    Unknown,
    OfAnotherProvider,
    Taken,
}

impl<W, M> Relays<W, M> {
    /// None are open; no provider has more than `max` at a time.
    pub(crate) fn none(max: usize) -> Self {
        Self { max, open: Arc::default() }
    }

    fn open_ones(&self) -> MutexGuard<'_, BTreeMap<Uuid, Open<W, M>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Opens one. None if too many of its provider are open.
    pub(crate) fn open(&self, provider: ProviderId, wanted: W) -> Option<Near<W, M>> {
        let mut open = self.open_ones();
        if open.values().filter(|there| there.provider == provider).count() >= self.max {
            return None;
        }
        let id = Uuid::new_v4();
        let (end, far) = pair();
        let (answer, answered) = oneshot::channel();
        open.insert(id, Open { provider, wanted, far: Some((far, answer)) });
        let closed = Closed { id, relays: self.clone() };
        Some(Near { end, answered, closed })
    }

    /// Hands the agent of `provider` its end, once.
    pub(crate) fn answer(&self, id: Uuid, provider: ProviderId) -> Result<End<M>, NotYours> {
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

    /// Whether anything that this provider carries is such.
    pub(crate) fn any(&self, provider: ProviderId, is_such: impl Fn(&W) -> bool) -> bool {
        self.open_ones().values().any(|there| there.provider == provider && is_such(&there.wanted))
    }

    /// What agents are told, each in its own words.
    pub(crate) fn orders<T>(&self, order: impl Fn(Uuid, &W) -> T) -> BTreeMap<ProviderId, Vec<T>> {
        let mut orders: BTreeMap<ProviderId, Vec<T>> = BTreeMap::new();
        for (id, open) in self.open_ones().iter() {
            orders.entry(open.provider).or_default().push(order(*id, &open.wanted));
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
    async fn a_relay_has_two_ends_and_is_over_with_either() {
        let relays: Relays<&str, &str> = Relays::none(2);
        let mut near = relays.open(provider(1), "a screen").unwrap();
        let (id, wanted) = relays.orders(|id, wanted| (id, *wanted))[&provider(1)][0];
        assert_eq!(wanted, "a screen");
        assert!(relays.any(provider(1), |wanted| *wanted == "a screen"));
        assert!(!relays.any(provider(2), |_| true));
        assert_eq!(relays.answer(id, provider(2)).unwrap_err(), NotYours::OfAnotherProvider);
        let mut far = relays.answer(id, provider(1)).unwrap();
        assert_eq!(relays.answer(id, provider(1)).unwrap_err(), NotYours::Taken);
        near.answered.await.unwrap();
        near.end.to.send("key").await.unwrap();
        far.to.send("pixels").await.unwrap();
        assert_eq!(far.from.recv().await, Some("key"));
        assert_eq!(near.end.from.recv().await, Some("pixels"));
        drop(far);
        assert_eq!(near.end.from.recv().await, None);
        drop(near.closed);
        assert!(relays.orders(|id, _| id).is_empty());
        assert_eq!(relays.answer(id, provider(1)).unwrap_err(), NotYours::Unknown);
    }

    #[test]
    fn nobody_opens_more_than_an_agent_can_serve() {
        let relays: Relays<(), ()> = Relays::none(3);
        let open: Vec<_> = (0..3).map(|_| relays.open(provider(1), ()).unwrap()).collect();
        assert!(relays.open(provider(1), ()).is_none());
        assert!(relays.open(provider(2), ()).is_some(), "another provider has its own");
        drop(open);
        assert!(relays.open(provider(1), ()).is_some());
    }
}
