//! The real binary against a real server: how everything is set, written down, changed, and applied again.

// Outside `#[test]` functions too: a story ends where something is not as it must be.
#![allow(clippy::unwrap_used)]

mod server;

use server::{Server, document, talk};
use std::fs;

#[test]
fn what_is_exported_is_applied_once_and_then_there_is_nothing_to_change() {
    let server = Server::start();
    let ca = server.ca();
    let login = server.diecast(&["login", "--url", &server.url, "--ca", ca.to_str().unwrap()]);
    assert!(login.status.success(), "{}", talk(&login));
    for name in ["kvm-a", "kvm-b"] {
        let add =
            server.diecast(&["provider", "add", name, "--label", "tier=prod", "--network", "corp=br20"]);
        assert!(add.status.success(), "{}", talk(&add));
    }
    let path = server.folder.path().join("site.toml");
    let file = path.to_str().unwrap();
    let export = server.diecast(&["export", file]);
    assert!(export.status.success(), "{}", talk(&export));
    let unchanged = server.diecast(&["apply", "-f", file, "--prune"]);
    assert_eq!(String::from_utf8_lossy(&unchanged.stdout), "nothing to change\n", "{}", talk(&unchanged));
    assert!(unchanged.status.success());

    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("tier = \"prod\"", "rack = \"4\"").replace("br20", "br21")).unwrap();
    assert_eq!(server.diecast(&["apply", "-f", file]).status.code(), Some(2), "nobody said yes");
    let applied = server.diecast(&["apply", "-f", file, "--yes", "--json"]);
    assert!(applied.status.success(), "{}", talk(&applied));
    assert_eq!(document(&applied)["changes"].as_array().unwrap().len(), 2);
    let provider = document(&server.diecast(&["provider", "show", "kvm-b", "--json"]));
    assert_eq!(provider["labels"], serde_json::json!({"rack": "4"}), "the label that was left out is gone");
    assert_eq!(provider["networks"], serde_json::json!({"corp": "br21"}));
    let again = server.diecast(&["apply", "-f", file, "--yes"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "nothing to change\n");

    fs::write(&path, "[pool.desks]\ntemplate = \"win11\"\npattern = \"desk-{nnn}\"\nsize = 2\n").unwrap();
    let refused = server.diecast(&["apply", "-f", file, "--yes", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(document(&refused)["error"]["blockers"][0].as_str().unwrap().contains("no template win11"));
}
