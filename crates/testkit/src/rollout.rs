//! Operators who change templates and roll them out, and people who use the hosts.

use crate::sim::Sim;
use diecast_domain::{
    code::Code,
    host::{Host, HostKind},
    ids::{HostId, MaintenanceId, PoolId, ProviderId, PublicationId, RecreationId, TemplateId},
    maintenance::{Discarded, IfUnavailable, Leave, Maintenance, RecreateWish, Stage},
    plan::TemplateInWorld,
    pool::{self, Follow, Placement, Pool},
    reconcile::Changes,
    recreation::{self, Reach, Recreation, Terms, Waves, Wish},
    template::{Publication, PublicationSource},
    wishes,
};
use uuid::Uuid;

/// Seconds in which a host of a simulated world comes up, if it does.
const HEALTH_SECONDS: u32 = 30;

impl Sim {
    fn list(&mut self, template: TemplateId) -> Option<&mut TemplateInWorld> {
        self.server.dirty = true;
        self.server.stored.world.templates.get_mut(&template)
    }

    pub fn enter_maintenance(&mut self, template: TemplateId) -> bool {
        let (world, now) = (&self.server.stored.world, self.now);
        let Ok((provider, base)) = wishes::may_enter_maintenance(world, template, None, now) else {
            return false;
        };
        let id = MaintenanceId::from_uuid(Uuid::from_u128(self.fresh()));
        self.tell(|| format!("operator: `{}` into maintenance on {provider}", base.name));
        let maintenance = Maintenance {
            id,
            provider,
            base,
            stage: Stage::Entering,
            macs: Vec::new(),
            attempt: 1,
            next_attempt_at: None,
            problem: None,
            author: "operator".into(),
            since: now,
            leave: None,
        };
        self.list(template).expect("the check found it").maintenance = Some(maintenance);
        true
    }

    /// Leaves maintenance, if it is open; its hosts are recreated at once, or later.
    pub fn leave_maintenance(&mut self, template: TemplateId, recreate: RecreateWish) -> bool {
        let recreation = RecreationId::from_uuid(Uuid::from_u128(self.fresh()));
        let id = PublicationId::from_uuid(Uuid::from_u128(self.fresh()));
        let terms = self.terms();
        let Some(list) = self.list(template) else { return false };
        let Some(there) = list.maintenance.as_mut().filter(|there| there.stage == Stage::Open) else {
            return false;
        };
        there.stage = Stage::Leaving;
        there.leave = Some(Leave {
            note: None,
            author: "operator".into(),
            recreate,
            if_unavailable: IfUnavailable::Proceed,
            terms,
            recreation,
        });
        let source = PublicationSource::WorkingCopy {
            maintenance: there.id,
            base: there.base.clone(),
            shutdown_seconds: 1,
            force: false,
        };
        let provider = there.provider;
        let publication = Publication {
            id,
            provider,
            source,
            trim: false,
            attempt: 1,
            next_attempt_at: None,
            problem: None,
        };
        list.publication = Some(publication);
        let name = list.name.clone();
        self.tell(|| format!("operator: `{name}` out of maintenance"));
        true
    }

    pub fn cancel_maintenance(&mut self, template: TemplateId) {
        let Some(list) = self.list(template) else { return };
        let Some(there) = list.maintenance.take() else { return };
        list.publication = None;
        let (base, provider) = (there.base.digest, there.provider);
        list.discarded.push(Discarded { id: there.id, provider, base, after: None });
        let name = list.name.clone();
        self.tell(|| format!("operator: the maintenance of `{name}` is cancelled"));
    }

    fn terms(&mut self) -> Terms {
        let waves = match self.dice.below(3) {
            0 => Waves::AtATime(1 + self.dice.below(3) as u32),
            1 => Waves::Reaching(vec![Reach::Hosts(1), Reach::Percent(50), Reach::Percent(100)]),
            _ => Waves::default(),
        };
        let failures_max = self.dice.once_in(3).then_some(1);
        Terms { waves, deadline: None, failures_max, health_seconds: HEALTH_SECONDS }
    }

