//! Bad input of every kind: one clear error each, with a code, a cause and what to do; nothing half
//! done under a final name; and what can heal by itself heals once the cause is gone.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

mod steps;

use diecast_lab::{GoldenVm, Lab, golden, programs, run::run};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};
use steps::*;

#[test]
fn bad_input_gets_one_clear_error_and_leaves_nothing_half_done() {
    let lab = lab(2);
    let mut told = Told::default();
    let good = a_good_template(&lab);
    usage_errors_exit_2(&lab);
    unknown_and_taken_names(&lab, &mut told);
    machines_that_cannot_be_read_now(&lab, &mut told);
    disks_that_cannot_be_read_at_all(&lab, &mut told);
    images_that_may_not_be_read(&lab, &mut told);
    a_disk_in_use_heals_when_it_is_free(&lab, &mut told);
    storage_that_is_missing_or_full(&lab, &good, &mut told);
    joining_with_the_wrong_papers(&lab, &mut told);
    a_second_process_in_the_same_place(&lab, &mut told);
    a_database_that_cannot_be_read(&lab, &mut told);
    an_endpoint_that_is_no_hypervisor(&lab, &mut told);
    nothing_is_half_done(&lab, &good);
    every_code_told_is_explained(&lab, &told);
}

/// Every code that was told.
#[derive(Default)]
struct Told(BTreeSet<String>);

impl Told {
    fn refused(&mut self, lab: &Lab, args: &[&str], code: &str) -> Value {
        self.0.insert(code.to_owned());
        refused(lab, args, code)
    }

    /// A program other than the command line ends with one error on stderr.
    fn ends(&mut self, output: &Output, code: &str) -> String {
        self.0.insert(code.to_owned());
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("error[{code}]")), "no {code}: {stderr}");
        assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
        assert!(stderr.contains("hint: "), "{stderr}");
        stderr
    }

    /// A publication that begins and fails: exit 1, the template says why, and it can be deleted.
    fn fails(&mut self, lab: &Lab, source: &[&str], code: &str) -> Value {
        self.0.insert(code.to_owned());
        chapter(&format!("{code}: {}", source.join(" ")));
        let create = ["template", "create", "bad", "--provider", "kvm-a", "--to", "kvm-b", "--wait"];
        let output = lab.diecast(&[&create[..], source].concat()).unwrap();
        let said =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(code) && said.contains(&format!("diecast explain {code}")),
            "no {code}: {said}"
        );
        let template = says(lab, &["template", "show", "bad"]);
        assert_eq!(template["status"], "Failed", "{template:#}");
        // Nothing moves anywhere, and everybody's row says why.
        let view = distribution(lab, "bad");
        assert_eq!(view["distribution"], "Failed to distribute", "{view:#}");
        assert_eq!(row(&view, "kvm-b")["code"], code, "{view:#}");
        assert_eq!((&template["problem"]["code"], &template["version"]), (&code.into(), &Value::Null));
        for part in ["cause", "hint"] {
            assert!(template["problem"][part].as_str().is_some_and(|it| !it.is_empty()), "{template:#}");
        }
        says(lab, &["template", "delete", "bad", "--yes", "--wait"]);
        template["problem"].clone()
    }
}

fn qemu_img(args: &[&str]) {
    run(&[&["qemu-img"], args].concat()).unwrap();
}

