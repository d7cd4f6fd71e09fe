//! One look at a recreation: what has begun is judged, what can be begun is begun.

use super::{HostProgress, Recreation, Stage, health, outlook::silent, should_be};
use crate::{
    code::Code,
    host::{Host, HostPhase, InUse},
    ids::HostId,
    plan::World,
    reconcile::{Subject, Transition, TransitionKind},
    retention::names,
    units::Timestamp,
};
use std::collections::BTreeMap;

/// Hosts whose failure is told when their wave is over; the others are counted.
const CAUSES_MAX: usize = 10;

/// A recreation after one look at it, with the hosts whose wish it changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Advanced {
    pub recreation: Recreation,
    pub hosts: Vec<Host>,
    pub transitions: Vec<Transition>,
}

/// The recreation as it is now. Nothing changes if nothing happened.
pub fn advance(recreation: &Recreation, world: &World, now: Timestamp) -> Advanced {
    let hosts = world.hosts.iter().filter(|host| recreation.hosts.contains_key(&host.id));
    let advanced = Advanced { recreation: recreation.clone(), hosts: Vec::new(), transitions: Vec::new() };
    let mut look = Look { hosts: hosts.map(|host| (host.id, host)).collect(), advanced, world, now };
    if !recreation.stage.is_over() {
        look.leave();
        look.begin_to_run();
        if look.it().stage == Stage::Running {
            look.run();
        }
    }
    look.advanced
}

struct Look<'a> {
    world: &'a World,
    now: Timestamp,
    hosts: BTreeMap<HostId, &'a Host>,
    advanced: Advanced,
}

