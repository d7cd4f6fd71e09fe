//! What agents do: each call carries a task one durable step further. A crash may come between any
//! two of them.

mod fetch;
mod host;
mod recreate;
mod replica;
mod working;

use crate::{
    agent::{Stage, Task},
    sim::Sim,
};
use diecast_domain::{
    agent::{Object, Step},
    assignment::Deletion,
    code::{Code, Problem},
    digest::Digest,
    ids::HostId,
    replica::{Event, Phase},
};

/// A failed act: its code, and the cause as a sentence.
pub(crate) type Failure = (Code, String);

impl Sim {
    /// Begins and continues work of one agent that lives.
    pub(crate) fn work(&mut self, index: usize) {
        let agent = &self.agents[index];
        let Some(memory) = &agent.memory else { return };
        let Some(assignment) = &agent.disk.assignment else { return };
        let orders = &assignment.orders;
        let steps = (self.rules.decide)(orders, &agent.local(memory));
        for step in steps {
            self.begin(index, step);
        }
        let busy: Vec<Object> =
            self.agents[index].memory.iter().flat_map(|memory| memory.tasks.keys().copied()).collect();
        for object in busy {
            self.advance(index, object);
        }
    }

    fn begin(&mut self, index: usize, step: Step) {
        let agent = &self.agents[index];
        let orders = agent.orders().expect("a step follows from orders").clone();
        let replica = |digest: &Digest| orders.replica(digest).map_or(1, |order| order.attempt);
        let (object, attempt) = match &step {
            Step::Publish(id) => {
                let order = orders.publications.iter().find(|order| order.id == *id);
                (Object::Publication(*id), order.map_or(1, |order| order.attempt))
            }
            Step::Fill(digest) | Step::Mend(digest) | Step::Register(digest) => {
                (Object::Replica(*digest), replica(digest))
            }
            Step::RemoveReplica(digest) => (Object::Replica(*digest), 1),
            Step::MakeHost(id) | Step::RecreateHost(id) => {
                let order = orders.hosts.iter().find(|order| order.id == *id);
                (Object::Host(*id), order.map_or(1, |order| order.attempt))
            }
            Step::RemoveHost(id) | Step::RemoveSetAside(id) => (Object::Host(*id), 1),
            Step::MakeWorkingCopy(id) => {
                let order = orders.working_copies.iter().find(|order| order.id == *id);
                (Object::WorkingCopy(*id), order.map_or(1, |order| order.attempt))
            }
            Step::RemoveWorkingCopy(id) => (Object::WorkingCopy(*id), 1),
            Step::Operate(id) => (Object::Operation(*id), 1),
            Step::CarryBundle(id) => (Object::Bundle(*id), 1),
            Step::Cancel(object) => {
                self.cancel(index, *object);
                return;
            }
        };
        match &step {
            Step::RemoveReplica(digest) => {
                let named = orders.deletions.iter().any(
                    |deletion| matches!(deletion, Deletion::Replica { version } if version.digest == *digest),
                );
                self.promise(named, || format!("replica {} is deleted without an order", digest.short()));
                let agent = &self.agents[index];
                let (name, stood_on) = (agent.name.clone(), agent.disk.stands_on(digest));
                self.promise(!stood_on || self.restored, || {
                    format!("{} goes from {name} from under what stands on it", digest.short())
                });
                self.event(index, *digest, Event::RemovalOrdered);
            }
            Step::RemoveWorkingCopy(id) => {
                let named = orders.deletions.contains(&Deletion::WorkingCopy { id: *id });
                self.promise(named, || format!("working copy {id} is deleted without an order"));
            }
            Step::RemoveHost(id) => {
                let named = orders.deletions.contains(&Deletion::Host { host: *id, data: false });
                self.promise(named, || format!("host {id} is deleted without an order"));
            }
            _ => {}
        }
        let name = self.agents[index].name.clone();
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        let before = memory.tasks.insert(object, Task { step: step.clone(), stage: Stage::Begin, attempt });
        self.promise(before.is_none(), || format!("{name} begins {step:?} while it is busy with it"));
        self.tell(|| format!("{name} begins {}", in_words(&step)));
    }

