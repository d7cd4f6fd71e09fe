//! Asks each running guest how it is, for no longer than a report can wait.
//!
//! An agent in a guest may hang, and then its answer costs the whole deadline. So guests are asked a
//! few at a time over a connection of their own; who did not answer is left alone for a while, which
//! doubles each time; and when a look has taken long enough, whoever was not reached is told as last
//! time, and asked first the next. Nobody's logins are ever told as last time.

use super::{find::Marked, guest};
use crate::libvirt::Libvirt;
use diecast_domain::provider::Power;
use futures::{StreamExt, stream};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use uuid::Uuid;
use virt::{domain::Domain, sys};

/// Guests asked at once: libvirtd works on five calls of a connection at a time by default, and
/// more would only wait there.
const GUESTS_AT_ONCE: usize = 5;
/// From then on no further guest is asked in this look: reports are due every three seconds.
const LOOK_BUDGET: Duration = Duration::from_secs(4);
/// One guest's questions together.
const GUEST_DEADLINE: Duration = Duration::from_secs(10);
const _: () = assert!(GUEST_DEADLINE.as_secs() > 3 * guest::QUESTION_SECONDS as u64);
/// How long a guest that did not answer is left alone, at first and at most.
const SILENCE_MIN: Duration = Duration::from_secs(10);
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// What is remembered of a machine that nobody asked about for this long is forgotten.
const MEMORY: Duration = Duration::from_secs(600);
/// Where libvirt looks for addresses: the leases of its own networks, then what the kernel saw.
const ADDRESS_SOURCES: [sys::virDomainInterfaceAddressesSource; 2] =
    [sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP];

/// What a guest said, or others know of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub agent: bool,
    pub name: Option<String>,
    pub addresses: Vec<String>,
    pub users: Option<Vec<String>>,
}

/// What is remembered of the guests between looks.
#[derive(Clone, Default)]
pub struct Guests(Arc<Mutex<HashMap<Uuid, Memory>>>);

#[derive(Clone, Debug)]
struct Memory {
    asked: Instant,
    /// Times in a row that its agent did not answer.
    silences: u32,
    said: Said,
}

impl Memory {
    fn is_left_alone(&self, now: Instant) -> bool {
        let pause = SILENCE_MIN.saturating_mul(1 << self.silences.saturating_sub(1).min(8));
        self.silences > 0 && now.duration_since(self.asked) < pause.min(SILENCE_MAX)
    }
}

impl Guests {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its agent may be asked now.
    fn may_ask(&self, machine: Uuid, now: Instant) -> bool {
        !self.lock().get(&machine).is_some_and(|memory| memory.is_left_alone(now))
    }

    /// `asked`: its agent was.
    fn heard(&self, machine: Uuid, now: Instant, asked: bool, said: &Said) {
        let mut guests = self.lock();
        let before = guests.get(&machine).map_or(0, |memory| memory.silences);
        let silences = match (asked, said.agent) {
            (true, true) => 0,
            (true, false) => before.saturating_add(1),
            (false, _) => before,
        };
        // A pause counts from the question, not from a look that left it alone.
        let asked = match guests.get(&machine) {
            Some(memory) if !asked && before > 0 => memory.asked,
            _ => now,
        };
        guests.insert(machine, Memory { asked, silences, said: said.clone() });
    }

    /// A guest without a connected agent begins anew when it has one.
    fn forget_silence(&self, machine: Uuid) {
        if let Some(memory) = self.lock().get_mut(&machine) {
            memory.silences = 0;
        }
    }

    fn last_said(&self, machine: Uuid) -> Said {
        let said = self.lock().get(&machine).map(|memory| memory.said.clone()).unwrap_or_default();
        Said { users: None, ..said }
    }

    /// Who waited longest comes first; who was never asked before everybody.
    fn in_turn(&self, mut machines: Vec<(Uuid, bool)>, now: Instant) -> Vec<(Uuid, bool)> {
        let mut guests = self.lock();
        guests.retain(|_, memory| now.duration_since(memory.asked) < MEMORY);
        machines.sort_by_key(|(machine, _)| guests.get(machine).map(|memory| memory.asked));
        machines
    }
}

