//! The real binary against a real server: whom it trusts, as whom it asks, and how it ends.

// Outside `#[test]` functions too: a story ends where something is not as it must be.
#![allow(clippy::unwrap_used)]

mod server;

use server::{BINARY, Server, document, talk};
use std::{fs, process::Command};

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
