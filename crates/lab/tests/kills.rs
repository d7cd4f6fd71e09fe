//! Killed at every durable step of agent and server, and started again: the story still ends well, with
//! nothing left over, and `Ready` is never said of a byte that was not verified.
//!
//! Each life is armed with every step at which its program has not died yet, and dies at the first that
//! it comes to. The steps are read from the sources, so that none is forgotten.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod site;

use diecast_lab::{
    golden::{Kind, Recipe},
    repository,
    run::run,
};
use serde_json::Value;
use site::{IN_THE_END, SOON, Site, same_disk, tell};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Steps that are come to more than once in a life, and how many of those times count.
const TIMES: [(&str, &[u32]); 6] = [
    // Assignment, manifest, what was published, what was made, outcomes: one function writes them all.
    ("agent::before-rename", &[1, 2, 3, 4, 5, 6]),
    ("agent::after-rename", &[1, 2, 3, 4, 5, 6]),
    // Record, spool, manifest, unfinished version, version.
    ("agent::removal", &[1, 2, 3, 4, 5]),
    ("transfer::after-frame", &[1, 6]),
    ("store::before-commit", &COMMITS),
    ("store::after-commit", &COMMITS),
];
/// So many that lives end in every part of the story, as each life counts from its beginning.
const COMMITS: [u32; 16] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 22];
/// Stories that are told until every step was died at.
const STORIES_MAX: usize = 6;
const PROVIDERS: [&str; 2] = ["kvm-a", "kvm-b"];

/// A fail point, and the time in one life that it counts.
type Step = (String, u32);

/// The fail points in the sources of some crates.
fn steps_of(crates: &[&str]) -> BTreeSet<Step> {
    let mut found = BTreeSet::new();
    let mut folders: Vec<PathBuf> =
        crates.iter().map(|name| repository().join("crates").join(name).join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if path.extension().is_none_or(|it| it != "rs") {
                continue;
            }
            for rest in fs::read_to_string(&path).unwrap().split("fail_point!(\"").skip(1) {
                let name = rest.split('"').next().unwrap().to_owned();
                let times =
                    TIMES.iter().find(|(known, _)| *known == name).map_or(&[1][..], |(_, times)| *times);
                found.extend(times.iter().map(|time| (name.clone(), *time)));
            }
        }
    }
    found
}

/// As `FAILPOINTS` wants it: of each fail point the earliest time that is left.
fn armed(left: &BTreeSet<Step>) -> String {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, time) in left {
        first.entry(name).or_insert(*time);
    }
    let one = |(name, time): (&str, u32)| match time {
        1 => format!("{name}=panic"),
        _ => format!("{name}={}*off->panic", time - 1),
    };
    first.into_iter().map(one).collect::<Vec<_>>().join(";")
}

/// A program that is started again whenever it dies, to die at its next step.
struct Mortal<'a> {
    name: String,
    log: PathBuf,
    left: BTreeSet<Step>,
    start: Box<dyn Fn(&str) -> bool + Send + 'a>,
    alive: Box<dyn Fn() -> bool + Send + 'a>,
    /// What must hold whenever it is dead.
    dead: Box<dyn Fn(&str) + Send + 'a>,
}

impl Mortal<'_> {
    /// Lives and dies until told to stop; gives the steps that it never came to.
    fn live(mut self, stop: &AtomicBool) -> BTreeSet<Step> {
        while !self.left.is_empty() && !stop.load(Ordering::SeqCst) {
            let said = fs::metadata(&self.log).map_or(0, |log| log.len()) as usize;
            (self.start)(&armed(&self.left));
            while (self.alive)() && !stop.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
            }
            if (self.alive)() {
                break;
            }
            let log = fs::read(&self.log).unwrap();
            let log = String::from_utf8_lossy(&log[said.min(log.len())..]).into_owned();
            let died = log.split("failpoint ").nth(1).and_then(|rest| rest.split_once(" panic"));
            let Some((step, _)) = died else { panic!("{} died of something else:\n{log}", self.name) };
            let step = self.left.iter().find(|(name, _)| name == step).cloned().unwrap();
            println!("          {} died at {} ({})", self.name, step.0, step.1);
            (self.dead)(&step.0);
            self.left.remove(&step);
        }
        if !(self.alive)() {
            (self.start)("");
        }
        self.left
    }
}

