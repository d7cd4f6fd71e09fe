//! The packages, as an administrator meets them: installed, upgraded, removed and purged on a clean Debian; and the
//! first guide, typed to the letter on a server and three hypervisors.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod packaged;
mod typed;

use diecast_lab::{
    GoldenVm, Lab, Options,
    golden::{self, Kind, Recipe},
    repository,
    run::run,
};
use packaged::{Debian, Machine, packages};
use std::{fs, time::Duration};
use typed::{blocks, commands, without_systemd};

const OLD: &str = "0.1.0-1";
const NEW: &str = "0.1.0-2";
/// How long something may take that takes a moment, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(180);

fn repository_file(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap()
}

/// The words of a unit's setting.
fn of_unit(unit: &str, setting: &str) -> Vec<String> {
    let lines = unit.lines().filter_map(|line| line.strip_prefix(setting)?.strip_prefix('='));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

#[test]
fn the_units_expose_little_and_give_the_rights_that_every_story_was_told_with() {
    for unit in ["diecast", "diecast-agent"] {
        let file = repository().join(format!("packaging/systemd/{unit}.service"));
        let said =
            run(&["systemd-analyze", "security", "--offline=yes", "--no-pager", file.to_str().unwrap()])
                .unwrap();
        let level = said.lines().find(|line| line.contains("Overall exposure level")).unwrap();
        let exposure: f64 = level.split_whitespace().find_map(|word| word.parse().ok()).unwrap();
        // systemd calls it OK below 5, MEDIUM from there on.
        assert!(exposure < 5.0, "{level}");
        println!("{}", level.trim());
    }
    let unit = repository_file("packaging/systemd/diecast-agent.service");
    // The kernel's bridges are asked for over netlink, by a child that has the service's rights.
    assert!(of_unit(&unit, "RestrictAddressFamilies").contains(&"AF_NETLINK".to_owned()));
    let capabilities = of_unit(&unit, "AmbientCapabilities");
    let as_setpriv: String = capabilities
        .iter()
        .map(|name| format!(",+{}", name.strip_prefix("CAP_").unwrap().to_lowercase()))
        .collect();
    assert_eq!(format!("-all{as_setpriv}"), diecast_lab::AGENT_RIGHTS, "the lab gives its agents the same");
    assert!(repository_file("packaging/init/diecast-agent").contains(&format!("rights=-all{as_setpriv}\n")));
    assert!(repository_file("packaging/init/diecast").contains("rights=-all\n"));
}

#[test]
fn systemd_understands_every_line_of_the_units() {
    let folder = tempfile::tempdir().unwrap();
    for (unit, program) in [("diecast", "/usr/bin/diecast "), ("diecast-agent", "/usr/bin/diecast-agent ")] {
        // The program is not on this machine; that it is where the unit says, the packages' stories tell.
        let text = repository_file(&format!("packaging/systemd/{unit}.service"));
        let file = folder.path().join(format!("{unit}.service"));
        assert!(text.contains(&format!("ExecStart={program}")));
        fs::write(&file, text.replace(program, "/bin/true ")).unwrap();
        let mut verify = std::process::Command::new("systemd-analyze");
        verify.args(["verify", "--man=no", "--recursive-errors=no"]).arg(&file);
        let output = verify.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{unit}: {said}");
    }
}

#[test]
fn under_systemd_packages_restart_only_what_is_upgraded_and_end_only_what_goes() {
    let (old, new) = (packages(OLD), packages(NEW));
    let machine = Machine::new("systemd", Debian::Hypervisor);
    machine.receive(&old);
    machine.receive(&new);
    // As if systemd were there: it notes what it is asked.
    machine.run("mkdir -p /run/systemd/system");
    machine.write("/usr/local/sbin/systemctl", "#!/bin/sh\necho \"$*\" >> /root/asked");
    machine.run("chmod 755 /usr/local/sbin/systemctl");
    let asked = |script: &str| -> Vec<String> {
        // Not by apt, which has a search path of its own.
        machine.run(&format!("rm -f asked; {script} > /dev/null; touch asked"));
        let mut asked: Vec<_> = machine.run("cat asked").lines().map(str::to_owned).collect();
        asked.dedup();
        asked
    };
    for program in ["diecast", "diecast-agent"] {
        let install = |version: &str| format!("dpkg --install ./{program}_{version}_*.deb");
        let restart = format!("try-restart {program}.service");
        let end = format!("disable --quiet --now {program}.service");
        assert_eq!(asked(&install(OLD)), ["daemon-reload"], "{program}: nothing is started");
        assert_eq!(asked(&install(NEW)), ["daemon-reload", &restart], "{program}: upgraded");
        assert_eq!(asked(&format!("dpkg --remove {program}")), [&end, "daemon-reload"], "{program}: removed");
        assert_eq!(asked(&format!("dpkg --purge {program}")), ["daemon-reload"], "{program}: purged");
    }
}

#[test]
fn packages_are_installed_upgraded_removed_and_purged_on_a_clean_debian() {
    let (old, new) = (packages(OLD), packages(NEW));
    let machine = Machine::new("clean", Debian::Hypervisor);
    machine.receive(&old);
    machine.run("apt-get -qq install -y ./diecast_*.deb ./diecast-agent_*.deb");

    // What is there, and whose.
    for user in ["diecast", "diecast-agent"] {
        let said = machine.run(&format!("getent passwd {user}; stat -c '%a %U %G' /var/lib/{user}"));
        assert!(said.contains("/usr/sbin/nologin") && said.contains(&format!("700 {user} {user}")), "{said}");
    }
    assert!(machine.run("id -nG diecast-agent").contains("libvirt"));
    assert!(!machine.run("id -nG diecast").contains("libvirt"));
    for page in
        ["diecast", "diecast-provider-add", "diecast-server-run", "diecast-agent", "diecast-agent-join"]
    {
        machine.run(&format!("zcat /usr/share/man/man1/{page}.1.gz | grep -q '^\\.SH NAME'"));
    }
    for program in ["diecast", "diecast-agent"] {
        machine.run(&format!("bash -n /usr/share/bash-completion/completions/{program}"));
        machine.run(&format!("test -s /usr/share/zsh/vendor-completions/_{program}"));
        machine.run(&format!("! service {program} status"));
        machine.run(&format!("dpkg --verify {program}"));
    }

    // It runs, as its user, and is not started wrongly.
    machine.run("sed -i 's/^#listen = .*/listen = \"127.0.0.1:17443\"/; s/^#name = .*/name = \"localhost\"/' /etc/diecast/server.toml");
    machine.run("echo 'log-fromat = \"json\"' >> /etc/diecast/server.toml");
    let refused = machine.attempt("service diecast start");
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains("S0007") && told.contains("`log-format`"), "{told}");
    let typed = machine.attempt("diecast server run");
    assert_eq!(typed.status.code(), Some(2), "typed wrongly");
    machine.run("sed -i '$d' /etc/diecast/server.toml; service diecast start");
    let ready = "curl --version > /dev/null 2>&1; diecast login --url https://localhost:17443 --ca /var/lib/diecast/ca.pem";
    let password = machine.wait("the server has a database", PATIENCE, "diecast server password");
    let sign_in = format!("DIECAST_PASSWORD='{}' {}", password.trim(), ready.rsplit("; ").next().unwrap());
    machine.wait("the administrator signs in", PATIENCE, &sign_in);
    assert!(!machine.run("cat /var/log/diecast.log").contains(password.trim()), "no password in the log");
    let line = machine.run("diecast provider add kvm-a");
    machine.run(line.trim());
    let state = "diecast provider show kvm-a --json";
    machine.wait("the agent has reported", PATIENCE, &format!("{state} | grep -q '\"agent_version\": *\"'"));
    assert_eq!(machine.run("find /var/lib/diecast /var/lib/diecast-agent -user root"), "");
    let rights =
        "grep -h CapEff /proc/$(cat /run/diecast-agent.pid)/status /proc/$(cat /run/diecast.pid)/status";
    let rights = machine.run(rights);
    // The agent's: DAC_OVERRIDE, FOWNER, SETGID, SETUID (to start what trims as QEMU's user), SYS_PTRACE.
    assert_eq!(
        rights.split_whitespace().skip(1).step_by(2).collect::<Vec<_>>(),
        ["00000000000800ca", "0000000000000000"]
    );
    assert_eq!(
        machine.attempt("diecast-agent run").status.code(),
        Some(1),
        "root does not lock the service out"
    );

    // An upgrade keeps what was settled, and puts the new programs in place of those that run.
    let pids = || machine.run("cat /run/diecast.pid /run/diecast-agent.pid");
    let before = pids();
    machine.run("rm *.deb");
    machine.receive(&new);
    machine.run("apt-get -qq install -y ./diecast_*.deb ./diecast-agent_*.deb");
    assert!(machine.run("dpkg-query -W -f '${Version} ' diecast diecast-agent").contains(NEW));
    assert!(machine.run("cat /etc/diecast/server.toml").contains("127.0.0.1:17443"));
    machine.run("service diecast status; service diecast-agent status");
    assert_ne!(pids(), before);
    machine.wait("the session still counts", PATIENCE, state);

    // Removed, they end and leave what they know; purged, they leave what is not theirs.
    let pool = "/var/lib/libvirt/images/diecast/versions/0123";
    machine.run(&format!("mkdir -p {pool}; echo content > {pool}/disk0.raw"));
    let running = pids();
    machine.run("apt-get -qq remove -y diecast diecast-agent");
    for pid in running.split_whitespace() {
        machine.run(&format!("! kill -0 {pid} 2> /dev/null"));
    }
    machine.run("test -s /etc/diecast/agent.toml && test -s /var/lib/diecast/diecast.db && test -s /var/lib/diecast-agent/key.pem");
    machine.run("apt-get -qq install -y ./diecast_*.deb && service diecast start");
    machine.wait("the server knows what it knew", PATIENCE, state);
    machine.run("apt-get -qq purge -y diecast diecast-agent");
    machine.run("! ls -d /etc/diecast /var/lib/diecast /var/lib/diecast-agent /var/log/diecast*.log");
    assert_eq!(machine.run(&format!("cat {pool}/disk0.raw")), "content\n");
}

