//! The audit trail: every route that changes something leaves who, when, from where, before and after.
#![allow(clippy::unwrap_used)]

mod obeys;
mod world;

use diecast_domain::{
    code::{Code, Problem},
    provider::Power,
    replica::Phase,
    units::Timestamp,
};
use diecast_store::{RecoveryRecord, Store};
use obeys::{as_told, obeyed, publish_next};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use world::{Agent, PASSWORD, World, golden};

/// A world whose every change is looked up in the audit trail.
struct Walk {
    world: World,
    /// Which operations of the description were walked, by name.
    walked: BTreeSet<String>,
}

/// Every operation of the description that may change something: its name, method and path.
fn mutating() -> Vec<(String, Method, String)> {
    let document: Value = serde_json::from_str(&diecast_server::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(&method) {
                let name = operation["operationId"].as_str().unwrap().to_owned();
                all.push((name, method, path.clone()));
            }
        }
    }
    all
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(one, other)| one.starts_with('{') || one == other)
}

impl Walk {
    /// Does it, and finds who did it in the audit trail. The answer, and what was written.
    async fn take(&mut self, method: Method, path: &str, body: Value) -> (Value, Vec<Value>) {
        let answer = self.world.ask(method.clone(), path).json(&body).send().await.unwrap();
        let request = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{method} {path}: {status} {text}");
        let trail = self.world.get("/audit?limit=100").await;
        let of_it = |it: &&Value| it["request"] == request.as_str();
        let entries: Vec<Value> = trail["items"].as_array().unwrap().iter().filter(of_it).cloned().collect();
        assert!(!entries.is_empty(), "{method} {path} is nowhere in the audit trail");
        let called = path.split('?').next().unwrap();
        for entry in &entries {
            assert_eq!(entry["who"], "admin", "{entry:#}");
            assert_eq!(entry["from"], "127.0.0.1", "{entry:#}");
            assert_eq!(entry["call"], format!("{method} /api/v1{called}"), "{entry:#}");
            assert_eq!(entry["refused"], Value::Null, "{entry:#}");
            for said in ["at", "action", "object", "message"] {
                assert!(!entry[said].as_str().unwrap().is_empty(), "{said} of {entry:#}");
            }
        }
        let full = format!("/api/v1{called}");
        let operation = mutating().into_iter().find(|it| it.1 == method && matches(&it.2, &full));
        self.walked.insert(operation.unwrap_or_else(|| panic!("{method} {full} is not described")).0);
        (serde_json::from_str(&text).unwrap_or_default(), entries)
    }

    async fn post(&mut self, path: &str, body: Value) -> Value {
        self.take(Method::POST, path, body).await.0
    }

    async fn providers(&mut self) {
        self.post("/providers", json!({"name": "spare"})).await;
        let (_, entries) = self.take(Method::PATCH, "/providers/spare", json!({"site": "attic"})).await;
        let [entry] = entries.as_slice() else { panic!("one change: {entries:#?}") };
        assert_eq!((&entry["action"], &entry["name"]), (&json!("provider.changed"), &json!("spare")));
        assert_eq!((&entry["before"]["site"], &entry["after"]["site"]), (&Value::Null, &json!("attic")));
        let (_, entries) = self.take(Method::PUT, "/sites/attic/links/-", json!({"limit": "8Mbit/s"})).await;
        let [entry] = entries.as_slice() else { panic!("one change: {entries:#?}") };
        assert_eq!((&entry["action"], &entry["name"]), (&json!("site.changed"), &json!("--attic")));
        assert_eq!((&entry["before"], &entry["after"]["limit"]), (&Value::Null, &json!("8Mbit/s")));
        let (_, entries) = self.take(Method::PUT, "/sites/attic/links/-", json!({"limit": "off"})).await;
        assert_eq!((&entries[0]["before"]["limit"], &entries[0]["after"]), (&json!("8Mbit/s"), &Value::Null));
        self.post("/providers/spare/rejoin", json!({})).await;
        let (_, entries) = self.take(Method::DELETE, "/providers/spare", json!({})).await;
        assert_eq!((&entries[0]["before"]["site"], &entries[0]["after"]), (&json!("attic"), &Value::Null));
        self.post("/providers/kvm-a/check", json!({})).await;
    }

