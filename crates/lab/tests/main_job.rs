//! The main job from end to end: one golden machine, identical and verified on several hypervisors,
//! and hosts that boot from it. One lab, one story; each chapter stands on the one before.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod steps;

use diecast_lab::{GoldenVm, Lab, golden, run::run};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};
use steps::*;

const THREE: [&str; 3] = ["kvm-a", "kvm-b", "kvm-c"];

#[test]
fn one_golden_machine_is_identical_everywhere_and_its_hosts_boot() {
    let lab = lab(3);
    providers_tell_what_they_are(&lab);
    let disks = a_golden_machine_is_listed(&lab);
    let digest = it_is_distributed_one_provider_at_a_time(&lab, &disks);
    one_number_follows_a_transfer_through_three_logs(&lab, &digest);
    let hosts = hosts_boot_and_tell_their_names(&lab, &digest);
    hosts_stop_start_and_go(&lab, &hosts, &digest, &disks);
    a_provider_with_hosts_is_drained(&lab, &digest);
    a_provider_added_later_fetches_from_peers(&lab, &digest, &disks);
    a_missing_network_is_said_and_heals_once_mapped(&lab);
    a_deleted_template_leaves_no_file(&lab, &digest);
    the_history_tells_it(&lab);
}

fn one_number_follows_a_transfer_through_three_logs(lab: &Lab, digest: &Value) {
    chapter("one number follows a transfer through three logs");
    let lines = |path: PathBuf| -> Vec<Value> {
        let said = fs::read_to_string(path).unwrap();
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let agent = |name: &str| lines(lab.paths().provider(name).agent_log());
    let replica = format!("replica {}", digest.as_str().unwrap());
    let began = agent("kvm-b").into_iter().find(|line| {
        line["fields"]["message"] == "a task begins" && line["span"]["object"] == replica.as_str()
    });
    let number = began.expect("the agent says by which assignment it fetches")["span"]["assignment"].clone();
    let told = |line: &Value| line["fields"]["assignment"] == number && line["fields"]["provider"] == "kvm-b";
    assert!(lines(lab.paths().server_log()).iter().any(told), "the server said {number} to kvm-b");
    let asked = |line: &Value| line["fields"]["assignment"] == number && line["fields"]["version"] == *digest;
    let peers = ["kvm-a", "kvm-c"].map(agent);
    assert!(peers.iter().flatten().any(asked), "a peer was asked for {digest} by {number}");
}

fn providers_tell_what_they_are(lab: &Lab) {
    chapter("providers tell what they are");
    let list = says(lab, &["provider", "list"]);
    let names: Vec<&str> = items(&list).iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, THREE);
    assert_eq!(list["next"], Value::Null);
    let shown = says(lab, &["provider", "show", "kvm-a"]);
    for (field, wanted) in
        [("kind", "libvirt"), ("uri", "qemu:///system"), ("storage", "default"), ("state", "Available")]
    {
        assert_eq!(shown[field], wanted, "{shown:#}");
    }
    for field in ["since", "agent_version", "certificate_expires_at"] {
        assert!(shown[field].is_string(), "no {field}: {shown:#}");
    }
    assert!(shown["addresses"][0].as_str().is_some_and(|it| it.ends_with(":7444")), "{shown:#}");
    let facts = &shown["facts"];
    let hypervisor = facts["hypervisor"].as_str().unwrap();
    assert!(hypervisor.starts_with("QEMU ") && hypervisor.contains("libvirt "), "{hypervisor}");
    assert!(facts["cpu_count"].as_u64() > Some(0) && facts["memory_bytes"].as_u64() > Some(1 << 28));
    assert!(facts["cpu_model"].as_str().is_some_and(|it| !it.is_empty()));
    let pool = &facts["storages"][0];
    let storage = lab.item("kvm-a").unwrap().storage;
    assert_eq!(pool["path"], storage.to_str().unwrap());
    assert!(
        pool["free_bytes"].as_u64() > Some(1 << 30)
            && pool["free_bytes"].as_u64() < pool["capacity_bytes"].as_u64()
    );
    assert!(
        facts["networks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["name"] == "default" && it["active"] == true)
    );

    let checked = says(lab, &["provider", "check", "kvm-a"]);
    assert_eq!(checked["state"], "done", "{checked:#}");
    let lines = checked["lines"].as_array().unwrap();
    assert!(lines.len() >= 4 && lines.iter().all(|line| line["ok"] == true), "{checked:#}");
    assert!(lines.iter().any(|line| line["name"] == "guest on the storage"), "{checked:#}");
    let table = lab.diecast(&["provider", "list"]).unwrap();
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    assert!(THREE.iter().all(|name| table.contains(name)) && table.contains("Available"), "{table}");
}

fn a_golden_machine_is_listed(lab: &Lab) -> Vec<PathBuf> {
    chapter("a golden machine is listed");
    let disks = lab.define("kvm-a", &GoldenVm::new("golden", &tiny(lab))).unwrap();
    lab.wait_until("the VM is listed", BOOTS, || {
        items(&says(lab, &["vm", "list", "--provider", "kvm-a"])).iter().any(|vm| vm["name"] == "golden")
    })
    .unwrap();
    let vms = says(lab, &["vm", "list", "--provider", "kvm-a"]);
    let vm = items(&vms).iter().find(|vm| vm["name"] == "golden").unwrap();
    assert_eq!((&vm["power"], &vm["managed"], &vm["obstacle"]), (&"Off".into(), &false.into(), &Value::Null));
    assert_eq!(vm["disks"][0]["path"], disks[0].to_str().unwrap());
    assert_eq!(vm["memory_bytes"], 256 << 20);
    disks
}

fn it_is_distributed_one_provider_at_a_time(lab: &Lab, disks: &[PathBuf]) -> Value {
    chapter("it is distributed, one provider at a time");
    let before = mark(&disks[0]);
    // Slow enough that several reports, one every three seconds, tell of each transfer.
    for name in ["kvm-b", "kvm-c"] {
        lab.slow(name, Some("30mbit")).unwrap();
    }
    let create = [
        "template",
        "create",
        "desk",
        "--provider",
        "kvm-a",
        "--vm",
        "golden",
        "--to-all",
        "--concurrency",
        "1",
    ];
    let plan = says(lab, &[&create[..], &["--dry-run"]].concat());
    assert_eq!(plan["steps"].as_array().unwrap().len(), 3, "{plan:#}");
    assert_eq!(says(lab, &["template", "list"])["items"], Value::Array(Vec::new()));
    let mut waiting = lab.diecast_command(&[&create[..], &["--wait", "--json"]].concat()).unwrap();
    let mut waiting =
        waiting.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let (mut words, mut moved) = (BTreeSet::new(), BTreeSet::new());
    let mut percents = BTreeSet::new();
    lab.wait_until("every provider is ready", BOOTS, || {
        let view = distribution(lab, "desk");
        let moving = |row: &&Value| {
            let phase = row["phase"].as_str().unwrap_or_default();
            row["provider"] != "kvm-a"
                && ["preflight", "transferring", "verifying", "registering"].contains(&phase)
        };
        let rows = view["providers"].as_array().cloned().unwrap_or_default();
        let now: Vec<&Value> = rows.iter().filter(moving).collect();
        assert!(now.len() <= 1, "one at a time: {view:#}");
        for row in now {
            moved.insert(row["provider"].as_str().unwrap().to_owned());
            percents.insert(row["percent"].as_f64().unwrap() as u64);
            assert_eq!((&row["state"], &row["progress"]), (&"Needs update".into(), &"Distributing".into()));
        }
        words.extend(view["distribution"].as_str().map(str::to_owned));
        view["distribution"] == "OK"
    })
    .unwrap();
    assert!(waiting.wait().unwrap().success(), "`template create --wait` ends well");
    assert_eq!(moved, BTreeSet::from(["kvm-b".to_owned(), "kvm-c".to_owned()]));
    assert_eq!(words, BTreeSet::from(["Distributing".to_owned(), "OK".to_owned()]));
    assert!(percents.len() > 3, "progress is live: {percents:?}");
    for name in ["kvm-b", "kvm-c"] {
        lab.slow(name, None).unwrap();
    }

    let view = distribution(lab, "desk");
    let template = says(lab, &["template", "show", "desk"]);
    assert_eq!((&template["status"], &template["version"]), (&"Ready".into(), &1.into()));
    assert_eq!(view["digest"], template["digest"]);
    for name in THREE {
        let row = row(&view, name);
        assert_eq!(
            (&row["state"], &row["progress"], &row["version"]),
            (&"Ready".into(), &"OK".into(), &1.into())
        );
        assert!(row["verified_at"].is_string() && row["code"].is_null(), "{row:#}");
        holds(lab, name, "desk", &view["digest"], disks);
        let network = row["bytes_network"].as_u64().unwrap();
        assert_eq!(network > 0, name != "kvm-a", "the source needs no network: {row:#}");
        assert!(network < (1 << 27), "holes and zeroes do not travel: {row:#}");
    }
    assert_eq!(before, mark(&disks[0]), "the source is as it was");
    let versions = says(lab, &["version", "list", "desk"]);
    let held: Vec<&str> =
        versions["items"][0]["held_by"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(held, THREE);
    // Read back whole once more, because somebody asks.
    says(lab, &["distribution", "verify", "desk", "--wait"]);
    view["digest"].clone()
}

fn hosts_boot_and_tell_their_names(lab: &Lab, digest: &Value) -> Vec<Value> {
    chapter("hosts boot and tell their names");
    let bases: Vec<Mark> = THREE.map(|it| mark(&version_dir(lab, it, digest).join("disk0.raw"))).into();
    says(lab, &["host", "create", "--template", "desk", "--count", "3", "--name", "desk-{nnn}"]);
    let full =
        ["host", "create", "--template", "desk", "--provider", "kvm-b", "--name", "solo-{n}", "--full"];
    says(lab, &full);
    let hosts = all_told(lab, &["desk-001", "desk-002", "desk-003", "solo-1"]);
    let linked = &hosts[..3];
    let places: BTreeSet<&str> = linked.iter().map(|it| it["provider"].as_str().unwrap()).collect();
    assert_eq!(places, BTreeSet::from(THREE), "spread over all");
    assert!(linked.iter().all(|it| it["kind"] == "linked") && hosts[3]["kind"] == "full");
    for field in ["id", "macs"] {
        let own: BTreeSet<String> = hosts.iter().map(|it| it[field].to_string()).collect();
        assert_eq!(own.len(), hosts.len(), "each its own {field}");
    }
    for host in &hosts {
        let (name, provider) = (host["name"].as_str().unwrap(), host["provider"].as_str().unwrap());
        let virsh = lab.virsh(provider).unwrap();
        assert_eq!(virsh.run(&["domuuid", name]).unwrap().trim(), host["id"].as_str().unwrap());
        let mac = host["macs"][0].as_str().unwrap();
        assert!(virsh.run(&["domiflist", name]).unwrap().contains(mac), "{name} has {mac}");
        let address = host["addresses"][0].as_str().unwrap();
        assert!(
            virsh.run(&["net-dhcp-leases", "default"]).unwrap().contains(&format!("{address}/")),
            "{address}"
        );
        let told = lab.ask_guest(provider, name, "guest-get-host-name").unwrap();
        assert_eq!(told["host-name"], name, "the guest's own word");
        assert_eq!(host["outdated"], false);
    }
    let vms = says(lab, &["vm", "list", "--provider", "kvm-b"]);
    let managed = |vm: &&Value| vm["managed"] == true && vm["power"] == "Running";
    assert_eq!(items(&vms).iter().filter(managed).count(), 2, "{vms:#}");
    let after: Vec<Mark> = THREE.map(|it| mark(&version_dir(lab, it, digest).join("disk0.raw"))).into();
    assert_eq!(bases, after, "hosts that run change nothing of what they stand on");
    hosts
}

fn hosts_stop_start_and_go(lab: &Lab, hosts: &[Value], digest: &Value, disks: &[PathBuf]) {
    chapter("hosts stop, start and go");
    let names: Vec<&str> = hosts.iter().map(|it| it["name"].as_str().unwrap()).collect();
    says(lab, &[&["host", "stop"], &names[..], &["--wait"]].concat());
    lab.wait_until("all are off", BOOTS, || names.iter().all(|name| host(lab, name)["status"] == "Off"))
        .unwrap();
    for host in hosts {
        let folder = host_dir(lab, host);
        if host["kind"] == "full" {
            assert!(!folder.join("disk0.qcow2").exists() && folder.join("disk0.raw").exists());
            continue;
        }
        let overlay = folder.join("disk0.qcow2").display().to_string();
        run(&["qemu-img", "check", "-f", "qcow2", &overlay]).unwrap();
        let said = run(&["qemu-img", "info", "--output=json", &overlay]).unwrap();
        let info: Value = serde_json::from_str(&said).unwrap();
        let base = version_dir(lab, host["provider"].as_str().unwrap(), digest).join("disk0.raw");
        assert_eq!(info["full-backing-filename"], base.to_str().unwrap());
        assert_eq!(info["backing-filename-format"], "raw");
        same_disk(&disks[0], &base);
    }
    says(lab, &["host", "start", "desk-001", "--wait"]);
    all_told(lab, &["desk-001"]);
    assert_eq!(host(lab, "desk-002")["status"], "Off", "nobody else is started");
    let folder = host_dir(lab, &hosts[3]);
    assert!(folder.exists());
    says(lab, &["host", "delete", "solo-1", "--yes", "--wait"]);
    refused(lab, &["host", "show", "solo-1"], "A0004");
    assert!(!folder.exists(), "its files are gone");
    let left = lab.virsh("kvm-b").unwrap().run(&["list", "--all", "--name"]).unwrap();
    assert!(!left.contains("solo-1"), "{left}");
}

fn a_provider_with_hosts_is_drained(lab: &Lab, digest: &Value) {
    chapter("a provider with hosts is drained");
    let all = says(lab, &["host", "list", "--provider", "kvm-c"]);
    let there = items(&all)[0]["name"].as_str().unwrap();
    let error = refused(lab, &["distribution", "remove", "desk", "kvm-c"], "A0007");
    assert!(error.to_string().contains(there), "who stands in the way is named: {error:#}");
    assert!(
        error["blockers"].as_array().is_some_and(|it| it.iter().any(|it| it.to_string().contains(there))),
        "{error:#}"
    );
    assert_eq!(row(&distribution(lab, "desk"), "kvm-c")["state"], "Ready", "nothing was begun");

    let view = says(lab, &["distribution", "remove", "desk", "kvm-c", "--when-free"]);
    assert_eq!(row(&view, "kvm-c")["progress"], "Removing provider", "{view:#}");
    let create = ["host", "create", "--template", "desk", "--provider", "kvm-c", "--name", "late-{n}"];
    assert!(!lab.diecast(&create).unwrap().status.success(), "no new hosts where it is to go");
    assert!(version_dir(lab, "kvm-c", digest).exists(), "what a host stands on stays");
    says(lab, &["host", "delete", there, "--yes", "--wait"]);
    lab.wait_until("kvm-c has let go", BOOTS, || row(&distribution(lab, "desk"), "kvm-c").is_null()).unwrap();
    assert!(!version_dir(lab, "kvm-c", digest).exists());
    let volumes = lab.virsh("kvm-c").unwrap().run(&["vol-list", "default"]).unwrap();
    assert!(!volumes.contains("diecast-desk"), "{volumes}");
    assert_eq!(distribution(lab, "desk")["distribution"], "OK");
}

fn a_provider_added_later_fetches_from_peers(lab: &Lab, digest: &Value, disks: &[PathBuf]) {
    chapter("a provider added later fetches from peers");
    lab.add("kvm-d", diecast_lab::SITE).unwrap();
    all_available(lab);
    lab.slow("kvm-d", Some("100mbit")).unwrap();
    let view = says(lab, &["distribution", "add", "desk", "kvm-d"]);
    assert_eq!(view["distribution"], "Adding provider", "{view:#}");
    assert_eq!(row(&view, "kvm-d")["progress"], "Adding provider");
    let mut words = Vec::new();
    lab.wait_until("kvm-d is ready", BOOTS, || {
        let view = distribution(lab, "desk");
        let word = view["distribution"].as_str().unwrap_or_default().to_owned();
        if words.last() != Some(&word) {
            words.push(word);
        }
        view["distribution"] == "OK"
    })
    .unwrap();
    assert_eq!(words, ["Adding provider", "OK"]);
    lab.slow("kvm-d", None).unwrap();
    holds(lab, "kvm-d", "desk", digest, disks);
    let written = fs::read(lab.item("kvm-d").unwrap().agent_data.join("assignment.json")).unwrap();
    let orders: Value = serde_json::from_slice(&written).unwrap();
    let sources = orders["orders"]["replicas"][0]["sources"].as_array().unwrap();
    let names: BTreeSet<&str> = sources.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["kvm-a", "kvm-b"]), "whoever holds it is asked, not only the first");
}

