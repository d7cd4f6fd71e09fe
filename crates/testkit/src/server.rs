//! The server: stored wishes, memory of reports, and the domain's own decisions.

use diecast_domain::{
    assignment::Assignment,
    generation::Generation,
    ids::ProviderId,
    plan::{Plan, ToldLinks, World},
    provider::{self, ProviderState},
    reconcile::{self, Changes, Heard, Hearing, Heed},
    report::Report,
    units::Timestamp,
};
use std::collections::BTreeMap;

/// What survives a crash of the server, and what a backup holds.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub world: World,
    pub told: BTreeMap<ProviderId, Assignment>,
    pub epoch: u64,
}

#[derive(Clone, Debug, Default)]
pub struct SimServer {
    /// `stored.world.replicas` and the providers' states are memory: a restart forgets them.
    pub stored: Stored,
    hearings: BTreeMap<ProviderId, (Hearing, bool)>,
    /// What each agent said last that it follows.
    follows: BTreeMap<ProviderId, Generation>,
    pub started: Timestamp,
    /// Down until then.
    pub down_until: Option<Timestamp>,
    /// Something changed since the last planning.
    pub dirty: bool,
}

impl SimServer {
    pub fn is_up(&self) -> bool {
        self.down_until.is_none()
    }

    /// Begins again from what is stored.
    pub fn restart(&mut self, now: Timestamp) {
        self.hearings.clear();
        self.follows.clear();
        let world = &mut self.stored.world;
        world.replicas.clear();
        world.unassigned.clear();
        world.host_reports.clear();
        world.working_copies.clear();
        self.started = now;
        self.down_until = None;
        self.dirty = true;
        self.watch(now);
    }

    /// Takes an older state, under a higher epoch.
    pub fn restore(&mut self, backup: Stored, now: Timestamp) {
        let epoch = self.stored.epoch + 1;
        self.stored = Stored { epoch, ..backup };
        self.restart(now);
    }

    /// Looks at the clock: who answers.
    pub fn watch(&mut self, now: Timestamp) {
        for (id, there) in &mut self.stored.world.providers {
            let (heard, answers) =
                self.hearings.get(id).map_or((None, false), |(hearing, answers)| (hearing.heard(), *answers));
            let state = provider::state(heard, answers, now);
            if state != there.state {
                (there.state, there.since) = (state, now);
                self.dirty = true;
            }
        }
    }

    /// Takes a report. Some(changes) if it was believed.
    pub fn hear(&mut self, report: Report, now: Timestamp, draw: u64) -> Option<Changes> {
        let id = report.provider;
        let name = self.stored.world.providers.get(&id)?.name.clone();
        let (hearing, answers) = self.hearings.entry(id).or_default();
        if hearing.heed(&report, now) != Heed::Fresh {
            return None;
        }
        *answers = report.hypervisor_problem.is_none();
        let followed = self.follows.insert(id, report.generation);
        self.dirty |= followed != Some(report.generation) && !self.stored.world.links.is_empty();
        let told = self.stored.told.get(&id).filter(|told| told.generation.epoch == self.stored.epoch);
        let heard = Heard { report: &report, name: &name, told, now, draw };
        let changes = reconcile::after_report(&self.stored.world, &heard);
        let world = &mut self.stored.world;
        let before = world.replicas.iter().filter(|((provider, _), _)| *provider == id);
        let same = before.clone().count() == report.replicas.len()
            && before.zip(&report.replicas).all(|((_, before), now)| before == now);
        if !same {
            world.replicas.retain(|(provider, _), _| *provider != id);
            world.replicas.extend(report.replicas.into_iter().map(|replica| ((id, replica.digest), replica)));
        }
        world.unassigned.insert(id, report.unassigned.into_iter().collect());
        world.host_reports.extend(report.hosts.into_iter().map(|host| (host.id, host)));
        world.working_copies.extend(report.working_copies.into_iter().map(|copy| (copy.id, copy)));
        self.dirty |= !same || !changes.is_empty();
        changes.clone().apply(&mut self.stored.world, now);
        self.watch(now);
        Some(changes)
    }

    /// What time alone changes; the caller applies it. Right after a start nobody is heard yet, and all would look silent.
    pub fn due(&mut self, now: Timestamp, due: fn(&World, Timestamp) -> Changes) -> Changes {
        if !reconcile::knows_enough(&self.stored.world, self.started, now) {
            return Changes::default();
        }
        let changes = due(&self.stored.world, now);
        self.dirty |= !changes.is_empty();
        changes
    }

    /// What share of limited site links each was told, and whether it said that it follows that.
    fn told_links(&self) -> BTreeMap<ProviderId, ToldLinks> {
        let told = self.stored.told.iter().map(|(id, told)| {
            let is_followed = self.follows.get(id) == Some(&told.generation);
            (*id, ToldLinks { is_followed, links: told.orders.limits.links.clone() })
        });
        told.filter(|_| !self.stored.world.links.is_empty()).collect()
    }

    /// Writes new assignments for those that answer, where what they should do has changed.
    pub fn plan(&mut self, now: Timestamp) -> Vec<Assignment> {
        if !reconcile::knows_enough(&self.stored.world, self.started, now) || !self.dirty {
            return Vec::new();
        }
        self.dirty = false;
        let mut told = Vec::new();
        self.stored.world.told_links = self.told_links();
        let plan = Plan::of(&self.stored.world);
        for (id, there) in &self.stored.world.providers {
            if !matches!(there.state, ProviderState::Available | ProviderState::HypervisorSilent) {
                continue;
            }
            let orders = plan.orders(*id).expect("the provider is in the world");
            if let Some(next) = reconcile::tell(self.stored.epoch, self.stored.told.get(id), orders) {
                self.stored.told.insert(*id, next.clone());
                told.push(next);
            }
        }
        told
    }
}