#[test]
fn the_dependencies_of_the_agent_are_to_be_had_from_a_plain_debian() {
    let packages = packages(OLD);
    let machine = Machine::new("plain", Debian::Plain);
    machine.receive(&packages);
    let said = machine.run("apt-get -qq --simulate install ./diecast_*.deb ./diecast-agent_*.deb");
    for package in
        ["libvirt-daemon-system", "qemu-utils", "qemu-system-x86", "genisoimage", "iproute2", "diecast-agent"]
    {
        assert!(said.contains(&format!("Inst {package} ")), "{package}: {said}");
    }
    // Others may bring it along today; that is not what the agent may rely on.
    let of_itself = machine.run("dpkg-deb --field ./diecast-agent_*.deb Depends");
    assert!(of_itself.split(", ").any(|package| package == "iproute2"), "{of_itself}");
}

#[test]
fn the_first_hour_goes_as_the_guide_says() {
    let packages = packages(OLD);
    let lab = Lab::start_with(&Options { providers: 3, bare: true, ..Options::default() }).unwrap();
    let golden = golden::cached(lab.paths(), &Recipe::new(Kind::Tiny)).unwrap();
    lab.define("kvm-a", &GoldenVm::new("golden", &golden)).unwrap();
    let names: Vec<String> = lab.list().unwrap().into_iter().map(|item| item.name).collect();
    let mut machines = vec![Machine::new("server", Debian::Plain)];
    machines.extend(names.iter().map(|name| Machine::of_provider(&lab, name)));
    for machine in &machines {
        machine.receive(&packages);
        machine.run(&format!("echo '{} diecast.example' >> /etc/hosts", lab.bridge_address().unwrap()));
    }
    // Other labs' servers may listen at the same port of other addresses.
    let listen = format!("DIECAST_LISTEN={}:7443", lab.bridge_address().unwrap());
    machines[0].write("/etc/default/diecast", &listen);
    let on = |name: &str| machines.iter().find(|machine| machine.name == name).unwrap();

    let mut password = None;
    let mut hosts = 0;
    for block in blocks(&repository_file("docs/guides/first-hour.md")) {
        for place in &block.places {
            // As one types: line by line, but for what a brace holds together.
            for line in commands(&block.script) {
                let mut line = without_systemd(&line);
                println!("{place}# {line}");
                if line.starts_with("diecast login") {
                    line = format!("DIECAST_PASSWORD='{}' {line}", password.as_deref().unwrap());
                }
                let said = match line.as_str() {
                    // The service has to be up by then, which a human waits for without noticing.
                    _ if line.contains("diecast login") || line == "diecast server password" => {
                        on(place).wait("the server is up", PATIENCE, &line)
                    }
                    _ if line.starts_with("diecast provider check")
                        || line.starts_with("diecast vm list") =>
                    {
                        on(place).wait("the agent answers", PATIENCE, &line)
                    }
                    _ => on(place).run(&line),
                };
                println!("{said}");
                if line == "diecast server password" {
                    password = Some(said.trim().to_owned());
                } else if let Some(provider) = line.strip_prefix("diecast provider add ") {
                    on(provider.split(' ').next().unwrap()).run(said.trim());
                } else if line == "diecast host list" {
                    hosts = names.iter().filter(|name| said.contains(name.as_str())).count();
                } else if line == "diecast distribution show golden" {
                    assert!(said.contains("OK"), "{said}");
                }
            }
        }
    }
    assert_eq!(hosts, 3, "a host on every provider");
    for name in &names {
        assert!(on(name).run("virsh -q list").contains("running"), "{name}");
    }
    the_agents_are_upgraded_while_hosts_run_and_a_version_moves(&lab, &machines);
}

