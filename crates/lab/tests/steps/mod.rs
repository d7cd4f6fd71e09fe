//! What several stories do alike: ask, wait, be refused, and look at what lies on a provider's disk.
#![allow(dead_code, reason = "each story takes what it needs")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use diecast_lab::{
    Lab, Options,
    golden::{self, Kind, Recipe},
    run::run,
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Boots that one step may take on a machine that does much else.
pub const BOOTS: u32 = 15;

/// A lab whose agents have all called.
pub fn lab(providers: usize) -> Lab {
    lab_with(&Options { providers, ..Options::default() })
}

pub fn lab_with(options: &Options) -> Lab {
    let lab = Lab::start_with(options).unwrap();
    all_available(&lab);
    lab
}

pub fn all_available(lab: &Lab) {
    lab.wait_until("every agent has called", BOOTS, || {
        lab.diecast_json(&["provider", "list"])
            .is_ok_and(|said| items(&said).iter().all(|it| it["state"] == "Available"))
    })
    .unwrap();
}

/// Tells which part of a story has begun, for whoever reads a failure.
pub fn chapter(text: &str) {
    eprintln!("-- {text}");
}

/// The one document of a command that must succeed.
pub fn says(lab: &Lab, args: &[&str]) -> Value {
    lab.diecast_json(args).unwrap()
}

pub fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The one document of a command that is refused with this code, a cause and a hint: exit 1.
pub fn refused(lab: &Lab, args: &[&str], code: &str) -> Value {
    let output = lab.diecast(&[args, &["--json"]].concat()).unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let shown = format!("diecast {}\n{stdout}\n{stderr}", args.join(" "));
    assert_eq!(output.status.code(), Some(1), "{shown}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{shown}"));
    let error = said["error"].clone();
    assert_eq!(error["code"], code, "{shown}");
    assert_eq!(stderr.matches("error[").count(), 1, "one error is told once: {shown}");
    assert!(stderr.contains(&format!("diecast explain {code}")), "{shown}");
    for part in ["cause", "hint"] {
        assert!(error[part].as_str().is_some_and(|text| !text.is_empty()), "no {part}: {shown}");
    }
    error
}

/// Typed wrongly: exit 2, and stdout stays for data.
pub fn typed_wrongly(lab: &Lab, args: &[&str]) {
    let output = lab.diecast(args).unwrap();
    let shown = format!("diecast {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{shown}");
}

pub fn distribution(lab: &Lab, template: &str) -> Value {
    lab.diecast_json(&["distribution", "show", template]).unwrap_or_default()
}

/// One provider's row of a distribution; null if it is not on the list.
pub fn row(view: &Value, provider: &str) -> Value {
    let rows = view["providers"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().find(|row| row["provider"] == provider).cloned().unwrap_or_default()
}

pub fn host(lab: &Lab, name: &str) -> Value {
    lab.diecast_json(&["host", "show", name]).unwrap_or_default()
}

/// A host that is made and runs, whether or not its guest is up. One that is being made may run already.
pub fn runs(lab: &Lab, name: &str) -> bool {
    let host = host(lab, name);
    host["power"] == "Running" && host["status"] != "Creating"
}

/// The small golden machine with less to carry, so that many stories fit into minutes.
pub fn tiny(lab: &Lab) -> PathBuf {
    golden::cached(lab.paths(), &Recipe { payload_bytes: 48 << 20, ..Recipe::new(Kind::Tiny) }).unwrap()
}

/// Diecast's own folder in a provider's pool.
pub fn own_folder(lab: &Lab, provider: &str) -> PathBuf {
    lab.item(provider).unwrap().storage.join("diecast")
}

pub fn version_dir(lab: &Lab, provider: &str, digest: &Value) -> PathBuf {
    let hex = digest.as_str().unwrap().trim_start_matches("blake3:");
    own_folder(lab, provider).join("versions").join(hex)
}

pub fn host_dir(lab: &Lab, host: &Value) -> PathBuf {
    own_folder(lab, host["provider"].as_str().unwrap()).join("hosts").join(host["id"].as_str().unwrap())
}

pub fn format_of(path: &Path) -> &'static str {
    match path.extension().and_then(|it| it.to_str()) {
        Some("qcow2") => "qcow2",
        Some("vmdk") => "vmdk",
        Some("vhdx") => "vhdx",
        _ => "raw",
    }
}