fn a_missing_network_is_said_and_heals_once_mapped(lab: &Lab) {
    chapter("a missing network is said, and heals once mapped");
    let corp = "<network><name>corp</name><forward mode='open'/><bridge name='virbr9' stp='off'/>\
                <ip address='192.168.99.1' netmask='255.255.255.0'/></network>";
    let virsh = lab.virsh("kvm-a").unwrap();
    virsh.run_with_xml("net-define", corp).unwrap();
    virsh.run(&["net-start", "corp"]).unwrap();
    let disk = golden::cached_boot_only(lab.paths()).unwrap();
    let vm = GoldenVm { network: "corp".into(), ..GoldenVm::new("office-vm", &disk) };
    let disks = lab.define("kvm-a", &vm).unwrap();
    let create =
        ["template", "create", "office", "--provider", "kvm-a", "--vm", "office-vm", "--to", "kvm-b,kvm-c"];
    says(lab, &["provider", "set", "kvm-c", "--network", "corp=default"]);
    let output = lab.diecast(&[&create[..], &["--wait"]].concat()).unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["P0005", "corp", "diecast provider set kvm-b --network corp="] {
        assert!(said.contains(part), "no {part}: {said}");
    }
    let view = distribution(lab, "office");
    assert_eq!(view["distribution"], "Failed to distribute", "{view:#}");
    let bad = row(&view, "kvm-b");
    assert_eq!((&bad["state"], &bad["progress"]), (&"Needs update".into(), &"Failed to distribute".into()));
    assert_eq!(
        (&bad["code"], &bad["bytes_network"]),
        (&"P0005".into(), &0.into()),
        "before a byte moved: {bad:#}"
    );
    assert!(
        bad["next_attempt_at"].is_string() && bad["cause"].as_str().unwrap().contains("kvm-b"),
        "{bad:#}"
    );
    assert!(!version_dir(lab, "kvm-b", &view["digest"]).exists());
    for name in ["kvm-a", "kvm-c"] {
        assert_eq!(row(&view, name)["state"], "Ready", "nobody else waits for it");
    }

    says(lab, &["provider", "set", "kvm-b", "--network", "corp=default"]);
    lab.wait_until("it heals without a click", BOOTS, || distribution(lab, "office")["distribution"] == "OK")
        .unwrap();
    holds(lab, "kvm-b", "office", &view["digest"], &disks);
    says(lab, &["host", "create", "--template", "office", "--provider", "kvm-b", "--name", "office-{n}"]);
    lab.wait_until("the host stands", BOOTS, || runs(lab, "office-1")).unwrap();
    let cards = lab.virsh("kvm-b").unwrap().run(&["domiflist", "office-1"]).unwrap();
    assert!(cards.contains("default") && !cards.contains("corp"), "mapped: {cards}");
    says(lab, &["host", "stop", "office-1", "--force", "--wait"]);
    says(lab, &["host", "delete", "office-1", "--yes", "--wait"]);
}