/// Says a thing until it was heard: the server may die between any two words.
fn insist(what: &str, site: &Site, mut done: impl FnMut() -> bool) {
    site.wait_until(what, IN_THE_END, || {
        let done = done();
        if !done {
            thread::sleep(Duration::from_millis(200));
        }
        done
    })
    .unwrap();
}

/// The items of a list; none while it cannot be had.
fn items(site: &Site, args: &[&str]) -> Option<Vec<Value>> {
    site.diecast_json(args).ok()?["items"].as_array().cloned()
}

/// What the disks of the story's versions hold, each in its time.
struct Disks {
    golden: PathBuf,
    /// With what the working copy was changed by.
    changed: PathBuf,
    moved: PathBuf,
}

/// What is written into the working copy, where no file of its is: something new ...
const NEW: &str = "write -q -P 0x5a 60M 256k";
/// ... and a block that the golden machine has elsewhere, in its kernel or initial root.
const MOVED_FROM: u64 = 8 << 20;
const MOVED_BYTES: usize = 64 << 10;

impl Disks {
    fn make(site: &Site) -> Self {
        let golden = site.golden("kvm-a", &Recipe::new(Kind::BootOnly));
        let (changed, moved) = (site.data().join("changed.raw"), site.data().join("moved"));
        let mut block = vec![0; MOVED_BYTES];
        fs::File::open(&golden).unwrap().read_exact_at(&mut block, MOVED_FROM).unwrap();
        assert!(block.iter().any(|byte| *byte != 0), "there is something to move");
        fs::write(&moved, block).unwrap();
        fs::copy(&golden, &changed).unwrap();
        let disks = Self { golden, changed, moved };
        assert!(disks.change(&disks.changed, "raw"));
        disks
    }

    fn change(&self, disk: &Path, format: &str) -> bool {
        let moved = format!("write -q -s {} 59M 64k", self.moved.display());
        run(&["qemu-io", "-f", format, "-c", NEW, "-c", &moved, disk.to_str().unwrap()]).is_ok()
    }
}

/// A template is made, brought to both providers, deployed, changed, its hosts recreated and rolled
/// back; then all is taken away again.
fn story(site: &Site, disks: &Disks, removing: &AtomicBool) {
    let begun = Instant::now();
    let golden = &disks.golden;
    insist("the template is wished for", site, || {
        let create =
            ["template", "create", "golden", "--provider", "kvm-a", "--vm", "golden", "--to", "kvm-b"];
        // What is free on its disk is zeroes already, so the versions are what the disks are.
        let _ = site.diecast(&[&create[..], &["--trim"]].concat());
        items(site, &["template", "list"]).is_some_and(|items| items.len() == 1)
    });
    insist("both hold it", site, || {
        let digest = site.ask(&["template", "show", "golden"])["digest"].as_str().map(str::to_owned);
        let Some(digest) = digest.and_then(|digest| Some(digest.rsplit(':').next()?.to_owned())) else {
            return false;
        };
        PROVIDERS.iter().all(|name| {
            let row = site.row(name);
            if row.ready() {
                assert!(!row.verified_at().is_empty(), "{name} is Ready and was never verified");
                site.assert_identical(name, &digest, golden);
            }
            row.ready()
        })
    });
    tell(begun, "both hold it");

    let hosts = || items(site, &["host", "list"]);
    // Neither has a guest agent. One never is what is waited for; the other is as soon as it runs.
    let running: &[&str] = &["--ready-when", "running", "--data-disk", "16MiB"];
    insist("a host on each is wished for", site, || {
        let there = hosts();
        for (name, provider, more) in [("one-", "kvm-a", &[][..]), ("two-", "kvm-b", running)] {
            if there.as_ref().is_some_and(|there| there.iter().all(|it| it["provider"] != provider)) {
                let on = ["host", "create", "--template", "golden", "--provider", provider];
                let _ = site.diecast(&[&on[..], &["--name", &format!("{name}{{n}}")], more].concat());
            }
        }
        there.is_some_and(|there| there.len() == 2)
    });
    insist("both hosts run", site, || {
        let running = |host: &Value| matches!(host["status"].as_str(), Some("Preparing" | "Ready"));
        hosts().is_some_and(|hosts| hosts.len() == 2 && hosts.iter().all(running))
    });
    for name in PROVIDERS {
        let running = domains(site, name, &["--state-running"]);
        assert_eq!(running.len(), 1, "one host was asked for on {name}: {running:?}");
    }
    tell(begun, "both hosts run");
    changed(site, disks);
    tell(begun, "the change is everywhere");
    recreated(site);
    tell(begun, "one host was rolled back, the other recreated");

    insist("the hosts are gone", site, || {
        let there = hosts();
        for host in there.iter().flatten() {
            let name = host["name"].as_str().unwrap();
            let _ = site.diecast(&["host", "delete", name, "--delete-data", "--yes"]);
        }
        there.is_some_and(|there| there.is_empty())
    });
    removing.store(true, Ordering::SeqCst);
    insist("kvm-b is off the list", site, || {
        let _ = site.diecast(&["distribution", "remove", "golden", "kvm-b"]);
        let said = site.ask(&["distribution", "show", "golden"]);
        said["providers"].as_array().is_some_and(|rows| rows.len() == 1)
    });
    insist("the template is gone", site, || {
        let _ = site.diecast(&["template", "delete", "golden", "--yes"]);
        items(site, &["template", "list"]).is_some_and(|items| items.is_empty())
    });
    tell(begun, "all of it is gone");
    for name in PROVIDERS {
        nothing_is_left(site, name);
    }
    removing.store(false, Ordering::SeqCst);
}