    async fn templates(&mut self, agents: &mut [Agent]) {
        let body = json!({"name": "deb12", "provider": "kvm-a", "vm": "golden", "to": ["kvm-a"]});
        let (_, entries) = self.take(Method::POST, "/templates", body).await;
        let objects: BTreeSet<&str> = entries.iter().map(|it| it["object"].as_str().unwrap()).collect();
        assert_eq!(objects, BTreeSet::from(["member", "template"]), "the list is of it: {entries:#?}");
        self.take(Method::PATCH, "/templates/deb12", json!({"concurrency": 3})).await;
        agents[0].fail_publication(Problem::new(Code::V0001, "`golden` is running")).await;
        let failed = |it: &Value| !it["problem"].is_null() || !it["publication"]["problem"].is_null();
        self.world.until("/templates/deb12", "the publication failed", failed).await;
        self.post("/templates/deb12/distribution/retry", json!({})).await;
        self.take(Method::DELETE, "/templates/deb12", json!({})).await;
        agents[0].said.publications.clear();
        agents[0].report().await;
    }

    async fn versions(&mut self, agents: &mut [Agent]) {
        publish_next(&self.world, agents, 2, &[0, 1]).await;
        publish_next(&self.world, agents, 3, &[0, 1]).await;
        let versions = "/templates/win11/versions";
        self.post(&format!("{versions}/1/tags"), json!({"tag": "production"})).await;
        let (_, entries) =
            self.take(Method::DELETE, &format!("{versions}/1/tags/production"), json!({})).await;
        assert_eq!(entries[0]["before"]["tags"], json!(["production"]), "{entries:#?}");
        self.post(&format!("{versions}/2/activate"), json!({})).await;
        self.post(&format!("{versions}/3/activate"), json!({})).await;
        self.take(Method::DELETE, &format!("{versions}/1"), json!({})).await;
    }

    async fn distribution(&mut self) {
        let list = "/templates/win11/distribution";
        self.post(&format!("{list}/verify"), json!({})).await;
        let (_, entries) =
            self.take(Method::POST, &format!("{list}/remove"), json!({"providers": ["kvm-b"]})).await;
        let member = entries.iter().find(|it| it["object"] == "member").unwrap();
        assert_eq!(member["name"], "kvm-b of win11");
        self.post(&format!("{list}/providers"), json!({"providers": ["kvm-b"]})).await;
    }

    async fn maintenance(&mut self, agents: &mut [Agent]) {
        let place = "/templates/win11/maintenance";
        self.post(place, json!({"provider": "kvm-a"})).await;
        agents[0].make_working_copy().await;
        let open = |it: &Value| it["status"] == "Maintenance";
        self.world.until("/templates/win11", "it is in maintenance", open).await;
        agents[0].said.working_copies[0].power = Some(Power::Off);
        agents[0].report().await;
        self.world.until(place, "it is off", |it| it["power"] == "Off").await;
        self.post(&format!("{place}/start"), json!({})).await;
        self.take(Method::DELETE, place, json!({})).await;
        agents[0].said.working_copies.clear();
        agents[0].report().await;
        let ready = |it: &Value| it["status"] == "Ready";
        self.world.until("/templates/win11", "it is ready again", ready).await;
        self.post(place, json!({"provider": "kvm-a"})).await;
        agents[0].make_working_copy().await;
        self.world.until("/templates/win11", "it is in maintenance", open).await;
        self.post(&format!("{place}/leave"), json!({})).await;
        let (manifest, published) = golden("win11, changed in maintenance");
        agents[0].work_off_publication(&manifest, published).await;
        self.world.until("/templates/win11", "it is published", ready).await;
        agents[0].said.publications.clear();
        agents[0].said.working_copies.clear();
        for agent in agents {
            agent.hold(manifest.digest(), Phase::Ready);
            agent.report().await;
        }
        let settled = |it: &Value| it["distribution"] == "OK";
        self.world.until("/templates/win11/distribution", "everybody holds it", settled).await;
    }