impl Libvirt {
    /// What the running ones of these machines say. Who is not in the answer runs not.
    pub(in crate::libvirt) async fn ask_guests(&self, machines: &[Marked]) -> HashMap<Uuid, Said> {
        let begun = Instant::now();
        let running = machines.iter().filter(|marked| marked.power == Power::Running);
        let running = running.map(|marked| (marked.machine, marked.connected)).collect();
        stream::iter(self.guests.in_turn(running, begun))
            .map(|(machine, connected)| async move {
                if begun.elapsed() >= LOOK_BUDGET {
                    return (machine, self.guests.last_said(machine));
                }
                (machine, self.ask_guest(machine, connected).await)
            })
            .buffer_unordered(GUESTS_AT_ONCE)
            .collect()
            .await
    }

    async fn ask_guest(&self, machine: Uuid, connected: bool) -> Said {
        if !connected {
            self.guests.forget_silence(machine);
        }
        let begun = Instant::now();
        let ask = connected && self.guests.may_ask(machine, begun);
        let mut said = if ask { self.ask_agent(machine).await } else { Said::default() };
        if said.addresses.is_empty() {
            said.addresses = self.seen_addresses(machine).await;
        }
        self.guests.heard(machine, begun, ask, &said);
        said
    }

    async fn ask_agent(&self, machine: Uuid) -> Said {
        let asked = self.questions.ask_guest("asking a guest", GUEST_DEADLINE, move |connection| {
            let domain = Domain::lookup_by_uuid(connection, machine)?;
            let ask = |question| domain.qemu_agent_command(question, guest::QUESTION_SECONDS, 0);
            // Whoever does not answer the first is not asked the others.
            Ok((ask(guest::ASK_NAME)?, ask(guest::ASK_ADDRESSES).ok(), ask(guest::ASK_USERS).ok()))
        });
        let Ok((name, addresses, users)) = asked.await else { return Said::default() };
        Said {
            agent: true,
            name: guest::name(&name),
            addresses: addresses.and_then(|answer| guest::addresses(&answer)).unwrap_or_default(),
            users: users.and_then(|answer| guest::users(&answer)),
        }
    }

    /// What the network knows of a guest that says nothing itself.
    async fn seen_addresses(&self, machine: Uuid) -> Vec<String> {
        let asked = self.questions.ask_guest("asking for addresses", GUEST_DEADLINE, move |connection| {
            let domain = Domain::lookup_by_uuid(connection, machine)?;
            let seen = ADDRESS_SOURCES
                .iter()
                .flat_map(|source| domain.interface_addresses(*source, 0).unwrap_or_default());
            Ok(seen.flat_map(|interface| interface.addrs).map(|a| a.addr).collect::<Vec<_>>())
        });
        guest::reachable(asked.await.unwrap_or_default().into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Said {
        Said { agent: true, users: Some(vec!["ann".into()]), ..Said::default() }
    }

    #[test]
    fn a_guest_that_does_not_answer_is_asked_less_and_less_often_until_it_does() {
        let (guests, machine) = (Guests::default(), Uuid::from_u128(1));
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            assert!(guests.may_ask(machine, now));
            guests.heard(machine, now, true, &Said::default());
            let asked = now;
            while !guests.may_ask(machine, now) {
                // A look in which it is left alone does not put its turn off.
                guests.heard(machine, now, false, &Said::default());
                now += Duration::from_secs(1);
            }
            pauses.push(now - asked);
        }
        assert_eq!(pauses[0], SILENCE_MIN);
        assert!(pauses.is_sorted());
        assert_eq!(pauses[5], SILENCE_MAX);
        guests.heard(machine, now, true, &answer());
        assert!(guests.may_ask(machine, now), "it answered");
        guests.heard(machine, now, true, &Said::default());
        guests.forget_silence(machine);
        assert!(guests.may_ask(machine, now), "its agent was started anew");
    }

    #[test]
    fn whoever_was_not_reached_comes_first_and_its_logins_are_not_made_up() {
        let guests = Guests::default();
        let now = Instant::now();
        let (one, two, new) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        guests.heard(one, now + Duration::from_secs(2), true, &answer());
        guests.heard(two, now, true, &answer());
        let turn = guests.in_turn(vec![(one, true), (two, true), (new, true)], now + Duration::from_secs(3));
        assert_eq!(turn.iter().map(|(machine, _)| *machine).collect::<Vec<_>>(), [new, two, one]);
        assert_eq!(guests.last_said(two), Said { users: None, ..answer() });
        assert_eq!(guests.last_said(new), Said::default());
    }
}
