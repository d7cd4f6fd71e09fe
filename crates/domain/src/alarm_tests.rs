//! Stories of what is not well, and of what is well again.

use super::*;
use crate::{
    code::{Code, Problem},
    damage::Damage,
    names::NotificationName,
    provider::ProviderState,
    recreation::{Recreation, Stage},
    replica::Phase,
    testing::{
        NOW, add_host, list, provider, recreation, replica, seconds, silence, template, version, world,
    },
    units::ByteCount,
};
use std::collections::BTreeMap;

/// What stands, looked at again and again.
#[derive(Default)]
struct Watch {
    standing: Vec<Alarm>,
    facts: Facts<'static>,
    clock: i64,
}

impl Watch {
    /// The keys that came up, and those that went.
    fn look(&mut self, world: &World) -> (Vec<&'static str>, Vec<&'static str>) {
        self.clock += 1;
        let found = settle(world, &self.facts, &self.standing, seconds(NOW, self.clock));
        let kinds = |alarms: &[Alarm]| alarms.iter().map(|alarm| alarm.kind.as_str()).collect();
        let told = (kinds(&found.raised), kinds(&found.cleared));
        self.standing.retain(|alarm| !found.cleared.contains(alarm));
        for alarm in found.reworded {
            self.standing.retain(|there| there.key != alarm.key);
            self.standing.push(alarm);
        }
        self.standing.extend(found.raised);
        told
    }

    fn cause(&self) -> &str {
        &self.standing.last().unwrap().problem.cause
    }
}

const NOTHING: (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());

fn raised(kind: &'static str) -> (Vec<&'static str>, Vec<&'static str>) {
    (vec![kind], Vec::new())
}

fn cleared(kind: &'static str) -> (Vec<&'static str>, Vec<&'static str>) {
    (Vec::new(), vec![kind])
}

#[test]
fn a_world_that_is_well_has_no_alarms() {
    assert_eq!(Watch::default().look(&world(3, 2)), NOTHING);
}

#[test]
fn a_provider_that_is_lost_is_one_alarm_until_it_answers_again() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    silence(&mut world, 2, true);
    assert_eq!(watch.look(&world), raised("provider-lost"));
    assert_eq!(watch.look(&world), NOTHING, "it is raised once");
    assert_eq!(watch.standing[0].since, seconds(NOW, 1), "and has stood since then");
    silence(&mut world, 2, false);
    assert_eq!(watch.look(&world), cleared("provider-lost"));
    let there = world.providers.get_mut(&provider(1)).unwrap();
    there.state = ProviderState::AwaitingAgent;
    assert_eq!(watch.look(&world), NOTHING, "one that never came is not lost");
}

#[test]
fn a_failure_stands_through_its_retries_until_the_provider_is_ready() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    replica(&mut world, 2, 1, Phase::Failed);
    let problem = Problem::new(Code::P0004, "kvm-2 has 1 GiB free");
    let member = list(&mut world).members.get_mut(&provider(2)).unwrap();
    (member.problem, member.next_attempt_at) = (Some(problem), Some(seconds(NOW, 10)));
    assert_eq!(watch.look(&world), raised("distribution-failed"));
    assert_eq!(watch.cause(), "`win11` does not get to kvm-2: kvm-2 has 1 GiB free");
    let member = list(&mut world).members.get_mut(&provider(2)).unwrap();
    (member.attempt, member.next_attempt_at, member.problem) = (2, None, None);
    replica(&mut world, 2, 1, Phase::Transferring);
    assert_eq!(watch.look(&world), NOTHING, "the next attempt is under way");
    silence(&mut world, 2, true);
    assert_eq!(watch.look(&world), raised("provider-lost"), "which says nothing of the other");
    silence(&mut world, 2, false);
    watch.look(&world);
    replica(&mut world, 2, 1, Phase::Ready);
    assert_eq!(watch.look(&world), cleared("distribution-failed"));
}

#[test]
fn a_silent_provider_that_lacks_the_version_is_lost_and_nothing_else() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    world.replicas.remove(&(provider(2), version(1).digest));
    silence(&mut world, 2, true);
    assert_eq!(watch.look(&world), raised("provider-lost"));
}

