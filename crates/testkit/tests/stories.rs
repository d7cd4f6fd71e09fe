//! Directed stories: what went wrong, and what still held.

use diecast_domain::{
    agent::Object,
    code::Code,
    digest::Digest,
    distribution::{Distribution, ReplicaState},
    ids::{ProviderId, TemplateId},
};
use diecast_testkit::{
    Broken, Sim,
    disk::{LEAVES, Leaf},
};

/// Long enough for a few reports, orders and steps.
const A_WHILE: u64 = 60;
/// What golden machine 1 is, wherever it is read.
const DIGEST: Digest = Digest::from_bytes([b'1'; 32]);

/// Three providers, and a template from the first that is to be on all.
fn world() -> Result<(Sim, TemplateId, [ProviderId; 3]), Broken> {
    let mut sim = Sim::quiet(7, 3);
    sim.run(20)?;
    let all = [sim.provider(1), sim.provider(2), sim.provider(3)];
    let template = sim.create_template(1, all[0], &all);
    Ok((sim, template, all))
}

fn word(sim: &Sim, template: TemplateId) -> Distribution {
    let views = sim.server.stored.world.views(template);
    let rows: Vec<_> = views.into_iter().map(|(_, desire, view)| (desire, view)).collect();
    diecast_domain::distribution::status(&rows).word
}

fn run_until(sim: &mut Sim, seconds: u64, holds: impl Fn(&Sim) -> bool) -> Result<(), Broken> {
    for _ in 0..seconds {
        if holds(sim) {
            return Ok(());
        }
        sim.second()?;
    }
    panic!("it did not come to pass within {seconds} s:\n{}", sim.story);
}

fn has(sim: &Sim, index: usize) -> bool {
    sim.agents[index].disk.copies.get(&DIGEST).is_some_and(|copy| copy.under_final_name)
}

#[test]
fn a_template_is_brought_to_everyone() -> Result<(), Broken> {
    let (mut sim, template, _) = world()?;
    sim.settle()?;
    assert_eq!(word(&sim, template), Distribution::Ok);
    assert!(sim.agents.iter().all(|agent| agent.disk.copies[&DIGEST].is_intact()));
    Ok(())
}

#[test]
fn what_a_lying_source_sends_is_caught_on_arrival_and_the_truth_is_fetched_when_it_can_be()
-> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    sim.agent(1).lies = true;
    run_until(&mut sim, A_WHILE, |sim| {
        let view = sim.server.stored.world.view(template, all[1]);
        view.and_then(|view| view.problem).is_some_and(|problem| problem.code == Code::T0002)
    })?;
    sim.run(A_WHILE)?;
    for other in [1, 2] {
        let leaves = sim.agents[other].disk.copies[&DIGEST].leaves;
        assert_eq!(leaves, [Leaf::Absent; LEAVES], "no wrong byte was written");
    }
    sim.agent(1).lies = false;
    sim.settle()?;
    Ok(())
}

#[test]
fn a_server_restored_from_a_backup_destroys_nothing() -> Result<(), Broken> {
    let (mut sim, _, all) = world()?;
    sim.back_up();
    sim.settle()?;
    let later = sim.create_template(2, all[1], &all);
    sim.settle()?;
    let host = sim.create_host(later, all[2]).expect("the template is ready");
    sim.settle()?;
    sim.restore();
    sim.settle()?;
    let unknown = Digest::from_bytes([b'2'; 32]);
    for agent in &sim.agents {
        assert!(agent.disk.copies[&DIGEST].is_intact(), "{}", agent.name);
        assert!(agent.disk.copies[&unknown].is_intact(), "what the backup does not know is kept");
    }
    assert_eq!(sim.agents[2].disk.hosts.get(&host), Some(&true));
    assert!(sim.server.stored.epoch == 2 && !sim.story.contains("is older than"));
    Ok(())
}

#[test]
fn an_empty_server_destroys_nothing() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    sim.settle()?;
    let world = &mut sim.server.stored.world;
    world.templates.clear();
    sim.server.dirty = true;
    sim.run(A_WHILE)?;
    assert!(sim.agents.iter().all(|agent| agent.disk.copies[&DIGEST].is_intact()));
    Ok(())
}

#[test]
fn an_agent_killed_between_the_rename_and_the_registration_registers_what_it_finds() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    run_until(&mut sim, A_WHILE, |sim| has(sim, 1))?;
    assert!(!sim.agents[1].disk.copies[&DIGEST].registered);
    sim.kill(1, 5);
    sim.settle()?;
    assert!(sim.story.contains("kvm-2 begins to register"));
    let fills = sim.story.to_string().matches("kvm-2 begins to fill").count();
    assert_eq!(fills, 1, "nothing is fetched again");
    Ok(())
}

#[test]
fn an_agent_killed_after_every_step_still_gets_there() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    for _ in 0..200 {
        sim.run(2)?;
        let busy = sim.agents[1].memory.as_ref().is_some_and(|memory| !memory.tasks.is_empty());
        if busy {
            sim.kill(1, 1);
        }
    }
    sim.settle()?;
    Ok(())
}

