//! The real binary against a real server: whom it trusts, as whom it asks, and how it ends.

// Outside `#[test]` functions too: a story ends where something is not as it must be.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::{
    fs,
    io::Read,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_diecast");
const PASSWORD: &str = "a password for tests";

/// A server of its own, stopped when the story ends.
struct Server {
    child: Child,
    url: String,
    folder: TempDir,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new(BINARY)
            .args(["server", "run", "--name", "127.0.0.1", "--listen", &address.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .env("DIECAST_ADMIN_PASSWORD", PASSWORD)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, url: format!("https://{address}"), folder };
        server.until_it_answers(address);
        server
    }

    fn until_it_answers(&mut self, address: std::net::SocketAddr) {
        // It holds its port before it has made anything, and serves when its CA is there to be read.
        while !self.ca().exists() || std::net::TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut said = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("the server ended with {status}: {said}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("data/ca.pem")
    }

    /// As a person with a home of their own and nothing in the environment.
    fn diecast(&self, words: &[&str]) -> Output {
        Command::new(BINARY)
            .args(words)
            .env_clear()
            .env("XDG_CONFIG_HOME", self.folder.path())
            .env("DIECAST_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", talk(output)))
}

#[test]
fn a_server_is_trusted_by_its_ca_and_asked_until_the_sign_out() {
    let server = Server::start();
    let (url, ca) = (server.url.as_str(), server.ca());
    let untrusted = server.diecast(&["login", "--url", url, "--json"]);
    assert_eq!(untrusted.status.code(), Some(1));
    assert_eq!(document(&untrusted)["error"]["code"], "A0013");

    let login = server.diecast(&["login", "--url", url, "--ca", ca.to_str().unwrap()]);
    assert!(login.status.success(), "{}", talk(&login));
    assert!(login.stdout.is_empty(), "what is said is talk");

    let list = server.diecast(&["provider", "list", "--json"]);
    assert_eq!(document(&list), serde_json::json!({"items": [], "next": null}));

    let add = server.diecast(&["provider", "add", "kvm-a"]);
    let line = String::from_utf8(add.stdout).unwrap();
    assert!(line.starts_with("diecast-agent join --server https://127.0.0.1"), "{line}");
    assert_eq!(line.lines().count(), 1);
    let fingerprint = line.split_whitespace().skip_while(|word| *word != "--ca-fingerprint").nth(1).unwrap();

    let slip = server.diecast(&["provider", "show", "kvm-b"]);
    assert_eq!(slip.status.code(), Some(1));
    assert!(talk(&slip).contains("did you mean `kvm-a`?"), "{}", talk(&slip));

    assert!(server.diecast(&["logout"]).status.success());
    assert!(server.diecast(&["logout"]).status.success(), "twice is no mistake");
    assert_eq!(server.diecast(&["provider", "list"]).status.code(), Some(2), "no server is known any more");

    let login = server.diecast(&["login", "--url", url, "--ca-fingerprint", fingerprint, "--json"]);
    assert_eq!(document(&login)["user"], "admin");
    assert!(
        server.diecast(&["provider", "list"]).status.success(),
        "the CA found by its fingerprint is kept"
    );
}

#[test]
fn a_wrong_fingerprint_is_refused_before_a_password_is_sent() {
    let server = Server::start();
    let other = "00".repeat(32);
    let login = server.diecast(&["login", "--url", &server.url, "--ca-fingerprint", &other, "--json"]);
    assert_eq!(document(&login)["error"]["code"], "A0013");
    assert!(!fs::exists(server.folder.path().join("diecast/config.toml")).unwrap());
}

#[test]
fn a_token_for_scripts_is_printed_and_not_stored() {
    let server = Server::start();
    let ca = server.ca();
    let place = ["--url", server.url.as_str(), "--ca", ca.to_str().unwrap()];
    let login = server.diecast(&[&["login", "--print-token", "--json"], &place[..]].concat());
    let token = document(&login)["token"].as_str().unwrap().to_owned();
    assert!(!fs::exists(server.folder.path().join("diecast/config.toml")).unwrap());
    let bare = server.diecast(&[&["template", "list", "--json"], &place[..]].concat());
    assert_eq!(document(&bare)["error"]["code"], "A0002");
    let list = Command::new(BINARY)
        .args(["template", "list", "--json"])
        .env_clear()
        .envs([("DIECAST_URL", server.url.as_str()), ("DIECAST_TOKEN", &token)])
        .env("DIECAST_CA", &ca)
        .output()
        .unwrap();
    assert_eq!(document(&list)["items"], serde_json::json!([]));
}
