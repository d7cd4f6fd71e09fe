//! The simulator can fail: each rule is broken on purpose, and a promise must be seen to break.

use diecast_domain::{
    agent::{self, Local, Step},
    assignment::{Acceptance, Assignment, Orders, Refusal},
    ids::ProviderId,
};
use diecast_testkit::{Rules, Sim};

/// Worlds within which a broken rule must show.
const SEEDS: u64 = 100;

/// The promises that break somewhere among the seeds.
fn broken_by(rules: Rules) -> Vec<String> {
    let lives = (0..SEEDS).map(|seed| Sim::hostile(seed).with_rules(rules).live());
    lives.filter_map(|life| life.err().map(|broken| broken.promise)).take(3).collect()
}

fn shows(rules: Rules, promise: &str) {
    let broken = broken_by(rules);
    assert!(broken.iter().any(|there| there.contains(promise)), "expected `{promise}`, saw {broken:?}");
}

#[test]
fn an_agent_that_does_not_verify_the_whole_is_found_out() {
    shows(Rules { verifies: false, ..Rules::REAL }, "unverified");
}

#[test]
fn an_agent_that_deletes_what_no_order_names_is_found_out() {
    fn tidy(orders: &Orders, local: &Local) -> Vec<Step> {
        let mut steps = agent::decide(orders, local);
        let unnamed = local.replicas.keys().find(|digest| {
            let named = steps.contains(&Step::RemoveReplica(**digest)) || orders.replica(digest).is_some();
            !named && !local.busy.contains(&agent::Object::Replica(**digest))
        });
        steps.extend(unnamed.map(|digest| Step::RemoveReplica(*digest)));
        steps
    }
    shows(Rules { decide: tidy, ..Rules::REAL }, "without an order");
}

#[test]
fn an_agent_that_believes_stale_orders_is_found_out() {
    fn gullible(
        _: ProviderId,
        held: &mut Option<Assignment>,
        offered: Assignment,
    ) -> Result<Acceptance, Refusal> {
        *held = Some(offered);
        Ok(Acceptance::Taken)
    }
    shows(Rules { accept: gullible, ..Rules::REAL }, "went back to generation");
}

#[test]
fn an_agent_that_makes_a_host_again_is_found_out() {
    fn hasty(orders: &Orders, local: &Local) -> Vec<Step> {
        let mut local = local.clone();
        local.hosts_made.clear();
        let mut orders = orders.clone();
        orders.hosts.iter_mut().for_each(|host| host.made = false);
        agent::decide(&orders, &local)
    }
    shows(Rules { decide: hasty, ..Rules::REAL }, "is made again");
}

#[test]
fn an_agent_that_never_tries_again_does_not_settle() {
    fn resigned(orders: &Orders, local: &Local) -> Vec<Step> {
        let mut local = local.clone();
        local.failed.values_mut().for_each(|attempt| *attempt = u32::MAX);
        agent::decide(orders, &local)
    }
    shows(Rules { decide: resigned, ..Rules::REAL }, "quiet seconds");
}

#[test]
fn a_receiver_that_believes_its_sources_is_saved_by_the_verification_of_the_whole() {
    let credulous = Rules { checks_arrivals: false, ..Rules::REAL };
    for seed in 0..SEEDS {
        let life = Sim::hostile(seed).with_rules(credulous).live();
        let unverified = life.is_err_and(|broken| broken.promise.contains("unverified"));
        assert!(!unverified, "seed {seed}");
    }
}
