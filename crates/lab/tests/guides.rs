//! The guides for later days, typed to the letter on a server and four hypervisors: each in the situation that it is for.
//! The first hour is typed by `packages.rs`; what is not marked with `on ...` is read by the crate `diecast`.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod packaged;
mod typed;

use diecast_lab::{
    GoldenVm, Lab, Options,
    golden::{self, Kind, Recipe},
    repository,
};
use packaged::{Debian, Machine, packages};
use std::{
    cell::RefCell,
    fs,
    path::Path,
    time::{Duration, Instant},
};
use typed::{blocks, commands, without_systemd};

const OLD: &str = "0.1.0-1";
const NEW: &str = "0.1.0-2";
const AGENT: &str = "diecast-agent";
const PATIENCE: Duration = Duration::from_secs(180);
/// What is typed until it succeeds: it asks, and who was just started may not answer yet.
const TRIED_AGAIN: [&str; 6] = [
    "diecast login",
    "diecast provider check",
    "diecast vm list",
    "diecast recovery show",
    "diecast distribution show win11 --watch",
    "diecast-agent set-server",
];
const PASSWORD: &str = "guides are read when nobody sleeps";

struct Site<'l> {
    machines: Vec<Machine<'l>>,
    /// Which machine is the server now.
    server: RefCell<&'static str>,
    begun: Instant,
}

impl<'l> Site<'l> {
    fn on(&self, name: &str) -> &Machine<'l> {
        let name = if name == "server" { *self.server.borrow() } else { name };
        self.machines.iter().find(|machine| machine.name == name).unwrap()
    }

    /// Types what the test itself wants done.
    fn run(&self, script: &str) -> String {
        self.on("server").run(script)
    }

    fn wait(&self, what: &str, script: &str) -> String {
        self.on("server").wait(what, PATIENCE, script)
    }

    /// Types a guide. What it finds is arranged before the line that needs it, by `before`, which says whether
    /// the line is still to be typed.
    fn follow(&self, guide: &str, mut before: impl FnMut(&str) -> bool) {
        println!("{:6.1} s  {guide}", self.begun.elapsed().as_secs_f64());
        let page = fs::read_to_string(repository().join(format!("docs/guides/{guide}.md"))).unwrap();
        let found = blocks(&page);
        assert!(!found.is_empty(), "{guide} has nothing to type");
        for block in found {
            for place in &block.places {
                for line in commands(&block.script) {
                    if before(&line) {
                        self.enter(place, &line);
                    }
                }
            }
        }
    }

    fn enter(&self, place: &str, line: &str) {
        let line = without_systemd(line);
        println!("{place}# {line}");
        let typed = format!("export DIECAST_PASSWORD='{PASSWORD}'\n{line}");
        let again = TRIED_AGAIN.iter().any(|start| line.starts_with(start));
        let machine = self.on(place);
        let said = if again { machine.wait(&line, PATIENCE, &typed) } else { machine.run(&typed) };
        println!("{said}");
        if let Some(provider) = line.strip_prefix("diecast provider add ") {
            self.on(provider.split(' ').next().unwrap()).run(said.trim());
        }
    }

    fn host(&self, provider: &str) {
        self.run(&format!(
            "diecast host create --template win11 --provider {provider} --name 'desk-{{nnn}}' --wait"
        ));
    }

    fn ready(&self, count: usize) {
        let whole = format!(
            "test \"$(diecast distribution show win11 --json | grep -o '\"state\": *\"Ready\"' | wc -l)\" = {count}"
        );
        self.wait(&format!("win11 is Ready on {count}"), &whole);
    }

    fn stands(&self, kind: &str) -> String {
        format!("diecast alarm list --json | grep -q '\"kind\": *\"{kind}\"'")
    }
}

fn typed_all(_: &str) -> bool {
    true
}

/// Starts the server, and lets three of the hypervisors join.
fn arrange<'l>(lab: &'l Lab) -> Site<'l> {
    let begun = Instant::now();
    let old = packages(OLD);
    let address = lab.bridge_address().unwrap();
    let mut machines = vec![Machine::new("server", Debian::Plain), Machine::new("new", Debian::Plain)];
    machines.extend(lab.list().unwrap().iter().map(|item| Machine::of_provider(lab, &item.name)));
    for machine in &machines {
        machine.receive(&old);
        machine.run(&format!("echo '{address} diecast.example new.example' >> /etc/hosts"));
        if ["server", "new"].contains(&machine.name.as_str()) {
            let defaults = format!("DIECAST_LISTEN={address}:7443\nDIECAST_ADMIN_PASSWORD='{PASSWORD}'");
            machine.write("/etc/default/diecast", &defaults);
            machine.run("apt-get -qq install -y ./diecast_*.deb");
            machine.run("sed -i 's/^#name = .*/name = [\"diecast.example\", \"new.example\"]/' /etc/diecast/server.toml");
        } else {
            machine.run("apt-get -qq install -y ./diecast-agent_*.deb");
            machine.run("sed -i 's/^#floor = .*/floor = \"64MiB\"/' /etc/diecast/agent.toml");
        }
    }
    let site = Site { machines, server: RefCell::new("server"), begun };
    // Its disk is to become full.
    site.run("mount -t tmpfs -o size=64m,mode=0700,uid=$(id -u diecast),gid=$(id -g diecast) data /var/lib/diecast");
    site.run("service diecast start");
    site.enter("server", "diecast login --url https://diecast.example:7443 --ca /var/lib/diecast/ca.pem");
    for provider in ["kvm-a", "kvm-b", "kvm-c"] {
        site.enter("server", &format!("diecast provider add {provider} --storage default"));
    }
    site
}

