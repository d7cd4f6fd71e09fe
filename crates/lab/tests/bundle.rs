//! A golden image carried by hand: from a site with a server of its own to another that it shares no network,
//! no authority and no history with; whole, then as a difference.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::Lab;
use rolling::*;
use serde_json::Value;
use std::{fs, os::unix::fs::FileExt, path::Path, thread, time::Duration};
use steps::*;

const SECOND_NOTE: &str = "carried by hand";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What an import says of its only file.
fn imported(lab: &Lab, args: &[&str]) -> Value {
    let said = says(lab, &[&["bundle", "import"], args].concat());
    items(&said)[0].clone()
}

#[test]
fn a_template_is_carried_to_a_site_that_no_network_reaches() {
    let (here, there) = (lab(1), lab(2));
    golden_everywhere(&here);
    let first = version(&here, 1);
    let stick = here.data().join("stick");
    fs::create_dir(&stick).unwrap();
    let (whole, part, spoiled) = (stick.join("v1"), stick.join("v1-v2"), stick.join("spoiled"));

    chapter("a version goes into a file, and what is new in the next into another");
    let said = says(&here, &["bundle", "export", "golden", text(&whole)]);
    assert_eq!((&said["version"], &said["digest"]), (&1.into(), &first["digest"]), "{said:#}");
    let second = new_version(&here, SECOND_NOTE);
    wait_ready(&here, "kvm-a");
    says(&here, &["bundle", "export", "golden", text(&part), "--since", "v1"]);
    let (all, new) = (fs::metadata(&whole).unwrap().len(), fs::metadata(&part).unwrap().len());
    println!("v1 takes {all} bytes, what is new in v2 {new}");
    assert!(new * 4 < all, "{new} of {all}");
    let shown = says(&here, &["bundle", "show", text(&part)]);
    assert_eq!((&shown["since"]["number"], &shown["digest"]), (&1.into(), &second["digest"]), "{shown:#}");

    chapter("at the other site nothing comes of a spoiled one, nor of a difference alone");
    fs::copy(&whole, &spoiled).unwrap();
    let file = fs::OpenOptions::new().write(true).read(true).open(&spoiled).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, all - all / 5).unwrap();
    file.write_all_at(&[!byte[0]], all - all / 5).unwrap();
    refused(&there, &["bundle", "import", text(&spoiled), "--provider", "kvm-a"], "T0020");
    let lacking = refused(&there, &["bundle", "import", text(&part), "--provider", "kvm-a"], "T0022");
    assert!(lacking["cause"].as_str().unwrap().contains("since v1"), "{lacking}");
    assert!(items(&says(&there, &["template", "list"])).is_empty());
    nothing_left(&there, &["kvm-a"]);

    chapter("the agent dies in the middle, and the same again goes on");
    there.slow("kvm-a", Some("20mbit")).unwrap();
    let broken = thread::scope(|scope| {
        let import = ["bundle", "import", text(&whole), "--provider", "kvm-a", "--to", "kvm-b", "--json"];
        let there = &there;
        let import = scope.spawn(move || there.diecast(&import).unwrap());
        let begun = || !leftovers(there, "kvm-a").is_empty();
        there.wait_until("something was unpacked", BOOTS, begun).unwrap();
        thread::sleep(Duration::from_secs(3));
        there.agent_kill("kvm-a").unwrap();
        import.join().unwrap()
    });
    assert!(String::from_utf8_lossy(&broken.stdout).contains("T0024"), "{broken:?}");
    assert!(items(&says(&there, &["template", "list"])).is_empty());
    there.slow("kvm-a", None).unwrap();
    there.agent_start("kvm-a").unwrap();
    all_available(&there);
    let done = imported(&there, &[text(&whole), "--provider", "kvm-a", "--to", "kvm-b", "--wait"]);
    assert_eq!((&done["new"], &done["digest"]), (&true.into(), &first["digest"]), "{done:#}");
    let carried = version(&there, 1);
    for part in ["number", "digest", "note", "author", "created_at", "tags", "size"] {
        assert_eq!(carried[part], first[part], "{part}: {carried:#}");
    }
    let source = version_dir(&here, "kvm-a", &first["digest"]).join("disk0.raw");
    for provider in ["kvm-a", "kvm-b"] {
        same_disk(&source, &version_dir(&there, provider, &first["digest"]).join("disk0.raw"));
    }

    chapter("the difference follows, and hosts boot from it");
    let done = imported(&there, &[text(&part), "--wait"]);
    assert_eq!((&done["since"], &done["digest"]), (&1.into(), &second["digest"]), "{done:#}");
    wait_ready(&there, "kvm-b");
    let source = version_dir(&here, "kvm-a", &second["digest"]).join("disk0.raw");
    for provider in ["kvm-a", "kvm-b"] {
        same_disk(&source, &version_dir(&there, provider, &second["digest"]).join("disk0.raw"));
    }
    deploy(&there, "kvm-b", "desk-{n}", &[]);
    all_read(&there, &["desk-1"], 2, SECOND_NOTE);

    chapter("the same again is nothing to do, and what has its number is not replaced");
    let again = imported(&there, &[text(&part)]);
    assert_eq!((&again["new"], &again["provider"]), (&false.into(), &Value::Null), "{again:#}");
    let own = new_version(&there, "changed at the other site");
    assert_eq!(own["number"], 3);
    let third = new_version(&here, "changed here too");
    assert_eq!(third["number"], 3);
    wait_ready(&here, "kvm-a");
    let last = stick.join("v3");
    says(&here, &["bundle", "export", "golden", text(&last)]);
    refused(&there, &["bundle", "import", text(&last)], "T0023");
    nothing_left(&there, &["kvm-a", "kvm-b"]);
}
