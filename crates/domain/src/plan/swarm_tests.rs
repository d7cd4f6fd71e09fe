//! Who asks whom, told as stories.

use super::*;
use crate::{
    plan::Plan,
    provider::ProviderState,
    replica::{Phase, SourceReport},
    testing::{list, provider, replica, version, world},
    units::{ByteCount, BytesPerSecond},
};

/// `count` providers on a list whose version is new: the first holds it, the others are receiving it.
fn receiving(count: u128) -> World {
    let mut world = world(count, 1);
    list(&mut world).concurrency = u32::MAX;
    for number in 2..=count {
        says(&mut world, number, Phase::Transferring);
    }
    world
}

fn says(world: &mut World, number: u128, phase: Phase) {
    replica(world, number, 1, phase);
}

fn stands_in(world: &mut World, number: u128, site: &str) {
    world.providers.get_mut(&provider(number)).unwrap().site = Some(site.into());
}

fn sources(world: &World, number: u128) -> Vec<Source> {
    let told = Plan::of(world).sources(version(1).digest, provider(number));
    let here = world.site_of(provider(number));
    assert!(told.iter().all(|it| it.beyond == (world.site_of(it.provider) != here)), "{number}: {told:?}");
    told
}

fn ordinary(world: &World, number: u128) -> Vec<ProviderId> {
    sources(world, number).into_iter().filter(|it| !it.reserve).map(|it| it.provider).collect()
}

/// Provider 1 in `here` holds the version; 2 to 4 are in `here` too, 5 to 9 in `there`.
fn two_sites() -> World {
    let mut world = receiving(9);
    (1..=4).for_each(|number| stands_in(&mut world, number, "here"));
    (5..=9).for_each(|number| stands_in(&mut world, number, "there"));
    world
}

/// Those in `there` that ask for anything beyond their site as long as nothing fails.
fn gateways(world: &World) -> Vec<u128> {
    let far = |number: &u128| {
        let here = world.site_of(provider(*number));
        ordinary(world, *number).into_iter().any(|source| world.site_of(source) != here)
    };
    // What one that does not answer is told holds for when it is back.
    (5..=9).filter(|number| world.answers(provider(*number))).filter(far).collect()
}

fn brought(world: &mut World, number: u128, from: u128, bytes: u64) {
    let said = world.replicas.get_mut(&(provider(number), version(1).digest)).unwrap();
    said.sources = vec![SourceReport {
        provider: provider(from),
        received: ByteCount(bytes),
        rate: BytesPerSecond::default(),
        held_up: false,
    }];
}

#[test]
fn receivers_ask_each_other_first_and_the_holder_last() {
    let world = receiving(30);
    for number in 2..=30 {
        let told = sources(&world, number);
        let peers = told.iter().take_while(|it| !it.whole).count();
        assert_eq!((peers, told.len()), (PEERS_MAX, PEERS_MAX + 1));
        assert!(told.iter().all(|it| it.provider != provider(number) && !it.reserve));
        assert_eq!(told.last().unwrap().provider, provider(1));
    }
}

