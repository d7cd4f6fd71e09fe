//! Clean Debian machines, and the packages to install on them: what a user begins with.
//!
//! A machine is a folder: a Debian that nothing was installed on, as the lower layer, and all that the story does
//! to it above. It runs in process and mount namespaces of its own, or in those of a lab's provider, where it is the
//! Debian beside that provider's libvirtd. There is no systemd in it; its init scripts start what is to run.
#![allow(dead_code, reason = "each story uses its own part of it")]

use diecast_lab::{Lab, Paths, Process, programs, repository, run::run};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A new one is built if this is not in the name of what the cache has.
const BASES: &str = "2";
/// What a machine has that is somebody's hypervisor already.
const HYPERVISOR: &str =
    "libvirt-daemon-system libvirt-clients qemu-utils genisoimage iproute2 adduser init-system-helpers";
const BEGIN_PATIENCE: Duration = Duration::from_secs(60);

/// Makes /run, /dev and /proc of a machine, in the mount namespace that it is to have.
const FURNISH: &str = r#"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$folder/upper,workdir=$folder/work" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs run "$root/run"
"#;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Packages of what `cargo build --bins` made, calling themselves this version. Built once.
pub fn packages(version: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(version.to_owned()).or_insert_with(|| build_packages(version)).clone()
}