    fn cancel(&mut self, index: usize, object: Object) {
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        memory.tasks.remove(&object);
        if let Object::Replica(digest) = object {
            self.event(index, digest, Event::GaveUp);
            self.event(index, digest, Event::Assigned);
        }
    }

    /// Takes the phase on; an event that the phase does not allow breaks a promise.
    pub(crate) fn event(&mut self, index: usize, digest: Digest, event: Event) {
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        let phase = memory.phases.entry(digest).or_insert(Phase::Absent);
        match phase.on(event) {
            Ok(next) => *phase = next,
            Err(illegal) => self.promise(false, || illegal.to_string()),
        }
    }

    pub(crate) fn phase(&self, index: usize, digest: &Digest) -> Phase {
        let memory = self.agents[index].memory.as_ref();
        memory.and_then(|memory| memory.phases.get(digest).copied()).unwrap_or(Phase::Absent)
    }

    fn advance(&mut self, index: usize, object: Object) {
        let memory = self.agents[index].memory.as_ref().expect("it lives");
        let task = memory.tasks[&object].clone();
        let outcome = match &task.step {
            Step::Publish(id) => self.publish(index, *id, task.stage),
            Step::Fill(digest) | Step::Mend(digest) => self.fill(index, *digest, task.stage),
            Step::Register(digest) => self.register(index, *digest),
            Step::RemoveReplica(digest) => Ok(self.remove_replica(index, *digest, task.stage)),
            Step::MakeHost(id) => self.make_host(index, *id, task.stage),
            Step::RemoveHost(id) => Ok(self.remove_host(index, *id, task.stage)),
            Step::Operate(id) => Ok(self.operate(index, *id)),
            Step::RecreateHost(id) => self.recreate_host(index, *id, task.stage),
            Step::RemoveSetAside(id) => Ok(self.remove_set_aside(index, *id)),
            Step::MakeWorkingCopy(id) => self.make_working_copy(index, *id, task.stage),
            Step::RemoveWorkingCopy(id) => Ok(self.remove_working_copy(index, *id)),
            // Nobody carries bundles in this world.
            Step::CarryBundle(_) | Step::Cancel(_) => Ok(Stage::End),
        };
        let name = self.agents[index].name.clone();
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        match outcome {
            Ok(Stage::End) => {
                memory.tasks.remove(&object);
                memory.failed.remove(&object);
                self.tell(|| format!("{name} has done: {}", in_words(&task.step)));
            }
            Ok(stage) => {
                memory.tasks.get_mut(&object).expect("it is under way").stage = stage;
            }
            Err((code, cause)) => {
                memory.tasks.remove(&object);
                self.tell(|| format!("{name} fails {}: {code} {cause}", in_words(&task.step)));
                let memory = self.agents[index].memory.as_mut().expect("it lives");
                memory.failed.insert(object, (task.attempt, Problem::new(code, cause)));
                if let Object::Replica(digest) = object {
                    self.event(index, digest, Event::GaveUp);
                }
            }
        }
    }
}

fn in_words(step: &Step) -> String {
    match step {
        Step::Publish(_) => "to publish".into(),
        Step::Fill(digest) => format!("to fill {}", digest.short()),
        Step::Mend(digest) => format!("to mend {}", digest.short()),
        Step::Register(digest) => format!("to register {}", digest.short()),
        Step::RemoveReplica(digest) => format!("to remove {}", digest.short()),
        Step::MakeHost(id) => format!("to make host {}", short(*id)),
        Step::RemoveHost(id) => format!("to remove host {}", short(*id)),
        Step::RecreateHost(id) => format!("to recreate host {}", short(*id)),
        Step::RemoveSetAside(id) => format!("to remove former disks of host {}", short(*id)),
        Step::MakeWorkingCopy(_) => "to make a working copy".into(),
        Step::RemoveWorkingCopy(_) => "to remove a working copy".into(),
        Step::Operate(_) => "an operation".into(),
        Step::CarryBundle(_) => "to carry a bundle".into(),
        Step::Cancel(_) => "to stop something".into(),
    }
}

/// Simulated identities are small numbers.
pub(crate) fn short(id: HostId) -> u128 {
    id.as_uuid().as_u128()
}
