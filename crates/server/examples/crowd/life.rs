//! The life of one agent of the crowd: it takes what it is told, pretends to do it, and reports.

use crate::{
    Moods,
    world::{self, Agent, golden},
};
use diecast_domain::{
    assignment::{Act, Assignment, Deletion, HostOrder, ReplicaOrder},
    code::{Code, Problem},
    host::{HostPhase, HostReport},
    ids::HostId,
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
    provider::{Power, ProviderFacts},
    replica::{Phase, Progress, ReplicaReport, SourceReport},
    report::{CheckLine, OperationReport, Outcome, PublicationPhase, PublicationReport, Published},
    template::PublicationSource,
    units::{ByteCount, BytesPerSecond, Timestamp},
};
use reqwest::{Method, StatusCode};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::time::Instant;

/// How an agent is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Silent,
    Failing,
    Slow,
    /// Nothing is free in its storage.
    Full,
    /// It has no networks.
    Bare,
}

/// Between two reports; real agents take three seconds.
const TICK: Duration = Duration::from_millis(700);
/// What a version of the crowd seems to weigh.
const WEIGHT: ByteCount = ByteCount::gib(9);
/// How long a transfer seems to take.
const TRANSFER: Duration = Duration::from_secs(8);
const TRANSFER_SLOW: Duration = Duration::from_secs(400);
/// From so many a transfer seems to come.
const SOURCES_ASKED: usize = 3;
/// How long a host seems to be made.
const MAKING: Duration = Duration::from_secs(3);

#[derive(Default)]
struct Clocks {
    began: BTreeMap<String, Instant>,
    /// Hosts that were switched off.
    off: BTreeSet<HostId>,
}

impl Clocks {
    fn since(&mut self, what: String) -> Duration {
        self.began.entry(what).or_insert_with(Instant::now).elapsed()
    }
}

pub(crate) async fn live(mut agent: Agent, moods: Moods) {
    let mut clocks = Clocks::default();
    let mut told: Option<Assignment> = None;
    loop {
        let mood = moods.lock().unwrap().get(&agent.name).copied().unwrap_or_default();
        if mood != Mood::Silent {
            let path = diecast_api::agent::ASSIGNMENT;
            // Without a number it answers at once with what there is.
            if let Ok(answer) = agent.request(Method::GET, path).send().await
                && answer.status() == StatusCode::OK
            {
                told = answer.json().await.ok().or(told);
            }
            if let Some(told) = &told {
                work(&mut agent, told, mood, &mut clocks).await;
            }
            agent.said.facts = Some(facts(mood));
            agent.said.sequence += 1;
            let report = agent.request(Method::POST, diecast_api::agent::REPORT).json(&agent.said);
            // The server may be away; a lost report costs nothing.
            let _ = report.send().await;
        }
        tokio::time::sleep(TICK).await;
    }
}

fn facts(mood: Mood) -> ProviderFacts {
    let mut facts = world::facts();
    match mood {
        Mood::Full => facts.storages.iter_mut().for_each(|storage| storage.free = ByteCount::ZERO),
        Mood::Bare => facts.networks.clear(),
        _ => {}
    }
    facts
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp(i64::try_from(since.as_millis()).expect("before the year 292 million"))
}

async fn work(agent: &mut Agent, told: &Assignment, mood: Mood, clocks: &mut Clocks) {
    agent.said.generation = told.generation;
    let orders = &told.orders;
    publish(agent, told, clocks).await;
    let replicas = orders.replicas.iter();
    agent.said.replicas = replicas.map(|order| replica(agent, order, mood, clocks)).collect();
    let gone =
        |id| orders.deletions.iter().any(|it| matches!(it, Deletion::Host { host, .. } if *host == id));
    let hosts = orders.hosts.iter().filter(|order| !gone(order.id));
    agent.said.hosts = hosts.map(|order| host(agent, order, clocks)).collect();
    let copies = orders.working_copies.iter().map(|order| WorkingCopyReport {
        id: order.id,
        phase: WorkingCopyPhase::Made,
        attempt: order.attempt,
        power: Some(Power::Running),
        addresses: vec!["10.0.0.7".to_owned()],
        guest_agent: true,
        problem: None,
    });
    agent.said.working_copies = copies.collect();
    for operation in &orders.operations {
        match operation.act {
            Act::StopHost { host, .. } => drop(clocks.off.insert(host)),
            Act::StartHost { host } => drop(clocks.off.remove(&host)),
            _ => {}
        }
    }
    let operations = orders.operations.iter().map(|operation| OperationReport {
        id: operation.id,
        outcome: Outcome::Done { lines: lines(&operation.act) },
    });
    agent.said.operations = operations.collect();
}

async fn publish(agent: &mut Agent, told: &Assignment, clocks: &mut Clocks) {
    let mut reports = Vec::new();
    for order in &told.orders.publications {
        let (content, derived) = match &order.source {
            PublicationSource::WorkingCopy { base, .. } => {
                (format!("{} {}", order.template, base.number), true)
            }
            _ => (order.template.to_string(), false),
        };
        let part = clocks.since(format!("publication {}", order.id)).as_secs_f64() / 3.0;
        let mut report = PublicationReport {
            id: order.id,
            phase: if part < 0.3 { PublicationPhase::Reading } else { PublicationPhase::Hashing },
            attempt: order.attempt,
            progress: progress(part.min(0.99), Duration::from_secs(3)),
            problem: None,
            published: None,
        };
        if part >= 1.0 {
            let (manifest, mut published) = golden(&content);
            agent.put_manifest(&manifest).await;
            dress(&mut published, derived);
            report.phase = PublicationPhase::Done;
            report.published = Some(published);
        }
        reports.push(report);
    }
    agent.said.publications = reports;
}