/// The template is changed in maintenance, and both hold what that made.
fn changed(site: &Site, disks: &Disks) {
    const COPY: &str = "diecast-golden-maintenance";
    let template = || site.ask(&["template", "show", "golden"]);
    let power = || site.ask(&["maintenance", "show", "golden"])["power"].clone();
    insist("the working copy is open", site, || {
        let _ = site.diecast(&["maintenance", "enter", "golden", "--provider", "kvm-a"]);
        template()["status"] == "Maintenance"
    });
    insist("it is changed", site, || {
        let _ = site.virsh("kvm-a").unwrap().run(&["destroy", COPY]);
        let overlays =
            run(&["find", site.diecast_dir("kvm-a").join("working").to_str().unwrap(), "-name", "disk0*"]);
        let overlay = overlays.unwrap();
        assert_eq!(overlay.lines().count(), 1, "one working copy: {overlay}");
        disks.change(Path::new(&overlay), "qcow2")
    });
    insist("it runs again", site, || {
        let runs = power() == "Running";
        if !runs {
            let _ = site.diecast(&["maintenance", "start", "golden"]);
        }
        runs
    });
    insist("the change is published", site, || {
        let leave =
            ["maintenance", "leave", "golden", "--recreate", "later", "--shutdown-timeout", "1s", "--force"];
        let _ = site.diecast(&leave);
        let shown = template();
        shown["version"] == 2 && shown["status"] == "Ready"
    });
    insist("both hold the change", site, || {
        let digest = template()["digest"].as_str().map(str::to_owned);
        let Some(digest) = digest.and_then(|digest| Some(digest.rsplit(':').next()?.to_owned())) else {
            return false;
        };
        PROVIDERS.iter().all(|name| {
            let ready = site.row(name).ready();
            if ready {
                site.assert_identical(name, &digest, &disks.changed);
            }
            ready
        })
    });
    insist("nothing is left of the working copy", site, || {
        entries(&site.diecast_dir("kvm-a").join("working")).is_empty()
            && domains(site, "kvm-a", &["--all"]).iter().all(|name| name != COPY)
    });
}

/// One host comes up on the new version; one does not, and is given back what it was.
fn recreated(site: &Site) {
    let host = |name: &str| site.ask(&["host", "show", name]);
    let recreate = |name: &str, health: &str| {
        insist(&format!("the recreation of {name} is wished for"), site, || {
            let begun = |it: &Value| {
                it["hosts"].as_array().is_some_and(|all| all.iter().any(|it| it["host"] == name))
            };
            match items(site, &["recreation", "list"]) {
                Some(all) if all.iter().any(begun) => true,
                Some(_) => {
                    let how = ["--version", "v2", "--deadline", "1s", "--health-timeout", health];
                    let how = [&how[..], &["--if-unavailable", "proceed", "--yes"]].concat();
                    let _ = site.diecast(&[&["host", "recreate", name], &how[..]].concat());
                    false
                }
                None => false,
            }
        });
    };
    recreate("one-1", "5s");
    recreate("two-1", "10m");
    insist("the one is rolled back", site, || {
        let host = host("one-1");
        host["version"] == 1 && host["incarnation"] == 3 && host["status"] == "Preparing"
    });
    insist("the other is recreated", site, || {
        let host = host("two-1");
        host["version"] == 2 && host["incarnation"] == 2 && host["status"] == "Ready"
    });
    for name in PROVIDERS {
        insist("nothing is set aside any more", site, || {
            entries(&site.diecast_dir(name).join("hosts")).iter().all(|name| !name.contains("aside"))
        });
        assert_eq!(domains(site, name, &["--state-running"]).len(), 1, "{name} runs its one host");
    }
}

