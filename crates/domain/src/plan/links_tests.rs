//! Shares of limited site links, told as stories.

use super::*;
use crate::{
    plan::Plan,
    provider::ProviderState,
    replica::Phase,
    testing::{NOW, list, provider, replica, template, version, world},
};

const SLOW: &str = "2Mbit/s";

/// Provider 1 in madrid holds the version; 2 to 5 in berlin are receiving it; the link between has a limit.
fn two_sites() -> World {
    let mut world = world(5, 1);
    list(&mut world).concurrency = u32::MAX;
    for number in 1..=5 {
        let there = world.providers.get_mut(&provider(number)).unwrap();
        there.site = Some(if number == 1 { "madrid" } else { "berlin" }.into());
        if number > 1 {
            replica(&mut world, number, 1, Phase::Transferring);
        }
    }
    world.links.insert(SiteLink::new("madrid", "berlin").unwrap(), SLOW.parse().unwrap());
    world
}

fn link(world: &World, number: u128) -> Option<LinkLimit> {
    let orders = Plan::of(world).orders(provider(number)).unwrap();
    assert!(orders.limits.links.len() <= 1);
    orders.limits.links.into_iter().next()
}

fn share(world: &World, number: u128) -> u32 {
    link(world, number).map_or(0, |link| link.share)
}

fn gateway(world: &World) -> u128 {
    let said = &Plan::of(world).swarms[&version(1).digest];
    let (gateway, _) = said.way_to(provider(2)).unwrap();
    (2..=5).find(|number| provider(*number) == gateway).unwrap()
}

/// Everybody is told what the plan says now; those of `followers` say that they follow it.
fn told(world: &mut World, followers: &[u128]) {
    let plan = Plan::of(world);
    let orders: Vec<_> = world.providers.keys().filter_map(|id| plan.orders(*id)).collect();
    for orders in orders {
        let is_followed = followers.iter().any(|number| provider(*number) == orders.provider);
        let now = ToldLinks { is_followed, links: orders.limits.links };
        let before = world.told_links.get(&orders.provider);
        let was = before.is_some_and(|before| before.links == now.links && before.is_followed);
        world.told_links.insert(orders.provider, ToldLinks { is_followed: is_followed || was, ..now });
    }
}

#[test]
fn who_brings_a_version_over_a_link_has_all_of_its_limit_and_the_others_ask_nobody_beyond() {
    let world = two_sites();
    let gateway = gateway(&world);
    for number in 2..=5 {
        let link = link(&world, number).unwrap();
        assert_eq!((link.site.as_str(), link.sources.as_slice()), ("madrid", &[provider(1)][..]));
        let rate = link.rate(NOW).unwrap().0;
        assert_eq!(rate, if number == gateway { 250_000 } else { 0 });
    }
    assert_eq!(link(&world, 1), None, "it asks nobody in berlin");
}

#[test]
fn where_no_limit_is_nobody_is_told_of_links() {
    let mut world = two_sites();
    world.links = [(SiteLink::new("madrid", "rome").unwrap(), SLOW.parse().unwrap())].into();
    assert!((1..=5).all(|number| link(&world, number).is_none()));
}

#[test]
fn another_gateway_gets_its_share_when_the_former_is_known_to_have_given_it_up() {
    let mut world = two_sites();
    let first = gateway(&world);
    told(&mut world, &[2, 3, 4, 5]);
    replica(&mut world, first, 1, Phase::Failed);
    let second = gateway(&world);
    assert_ne!(first, second);
    assert_eq!((share(&world, first), share(&world, second)), (0, 0));
    // It was told, and has not said that it follows.
    told(&mut world, &[]);
    assert_eq!(share(&world, second), 0);
    let before = link(&world, first).unwrap();
    assert_eq!(before.held, WHOLE);
    told(&mut world, &[first]);
    assert_eq!(share(&world, second), WHOLE);
    told(&mut world, &[]);
    assert_eq!(share(&world, second), WHOLE, "and keeps it");
}

#[test]
fn the_share_of_who_does_not_answer_goes_to_the_next_at_once() {
    let mut world = two_sites();
    let first = gateway(&world);
    told(&mut world, &[2, 3, 4, 5]);
    world.providers.get_mut(&provider(first)).unwrap().state = ProviderState::NotAvailable;
    assert_eq!(share(&world, gateway(&world)), WHOLE);
}

#[test]
fn orders_that_say_the_same_again_are_the_same() {
    let mut world = two_sites();
    let all = |world: &World| -> Vec<_> { (1..=5).map(|number| link(world, number)).collect() };
    let first = all(&world);
    told(&mut world, &[]);
    assert_eq!(all(&world), first);
    told(&mut world, &[2, 3, 4, 5]);
    assert_eq!(all(&world), first);
}

#[test]
fn who_lacks_nothing_any_more_needs_no_share() {
    let mut world = two_sites();
    let gateway = gateway(&world);
    replica(&mut world, gateway, 1, Phase::Verifying);
    assert!((2..=5).all(|number| share(&world, number) == 0));
}

#[test]
fn everybody_behind_a_link_says_that_it_is_held_back_by_it() {
    let mut world = two_sites();
    for number in 2..=5 {
        let felt = Plan::of(&world).limited(template(), provider(number), NOW).unwrap();
        assert_eq!(felt.to_string(), "limited to 2 Mbit/s by site link berlin-madrid");
    }
    replica(&mut world, 5, 1, Phase::Ready);
    let felt = Plan::of(&world).limited(template(), provider(2), NOW);
    assert_eq!(felt, None, "it is there already");
}
