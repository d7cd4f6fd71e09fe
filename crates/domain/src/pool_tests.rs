//! Pools, told as stories.

use super::Strategy;
use super::*;
use crate::testing::version;
use crate::{
    code::{Code, Problem},
    host::{HostPhase, InUse},
    plan::World,
    provider::ProviderState,
    replica::Phase,
    template::VersionRef,
    testing::*,
    units::ByteCount,
};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use uuid::Uuid;

pub(crate) fn pool(min: u32, max: u32, spare: u32) -> Pool {
    Pool {
        id: PoolId::from_uuid(Uuid::from_u128(300)),
        name: "desks".parse().unwrap(),
        template: template(),
        follow: Follow::Newest,
        min,
        max,
        spare,
        pattern: "desk-{nnn}".parse().unwrap(),
        kind: HostKind::Linked,
        placement: Placement::default(),
        setup: HostSetup::default(),
        replace_elsewhere: None,
        terms: Terms::default(),
        problem: None,
        deleting: false,
        delete_data: false,
        created_at: NOW,
    }
}

/// Carries a decision out: hosts are made and come up, hosts that go are gone.
fn carry_out(pool: &Pool, world: &mut World, decision: &Decision) {
    world.hosts.retain(|host| !decision.remove.contains(&host.id));
    for provider in &decision.make {
        let number = 1 + world.hosts.iter().map(|host| host.id.as_uuid().as_u128() - 500).max().unwrap_or(0);
        add_host(world, number, provider.as_uuid().as_u128());
        let VersionRef { number: followed, digest, .. } =
            super::version(pool, &world.templates[&template()]).unwrap().clone();
        let host = host_mut(world, number);
        (host.version, host.digest, host.pool) = (followed, digest, Some(pool.id));
        says(world, number, |_| {});
    }
}

fn settle(pool: &Pool, world: &mut World) -> Decision {
    for _ in 0..10 {
        let decision = reconcile(pool, world, NOW);
        if decision.make.is_empty() && decision.remove.is_empty() {
            return decision;
        }
        carry_out(pool, world, &decision);
    }
    panic!("it does not come to rest");
}

fn spread(world: &World) -> Vec<usize> {
    let on = |provider| world.hosts.iter().filter(|host| host.provider == provider).count();
    world.providers.keys().map(|id| on(*id)).collect()
}

fn numbers(providers: &[ProviderId]) -> Vec<u128> {
    providers.iter().map(|id| id.as_uuid().as_u128()).collect()
}

#[test]
fn a_pool_fills_itself_and_the_roomier_provider_comes_first() {
    let mut world = world(3, 1);
    world.providers.get_mut(&provider(2)).unwrap().storage_free = Some(ByteCount::gib(150));
    let decision = reconcile(&pool(4, 10, 0), &world, NOW);
    assert_eq!(numbers(&decision.make), [2, 1, 3, 2]);
    assert_eq!(decision.why, None);
}

/// How many of `count` hosts each provider takes that has so much free.
fn spread_over(free_gib: &[u64], count: u32) -> Vec<usize> {
    let mut world = world(free_gib.len() as u128, 1);
    for (number, gib) in (1..).zip(free_gib) {
        world.providers.get_mut(&provider(number)).unwrap().storage_free = Some(ByteCount::gib(*gib));
    }
    let decision = reconcile(&pool(count, count, 0), &world, NOW);
    assert_eq!(reconcile(&pool(count, count, 0), &world, NOW), decision, "the same again");
    carry_out(&pool(count, count, 0), &mut world, &decision);
    spread(&world)
}

#[test]
fn hosts_are_spread_by_what_is_free() {
    assert_eq!(spread_over(&[100, 100, 100], 9), [3, 3, 3], "equals take equally many");
    assert_eq!(spread_over(&[100, 101, 99], 9), [3, 3, 3], "and so do those that nearly are");
    assert_eq!(spread_over(&[300, 100], 8), [6, 2]);
    assert_eq!(spread_over(&[400, 100, 1], 5), [4, 1, 0], "who is nearly full takes none");
    assert_eq!(spread_over(&[1, 2], 3), [1, 2]);
}

#[test]
fn a_pool_that_grows_host_by_host_is_spread_like_one_made_at_once() {
    let mut world = world(3, 1);
    world.providers.get_mut(&provider(2)).unwrap().storage_free = Some(ByteCount::gib(200));
    for size in 1..=8 {
        settle(&pool(size, size, 0), &mut world);
    }
    assert_eq!(spread(&world), [2, 4, 2], "fresh overlays take no room, and count all the same");
}

#[test]
fn a_provider_of_which_nobody_knows_what_is_free_comes_last() {
    let mut world = world(3, 1);
    world.providers.get_mut(&provider(1)).unwrap().storage_free = None;
    assert_eq!(numbers(&reconcile(&pool(4, 4, 0), &world, NOW).make), [2, 3, 2, 3]);
    (1..=3).for_each(|number| world.providers.get_mut(&provider(number)).unwrap().storage_free = None);
    assert_eq!(numbers(&reconcile(&pool(4, 4, 0), &world, NOW).make), [1, 2, 3, 1], "evenly, if of nobody");
}