fn domains(site: &Site, provider: &str, which: &[&str]) -> Vec<String> {
    let said = site.virsh(provider).unwrap().run(&[&["list", "--name"], which].concat()).unwrap();
    said.lines().map(|line| line.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// On the disk, in the hypervisor, and in the agent's own folder.
fn nothing_is_left(site: &Site, provider: &str) {
    let (item, dir) = (site.item(provider).unwrap(), site.diecast_dir(provider));
    let left = || {
        let mut left = Vec::new();
        for folder in ["incoming", "publishing", "trimming", "versions", "hosts", "working", "data"] {
            left.extend(entries(&dir.join(folder)).iter().map(|name| format!("{folder}/{name}")));
        }
        for folder in ["manifests", "verified", "spool", "made", "published", "operations", "definitions"] {
            let found = entries(&item.agent_data.join(folder));
            left.extend(found.iter().map(|name| format!("agent/{folder}/{name}")));
        }
        let own = |name: &String| name != "diecast" && !name.starts_with("golden");
        left.extend(entries(&item.storage).into_iter().filter(own));
        left.extend(domains(site, provider, &["--all"]).into_iter().filter(|name| name != "golden"));
        left
    };
    let waited = site.wait_until("nothing is left", SOON, || left().is_empty());
    assert!(waited.is_ok(), "{provider} still has {:?}", left());
}

/// Whatever has its final name is whole.
fn nothing_half_is_final(site: &Site, provider: &str, disks: &Disks, step: &str) {
    let versions = site.diecast_dir(provider).join("versions");
    for version in entries(&versions) {
        let disk = versions.join(version).join("disk0.raw");
        if let Err(error) = same_disk(&disk, &disks.golden).or_else(|_| same_disk(&disk, &disks.changed)) {
            panic!("{provider} died at {step} and left a half file under a final name: {error}");
        }
    }
}

fn agent<'a>(site: &'a Site, name: &'a str, disks: &'a Disks, removing: &'a AtomicBool) -> Mortal<'a> {
    site.agent_kill(name).unwrap();
    Mortal {
        name: format!("the agent of {name}"),
        log: site.paths().provider(name).agent_log(),
        left: steps_of(&["agent", "transfer", "provider"]),
        start: Box::new(move |points| site.agent_start_to_die_at(name, points).is_ok()),
        alive: Box::new(move || site.item(name).unwrap().agent_pid.is_some()),
        dead: Box::new(move |step| {
            if !removing.load(Ordering::SeqCst) {
                nothing_half_is_final(site, name, disks, step);
            }
        }),
    }
}

fn server(site: &Site) -> Mortal<'_> {
    site.server_kill().unwrap();
    Mortal {
        name: "the server".to_owned(),
        log: site.paths().server_log(),
        left: steps_of(&["store", "server"]),
        start: Box::new(move |points| site.server_start_to_die_at(points).is_ok()),
        alive: Box::new(move || {
            let server = site.state().unwrap().server.unwrap();
            server.process.is_some_and(diecast_lab::Process::alive)
        }),
        dead: Box::new(|_| ()),
    }
}

/// Tells the story with mortals in it, until it is over; gives the steps that each did not come to.
fn tell_with(mortals: Vec<Mortal<'_>>, story: impl FnOnce()) -> Vec<BTreeSet<Step>> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let stop = &stop;
        let lives: Vec<_> =
            mortals.into_iter().map(|mortal| scope.spawn(move || mortal.live(stop))).collect();
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(story));
        stop.store(true, Ordering::SeqCst);
        let left = lives.into_iter().map(|life| life.join().unwrap()).collect();
        told.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        left
    })
}

