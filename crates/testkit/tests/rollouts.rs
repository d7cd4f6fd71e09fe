//! Directed stories of maintenance, recreation and pools.

use diecast_domain::{
    ids::{ProviderId, TemplateId},
    maintenance::{RecreateWish, Stage},
    recreation,
};
use diecast_testkit::{Broken, Sim};

/// Long enough for a few reports, orders and steps.
const A_WHILE: u64 = 90;

/// Three providers, and a template that is ready on all.
fn world() -> Result<(Sim, TemplateId, [ProviderId; 3]), Broken> {
    let mut sim = Sim::quiet(7, 3);
    sim.run(20)?;
    let all = [sim.provider(1), sim.provider(2), sim.provider(3)];
    let template = sim.create_template(1, all[0], &all);
    sim.settle()?;
    Ok((sim, template, all))
}

fn stage(sim: &Sim, template: TemplateId) -> Option<Stage> {
    sim.server.stored.world.templates[&template].maintenance.as_ref().map(|there| there.stage)
}

fn current(sim: &Sim, template: TemplateId) -> u32 {
    sim.server.stored.world.templates[&template].current.as_ref().map_or(0, |version| version.number)
}

fn run_until(sim: &mut Sim, holds: impl Fn(&Sim) -> bool) -> Result<(), Broken> {
    for _ in 0..A_WHILE {
        if holds(sim) {
            return Ok(());
        }
        sim.second()?;
    }
    panic!("it did not come to pass:\n{}", sim.story);
}

/// Enters and leaves until something was changed: a simulated working copy now and then changes nothing.
fn publish_a_change(sim: &mut Sim, template: TemplateId, recreate: RecreateWish) -> Result<(), Broken> {
    let before = current(sim, template);
    while current(sim, template) == before {
        assert!(sim.enter_maintenance(template));
        run_until(sim, |sim| stage(sim, template) == Some(Stage::Open))?;
        assert!(!sim.enter_maintenance(template), "a second one is refused");
        assert!(sim.leave_maintenance(template, recreate));
        run_until(sim, |sim| stage(sim, template).is_none())?;
    }
    Ok(())
}

#[test]
fn a_change_reaches_every_host_and_nothing_is_left_over() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let hosts: Vec<_> = all.iter().filter_map(|provider| sim.create_host(template, *provider)).collect();
    sim.settle()?;
    publish_a_change(&mut sim, template, RecreateWish::Now)?;
    sim.settle()?;
    assert_eq!(current(&sim, template), 2);
    for (agent, host) in sim.agents.iter().zip(&hosts) {
        assert_eq!(agent.disk.standing[host].incarnation, 2);
        assert!(agent.disk.aside.is_empty() && agent.disk.working.is_empty());
    }
    Ok(())
}

#[test]
fn a_version_whose_guests_never_come_up_is_rolled_back() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let host = sim.create_host(template, all[1]).expect("it is ready there");
    sim.settle()?;
    publish_a_change(&mut sim, template, RecreateWish::Later)?;
    let digest = sim.server.stored.world.templates[&template].current.as_ref().expect("v2").digest;
    sim.agents.iter_mut().for_each(|agent| agent.bad.extend([digest]));
    let id = sim.recreate_outdated(template).expect("one is outdated");
    sim.settle()?;
    let recreation = sim.server.stored.world.recreations.iter().find(|it| it.id == id).expect("it is kept");
    assert_eq!(recreation.stage, recreation::Stage::Stopped);
    let standing = sim.agents[1].disk.standing[&host];
    assert_eq!(standing.incarnation, 3);
    assert_ne!(standing.digest, digest, "the former disks stand again");
    Ok(())
}

#[test]
fn hosts_of_a_silent_provider_follow_when_it_returns() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let hosts: Vec<_> = all.iter().filter_map(|provider| sim.create_host(template, *provider)).collect();
    sim.settle()?;
    let until = diecast_domain::units::Timestamp(sim.now.0 + 400_000);
    sim.network.cut_off.insert(all[2], until);
    publish_a_change(&mut sim, template, RecreateWish::Now)?;
    sim.run(200)?;
    assert_eq!(sim.agents[1].disk.standing[&hosts[1]].incarnation, 2);
    assert_eq!(sim.agents[2].disk.standing[&hosts[2]].incarnation, 1);
    sim.settle()?;
    assert_eq!(sim.agents[2].disk.standing[&hosts[2]].incarnation, 2);
    Ok(())
}

#[test]
fn whoever_is_signed_in_is_not_disturbed() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let host = sim.create_host(template, all[0]).expect("it is ready there");
    sim.settle()?;
    sim.agent(1).used.insert(host);
    sim.run(10)?;
    publish_a_change(&mut sim, template, RecreateWish::Now)?;
    sim.run(200)?;
    assert_eq!(sim.agents[0].disk.standing[&host].incarnation, 1);
    sim.agent(1).used.clear();
    sim.settle()?;
    assert_eq!(sim.agents[0].disk.standing[&host].incarnation, 2);
    Ok(())
}

#[test]
fn an_agent_killed_after_every_step_of_a_rollout_still_gets_there() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let hosts = all.iter().filter_map(|provider| sim.create_host(template, *provider)).count();
    assert_eq!(hosts, 3);
    sim.settle()?;
    publish_a_change(&mut sim, template, RecreateWish::Now)?;
    for _ in 0..100 {
        sim.run(2)?;
        for index in 0..3 {
            if sim.agents[index].memory.as_ref().is_some_and(|memory| !memory.tasks.is_empty()) {
                sim.kill(index, 1);
            }
        }
    }
    sim.settle()?;
    Ok(())
}

#[test]
fn a_pool_makes_up_for_what_another_hand_took_away() -> Result<(), Broken> {
    let (mut sim, template, _) = world()?;
    sim.create_pool(template, 3, 3, 0);
    sim.settle()?;
    let made = sim.agents.iter().map(|agent| agent.disk.standing.len()).collect::<Vec<_>>();
    assert_eq!(made, [1, 1, 1], "spread over all");
    let disk = &mut sim.agent(2).disk;
    disk.hosts.clear();
    disk.standing.clear();
    sim.settle()?;
    assert_eq!(sim.agents[1].disk.standing.len(), 1);
    Ok(())
}