fn a_deleted_template_leaves_no_file(lab: &Lab, digest: &Value) {
    chapter("a deleted template leaves no file");
    let error = refused(lab, &["template", "delete", "desk", "--yes"], "A0007");
    assert!(error["cause"].as_str().unwrap().contains("desk-"), "{error:#}");
    let all = says(lab, &["host", "list", "--template", "desk"]);
    let names: Vec<&str> = items(&all).iter().map(|it| it["name"].as_str().unwrap()).collect();
    says(lab, &[&["host", "delete"], &names[..], &["--yes", "--wait"]].concat());
    says(lab, &["template", "delete", "desk", "--yes", "--wait"]);
    refused(lab, &["template", "show", "desk"], "A0004");
    let hex = digest.as_str().unwrap().trim_start_matches("blake3:");
    for item in lab.list().unwrap() {
        for folder in [&item.storage, &item.agent_data] {
            for text in [hex, "diecast-desk-", "desk-v1"] {
                let left = files_named(folder, text);
                assert!(left.is_empty(), "{} keeps {left:?}", item.name);
            }
        }
        let own = own_folder(lab, &item.name);
        assert!(empty(&own.join("hosts")) && empty(&own.join("incoming")), "{}", item.name);
        let volumes = lab.virsh(&item.name).unwrap().run(&["vol-list", "default"]).unwrap();
        assert!(!volumes.contains("diecast-desk"), "{volumes}");
        let shown = says(lab, &["provider", "show", &item.name]);
        assert_eq!(shown["unassigned"], Value::Array(Vec::new()), "{shown:#}");
    }
    assert_eq!(distribution(lab, "office")["distribution"], "OK", "another template is not touched");
}