#[test]
fn damage_is_told_with_the_hosts_on_it_and_stands_until_the_whole_was_verified() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    add_host(&mut world, 1, 2);
    let damaged = |world: &mut World, phase, damage: Option<Damage>| {
        replica(world, 2, 1, phase);
        world.replicas.get_mut(&(provider(2), version(1).digest)).unwrap().damage = damage;
    };
    let found = Damage { found_at: Some(NOW), ..Damage::default() };
    damaged(&mut world, Phase::Damaged, Some(Damage::default()));
    assert_eq!(watch.look(&world), NOTHING, "nobody has looked yet");
    damaged(&mut world, Phase::Transferring, Some(found.clone()));
    assert_eq!(watch.look(&world), raised("replica-damaged"));
    assert!(watch.cause().ends_with("on it: desk-1"), "{}", watch.cause());
    damaged(&mut world, Phase::Transferring, Some(Damage { last_copy: true, ..found }));
    assert_eq!(watch.look(&world), (vec!["last-copy-damaged"], vec!["replica-damaged"]));
    damaged(&mut world, Phase::Verifying, None);
    assert_eq!(watch.look(&world), NOTHING, "it is read anew");
    damaged(&mut world, Phase::Ready, None);
    assert_eq!(watch.look(&world), cleared("last-copy-damaged"));
}

#[test]
fn damage_that_was_mended_between_two_reports_is_told_all_the_same() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    replica(&mut world, 2, 1, Phase::Ready);
    let report = world.replicas.get_mut(&(provider(2), version(1).digest)).unwrap();
    report.damage = Some(Damage { found_at: Some(NOW), mended: true, ..Damage::default() });
    assert_eq!(watch.look(&world), raised("replica-damaged"));
    assert!(watch.cause().contains("every byte of it matches again"), "{}", watch.cause());
    assert_eq!(watch.look(&world), NOTHING, "it is raised once");
    watch.clock += 3 * 3600;
    assert_eq!(watch.look(&world), cleared("replica-damaged"));
}

#[test]
fn a_storage_at_the_edge_of_its_floor_does_not_come_and_go() {
    let (mut world, mut watch) = (world(1, 1), Watch::default());
    let free = |world: &mut World, gib| {
        world.providers.get_mut(&provider(1)).unwrap().storage_free = Some(ByteCount::mib(gib));
    };
    for (mib, expected) in [
        (10_241, NOTHING),
        (10_239, raised("storage-low")),
        (10_241, NOTHING),
        (10_000, NOTHING),
        (11_264, cleared("storage-low")),
    ] {
        free(&mut world, mib);
        assert_eq!(watch.look(&world), expected, "{mib} MiB");
    }
    let small = world.providers.get_mut(&provider(1)).unwrap();
    (small.storage_free, small.storage_capacity) = (Some(ByteCount::gib(1)), Some(ByteCount::gib(4)));
    assert_eq!(watch.look(&world), NOTHING, "it is smaller than the floor: that was wanted");
    let told = AgentFacts { floor: Some(ByteCount::gib(2)), ..AgentFacts::default() };
    watch.facts.agents = BTreeMap::from([(provider(1), told)]);
    assert_eq!(watch.look(&world), raised("storage-low"), "somebody told its agent what to leave alone");
}

#[test]
fn a_recreation_that_stopped_is_an_alarm_until_another_begins_or_nothing_is_left_to_do() {
    let (mut world, mut watch) = (world(1, 2), Watch::default());
    add_host(&mut world, 1, 1);
    let stopped = stopped_recreation();
    world.recreations = vec![stopped.clone()];
    assert_eq!(watch.look(&world), raised("recreation-stopped"));
    assert!(watch.cause().ends_with("v2 stopped: 3 of 5 hosts failed"), "{}", watch.cause());
    world.recreations.clear();
    assert_eq!(watch.look(&world), NOTHING, "nobody looks at it any more, and it stands");
    world.recreations = vec![Recreation { stage: Stage::Running, ..stopped.clone() }];
    assert_eq!(watch.look(&world), cleared("recreation-stopped"));
    world.recreations = vec![stopped.clone()];
    watch.look(&world);
    world.recreations.clear();
    world.hosts[0].digest = version(2).digest;
    assert_eq!(watch.look(&world), cleared("recreation-stopped"), "no host is outdated");
    world.recreations = vec![Recreation { stage: Stage::AwaitingDecision, ..stopped }];
    assert_eq!(watch.look(&world), raised("recreation-stopped"), "somebody has to decide");
}

fn stopped_recreation() -> Recreation {
    let wish = crate::recreation::Wish {
        id: recreation(1),
        target: version(2),
        hosts: Vec::new(),
        terms: Default::default(),
        refresh: false,
        if_unavailable: Default::default(),
        begins_at: NOW,
        author: "admin".into(),
    };
    let note = Some("3 of 5 hosts failed".to_owned());
    Recreation { stage: Stage::Stopped, note, ..Recreation::new(wish, NOW) }
}