fn build_mortals() {
    let build = ["build", "--quiet", "-p", "diecast", "-p", "diecast-agent"];
    let features = ["--features", "diecast/failpoints,diecast-agent/failpoints"];
    let bins = ["--bin", "diecast-mortal", "--bin", "diecast-agent-mortal"];
    let manifest = repository().join("Cargo.toml");
    let whole = ["--manifest-path", manifest.to_str().unwrap()];
    run(&[&[env!("CARGO")], &build[..], &features, &bins, &whole].concat()).unwrap();
}

#[test]
fn killed_at_every_durable_step_all_still_ends_well() {
    build_mortals();
    let begun = Instant::now();
    let site = Site::start(PROVIDERS.len());
    let disks = Disks::make(&site);
    let removing = AtomicBool::new(false);

    // The agents die, both in one story; what one never comes to, the other must.
    let mut left = steps_of(&["agent", "transfer", "provider"]);
    println!("{} steps of agents, {} of the server", left.len(), steps_of(&["store", "server"]).len());
    for number in 1..=STORIES_MAX {
        tell(begun, &format!("story {number} of the agents, {} steps to die at", left.len()));
        let mortals =
            PROVIDERS.map(|name| Mortal { left: left.clone(), ..agent(&site, name, &disks, &removing) });
        let unreached = tell_with(mortals.into(), || story(&site, &disks, &removing));
        for name in PROVIDERS {
            site.agent_kill(name).unwrap();
            site.agent_start(name).unwrap();
        }
        left = unreached.into_iter().reduce(|one, other| &one & &other).unwrap();
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "no agent ever came to {left:?}");

    let mut left = steps_of(&["store", "server"]);
    for number in 1..=STORIES_MAX {
        tell(begun, &format!("story {number} of the server, {} commits to die at", left.len()));
        let mortal = Mortal { left: left.clone(), ..server(&site) };
        left = tell_with(vec![mortal], || story(&site, &disks, &removing)).remove(0);
        site.server_kill().unwrap();
        site.server_start().unwrap();
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "the server never came to {left:?}");
    tell(begun, "every step was died at");
}

#[test]
fn a_provider_joins_a_server_that_dies_at_every_commit_of_it() {
    build_mortals();
    let site = Site::start(1);
    let data = site.data().join("joining");
    let program = diecast_lab::programs().unwrap().join("diecast-agent");
    let join = |said: &Value| {
        let field = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        let (server, ca, token) = (field("server"), field("ca_fingerprint"), field("token"));
        let argv = [program.to_str().unwrap(), "join", "--server", &server, "--ca-fingerprint", &ca];
        let argv = [&argv[..], &["--token", &token, "--data", data.to_str().unwrap()]].concat();
        site.exec("kvm-a", &argv).unwrap()
    };
    for (number, step) in ["store::before-commit", "store::after-commit"].into_iter().enumerate() {
        let name = format!("new-{number}");
        let mut server = server(&site);
        server.left = (1..=6).map(|time| (step.to_owned(), time)).collect();
        tell_with(vec![server], || {
            let mut token = Value::Null;
            insist("the provider is added", &site, || {
                let add = ["provider", "add", &name, "--kind", "libvirt"];
                token = site
                    .diecast_json(&add)
                    .or_else(|_| site.diecast_json(&["provider", "rejoin", &name]))
                    .unwrap_or_default();
                token["token"].is_string()
            });
            insist("its agent has joined", &site, || {
                let joined = join(&token);
                let said = String::from_utf8_lossy(&joined.stderr).into_owned();
                if !joined.status.success() && said.contains("P0008") {
                    // The token was used by an answer that was lost.
                    println!("          {said}");
                    token = site.ask(&["provider", "rejoin", &name]);
                }
                joined.status.success()
            });
        });
        site.server_kill().unwrap();
        site.server_start().unwrap();
        let shown = site.provider(&name);
        assert!(shown["certificate_expires_at"].is_string(), "{shown:#}");
        let status =
            site.exec_text("kvm-a", &[program.to_str().unwrap(), "status", "--data", data.to_str().unwrap()]);
        assert!(status.unwrap().contains(&name));
        site.diecast_json(&["provider", "remove", &name, "--yes"]).unwrap();
        fs::remove_dir_all(&data).unwrap();
    }
}