fn the_history_tells_it(lab: &Lab) {
    chapter("the history tells it");
    let events = says(lab, &["event", "list", "--limit", "1000"]);
    let events = items(&events);
    let about = |object: &str, name: &str| -> Vec<&str> {
        let of = events.iter().filter(|it| it["object"] == object && it["name"] == name);
        of.map(|it| it["kind"].as_str().unwrap()).collect()
    };
    let in_order = |told: &[&str], wanted: &[&str]| {
        let mut told_left = told.iter();
        assert!(wanted.iter().all(|kind| told_left.any(|it| it == kind)), "{wanted:?} is not in {told:?}");
    };
    let desk = [
        "template.created",
        "template.ready",
        "replica.ready",
        "distribution.removing",
        "replica.removed",
        "distribution.added",
        "replica.ready",
        "template.deleting",
        "template.deleted",
    ];
    in_order(&about("template", "desk"), &desk);
    in_order(&about("template", "office"), &["template.ready", "replica.failed", "replica.ready"]);
    in_order(
        &about("host", "solo-1"),
        &["host.created", "host.made", "host.stop", "host.deleting", "host.deleted"],
    );
    let late = about("provider", "kvm-d");
    in_order(&late, &["provider.added", "provider.enrolled"]);
    // On a machine that does much else its hypervisor may answer late: then it is back, having been silent.
    assert!(late.iter().any(|kind| ["provider.joined", "provider.back"].contains(kind)), "{late:?}");
    for event in events {
        let told = event["message"].as_str().is_some_and(|it| !it.is_empty());
        assert!(told && event["at"].is_string() && event["actor"].is_string(), "{event:#}");
    }
    let failed = events.iter().find(|it| it["kind"] == "replica.failed").unwrap();
    assert_eq!(failed["code"], "P0005", "{failed:#}");
}