#[test]
fn a_provider_that_is_cut_off_for_long_holds_up_nobody_and_catches_up_by_itself() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    let until = diecast_domain::units::Timestamp(sim.now.0 + 600_000);
    sim.network.cut_off.insert(all[2], until);
    run_until(&mut sim, A_WHILE, |sim| {
        let view = sim.server.stored.world.view(template, all[1]);
        view.is_some_and(|view| view.state == ReplicaState::Ready)
    })?;
    sim.run(A_WHILE)?;
    let cut = sim.server.stored.world.view(template, all[2]).expect("it is on the list");
    assert_eq!(cut.state, ReplicaState::NotAvailable);
    assert_eq!(cut.problem.map(|problem| problem.code), Some(Code::P0001));
    assert_eq!(word(&sim, template), Distribution::Failed, "it has never had the version");
    sim.run(600)?;
    sim.settle()?;
    assert_eq!(word(&sim, template), Distribution::Ok);
    Ok(())
}

#[test]
fn of_two_assignments_of_one_generation_the_second_is_refused() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    sim.settle()?;
    let held = sim.agents[1].disk.assignment.clone().expect("it was told");
    let mut forged = held.clone();
    forged.orders.replicas.clear();
    sim.offer(forged);
    assert_eq!(sim.agents[1].disk.assignment, Some(held));
    assert!(sim.story.contains("two different assignments carry generation"));
    sim.verdict()
}

#[test]
fn a_full_disk_fails_one_provider_alone_and_heals_when_it_is_freed() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    sim.agent(3).disk.room = 2;
    run_until(&mut sim, A_WHILE, |sim| {
        let view = sim.server.stored.world.view(template, all[2]);
        view.is_some_and(|view| view.problem.is_some_and(|problem| problem.code == Code::P0004))
    })?;
    run_until(&mut sim, A_WHILE, |sim| sim.agents[1].disk.copies[&DIGEST].registered)?;
    run_until(&mut sim, A_WHILE, |sim| word(sim, template) == Distribution::Failed)?;
    sim.agent(3).disk.room = 100;
    sim.settle()?;
    Ok(())
}

#[test]
fn a_disk_that_fills_up_midway_keeps_what_it_has() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    run_until(&mut sim, A_WHILE, |sim| sim.agents[2].disk.used() == 2)?;
    sim.agent(3).disk.room = 2;
    run_until(&mut sim, A_WHILE, |sim| sim.story.contains("T0003 the disk is full"))?;
    assert_eq!(sim.agents[2].disk.used(), 2, "what was fetched stays");
    sim.agent(3).disk.room = 100;
    sim.settle()?;
    Ok(())
}

#[test]
fn a_restarted_server_takes_nobody_its_turn() -> Result<(), Broken> {
    let (mut sim, ..) = world()?;
    sim.agent(2).slowness = 7;
    run_until(&mut sim, A_WHILE, |sim| sim.agents[1].disk.used() >= 1)?;
    sim.stop_server();
    sim.run(A_WHILE)?;
    assert!(!sim.story.contains("kvm-2 fails"), "its transfer went on:\n{}", sim.story);
    sim.settle()?;
    assert_eq!(sim.story.to_string().matches("kvm-2 begins to fill").count(), 1);
    Ok(())
}

#[test]
fn a_template_deleted_and_made_again_from_the_same_machine_keeps_its_bytes() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    sim.settle()?;
    assert!(sim.delete_template(template));
    sim.create_template(1, all[0], &all);
    sim.settle()?;
    assert!(sim.agents.iter().all(|agent| agent.disk.copies[&DIGEST].is_intact()));
    Ok(())
}

#[test]
fn removal_when_free_waits_for_the_hosts_and_then_is_done() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    sim.settle()?;
    let host = sim.create_host(template, all[1]).expect("it is ready there");
    sim.settle()?;
    assert!(!sim.remove_member(template, all[1], false), "a host depends on it");
    assert!(sim.remove_member(template, all[1], true));
    sim.run(A_WHILE)?;
    assert!(has(&sim, 1) && sim.agents[1].disk.hosts[&host]);
    for host in &mut sim.server.stored.world.hosts {
        host.deleting = true;
    }
    sim.server.dirty = true;
    sim.settle()?;
    assert!(!sim.agents[1].disk.copies.contains_key(&DIGEST));
    Ok(())
}

#[test]
fn a_task_is_never_stopped_by_its_own_orders_again_and_again() -> Result<(), Broken> {
    let (mut sim, template, all) = world()?;
    sim.settle()?;
    assert!(sim.remove_member(template, all[2], false));
    run_until(&mut sim, A_WHILE, |sim| {
        sim.agents[2]
            .memory
            .as_ref()
            .is_some_and(|memory| memory.tasks.contains_key(&Object::Replica(DIGEST)))
    })?;
    sim.settle()?;
    assert_eq!(sim.story.to_string().matches("kvm-3 begins to remove").count(), 1);
    Ok(())
}