    /// Recreates the outdated hosts of a template, each on what it should be of.
    pub fn recreate_outdated(&mut self, template: TemplateId) -> Option<RecreationId> {
        let id = RecreationId::from_uuid(Uuid::from_u128(self.fresh()));
        let terms = self.terms();
        let world = &self.server.stored.world;
        let target = world.templates.get(&template)?.current.clone()?;
        let moves = |host: &&Host| {
            !host.deleting
                && host.template == template
                && host.digest != target.digest
                && recreation::should_be(world, host) == Some(&target)
        };
        let hosts: Vec<HostId> = world.hosts.iter().filter(moves).map(|host| host.id).collect();
        if hosts.is_empty() {
            return None;
        }
        self.tell(|| format!("operator: {} hosts to v{} of `{}`", hosts.len(), target.number, target.name));
        let wish = Wish {
            id,
            target,
            hosts,
            terms,
            refresh: false,
            if_unavailable: IfUnavailable::Proceed,
            begins_at: self.now,
            author: "operator".into(),
        };
        self.server.stored.world.recreations.push(Recreation::new(wish, self.now));
        self.server.dirty = true;
        Some(id)
    }

    /// Makes another version current, or lets one go; what is refused is left.
    fn choose_a_version(&mut self, template: TemplateId, delete: bool) {
        let Some(list) = self.server.stored.world.templates.get(&template) else { return };
        let numbers: Vec<u32> = list.versions.iter().map(|version| version.number).collect();
        let Some(number) = self.dice.pick(&numbers) else { return };
        let world = &mut self.server.stored.world;
        let mut changes = Changes::default();
        if delete && wishes::may_delete_version(world, template, number).is_ok() {
            changes.versions_deleting.push((template, number));
        } else if !delete && wishes::may_activate_version(world, template, number).is_ok() {
            changes.current.push((template, number));
        } else {
            return;
        }
        changes.apply(world, self.now);
        self.server.dirty = true;
        self.tell(|| format!("operator: v{number} is {}", if delete { "deleted" } else { "current" }));
    }

    pub fn create_pool(&mut self, template: TemplateId, min: u32, max: u32, spare: u32) -> PoolId {
        let number = self.fresh();
        let id = PoolId::from_uuid(Uuid::from_u128(number));
        let replace_elsewhere = self.dice.once_in(2).then_some(30);
        let pool = Pool {
            id,
            name: format!("pool-{number}").parse().expect("it is a label"),
            template,
            follow: Follow::Newest,
            min,
            max,
            spare,
            pattern: format!("p{number}-{{nn}}").parse().expect("it is a pattern"),
            kind: HostKind::Linked,
            placement: Placement::default(),
            setup: Default::default(),
            replace_elsewhere,
            terms: Terms::default(),
            problem: None,
            deleting: false,
            delete_data: false,
            created_at: self.now,
        };
        self.tell(|| format!("operator: {} of {min} to {max} hosts, {spare} spare", pool.name));
        self.server.stored.world.pools.push(pool);
        self.server.dirty = true;
        id
    }

    /// What the decisions leave to whoever stores them: the identities of hosts that pools want.
    pub(crate) fn carry_out(&mut self, changes: &Changes) {
        for (pool, provider) in &changes.hosts_wanted {
            self.host_of_pool(*pool, *provider);
        }
    }

