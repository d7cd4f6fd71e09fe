//! Maintenance under a server that dies at every commit: entered, left, cancelled and rolled back, it
//! goes on or undoes itself, and nothing is left over or made twice.
//!
//! Needs the feature `failpoints`. The server is this very test program, started again.
#![cfg(feature = "failpoints")]
#![allow(clippy::unwrap_used)]

mod mortal;
mod world;

use diecast_api::agent::{self, Enrolled, Enrolment};
use diecast_domain::{
    assignment::{Assignment, Deletion, Orders, PublicationOrder},
    digest::Digest,
    maintenance::{WorkingCopyPhase, WorkingCopyReport},
    provider::Power,
    replica::{Phase, Progress, ReplicaReport},
    report::{PublicationPhase, PublicationReport, Report},
    template::PublicationSource,
    units::{ByteCount, Timestamp},
};
use diecast_identity::{Keys, Timeouts, reqwest_client};
use mortal::{FAULTS, Server, ask, client, insist};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const TEMPLATE: &str = "/templates/win11";
const MAINTENANCE: &str = "/templates/win11/maintenance";
/// Times around at least: entered, changed, published, entered again, cancelled.
const ROUNDS_MIN: u32 = 3;
/// Deaths after which it has been shown. Which commit is the last is chance, so it goes around until then.
const DEATHS_ENOUGH: usize = 8;
/// Times around without enough deaths after which the fail points are not reached at all.
const ROUNDS_MAX: u32 = 100;
/// Refusals of one wish after which it is not the server's youth that refuses.
const REFUSALS_MAX: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_itself() {
    mortal::be_the_server().await;
}

/// An agent that does at once whatever it is told, and bears a server that is not there.
struct Faithful {
    name: String,
    http: reqwest::Client,
    url: String,
    said: Report,
}

impl Faithful {
    async fn join(server: &mut Server, token: &str, name: &str) -> Self {
        let join = insist(server, "", Method::POST, "/providers", token, json!({"name": name})).await;
        let keys = Keys::generate().unwrap();
        let url = format!("https://{}", server.listen);
        let body = Enrolment {
            token: join["token"].as_str().unwrap().to_owned(),
            csr: keys.csr_pem.clone(),
            agent_version: "0.1.0".to_owned(),
        };
        let open = client(server.folder.path()).unwrap();
        let answer = open.post(format!("{url}{}", agent::ENROL)).json(&body).send().await.unwrap();
        let enrolled: Enrolled = answer.json().await.unwrap();
        let identity = keys.certified(enrolled.certificate);
        let http = reqwest_client(&enrolled.ca, Some(&identity), Timeouts::default()).unwrap();
        Self { name: name.to_owned(), http, url, said: world::first_report(enrolled.provider) }
    }

    /// Asks, does, and reports. None if the server died over it.
    async fn turn(&mut self) -> Option<()> {
        let asked = self.http.get(format!("{}{}", self.url, agent::ASSIGNMENT));
        let answer = asked.timeout(Duration::from_secs(2)).send().await.ok()?;
        if answer.status().is_success() {
            let told: Assignment = answer.json().await.ok()?;
            self.said.generation = told.generation;
            self.obey(&told.orders).await?;
        }
        self.said.sequence += 1;
        let report = self.http.post(format!("{}{}", self.url, agent::REPORT)).json(&self.said);
        report.timeout(Duration::from_secs(10)).send().await.ok().map(drop)
    }

    async fn obey(&mut self, orders: &Orders) -> Option<()> {
        let ordered = |id| orders.publications.iter().any(|order| order.id == id);
        self.said.publications.retain(|said| ordered(said.id));
        for order in &orders.publications {
            if !self.said.publications.iter().any(|said| said.id == order.id) {
                self.publish(order).await?;
            }
        }
        let goes = |digest: &Digest| {
            orders
                .deletions
                .iter()
                .any(|it| matches!(it, Deletion::Replica { version } if version.digest == *digest))
        };
        self.said.replicas.retain(|held| !goes(&held.digest));
        for order in &orders.replicas {
            let digest = order.version.digest;
            if !self.said.replicas.iter().any(|held| held.digest == digest) {
                self.said.replicas.push(ReplicaReport {
                    digest,
                    phase: Phase::Ready,
                    attempt: order.attempt,
                    progress: Progress::default(),
                    verified_at: Some(Timestamp(1)),
                    problem: None,
                    serves: false,
                    damage: None,
                    sources: Vec::new(),
                });
            }
        }
        self.said
            .working_copies
            .retain(|copy| !orders.deletions.contains(&Deletion::WorkingCopy { id: copy.id }));
        for order in &orders.working_copies {
            if !self.said.working_copies.iter().any(|copy| copy.id == order.id) {
                self.said.working_copies.push(WorkingCopyReport {
                    id: order.id,
                    phase: WorkingCopyPhase::Made,
                    attempt: order.attempt,
                    power: Some(Power::Running),
                    addresses: Vec::new(),
                    guest_agent: true,
                    problem: None,
                });
            }
        }
        Some(())
    }

    /// Every version's content is its number.
    async fn publish(&mut self, order: &PublicationOrder) -> Option<()> {
        let content = match &order.source {
            PublicationSource::WorkingCopy { maintenance, .. } => maintenance.to_string(),
            _ => "win11".to_owned(),
        };
        let (manifest, mut published) = world::golden(&content);
        published.new_bytes = Some(ByteCount(64 << 10));
        let path = format!("{}{}/{}", self.url, agent::MANIFESTS, manifest.digest().hex());
        let answer = self.http.put(path).body(manifest.encode()).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        self.said.publications.push(PublicationReport {
            id: order.id,
            phase: PublicationPhase::Done,
            attempt: order.attempt,
            progress: Progress::default(),
            problem: None,
            published: Some(published),
        });
        Some(())
    }
}