    async fn hosts(&mut self, agents: &mut [Agent]) {
        let setup = json!({"user_data": "#cloud-config\npassword: hunter2hunter2\n"});
        let body = json!({"template": "win11", "count": 2, "name": "desk-{n}", "setup": setup});
        let (_, entries) = self.take(Method::POST, "/hosts", body).await;
        assert!(!json!(entries).to_string().contains("hunter2"), "what a guest is told may be secret");
        let ready = |it: &Value| it["items"].as_array().unwrap().iter().all(|it| it["status"] == "Ready");
        obeyed(&self.world, agents, &as_told, "/hosts", "every host stands", ready).await;
        for agent in agents.iter_mut() {
            let made =
                |told: &diecast_domain::assignment::Assignment| told.orders.hosts.iter().all(|it| it.made);
            agent.told("that its hosts were made", made).await;
        }
        self.post("/hosts/desk-1/stop", json!({})).await;
        self.post("/hosts/desk-1/start", json!({})).await;
        self.recreations(agents).await;
        self.take(Method::DELETE, "/hosts/desk-1", json!({})).await;
        self.take(Method::DELETE, "/hosts/desk-2", json!({})).await;
    }

    /// Two providers, a host on each; one of them does not answer, so a decision is awaited.
    async fn recreations(&mut self, agents: &mut [Agent]) {
        agents[1].fall_silent().await;
        let silent = |it: &Value| it["state"] == "Hypervisor silent";
        self.world.until("/providers/kvm-b", "it does not answer", silent).await;
        let made = self.post("/recreations", json!({"hosts": ["desk-1", "desk-2"]})).await;
        let path = format!("/recreations/{}", made["items"][0]["id"].as_str().unwrap());
        self.post(&format!("{path}/proceed"), json!({})).await;
        self.post(&format!("{path}/cancel"), json!({})).await;
        agents[1].return_().await;
        let available = |it: &Value| it["state"] == "Available";
        self.world.until("/providers/kvm-b", "it answers again", available).await;
    }

    async fn pools_and_schedules(&mut self) {
        let desks =
            json!({"name": "desks", "template": "win11", "pattern": "pc-{n}", "settings": {"size": 1}});
        self.post("/pools", desks).await;
        let (_, entries) = self.take(Method::PATCH, "/pools/desks", json!({"size": 2})).await;
        assert_ne!(entries[0]["before"], entries[0]["after"], "{entries:#?}");
        let body = json!({"name": "morning", "action": "start", "pool": "desks", "cron": "0 7 * * *"});
        self.post("/schedules", body).await;
        self.take(Method::PATCH, "/schedules/morning", json!({"enabled": false})).await;
        self.take(Method::DELETE, "/schedules/morning", json!({})).await;
        self.take(Method::DELETE, "/pools/desks", json!({})).await;
    }

    async fn access(&mut self) {
        self.post("/tokens", json!({"name": "ci", "role": "administrator"})).await;
        self.take(Method::DELETE, "/tokens/ci", json!({})).await;
        self.take(Method::PATCH, "/audit/settings", json!({"days": 30})).await;
        let webhook = json!({"url": "http://127.0.0.1:9/", "secret": "a secret that nobody may read"});
        let (_, entries) =
            self.take(Method::POST, "/notifications", json!({"name": "ops", "webhook": webhook})).await;
        assert!(!json!(entries).to_string().contains("nobody may read"), "{entries:#?}");
        let change = json!({"webhook": {"secret": "another one that nobody may read"}});
        let (_, entries) = self.take(Method::PATCH, "/notifications/ops", change).await;
        let text = json!(entries).to_string();
        assert!(!text.contains("nobody may read") && text.contains("(withheld, changed)"), "{entries:#?}");
        self.take(Method::DELETE, "/notifications/ops", json!({})).await;
    }

    async fn recovery(&mut self) {
        let beside = Store::open_beside(&self.world.folder.path().join("diecast.db")).await.unwrap();
        let mut change = beside.change().await.unwrap();
        let restored =
            RecoveryRecord { backup_made_at: Timestamp(1), restored_at: Timestamp(2), finished_at: None };
        change.put_recovery(&restored).await.unwrap();
        change.commit().await.unwrap();
        beside.close().await;
        self.post("/recovery/adopt", json!({"all": true})).await;
        self.post("/recovery/finish", json!({"force": true})).await;
    }