/// What the guest of a provider says of its kernel's life, and the process that it is.
fn life(lab: &Lab, provider: &str) -> (String, String, String) {
    let machine = lab.virsh(provider).unwrap().run(&["list", "--name"]).unwrap().trim().to_owned();
    let boot = lab.in_guest(provider, &machine, "cat /proc/sys/kernel/random/boot_id").unwrap();
    let pid = lab.exec(provider, &["pgrep", "-f", &format!("guest={machine}")]).unwrap();
    (machine, boot.trim().to_owned(), String::from_utf8_lossy(&pid.stdout).trim().to_owned())
}

fn the_agents_are_upgraded_while_hosts_run_and_a_version_moves(lab: &Lab, machines: &[Machine<'_>]) {
    let new = packages(NEW);
    let (server, hypervisors) = machines.split_first().unwrap();
    let before: Vec<_> = hypervisors.iter().map(|machine| life(lab, &machine.name)).collect();
    // A second template goes from kvm-a to the two others, slowly.
    let recipe = Recipe { payload_bytes: 96 << 20, seed: 7, ..Recipe::new(Kind::Tiny) };
    let disk = golden::cached(lab.paths(), &recipe).unwrap();
    lab.define("kvm-a", &GoldenVm::new("second", &disk)).unwrap();
    for machine in hypervisors {
        lab.slow(&machine.name, Some("40mbit")).unwrap();
    }
    let create = "diecast template create second --provider kvm-a --vm second --to kvm-b,kvm-c";
    server.wait("the second machine is seen", PATIENCE, create);
    let moving = "diecast distribution show second --json | grep -q '\"phase\": *\"transferring\"'";
    server.wait("the second template moves", PATIENCE, moving);
    for machine in hypervisors {
        machine.run("rm *.deb");
        machine.receive(&new);
        machine.run("apt-get -qq install -y ./diecast-agent_*.deb && service diecast-agent status");
    }
    server.receive(&new);
    server.run(&format!("apt-get -qq install -y ./diecast_{NEW}_*.deb && service diecast status"));
    for machine in hypervisors {
        lab.slow(&machine.name, None).unwrap();
    }
    let whole =
        "test \"$(diecast distribution show second --json | grep -o '\"state\": *\"Ready\"' | wc -l)\" = 3";
    server.wait("the second template is everywhere", PATIENCE * 2, whole);
    for (machine, before) in hypervisors.iter().zip(&before) {
        assert_eq!(&life(lab, &machine.name), before, "{}: the host runs on as it did", machine.name);
    }
}
