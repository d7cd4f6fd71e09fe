//! Stories of being told by e-mail, with a mail server that people use: Exim, with TLS, which lets only
//! those send who sign in.
#![allow(clippy::unwrap_used)]

mod mail;
mod world;

use diecast_domain::code::{Code, Problem};
use mail::{Exim, PASSWORD, USER, hanging};
use reqwest::Method;
use serde_json::{Value, json};
use world::World;

fn body(name: &str, smtp: &str, change: Value) -> Value {
    let mut email = json!({"to": ["Night Watch <ops@example.org>", "boss@example.org"], "from": "diecast@example.org",
        "smtp": smtp, "user": USER, "password": PASSWORD});
    email.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({"name": name, "email": email, "terms": {"group_seconds": 0}})
}

/// The code that a test ends with, or what the server said.
async fn tested(world: &World, name: &str) -> Result<String, (String, String)> {
    let said = world.post(&format!("/notifications/{name}/test"), json!({})).await;
    let detail = said["detail"].as_str().unwrap().to_owned();
    match said["problem"]["code"].as_str() {
        None => Ok(detail),
        Some(code) => Err((code.to_owned(), detail)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_arrives_in_a_mailbox_over_tls_of_either_kind() {
    let world = World::start().await;
    let exim = Exim::start().await;
    let starttls = body("starttls", &exim.starttls, json!({"ca": exim.ca}));
    let made = world.post("/notifications", starttls).await;
    assert_eq!((&made["email"]["tls"], &made["email"]["own_ca"]), (&json!("starttls"), &json!(true)));
    let tls = body("tls", &exim.tls, json!({"ca": exim.ca, "tls": "tls", "to": ["second@example.org"]}));
    world.post("/notifications", tls).await;
    let mut agent = world.join("kvm-a").await;
    agent.said.hypervisor_problem = Some(Problem::new(Code::P0002, "libvirtd does not answer"));
    agent.report().await;
    let parts = [
        "To: \"Night Watch\" <ops@example.org>, boss@example.org",
        "To: second@example.org",
        "From: diecast@example.org",
        "Subject: [Diecast] Provider lost: kvm-a",
        "Auto-Submitted: auto-generated",
        "CRITICAL Provider lost: kvm-a, since ",
        "P0002 libvirtd does not answer",
        "diecast explain P0002",
        "TLS1.3",
        "esmtpsa",
    ];
    // Whole messages: one of them alone, to its two recipients, names the alarm as often as both do.
    let is_there = |inbox: &str| parts.iter().all(|part| inbox.contains(part));
    exim.inbox("both messages, with all that they have to say", is_there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_does_not_like_is_told_with_its_words_and_never_with_the_password() {
    let world = World::start().await;
    let exim = Exim::start().await;
    let post = async |name: &str, change: Value| {
        let mut with = json!({"ca": exim.ca});
        with.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.post("/notifications", body(name, &exim.starttls, with)).await;
        tested(&world, name).await
    };
    let well = post("well", json!({})).await.unwrap();
    assert!(well.starts_with("250"), "{well}");
    let (code, cause) = post("wrong", json!({"password": "a wrong password"})).await.unwrap_err();
    assert_eq!(code, "N0003");
    assert!(cause.contains("535") && cause.contains(USER) && !cause.contains("a wrong password"), "{cause}");
    let (code, cause) = post("nobody", json!({"to": ["refused@example.org"]})).await.unwrap_err();
    assert!(code == "N0002" && cause.contains("550 nobody of that name"), "{code} {cause}");
    let (code, cause) = post("unsigned", json!({"user": "", "password": null})).await.unwrap_err();
    assert!(code == "N0002" && cause.contains("sign in first"), "{code} {cause}");
    let (code, cause) = post("stranger", json!({"ca": null})).await.unwrap_err();
    assert!(code == "N0004" && cause.contains("UnknownIssuer"), "an authority that nobody knows: {cause}");
    let (code, cause) = post("kind", json!({"smtp": exim.tls})).await.unwrap_err();
    assert!(["N0001", "N0002"].contains(&code.as_str()), "TLS where the clear is begun with: {code} {cause}");
    let (code, cause) = post("plain", json!({"smtp": exim.plain})).await.unwrap_err();
    assert!(
        code == "N0004" && cause.contains("STARTTLS"),
        "no password goes out in the clear: {code} {cause}"
    );
    // Corrected, it is well: what is left out stays.
    let change = json!({"email": {"password": PASSWORD}});
    let changed = world.ask(Method::PATCH, "/notifications/wrong").json(&change).send().await.unwrap();
    assert!(changed.status().is_success());
    assert!(tested(&world, "wrong").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_hangs_holds_up_nobody_and_is_named() {
    let world = World::start().await;
    let exim = Exim::start().await;
    let (address, _held) = hanging().await;
    world.post("/notifications", body("hangs", &address, json!({}))).await;
    world.post("/notifications", body("well", &exim.starttls, json!({"ca": exim.ca}))).await;
    let mut agent = world.join("kvm-a").await;
    agent.said.hypervisor_problem = Some(Problem::new(Code::P0002, "libvirtd does not answer"));
    agent.report().await;
    exim.inbox("the one that can be sent", |inbox| inbox.contains("Provider lost: kvm-a")).await;
    agent.said.hypervisor_problem = None;
    agent.report().await;
    exim.inbox("that it is well again", |inbox| inbox.contains("well again: Provider lost: kvm-a")).await;
    let failing = |it: &Value| it["problem"]["code"] == "N0001";
    let shown = world.until("/notifications/hangs", "it gave up the attempt", failing).await;
    assert!(shown["problem"]["cause"].as_str().unwrap().contains("did not answer within"), "{shown}");
    assert!(shown["next_attempt_at"].is_string());
}