/// An encrypted image, made before this one: QEMU cannot make one where processor time is counted coarsely.
fn sealed(sample: &str, image: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../provider/src/image/samples").join(sample);
    run(&["zstd", "-dq", text(&sample), "-o", text(image)]).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn storage(lab: &Lab) -> PathBuf {
    lab.item("kvm-a").unwrap().storage
}

/// A folder for what this story makes itself: outside of all that agents may read, gone with the lab.
fn own(lab: &Lab) -> PathBuf {
    let folder = lab.paths().cli().join("bad-input");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn boot_only(lab: &Lab) -> PathBuf {
    golden::cached_boot_only(lab.paths()).unwrap()
}

/// A VM is known to the server once its agent has looked and reported.
fn listed(lab: &Lab, vm: &str) {
    lab.wait_until(&format!("{vm} is listed"), BOOTS, || {
        items(&says(lab, &["vm", "list", "--provider", "kvm-a"])).iter().any(|it| it["name"] == vm)
    })
    .unwrap();
}

fn a_good_template(lab: &Lab) -> Value {
    chapter("a good template");
    lab.define("kvm-a", &GoldenVm::new("golden", &boot_only(lab))).unwrap();
    let create = ["template", "create", "good", "--provider", "kvm-a", "--vm", "golden", "--wait"];
    says(lab, &create)["digest"].clone()
}

fn usage_errors_exit_2(lab: &Lab) {
    chapter("usage errors");
    let wrong: [&[&str]; 16] = [
        &["frobnicate"],
        &["template"],
        &["template", "create", "x"],
        &["template", "create", "Bad_Name", "--provider", "kvm-a", "--vm", "golden"],
        &["template", "create", "-x", "--provider", "kvm-a", "--vm", "golden"],
        &["template", "create", "x", "--provider", "kvm-a", "--vm", "golden", "--image", "/x"],
        &["template", "create", "x", "--provider", "kvm-a", "--vm", "golden", "--concurrency", "0"],
        &["template", "delete", "good"],
        &["provider", "add", "kvm_z"],
        &["provider", "add", "kvm-z", "--kind", "bhyve"],
        &["provider", "add", "kvm-z", "--network", "corp"],
        &["host", "create", "--template", "good", "--name", "no-number"],
        &["host", "create", "--template", "good", "--name", "x-{n}", "--count", "0"],
        &["distribution", "add", "good"],
        &["explain", "Z0001"],
        &["event", "list", "--object", "weather"],
    ];
    for args in wrong {
        typed_wrongly(lab, args);
    }
}

fn unknown_and_taken_names(lab: &Lab, told: &mut Told) {
    chapter("unknown and taken names");
    let unknown: [&[&str]; 14] = [
        &["template", "show", "ghost"],
        &["template", "delete", "ghost", "--yes"],
        &["distribution", "show", "ghost"],
        &["distribution", "add", "good", "ghost"],
        &["distribution", "add", "ghost", "kvm-b"],
        &["distribution", "remove", "good", "kvm-b"],
        &["distribution", "retry", "good", "ghost"],
        &["version", "list", "ghost"],
        &["provider", "show", "ghost"],
        &["provider", "check", "ghost"],
        &["vm", "list", "--provider", "ghost"],
        &["host", "show", "ghost"],
        &["host", "stop", "ghost"],
        &["host", "create", "--template", "ghost", "--name", "x-{n}"],
    ];
    for args in unknown {
        told.refused(lab, args, "A0004");
    }
    let taken = ["template", "create", "good", "--provider", "kvm-a", "--vm", "golden"];
    told.refused(lab, &taken, "A0005");
    told.refused(lab, &["provider", "add", "kvm-b"], "A0005");
    let to_ghost = ["template", "create", "x", "--provider", "kvm-a", "--vm", "golden", "--to", "ghost"];
    told.refused(lab, &to_ghost, "A0004");
    told.refused(lab, &["template", "show", "x"], "A0004");
    // The last verified copy is not given away, and what is on a list is not removed.
    told.refused(lab, &["distribution", "remove", "good", "kvm-a"], "A0007");
    told.refused(lab, &["provider", "remove", "kvm-a"], "A0007");
    told.refused(lab, &["provider", "remove", "kvm-a", "--forget", "--yes"], "A0010");
}

fn machines_that_cannot_be_read_now(lab: &Lab, told: &mut Told) {
    chapter("machines that cannot be read now");
    let virsh = lab.virsh("kvm-a").unwrap();
    let create = |vm: &'static str| ["template", "create", "bad", "--provider", "kvm-a", "--vm", vm];
    let error = told.refused(lab, &create("ghost"), "V0002");
    assert!(error["hint"].as_str().unwrap().contains("diecast vm list --provider kvm-a"), "{error:#}");

    lab.define("kvm-a", &GoldenVm::new("busy", &boot_only(lab))).unwrap();
    virsh.run(&["start", "busy"]).unwrap();
    listed(lab, "busy");
    let error = told.refused(lab, &create("busy"), "V0001");
    assert!(
        error["cause"].as_str().unwrap().contains("busy") && error["hint"].as_str().unwrap().contains("shut")
    );
    let vms = says(lab, &["vm", "list", "--provider", "kvm-a"]);
    let busy = items(&vms).iter().find(|vm| vm["name"] == "busy").unwrap();
    assert_eq!((&busy["power"], &busy["obstacle"]["code"]), (&"Running".into(), &"V0001".into()));
    // Shut down a moment ago is shut down.
    virsh.run(&["destroy", "busy"]).unwrap();
    says(lab, &[&create("busy")[..], &["--wait"]].concat());
    says(lab, &["template", "delete", "bad", "--yes", "--wait"]);
    virsh.run(&["undefine", "busy"]).unwrap();

    let disks = lab.define("kvm-a", &GoldenVm::new("hollow", &boot_only(lab))).unwrap();
    fs::remove_file(&disks[0]).unwrap();
    listed(lab, "hollow");
    let error = told.refused(lab, &create("hollow"), "V0002");
    assert!(error["cause"].as_str().unwrap().contains(text(&disks[0])), "{error:#}");
    told.refused(lab, &["template", "show", "bad"], "A0004");
}

fn disks_that_cannot_be_read_at_all(lab: &Lab, told: &mut Told) {
    let folder = storage(lab);
    let vm = |name: &str, disk: &Path| {
        lab.define("kvm-a", &GoldenVm::new(name, disk)).unwrap();
        listed(lab, name);
    };

    let corrupt = folder.join("corrupt.qcow2");
    qemu_img(&["convert", "-f", "raw", "-O", "qcow2", text(&boot_only(lab)), text(&corrupt)]);
    vm("corrupt", &corrupt);
    // The tables, not the header: such an image opens, and gives wrong bytes.
    let spoilt = fs::File::options().write(true).open(&corrupt).unwrap();
    spoilt.write_all_at(&[0xff; 4 << 16], 1 << 16).unwrap();
    let problem = told.fails(lab, &["--vm", "corrupt"], "V0004");
    assert!(problem["cause"].as_str().unwrap().contains("corrupt.qcow2"), "{problem:#}");

    let image = folder.join("sealed.qcow2");
    sealed("luks.qcow2.zst", &image);
    vm("sealed", &image);
    told.fails(lab, &["--vm", "sealed"], "V0005");

    let (base, orphan) = (folder.join("gone.qcow2"), folder.join("orphan.qcow2"));
    qemu_img(&["create", "-q", "-f", "qcow2", text(&base), "16M"]);
    qemu_img(&["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", text(&base), text(&orphan)]);
    vm("orphan", &orphan);
    fs::remove_file(&base).unwrap();
    let problem = told.fails(lab, &["--vm", "orphan"], "V0006");
    assert!(problem["cause"].as_str().unwrap().contains("gone.qcow2"), "{problem:#}");
}

fn images_that_may_not_be_read(lab: &Lab, told: &mut Told) {
    let import = lab.paths().import();
    let outside = own(lab).join("outside.raw");
    fs::write(&outside, vec![0; 1 << 20]).unwrap();
    told.fails(lab, &["--image", text(&outside)], "V0010");
    told.fails(lab, &["--image", "/no/such/folder/at-all.raw"], "V0010");
    let link = import.join("link.raw");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    told.fails(lab, &["--image", text(&link)], "V0010");
    told.fails(lab, &["--image", text(&import.join("ghost.raw"))], "V0002");

    let image = import.join("sealed.img");
    sealed("luks.raw.zst", &image);
    told.fails(lab, &["--image", text(&image)], "V0005");

    let overlay = import.join("overlay.qcow2");
    qemu_img(&["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", text(&overlay), "1M"]);
    let problem = told.fails(lab, &["--image", text(&overlay)], "V0009");
    assert!(problem["hint"].as_str().unwrap().contains("qemu-img convert"), "{problem:#}");
    // A path that leaves its folder is not even asked about.
    let steps_up = ["template", "create", "bad", "--provider", "kvm-a", "--image", "/a/../etc/passwd"];
    let output = lab.diecast(&steps_up).unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
}

/// A process beside the lab, until it is dropped.
struct Beside(Child);

impl Beside {
    /// `qemu-io` on the provider's machine, with a disk open for writing.
    fn writing(lab: &Lab, disk: &Path) -> Self {
        let argv = ["qemu-io", "-f", format_of(disk), text(disk)];
        let mut command = lab.exec_command("kvm-a", &argv).unwrap();
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It answers once the disk is open.
        child.stdin.as_mut().unwrap().write_all(b"length\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "qemu-io opened {}", disk.display());
        Self(child)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // What reads commands ends when there are no more.
        if self.0.stdin.take().is_none() {
            let _ = self.0.kill();
        }
        let _ = self.0.wait();
    }
}

fn a_disk_in_use_heals_when_it_is_free(lab: &Lab, told: &mut Told) {
    chapter("a disk in use");
    let disk = storage(lab).join("used.qcow2");
    qemu_img(&["convert", "-f", "raw", "-O", "qcow2", text(&boot_only(lab)), text(&disk)]);
    // What it holds is its own, so that the good template's bytes are not what is published.
    run(&["qemu-io", "-f", "qcow2", "-c", "write -P 0x77 50M 1M", text(&disk)]).unwrap();
    lab.define("kvm-a", &GoldenVm::new("used", &disk)).unwrap();
    listed(lab, "used");
    let writer = Beside::writing(lab, &disk);
    let problem = told.fails(lab, &["--vm", "used"], "V0003");
    assert!(problem["cause"].as_str().unwrap().contains("qemu-io"), "who has it is named: {problem:#}");

    says(lab, &["template", "create", "patient", "--provider", "kvm-a", "--vm", "used"]);
    lab.wait_until("it is refused", BOOTS, || {
        says(lab, &["template", "show", "patient"])["publication"]["code"] == "V0003"
    })
    .unwrap();
    let shown = says(lab, &["template", "show", "patient"]);
    assert!(shown["publication"]["next_attempt_at"].is_string(), "the next attempt is automatic: {shown:#}");
    drop(writer);
    lab.wait_until("it is published without a click", BOOTS, || {
        says(lab, &["template", "show", "patient"])["status"] == "Ready"
    })
    .unwrap();
    says(lab, &["template", "delete", "patient", "--yes", "--wait"]);
}

fn storage_that_is_missing_or_full(lab: &Lab, good: &Value, told: &mut Told) {
    chapter("storage that is missing");
    says(lab, &["provider", "set", "kvm-b", "--storage", "nowhere"]);
    let add = lab.diecast(&["distribution", "add", "good", "kvm-b", "--wait"]).unwrap();
    let said = String::from_utf8_lossy(&add.stdout).into_owned() + &String::from_utf8_lossy(&add.stderr);
    assert_eq!(add.status.code(), Some(1), "{said}");
    assert!(said.contains("P0003") && said.contains("nowhere"), "{said}");
    told.0.insert("P0003".into());
    let bad = row(&distribution(lab, "good"), "kvm-b");
    assert_eq!(
        (&bad["state"], &bad["progress"], &bad["code"]),
        (&"Needs update".into(), &"Failed to distribute".into(), &"P0003".into()),
        "{bad:#}"
    );
    let check = lab.diecast(&["provider", "check", "kvm-b", "--json"]).unwrap();
    let checked: Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(1), "{checked:#}");
    assert!(
        checked["lines"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["name"] == "storage" && line["ok"] == false),
        "{checked:#}"
    );
    let create = ["template", "create", "bad", "--provider", "kvm-b", "--vm", "golden"];
    told.refused(lab, &create, "P0003");

    chapter("storage that is full before a copy");
    lab.fill("kvm-b", 68 << 20).unwrap();
    says(lab, &["provider", "set", "kvm-b", "--storage", "default"]);
    lab.wait_until("the full disk is said", BOOTS, || {
        row(&distribution(lab, "good"), "kvm-b")["code"] == "P0004"
    })
    .unwrap();
    told.0.insert("P0004".into());
    let bad = row(&distribution(lab, "good"), "kvm-b");
    assert_eq!((&bad["state"], &bad["bytes_network"]), (&"Needs update".into(), &0.into()), "{bad:#}");
    assert!(bad["cause"].as_str().unwrap().contains("kvm-b") && bad["hint"].is_string(), "{bad:#}");
    assert!(!version_dir(lab, "kvm-b", good).exists());
    assert_eq!(row(&distribution(lab, "good"), "kvm-a")["state"], "Ready");
    lab.unfill("kvm-b").unwrap();
    lab.wait_until("it heals without a click", BOOTS, || distribution(lab, "good")["distribution"] == "OK")
        .unwrap();
}

fn agent(args: &[&str]) -> Output {
    let program = programs().unwrap().join("diecast-agent");
    Command::new(program).args(args).env("NO_PROXY", "*").output().unwrap()
}

fn join(
    lab: &Lab,
    added: &Value,
    folder: &str,
    server: Option<&str>,
    fingerprint: Option<&str>,
    token: Option<&str>,
) -> Output {
    let field = |name: &str| added[name].as_str().unwrap().to_owned();
    let data = own(lab).join(folder);
    let given = |own: Option<&str>, name: &str| own.map_or_else(|| field(name), str::to_owned);
    let (server, fingerprint, token) =
        (given(server, "server"), given(fingerprint, "ca_fingerprint"), given(token, "token"));
    let output = agent(&[
        "join",
        "--server",
        &server,
        "--ca-fingerprint",
        &fingerprint,
        "--token",
        &token,
        "--data",
        text(&data),
    ]);
    assert_eq!(output.status.success(), data.join("identity.json").exists(), "joined or nothing");
    output
}

fn joining_with_the_wrong_papers(lab: &Lab, told: &mut Told) {
    chapter("joining with the wrong papers");
    let added = says(lab, &["provider", "add", "extra"]);
    assert!(added["join"].as_str().unwrap().starts_with("diecast-agent join --server https://"), "{added:#}");
    told.ends(&join(lab, &added, "join-1", None, None, Some("dcj_wrong")), "P0008");
    let stranger = "00".repeat(32);
    let said = told.ends(&join(lab, &added, "join-2", None, Some(&stranger), None), "A0013");
    assert!(!said.contains(added["token"].as_str().unwrap()), "no secret is told");
    told.ends(&join(lab, &added, "join-3", None, Some("xyz"), None), "A0001");
    told.ends(&join(lab, &added, "join-4", Some("https://127.0.0.1:9"), None, None), "A0012");
    told.ends(&join(lab, &added, "join-5", Some("http://127.0.0.1:9"), None, None), "A0001");
    assert!(
        join(lab, &added, "join-6", None, None, None).status.success(),
        "the token was not used up by that"
    );
    let said = told.ends(&join(lab, &added, "join-7", None, None, None), "P0008");
    assert!(said.contains("used already") && said.contains("provider rejoin"), "{said}");
    let run_unjoined = agent(&["run", "--data", text(&own(lab).join("join-7"))]);
    told.ends(&run_unjoined, "A0010");
    says(lab, &["provider", "remove", "extra"]);
}

fn server(data: &Path, listen: &str) -> Output {
    let program = programs().unwrap().join("diecast");
    let mut command = Command::new(program);
    command.args(["server", "run", "--data", text(data), "--listen", listen]);
    command.env("DIECAST_ADMIN_PASSWORD", "not-to-be-guessed").output().unwrap()
}

fn a_second_process_in_the_same_place(lab: &Lab, told: &mut Told) {
    chapter("a second process in the same place");
    let url = lab.state().unwrap().server.unwrap().url;
    let listen = url.trim_start_matches("https://");
    let said = told.ends(&server(&own(lab).join("second"), listen), "S0002");
    assert!(said.contains(listen), "{said}");
    told.ends(&server(&lab.paths().server(), "127.0.0.1:0"), "S0006");
    let data = lab.item("kvm-a").unwrap().agent_data;
    told.ends(&agent(&["run", "--data", text(&data), "--listen", "127.0.0.1:0"]), "S0006");
    told.ends(
        &agent(&[
            "join",
            "--server",
            &url,
            "--ca-fingerprint",
            &"00".repeat(32),
            "--token",
            "x",
            "--data",
            text(&data),
        ]),
        "S0006",
    );
    assert_eq!(
        says(lab, &["provider", "show", "kvm-a"])["state"],
        "Available",
        "who was there first goes on"
    );
}

/// What happens to the bytes of a file.
type Spoil = fn(&mut Vec<u8>);

fn a_database_that_cannot_be_read(lab: &Lab, told: &mut Told) {
    chapter("a database that cannot be read");
    let original = lab.paths().server();
    let spoil: [(&str, Spoil); 3] = [
        ("garbage", |bytes| bytes.iter_mut().for_each(|byte| *byte = !*byte)),
        ("garbage inside", |bytes| bytes[4096..].iter_mut().for_each(|byte| *byte = 0xa5)),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
    ];
    for (number, (how, spoil)) in spoil.into_iter().enumerate() {
        let copy = own(lab).join(format!("copy-{number}"));
        run(&["mkdir", text(&copy)]).unwrap();
        let database = copy.join("diecast.db");
        // As a backup would take it: whole, without the log beside it.
        run(&["sqlite3", text(&original.join("diecast.db")), &format!("VACUUM INTO '{}'", text(&database))])
            .or_else(|_| run(&["cp", text(&original.join("diecast.db")), text(&database)]))
            .unwrap();
        let mut bytes = fs::read(&database).unwrap();
        assert!(bytes.len() > 8192, "there is something to spoil");
        spoil(&mut bytes);
        fs::write(&database, &bytes).unwrap();
        let said = told.ends(&server(&copy, "127.0.0.1:0"), "S0001");
        assert!(said.contains("diecast.db"), "{how}: {said}");
        assert!(fs::read(&database).unwrap() == bytes, "{how}: it was left as it was");
    }
}

fn an_endpoint_that_is_no_hypervisor(lab: &Lab, told: &mut Told) {
    chapter("an endpoint that is no hypervisor");
    for uri in ["test:///default", "xen:///system", "https://kvm-z.example"] {
        let error = told.refused(lab, &["provider", "add", "odd", "--uri", uri], "P0010");
        assert!(error["cause"].as_str().unwrap().contains(uri), "{error:#}");
    }
    told.refused(lab, &["provider", "set", "kvm-b", "--uri", "test:///default"], "P0010");
    assert_eq!(says(lab, &["provider", "show", "kvm-b"])["uri"], "qemu:///system");
    // The right kind of address, and nobody there.
    let nowhere = "qemu+unix:///system?socket=/nowhere/libvirt-sock";
    let added = says(lab, &["provider", "add", "odd", "--uri", nowhere]);
    assert!(join(lab, &added, "odd", None, None, None).status.success());
    let program = programs().unwrap().join("diecast-agent");
    let log = fs::File::create(own(lab).join("odd.log")).unwrap();
    let running = Command::new(program)
        .args(["run", "--data", text(&own(lab).join("odd")), "--listen", "127.0.0.1:0"])
        .env("NO_PROXY", "*")
        .stderr(log)
        .spawn();
    let running = Beside(running.unwrap());
    lab.wait_until("what is wrong with it is said", BOOTS, || {
        says(lab, &["provider", "show", "odd"])["problem"]["code"] == "P0002"
    })
    .unwrap();
    let shown = says(lab, &["provider", "show", "odd"]);
    assert!(shown["problem"]["cause"].as_str().unwrap().contains("/nowhere"), "{shown:#}");
    assert_eq!(shown["state"], "Hypervisor silent", "{shown:#}");
    let create = ["template", "create", "bad", "--provider", "odd", "--vm", "test"];
    told.refused(lab, &create, "P0002");
    drop(running);
    says(lab, &["provider", "remove", "odd"]);
}

fn nothing_is_half_done(lab: &Lab, good: &Value) {
    chapter("nothing is half done");
    let hex = good.as_str().unwrap().trim_start_matches("blake3:");
    for name in ["kvm-a", "kvm-b"] {
        let own = own_folder(lab, name);
        let versions = fs::read_dir(own.join("versions")).unwrap();
        let versions: Vec<String> =
            versions.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(versions, [hex], "{name}");
        assert!(empty(&own.join("incoming")), "{name}");
        for text in ["diecast-bad", "diecast-patient"] {
            let left = files_named(&lab.item(name).unwrap().storage, text);
            assert!(left.is_empty(), "{left:?}");
        }
    }
    let templates = says(lab, &["template", "list"]);
    assert_eq!(items(&templates).len(), 1, "{templates:#}");
    let providers = says(lab, &["provider", "list"]);
    assert_eq!(items(&providers).len(), 2, "{providers:#}");
    assert_eq!(distribution(lab, "good")["distribution"], "OK");
}

fn every_code_told_is_explained(lab: &Lab, told: &Told) {
    chapter("every code is explained");
    assert!(told.0.len() >= 20, "{:?}", told.0);
    for code in &told.0 {
        let output = lab.diecast(&["explain", code]).unwrap();
        let page = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && page.contains(code.as_str()), "{page}");
        assert!(page.to_lowercase().contains("what to do"), "{page}");
    }
}
