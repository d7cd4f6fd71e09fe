//! What agents do: each call carries a task one durable step further. A crash may come between any
//! two of them.

use crate::{
    agent::{NETWORK, Stage, Task, profile},
    disk::{Copy, LEAVES, Leaf},
    sim::Sim,
};
use diecast_domain::{
    agent::{Held, Object, Step},
    assignment::{Act, Deletion},
    code::{Code, Problem},
    digest::Digest,
    ids::{HostId, OperationId, ProviderId, PublicationId},
    preflight,
    replica::{Event, Phase},
    template::PublicationSource,
    units::ByteCount,
};

/// What came of asking a source for a leaf.
enum Answer {
    Silence,
    Right,
    Wrong,
}

/// A failed act: its code, and the cause as a sentence.
type Failure = (Code, String);

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
            Step::MakeHost(id) => {
                let order = orders.hosts.iter().find(|order| order.id == *id);
                (Object::Host(*id), order.map_or(1, |order| order.attempt))
            }
            Step::RemoveHost(id) => (Object::Host(*id), 1),
            Step::Operate(id) => (Object::Operation(*id), 1),
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
                self.event(index, *digest, Event::RemovalOrdered);
            }
            Step::RemoveHost(id) => {
                let named = orders.deletions.contains(&Deletion::Host { host: *id });
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
    fn event(&mut self, index: usize, digest: Digest, event: Event) {
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        let phase = memory.phases.entry(digest).or_insert(Phase::Absent);
        match phase.on(event) {
            Ok(next) => *phase = next,
            Err(illegal) => self.promise(false, || illegal.to_string()),
        }
    }

    fn phase(&self, index: usize, digest: &Digest) -> Phase {
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
            Step::Cancel(_) => Ok(Stage::End),
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

    fn fill(&mut self, index: usize, digest: Digest, stage: Stage) -> Result<Stage, Failure> {
        match stage {
            Stage::Begin => {
                if matches!(self.phase(index, &digest), Phase::Absent | Phase::Failed) {
                    self.event(index, digest, Event::Assigned);
                }
                self.event(index, digest, Event::Started);
                self.preflight(index, &digest)?;
                if self.phase(index, &digest) == Phase::Preflight {
                    self.event(index, digest, Event::PreflightPassed);
                }
                self.agents[index].disk.copies.entry(digest).or_insert(Copy::EMPTY);
                Ok(Stage::Transfer)
            }
            Stage::Transfer => {
                let copy = &self.agents[index].disk.copies[&digest];
                let mending = copy.under_final_name;
                let missing = copy
                    .leaves
                    .iter()
                    .position(|leaf| *leaf == Leaf::Absent || (mending && *leaf == Leaf::Wrong));
                let Some(missing) = missing else {
                    self.event(index, digest, Event::Filled);
                    return Ok(Stage::Verify);
                };
                self.fetch(index, digest)?;
                if !mending && self.agents[index].disk.free() == 0 {
                    return Err((Code::T0003, "the disk is full".into()));
                }
                let spoilt = self.hostile && self.dice.once_in(40);
                let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it is filled");
                copy.leaves[missing] = if spoilt { Leaf::Wrong } else { Leaf::Right };
                Ok(Stage::Transfer)
            }
            Stage::Verify => {
                if self.verify(index, digest) {
                    self.event(index, digest, Event::Matched);
                    return Ok(Stage::Commit);
                }
                self.event(index, digest, Event::Mismatched);
                let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it was verified");
                let wrong = copy.leaves.iter_mut().filter(|leaf| **leaf == Leaf::Wrong);
                wrong.for_each(|leaf| *leaf = Leaf::Absent);
                self.event(index, digest, Event::Started);
                Ok(Stage::Transfer)
            }
            Stage::Commit => {
                let agent = &mut self.agents[index];
                let copy = agent.disk.copies.get_mut(&digest).expect("it was verified");
                copy.under_final_name = true;
                // A mended copy is made known to the hypervisor once more: that is the only door.
                copy.registered = false;
                agent.memory.as_mut().expect("it lives").changed.remove(&digest);
                Ok(Stage::End)
            }
            Stage::End => Ok(Stage::End),
        }
    }

    fn preflight(&self, index: usize, digest: &Digest) -> Result<(), Failure> {
        let agent = &self.agents[index];
        let present = agent
            .disk
            .copies
            .get(digest)
            .map_or(0, |copy| copy.leaves.iter().filter(|leaf| **leaf != Leaf::Absent).count());
        let profile = profile();
        let bytes = ByteCount((LEAVES - present) as u64);
        let needs = preflight::Needs { profile: &profile, bytes, floor: ByteCount::ZERO };
        let settings = &agent.orders().expect("it fills by order").settings;
        let found = preflight::obstacles(agent.name.as_str(), &agent.facts(), settings, &needs);
        match found.into_iter().next() {
            Some(problem) => Err((problem.code, problem.cause)),
            None => Ok(()),
        }
    }

    /// Asks the sources in turn for one leaf. What arrives is compared with its digest.
    fn fetch(&mut self, index: usize, digest: Digest) -> Result<(), Failure> {
        let orders = self.agents[index].orders().expect("it fills by order");
        let sources: Vec<ProviderId> = orders
            .replica(&digest)
            .map(|order| order.sources.iter().map(|source| source.provider).collect())
            .unwrap_or_default();
        if sources.is_empty() {
            return Err((Code::T0010, "no source is named".into()));
        }
        let mut lied = false;
        for source in sources {
            match self.ask(index, source, &digest) {
                Answer::Right => return Ok(()),
                Answer::Wrong if !self.rules.checks_arrivals => return Ok(()),
                Answer::Wrong => lied = true,
                Answer::Silence => {}
            }
        }
        Err(if lied {
            (Code::T0002, "what a source sent does not match its digest".into())
        } else {
            (Code::T0001, "no source could be reached".into())
        })
    }

    fn ask(&mut self, index: usize, source: ProviderId, digest: &Digest) -> Answer {
        let receiver = self.agents[index].id;
        let Some(there) = self.agents.iter().find(|agent| agent.id == source) else { return Answer::Silence };
        let lets = there.orders().is_some_and(|orders| orders.may_read(digest, receiver));
        let reached = there.memory.is_some() && lets && self.network.together(receiver, source);
        match there.disk.copies.get(digest) {
            Some(copy) if reached && copy.under_final_name => {
                if there.lies || !copy.is_right() && self.dice.once_in(2) {
                    Answer::Wrong
                } else {
                    Answer::Right
                }
            }
            _ => Answer::Silence,
        }
    }

    /// Reads the whole and compares. Remembers with the result what was truly there.
    fn verify(&mut self, index: usize, digest: Digest) -> bool {
        let now = self.now;
        let copy = self.agents[index].disk.copies.get_mut(&digest).expect("it is there to be verified");
        let matches = copy.is_right() || !self.rules.verifies;
        if matches {
            copy.verified_at = Some(now);
            copy.truth_when_verified = Some(copy.leaves);
        }
        matches
    }

    fn register(&mut self, index: usize, digest: Digest) -> Result<Stage, Failure> {
        if self.phase(index, &digest) != Phase::Registering {
            // A registration that failed before: the whole is read again on the way back.
            if self.phase(index, &digest) != Phase::Queued {
                self.event(index, digest, Event::Assigned);
            }
            for event in [Event::Started, Event::PreflightPassed, Event::Filled] {
                self.event(index, digest, event);
            }
            if !self.verify(index, digest) {
                self.event(index, digest, Event::Mismatched);
                self.agents[index].memory.as_mut().expect("it lives").changed.insert(digest);
                return Ok(Stage::End);
            }
            self.event(index, digest, Event::Matched);
        }
        let agent = &mut self.agents[index];
        if !agent.hypervisor_answers {
            return Err((Code::P0011, "the hypervisor does not answer".into()));
        }
        let copy = agent.disk.copies.get_mut(&digest).expect("it is there to be registered");
        copy.registered = true;
        let proven = copy.was_proven() && copy.under_final_name;
        self.promise(proven, || format!("{} is registered unverified", digest.short()));
        self.event(index, digest, Event::Registered);
        Ok(Stage::End)
    }

    fn remove_replica(&mut self, index: usize, digest: Digest, stage: Stage) -> Stage {
        let disk = &mut self.agents[index].disk;
        let Some(copy) = disk.copies.get_mut(&digest) else { return Stage::End };
        match stage {
            Stage::Begin => copy.registered = false,
            Stage::Transfer => {
                copy.under_final_name = false;
                copy.verified_at = None;
                copy.truth_when_verified = None;
            }
            _ => {
                disk.copies.remove(&digest);
                disk.published.retain(|_, published| *published != digest);
                self.agents[index].memory.as_mut().expect("it lives").changed.remove(&digest);
                self.event(index, digest, Event::Removed);
                return Stage::End;
            }
        }
        if stage == Stage::Begin { Stage::Transfer } else { Stage::Commit }
    }

    fn publish(&mut self, index: usize, id: PublicationId, stage: Stage) -> Result<Stage, Failure> {
        let agent = &mut self.agents[index];
        let order = agent.orders().and_then(|orders| orders.publications.iter().find(|order| order.id == id));
        let Some(PublicationSource::Vm { name }) = order.map(|order| order.source.clone()) else {
            return Ok(Stage::End);
        };
        let digest = Digest::from_bytes([name.bytes().last().unwrap_or(0); 32]);
        if agent.golden_runs {
            return Err((Code::V0001, format!("VM `{name}` is running")));
        }
        // The replica's own task and a publication of the same content never work side by side.
        let busy =
            agent.memory.as_ref().is_some_and(|memory| memory.tasks.contains_key(&Object::Replica(digest)));
        let there = agent.disk.copies.get(&digest).is_some_and(|copy| copy.under_final_name);
        match stage {
            _ if busy => Ok(stage),
            Stage::Begin | Stage::Transfer if !there => {
                if agent.disk.free() < LEAVES {
                    return Err((Code::P0004, "there is no room for a copy of its own".into()));
                }
                let copy = agent.disk.copies.entry(digest).or_insert(Copy::EMPTY);
                copy.leaves = [Leaf::Right; LEAVES];
                Ok(Stage::Verify)
            }
            Stage::Verify if !there => {
                if !agent.disk.copies.contains_key(&digest) || !self.verify(index, digest) {
                    return Ok(Stage::Begin);
                }
                let agent = &mut self.agents[index];
                agent.disk.copies.get_mut(&digest).expect("it was verified").under_final_name = true;
                let memory = agent.memory.as_mut().expect("it lives");
                memory.phases.insert(digest, Phase::Registering);
                memory.failed.remove(&Object::Replica(digest));
                Ok(Stage::Commit)
            }
            _ => {
                agent.disk.published.insert(id, digest);
                Ok(Stage::End)
            }
        }
    }

    fn make_host(&mut self, index: usize, id: HostId, stage: Stage) -> Result<Stage, Failure> {
        let agent = &self.agents[index];
        let order = agent.orders().and_then(|orders| orders.hosts.iter().find(|order| order.id == id));
        let Some(order) = order else { return Ok(Stage::End) };
        if agent.held(&order.version.digest) != Held::Ready {
            return Err((Code::H0006, "its replica is not ready".into()));
        }
        if !agent.hypervisor_answers {
            return Err((Code::H0001, "the hypervisor does not answer".into()));
        }
        match stage {
            Stage::Begin => {
                self.agents[index].disk.hosts.insert(id, false);
                Ok(Stage::Transfer)
            }
            Stage::Transfer => {
                let copy = &agent.disk.copies[&order.version.digest];
                let ready = copy.registered && copy.under_final_name && copy.was_proven();
                self.promise(ready, || format!("host {id} is made from a replica that is not ready"));
                let again = self.known_made.contains(&id);
                self.promise(!again, || format!("host {id}, made before, is made again"));
                self.agents[index].disk.hosts.insert(id, true);
                Ok(Stage::Commit)
            }
            _ => {
                self.agents[index].disk.hosts_made.insert(id);
                Ok(Stage::End)
            }
        }
    }

    fn remove_host(&mut self, index: usize, id: HostId, stage: Stage) -> Stage {
        let disk = &mut self.agents[index].disk;
        if stage == Stage::Begin {
            disk.hosts.insert(id, false);
            return Stage::Commit;
        }
        disk.hosts.remove(&id);
        disk.hosts_made.remove(&id);
        Stage::End
    }

    fn operate(&mut self, index: usize, id: OperationId) -> Stage {
        let orders = self.agents[index].orders().expect("it acts by order");
        let act =
            orders.operations.iter().find(|operation| operation.id == id).map(|there| there.act.clone());
        if let Some(Act::VerifyReplica { digest }) = act {
            self.scrub(index, digest);
        }
        self.agents[index].disk.operations_ended.insert(id);
        Stage::End
    }

    /// Reads a copy that stands, and says if it has changed.
    pub(crate) fn scrub(&mut self, index: usize, digest: Digest) {
        let agent = &self.agents[index];
        let busy =
            agent.memory.as_ref().is_none_or(|memory| memory.tasks.contains_key(&Object::Replica(digest)));
        if !busy && agent.held(&digest) == Held::Ready && !agent.disk.copies[&digest].is_right() {
            self.event(index, digest, Event::Mismatched);
            let agent = &mut self.agents[index];
            agent.memory.as_mut().expect("it lives").changed.insert(digest);
            let name = agent.name.clone();
            self.tell(|| format!("{name} finds {} changed", digest.short()));
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
        Step::Operate(_) => "an operation".into(),
        Step::Cancel(_) => format!("to stop something on `{NETWORK}`"),
    }
}

/// Simulated identities are small numbers.
pub(crate) fn short(id: HostId) -> u128 {
    id.as_uuid().as_u128()
}
