//! Faults: everything that a network, a disk, a process and a stranger can do to a world.

use crate::{
    agent::NETWORK,
    disk::{LEAVES, Leaf},
    sim::{Rules, STORM_SECONDS, Sim},
    story::{Broken, Story},
};
use diecast_domain::units::Timestamp;

impl Sim {
    /// A hostile world of three to five providers.
    pub fn hostile(seed: u64) -> Self {
        let mut sim = Self::quiet(seed, 3 + (seed % 3) as usize);
        (sim.hostile, sim.network.hostile) = (true, true);
        sim
    }

    /// Keeps every sentence, for those who want to read them all.
    pub fn telling_all(mut self) -> Self {
        self.story = Story::keeping(usize::MAX);
        self
    }

    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The whole life of a hostile world: a storm, then calm, in which it must settle.
    pub fn live(&mut self) -> Result<u64, Broken> {
        for _ in 0..STORM_SECONDS {
            if self.dice.once_in(6) && self.server.is_up() {
                self.operate_at_random();
            }
            if self.dice.once_in(3) {
                self.strike();
            }
            if self.dice.once_in(5) {
                self.somebody_comes_or_goes();
            }
            self.second()?;
        }
        self.calm();
        self.settle()
    }

    /// Ends every fault. Who is dead comes back, or is forgotten.
    pub fn calm(&mut self) {
        self.tell(|| "the storm is over".into());
        (self.hostile, self.network.hostile) = (false, false);
        self.network.cut_off.clear();
        self.network.apart.clear();
        self.drain();
        self.end_rollouts();
        if self.server.down_until.is_some() {
            self.server.down_until = Some(self.now);
        }
        for index in 0..self.agents.len() {
            let agent = &mut self.agents[index];
            agent.slowness = 1;
            agent.lies = false;
            agent.hypervisor_answers = true;
            agent.golden_runs = false;
            agent.disk.room = 8 * LEAVES;
            let (id, dead) = (agent.id, agent.memory.is_none());
            let mapped_wrong = !agent.networks.contains(NETWORK);
            if mapped_wrong {
                self.map_network(id, "lab");
            }
            if dead && self.dice.once_in(4) && !self.is_needed(index) && self.forget(id) {
                self.agents[index].dead_until = Timestamp(i64::MAX);
            } else if dead {
                self.agents[index].dead_until = self.now;
            }
        }
    }

    /// It has what nobody else has, or is publishing.
    fn is_needed(&self, index: usize) -> bool {
        let agent = &self.agents[index];
        let publishes = self.server.stored.world.templates.values().any(|list| {
            list.publication.as_ref().is_some_and(|publication| publication.provider == agent.id)
        });
        let alone = agent.disk.copies.keys().any(|digest| !self.intact_elsewhere(index, digest));
        let lists = self.server.stored.world.templates.values();
        let works = lists.into_iter().any(|list| {
            let entered = list.maintenance.as_ref().is_some_and(|there| there.provider == agent.id);
            entered || list.discarded.iter().any(|left| left.provider == agent.id)
        });
        let made = agent.disk.spool.keys().any(|digest| !self.intact_elsewhere(index, digest));
        publishes || alone || works || made
    }

    /// Another provider has it too, intact and not on its way out.
    pub(crate) fn intact_elsewhere(&self, index: usize, digest: &diecast_domain::digest::Digest) -> bool {
        self.agents.iter().enumerate().any(|(other, agent)| {
            let stays = agent.orders().is_some_and(|orders| orders.replica(digest).is_some());
            let lists = self.server.stored.world.templates.values();
            let mut lists = lists.filter(|list| list.current.as_ref().is_some_and(|v| v.digest == *digest));
            let held = lists.all(|list| {
                list.members
                    .get(&agent.id)
                    .is_some_and(|member| member.desire == diecast_domain::distribution::Desire::Hold)
            });
            let intact =
                agent.disk.copies.get(digest).is_some_and(|copy| copy.is_intact() && copy.registered);
            other != index && stays && held && intact
        })
    }

