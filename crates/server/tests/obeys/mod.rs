//! Scripted agents that do as they are told, at once: hosts stand, former disks are set aside, what is
//! to go is gone. A test says where they fail.
#![allow(dead_code, clippy::unwrap_used)]

use super::world::{Agent, World, golden};
use diecast_domain::{
    assignment::{Deletion, HostOrder, Orders},
    code::{Code, Problem},
    host::{HostPhase, HostReport},
    provider::Power,
    replica::Phase,
    report::{OperationReport, Outcome},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a test waits for what must happen soon. Not a measure: only an end to hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// What differs from a host that came up well.
pub type Twist = dyn Fn(&HostOrder, &mut HostReport);

pub fn as_told(_: &HostOrder, _: &mut HostReport) {}

impl Agent {
    /// Does all that it is told now, and says so.
    pub async fn obey(&mut self, twist: &Twist) {
        let Some(told) = self.assignment(None).await else { return };
        self.said.generation = told.generation;
        self.said.hosts =
            told.orders.hosts.iter().map(|order| self.host(order, &told.orders, twist)).collect();
        let held: Vec<_> = told.orders.replicas.iter().map(|order| order.version.digest).collect();
        self.said.replicas.retain(|replica| held.contains(&replica.digest));
        let done = told.orders.operations.iter();
        self.said.operations = done
            .map(|it| OperationReport { id: it.id, outcome: Outcome::Done { lines: Vec::new() } })
            .collect();
        self.report().await;
    }

    fn host(&self, order: &HostOrder, orders: &Orders, twist: &Twist) -> HostReport {
        let before = self.said.hosts.iter().find(|said| said.id == order.id);
        let mut set_aside = before.map(|said| said.set_aside.clone()).unwrap_or_default();
        if let Some(former) = before.filter(|said| said.incarnation < order.incarnation) {
            set_aside.push(former.incarnation);
        }
        let dropped = |number: &u32| {
            orders.deletions.contains(&Deletion::SetAside { host: order.id, incarnation: *number })
        };
        set_aside.retain(|number| !dropped(number) && order.restores != Some(*number));
        let mut report = HostReport {
            id: order.id,
            phase: HostPhase::Made,
            attempt: order.attempt,
            power: Some(Power::Running),
            addresses: vec!["10.0.0.9".to_owned()],
            guest_agent: true,
            guest_name: Some(order.name.to_string()),
            problem: None,
            incarnation: order.incarnation,
            digest: Some(order.version.digest),
            users: Some(Vec::new()),
            set_aside,
        };
        twist(order, &mut report);
        report
    }

    /// Its hypervisor stops answering it: for the server it does not answer, at once.
    pub async fn fall_silent(&mut self) {
        self.said.hypervisor_problem = Some(Problem::new(Code::P0002, "libvirtd does not answer"));
        self.report().await;
    }

    pub async fn return_(&mut self) {
        self.said.hypervisor_problem = None;
        self.report().await;
    }
}

/// Everybody who answers obeys, again and again, until it is so.
pub async fn obeyed(
    world: &World,
    agents: &mut [Agent],
    twist: &Twist,
    path: &str,
    what: &str,
    so: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        for agent in agents.iter_mut().filter(|agent| agent.said.hypervisor_problem.is_none()) {
            agent.obey(twist).await;
        }
        let seen = world.get(path).await;
        if so(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "never came to be: {what}\n{seen:#}");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Refused, with this code, and a cause that holds these words.
pub async fn refuses(world: &World, method: Method, path: &str, body: Value, code: &str, words: &str) {
    let (status, said) = world.refused(method, path, body.clone()).await;
    let detail = said["detail"].as_str().unwrap();
    assert_eq!(said["code"], code, "{path} {body}: {detail}");
    assert!(detail.contains(words), "{path} {body}: `{detail}` does not say `{words}`");
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

/// The values of one field, in order.
pub fn all<'a>(items: &'a Value, field: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap_or_default()).collect()
}

/// Publishes the next version through maintenance on the first agent, and has `holders` hold it.
pub async fn publish_next(world: &World, agents: &mut [Agent], number: u32, holders: &[usize]) {
    let path = "/templates/win11";
    world.post(&format!("{path}/maintenance"), json!({"provider": agents[0].name})).await;
    agents[0].make_working_copy().await;
    world.until(path, "it is in maintenance", |it| it["status"] == "Maintenance").await;
    world.post(&format!("{path}/maintenance/leave"), json!({})).await;
    let (manifest, published) = golden(&format!("win11, version {number}"));
    agents[0].work_off_publication(&manifest, published).await;
    world.until(path, "it is published", |it| it["version"] == number && it["status"] == "Ready").await;
    agents[0].said.publications.clear();
    agents[0].said.working_copies.clear();
    for index in holders {
        agents[*index].hold(manifest.digest(), Phase::Ready);
        agents[*index].report().await;
    }
    let held = |it: &Value| {
        let rows = it["providers"].as_array().unwrap().iter();
        rows.filter(|row| row["state"] == "Ready").count() == holders.len()
    };
    world.until(&format!("{path}/distribution"), "it is held", held).await;
}