    fn host_of_pool(&mut self, pool: PoolId, provider: ProviderId) {
        let id = HostId::from_uuid(Uuid::from_u128(self.fresh()));
        let world = &mut self.server.stored.world;
        let Some(pool) = world.pools.iter().find(|there| there.id == pool) else { return };
        let version = world.templates.get(&pool.template).and_then(|list| pool::version(pool, list));
        let Some(version) = version.cloned() else { return };
        let host = Host {
            id,
            name: format!("h{}", id.as_uuid().as_u128()).parse().expect("it is a label"),
            provider,
            template: pool.template,
            version: version.number,
            digest: version.digest,
            kind: pool.kind,
            macs: Vec::new(),
            attempt: 1,
            next_attempt_at: None,
            problem: None,
            made: false,
            deleting: false,
            delete_data: false,
            created_at: self.now,
            setup: pool.setup.clone(),
            pool: Some(pool.id),
            incarnation: 1,
            restores: None,
            previous: None,
        };
        let name = pool.name.clone();
        world.hosts.push(host);
        self.server.dirty = true;
        self.tell(|| format!("server: host {} for {name} on {provider}", crate::acts::short(id)));
    }

    /// Somebody signs in or out.
    pub(crate) fn somebody_comes_or_goes(&mut self) {
        let index = self.dice.below(self.agents.len() as u64) as usize;
        let there = self.agents[index].disk.hosts.iter().filter(|(_, stands)| **stands).map(|(id, _)| *id);
        let there: Vec<HostId> = there.collect();
        let Some(host) = self.dice.pick(&there) else { return };
        let used = &mut self.agents[index].used;
        if !used.remove(&host) {
            used.insert(host);
        }
    }

    /// Some operator rolls something out.
    pub(crate) fn roll_out_at_random(&mut self, template: TemplateId) {
        match self.dice.below(12) {
            0..=2 => drop(self.enter_maintenance(template)),
            3..=5 => {
                let now = self.dice.once_in(2);
                let recreate = if now { RecreateWish::Now } else { RecreateWish::Later };
                self.leave_maintenance(template, recreate);
            }
            6 => self.cancel_maintenance(template),
            7 => drop(self.recreate_outdated(template)),
            8 => self.choose_a_version(template, false),
            9 => self.choose_a_version(template, true),
            10 if self.server.stored.world.pools.is_empty() => {
                let (min, more, spare) = (self.dice.below(3), self.dice.below(3), self.dice.below(3));
                self.create_pool(template, min as u32, (min + more) as u32, spare as u32);
            }
            10 => {
                let (size, gone) = (self.dice.below(4) as u32, self.dice.once_in(4));
                for pool in &mut self.server.stored.world.pools {
                    (pool.min, pool.max) = (size.min(pool.min + 1), size.max(1));
                    pool.deleting |= gone;
                }
                self.tell(|| format!("operator: the pool is resized to {size}, deleted: {gone}"));
            }
            _ => {
                let recreations = self.server.stored.world.recreations.iter_mut();
                let running = recreations.filter(|recreation| !recreation.stage.is_over());
                running.take(1).for_each(|recreation| recreation.cancelling = true);
            }
        }
    }

    /// An operator who is told that a working copy's disks are gone cancels.
    pub(crate) fn give_up_lost_copies(&mut self) {
        let lost: Vec<TemplateId> = self
            .server
            .stored
            .world
            .templates
            .iter()
            .filter(|(_, list)| {
                let problem = list.maintenance.as_ref().and_then(|there| there.problem.as_ref());
                problem.is_some_and(|problem| problem.code == Code::M0003)
            })
            .map(|(id, _)| *id)
            .collect();
        lost.into_iter().for_each(|template| self.cancel_maintenance(template));
    }

    /// When the storm is over: everybody goes home, and open maintenance is cancelled.
    pub(crate) fn end_rollouts(&mut self) {
        self.agents.iter_mut().for_each(|agent| agent.used.clear());
        self.agents.iter_mut().for_each(|agent| agent.used.clear());
        for template in self.templates() {
            let list = &self.server.stored.world.templates[&template];
            if list.maintenance.as_ref().is_some_and(|there| there.stage != Stage::Leaving) {
                self.cancel_maintenance(template);
            }
        }
        for recreation in &mut self.server.stored.world.recreations {
            recreation.proceed = true;
        }
    }
}
