//! What must hold in every second, and what must hold in the end.

use crate::sim::Sim;
use diecast_domain::{
    assignment::{Assignment, Deletion},
    digest::Digest,
    distribution::{self, Desire, Distribution, ReplicaState},
    ids::{ProviderId, TemplateId},
    plan,
    replica::{Phase, ReplicaReport},
    report::Report,
    template::TemplateStatus,
};

impl Sim {
    /// What holds in every second.
    pub(crate) fn check(&mut self) {
        for index in 0..self.agents.len() {
            let agent = &self.agents[index];
            let bad = agent
                .disk
                .copies
                .iter()
                .find(|(_, copy)| copy.registered && !(copy.under_final_name && copy.was_proven()));
            if let Some((digest, _)) = bad {
                let promise = format!("{} is registered on {} unverified", digest.short(), agent.name);
                self.promise(false, || promise);
            }
        }
    }

    /// `Ready` is said of nothing that was not verified with every byte right.
    pub(crate) fn check_report(&mut self, index: usize, report: &Report) {
        for replica in report.replicas.iter().filter(|replica| replica.is_ready()) {
            let copy = self.agents[index].disk.copies.get(&replica.digest);
            let proven = copy.is_some_and(|copy| copy.registered && copy.was_proven());
            let name = self.agents[index].name.clone();
            let digest = replica.digest.short();
            self.promise(proven, || format!("{name} says Ready of {digest}, which was not proven"));
        }
    }

    /// What the server may tell an agent.
    pub(crate) fn check_told(&mut self, assignment: &Assignment) {
        let provider = assignment.orders.provider;
        for deletion in &assignment.orders.deletions {
            if let Deletion::Replica { version } = deletion {
                let list = &self.server.stored.world.templates[&version.template];
                let needed =
                    list.status != TemplateStatus::Deleting && list.current.as_ref() == Some(version);
                let alone = needed && !self.stands_elsewhere(version.digest, provider);
                let has_it = self.holds(provider, version.digest);
                self.promise(!(alone && has_it), || {
                    format!("the last verified replica of `{}` is ordered away", version.name)
                });
            }
        }
        self.check_concurrency();
    }

    fn holds(&self, provider: ProviderId, digest: Digest) -> bool {
        let agent = self.agents.iter().find(|agent| agent.id == provider);
        agent.and_then(|agent| agent.disk.copies.get(&digest)).is_some_and(|copy| copy.is_intact())
    }

    fn stands_elsewhere(&self, digest: Digest, provider: ProviderId) -> bool {
        let others = self.agents.iter().filter(|agent| agent.id != provider);
        others
            .filter_map(|agent| agent.disk.copies.get(&digest))
            .any(|copy| copy.under_final_name && copy.was_proven())
    }

    /// Whose turn it is: no more than allowed, but for those that were under way already.
    fn check_concurrency(&mut self) {
        let world = &self.server.stored.world;
        let mut exceeded = None;
        let plan = plan::Plan::of(world);
        for (id, list) in &world.templates {
            let Some(current) = &list.current else { continue };
            let turns = plan::turns(world, *id);
            let going = list.members.keys().filter(|provider| {
                let report = world.replicas.get(&(**provider, current.digest));
                let under_way = report.is_some_and(|report| {
                    report.phase.is_moving() && report.phase != Phase::Queued || report.is_ready()
                });
                let orders = plan.orders(**provider);
                let go = orders.is_some_and(|orders| {
                    orders
                        .replica(&current.digest)
                        .is_some_and(|order| order.go && order.version.template == *id)
                });
                let for_hosts = world.hosts_on(**provider, current.digest).next().is_some()
                    || list.worked_on(**provider, current.digest)
                    || list.discarded.iter().any(|left| left.after == Some(current.digest));
                let shared = world.templates.values().filter(|other| {
                    other.current.as_ref().is_some_and(|other| other.digest == current.digest)
                });
                go && !under_way && !for_hosts && shared.count() == 1
            });
            if turns.len() > list.concurrency.max(1) as usize
                || going.count() > list.concurrency.max(1) as usize
            {
                exceeded = Some(list.name.clone());
            }
        }
        if let Some(name) = exceeded {
            self.promise(false, || format!("the concurrency of `{name}` is exceeded"));
        }
    }

    /// What is not yet as it should be, in a sentence. None when all is.
    pub fn unsettled(&self) -> Option<String> {
        let world = &self.server.stored.world;
        if !self.server.is_up() || !plan_is_known(self) {
            return Some("the server does not know enough".into());
        }
        for (id, list) in &world.templates {
            if self.restored && !self.stands_anywhere(*id) {
                // A restore may bring back the wish for what was truly deleted since.
                continue;
            }
            if list.status != TemplateStatus::Ready {
                let left: Vec<_> = list.members.keys().map(ToString::to_string).collect();
                let left = left.join(", ");
                return Some(format!("template `{}` is {} on {left}", list.name, list.status.as_str()));
            }
            let views = world.views(*id);
            let rows: Vec<_> = views.iter().map(|(_, desire, view)| (*desire, view.clone())).collect();
            let status = distribution::status(&rows);
            let all_ready = rows.iter().all(|(_, view)| view.state == ReplicaState::Ready);
            if status.word != Distribution::Ok || !all_ready {
                let row = |(provider, desire, view): &(_, _, distribution::ReplicaView)| {
                    let cause = view.problem.as_ref().map_or("-", |problem| problem.cause.as_str());
                    format!(
                        "\n  {provider}: {desire:?} {:?} {:?} {:?} {cause}",
                        view.state, view.progress, view.phase
                    )
                };
                let rows: String = views.iter().map(row).collect();
                return Some(format!("the distribution of `{}` is {status}{rows}", list.name));
            }
            for (provider, member) in &list.members {
                let digest = list.current.as_ref().map(|version| version.digest);
                if member.desire == Desire::Hold
                    && !digest.is_some_and(|digest| self.holds(*provider, digest))
                {
                    return Some(format!("`{}` is called Ready and is not intact", list.name));
                }
            }
        }
        for host in &world.hosts {
            let lost = self.taken.contains(&host.id)
                || (self.restored && (host.made || !self.stands_anywhere(host.template)));
            let agent = self.agents.iter().find(|agent| agent.id == host.provider)?;
            let stands = agent.disk.hosts.get(&host.id) == Some(&true);
            if host.deleting || !(host.made && stands || lost) {
                return Some(format!("host `{}` is not as wished: {host:?}", host.name));
            }
        }
        self.unsettled_rollout()
    }

    fn stands_anywhere(&self, template: TemplateId) -> bool {
        let list = &self.server.stored.world.templates[&template];
        let Some(current) = &list.current else { return true };
        let members = list.members.keys();
        members.into_iter().any(|provider| self.holds(*provider, current.digest))
    }

    /// How the server sees one replica.
    pub fn replica(&self, provider: ProviderId, digest: Digest) -> Option<&ReplicaReport> {
        self.server.stored.world.replicas.get(&(provider, digest))
    }
}

fn plan_is_known(sim: &Sim) -> bool {
    diecast_domain::reconcile::knows_enough(&sim.server.stored.world, sim.server.started, sim.now)
}
