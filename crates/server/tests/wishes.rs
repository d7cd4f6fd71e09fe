//! What operators ask, and what they are told when it cannot be.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::units::ByteCount;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use world::{World, problem};

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_one_shape_wherever_they_come_from() {
    let world = World::start().await;
    let at = |path: &str| format!("{}{path}", world.url);
    let tries = [
        ("no such page", world.http.get(at("/nowhere")), StatusCode::NOT_FOUND, "A0004"),
        ("no such route", world.http.get(at("/api/v1/nowhere")), StatusCode::NOT_FOUND, "A0004"),
        ("no such method", world.http.put(at("/healthz")), StatusCode::METHOD_NOT_ALLOWED, "A0001"),
        ("no such code", world.http.get(at("/api/v1/errors/X9")), StatusCode::NOT_FOUND, "A0004"),
        (
            "malformed JSON",
            world.http.post(at("/api/v1/session")).body("{"),
            StatusCode::BAD_REQUEST,
            "A0001",
        ),
        (
            "an unknown field",
            world.http.post(at("/api/v1/session")).body(r#"{"user":"a","password":"b","x":1}"#),
            StatusCode::BAD_REQUEST,
            "A0001",
        ),
        (
            "too large a body",
            world.http.post(at("/api/v1/session")).body(vec![b' '; 2 << 20]),
            StatusCode::PAYLOAD_TOO_LARGE,
            "A0001",
        ),
        ("a bad page", world.ask(Method::GET, "/hosts?limit=0"), StatusCode::BAD_REQUEST, "A0001"),
        ("a bad query", world.ask(Method::GET, "/hosts?limit=x"), StatusCode::BAD_REQUEST, "A0001"),
        ("a bad path", world.ask(Method::GET, "/hosts/%FF"), StatusCode::BAD_REQUEST, "A0001"),
        ("no such thing", world.ask(Method::GET, "/hosts/..%2f..%2fetc"), StatusCode::NOT_FOUND, "A0004"),
    ];
    for (what, request, expected, code) in tries {
        let (status, said) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, said["code"].as_str()), (expected, Some(code)), "{what}: {said}");
    }
    let page = world.http.get(at("/api/v1/errors/T0001")).send().await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/markdown"));
    assert!(page.text().await.unwrap().starts_with("# T0001"));
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(world.http.get(at(path)).send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_settings_are_checked_at_the_door() {
    let world = World::start().await;
    let bad = [
        json!({"name": "KVM A"}),
        json!({"name": "../etc"}),
        json!({"name": "kvm-a", "kind": "abacus"}),
        json!({"name": "kvm-a", "storage": ""}),
        json!({"name": "kvm-a", "site": "a\nb"}),
    ];
    for body in bad {
        let (status, said) = world.refused(Method::POST, "/providers", body.clone()).await;
        assert_eq!((status, said["code"].as_str()), (StatusCode::BAD_REQUEST, Some("A0001")), "{body}");
    }
    let (_, said) =
        world.refused(Method::POST, "/providers", json!({"name": "kvm-a", "uri": "http://x"})).await;
    assert_eq!(said["code"], "P0010");
    let join = world.post("/providers", json!({"name": "kvm-a"})).await;
    let line = join["join"].as_str().unwrap();
    assert!(line.starts_with("diecast-agent join --server https://") && line.contains("--ca-fingerprint"));
    let (status, said) = world.refused(Method::POST, "/providers", json!({"name": "kvm-a"})).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("A0005")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_made_to_what_was_read_or_not_at_all() {
    let world = World::start().await;
    world.add_provider("kvm-a").await;
    let read = world.ask(Method::GET, "/providers/kvm-a").send().await.unwrap();
    let etag = read.headers()["etag"].to_str().unwrap().to_owned();
    let change = |etag: &str, storage: &str| {
        let request = world.ask(Method::PATCH, "/providers/kvm-a").header("If-Match", etag);
        request.json(&json!({"storage": storage, "labels": {"rack": "1"}})).send()
    };
    let changed = change(&etag, "fast").await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    let next = changed.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(next, etag);
    let (status, said) = problem(change(&etag, "slow").await.unwrap()).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("A0006")));
    assert_eq!(world.get("/providers/kvm-a").await["storage"], "fast");
    let stale = world.ask(Method::DELETE, "/providers/kvm-a").header("If-Match", &etag).send().await.unwrap();
    assert_eq!(stale.status(), StatusCode::PRECONDITION_FAILED);
    let fresh = world.ask(Method::DELETE, "/providers/kvm-a").header("If-Match", &next).send().await.unwrap();
    assert_eq!(fresh.status(), StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_has_a_tag() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    world.post("/hosts", json!({"template": "win11", "count": 1, "name": "desk-1"})).await;
    let check = world.post("/providers/kvm-a/check", json!({})).await;
    let operation = format!("/operations/{}", check["id"].as_str().unwrap());
    let paths = [
        "/session",
        "/providers/kvm-a",
        "/templates/win11",
        "/templates/win11/distribution",
        "/hosts/desk-1",
        &operation,
    ];
    for path in paths {
        let answer = world.ask(Method::GET, path).send().await.unwrap();
        assert!(answer.headers().contains_key("etag"), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_repeated_under_its_key_is_done_once() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    let create = async |path: &str, key: &str, body: &Value| {
        world.ask(Method::POST, path).header("Idempotency-Key", key).json(body).send().await.unwrap()
    };
    let provider = json!({"name": "kvm-b"});
    let first: Value = create("/providers", "k1", &provider).await.json().await.unwrap();
    let again = create("/providers", "k1", &provider).await;
    assert_eq!(again.status(), StatusCode::CREATED);
    let again: Value = again.json().await.unwrap();
    assert_ne!(first["token"], again["token"], "the token is not kept, so a repetition gets another");
    let (status, said) = problem(create("/providers", "k1", &json!({"name": "kvm-c"})).await).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("A0011")));

    let template = json!({"name": "win11", "provider": "kvm-a", "vm": "golden"});
    for _ in 0..2 {
        assert_eq!(create("/templates", "k2", &template).await.status(), StatusCode::CREATED);
    }
    let (manifest, published) = world::golden("win11");
    agents[0].work_off_publication(&manifest, published).await;
    agents[0].hold(manifest.digest(), diecast_domain::replica::Phase::Ready);
    agents[0].report().await;
    world.until("/templates/win11/distribution", "it is held", |it| it["distribution"] == "OK").await;
    let hosts = json!({"template": "win11", "count": 2, "name": "desk-{n}"});
    let first: Value = create("/hosts", "k3", &hosts).await.json().await.unwrap();
    let again: Value = create("/hosts", "k3", &hosts).await.json().await.unwrap();
    assert_eq!(first["items"], again["items"]);
    assert_eq!(world.get("/hosts").await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_refused_early_where_the_server_knows_already() {
    let world = World::start().await;
    let _agent = world.join("kvm-a").await;
    world.add_provider("kvm-silent").await;
    let tries = [
        (json!({"name": "t", "provider": "nobody", "vm": "golden"}), "A0004"),
        (json!({"name": "t", "provider": "kvm-a", "vm": "golden", "to": ["nobody"]}), "A0004"),
        (json!({"name": "T", "provider": "kvm-a", "vm": "golden"}), "A0001"),
        (json!({"name": "t", "provider": "kvm-a"}), "A0001"),
        (json!({"name": "t", "provider": "kvm-a", "vm": "golden", "image": "/x"}), "A0001"),
        (json!({"name": "t", "provider": "kvm-a", "image": "/a/../../etc/shadow"}), "A0001"),
        (json!({"name": "t", "provider": "kvm-a", "vm": "golden", "concurrency": 0}), "A0001"),
        (json!({"name": "t", "provider": "kvm-silent", "vm": "golden"}), "P0001"),
        (json!({"name": "t", "provider": "kvm-a", "vm": "absent"}), "V0002"),
        (json!({"name": "t", "provider": "kvm-a", "vm": "busy"}), "V0001"),
    ];
    for (body, code) in tries {
        let (_, said) = world.refused(Method::POST, "/templates", body.clone()).await;
        assert_eq!(said["code"], code, "{body}");
    }
    assert_eq!(world.get("/templates").await["items"], json!([]));
    let plan = json!({"name": "t", "provider": "kvm-a", "vm": "busy", "to_all": true});
    let plan = world.post("/templates?dry_run=true", plan).await;
    let steps: Vec<&str> = plan["steps"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(
        steps,
        ["read VM `busy` on kvm-a and publish it as v1 of `t`", "bring v1 of `t` to kvm-silent"]
    );
    let codes: Vec<_> = plan["obstacles"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, ["V0001", "P0001"]);
    world.post("/templates", json!({"name": "t", "provider": "kvm-a", "vm": "golden"})).await;
    let (_, said) = world
        .refused(Method::POST, "/templates", json!({"name": "t", "provider": "kvm-a", "vm": "golden"}))
        .await;
    assert_eq!(said["code"], "A0005");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_changed_as_one_expects() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    let path = "/templates/win11/distribution";
    let same = world.post(&format!("{path}/providers"), json!({"providers": ["kvm-b"]})).await;
    assert_eq!(same["distribution"], "OK", "who is on it already stays as it is");
    let mut third = world.join("kvm-c").await;
    third.said.facts.as_mut().unwrap().networks.clear();
    third.report().await;
    let plan = |it: &Value| it["facts"]["networks"] == json!([]);
    world.until("/providers/kvm-c", "its networks are gone", plan).await;
    let plan = world.post(&format!("{path}/providers?dry_run=true"), json!({"providers": ["kvm-c"]})).await;
    assert_eq!(plan["obstacles"][0]["code"], "P0005");
    let added = world.post(&format!("{path}/providers"), json!({"providers": ["kvm-c"]})).await;
    assert_eq!(added["distribution"], "Adding provider");

    let remove = |names: Value| json!({"providers": names});
    let (_, said) = world.refused(Method::POST, &format!("{path}/remove"), remove(json!(["nobody"]))).await;
    assert_eq!(said["code"], "A0004");
    let (_, said) =
        world.refused(Method::POST, &format!("{path}/remove"), remove(json!(["kvm-a", "kvm-b"]))).await;
    assert_eq!(said["code"], "A0007", "the last verified replica stays");
    for _ in 0..2 {
        let removing = world.post(&format!("{path}/remove"), remove(json!(["kvm-b"]))).await;
        assert_eq!(removing["distribution"], "Removing provider");
    }
    agents[1].told("the deletion", |told| !told.orders.deletions.is_empty()).await;
    agents[1].said.replicas.clear();
    agents[1].report().await;
    world.until(path, "it is off the list", |it| it["providers"].as_array().unwrap().len() == 2).await;
    let (_, said) = world.refused(Method::POST, &format!("{path}/remove"), remove(json!(["kvm-b"]))).await;
    assert_eq!(said["code"], "A0004");
    let (_, said) = world.refused(Method::DELETE, "/providers/kvm-a", json!({})).await;
    assert_eq!(said["code"], "A0007");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_refused_where_nobody_can_make_them() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let host = |count: u32, name: &str| json!({"template": "win11", "count": count, "name": name});
    world.publish("win11", &mut agents).await;
    let (_, said) = world.refused(Method::POST, "/hosts", host(1, "desk-1")).await;
    assert_eq!(said["code"], "H0006", "nobody holds it yet");
    let (_, said) = world.refused(Method::POST, "/hosts", host(0, "desk-{n}")).await;
    assert_eq!(said["code"], "A0001");
    let digest = world.get("/templates/win11").await["digest"].as_str().unwrap().parse().unwrap();
    agents[0].hold(digest, diecast_domain::replica::Phase::Ready);
    agents[0].report().await;
    let ready = |it: &Value| it["providers"][0]["state"] == "Ready";
    world.until("/templates/win11/distribution", "one holds it", ready).await;
    let mut there = host(1, "desk-1");
    there["providers"] = json!(["kvm-b"]);
    let (_, said) = world.refused(Method::POST, "/hosts", there).await;
    assert_eq!(said["code"], "H0006");
    let plan = world.post("/hosts?dry_run=true", host(2, "desk-{n}")).await;
    assert_eq!(plan["steps"][1], "make linked host `desk-2` of `win11` on kvm-a");
    world.post("/hosts", host(9, "desk-{n}")).await;
    let (_, said) = world.refused(Method::POST, "/hosts", host(1, "desk-{n}")).await;
    assert_eq!(said["code"], "A0005");
    let page = world.get("/hosts?limit=4").await;
    assert_eq!((page["items"].as_array().unwrap().len(), page["next"].as_str()), (4, Some("desk-4")));
    let page = world.get("/hosts?after=desk-8&provider=kvm-a&template=win11").await;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    let (_, said) = world.refused(Method::POST, "/hosts/desk-1/start", json!({})).await;
    assert_eq!(said["code"], "A0010", "it is not made yet");
    // From the moment at which it is shown to run it can be started and stopped.
    agents[0].make_hosts().await;
    world.until("/hosts/desk-1", "it runs", |it| it["power"] == "Running").await;
    world.post("/hosts/desk-1/stop", json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_act_is_ordered_once_and_its_outcome_kept() {
    use diecast_domain::report::{CheckLine, OperationReport, Outcome};
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let begun = world.post("/providers/kvm-a/check", json!({})).await;
    assert_eq!((begun["state"].as_str(), begun["kind"].as_str()), (Some("queued"), Some("check")));
    let told = agent.told("the check", |told| told.orders.operations.len() == 1).await;
    let id = told.orders.operations[0].id;
    agent.said.operations = vec![OperationReport { id, outcome: Outcome::Running }];
    agent.report().await;
    let path = format!("/operations/{id}");
    world.until(&path, "it runs", |it| it["state"] == "running").await;
    let line = CheckLine { name: "overlay".into(), ok: true, detail: "booted".into(), hint: None };
    agent.said.operations = vec![OperationReport { id, outcome: Outcome::Done { lines: vec![line] } }];
    agent.report().await;
    let ended = world.until(&path, "it is done", |it| it["state"] == "done").await;
    assert_eq!(ended["lines"][0]["name"], "overlay");
    agent.told("no more of it", |told| told.orders.operations.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_searched_sorted_and_read_a_window_at_a_time() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    for (count, name) in [(9, "desk-{n}"), (1, "desk-10"), (1, "desk-11"), (1, "desk-12")] {
        let make = json!({"template": "win11", "count": count, "name": name, "providers": ["kvm-a"]});
        world.post("/hosts", make).await;
    }
    let other = json!({"template": "win11", "count": 1, "name": "lab-7", "providers": ["kvm-b"]});
    world.post("/hosts", other).await;
    let names = async |query: &str| {
        let list = world.get(&format!("/hosts?{query}")).await;
        let items = list["items"].as_array().unwrap().iter();
        let names: Vec<String> = items.map(|host| host["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), list["total"].as_u64().unwrap())
    };
    assert_eq!(names("sort=name&skip=8&limit=3").await, ("desk-9 desk-10 desk-11".to_owned(), 13));
    assert_eq!(names("sort=name&descending=true&limit=2").await, ("lab-7 desk-12".to_owned(), 13));
    assert_eq!(names("sort=provider&descending=true&limit=1").await, ("lab-7".to_owned(), 13));
    assert_eq!(names("search=KVM-B%20lab").await, ("lab-7".to_owned(), 1));
    assert_eq!(names("search=desk-1&sort=name&limit=2").await, ("desk-1 desk-10".to_owned(), 4));
    assert_eq!(names("status=Ready").await, (String::new(), 0));
    assert_eq!(names("sort=name&skip=99").await, (String::new(), 13));
    let refused =
        async |query: &str| world.refused(Method::GET, &format!("/hosts?{query}"), json!({})).await.1;
    assert!(
        refused("sort=colour").await["detail"].as_str().unwrap().contains("in-use"),
        "it names what there is"
    );
    assert_eq!(
        refused("sort=name&after=desk-1").await["code"],
        "A0001",
        "a cursor has no place in another order"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_are_as_their_template_says_unless_somebody_says_otherwise() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    let nameless = json!({"template": "win11", "count": 1});
    let (status, said) = world.refused(Method::POST, "/hosts", nameless.clone()).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::BAD_REQUEST, Some("A0001")), "{said}");

    let change = async |defaults: Value| {
        let body = json!({"host_defaults": defaults});
        world.ask(Method::PATCH, "/templates/win11").json(&body).send().await.unwrap()
    };
    for bad in [json!({"kind": "half"}), json!({"name": "desk"}), json!({"setup": {"ready_when": "soon"}})] {
        assert_eq!(problem(change(bad).await).await.0, StatusCode::BAD_REQUEST);
    }
    let setup = json!({"user_data": "#cloud-config\n", "ready_when": "address"});
    assert!(
        change(json!({"kind": "full", "name": "desk-{nnn}", "setup": setup})).await.status().is_success()
    );
    assert!(change(json!({"name": "pc-{nn}"})).await.status().is_success(), "what is left out stays");
    let told = world.get("/templates/win11").await["host_defaults"].clone();
    assert_eq!((&told["kind"], &told["name"]), (&json!("full"), &json!("pc-{nn}")), "{told}");

    let usual = world.post("/hosts", nameless).await["items"][0].clone();
    assert_eq!((&usual["name"], &usual["kind"]), (&json!("pc-01"), &json!("full")), "{usual}");
    assert_eq!(usual["setup"]["ready_when"], "address");
    assert_eq!(world.get("/hosts/pc-01").await["setup"]["user_data"], "#cloud-config\n");
    let other = json!({"template": "win11", "count": 1, "name": "lab-1", "full": false,
        "setup": {"user_data": "", "ready_when": "running"}});
    world.post("/hosts", other).await;
    let other = world.get("/hosts/lab-1").await;
    assert_eq!((&other["kind"], &other["setup"]["ready_when"]), (&json!("linked"), &json!("running")));
    assert_eq!(other["setup"]["user_data"], Value::Null, "an empty text is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_a_creation_is_told_by_provider_with_its_bytes() {
    let world = World::start().await;
    let mut agents = Vec::new();
    for name in ["kvm-a", "kvm-b", "kvm-full", "kvm-bare"] {
        agents.push(world.join(name).await);
    }
    let facts = |agent: &mut world::Agent| agent.said.facts.take().unwrap();
    let mut full = facts(&mut agents[2]);
    full.storages[0].free = ByteCount::gib(12);
    agents[2].said.facts = Some(full);
    let mut bare = facts(&mut agents[3]);
    bare.networks.clear();
    agents[3].said.facts = Some(bare);
    agents[2].report().await;
    agents[3].report().await;
    world.add_provider("kvm-absent").await;
    let others = ["kvm-b", "kvm-full", "kvm-bare", "kvm-absent"];
    let asked = json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "to": others});
    let plan = world.post("/templates?dry_run=true", asked.clone()).await;
    let expected = [("kvm-absent", "P0001"), ("kvm-bare", "P0005"), ("kvm-full", "P0004")];
    assert_eq!(blockers(&plan), expected, "{plan}");
    assert_eq!(plan["obstacles"].as_array().unwrap().len(), 3, "{plan}");
    let gib = ByteCount::gib(1).0;
    assert_eq!((&plan["bytes_each"], &plan["bytes_network"]), (&json!(9 * gib), &json!(36 * gib)));

    for vm in &mut agents[0].said.vms {
        vm.content = None;
    }
    agents[0].report().await;
    let plan = world.post("/templates?dry_run=true", asked).await;
    assert_eq!(blockers(&plan), [("kvm-absent", "P0001")], "an agent of the release before says less");
    assert_eq!((&plan["bytes_each"], &plan["bytes_network"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_an_addition_is_told_by_provider_with_its_bytes() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    let manifest = world.distribute("win11", &mut agents).await;
    for name in ["kvm-b", "kvm-full", "kvm-bare"] {
        let mut agent = world.join(name).await;
        let facts = agent.said.facts.as_mut().unwrap();
        match name {
            "kvm-full" => facts.storages[0].free = ByteCount::ZERO,
            "kvm-bare" => facts.networks[0].name = "other".to_owned(),
            _ => {}
        }
        agent.report().await;
    }
    let asked = json!({"providers": ["kvm-b", "kvm-full", "kvm-bare"]});
    let plan = world.post("/templates/win11/distribution/providers?dry_run=true", asked).await;
    assert_eq!(blockers(&plan), [("kvm-bare", "P0005"), ("kvm-full", "P0004")], "{plan}");
    assert_eq!(plan["bytes_network"], 3 * manifest.wire_bytes().0, "{plan}");
    assert_eq!(plan["bytes_each"], manifest.data_bytes().0, "{plan}");
    let already = json!({"providers": ["kvm-a"]});
    let plan = world.post("/templates/win11/distribution/providers?dry_run=true", already).await;
    assert_eq!((&plan["steps"], &plan["bytes_network"]), (&json!([]), &json!(0)), "it is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_versions_are_kept_is_said_when_a_template_is_made() {
    let world = World::start().await;
    let _agent = world.join("kvm-a").await;
    let asked = |keep| json!({"name": "win11", "provider": "kvm-a", "vm": "golden", "keep": keep});
    let (status, said) = world.refused(Method::POST, "/templates", asked(10_001)).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::BAD_REQUEST, Some("A0001")));
    assert_eq!(world.post("/templates", asked(9)).await["keep"], 9);
    let load = &world.get("/providers/kvm-a").await["load"];
    assert_eq!(*load, json!({"processors": 35, "memory": 60}), "what its agent says of its machine");
}

/// Who is in the way and why, in the order of their names.
fn blockers(plan: &Value) -> Vec<(&str, &str)> {
    let said = plan["blockers"].as_array().unwrap().iter();
    let mut said: Vec<_> =
        said.map(|it| (it["provider"].as_str().unwrap(), it["problem"]["code"].as_str().unwrap())).collect();
    said.sort_unstable();
    said
}