    fn strike(&mut self) {
        let index = self.dice.below(self.agents.len() as u64) as usize;
        let other = self.dice.below(self.agents.len() as u64) as usize;
        let seconds = 1 + self.dice.below(40);
        let until = Timestamp(self.now.0 + 1000 * seconds as i64);
        let (id, other_id) = (self.agents[index].id, self.agents[other].id);
        let name = self.agents[index].name.clone();
        match self.dice.below(17) {
            0..=2 => self.kill(index, 1 + seconds / 4),
            3 if self.dice.once_in(4) => self.kill(index, 100 + seconds),
            4 => {
                self.network.cut_off.insert(id, until);
                self.tell(|| format!("{name} is cut off for {seconds} s"));
            }
            5 | 6 => {
                self.network.apart.insert((id.min(other_id), id.max(other_id)), until);
            }
            7 => self.agents[index].slowness = 1 + self.dice.below(8),
            8 => {
                let room = self.dice.below(4 * LEAVES as u64) as usize;
                self.agents[index].disk.room = room;
                self.tell(|| format!("{name} has room for {room} leaves"));
            }
            9 => self.agents[index].disk.room = 4 * LEAVES,
            10 => {
                let lies = !self.agents[index].lies;
                self.agents[index].lies = lies;
                self.tell(|| format!("the depot of {name} lies: {lies}"));
            }
            11 | 12 => self.flip(index),
            13 => {
                self.agents[index].hypervisor_answers = self.dice.once_in(2);
                self.agents[index].golden_runs = self.dice.once_in(3);
            }
            14 => self.another_hand(index),
            15 => self.trouble_the_server(),
            _ if self.dice.once_in(3) => {
                self.agents[index].networks.remove(NETWORK);
            }
            _ => {
                self.map_network(id, "lab");
            }
        }
    }

    /// A bit turns over on a disk: on a copy that is being filled, or on one of several that stand.
    fn flip(&mut self, index: usize) {
        let there: Vec<_> = self.agents[index].disk.copies.keys().copied().collect();
        let Some(digest) = self.dice.pick(&there) else { return };
        let leaf = self.dice.below(LEAVES as u64) as usize;
        if self.agents[index].disk.copies[&digest].was_proven() && !self.intact_elsewhere(index, &digest) {
            return;
        }
        let agent = &mut self.agents[index];
        let name = agent.name.clone();
        let leaves = &mut agent.disk.copies.get_mut(&digest).expect("it was picked").leaves;
        if leaves[leaf] == Leaf::Right {
            leaves[leaf] = Leaf::Wrong;
            self.tell(|| format!("a bit of {} turns over on {name}", digest.short()));
        }
    }

    /// Somebody takes a host from its hypervisor by hand.
    fn another_hand(&mut self, index: usize) {
        let hosts: Vec<_> = self.agents[index].disk.hosts.keys().copied().collect();
        let Some(host) = self.dice.pick(&hosts) else { return };
        if self.agents[index].disk.hosts_made.contains_key(&host) {
            let disk = &mut self.agents[index].disk;
            disk.hosts.remove(&host);
            disk.standing.remove(&host);
            self.taken.insert(host);
            self.tell(|| format!("host {} is taken away by hand", crate::acts::short(host)));
        }
    }

    fn trouble_the_server(&mut self) {
        match self.dice.below(8) {
            0..=3 if self.server.is_up() => self.stop_server(),
            4..=6 => self.back_up(),
            _ if self.server.is_up() => self.restore(),
            _ => {}
        }
    }

    pub fn back_up(&mut self) {
        let mut backup = self.server.stored.clone();
        backup.world.replicas.clear();
        self.backup = Some(backup);
        self.tell(|| "the server is backed up".into());
    }

    pub fn restore(&mut self) {
        if let Some(backup) = self.backup.clone() {
            self.restored = true;
            self.server.restore(backup, self.now);
            self.tell(|| "the server is restored from its backup".into());
        }
    }
}