impl Look<'_> {
    const fn it(&mut self) -> &mut Recreation {
        &mut self.advanced.recreation
    }

    fn tell(&mut self, kind: TransitionKind, sentence: String, code: Option<Code>) {
        let subject = Subject::Recreation(self.it().id);
        self.advanced.transitions.push(Transition { kind, subject, sentence, code });
    }

    fn end(&mut self, stage: Stage, kind: TransitionKind, sentence: String, code: Option<Code>) {
        let now = self.now;
        let it = self.it();
        (it.stage, it.ended_at, it.note) = (stage, Some(now), Some(sentence.clone()));
        self.tell(kind, sentence, code);
    }

    /// `the recreation of `win11` to v2`
    fn name(&self) -> String {
        let it = &self.advanced.recreation;
        let list = self.world.templates.get(&it.template);
        let template = list.map_or_else(|| it.template.to_string(), |list| list.name.to_string());
        format!("the recreation of `{template}` to v{}", it.version)
    }

    /// Lets go of hosts that are gone, or that somebody else decides about.
    fn leave(&mut self) {
        let it = &self.advanced.recreation;
        let newer = |id: &HostId| {
            self.world.recreations.iter().any(|other| {
                (other.created_at, other.id) > (it.created_at, it.id)
                    && !other.stage.is_over()
                    && other.hosts.get(id).is_some_and(|progress| *progress != HostProgress::Left)
            })
        };
        let mut left = Vec::new();
        for (id, progress) in &it.hosts {
            let Some(host) = self.hosts.get(id).filter(|host| !host.deleting) else {
                left.push(*id);
                continue;
            };
            let stands_there = host.digest == it.digest && host.version == it.version;
            let changed = progress.incarnation().is_some_and(|incarnation| incarnation != host.incarnation);
            let waits = *progress == HostProgress::Waiting;
            let otherwise = should_be(self.world, host).is_none_or(|version| version.number != it.version);
            let decided = otherwise && !it.chosen;
            if changed
                || (waits
                    && (decided || newer(id) || (stands_there && !it.refresh && !self.is_missing(host))))
            {
                left.push(*id);
            }
        }
        let over =
            |progress: &HostProgress| matches!(progress, HostProgress::Passed | HostProgress::RolledBack);
        for id in left {
            let progress = self.it().hosts.get_mut(&id).expect("it was just seen");
            if !over(progress) {
                *progress = HostProgress::Left;
            }
        }
    }

    fn is_missing(&self, host: &Host) -> bool {
        let report = self.world.host_reports.get(&host.id);
        report.is_some_and(|it| it.phase == HostPhase::Gone && it.stood() >= host.incarnation)
    }

    fn begin_to_run(&mut self) {
        let it = &self.advanced.recreation;
        let (stage, cancelling, proceed, later) = (it.stage, it.cancelling, it.proceed, it.later_if_silent);
        let due = it.begins_at <= self.now;
        match stage {
            Stage::Scheduled | Stage::AwaitingDecision if cancelling => {
                let sentence = format!("{} is cancelled; nothing was recreated", self.name());
                self.end(Stage::Cancelled, TransitionKind::Removed, sentence, None);
            }
            Stage::Scheduled if !due => {}
            Stage::AwaitingDecision if !proceed => {}
            Stage::Scheduled | Stage::AwaitingDecision => {
                let silent = silent(self.world, self.waiting());
                if silent.is_empty() || proceed {
                    let it = self.it();
                    (it.stage, it.wave, it.note) = (Stage::Running, 1, None);
                    let sentence = format!("{} begins", self.name());
                    self.tell(TransitionKind::Begun, sentence, None);
                    return;
                }
                let providers: Vec<_> = silent.iter().map(|there| there.name.clone()).collect();
                let silent = match providers.len() {
                    1 => format!("{} does not answer", names(&providers)),
                    _ => format!("{} do not answer", names(&providers)),
                };
                if later {
                    let sentence =
                        format!("{} is left for later: {silent}; nothing was recreated", self.name());
                    self.end(Stage::Cancelled, TransitionKind::Failed, sentence, Some(Code::L0003));
                } else {
                    let sentence = format!("{} awaits a decision: {silent}", self.name());
                    let it = self.it();
                    (it.stage, it.note) = (Stage::AwaitingDecision, Some(sentence.clone()));
                    self.tell(TransitionKind::Failed, sentence, Some(Code::L0003));
                }
            }
            _ => {}
        }
    }

    fn waiting(&self) -> impl Iterator<Item = &Host> {
        let waits = |id: &HostId| self.advanced.recreation.hosts[id] == HostProgress::Waiting;
        self.hosts.iter().filter(move |(id, _)| waits(id)).map(|(_, host)| *host)
    }

    fn run(&mut self) {
        let (world, now) = (self.world, self.now);
        let it = &mut self.advanced.recreation;
        let before = it.clone();
        for (id, progress) in &mut it.hosts {
            if let Some(host) = self.hosts.get(id) {
                *progress = health::judge(&before, world, host, *progress, now);
            }
        }
        if it.failures() > it.failures_max() {
            return self.stop();
        }
        it.skip_empty_waves();
        if self.wave_is_over() {
            self.pass();
            self.it().skip_empty_waves();
        }
        self.begin();
        self.finish();
    }

    /// Everything of the running wave that can be judged has been, and nothing can join it.
    fn wave_is_over(&self) -> bool {
        let it = &self.advanced.recreation;
        let mut here = it.hosts.values().filter(|progress| progress.wave() == Some(it.wave)).peekable();
        here.peek().is_some()
            && here.all(|progress| !matches!(progress, HostProgress::Begun { .. }))
            && (it.room() == 0 || self.candidates().is_empty())
    }

    /// The wave is well: former disks go. The few that failed get theirs back.
    fn pass(&mut self) {
        let it = &mut self.advanced.recreation;
        let wave = it.wave;
        let before = it.clone();
        let (mut well, mut failed) = (0, Vec::new());
        for (id, progress) in &mut it.hosts {
            let Some(host) = self.hosts.get(id).filter(|_| progress.wave() == Some(wave)) else { continue };
            match progress {
                HostProgress::Healthy { .. } => {
                    well += 1;
                    *progress = HostProgress::Passed;
                    let mut next = (*host).clone();
                    if let Some(former) = &mut next.previous {
                        former.dropping = true;
                        self.advanced.hosts.push(next);
                    }
                }
                _ => {
                    failed.push(format!("{}: {}", host.name, health::cause(&before, host)));
                    *progress = back(host, &mut self.advanced.hosts);
                }
            }
        }
        it.wave += 1;
        let but = if failed.is_empty() { String::new() } else { format!("; rolled back: {}", told(failed)) };
        let well = if well == 1 { "1 host is well".to_owned() } else { format!("{well} hosts are well") };
        let sentence = format!("wave {wave} of {} has passed, {well}{but}", self.name());
        self.tell(TransitionKind::WavePassed, sentence, None);
    }

    /// Too many failed: the wave goes back to what it was, and whatever nothing is heard of with it.
    fn stop(&mut self) {
        let it = &mut self.advanced.recreation;
        let wave = it.wave;
        let before = it.clone();
        let mut causes = Vec::new();
        let goes_back = |progress: &HostProgress| {
            progress.wave().is_some_and(|theirs| theirs == wave || theirs == health::UNHEARD)
        };
        for (id, progress) in &mut it.hosts {
            let Some(host) = self.hosts.get(id).filter(|_| goes_back(progress)) else { continue };
            if matches!(progress, HostProgress::Failed { .. }) {
                causes.push(format!("{}: {}", host.name, health::cause(&before, host)));
            }
            *progress = back(host, &mut self.advanced.hosts);
        }
        let all = told(causes);
        let sentence = format!("{} is stopped and wave {wave} rolled back: {all}", self.name());
        self.end(Stage::Stopped, TransitionKind::Failed, sentence, Some(Code::L0002));
    }

    /// Hosts that could be begun now, those that nobody uses first.
    fn candidates(&self) -> Vec<&Host> {
        let it = &self.advanced.recreation;
        if it.cancelling {
            return Vec::new();
        }
        let late = it.terms.deadline.is_some_and(|deadline| deadline <= self.now);
        let may = |host: &&Host| {
            host.previous.is_none()
                && self.world.is_ready_on(host.provider, it.digest)
                && (late || self.world.in_use(host) == InUse::No)
        };
        let mut hosts: Vec<&Host> = self.waiting().filter(may).collect();
        hosts.sort_by_key(|host| (self.world.in_use(host) != InUse::No, host.name.clone()));
        hosts
    }

    fn begin(&mut self) {
        let it = &self.advanced.recreation;
        let (wave, room) = (it.wave, it.room());
        let begun: Vec<Host> = self
            .candidates()
            .into_iter()
            .take(room)
            .map(|host| match self.is_missing(host) {
                true => host.remade(it.version, it.digest),
                false => host.recreated(it.version, it.digest),
            })
            .collect();
        for host in begun {
            let (incarnation, attempt) = (host.incarnation, host.attempt);
            let progress = HostProgress::Begun { wave, incarnation, at: self.now, attempt, made_at: None };
            self.it().hosts.insert(host.id, progress);
            let sentence = format!("host `{}` is recreated on v{}", host.name, host.version);
            let subject = Subject::Host(host.id);
            let kind = TransitionKind::Begun;
            self.advanced.transitions.push(Transition { kind, subject, sentence, code: None });
            self.advanced.hosts.push(host);
        }
    }

    /// Says that it is over when it is, or what it waits for.
    fn finish(&mut self) {
        let cancelling = self.it().cancelling;
        let silent = |look: &Self, id: &HostId| {
            look.hosts.get(id).is_some_and(|host| !look.world.answers(host.provider))
        };
        let runs = self
            .advanced
            .recreation
            .hosts
            .iter()
            .any(|(id, progress)| progress.wave().is_some() && !(cancelling && silent(self, id)));
        if cancelling && !runs {
            let open = |it: &HostProgress| it.wave().is_some() || *it == HostProgress::Waiting;
            self.it().hosts.values_mut().filter(|it| open(it)).for_each(|it| *it = HostProgress::Left);
            let sentence = format!("{} is cancelled", self.name());
            return self.end(Stage::Cancelled, TransitionKind::Removed, sentence, None);
        }
        let mut waiting = self.waiting().peekable();
        if !runs && waiting.peek().is_none() {
            drop(waiting);
            let passed = self.it().hosts.values().filter(|it| **it == HostProgress::Passed).count();
            let hosts = if passed == 1 { "host" } else { "hosts" };
            let sentence = format!("{} is done: {passed} {hosts}", self.name());
            return self.end(Stage::Done, TransitionKind::Done, sentence, None);
        }
        let (mut unheard, mut in_use, mut without) = (0, 0, 0);
        for host in waiting {
            if !self.world.answers(host.provider) {
                unheard += 1;
            } else if !self.world.is_ready_on(host.provider, self.advanced.recreation.digest) {
                without += 1;
            } else if self.world.in_use(host) != InUse::No {
                in_use += 1;
            }
        }
        let notes: Vec<String> = [
            (unheard, "waits", "wait", " for a provider that does not answer"),
            (without, "waits", "wait", " for the version to be ready on the provider"),
            (in_use, "is", "are", " in use"),
        ]
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many, what)| format!("{count} {}{what}", if *count == 1 { one } else { many }))
        .collect();
        self.it().note = (!notes.is_empty()).then(|| format!("of the hosts, {}", notes.join(", ")));
    }
}

/// Why hosts failed, in one line.
fn told(mut causes: Vec<String>) -> String {
    let more = causes.len().saturating_sub(CAUSES_MAX);
    causes.truncate(CAUSES_MAX);
    causes.extend((more > 0).then(|| format!("and {more} more")));
    causes.join("; ")
}

/// Gives a host the disks back that it had. One that had none stays as it is.
fn back(host: &Host, changed: &mut Vec<Host>) -> HostProgress {
    match host.rolled_back() {
        Some(host) => {
            changed.push(host);
            HostProgress::RolledBack
        }
        None => HostProgress::Left,
    }
}
