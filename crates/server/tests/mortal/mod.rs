//! A server that may die at every commit, and is started again: this very test program is the server.
#![allow(dead_code, clippy::unwrap_used)]

use super::world;
use diecast_identity::{Timeouts, reqwest_client};
use diecast_server::run;
use reqwest::{Method, StatusCode};
use serde_json::Value;
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
pub const FAULTS: &str = "store::before-commit=8%return;store::after-commit=8%return";
/// More deaths than this mean that it never lives: a first start has four commits.
const DEATHS_MAX: usize = 1000;

/// To be called by a test of the name that is given to the program.
pub async fn be_the_server() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let listen = std::env::var(LISTEN).unwrap().parse().unwrap();
    let settings = diecast_server::ServerSettings {
        data: folder.into(),
        database: None,
        listen,
        names: Vec::new(),
        certificate: None,
        admin_password: Some(world::PASSWORD.to_owned()),
        show_password: true,
        notification_scripts: None,
        metrics_listen: None,
    };
    run(settings).await.unwrap();
}

/// The server in a process of its own, which may die.
pub struct Server {
    pub folder: TempDir,
    pub listen: String,
    pub child: Option<Child>,
    pub deaths: usize,
}

impl Server {
    /// One that does not run yet.
    pub fn new() -> Self {
        diecast_identity::install_crypto_provider();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = free.local_addr().unwrap().to_string();
        drop(free);
        Self { folder: TempDir::new().unwrap(), listen, child: None, deaths: 0 }
    }

    pub fn start(&mut self, faults: &str) {
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
    pub fn keep_alive(&mut self, faults: &str) {
        if self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some()) {
            self.deaths += 1;
            assert!(self.deaths < DEATHS_MAX, "it never lives long enough");
            self.start(faults);
        }
    }

    pub fn kill(&mut self) {
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
pub fn client(folder: &Path) -> Option<reqwest::Client> {
    let ca = fs::read_to_string(folder.join("ca.pem")).ok()?;
    reqwest_client(&ca, None, Timeouts::default()).ok()
}

/// One request; none if the server died over it or is not there.
pub async fn ask(
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
pub async fn insist(
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
