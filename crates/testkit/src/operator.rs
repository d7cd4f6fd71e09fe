//! Operators: they wish for things, and every wish passes the domain's own checks.

use crate::{agent::NETWORK, sim::Sim};
use diecast_domain::{
    assignment::{Act, Operation},
    distribution::{Desire, Member},
    host::{Host, HostKind},
    ids::{HostId, OperationId, ProviderId, PublicationId, TemplateId},
    plan::TemplateInWorld,
    reconcile,
    template::{Publication, PublicationSource, TemplateStatus},
    wishes,
};
use uuid::Uuid;

/// Templates and hosts a random world has at most, so that it stays small enough to read.
const TEMPLATES_MAX: usize = 3;
const HOSTS_MAX: usize = 5;
/// Golden machines. Fewer than the templates made in a long life, so that two may have one content.
const GOLDEN_MACHINES: u64 = 5;

impl Sim {
    /// Publishes golden machine `golden` of `source` to everyone in `to`.
    pub fn create_template(&mut self, golden: u64, source: ProviderId, to: &[ProviderId]) -> TemplateId {
        let id = TemplateId::from_uuid(Uuid::from_u128(self.fresh()));
        let publication = Publication {
            id: PublicationId::from_uuid(Uuid::from_u128(self.fresh())),
            provider: source,
            source: PublicationSource::Vm { name: format!("golden-{golden}") },
            trim: false,
            attempt: 1,
            next_attempt_at: None,
            problem: None,
        };
        let members = to.iter().chain([&source]).map(|id| (*id, Member::new(false, self.now))).collect();
        let list = TemplateInWorld {
            maintenance: None,
            discarded: Vec::new(),
            deleting: Default::default(),
            tags: Default::default(),
            numbered: 0,
            keep: 2,
            name: format!("t{}", id.as_uuid().as_u128()).parse().expect("it is a label"),
            status: TemplateStatus::Creating,
            concurrency: 2,
            limit: None,
            current: None,
            versions: Vec::new(),
            publication: Some(publication),
            members,
        };
        self.tell(|| format!("operator: template `{}` from golden-{golden} of {source}", list.name));
        self.server.stored.world.templates.insert(id, list);
        self.server.dirty = true;
        id
    }

    pub fn create_host(&mut self, template: TemplateId, provider: ProviderId) -> Option<HostId> {
        wishes::may_create_host(&self.server.stored.world, template, provider).ok()?;
        let id = HostId::from_uuid(Uuid::from_u128(self.fresh()));
        let current = self.server.stored.world.templates[&template].current.clone()?;
        let host = Host {
            id,
            name: format!("h{}", id.as_uuid().as_u128()).parse().expect("it is a label"),
            provider,
            template,
            version: current.number,
            digest: current.digest,
            kind: HostKind::Linked,
            macs: Vec::new(),
            attempt: 1,
            next_attempt_at: None,
            problem: None,
            made: false,
            deleting: false,
            delete_data: false,
            created_at: self.now,
            setup: Default::default(),
            pool: None,
            incarnation: 1,
            restores: None,
            previous: None,
        };
        self.tell(|| format!("operator: host `{}` of `{}` on {provider}", host.name, current.name));
        self.server.stored.world.hosts.push(host);
        self.server.dirty = true;
        Some(id)
    }

    /// Takes a provider off a list, if that is allowed. Nor does this operator take the last copy
    /// that is truly intact: rot of all the others that nobody has found yet is beyond any promise.
    pub fn remove_member(&mut self, template: TemplateId, provider: ProviderId, when_free: bool) -> bool {
        let world = &mut self.server.stored.world;
        if wishes::may_remove_member(world, template, provider, when_free).is_err() {
            return false;
        }
        let digest = world.templates[&template].current.as_ref().map(|version| version.digest);
        let index = self.agents.iter().position(|agent| agent.id == provider).expect("it was added");
        if digest.is_some_and(|digest| !self.intact_elsewhere(index, &digest)) {
            return false;
        }
        let world = &mut self.server.stored.world;
        let list = world.templates.get_mut(&template).expect("the check found it");
        let name = list.name.clone();
        list.members.get_mut(&provider).expect("the check found it").desire = Desire::Remove { when_free };
        self.server.dirty = true;
        self.tell(|| format!("operator: `{name}` off {provider}, when free: {when_free}"));
        true
    }

    pub fn add_member(&mut self, template: TemplateId, provider: ProviderId) {
        let now = self.now;
        let Some(list) = self.server.stored.world.templates.get_mut(&template) else { return };
        if list.status == TemplateStatus::Deleting {
            return;
        }
        let name = list.name.clone();
        list.members.entry(provider).or_insert_with(|| Member::new(true, now)).desire = Desire::Hold;
        self.server.dirty = true;
        self.tell(|| format!("operator: `{name}` to {provider}"));
    }

