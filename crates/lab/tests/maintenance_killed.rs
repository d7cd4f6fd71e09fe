//! The golden image is changed and rolled out while somebody kills server and agents at random: all that was
//! asked for happens, once, and nothing is left over.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod rolling;
mod steps;

use diecast_lab::Lab;
use rolling::*;
use serde_json::Value;
use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use steps::*;

const ALL: [&str; 3] = ["kvm-a", "kvm-b", "kvm-c"];
/// Those that are on from the beginning to the end.
const ON: [&str; 2] = ["kvm-a", "kvm-b"];
const HOSTS: [&str; 6] = ["desk-a1", "desk-a2", "desk-b1", "desk-b2", "desk-c1", "desk-c2"];
const NOTE: &str = "written between two deaths";
/// Boots that one step gets while all that works for it dies again and again.
const IN_THE_END: u32 = 120;
/// Set it to have the victims of a former run again, in the same order; when they die is up to the machine.
const SEED: &str = "DIECAST_KILLER_SEED";

/// Draws victims and pauses: xorshift, so that a seed is all there is to it.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
        let seed = std::env::var(SEED).map_or_else(|_| now(), |seed| seed.parse().unwrap());
        println!("the killer's seed: {SEED}={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Tells the killer to stop, however the story ends.
struct UntilDropped<'a>(&'a AtomicBool);