fn build_packages(version: &str) -> PathBuf {
    let target = programs().unwrap().parent().unwrap().to_owned();
    let out = target.join("labs/packages").join(version);
    let _ = fs::remove_dir_all(&out);
    let script = repository().join("scripts/build-packages");
    let mut command = Command::new(script);
    command.args(["--profile", "dev", "--version", version, "--out", text(&out)]);
    let output = command.env("CARGO_TARGET_DIR", target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[derive(Clone, Copy, Debug)]
pub enum Debian {
    /// `debootstrap --variant=minbase` and nothing else.
    Plain,
    /// With libvirt.
    Hypervisor,
}

impl Debian {
    /// Its folder in the cache, made if it is not there.
    fn folder(self) -> PathBuf {
        let cache = Paths::new(None).unwrap().with_shared_cache().cache().unwrap();
        let lock = fs::File::create(cache.join("debian.lock")).unwrap();
        lock.lock().unwrap();
        let named = |name: &str| cache.join(format!("debian-{name}-{BASES}"));
        let plain = named("plain");
        build(&plain, |new| {
            let mirror = "http://deb.debian.org/debian";
            run(&["debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", new, mirror])
                .unwrap();
            inside_of(new, "apt-get -qq update");
        });
        if matches!(self, Self::Plain) {
            return plain;
        }
        let hypervisor = named("hypervisor");
        build(&hypervisor, |new| {
            run(&["cp", "--archive", text(&plain), new]).unwrap();
            // Nothing is started while it is built; and a machine of a lab has no way to Debian's mirror.
            fs::write(format!("{new}/usr/sbin/policy-rc.d"), "#!/bin/sh\nexit 101\n").unwrap();
            fs::write(format!("{new}/etc/apt/apt.conf.d/lab"), "APT::Install-Recommends \"false\";\n")
                .unwrap();
            inside_of(new, &format!("chmod 755 /usr/sbin/policy-rc.d; apt-get -qq install -y {HYPERVISOR}"));
            inside_of(new, "rm /usr/sbin/policy-rc.d");
        });
        hypervisor
    }
}

/// Under another name until it is whole.
fn build(folder: &Path, make: impl FnOnce(&str)) {
    if folder.exists() {
        return;
    }
    let new = folder.with_extension("new");
    let _ = fs::remove_dir_all(&new);
    make(text(&new));
    fs::rename(&new, folder).unwrap();
}

fn inside_of(root: &str, script: &str) {
    fs::copy("/etc/resolv.conf", format!("{root}/etc/resolv.conf")).unwrap();
    let script = format!("export DEBIAN_FRONTEND=noninteractive; {script}");
    let proc = format!("--mount-proc={root}/proc");
    run(&["unshare", "--mount", "--pid", "--fork", &proc, "chroot", root, "sh", "-ec", &script]).unwrap();
}

/// A Debian that runs.
pub struct Machine<'l> {
    pub name: String,
    root: PathBuf,
    place: Place<'l>,
    _folder: Option<tempfile::TempDir>,
}

enum Place<'l> {
    /// Its first process. The kernel ends all others with it, and takes the mounts away.
    Own(Process),
    /// Beside the libvirtd of this provider.
    Provider(&'l Lab),
}

impl<'l> Machine<'l> {
    /// A machine in this one's network.
    pub fn new(name: &str, debian: Debian) -> Self {
        let lower = debian.folder();
        let folder = tempfile::tempdir().unwrap();
        let root = layers(folder.path());
        let first = format!(
            "set -e; lower={} folder={} root={}; {FURNISH}
             exec chroot \"$root\" bash -c 'trap : CHLD; while :; do sleep 1000000 & wait; done'",
            lower.display(),
            folder.path().display(),
            root.display()
        );
        let mut command = Command::new("unshare");
        command.args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--propagation",
            "slave",
            "bash",
            "-c",
            &first,
        ]);
        let mut outer = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let process = Process::of(outer.id()).unwrap();
        let begun = Instant::now();
        let first = loop {
            assert!(begun.elapsed() < BEGIN_PATIENCE, "`{name}` did not start");
            // Furnished once the shell in it waits.
            let started = process.child().filter(|first| {
                fs::read_link(format!("/proc/{}/root", first.pid)).is_ok_and(|seen| seen == root)
            });
            match started {
                Some(first) => break first,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        std::thread::spawn(move || outer.wait());
        Self { name: name.to_owned(), root, place: Place::Own(first), _folder: Some(folder) }
    }

    /// The Debian of a provider of a lab, which has its network, its libvirtd and its pool.
    pub fn of_provider(lab: &'l Lab, name: &str) -> Self {
        let lower = Debian::Hypervisor.folder();
        let folder = lab.paths().provider(name).root().join("debian");
        let (root, item) = (layers(&folder), lab.item(name).unwrap());
        let pool = item.storage;
        let script = format!(
            "set -e; lower={} folder={} root={} pool={}; {FURNISH}
             mkdir -p \"$root/run/libvirt\" \"$root$pool\"
             mount --bind /run/libvirt \"$root/run/libvirt\"
             mount --bind \"$pool\" \"$root$pool\"",
            lower.display(),
            folder.display(),
            root.display(),
            pool.display()
        );
        let output = lab.exec(name, &["bash", "-c", &script]).unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        Self { name: name.to_owned(), root, place: Place::Provider(lab), _folder: None }
    }

    /// A file of it, as it is where the story is told. Read-only once it runs.
    pub fn upper(&self, path: &str) -> PathBuf {
        self.root.with_file_name("upper").join(path.trim_start_matches('/'))
    }

    /// Runs a script, in root's home, whatever comes of it.
    pub fn attempt(&self, script: &str) -> Output {
        let script =
            format!("export DEBIAN_FRONTEND=noninteractive HOME=/root LC_ALL=C.UTF-8; cd /root\n{script}");
        match &self.place {
            Place::Own(first) => {
                let pid = first.pid.to_string();
                let mut command = Command::new("nsenter");
                command
                    .args(["--target", &pid, "--mount", "--pid", "--root", "--wd", "bash", "-ec", &script]);
                clean(&mut command).output().unwrap()
            }
            Place::Provider(lab) => lab
                .exec(&self.name, &["env", "-i", PATH, "chroot", text(&self.root), "bash", "-ec", &script])
                .unwrap(),
        }
    }

    /// What a script says on standard output. It must succeed.
    pub fn run(&self, script: &str) -> String {
        let output = self.attempt(script);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "on {}: {script}\n{said}{}",
            self.name,
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    pub fn write(&self, path: &str, content: &str) {
        self.run(&format!("cat > {path} <<'END'\n{content}\nEND"));
    }

    /// Puts the packages into root's home.
    pub fn receive(&self, packages: &Path) {
        for entry in fs::read_dir(packages).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            self.put(&entry.path(), &format!("/root/{name}"));
        }
    }

    /// By way of its mounted root, as seen from the namespace that has it.
    pub fn put(&self, from: &Path, to: &str) {
        let into = format!("{}{to}", self.root.display());
        let output = match &self.place {
            Place::Own(first) => {
                let mut command = Command::new("cp");
                command.arg(from).arg(format!("/proc/{}/root{to}", first.pid));
                command.output().unwrap()
            }
            Place::Provider(lab) => lab.exec(&self.name, &["cp", text(from), &into]).unwrap(),
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Tries until the script succeeds.
    pub fn wait(&self, what: &str, patience: Duration, script: &str) -> String {
        let begun = Instant::now();
        loop {
            let output = self.attempt(script);
            if output.status.success() {
                return String::from_utf8_lossy(&output.stdout).into_owned();
            }
            assert!(
                begun.elapsed() < patience,
                "on {}: waited in vain until {what}: {}{}",
                self.name,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Machine<'_> {
    fn drop(&mut self) {
        if let Place::Own(first) = &self.place {
            first.kill();
            first.gone_within(BEGIN_PATIENCE);
        }
    }
}

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Nothing of the environment that the test has.
fn clean(command: &mut Command) -> &mut Command {
    let (name, value) = PATH.split_once('=').unwrap();
    command.env_clear().env(name, value)
}

fn layers(folder: &Path) -> PathBuf {
    for layer in ["upper", "work", "root"] {
        fs::create_dir_all(folder.join(layer)).unwrap();
    }
    folder.join("root")
}
