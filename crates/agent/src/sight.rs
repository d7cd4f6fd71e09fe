//! Machines in sight: what looks at the hypervisor find, joined with what tasks did meanwhile.
//!
//! A look takes seconds where many guests are asked. What a task made or took away after the look
//! began is known better by the task: a host just made must not be called gone by an older look.

use diecast_provider::{HostFound, WorkingCopyFound};
use std::collections::BTreeMap;
use uuid::Uuid;

/// One machine as the hypervisor has it.
pub trait Machine {
    fn machine(&self) -> Uuid;
}

impl Machine for HostFound {
    fn machine(&self) -> Uuid {
        self.machine
    }
}

impl Machine for WorkingCopyFound {
    fn machine(&self) -> Uuid {
        self.id.as_uuid()
    }
}

/// Names a look by its turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Look(u64);

#[derive(Debug)]
pub struct Sight<M> {
    machines: BTreeMap<Uuid, M>,
    begun: Look,
    /// Machines that a task changed, and the last look that had begun by then.
    changed: BTreeMap<Uuid, Look>,
}

impl<M> Default for Sight<M> {
    fn default() -> Self {
        Self { machines: BTreeMap::new(), begun: Look::default(), changed: BTreeMap::new() }
    }
}

impl<M: Machine> Sight<M> {
    /// To be called before the hypervisor is asked.
    pub fn begin(&mut self) -> Look {
        self.begun.0 += 1;
        self.begun
    }

    /// Takes what a look found, but for machines that tasks changed since it began.
    pub fn see(&mut self, look: Look, found: Vec<M>) {
        self.changed.retain(|_, last| *last >= look);
        let changed = &self.changed;
        self.machines.retain(|machine, _| changed.contains_key(machine));
        let fresh = found.into_iter().filter(|found| !changed.contains_key(&found.machine()));
        self.machines.extend(fresh.map(|found| (found.machine(), found)));
    }

    /// A task made it, or made it anew.
    pub fn put(&mut self, made: M) {
        self.changed.insert(made.machine(), self.begun);
        self.machines.insert(made.machine(), made);
    }

    /// A task took it away.
    pub fn remove(&mut self, machine: Uuid) {
        self.changed.insert(machine, self.begun);
        self.machines.remove(&machine);
    }

    pub fn get(&self, machine: Uuid) -> Option<&M> {
        self.machines.get(&machine)
    }

    pub fn iter(&self) -> impl Iterator<Item = &M> {
        self.machines.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Seen(u128, &'static str);

    impl Machine for Seen {
        fn machine(&self) -> Uuid {
            Uuid::from_u128(self.0)
        }
    }

    fn said(sight: &Sight<Seen>) -> Vec<&'static str> {
        sight.iter().map(|seen| seen.1).collect()
    }

    #[test]
    fn a_look_that_began_before_a_machine_was_made_does_not_say_that_it_is_gone() {
        let mut sight = Sight::default();
        let early = sight.begin();
        sight.put(Seen(1, "made"));
        sight.see(early, vec![Seen(2, "other")]);
        assert_eq!(said(&sight), ["made", "other"]);
        let later = sight.begin();
        sight.see(later, vec![Seen(2, "other")]);
        assert_eq!(said(&sight), ["other"], "a later one does");
    }

    #[test]
    fn what_was_taken_away_does_not_come_back_by_an_older_look() {
        let mut sight = Sight::default();
        let look = sight.begin();
        sight.see(look, vec![Seen(1, "old"), Seen(2, "other")]);
        let early = sight.begin();
        sight.remove(Uuid::from_u128(1));
        sight.see(early, vec![Seen(1, "old"), Seen(2, "changed")]);
        assert_eq!(said(&sight), ["changed"]);
        let later = sight.begin();
        sight.see(later, vec![Seen(1, "somebody made it again")]);
        assert_eq!(said(&sight), ["somebody made it again"]);
    }
}