    pub fn delete_template(&mut self, template: TemplateId) -> bool {
        let world = &mut self.server.stored.world;
        if wishes::may_delete_template(world, template).is_err() {
            return false;
        }
        let list = world.templates.get_mut(&template).expect("the check found it");
        list.status = TemplateStatus::Deleting;
        let name = list.name.clone();
        self.server.dirty = true;
        self.tell(|| format!("operator: delete `{name}`"));
        true
    }

    pub fn map_network(&mut self, provider: ProviderId, to: &str) {
        if let Some(there) = self.server.stored.world.providers.get_mut(&provider) {
            there.settings.networks.insert(NETWORK.into(), to.into());
            self.server.dirty = true;
            self.tell(|| format!("operator: {NETWORK} is {to} on {provider}"));
        }
    }

    /// Gives up a provider that died, if that is allowed.
    pub fn forget(&mut self, provider: ProviderId) -> bool {
        let world = &mut self.server.stored.world;
        if wishes::may_remove_provider(world, provider, true).is_err() {
            return false;
        }
        world.providers.remove(&provider);
        world.hosts.retain(|host| host.provider != provider);
        world.operations.remove(&provider);
        world.replicas.retain(|(id, _), _| *id != provider);
        for list in world.templates.values_mut() {
            list.members.remove(&provider);
        }
        self.server.stored.told.remove(&provider);
        self.server.dirty = true;
        self.tell(|| format!("operator: forget {provider}"));
        true
    }

    /// Deletes the hosts that somebody's removal waits for.
    pub(crate) fn drain(&mut self) {
        let world = &mut self.server.stored.world;
        for host in &mut world.hosts {
            let member =
                world.templates.get(&host.template).and_then(|list| list.members.get(&host.provider));
            host.deleting |= member.is_some_and(|member| member.desire != Desire::Hold);
        }
        self.server.dirty = true;
    }

    /// Some operator does something.
    pub(crate) fn operate_at_random(&mut self) {
        let providers: Vec<_> = self.server.stored.world.providers.keys().copied().collect();
        let Some(provider) = self.dice.pick(&providers) else { return };
        let templates = self.templates();
        let template = self.dice.pick(&templates);
        if templates.len() < TEMPLATES_MAX && (template.is_none() || self.dice.once_in(6)) {
            let golden = self.dice.below(GOLDEN_MACHINES);
            let to: Vec<_> = providers.iter().copied().filter(|_| !self.dice.once_in(3)).collect();
            self.create_template(golden, provider, &to);
            return;
        }
        let Some(template) = template else { return };
        if self.dice.once_in(3) {
            return self.roll_out_at_random(template);
        }
        match self.dice.below(9) {
            0 | 1 => self.add_member(template, provider),
            2 => {
                let when_free = self.dice.once_in(2);
                self.remove_member(template, provider, when_free);
            }
            3 | 4 if self.server.stored.world.hosts.len() < HOSTS_MAX => {
                self.create_host(template, provider);
            }
            5 => {
                let hosts: Vec<_> = self.server.stored.world.hosts.iter().map(|host| host.id).collect();
                let chosen = self.dice.pick(&hosts);
                let host = self.server.stored.world.hosts.iter_mut().find(|host| Some(host.id) == chosen);
                host.into_iter().for_each(|host| host.deleting = true);
                self.server.dirty = true;
            }
            6 => {
                let concurrency = 1 + self.dice.below(3) as u32;
                let list = self.server.stored.world.templates.get_mut(&template);
                list.into_iter().for_each(|list| list.concurrency = concurrency);
                self.server.dirty = true;
            }
            7 if self.dice.once_in(4) => {
                self.delete_template(template);
            }
            _ => self.retry_or_verify(template, provider),
        }
    }

    fn retry_or_verify(&mut self, template: TemplateId, provider: ProviderId) {
        let id = OperationId::from_uuid(Uuid::from_u128(self.fresh()));
        let now = self.now;
        let world = &mut self.server.stored.world;
        let Some(list) = world.templates.get_mut(&template) else { return };
        let Some(member) = list.members.get_mut(&provider) else { return };
        if member.next_attempt_at.is_some() {
            *member = reconcile::member_retried(member, now);
        } else if let Some(current) = &list.current {
            let act = Act::VerifyReplica { digest: current.digest };
            world.operations.entry(provider).or_default().push(Operation { id, act });
        }
        self.server.dirty = true;
    }
}
