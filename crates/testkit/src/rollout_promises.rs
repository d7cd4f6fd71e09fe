//! What must hold of rollouts: in every decision of the server, and in the end.

use crate::sim::Sim;
use diecast_domain::{
    host::{Host, HostPhase, InUse},
    plan::World,
    pool,
    reconcile::Changes,
    recreation::{HostProgress, Stage},
};

impl Sim {
    /// What the server may decide, seen from the world `before` it did.
    pub(crate) fn check_rollout(&mut self, before: &World, changes: &Changes) {
        for (id, host) in &changes.hosts {
            let then = before.hosts.iter().find(|host| host.id == *id);
            if let (Some(then), Some(host)) = (then, host) {
                self.check_disturbed(before, then, host);
            }
        }
        for recreation in changes.recreations.iter().filter(|it| it.stage == Stage::Stopped) {
            let world = &self.server.stored.world;
            let stays = world.hosts.iter().find(|host| {
                let back = recreation.hosts.get(&host.id) == Some(&HostProgress::RolledBack);
                back && host.digest == recreation.digest && host.restores.is_none()
            });
            let name = stays.map(|host| host.name.clone());
            self.promise(name.is_none(), || format!("host {name:?} of a failed wave stays on its version"));
        }
        for (template, number) in &changes.versions_gone {
            let world = &self.server.stored.world;
            let version = before.templates[template].versions.iter().find(|it| it.number == *number);
            let digest = version.map(|version| version.digest);
            let ours = world.hosts.iter().filter(|host| host.template == *template);
            let stands = ours.into_iter().any(|host| digest.is_some_and(|digest| host.stands_on(digest)));
            self.promise(!stands, || format!("v{number} is gone, and a host stands on it"));
        }
    }

    fn check_disturbed(&mut self, before: &World, then: &Host, host: &Host) {
        let anew = host.incarnation > then.incarnation && host.restores.is_none();
        let goes = host.deleting
            && !then.deleting
            && before.pools.iter().any(|it| Some(it.id) == host.pool && !it.deleting);
        let used = before.in_use(then) != InUse::No && (then.made || anew);
        let gone = before.host_reports.get(&then.id).is_some_and(|report| report.phase == HostPhase::Gone);
        let failing = goes && !then.made && then.problem.is_some();
        self.promise(!((anew || goes) && used && !gone && !failing), || {
            format!("host `{}` is disturbed while somebody may use it", host.name)
        });
    }

    /// What of the rollouts is not yet as it should be, in a sentence.
    pub(crate) fn unsettled_rollout(&self) -> Option<String> {
        let world = &self.server.stored.world;
        for list in world.templates.values() {
            if self.restored && list.current.as_ref().is_some_and(|it| !self.is_anywhere(it.digest)) {
                continue;
            }
            if list.maintenance.is_some() || !list.discarded.is_empty() || !list.deleting.is_empty() {
                return Some(format!(
                    "`{}`: maintenance {:?}, left {:?}, versions to go {:?}",
                    list.name, list.maintenance, list.discarded, list.deleting
                ));
            }
        }
        if let Some(recreation) = world.recreations.iter().find(|recreation| !recreation.stage.is_over()) {
            return Some(format!("a recreation is not over: {recreation:?}"));
        }
        for pool in &world.pools {
            let decision = pool::reconcile(pool, world, self.now);
            let open =
                !decision.make.is_empty() || !decision.remove.is_empty() || !decision.remake.is_empty();
            if pool.deleting || open || (pool.problem.is_some() && !self.restored) {
                return Some(format!("`{}` is not at its size: {pool:?} {decision:?}", pool.name));
            }
        }
        for host in &world.hosts {
            let agent = self.agents.iter().find(|agent| agent.id == host.provider)?;
            let standing = agent.disk.standing.get(&host.id);
            let lost = self.taken.contains(&host.id) || self.restored;
            let as_wished = standing.is_some_and(|standing| {
                standing.incarnation == host.incarnation && standing.digest == host.digest
            });
            let kept = agent.disk.aside.contains_key(&host.id) || host.previous.is_some();
            if !lost && (!as_wished || kept) {
                let aside = agent.disk.aside.get(&host.id);
                return Some(format!("host `{}` is {standing:?}, aside {aside:?}: {host:?}", host.name));
            }
        }
        let left = self.agents.iter().find(|agent| !agent.disk.working.is_empty() && agent.memory.is_some());
        left.filter(|_| !self.restored).map(|agent| format!("a working copy is left on {}", agent.name))
    }

    fn is_anywhere(&self, digest: diecast_domain::digest::Digest) -> bool {
        self.agents.iter().any(|agent| agent.disk.copies.get(&digest).is_some_and(|copy| copy.is_intact()))
    }
}
