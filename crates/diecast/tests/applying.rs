//! The real binary against a real server: how everything is set, written down, changed, and applied again.

// Outside `#[test]` functions too: a story ends where something is not as it must be.
#![allow(clippy::unwrap_used)]

mod server;
#[path = "../../server/tests/world/mod.rs"]
mod world;

use serde_json::json;
use server::{BINARY, Server, document, talk};
use std::{
    fs,
    process::{Command, Output, Stdio},
};
use world::World;

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
    assert_eq!(provider["labels"], json!({"rack": "4"}), "the label that was left out is gone");
    assert_eq!(provider["networks"], json!({"corp": "br21"}));
    let again = server.diecast(&["apply", "-f", file, "--yes"]);
    assert_eq!(String::from_utf8_lossy(&again.stdout), "nothing to change\n");

    fs::write(&path, "[pool.desks]\ntemplate = \"win11\"\npattern = \"desk-{nnn}\"\nsize = 2\n").unwrap();
    let refused = server.diecast(&["apply", "-f", file, "--yes", "--json"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(document(&refused)["error"]["blockers"][0].as_str().unwrap().contains("no template win11"));
}

/// Beside agents that say what they hold, so that there are templates and pools.
fn diecast(world: &World, words: &[&str]) -> Output {
    let ca = world.folder.path().join("ca.pem");
    Command::new(BINARY)
        .args(words)
        .env_clear()
        .envs([("DIECAST_URL", world.url.as_str()), ("DIECAST_TOKEN", &world.token)])
        .env("DIECAST_CA", ca)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_pools_are_written_down_changed_and_applied_twice() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    let mut third = world.join("kvm-c").await;
    let settings = json!({"size": 2, "placement": "weights", "weights": {"kvm-a": 3, "kvm-b": 1}});
    let pool = json!({"name": "desks", "template": "win11", "pattern": "desk-{nn}", "settings": settings});
    world.post("/pools", pool).await;

    let path = world.folder.path().join("site.toml");
    let file = path.to_str().unwrap();
    let nothing = |more: &[&str]| {
        let said = diecast(&world, &[&["apply", "-f", file], more].concat());
        assert!(said.status.success(), "{}", talk(&said));
        assert_eq!(String::from_utf8_lossy(&said.stdout), "nothing to change\n", "{}", talk(&said));
    };
    let export = diecast(&world, &["export", file]);
    assert!(export.status.success(), "{}", talk(&export));
    let text = fs::read_to_string(&path).unwrap();
    nothing(&["--prune"]);

    let mut changed = text;
    for (from, to) in [
        (r#"distribution = ["kvm-a", "kvm-b"]"#, r#"distribution = ["kvm-a", "kvm-b", "kvm-c"]"#),
        ("keep = 5", "keep = 3"),
        ("size = 2", "size = 3"),
        ("kvm-b = 1", "kvm-b = 2"),
    ] {
        assert_eq!(changed.matches(from).count(), 1, "{from}: {changed}");
        changed = changed.replace(from, to);
    }
    fs::write(&path, &changed).unwrap();
    third.report().await;
    let planned = diecast(&world, &["apply", "-f", file, "--dry-run"]);
    assert!(planned.status.success(), "{}", talk(&planned));
    assert_eq!(world.get("/pools/desks").await["max"], 2, "a dry run does nothing");
    third.report().await;
    let applied = diecast(&world, &["apply", "-f", file, "--yes", "--json"]);
    assert!(applied.status.success(), "{}", talk(&applied));
    assert_eq!(document(&applied)["applied"], true);
    nothing(&["--yes"]);
    nothing(&["--yes", "--prune"]);

    let pool = world.get("/pools/desks").await;
    assert_eq!((&pool["max"], &pool["weights"]), (&json!(3), &json!({"kvm-a": 3, "kvm-b": 2})));
    assert_eq!(world.get("/templates/win11").await["keep"], 3);
    let list = world.get("/templates/win11/distribution").await;
    assert_eq!(list["providers"].as_array().unwrap().len(), 3, "{list}");
    let again = diecast(&world, &["export"]);
    assert_eq!(
        String::from_utf8_lossy(&again.stdout).trim(),
        changed.trim(),
        "what is written is what was applied"
    );
}
