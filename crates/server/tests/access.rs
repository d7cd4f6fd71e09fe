//! Who is let in: every route of the description, tried by those who have no business there.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_api::agent;
use diecast_identity::{Keys, Timeouts, reqwest_client};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use world::{Agent, World, problem, try_enrol};

/// Every operation of the description: method, path with names filled in, whether it needs a token.
fn operations() -> Vec<(Method, String, bool)> {
    let document: Value = serde_json::from_str(&diecast_server::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let path = path.replace("{name}", "kvm-a").replace("{code}", "T0001");
            let path = path.replace("{id}", "00000000-0000-0000-0000-000000000000");
            let open = operation["security"].as_array().unwrap().iter().any(|it| *it == json!({}));
            all.push((method, path, !open));
        }
    }
    assert!(all.len() >= 30, "the description lost its routes: {all:?}");
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_refuses_who_is_not_signed_in() {
    let world = World::start().await;
    let agent = world.join("kvm-a").await;
    let open: Vec<String> =
        operations().iter().filter(|it| !it.2).map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(open, ["GET /api/v1/errors/T0001", "POST /api/v1/session"], "and nothing else is open");
    for (method, path, needs_token) in operations() {
        if !needs_token {
            continue;
        }
        let url = format!("{}{path}", world.url);
        let tries = [
            ("no token", world.http.request(method.clone(), &url)),
            ("a wrong token", world.http.request(method.clone(), &url).bearer_auth("dcs_wrong")),
            (
                "no bearer",
                world.http.request(method.clone(), &url).basic_auth("admin", Some(world::PASSWORD)),
            ),
            ("an agent's certificate", agent.http.request(method.clone(), &url)),
            ("both wrong", agent.http.request(method.clone(), &url).bearer_auth("dcs_wrong")),
        ];
        for (who, request) in tries {
            let (status, said) = problem(request.json(&json!({})).send().await.unwrap()).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} with {who}");
            assert_eq!(said["code"], "A0002", "{method} {path} with {who}");
        }
    }
    let kept = world.get("/providers/kvm-a").await;
    assert_eq!(kept["name"], "kvm-a", "none of it did anything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_no_more_after_signing_out() {
    let world = World::start().await;
    assert_eq!(world.get("/session").await["user"], "admin");
    world.delete("/session").await;
    let (status, _) = world.refused(Method::GET, "/session", json!({})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_refused_and_then_not_even_tried() {
    let world = World::start().await;
    let sign_in = async |password: &str| {
        let body = json!({"user": "admin", "password": password});
        problem(world.http.post(format!("{}/api/v1/session", world.url)).json(&body).send().await.unwrap())
            .await
    };
    for _ in 0..5 {
        let (status, said) = sign_in("wrong").await;
        assert_eq!((status, said["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("A0008")));
    }
    let (status, said) = sign_in(world::PASSWORD).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::TOO_MANY_REQUESTS, Some("A0009")));
    assert!(said["detail"].as_str().unwrap().contains("seconds"));
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_routes_refuse_who_has_no_certificate() {
    let world = World::start().await;
    let manifest = format!("{}/{}", agent::MANIFESTS, "0".repeat(64));
    let routes = [
        (Method::POST, agent::RENEW),
        (Method::GET, agent::ASSIGNMENT),
        (Method::POST, agent::REPORT),
        (Method::PUT, manifest.as_str()),
        (Method::GET, manifest.as_str()),
    ];
    for (method, path) in routes {
        for token in ["", &world.token] {
            let url = format!("{}{path}", world.url);
            let request = world.http.request(method.clone(), url).bearer_auth(token).json(&json!({}));
            let (status, said) = problem(request.send().await.unwrap()).await;
            assert_eq!(
                (status, said["code"].as_str()),
                (StatusCode::FORBIDDEN, Some("P0012")),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_enrols_one_agent_once() {
    let world = World::start().await;
    let keys = Keys::generate().unwrap();
    let (status, said) = problem(try_enrol(&world, "dcj_wrong", &keys).await).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("P0008")));

    let token = world.add_provider("kvm-a").await;
    assert_eq!(try_enrol(&world, &token, &keys).await.status(), StatusCode::OK);
    assert_eq!(
        try_enrol(&world, &token, &keys).await.status(),
        StatusCode::OK,
        "the answer may have been lost"
    );
    let (_, said) = problem(try_enrol(&world, &token, &Keys::generate().unwrap()).await).await;
    assert_eq!(said["code"], "P0008");
    assert!(said["detail"].as_str().unwrap().contains("used"));

    // A newer token makes an older one worthless.
    let old = world.add_provider("kvm-b").await;
    world.post("/providers/kvm-b/rejoin", json!({})).await;
    let (_, said) = problem(try_enrol(&world, &old, &keys).await).await;
    assert_eq!(said["code"], "P0008");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_no_signing_request_is_refused_and_uses_nothing_up() {
    let world = World::start().await;
    let token = world.add_provider("kvm-a").await;
    let mut keys = Keys::generate().unwrap();
    keys.csr_pem = "nonsense".to_owned();
    let (status, _) = problem(try_enrol(&world, &token, &keys).await).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    Agent::enrol(&world, &token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_reports_about_itself_alone() {
    let world = World::start().await;
    let mut a = world.join("kvm-a").await;
    let b = world.join("kvm-b").await;
    a.said.provider = b.id;
    let (status, said) = problem(a.try_report().await).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::FORBIDDEN, Some("P0012")));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_enrolling_anew_the_old_certificate_no_longer_counts() {
    let world = World::start().await;
    let mut old = world.join("kvm-a").await;
    let token = world.post("/providers/kvm-a/rejoin", json!({})).await["token"].as_str().unwrap().to_owned();
    let mut new = Agent::enrol(&world, &token).await;
    new.report().await;
    let (_, said) = problem(old.try_report().await).await;
    assert_eq!(said["code"], "P0012");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_providers_certificate_no_longer_counts() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    world.delete("/providers/kvm-a").await;
    let (_, said) = problem(agent.try_report().await).await;
    assert_eq!(said["code"], "P0012");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_with_the_one_that_counts() {
    let world = World::start().await;
    let mut agent = world.join("kvm-a").await;
    let keys = Keys::generate().unwrap();
    let body = agent::Renewal { csr: keys.csr_pem.clone() };
    let answer = agent.request(Method::POST, agent::RENEW).json(&body).send().await.unwrap();
    let renewed: agent::Enrolled = answer.json().await.unwrap();
    agent.report().await;
    let identity = keys.certified(renewed.certificate);
    agent.http = reqwest_client(&world.ca, Some(&identity), Timeouts::default()).unwrap();
    agent.report().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_of_one_identity_are_told_apart_and_named() {
    let world = World::start().await;
    let mut first = world.join("kvm-a").await;
    let theirs = first.said.session;
    // A restarted agent is believed at once; the one it replaced is not when it goes on.
    first.said.session = diecast_domain::ids::SessionId::from_uuid(uuid::Uuid::new_v4());
    first.report().await;
    first.said.session = theirs;
    for _ in 0..2 {
        let (status, said) = problem(first.try_report().await).await;
        assert_eq!((status, said["code"].as_str()), (StatusCode::CONFLICT, Some("P0009")));
    }
    assert_eq!(world.get("/providers/kvm-a").await["problem"]["code"], "P0009");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_taken_from_who_publishes_and_given_to_who_holds() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    let stranger = world.join("kvm-b").await;
    let (manifest, _) = world::golden("nobody asked");
    let (status, _) = problem(agents[0].put_manifest(&manifest).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nothing is being published");
    let manifest = world.publish("win11", &mut agents).await;
    let (status, _) = problem(stranger.get_manifest(manifest.digest()).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it is not assigned there");

    // Whoever publishes the same content again is told the manifest that peers know it by.
    world.post("/templates", json!({"name": "other", "provider": "kvm-a", "vm": "golden"})).await;
    let again = agents[0].put_manifest(&manifest).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert_eq!(again.bytes().await.unwrap(), manifest.encode());

    // Bytes that are not what their name says are refused.
    let path = format!("{}/{}", agent::MANIFESTS, "0".repeat(64));
    let lie = agents[0].request(Method::PUT, &path).body(manifest.encode()).send().await.unwrap();
    let (status, said) = problem(lie).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::BAD_REQUEST, Some("T0007")));
}