    async fn session(&mut self) {
        self.world.sign_in().await;
        let entries = self.world.get("/audit?object=session").await;
        let begun = &entries["items"][0];
        assert_eq!((&begun["action"], &begun["name"]), (&json!("session.created"), &json!("admin")));
        self.walked.insert("sign_in".to_owned());
        let ended = self.world.token.clone();
        self.world.sign_in().await;
        let kept = std::mem::replace(&mut self.world.token, ended);
        let url = format!("{}/api/v1/session", self.world.url);
        let answer = self.world.http.delete(url).bearer_auth(&self.world.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        self.world.token = kept;
        let entries = self.world.get("/audit?object=session").await;
        assert_eq!(entries["items"][0]["action"], "session.deleted", "{entries:#}");
        self.walked.insert("sign_out".to_owned());
    }
}

/// Operations that change nothing that is kept, and why.
const CHANGE_NOTHING: [&str; 1] = ["test_notification"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_leaves_who_did_it() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    let mut walk = Walk { world, walked: BTreeSet::new() };
    walk.providers().await;
    walk.templates(&mut agents).await;
    walk.versions(&mut agents).await;
    walk.distribution().await;
    walk.maintenance(&mut agents).await;
    walk.hosts(&mut agents).await;
    walk.pools_and_schedules().await;
    walk.access().await;
    walk.recovery().await;
    walk.session().await;
    let all: BTreeSet<String> = mutating().into_iter().map(|it| it.0).collect();
    let forgotten: Vec<&String> =
        all.difference(&walk.walked).filter(|name| !CHANGE_NOTHING.contains(&name.as_str())).collect();
    assert!(forgotten.is_empty(), "walk these too, and see that they leave an entry: {forgotten:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_agents_and_the_server_do_by_themselves_is_nobodys_change() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    let trail = world.get("/audit?limit=1000").await;
    for entry in trail["items"].as_array().unwrap() {
        assert_eq!(entry["who"], "admin", "{entry:#}");
    }
    let actions: Vec<&str> =
        trail["items"].as_array().unwrap().iter().map(|it| it["action"].as_str().unwrap()).collect();
    assert!(!actions.iter().any(|it| it.starts_with("replica") || it.contains("enrolled")), "{actions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_written_down_without_what_was_typed() {
    let world = World::start().await;
    for (user, password) in [("admin", "guess-one-two-three"), (PASSWORD, "guess-one-two-three")] {
        let body = json!({"user": user, "password": password});
        let url = format!("{}/api/v1/session", world.url);
        let answer = world.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    let trail = world.get("/audit").await;
    let refused: Vec<&Value> =
        trail["items"].as_array().unwrap().iter().filter(|it| it["refused"] == "A0008").collect();
    let who: Vec<&str> = refused.iter().map(|it| it["who"].as_str().unwrap()).collect();
    assert_eq!(who, ["(unknown)", "admin"], "a name that is none may be a password");
    assert_eq!(refused[0]["from"], "127.0.0.1");
    let text = trail.to_string();
    assert!(!text.contains("guess-one") && !text.contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_in_pages_from_either_end_by_who_when_and_what() {
    let world = World::start().await;
    for number in 1..=5 {
        world.add_provider(&format!("kvm-{number}")).await;
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = world.get("/audit?object=provider&limit=2").await;
    assert_eq!(names(&first), ["kvm-5", "kvm-4"]);
    let next = first["next"].as_str().unwrap();
    let second = world.get(&format!("/audit?object=provider&limit=2&after={next}")).await;
    assert_eq!(names(&second), ["kvm-3", "kvm-2"]);
    let oldest = world.get("/audit?object=provider&limit=3&order=oldest").await;
    assert_eq!(names(&oldest), ["kvm-1", "kvm-2", "kvm-3"]);
    let next = oldest["next"].as_str().unwrap();
    let rest = world.get(&format!("/audit?object=provider&order=oldest&after={next}")).await;
    assert_eq!((names(&rest), &rest["next"]), (vec!["kvm-4".to_owned(), "kvm-5".to_owned()], &Value::Null));
    assert_eq!(names(&world.get("/audit?name=kvm-2").await), ["kvm-2"]);
    assert_eq!(world.get("/audit?who=token:ci").await["items"], json!([]));
    assert_eq!(world.get("/audit?until=2020-01-01T00:00:00Z").await["items"], json!([]));
    assert_eq!(world.get("/audit?since=2100-01-01T00:00:00Z").await["items"], json!([]));
    for bad in ["order=sideways", "since=yesterday", "after=x", "limit=0", "until=12"] {
        let (status, _) = world.refused(Method::GET, &format!("/audit?{bad}"), json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
    for days in [0, 6, 3661] {
        let (_, said) = world.refused(Method::PATCH, "/audit/settings", json!({"days": days})).await;
        assert_eq!(said["code"], "A0001", "{days}");
    }
    assert_eq!(world.get("/audit/settings").await, json!({"days": 400}), "unless somebody said so");
}
