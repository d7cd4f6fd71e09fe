//! The world: one server, some agents, a network, and a clock that jumps from second to second.

use crate::{
    agent::{NETWORK, SimAgent},
    dice::Dice,
    disk::{Disk, LEAVES},
    network::{Message, Network},
    server::{SimServer, Stored},
    story::{Broken, SENTENCES_KEPT, Story},
};
use diecast_domain::{
    agent::{self, Local, Step},
    assignment::{self, Acceptance, Assignment, Orders, Refusal},
    digest::Digest,
    generation::Generation,
    ids::{HostId, ProviderId, TemplateId},
    plan::{ProviderInWorld, World},
    provider::{ProviderSettings, ProviderState, REPORT_INTERVAL},
    reconcile::{self, Changes},
    units::Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The rules the world is played by. Tests break one of them to see that it is noticed.
#[derive(Clone, Copy)]
pub struct Rules {
    pub decide: fn(&Orders, &Local) -> Vec<Step>,
    pub due: fn(&World, Timestamp) -> Changes,
    pub accept: fn(ProviderId, &mut Option<Assignment>, Assignment) -> Result<Acceptance, Refusal>,
    /// The whole is read and compared before it is registered.
    pub verifies: bool,
    /// What arrives from a source is compared before it is written.
    pub checks_arrivals: bool,
}

impl Rules {
    pub const REAL: Self = Self {
        decide: agent::decide,
        due: reconcile::due,
        accept: assignment::accept,
        verifies: true,
        checks_arrivals: true,
    };
}

/// Seconds during which everything goes wrong.
pub const STORM_SECONDS: u64 = 240;
/// Seconds after which a world without faults must have settled: three of the longest pauses, for
/// a replica, for what waits on it, and for what both had failed at before.
pub const CALM_SECONDS_MAX: u64 = 3 * 300 + 300;

pub struct Sim {
    pub seed: u64,
    pub now: Timestamp,
    pub rules: Rules,
    pub dice: Dice,
    pub network: Network,
    pub server: SimServer,
    pub agents: Vec<SimAgent>,
    pub story: Story,
    pub hostile: bool,
    /// Hosts that the server has once known to be made, by incarnation.
    pub known_made: BTreeSet<(HostId, u32)>,
    /// Hosts that another hand took from their hypervisor.
    pub taken: BTreeSet<HostId>,
    pub backup: Option<Stored>,
    pub restored: bool,
    /// How often each leaf of a version came into a site from another.
    pub crossed: BTreeMap<(String, Digest, usize), u32>,
    pub(crate) acted: BTreeMap<(ProviderId, Generation), Orders>,
    pub(crate) broken: Option<String>,
    next_id: u128,
}

impl Sim {
    /// A quiet world of `providers` that have all joined, and no template.
    pub fn quiet(seed: u64, providers: usize) -> Self {
        let mut sim = Self {
            seed,
            now: Timestamp(1_000_000),
            rules: Rules::REAL,
            dice: Dice::new(seed),
            network: Network::default(),
            server: SimServer::default(),
            agents: Vec::new(),
            story: Story::keeping(SENTENCES_KEPT),
            hostile: false,
            known_made: BTreeSet::new(),
            taken: BTreeSet::new(),
            backup: None,
            restored: false,
            crossed: BTreeMap::new(),
            acted: BTreeMap::new(),
            broken: None,
            next_id: 1000,
        };
        sim.server.stored.epoch = 1;
        sim.server.started = sim.now;
        for number in 1..=providers {
            sim.add_provider(number);
        }
        sim
    }

    fn add_provider(&mut self, number: usize) {
        let id = ProviderId::from_uuid(Uuid::from_u128(number as u128));
        let name = format!("kvm-{number}");
        let settings = ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: BTreeMap::new(),
        };
        let there = ProviderInWorld {
            name: name.parse().expect("it is a label"),
            state: ProviderState::AwaitingAgent,
            since: self.now,
            settings,
            addresses: Vec::new(),
            problem: None,
            storage_free: None,
            storage_capacity: None,
            limit: None,
            scrub: Default::default(),
            site: None,
        };
        let mut agent = SimAgent {
            id,
            name: there.name.clone(),
            disk: Disk::new(4 * LEAVES),
            memory: None,
            dead_until: self.now,
            slowness: 1,
            lies: false,
            hypervisor_answers: true,
            golden_runs: false,
            networks: BTreeSet::from([NETWORK.to_owned(), "lab".to_owned()]),
            used: BTreeSet::new(),
            bad: BTreeSet::new(),
        };
        agent.start(self.fresh());
        self.agents.push(agent);
        self.server.stored.world.providers.insert(id, there);
    }

    /// An identity that was never used.
    pub fn fresh(&mut self) -> u128 {
        self.next_id += 1;
        self.next_id
    }

    pub fn provider(&self, number: u128) -> ProviderId {
        ProviderId::from_uuid(Uuid::from_u128(number))
    }

    pub fn agent(&mut self, number: usize) -> &mut SimAgent {
        &mut self.agents[number - 1]
    }

    pub fn tell(&mut self, sentence: impl FnOnce() -> String) {
        let now = self.now;
        self.story.tell(now, sentence());
    }

    /// Remembers the first promise that was broken.
    pub(crate) fn promise(&mut self, holds: bool, promise: impl FnOnce() -> String) {
        if !holds && self.broken.is_none() {
            let promise = promise();
            self.tell(|| format!("BROKEN: {promise}"));
            self.broken = Some(promise);
        }
    }

    /// One second of everybody's life.
    pub fn second(&mut self) -> Result<(), Broken> {
        self.now = Timestamp(self.now.0 + 1000);
        self.network.heal(self.now);
        for message in self.network.arrived(self.now, &mut self.dice) {
            self.deliver(message);
        }
        self.let_the_server_work();
        for index in 0..self.agents.len() {
            self.let_live(index);
        }
        self.check();
        self.verdict()
    }

    /// Runs for `seconds`, without faults but those that a story made.
    pub fn run(&mut self, seconds: u64) -> Result<(), Broken> {
        (0..seconds).try_for_each(|_| self.second())
    }

    pub fn verdict(&self) -> Result<(), Broken> {
        match &self.broken {
            None => Ok(()),
            Some(promise) => Err(self.story_of(promise.clone())),
        }
    }

    fn story_of(&self, promise: String) -> Broken {
        Broken { seed: self.seed, promise, story: self.story.to_string() }
    }

    /// Runs until everything is as it should be. The seconds it took.
    pub fn settle(&mut self) -> Result<u64, Broken> {
        for seconds in 0..CALM_SECONDS_MAX {
            self.second()?;
            self.give_up_lost_copies();
            if self.unsettled().is_none() {
                return Ok(seconds);
            }
        }
        let lacks = self.unsettled().unwrap_or_default();
        Err(self.story_of(format!("after {CALM_SECONDS_MAX} quiet seconds: {lacks}")))
    }

    fn deliver(&mut self, message: Message) {
        match message {
            Message::Assignment(assignment) => self.offer(*assignment),
            Message::Report(report) if self.server.is_up() => {
                let (id, generation) = (report.provider, report.generation);
                let draw = self.dice.draw();
                let Some(changes) = self.server.hear(*report, self.now, draw) else { return };
                self.note(&changes);
                // A poll is answered with what the agent has not seen.
                let told = self.server.stored.told.get(&id).filter(|told| told.generation > generation);
                if let Some(told) = told.cloned() {
                    self.network.send(Message::Assignment(Box::new(told)), self.now, &mut self.dice);
                }
            }
            Message::Report(_) => {}
        }
    }

    /// Hands an assignment to its agent, which keeps it before it acts.
    pub fn offer(&mut self, assignment: Assignment) {
        let id = assignment.orders.provider;
        let Some(index) = self.agents.iter().position(|agent| agent.id == id) else { return };
        if self.agents[index].memory.is_none() {
            return;
        }
        let accept = self.rules.accept;
        let agent = &mut self.agents[index];
        let before = agent.disk.assignment.as_ref().map(|held| held.generation);
        let outcome = accept(id, &mut agent.disk.assignment, assignment);
        let name = agent.name.clone();
        match outcome {
            Ok(Acceptance::Taken) => self.taken_on(index, before),
            Ok(Acceptance::Repeated) => {}
            Err(refusal) => self.tell(|| format!("{name} refuses: {refusal}")),
        }
    }

    fn taken_on(&mut self, index: usize, before: Option<Generation>) {
        let agent = &self.agents[index];
        let held = agent.disk.assignment.clone().expect("it was just taken");
        let (id, name, generation) = (agent.id, agent.name.clone(), held.generation);
        self.promise(before.is_none_or(|before| before < generation), || {
            format!("{name} went back to generation {generation}")
        });
        let acted = self.acted.insert((id, generation), held.orders.clone());
        self.promise(acted.is_none_or(|acted| acted == held.orders), || {
            format!("{name} acts on two assignments of generation {generation}")
        });
        // An agent forgets failures at what it is no longer asked for.
        let orders = held.orders;
        let memory = self.agents[index].memory.as_mut().expect("it lives");
        memory.failed.retain(|object, _| match object {
            agent::Object::Replica(digest) => orders.replica(digest).is_some(),
            agent::Object::Host(id) => orders.hosts.iter().any(|order| order.id == *id),
            agent::Object::Publication(id) => orders.publications.iter().any(|order| order.id == *id),
            agent::Object::WorkingCopy(id) => orders.working_copies.iter().any(|order| order.id == *id),
            agent::Object::Operation(_) | agent::Object::Bundle(_) => false,
        });
        self.tell(|| format!("{name} takes generation {generation}"));
    }

    fn let_the_server_work(&mut self) {
        if let Some(until) = self.server.down_until {
            if until > self.now {
                return;
            }
            self.server.restart(self.now);
            self.tell(|| "the server is back".into());
        }
        self.server.watch(self.now);
        let changes = self.server.due(self.now, self.rules.due);
        if !changes.is_empty() {
            let before = self.server.stored.world.clone();
            changes.clone().apply(&mut self.server.stored.world, self.now);
            self.check_rollout(&before, &changes);
            self.note(&changes);
            self.carry_out(&changes);
        }
        if self.hostile && self.dice.once_in(400) {
            return self.stop_server();
        }
        for assignment in self.server.plan(self.now) {
            self.check_told(&assignment);
            self.network.send(Message::Assignment(Box::new(assignment)), self.now, &mut self.dice);
        }
    }

    pub fn stop_server(&mut self) {
        let seconds = 1 + self.dice.below(20) as i64;
        self.server.down_until = Some(Timestamp(self.now.0 + 1000 * seconds));
        self.tell(|| "the server stops".into());
    }

    fn note(&mut self, changes: &Changes) {
        for transition in &changes.transitions {
            let code = transition.code.map(|code| format!(" ({code})")).unwrap_or_default();
            self.tell(|| format!("server: {}{code}", transition.sentence));
        }
        let made = changes.hosts.iter().filter_map(|(_, host)| host.as_ref()).filter(|host| host.made);
        self.known_made.extend(made.map(|host| (host.id, host.incarnation)));
    }

    fn let_live(&mut self, index: usize) {
        let second = self.now.0 as u64 / 1000;
        let session = self.fresh();
        let agent = &mut self.agents[index];
        if agent.memory.is_none() {
            if agent.dead_until > self.now {
                return;
            }
            agent.start(session);
            let name = agent.name.clone();
            self.tell(|| format!("{name} is back"));
        }
        let agent = &mut self.agents[index];
        if (second + index as u64).is_multiple_of(REPORT_INTERVAL.as_secs())
            && let Some(report) = agent.report()
        {
            self.check_report(index, &report);
            self.network.send(Message::Report(Box::new(report)), self.now, &mut self.dice);
        }
        // Now and then an agent looks through what it holds.
        if (second + index as u64).is_multiple_of(40) {
            let there: Vec<_> = self.agents[index].disk.copies.keys().copied().collect();
            there.into_iter().for_each(|digest| self.scrub(index, digest));
        }
        if second.is_multiple_of(self.agents[index].slowness) {
            self.work(index);
        }
    }

    /// The process dies between two steps, and comes back after `seconds`.
    pub fn kill(&mut self, index: usize, seconds: u64) {
        let agent = &mut self.agents[index];
        agent.memory = None;
        agent.dead_until = Timestamp(self.now.0 + 1000 * seconds as i64);
        let name = agent.name.clone();
        self.tell(|| format!("{name} is killed for {seconds} s"));
    }

    pub fn templates(&self) -> Vec<TemplateId> {
        self.server.stored.world.templates.keys().copied().collect()
    }
}
