//! The simulator can fail: each rule is broken on purpose, and a promise must be seen to break.

use diecast_domain::{
    agent::{self, Local, Step},
    assignment::{Acceptance, Assignment, Orders, Refusal},
    ids::ProviderId,
    plan::World,
    reconcile::{self, Changes},
    units::Timestamp,
};
use diecast_testkit::{Rules, Sim};

/// Worlds within which a broken rule must show.
const SEEDS: u64 = 400;

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
fn a_server_that_takes_nobody_for_a_user_is_found_out() {
    fn blind(world: &World, now: Timestamp) -> Changes {
        let mut world = world.clone();
        for report in world.host_reports.values_mut() {
            report.users = Some(Vec::new());
        }
        reconcile::due(&world, now)
    }
    shows(Rules { due: blind, ..Rules::REAL }, "is disturbed while somebody may use it");
}

#[test]
fn a_server_that_gives_up_former_disks_at_once_is_found_out() {
    fn hasty(world: &World, now: Timestamp) -> Changes {
        let mut changes = reconcile::due(world, now);
        for (_, host) in &mut changes.hosts {
            let former = host.as_mut().and_then(|host| host.previous.as_mut());
            former.into_iter().for_each(|former| former.dropping = true);
        }
        changes
    }
    shows(Rules { due: hasty, ..Rules::REAL }, "before their wave has passed");
}

#[test]
fn a_server_that_never_advances_its_rollouts_does_not_settle() {
    fn idle(world: &World, now: Timestamp) -> Changes {
        let mut world = world.clone();
        (world.recreations, world.pools) = (Vec::new(), Vec::new());
        reconcile::due(&world, now)
    }
    shows(Rules { due: idle, ..Rules::REAL }, "quiet seconds");
}

#[test]
fn a_server_that_forgets_what_a_working_copy_waits_for_is_found_out() {
    fn forgetful(world: &World, now: Timestamp) -> Changes {
        let mut changes = reconcile::due(world, now);
        for (id, list) in &world.templates {
            let mut discarded = list.discarded.clone();
            discarded.iter_mut().for_each(|left| left.after = None);
            if discarded != list.discarded {
                changes.maintenances.push((*id, list.maintenance.clone(), discarded));
            }
        }
        changes
    }
    shows(Rules { due: forgetful, ..Rules::REAL }, "before anybody holds what it held");
}

#[test]
fn an_agent_that_throws_working_copies_away_is_found_out() {
    fn untidy(orders: &Orders, local: &Local) -> Vec<Step> {
        let mut steps = agent::decide(orders, local);
        let idle = |id: &&_| !local.busy.contains(&agent::Object::WorkingCopy(**id));
        let left = local.working_copy_remains.iter().filter(idle).copied();
        let begun = |id: &_| steps.iter().any(|step| step.object() == agent::Object::WorkingCopy(*id));
        let gone: Vec<_> = left.filter(|id| !begun(id)).collect();
        steps.extend(gone.into_iter().map(Step::RemoveWorkingCopy));
        steps
    }
    shows(Rules { decide: untidy, ..Rules::REAL }, "is deleted without an order");
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