#[test]
fn spare_hosts_stand_ready_beside_those_in_use_and_surplus_ones_go() {
    let mut world = world(2, 1);
    let pool = pool(2, 6, 2);
    settle(&pool, &mut world);
    assert_eq!(world.hosts.len(), 2);
    used_by(&mut world, 1, "anna");
    used_by(&mut world, 2, "ben");
    settle(&pool, &mut world);
    assert_eq!(world.hosts.len(), 4);
    (1..=4).for_each(|number| used_by(&mut world, number, "all"));
    settle(&pool, &mut world);
    assert_eq!(world.hosts.len(), 6, "never more than the maximum");
    (1..=3).for_each(|number| says(&mut world, number, |_| {}));
    settle(&pool, &mut world);
    assert_eq!(world.hosts.len(), 3, "one in use, two spare");
    assert!(world.hosts.iter().any(|there| there.id == host(4)), "the one in use stays");
}

#[test]
fn hosts_that_boot_or_move_are_no_reason_for_more() {
    let mut world = world(2, 1);
    let pool = pool(0, 10, 2);
    settle(&pool, &mut world);
    for number in [1, 2] {
        says(&mut world, number, |report| (report.guest_agent, report.users) = (false, None));
    }
    assert_eq!(reconcile(&pool, &world, NOW), Decision::default());
    world.host_reports.remove(&host(2));
    says(&mut world, 1, |_| {});
    let none = Pool { spare: 1, ..pool };
    assert_eq!(reconcile(&none, &world, NOW), Decision::default(), "who is not heard of yet may be in use");
}

#[test]
fn nothing_is_removed_that_may_be_used_is_silent_or_has_a_data_disk() {
    let mut world = world(4, 1);
    let full = pool(4, 4, 0);
    settle(&full, &mut world);
    used_by(&mut world, 1, "anna");
    says(&mut world, 2, |report| report.users = None);
    host_mut(&mut world, 3).setup.data_disk = Some(ByteCount::gib(1));
    let last = host_mut(&mut world, 4).provider.as_uuid().as_u128();
    silence(&mut world, last, true);
    let small = Pool { min: 0, ..full };
    assert_eq!(reconcile(&small, &world, NOW).remove, []);
    silence(&mut world, last, false);
    assert_eq!(reconcile(&small, &world, NOW).remove, [host(4)]);
}

#[test]
fn a_host_that_another_hand_took_away_is_made_again_where_it_was() {
    let mut world = world(2, 1);
    let pool = pool(2, 2, 0);
    settle(&pool, &mut world);
    says(&mut world, 1, |report| (report.phase, report.power) = (HostPhase::Gone, None));
    let decision = reconcile(&pool, &world, NOW);
    assert_eq!((decision.remake, decision.make.len(), decision.remove.len()), (vec![host(1)], 0, 0));
    *host_mut(&mut world, 1) = world.hosts[0].recreated(1, version(1).digest);
    assert_eq!(reconcile(&pool, &world, NOW).remake, [], "it is being made");
}

#[test]
fn a_host_that_cannot_be_made_is_given_up_for_one_elsewhere() {
    let mut world = world(2, 1);
    let pool = pool(2, 2, 0);
    settle(&pool, &mut world);
    let ill = host_mut(&mut world, 1);
    (ill.made, ill.problem) = (false, Some(Problem::new(Code::P0004, "there is no room")));
    let there = ill.provider;
    let decision = reconcile(&pool, &world, NOW);
    assert_eq!(decision.remove, [host(1)]);
    assert!(decision.make.len() == 1 && decision.make[0] != there);
    // Where there is no elsewhere it stays, is tried again, and is told of.
    let other = if there == provider(1) { 2 } else { 1 };
    silence(&mut world, other, true);
    let decision = reconcile(&pool, &world, NOW);
    assert_eq!((decision.remove.len(), decision.make.len()), (0, 0));
    assert!(decision.why.unwrap().cause.contains("there is no room"));
}

#[test]
fn the_loss_of_a_provider_is_made_up_for_only_if_asked_and_after_a_while() {
    let mut world = world(3, 1);
    let mut pool = pool(6, 6, 0);
    settle(&pool, &mut world);
    assert_eq!(spread(&world), [2, 2, 2]);
    silence(&mut world, 3, true);
    world.providers.get_mut(&provider(3)).unwrap().since = NOW;
    let later = |seconds_later| seconds(NOW, seconds_later);
    assert_eq!(reconcile(&pool, &world, later(9000)).make, [], "its hosts count");
    pool.replace_elsewhere = Some(GRACE_SECONDS_DEFAULT);
    assert_eq!(reconcile(&pool, &world, later(299)).make, []);
    let decision = reconcile(&pool, &world, later(300));
    assert_eq!(decision.make.len(), 2);
    carry_out(&pool, &mut world, &decision);
    silence(&mut world, 3, false);
    used_by(&mut world, 1, "anna");
    settle(&pool, &mut world);
    assert_eq!(world.hosts.len(), 6, "when it is back, those that nobody uses are too many");
}