#[test]
fn who_waits_for_its_turn_or_does_not_answer_is_asked_by_nobody() {
    let mut world = receiving(5);
    says(&mut world, 3, Phase::Queued);
    says(&mut world, 4, Phase::Failed);
    world.providers.get_mut(&provider(5)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(ordinary(&world, 2), [provider(1)]);
    says(&mut world, 3, Phase::Verifying);
    assert_eq!(ordinary(&world, 2), [provider(3), provider(1)], "what is verified there is complete");
}

#[test]
fn who_comes_or_goes_is_on_few_lists() {
    let mut world = receiving(200);
    let lists = |world: &World| -> Vec<_> { (2..=199).map(|number| sources(world, number)).collect() };
    let before = lists(&world);
    says(&mut world, 200, Phase::Failed);
    let after = lists(&world);
    let changed = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert!((1..=30).contains(&changed), "{changed} lists changed");
}

#[test]
fn a_holder_feeds_some_and_the_others_live_on_those() {
    let world = receiving(200);
    let fed = (2..=200).filter(|number| ordinary(&world, *number).contains(&provider(1)));
    assert_eq!(fed.count(), FED_BY_ONE);
    assert!((2..=200).all(|number| sources(&world, number).iter().any(|it| it.provider == provider(1))));
}

#[test]
fn one_receiver_of_a_site_asks_over_its_link_and_the_others_only_in_need() {
    let world = two_sites();
    let [gateway] = gateways(&world)[..] else { panic!("one is chosen") };
    assert!(ordinary(&world, gateway).contains(&provider(1)));
    for number in (5..=9).filter(|number| *number != gateway) {
        assert!(ordinary(&world, number).contains(&provider(gateway)));
        let told = sources(&world, number);
        assert!(told.iter().any(|it| it.provider == provider(1) && it.reserve));
    }
    let near: BTreeSet<_> = (1..=4).map(provider).collect();
    assert!(
        (2..=4).flat_map(|number| ordinary(&world, number)).all(|it| near.contains(&it)),
        "it is all there"
    );
}

#[test]
fn one_of_the_holders_site_asks_the_gateway_of_another_in_need() {
    let mut world = two_sites();
    let [gateway] = gateways(&world)[..] else { panic!("one is chosen") };
    let asks = |world: &World| -> Vec<_> {
        let far = |it: &Source| it.provider == provider(gateway) && it.reserve && !it.whole;
        (2..=4).filter(|number| sources(world, *number).iter().any(far)).collect()
    };
    let [heir] = asks(&world)[..] else { panic!("one is chosen") };
    assert!(sources(&world, gateway).iter().any(|it| it.provider == provider(heir)), "and the other way");
    says(&mut world, 1, Phase::Failed);
    let far = |number: &u128| ordinary(&world, *number).contains(&provider(gateway));
    assert!(far(&heir), "it is the gateway of its site when nobody there has the version");
    says(&mut world, gateway, Phase::Queued);
    assert!(asks(&world).is_empty(), "who has not begun is asked by nobody");
}

/// How many the lists lead to from one of them.
fn led_to(lists: &BTreeMap<ProviderId, Vec<ProviderId>>) -> usize {
    let first = *lists.keys().next().unwrap();
    let (mut found, mut new) = (BTreeSet::from([first]), vec![first]);
    while let Some(next) = new.pop() {
        new.extend(lists[&next].iter().copied().filter(|id| found.insert(*id)));
    }
    found.len()
}

#[test]
fn without_the_holder_a_way_leads_from_each_receiver_to_all_others() {
    // In the last three the hash alone names somebody to nobody.
    for (count, sites) in [(3, 2), (12, 11), (40, 3), (200, 12), (350, 1), (600, 1), (800, 1)] {
        let mut world = receiving(count);
        (1..=count).for_each(|number| stands_in(&mut world, number, &format!("site-{}", number % sites)));
        let plan = Plan::of(&world);
        let mut lists: BTreeMap<_, Vec<_>> =
            (2..=count).map(|number| (provider(number), Vec::new())).collect();
        let mut listed_by = lists.clone();
        for receiver in (2..=count).map(provider) {
            let sources = plan.sources(version(1).digest, receiver).into_iter();
            for peer in sources.map(|it| it.provider).filter(|id| *id != provider(1)) {
                lists.get_mut(&receiver).unwrap().push(peer);
                listed_by.get_mut(&peer).unwrap().push(receiver);
            }
        }
        // From one to all, and to one from all.
        let led = (led_to(&lists) + 1, led_to(&listed_by) + 1);
        assert_eq!(led, (count as usize, count as usize), "{count} in {sites} sites");
    }
}

#[test]
fn those_of_a_site_are_told_who_brings_the_version_and_nobody_else_is() {
    let mut world = two_sites();
    let named = |world: &World, number: u128| -> Vec<_> {
        sources(world, number).into_iter().filter(|it| it.gateway).map(|it| it.provider).collect()
    };
    let [gateway] = gateways(&world)[..] else { panic!("one is chosen") };
    for number in 2..=9 {
        let is_told = number >= 5 && number != gateway;
        assert_eq!(named(&world, number), if is_told { vec![provider(gateway)] } else { Vec::new() });
    }
    says(&mut world, 7, Phase::Ready);
    assert!((2..=9).all(|number| named(&world, number).is_empty()), "whole holders give claims anyway");
}

#[test]
fn a_gateway_is_one_before_anything_moves() {
    let mut world = two_sites();
    let chosen = gateways(&world);
    (2..=9).for_each(|number| says(&mut world, number, Phase::Queued));
    assert_eq!(gateways(&world), chosen);
}

#[test]
fn who_has_brought_most_stays_the_gateway_and_another_takes_over_from_the_dead() {
    let mut world = two_sites();
    let first = gateways(&world)[0];
    let other = (5..=9).find(|number| *number != first).unwrap();
    brought(&mut world, other, 1, 1000);
    brought(&mut world, first, other, 9000);
    assert_eq!(gateways(&world), [other], "what came from near does not count");
    says(&mut world, other, Phase::Verifying);
    assert_eq!(gateways(&world), [other], "it has all, and nobody else needs to bring it");
    world.providers.get_mut(&provider(other)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(gateways(&world).len(), 1);
    assert_ne!(gateways(&world), [other]);
}

#[test]
fn a_gateway_that_held_up_its_site_gives_way_to_who_passed_it_by() {
    let mut world = two_sites();
    let first = gateways(&world)[0];
    let other = (5..=9).find(|number| *number != first).unwrap();
    let held_up = |world: &mut World, number| {
        brought(world, number, 1, 100);
        let said = world.replicas.get_mut(&(provider(number), version(1).digest)).unwrap();
        said.sources.push(SourceReport { provider: provider(first), held_up: true, ..said.sources[0] });
    };
    brought(&mut world, first, 1, 9000);
    held_up(&mut world, 2);
    assert_eq!(gateways(&world), [first], "another site has no say in it");
    held_up(&mut world, other);
    assert_eq!(gateways(&world), [other], "whatever the first has brought");
    world.providers.get_mut(&provider(other)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(gateways(&world), [first], "it is gone, and nobody else said so");
}

#[test]
fn a_site_that_has_the_version_whole_needs_no_gateway() {
    let mut world = two_sites();
    says(&mut world, 7, Phase::Ready);
    assert!(gateways(&world).is_empty());
    assert!(ordinary(&world, 5).contains(&provider(7)));
    assert!(sources(&world, 5).iter().any(|it| it.provider == provider(1) && it.reserve));
}

#[test]
fn those_that_name_no_site_are_one_site() {
    let mut world = receiving(9);
    assert!((2..=9).all(|number| sources(&world, number).iter().all(|it| !it.reserve)));
    stands_in(&mut world, 9, "branch");
    assert_eq!(ordinary(&world, 9).len(), 8, "seven receivers and the holder, over the link");
    assert!(!ordinary(&world, 2).contains(&provider(9)));
}