/// What the guest would see is the same, byte for byte.
pub fn same_disk(source: &Path, replica: &Path) {
    let (from, to) = (source.to_str().unwrap(), replica.to_str().unwrap());
    let format = format_of(source);
    // A process that only reads may hold a lock on the source. What is allocated may differ.
    let said = run(&["qemu-img", "compare", "-U", "-f", format, "-F", "raw", from, to]);
    assert_eq!(said.unwrap().trim(), "Images are identical.", "{from} {to}");
    assert_eq!(virtual_size(source), fs::metadata(replica).unwrap().len(), "{from} {to}");
}

fn virtual_size(disk: &Path) -> u64 {
    let format = format_of(disk);
    let said = run(&["qemu-img", "info", "-U", "--output=json", "-f", format, disk.to_str().unwrap()]);
    let info: Value = serde_json::from_str(&said.unwrap()).unwrap();
    info["virtual-size"].as_u64().unwrap()
}

/// A replica's files: as the source's disks, read-only, and a volume of the pool each.
pub fn holds(lab: &Lab, provider: &str, template: &str, digest: &Value, sources: &[PathBuf]) {
    let folder = version_dir(lab, provider, digest);
    let virsh = lab.virsh(provider).unwrap();
    let volumes = virsh.run(&["vol-list", "default"]).unwrap();
    for (number, source) in sources.iter().enumerate() {
        let replica = folder.join(format!("disk{number}.raw"));
        same_disk(source, &replica);
        let meta = fs::metadata(&replica).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o444, "{}", replica.display());
        let volume = format!("diecast-{template}-v1-disk{number}.raw");
        assert!(volumes.contains(&volume), "{provider} shows no {volume}: {volumes}");
    }
}

/// A file as it must be found again: owner, mode, times, size and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    path: PathBuf,
    owner: (u32, u32),
    mode: u32,
    changed: (i64, i64),
    bytes: u64,
    content: String,
}

pub fn mark(path: &Path) -> Mark {
    let meta = fs::metadata(path).unwrap();
    let sum = run(&["sha256sum", path.to_str().unwrap()]).unwrap();
    Mark {
        path: path.to_owned(),
        owner: (meta.uid(), meta.gid()),
        mode: meta.mode(),
        changed: (meta.mtime(), meta.mtime_nsec()),
        bytes: meta.len(),
        content: sum.split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// Every file below a folder whose path has this text in it.
pub fn files_named(folder: &Path, text: &str) -> Vec<PathBuf> {
    let found =
        run(&["find", folder.to_str().unwrap(), "-type", "f", "-path", &format!("*{text}*")]).unwrap();
    found.lines().map(PathBuf::from).collect()
}

pub fn empty(folder: &Path) -> bool {
    fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

/// Waits until every named host is up, says its own name, and has an address.
pub fn all_told(lab: &Lab, names: &[&str]) -> Vec<Value> {
    let boots = BOOTS + 10 * u32::try_from(names.len()).unwrap();
    let told = |name: &&str| {
        let host = host(lab, name);
        host["status"] == "Ready" && host["guest_name"] == *name && host["addresses"][0].is_string()
    };
    lab.wait_until(&format!("{} have booted and told their names", names.join(", ")), boots, || {
        names.iter().all(told)
    })
    .unwrap_or_else(|error| panic!("{error}\n{:#}", says(lab, &["host", "list"])));
    names.iter().map(|name| host(lab, name)).collect()
}