#[test]
fn a_pool_larger_than_all_providers_together_says_so() {
    let mut world = world(3, 1);
    let mut pool = pool(50, 50, 0);
    pool.placement.cap = Some(4);
    silence(&mut world, 3, true);
    let decision = reconcile(&pool, &world, NOW);
    assert_eq!(decision.make.len(), 8);
    let why = decision.why.unwrap();
    assert_eq!(why.code, Code::L0001);
    let said = "pool `desks` has 8 of 50 hosts, and nobody takes more: kvm-3 does not answer; \
                kvm-1 takes at most 4 hosts; kvm-2 takes at most 4 hosts";
    assert_eq!(why.cause, said);
}

#[test]
fn a_pattern_that_is_used_up_is_named() {
    let world = world(1, 1);
    let pool = Pool { pattern: "d{n}".parse().unwrap(), ..pool(12, 12, 0) };
    let decision = reconcile(&pool, &world, NOW);
    assert_eq!((decision.make.len(), decision.why.unwrap().code), (9, Code::L0005));
}

#[test]
fn hosts_are_made_of_what_the_pool_follows_and_only_where_that_is_ready() {
    let mut world = world(2, 2);
    let tag: Tag = "production".parse().unwrap();
    let mut tagged = Pool { follow: Follow::Tag(tag.clone()), ..pool(2, 2, 0) };
    let why = reconcile(&tagged, &world, NOW).why.unwrap();
    assert_eq!(why.cause, "pool `desks` follows `production`, which no version of `win11` carries");
    list(&mut world).tags.insert(tag, 1);
    replica(&mut world, 1, 1, Phase::Transferring);
    assert_eq!(numbers(&reconcile(&tagged, &world, NOW).make), [2, 2]);
    tagged.follow = Follow::Pinned(7);
    assert!(reconcile(&tagged, &world, NOW).why.unwrap().cause.contains("pinned to v7"));
    list(&mut world).deleting.insert(2);
    tagged.follow = Follow::Pinned(2);
    assert!(reconcile(&tagged, &world, NOW).make.is_empty(), "a version that goes is followed by nobody");
}

#[test]
fn fill_takes_one_provider_after_the_other_and_weights_their_shares() {
    let world = world(3, 1);
    let mut pool = pool(6, 6, 0);
    pool.placement =
        Placement { strategy: Strategy::Fill, cap: Some(4), providers: vec![provider(2), provider(1)] };
    assert_eq!(numbers(&reconcile(&pool, &world, NOW).make), [2, 2, 2, 2, 1, 1]);
    let weights = BTreeMap::from([(provider(1), 2), (provider(2), 1)]);
    pool.placement = Placement { strategy: Strategy::Weights(weights), ..Placement::default() };
    let made = numbers(&reconcile(&pool, &world, NOW).make);
    let on = |number| made.iter().filter(|made| **made == number).count();
    assert_eq!((on(1), on(2), on(3)), (4, 2, 0));
}

proptest! {
    /// Whatever its people and its providers do: nobody loses a host that is or may be in use, the
    /// maximum holds, and the pool comes to rest at its size.
    #[test]
    fn nobody_loses_a_host_and_the_pool_comes_to_rest(
        (min, more, spare) in (0_u32..5, 0_u32..6, 0_u32..4),
        events in proptest::collection::vec((0_u8..6, 0_usize..12, 1_u128..4), 1..40),
    ) {
        let mut world = world(3, 1);
        let pool = pool(min, min + more, spare);
        for (event, which, on) in events {
            let chosen = world.hosts.get(which).map(|host| host.id.as_uuid().as_u128() - 500);
            match (event, chosen) {
                (0 | 1, Some(number)) => used_by(&mut world, number, "emil"),
                (2, Some(number)) => says(&mut world, number, |_| {}),
                (3, Some(number)) => says(&mut world, number, |report| report.users = None),
                (4, _) => silence(&mut world, on, true),
                (5, _) => silence(&mut world, on, false),
                _ => {}
            }
            let decision = reconcile(&pool, &world, NOW);
            for id in &decision.remove {
                let going = world.hosts.iter().find(|host| host.id == *id).unwrap();
                prop_assert_eq!(world.in_use(going), InUse::No);
                prop_assert!(world.providers[&going.provider].state == ProviderState::Available);
            }
            prop_assert!(decision.make.iter().all(|provider| world.answers(*provider)));
            let before = world.hosts.len();
            carry_out(&pool, &mut world, &decision);
            prop_assert!(world.hosts.len() <= before.max((min + more) as usize));
        }
        (1..4).for_each(|number| silence(&mut world, number, false));
        let everybody: Vec<_> = world.hosts.iter().map(|host| host.id.as_uuid().as_u128() - 500).collect();
        everybody.into_iter().for_each(|number| says(&mut world, number, |_| {}));
        let rest = settle(&pool, &mut world);
        prop_assert_eq!(rest, Decision::default());
        prop_assert_eq!(world.hosts.len() as u32, spare.clamp(min, min + more));
    }
}
