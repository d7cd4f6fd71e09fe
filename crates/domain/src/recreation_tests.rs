//! Recreations, told as stories.

use super::*;
use crate::{
    code::{Code, Problem},
    host::HostPhase,
    reconcile::TransitionKind,
    replica::Phase,
    testing::*,
};
use proptest::prelude::*;

/// A recreation of all hosts to version 2.
fn all_to_v2(world: &World, waves: Waves) -> Recreation {
    let wish = Wish {
        id: recreation(1),
        target: version(2),
        hosts: world.hosts.iter().map(|host| host.id).collect(),
        terms: Terms { waves, ..Terms::default() },
        refresh: false,
        if_unavailable: IfUnavailable::Ask,
        begins_at: NOW,
        author: "anna".into(),
    };
    Recreation::new(wish, NOW)
}

/// Hosts 1 to `hosts`, laid over `providers` in turn.
fn desks(providers: u128, hosts: u128) -> World {
    let mut world = world(providers, 2);
    (0..hosts).for_each(|number| add_host(&mut world, number + 1, number % providers + 1));
    world
}

fn begin(world: &mut World, waves: Waves) {
    let recreation = all_to_v2(world, waves);
    world.recreations.push(recreation);
}

/// One look at every recreation, carried into the world. The sentences that were told.
fn look(world: &mut World, now: Timestamp) -> Vec<String> {
    let mut told = Vec::new();
    for at in 0..world.recreations.len() {
        let advanced = advance(&world.recreations[at], world, now);
        for host in advanced.hosts {
            let there = world.hosts.iter_mut().find(|there| there.id == host.id).unwrap();
            *there = host;
        }
        told.extend(advanced.transitions.into_iter().map(|transition| transition.sentence));
        world.recreations[at] = advanced.recreation;
    }
    told
}

/// Every agent carries out its orders, and every host comes up well but those in `ill`.
fn agents_work(world: &mut World, ill: &[u128]) {
    for number in 1..=world.hosts.len() as u128 {
        let there = host_mut(world, number).clone();
        if !world.answers(there.provider) {
            continue;
        }
        if there.restores.is_some() {
            let host = host_mut(world, number);
            (host.restores, host.previous) = (None, None);
        }
        if there.previous.is_some_and(|former| former.dropping) {
            host_mut(world, number).previous = None;
        }
        let well = !ill.contains(&number) || there.version == 1;
        says(world, number, |report| report.guest_agent = well);
    }
}

fn on(world: &World, version: u32) -> Vec<u128> {
    let there = world.hosts.iter().filter(|host| host.version == version);
    there.map(|host| host.id.as_uuid().as_u128() - 500).collect()
}

fn stage(world: &World) -> Stage {
    world.recreations[0].stage
}

#[test]
fn each_wave_begins_when_the_one_before_has_come_up_well() {
    let mut world = desks(2, 10);
    begin(&mut world, Waves::Reaching(vec![Reach::Hosts(1), Reach::Percent(50), Reach::Percent(100)]));
    let mut reached = Vec::new();
    for minute in 0..8 {
        look(&mut world, seconds(NOW, 60 * minute));
        reached.push(on(&world, 2).len());
        agents_work(&mut world, &[]);
    }
    assert_eq!(reached[..4], [1, 5, 10, 10]);
    assert_eq!(stage(&world), Stage::Done);
    assert!(world.hosts.iter().all(|host| host.previous.is_none() && host.incarnation == 2));
}

#[test]
fn what_happens_is_told_as_what_it_is_and_one_host_is_one() {
    let mut world = desks(1, 1);
    begin(&mut world, Waves::AtATime(1));
    let mut told = Vec::new();
    for minute in 0..5 {
        let now = seconds(NOW, 60 * minute);
        let transitions = advance(&world.recreations[0], &world, now).transitions;
        told.extend(transitions.into_iter().map(|it| (it.kind, it.sentence)));
        look(&mut world, now);
        agents_work(&mut world, &[]);
    }
    let kinds: Vec<TransitionKind> = told.iter().map(|(kind, _)| *kind).collect();
    let begun = TransitionKind::Begun;
    assert_eq!(kinds, [begun, begun, TransitionKind::WavePassed, TransitionKind::Done]);
    assert!(told[2].1.ends_with("1 host is well"), "{}", told[2].1);
    assert!(told[3].1.ends_with("is done: 1 host"), "{}", told[3].1);
}

#[test]
fn a_number_at_a_time_goes_on_with_as_many_when_all_of_them_are_well() {
    let mut world = desks(1, 5);
    begin(&mut world, Waves::AtATime(2));
    let mut reached = Vec::new();
    for minute in 0..4 {
        look(&mut world, seconds(NOW, 60 * minute));
        reached.push(on(&world, 2).len());
        agents_work(&mut world, &[]);
    }
    assert_eq!(reached, [2, 4, 5, 5]);
}