impl Drop for UntilDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Ends one of them with `kill -9` every few seconds, and starts it again after a while; gives how often.
fn kill_at_random(lab: &Lab, third_is_on: &AtomicBool, stop: &AtomicBool) -> u32 {
    let (mut chance, mut kills) = (Chance::new(), 0);
    let boot = lab.boot().unwrap().as_millis() as u64;
    let rest = |most: u64, chance: &mut Chance| {
        let until = std::time::Instant::now() + Duration::from_millis(most / 2 + chance.below(most));
        while std::time::Instant::now() < until && !stop.load(SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
    };
    loop {
        rest(boot, &mut chance);
        if stop.load(SeqCst) {
            return kills;
        }
        let agents = if third_is_on.load(SeqCst) { &ALL[..] } else { &ON[..] };
        let victim = agents.get(chance.below(agents.len() as u64 + 1) as usize);
        println!(
            "          {} dies",
            victim.map_or("the server".to_owned(), |it| format!("the agent of {it}"))
        );
        kills += 1;
        if let Some(agent) = victim {
            lab.agent_kill(agent).unwrap();
            rest(boot / 4, &mut chance);
            lab.agent_start(agent).unwrap();
        } else {
            lab.server_kill().unwrap();
            rest(boot / 4, &mut chance);
            lab.server_start().unwrap();
        }
    }
}

fn ask(lab: &Lab, args: &[&str]) -> Value {
    lab.diecast_json(args).unwrap_or_default()
}

/// Says a thing until it was heard: the server may die between any two words.
fn insist(lab: &Lab, what: &str, mut done: impl FnMut() -> bool) {
    chapter(what);
    lab.wait_until(what, IN_THE_END, &mut done).unwrap_or_else(|error| {
        let (hosts, moves) = (ask(lab, &["host", "list"]), ask(lab, &["recreation", "list"]));
        panic!("{error}\n{:#}\n{hosts:#}\n{moves:#}", template(lab))
    });
}

fn read(lab: &Lab, names: &[&str], number: u32, note: &str) {
    insist(lab, &format!("{} read `{note}`", names.join(", ")), || {
        names.iter().all(|name| {
            let host = host(lab, name);
            let on = host["provider"].as_str().unwrap_or_default();
            let told = || lab.release_note(on, name).is_some_and(|it| it.trim() == note);
            host["status"] == "Ready" && host["version"] == number && told()
        })
    });
}

/// The newest recreation is over, and every host passed.
fn recreated(lab: &Lab) {
    insist(lab, "the recreation is done", || {
        let list = ask(lab, &["recreation", "list", "--template", "golden"]);
        items(&list).first().is_some_and(|it| it["stage"] == "Done" && it["passed"] == it["total"])
    });
}

fn changed(lab: &Lab) {
    insist(lab, "the working copy is open", || {
        let opened = template(lab)["status"] == "Maintenance";
        if !opened {
            let _ = lab.diecast(&["maintenance", "enter", "golden", "--provider", "kvm-a"]);
        }
        opened
    });
    insist(lab, "its guest answers", || lab.ask_guest("kvm-a", COPY, "guest-ping").is_some());
    write_note(lab, "kvm-a", NOTE);
    insist(lab, "what was changed is published", || {
        let shown = template(lab);
        let published = shown["version"] == 2 && shown["status"] == "Ready";
        if !published {
            let _ = lab.diecast(&["maintenance", "leave", "golden", "--note", NOTE, "--recreate", "later"]);
        }
        published
    });
    let is_ready = |name: &&str| row(&distribution(lab, "golden"), name)["state"] == "Ready";
    insist(lab, "those that are on hold it", || ON.iter().all(is_ready));
}

fn rolled_out_and_back(lab: &Lab, third_is_on: &AtomicBool) {
    insist(lab, "the recreation is wished for", || {
        let begun = !items(&ask(lab, &["recreation", "list"])).is_empty();
        if !begun {
            let outdated = ["host", "recreate", "--template", "golden", "--outdated", "--yes"];
            let _ =
                lab.diecast(&[&outdated[..], &["--wave", "1,100%", "--if-unavailable", "proceed"]].concat());
        }
        begun
    });
    read(lab, &HOSTS[..4], 2, NOTE);

    chapter("kvm-c is switched on, and follows");
    lab.power("kvm-c").unwrap();
    third_is_on.store(true, SeqCst);
    read(lab, &HOSTS, 2, NOTE);
    recreated(lab);

    insist(lab, "v1 is the current version again", || {
        let back = template(lab)["version"] == 1;
        if !back {
            let activate = ["version", "activate", "golden", "v1", "--recreate", "now", "--wave", "3"];
            let _ = lab.diecast(&[&activate[..], &["--if-unavailable", "proceed"]].concat());
        }
        back
    });
    read(lab, &HOSTS, 1, FIRST_NOTE);
    recreated(lab);
}

#[test]
fn a_change_reaches_every_host_and_is_taken_back_while_all_that_works_for_it_is_killed() {
    let lab = lab(3);
    golden_everywhere(&lab);
    for letter in ["a", "b", "c"] {
        deploy(&lab, &format!("kvm-{letter}"), &format!("desk-{letter}{{n}}"), &["--count", "2"]);
    }
    let before: Vec<Value> = all_told(&lab, &HOSTS);
    lab.stop("kvm-c").unwrap();

    let (stop, third_is_on) = (AtomicBool::new(false), AtomicBool::new(false));
    let kills = thread::scope(|scope| {
        let killer = scope.spawn(|| kill_at_random(&lab, &third_is_on, &stop));
        let story = UntilDropped(&stop);
        changed(&lab);
        rolled_out_and_back(&lab, &third_is_on);
        drop(story);
        killer.join().unwrap()
    });
    println!("{kills} deaths");
    assert!(kills >= 5, "nobody was killed to speak of: {kills}");

    all_available(&lab);
    let numbers: Vec<u64> = versions(&lab).iter().map(|it| it["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [2, 1], "published once");
    let done = says(&lab, &["recreation", "list", "--template", "golden"]);
    assert_eq!(items(&done).len(), 2, "there and back, and nothing twice: {done:#}");
    for before in &before {
        let after = host(&lab, before["name"].as_str().unwrap());
        assert_eq!(identity(before), identity(&after), "name, UUID and MAC stay");
        assert_eq!(after["incarnation"], 3, "made anew twice, by nobody else: {after:#}");
    }
    nothing_left(&lab, &ALL);
    for provider in ALL {
        let own = |name: &&String| name.starts_with("desk-");
        assert_eq!(domains(&lab, provider).iter().filter(own).count(), 2, "{provider}");
        wait_ready(&lab, provider);
    }
}