struct Story {
    server: Server,
    token: String,
    agents: Vec<Faithful>,
    faults: &'static str,
}

impl Story {
    async fn see(&mut self, path: &str) -> Value {
        insist(&mut self.server, self.faults, Method::GET, path, &self.token, Value::Null).await
    }

    /// Lets everybody work until it is so.
    async fn until(&mut self, path: &str, what: &str, so: impl Fn(&Value) -> bool) {
        for _ in 0..3000 {
            self.server.keep_alive(self.faults);
            for agent in &mut self.agents {
                agent.turn().await;
            }
            if so(&self.see(path).await) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never came to be: {what}: {:#}", self.see(path).await);
    }

    /// Asks again and again until it has happened: an answer may be lost with the server, and one that
    /// has just begun again may not have heard of what it needs.
    async fn make(&mut self, method: Method, path: &str, body: Value, so: impl Fn(&Value) -> bool) {
        let mut refusals = 0;
        loop {
            self.server.keep_alive(self.faults);
            if so(&self.see(TEMPLATE).await) {
                return;
            }
            let key = uuid::Uuid::new_v4().to_string();
            let answer = ask(&self.server, method.clone(), path, &self.token, &key, body.clone()).await;
            if let Some((status, said)) = answer.filter(|(status, _)| !status.is_success()) {
                refusals += 1;
                assert!(refusals < REFUSALS_MAX, "{method} {path}: {status} {said}");
            }
            for agent in &mut self.agents {
                agent.turn().await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_changed_cancelled_and_rolled_back_by_a_server_that_keeps_dying() {
    let mut server = Server::new();
    let sign_in = json!({"user": "admin", "password": world::PASSWORD});
    let signed_in = insist(&mut server, "", Method::POST, "/session", "", sign_in).await;
    let token = signed_in["token"].as_str().unwrap().to_owned();
    let mut agents = Vec::new();
    for name in ["kvm-a", "kvm-b"] {
        let mut agent = Faithful::join(&mut server, &token, name).await;
        agent.turn().await.unwrap();
        agents.push(agent);
    }
    let mut story = Story { server, token, agents, faults: "" };
    story.until("/providers/kvm-a", "it answers", |it| it["state"] == "Available").await;
    let create = json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "to": ["kvm-b"]});
    insist(&mut story.server, "", Method::POST, "/templates", &story.token, create).await;
    let keep_all = json!({"keep": 0});
    insist(&mut story.server, "", Method::PATCH, TEMPLATE, &story.token, keep_all).await;
    let distribution = format!("{TEMPLATE}/distribution");
    story.until(&distribution, "it is everywhere", |it| it["distribution"] == "OK").await;

    story.server.kill();
    story.faults = FAULTS;
    let deaths = story.server.deaths;
    let status = |status: &'static str| move |it: &Value| it["status"] == status;
    let entered = |it: &Value| it["status"] != "Ready";
    let mut rounds = 0;
    while rounds < ROUNDS_MIN || story.server.deaths - deaths < DEATHS_ENOUGH {
        rounds += 1;
        let round = rounds;
        assert!(round <= ROUNDS_MAX, "it does not die: the fail points are not reached");
        let path = TEMPLATE;
        story.make(Method::POST, MAINTENANCE, json!({}), entered).await;
        story.until(path, "it is open", status("Maintenance")).await;
        let left = move |it: &Value| it["status"] == "Leaving maintenance" || it["version"] == round + 1;
        let leave = json!({"note": format!("round {round}")});
        story.make(Method::POST, &format!("{MAINTENANCE}/leave"), leave, left).await;
        let published = move |it: &Value| it["version"] == round + 1 && it["status"] == "Ready";
        story.until(path, "it is published", published).await;
        let spread = move |it: &Value| it["distribution"] == "OK" && it["version"] == round + 1;
        story.until(&distribution, "it is everywhere", spread).await;
        story.make(Method::POST, MAINTENANCE, json!({}), entered).await;
        story.make(Method::DELETE, MAINTENANCE, json!({}), status("Ready")).await;
    }
    let first = |it: &Value| it["version"] == 1;
    story.make(Method::POST, &format!("{TEMPLATE}/versions/1/activate"), json!({}), first).await;

    // Left alone, everybody comes to rest: each version once, and nothing of any working copy.
    story.server.kill();
    story.faults = "";
    let at_rest = |it: &Value| it["distribution"] == "OK" && it["version"] == 1;
    story.until(&distribution, "it is at rest", at_rest).await;
    for _ in 0..100 {
        for agent in &mut story.agents {
            agent.turn().await.unwrap();
        }
        if story.agents.iter().all(|agent| agent.said.working_copies.is_empty()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for agent in &story.agents {
        assert!(agent.said.working_copies.is_empty(), "{} has one left", agent.name);
    }
    let versions = story.see(&format!("{TEMPLATE}/versions")).await;
    let items = versions["items"].as_array().unwrap();
    let told: Vec<_> = items.iter().map(|it| (&it["number"], &it["parent"], &it["note"])).collect();
    assert_eq!(items.len() as u32, rounds + 1, "{told:?}");
    for (at, item) in items.iter().rev().enumerate().skip(1) {
        assert_eq!((&item["parent"], &item["note"]), (&json!(at), &json!(format!("round {at}"))));
    }
}