#[test]
fn former_disks_are_kept_until_the_wave_has_passed() {
    let mut world = desks(1, 2);
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    says(&mut world, 1, |_| {});
    look(&mut world, NOW);
    let kept = |world: &World| world.hosts.iter().all(|host| host.previous.is_some_and(|it| !it.dropping));
    assert!(kept(&world), "one is well, the other not yet");
    assert!(former_due(&world, &world.hosts[0]).is_none());
    says(&mut world, 2, |_| {});
    look(&mut world, NOW);
    assert!(world.hosts.iter().all(|host| host.previous.is_some_and(|it| it.dropping)));
}

#[test]
fn a_host_in_use_is_left_alone_until_it_is_free_or_the_deadline_has_come() {
    let mut world = desks(1, 3);
    used_by(&mut world, 1, "carla");
    says(&mut world, 2, |report| report.users = None);
    begin(&mut world, Waves::AtATime(3));
    look(&mut world, NOW);
    assert_eq!(on(&world, 2), [3], "what nobody can tell counts as use");
    assert_eq!(world.recreations[0].note.as_deref(), Some("of the hosts, 2 are in use"));
    says(&mut world, 3, |_| {});
    says(&mut world, 2, |_| {});
    look(&mut world, NOW);
    assert_eq!(on(&world, 2), [2, 3]);
    world.recreations[0].terms.deadline = Some(seconds(NOW, 60));
    look(&mut world, seconds(NOW, 59));
    assert_eq!(on(&world, 2), [2, 3]);
    look(&mut world, seconds(NOW, 60));
    assert_eq!(on(&world, 2), [1, 2, 3]);
}

#[test]
fn too_many_failures_stop_it_and_the_wave_goes_back_to_what_it_was() {
    let mut world = desks(2, 6);
    begin(&mut world, Waves::Reaching(vec![Reach::Hosts(2), Reach::Percent(100)]));
    look(&mut world, NOW);
    agents_work(&mut world, &[]);
    look(&mut world, NOW);
    assert_eq!(on(&world, 2).len(), 6);
    agents_work(&mut world, &[4, 5]);
    look(&mut world, NOW);
    let told = look(&mut world, seconds(NOW, i64::from(HEALTH_SECONDS_DEFAULT)));
    assert_eq!(stage(&world), Stage::Stopped);
    assert_eq!(on(&world, 2), [1, 2], "the wave that had passed stays");
    assert!(told[0].contains("desk-4: it was not well 600 s after it was made"), "{told:?}");
    let back: Vec<_> = world.hosts.iter().filter_map(|host| host.restores).collect();
    assert_eq!(back, [1, 1, 1, 1]);
    agents_work(&mut world, &[]);
    look(&mut world, seconds(NOW, 900));
    assert!(world.hosts.iter().all(|host| host.previous.is_none()));
}

#[test]
fn a_failure_that_is_borne_is_rolled_back_alone() {
    let mut world = desks(1, 4);
    begin(&mut world, Waves::AtATime(4));
    world.recreations[0].terms.failures_max = Some(1);
    look(&mut world, NOW);
    agents_work(&mut world, &[2]);
    look(&mut world, NOW);
    look(&mut world, seconds(NOW, 600));
    assert_eq!((stage(&world), on(&world, 1)), (Stage::Done, vec![2]));
    assert_eq!(host_mut(&mut world, 2).restores, Some(1));
}

#[test]
fn disks_that_can_not_be_made_count_as_a_failure_for_good_and_not_before() {
    let mut world = desks(1, 1);
    begin(&mut world, Waves::default());
    look(&mut world, NOW);
    says(&mut world, 1, |report| {
        (report.phase, report.incarnation) = (HostPhase::Recreating, 1);
    });
    let host = host_mut(&mut world, 1);
    (host.problem, host.next_attempt_at) = (Some(Problem::new(Code::H0001, "busy")), Some(NOW));
    look(&mut world, NOW);
    assert_eq!(stage(&world), Stage::Running, "it is tried again");
    host_mut(&mut world, 1).attempt += 2;
    look(&mut world, NOW);
    assert_eq!((stage(&world), on(&world, 1)), (Stage::Stopped, vec![1]));
}

