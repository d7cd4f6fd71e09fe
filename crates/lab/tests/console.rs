//! The console on real hypervisors, in a browser: a template made by the wizard, watched, a provider lost
//! meanwhile, changed at its machine's screen, and its hosts recreated.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::{GoldenVm, programs, repository};
use rolling::*;
use std::process::Command;
use steps::*;

/// What is typed at the working copy's screen.
const NOTE: &str = "by-hand";
/// The provider that is switched off, on a link so slow that the distribution is seen.
const LOST: &str = "kvm-c";
const SLOW: &str = "4mbit";

#[test]
fn an_administrator_does_it_all_in_the_console() {
    let lab = lab(3);
    lab.define("kvm-a", &GoldenVm::new("golden", &tiny(&lab))).unwrap();
    lab.slow(LOST, Some(SLOW)).unwrap();
    let server = lab.state().unwrap().server.unwrap();
    let ended = Command::new(repository().join("scripts/build-console"))
        .arg("lab")
        .env("DIECAST_URL", &server.url)
        .env("DIECAST_PASSWORD", &server.password)
        .env("DIECAST_LAB", lab.data())
        .env("DIECAST_LAB_PROGRAM", programs().unwrap().join("diecast-lab"))
        .env("BOOT_SECONDS", lab.boot().unwrap().as_secs_f64().to_string())
        .env("NOTE", NOTE)
        .status()
        .unwrap();
    assert!(ended.success(), "its last picture is target/screenshots/lab-broken.png");

    chapter("what was typed at the screen is on every host");
    all_read(&lab, &["desk-001", "desk-002"], 2, NOTE);
    assert_eq!(distribution(&lab, "golden")["distribution"], "OK");
    nothing_left(&lab, &["kvm-a", "kvm-b", "kvm-c"]);
}