/// A version of a size that one might meet.
fn dress(published: &mut Published, derived: bool) {
    published.new_bytes = derived.then_some(ByteCount::mib(420));
    published.warnings = vec!["the machine-id is filled: hosts will share it".to_owned()];
}

fn progress(part: f64, whole: Duration) -> Progress {
    let done = |of: ByteCount| ByteCount((of.0 as f64 * part) as u64);
    let left = whole.as_secs_f64() * (1.0 - part);
    Progress {
        done: done(WEIGHT),
        total: WEIGHT,
        network: done(ByteCount::gib(4)),
        local: done(ByteCount::gib(1)),
        by_difference: ByteCount::ZERO,
        rate: BytesPerSecond((WEIGHT.0 as f64 / whole.as_secs_f64()) as u64),
        seconds_left: Some(left as u64),
    }
}

fn replica(agent: &Agent, order: &ReplicaOrder, mood: Mood, clocks: &mut Clocks) -> ReplicaReport {
    let digest = order.version.digest;
    let mut report = ReplicaReport {
        digest,
        phase: Phase::Queued,
        attempt: order.attempt,
        progress: Progress::default(),
        verified_at: None,
        problem: None,
        serves: false,
        damage: None,
        sources: Vec::new(),
    };
    let before = agent.said.replicas.iter().find(|it| it.digest == digest && it.phase == Phase::Ready);
    let own =
        agent.said.publications.iter().any(|it| it.published.as_ref().is_some_and(|it| it.digest == digest));
    if let Some(before) = before {
        return before.clone();
    }
    let whole = if mood == Mood::Slow { TRANSFER_SLOW } else { TRANSFER };
    let clock = format!("replica {digest} {}", order.attempt);
    match mood {
        _ if own || clocks.began.get(&clock).is_some_and(|it| it.elapsed() >= whole) => {
            report.phase = Phase::Ready;
            report.verified_at = Some(now());
        }
        Mood::Failing if order.go => {
            report.phase = Phase::Failed;
            report.problem = Some(Problem::new(
                Code::T0001,
                format!("none of the sources could be reached from {}: connection refused", agent.name),
            ));
        }
        _ if order.go => {
            let part = clocks.since(clock).as_secs_f64() / whole.as_secs_f64();
            report.phase = if part < 0.9 { Phase::Transferring } else { Phase::Verifying };
            report.progress = progress(part.min(0.99), whole);
            if report.phase == Phase::Transferring {
                report.sources = sources(order, &report.progress);
            }
        }
        _ => {}
    }
    report
}

/// Of the first few who have it, the earlier the more.
fn sources(order: &ReplicaOrder, progress: &Progress) -> Vec<SourceReport> {
    let asked = || order.sources.iter().take(SOURCES_ASKED);
    let shares: u64 = (1..=asked().count() as u64).sum();
    let share = |whole: u64, position: usize| whole * (asked().count() - position) as u64 / shares;
    let given = asked().enumerate().map(|(position, source)| SourceReport {
        provider: source.provider,
        received: ByteCount(share(progress.network.0, position)),
        rate: BytesPerSecond(share(progress.rate.0, position)),
        held_up: false,
    });
    given.collect()
}

fn host(agent: &Agent, order: &HostOrder, clocks: &mut Clocks) -> HostReport {
    let made = clocks.since(format!("host {} {}", order.id, order.incarnation)) >= MAKING;
    let standing = agent.said.hosts.iter().find(|it| it.id == order.id);
    let number = order.name.as_str().bytes().map(u32::from).sum::<u32>();
    let off = clocks.off.contains(&order.id);
    let used = made && !off && number % 5 == 0;
    HostReport {
        id: order.id,
        phase: match (made, order.incarnation) {
            (true, _) => HostPhase::Made,
            (false, 1) => HostPhase::Creating,
            (false, _) => HostPhase::Recreating,
        },
        attempt: order.attempt,
        power: made.then_some(if off { Power::Off } else { Power::Running }),
        addresses: if made && !off {
            vec![format!("10.0.{}.{}", number % 250, number % 199 + 10)]
        } else {
            Vec::new()
        },
        guest_agent: made && !off,
        guest_name: made.then(|| order.name.to_string()),
        problem: None,
        incarnation: if made { order.incarnation } else { standing.map_or(0, |it| it.incarnation) },
        digest: made.then_some(order.version.digest),
        users: made.then(|| if used { vec!["garcia".to_owned()] } else { Vec::new() }),
        set_aside: Vec::new(),
    }
}

fn lines(act: &Act) -> Vec<CheckLine> {
    if !matches!(act, Act::CheckProvider) {
        return Vec::new();
    }
    let line = |name: &str, detail: &str| CheckLine {
        name: name.to_owned(),
        ok: true,
        detail: detail.to_owned(),
        hint: None,
    };
    vec![
        line("hypervisor", "QEMU 7.2.22, libvirt 9.0.0"),
        line("storage", "`default` takes files and has 80.0 GiB free"),
        line("overlay", "a throw-away machine started on an overlay"),
    ]
}