#[test]
fn silent_providers_are_asked_about_first_and_then_hold_up_nobody() {
    let mut world = desks(2, 4);
    silence(&mut world, 2, true);
    begin(&mut world, Waves::AtATime(4));
    look(&mut world, NOW);
    assert_eq!(stage(&world), Stage::AwaitingDecision);
    assert!(on(&world, 2).is_empty());
    let silent = silent(&world, world.hosts.iter());
    assert_eq!((silent.len(), silent[0].name.as_str(), silent[0].hosts.len()), (1, "kvm-2", 2));
    assert_eq!(silent[0].problem.code, Code::P0001);
    world.recreations[0].proceed = true;
    for _ in 0..3 {
        look(&mut world, NOW);
        agents_work(&mut world, &[]);
    }
    assert_eq!((stage(&world), on(&world, 2)), (Stage::Running, vec![1, 3]));
    assert!(host_mut(&mut world, 1).previous.is_none(), "their wave has passed");
    silence(&mut world, 2, false);
    replica(&mut world, 2, 2, Phase::Transferring);
    look(&mut world, NOW);
    assert_eq!(on(&world, 2), [1, 3], "not before its replica is ready");
    replica(&mut world, 2, 2, Phase::Ready);
    for _ in 0..3 {
        look(&mut world, NOW);
        agents_work(&mut world, &[]);
    }
    assert_eq!((stage(&world), on(&world, 2).len()), (Stage::Done, 4), "they follow when it returns");
}

#[test]
fn nothing_is_recreated_when_a_silent_provider_means_later() {
    let mut world = desks(2, 2);
    silence(&mut world, 2, true);
    begin(&mut world, Waves::default());
    world.recreations[0].later_if_silent = true;
    look(&mut world, NOW);
    assert_eq!((stage(&world), on(&world, 2)), (Stage::Cancelled, vec![]));
}

#[test]
fn a_provider_that_falls_silent_in_the_middle_is_judged_when_it_is_back() {
    let mut world = desks(2, 2);
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    silence(&mut world, 2, true);
    agents_work(&mut world, &[]);
    look(&mut world, seconds(NOW, 9000));
    assert!(host_mut(&mut world, 1).previous.unwrap().dropping);
    assert!(!host_mut(&mut world, 2).previous.unwrap().dropping, "nobody has seen it well");
    silence(&mut world, 2, false);
    agents_work(&mut world, &[2]);
    look(&mut world, seconds(NOW, 9001));
    assert_eq!(stage(&world), Stage::Running, "its time begins when it is heard again");
    agents_work(&mut world, &[]);
    look(&mut world, seconds(NOW, 9002));
    assert_eq!(stage(&world), Stage::Done);
}

#[test]
fn cancelling_begins_nothing_more_and_sees_the_running_wave_to_its_end() {
    let mut world = desks(1, 4);
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    world.recreations[0].cancelling = true;
    look(&mut world, NOW);
    assert_eq!(stage(&world), Stage::Running);
    agents_work(&mut world, &[]);
    look(&mut world, NOW);
    look(&mut world, NOW);
    assert_eq!((stage(&world), on(&world, 2)), (Stage::Cancelled, vec![1, 2]));
    assert!(host_mut(&mut world, 1).previous.unwrap().dropping);
}

#[test]
fn hosts_that_somebody_deletes_or_changes_meanwhile_are_left() {
    let mut world = desks(1, 3);
    begin(&mut world, Waves::AtATime(3));
    look(&mut world, NOW);
    host_mut(&mut world, 1).deleting = true;
    host_mut(&mut world, 2).incarnation += 1;
    world.hosts.retain(|there| there.id != host(3));
    look(&mut world, NOW);
    assert!(world.recreations[0].hosts.values().all(|progress| *progress == HostProgress::Left));
    assert_eq!(stage(&world), Stage::Done);
}

#[test]
fn a_newer_recreation_takes_over_what_an_older_one_has_not_begun() {
    let mut world = desks(1, 2);
    used_by(&mut world, 2, "dora");
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    let newer =
        Recreation { id: recreation(2), created_at: seconds(NOW, 5), ..all_to_v2(&world, Waves::default()) };
    world.recreations.push(newer);
    look(&mut world, seconds(NOW, 6));
    assert_eq!(world.recreations[0].hosts[&host(2)], HostProgress::Left);
}

#[test]
fn hosts_that_wait_are_left_when_another_version_is_chosen_meanwhile() {
    let mut world = desks(1, 2);
    used_by(&mut world, 2, "dora");
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    list(&mut world).current = Some(version(1));
    agents_work(&mut world, &[]);
    look(&mut world, NOW);
    assert_eq!(
        world.recreations[0].hosts[&host(2)],
        HostProgress::Left,
        "nobody is moved against a roll back"
    );
    assert_eq!(on(&world, 2), [1], "what had begun is seen to its end");
}

#[test]
fn hosts_go_to_a_version_that_somebody_named_although_it_is_not_the_one_they_should_be() {
    let mut world = desks(1, 1);
    begin(&mut world, Waves::AtATime(1));
    list(&mut world).current = Some(version(1));
    world.recreations[0].chosen = true;
    look(&mut world, NOW);
    assert!(matches!(world.recreations[0].hosts[&host(1)], HostProgress::Begun { .. }));
}