#[test]
fn the_guides_for_later_days_go_as_they_say() {
    let lab = Lab::start_with(&Options { providers: 4, bare: true, ..Options::default() }).unwrap();
    let recipe = Recipe { payload_bytes: 48 << 20, ..Recipe::new(Kind::Tiny) };
    let disk = golden::cached(lab.paths(), &recipe).unwrap();
    lab.define("kvm-a", &GoldenVm::new("win11-golden", &disk)).unwrap();
    let site = arrange(&lab);
    let create = "diecast template create win11 --provider kvm-a --vm win11-golden --to kvm-c";
    site.wait("the golden machine is seen", create);
    site.ready(2);

    a_disk_is_full(&lab, &site);
    site.host("kvm-a");
    site.host("kvm-c");
    site.run("diecast pool create desks --template win11 --size 1 --name 'pool-{n}' --provider kvm-a");
    site.follow("verifying-and-healing", typed_all);
    site.follow("networks-and-firewalls", typed_all);
    site.follow("security-model", typed_all);
    the_audit_trail_was_exported(&site);
    site.follow("monitoring", typed_all);
    site.follow("pools-and-schedules", typed_all);
    site.run("diecast pool delete desks --yes");
    somebody_is_told(&site);

    site.follow("backup-and-restore", |line| {
        let lost = line.starts_with("diecast server restore /srv");
        if lost {
            site.host("kvm-b");
            site.run("service diecast stop; find /var/lib/diecast -mindepth 1 -delete");
        }
        true
    });
    let hosts = site.run("diecast host list");
    for name in ["desk-001", "desk-002", "desk-003"] {
        assert!(hosts.contains(name), "{name} was adopted or never lost: {hosts}");
    }

    let new = packages(NEW);
    for machine in &site.machines {
        machine.run("rm *.deb");
        machine.receive(&new);
    }
    site.follow("upgrading", typed_all);
    for (machine, package) in [("server", "diecast"), ("kvm-a", AGENT), ("kvm-b", AGENT), ("kvm-c", AGENT)] {
        let installed = site.on(machine).run(&format!("dpkg-query -W -f '${{Version}}' {package}"));
        assert_eq!(installed, NEW, "{package} on {machine}");
        site.on(machine).run(&format!("service {package} status"));
    }

    the_server_moves(&site);
    a_provider_dies(&lab, &site);
    println!("{:6.1} s  all of them", site.begun.elapsed().as_secs_f64());
}

fn a_disk_is_full(lab: &Lab, site: &Site<'_>) {
    site.run("dd if=/dev/zero of=/var/lib/diecast/large bs=64k 2> /dev/null || true");
    let refused = site.on("server").attempt("diecast token create refused");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("S0009"), "{refused:?}");
    lab.fill("kvm-b", 32 << 20).unwrap();
    site.follow("recovering-from-a-full-disk", |line| {
        if line.starts_with("diecast token create") {
            site.run("rm /var/lib/diecast/large");
        } else if line == "diecast alarm list" {
            site.run("diecast distribution add win11 kvm-b");
            site.wait("the full disk is told", "diecast distribution show win11 | grep -E 'P0004|T0003'");
        } else if line.starts_with("diecast distribution retry") {
            lab.unfill("kvm-b").unwrap();
        }
        true
    });
    site.ready(3);
}

fn the_audit_trail_was_exported(site: &Site<'_>) {
    let exported = site.run("cat audit.jsonl");
    let entries: Vec<serde_json::Value> =
        exported.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(entries.iter().all(serde_json::Value::is_object), "{exported}");
    let revoked = entries.iter().any(|entry| entry.to_string().contains("\"ci\""));
    assert!(revoked, "it has what the guide did a moment ago: {exported}");
}

fn somebody_is_told(site: &Site<'_>) {
    let server = site.on("server");
    server.write("/root/page-somebody", "#!/bin/sh\ncat > /dev/null");
    server.run("sed -i 's/^#notification-scripts/notification-scripts/' /etc/diecast/server.toml");
    site.follow("being-told", |line| {
        if line.starts_with("diecast notification add") {
            site.wait("the server is up", "diecast provider list");
        }
        true
    });
    site.run("diecast notification test pager");
}

fn the_server_moves(site: &Site<'_>) {
    site.follow("moving-the-server", |line| {
        if line == "diecast recovery finish" {
            let told = "test \"$(diecast recovery show --json | grep -c '\"told\": *true')\" = 3";
            site.wait("everybody has said what it was told", told);
        }
        let copied = line.starts_with("scp ");
        if copied {
            for file in ["/root/move.backup", "/root/diecast-passphrase"] {
                site.on("new").put(&site.on("server").upper(file), file);
            }
            site.server.replace("new");
        }
        !copied
    });
    for provider in ["kvm-a", "kvm-b", "kvm-c"] {
        let said = site.on(provider).run("diecast-agent status");
        assert!(said.contains("https://new.example:7443"), "{said}");
        let available =
            format!("diecast provider show {provider} --json | grep -q '\"state\": *\"Available\"'");
        site.wait(&format!("{provider} is back"), &available);
    }
}

fn a_provider_dies(lab: &Lab, site: &Site<'_>) {
    lab.stop("kvm-c").unwrap();
    site.wait("the loss is told", &site.stands("provider-lost"));
    site.follow("replacing-a-dead-provider", typed_all);
    let hosts = site.run("diecast host show desk-002");
    assert!(hosts.contains("kvm-d"), "{hosts}");
    site.wait("nothing is amiss", "diecast alarm list --json | grep -q '\"items\": *\\[\\]'");
    assert!(Path::new(&lab.item("kvm-d").unwrap().storage.join("diecast/versions")).is_dir());
}
