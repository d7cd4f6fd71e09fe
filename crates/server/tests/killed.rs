//! A server that dies at every commit: what was answered holds, and nothing is done twice.
//!
//! Needs the feature `failpoints`. The server is this very test program, started again.
#![cfg(feature = "failpoints")]
#![allow(clippy::unwrap_used)]

mod world;

use diecast_identity::{Timeouts, reqwest_client};
use diecast_server::run;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Tells the program that it is the server, and where its data is.
const FOLDER: &str = "DIECAST_TEST_FOLDER";
const LISTEN: &str = "DIECAST_TEST_LISTEN";
/// Every eighth commit or so is the last thing it does, before or after.
const FAULTS: &str = "store::before-commit=8%return;store::after-commit=8%return";
/// Providers that are added while it dies again and again.
const PROVIDERS: usize = 40;
/// More deaths than this mean that it never lives: a first start has four commits.
const DEATHS_MAX: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn the_server_itself() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let listen = std::env::var(LISTEN).unwrap().parse().unwrap();
    let settings = diecast_server::ServerSettings {
        data: folder.into(),
        database: None,
        listen,
        names: Vec::new(),
        certificate: None,
        admin_password: Some(world::PASSWORD.to_owned()),
    };
    run(settings).await.unwrap();
}

struct Server {
    folder: TempDir,
    listen: String,
    child: Option<Child>,
    deaths: usize,
}

impl Server {
    fn start(&mut self, faults: &str) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["the_server_itself", "--exact"])
            .env(FOLDER, self.folder.path())
            .env(LISTEN, &self.listen)
            .env("FAILPOINTS", faults)
            .env("RUST_BACKTRACE", "0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Starts it again if it died.
    fn keep_alive(&mut self, faults: &str) {
        if self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
            self.deaths += 1;
            assert!(self.deaths < DEATHS_MAX, "it never lives long enough");
            self.start(faults);
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A client, as soon as there is a CA to trust.
fn client(folder: &Path) -> Option<reqwest::Client> {
    let ca = fs::read_to_string(folder.join("ca.pem")).ok()?;
    reqwest_client(&ca, None, Timeouts::default()).ok()
}

/// One request; none if the server died over it or is not there.
async fn ask(
    server: &Server,
    method: Method,
    path: &str,
    token: &str,
    key: &str,
    body: Value,
) -> Option<(StatusCode, Value)> {
    let url = format!("https://{}/api/v1{path}", server.listen);
    let request = client(server.folder.path())?.request(method, url).bearer_auth(token);
    let request = request.header("Idempotency-Key", key).timeout(Duration::from_secs(20)).json(&body);
    let answer = request.send().await.ok()?;
    let status = answer.status();
    Some((status, answer.json().await.ok()?))
}

/// Asks until it is answered, keeping the server alive meanwhile.
async fn insist(
    server: &mut Server,
    faults: &str,
    method: Method,
    path: &str,
    token: &str,
    body: Value,
) -> Value {
    let key = uuid::Uuid::new_v4().to_string();
    loop {
        server.keep_alive(faults);
        match ask(server, method.clone(), path, token, &key, body.clone()).await {
            Some((status, said)) if status.is_success() => return said,
            Some((status, said)) => panic!("{method} {path}: {status} {said}"),
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_at_every_commit_keeps_what_it_answered_and_does_nothing_twice() {
    diecast_identity::install_crypto_provider();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let mut server = Server { folder: TempDir::new().unwrap(), listen, child: None, deaths: 0 };
    let sign_in = json!({"user": "admin", "password": world::PASSWORD});
    let signed_in = insist(&mut server, FAULTS, Method::POST, "/session", "", sign_in).await;
    let token = signed_in["token"].as_str().unwrap().to_owned();
    for number in 0..PROVIDERS {
        let body = json!({"name": format!("kvm-{number:02}")});
        insist(&mut server, FAULTS, Method::POST, "/providers", &token, body).await;
    }
    let deaths = server.deaths;
    assert!(deaths > 3, "it died {deaths} times only: the fail points are not reached");

    server.kill();
    let providers = insist(&mut server, "", Method::GET, "/providers?limit=1000", &token, Value::Null).await;
    let names: Vec<_> = providers["items"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    let expected: Vec<_> = (0..PROVIDERS).map(|number| json!(format!("kvm-{number:02}"))).collect();
    assert_eq!(names, expected, "everything that was answered, once");
    let history =
        insist(&mut server, "", Method::GET, "/events/history?limit=1000", &token, Value::Null).await;
    let events = history["items"].as_array().unwrap();
    let numbers: Vec<_> = events.iter().map(|event| event["id"].as_i64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as i64).collect::<Vec<_>>(), "numbered without gaps");
    let added = events.iter().filter(|event| event["kind"] == "provider.added").count();
    assert_eq!(added, PROVIDERS, "each was added once");
}