#[test]
fn a_missing_host_is_made_anew_although_it_is_of_the_version_already() {
    let mut world = desks(1, 2);
    for number in [1, 2] {
        let there = host_mut(&mut world, number);
        (there.version, there.digest) = (2, version(2).digest);
        says(&mut world, number, |_| {});
    }
    says(&mut world, 1, |report| (report.phase, report.power) = (HostPhase::Gone, None));
    begin(&mut world, Waves::AtATime(2));
    look(&mut world, NOW);
    assert_eq!((host_mut(&mut world, 1).incarnation, host_mut(&mut world, 2).incarnation), (2, 1));
    assert_eq!((host_mut(&mut world, 1).made, host_mut(&mut world, 1).previous), (false, None));
}

#[test]
fn the_outlook_is_what_will_be_carried_out() {
    let mut world = desks(3, 9);
    used_by(&mut world, 1, "carla");
    silence(&mut world, 2, true);
    replica(&mut world, 3, 2, Phase::Transferring);
    let ids: Vec<_> = world.hosts.iter().map(|host| host.id).collect();
    let waves = Waves::Reaching(vec![Reach::Hosts(1), Reach::Percent(100)]);
    let terms = Terms { waves: waves.clone(), ..Terms::default() };
    let outlook = outlook(&world, &ids, &version(2), &terms, crate::units::ByteCount::gib(1), NOW);
    let names = |hosts: &[PlannedHost]| hosts.iter().map(|it| it.name.to_string()).collect::<Vec<_>>();
    assert_eq!(outlook.waves.iter().map(|wave| names(wave)).collect::<Vec<_>>(), [["desk-4"], ["desk-7"]]);
    assert_eq!((names(&outlook.in_use), &outlook.in_use[0].users[0][..]), (vec!["desk-1".into()], "carla"));
    let blocked: Vec<_> = outlook.blockers.iter().map(|it| (it.name.as_str(), it.hosts.len())).collect();
    assert_eq!(blocked, [("kvm-2", 3), ("kvm-3", 3)]);
    begin(&mut world, waves);
    world.recreations[0].proceed = true;
    look(&mut world, NOW);
    assert_eq!(on(&world, 2), [4], "the first wave is the one that was shown");
}

#[test]
fn former_disks_that_nobody_waits_for_are_given_up() {
    let mut world = desks(1, 1);
    *host_mut(&mut world, 1) = world.hosts[0].recreated(2, version(2).digest);
    assert_eq!(former_due(&world, &world.hosts[0]), None, "it does not stand yet");
    says(&mut world, 1, |_| {});
    let given_up = former_due(&world, &world.hosts[0]).unwrap();
    assert!(given_up.previous.unwrap().dropping);
    let back = world.hosts[0].rolled_back().unwrap();
    world.hosts[0] = back;
    says(&mut world, 1, |_| {});
    assert_eq!(former_due(&world, &world.hosts[0]), None, "it is on its way back");
}

proptest! {
    /// Whatever happens to hosts and providers, in whatever order: nobody who works is disturbed, no
    /// more is exposed than the waves say, and looking twice changes nothing.
    #[test]
    fn no_user_is_disturbed_and_a_second_look_changes_nothing(
        events in proptest::collection::vec((0_u8..7, 1_u128..7, 0_i64..400), 1..60),
        at_once in 1_u32..4,
    ) {
        let mut world = desks(3, 6);
        begin(&mut world, Waves::AtATime(at_once));
        world.recreations[0].proceed = true;
        let mut now = NOW;
        for (event, number, later) in events {
            now = seconds(now, later);
            match event {
                0 => used_by(&mut world, number, "emil"),
                1 => silence(&mut world, number % 3 + 1, true),
                2 => silence(&mut world, number % 3 + 1, false),
                3 => agents_work(&mut world, &[number]),
                _ => agents_work(&mut world, &[]),
            }
            let before = world.clone();
            look(&mut world, now);
            for (then, host) in before.hosts.iter().zip(&world.hosts) {
                let begun = host.incarnation > then.incarnation && host.restores.is_none();
                prop_assert!(!begun || before.in_use(then) == crate::host::InUse::No);
                prop_assert!(host.previous.is_none_or(|former| former.incarnation < host.incarnation));
            }
            let incarnations = |world: &World| world.hosts.iter().map(|it| it.incarnation).collect::<Vec<_>>();
            let pairs = incarnations(&before).into_iter().zip(incarnations(&world));
            let begun = pairs.filter(|(then, now)| now > then).count();
            let stopped = world.recreations[0].stage == Stage::Stopped;
            prop_assert!(stopped || begun <= at_once as usize);
            let settled = world.clone();
            look(&mut world, now);
            prop_assert_eq!(&settled.hosts, &world.hosts);
            prop_assert_eq!(&settled.recreations, &world.recreations);
        }
    }
}