#[test]
fn certificates_are_told_of_in_time_and_then_urgently() {
    let (world, mut watch) = (world(1, 1), Watch::default());
    let days = |days: i64| Some(seconds(NOW, days * 86_400));
    let agent = |at| AgentFacts { certificate_expires_at: at, ..AgentFacts::default() };
    watch.facts.agents = BTreeMap::from([(provider(1), agent(days(15)))]);
    assert_eq!(watch.look(&world), NOTHING);
    watch.facts.agents = BTreeMap::from([(provider(1), agent(days(12)))]);
    assert_eq!(watch.look(&world), raised("certificate-expiring"));
    assert_eq!(watch.standing[0].severity, Severity::Warning);
    watch.facts.agents = BTreeMap::from([(provider(1), agent(days(0)))]);
    assert_eq!(watch.look(&world), NOTHING, "it is the same alarm");
    assert_eq!(watch.standing[0].severity, Severity::Critical);
    assert_eq!(watch.cause(), "the certificate of the agent of kvm-1 has run out");
    watch.facts = Facts { server_certificate_expires_at: days(1), ..Facts::default() };
    assert_eq!(watch.look(&world), (vec!["certificate-expiring"], vec!["certificate-expiring"]));
    assert_eq!(watch.standing[0].problem.code, Code::S0008);
}

#[test]
fn the_end_of_the_authority_is_told_a_year_ahead_and_beside_the_servers_certificate() {
    let (world, mut watch) = (world(1, 1), Watch::default());
    let days = |days: i64| Some(seconds(NOW, days * 86_400));
    watch.facts = Facts { authority_expires_at: days(366), ..Facts::default() };
    assert_eq!(watch.look(&world), NOTHING);
    // Seconds less by now.
    watch.facts.authority_expires_at = days(365);
    assert_eq!(watch.look(&world), raised("certificate-expiring"));
    assert_eq!(
        (watch.standing[0].problem.code, watch.standing[0].severity),
        (Code::S0010, Severity::Warning)
    );
    assert_eq!(watch.cause(), "the certificate of the server's authority runs out in 364 days");
    watch.facts.server_certificate_expires_at = days(5);
    assert_eq!(watch.look(&world), raised("certificate-expiring"), "it is an alarm of its own");
    watch.facts = Facts { authority_expires_at: days(2), ..Facts::default() };
    watch.look(&world);
    assert_eq!((watch.standing.len(), watch.standing[0].severity), (1, Severity::Critical));
}

#[test]
fn an_agent_may_lag_by_one_release() {
    let (world, mut watch) = (world(1, 1), Watch::default());
    for (agent, server, behind) in [
        ("0.3.9", "0.4.0", false),
        ("0.2.0", "0.4.0", true),
        ("0.5.0", "0.4.0", false),
        ("0.9.0", "1.0.0", false),
        ("1.2.0-rc1", "3.0.0", true),
        ("unknown", "0.4.0", false),
    ] {
        let facts = AgentFacts { release: Some(agent.to_owned()), ..AgentFacts::default() };
        watch.facts =
            Facts { agents: BTreeMap::from([(provider(1), facts)]), release: server, ..Facts::default() };
        watch.standing.clear();
        let expected = if behind { raised("agent-outdated") } else { NOTHING };
        assert_eq!(watch.look(&world), expected, "{agent} with {server}");
    }
}

#[test]
fn what_is_not_delivered_is_an_alarm_too() {
    let (world, mut watch) = (world(1, 1), Watch::default());
    let name: NotificationName = "ops".parse().unwrap();
    watch.facts.failing = vec![(name, Problem::new(Code::N0001, "ops.example does not answer"))];
    assert_eq!(watch.look(&world).0, ["notification-failed"]);
    watch.facts = Facts::default();
    assert_eq!(watch.look(&world).1, ["notification-failed"]);
}

#[test]
fn a_template_that_goes_takes_its_alarms_with_it() {
    let (mut world, mut watch) = (world(2, 1), Watch::default());
    replica(&mut world, 2, 1, Phase::Failed);
    assert_eq!(watch.look(&world), NOTHING, "a failure without a cause is none yet");
    let problem = Some(Problem::new(Code::T0001, "no source"));
    world.replicas.get_mut(&(provider(2), version(1).digest)).unwrap().problem = problem;
    assert_eq!(watch.look(&world), raised("distribution-failed"));
    world.templates.remove(&template());
    assert_eq!(watch.look(&world), cleared("distribution-failed"));
}

#[test]
fn words_are_read_back() {
    for kind in AlarmKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(*kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
    let bad = "provider".parse::<AlarmKind>().unwrap_err().to_string();
    assert!(bad.contains("`provider` is no kind of alarm") && bad.contains("provider-lost"), "{bad}");
}
