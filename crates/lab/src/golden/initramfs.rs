//! The small golden machine's whole user space: busybox, modules, the guest agent and its libraries.

use super::{cpio::Archive, kernel::Kernel, packages};
use crate::{paths::text, run::run};
use anyhow::{Context, Result};
use std::{fs, path::Path};

/// Its first and only script.
pub const INIT: &str = include_str!("init.sh");

const FOLDERS: &[&str] = &[
    "bin",
    "sbin",
    "dev",
    "proc",
    "sys",
    "run",
    "tmp",
    "root",
    "seed",
    "disk",
    "var",
    "etc",
    "etc/acpi",
    "etc/acpi/PWRF",
    "lib",
    "lib/modules",
    "lib64",
    "usr",
    "usr/share",
    "usr/share/udhcpc",
];

/// The guest agent calls this to go off; so does the power button. A guest may be told to ignore it, as
/// one does that asks its user something first.
const SHUTDOWN: &str = "#!/bin/sh\n[ ! -e /run/stubborn ] || exit 0\nsync\ncase \"$*\" in *-r*) reboot -f ;; *) poweroff -f ;; esac\n";

const ADDRESS: &str = "#!/bin/sh\n\
    [ \"$1\" = bound ] || [ \"$1\" = renew ] || exit 0\n\
    ip addr replace \"$ip/${mask:-24}\" dev \"$interface\"\n\
    for gateway in $router; do ip route replace default via \"$gateway\"; break; done\n";

/// A session on the second terminal: it begins when a name is written to the pipe, and ends when its
/// first process does.
const SEAT: &str =
    "#!/bin/sh\nread -r user < /run/sits-down\necho $$ > /run/session\nexec login -f \"$user\"\n";

/// Changes what the disk says of itself: `note TEXT`.
const NOTE: &str = "#!/bin/sh\nset -e\nmount -o remount,rw /disk\necho \"$1\" > /disk/release-note\n\
    sync\nmount -o remount,ro /disk\n";

const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000:Anna:/tmp:/bin/sh\n";
const GROUPS: &str = "root:x:0:\ntty:x:5:\nanna:x:1000:\n";

const RELEASE: &str =
    "ID=diecast-tiny\nNAME=\"Diecast tiny\"\nPRETTY_NAME=\"Diecast's small golden machine\"\nVERSION_ID=1\n";

/// Packs it, with the guest agent or without.
pub fn pack(cache: &Path, kernel: &Kernel, guest_agent: bool) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.folder(folder);
    }
    archive.device("dev/console", 5, 1);
    archive.file("init", INIT.as_bytes());
    let busybox = which("busybox")?;
    archive.file("bin/busybox", &read(Path::new(&busybox))?);
    for applet in run(&[&busybox, "--list"])?.lines().filter(|name| *name != "busybox") {
        archive.link(&format!("bin/{applet}"), "busybox");
    }
    let mut order = String::new();
    for module in &kernel.modules {
        let name = module.file_name().unwrap_or_default().to_string_lossy();
        order.push_str(&format!("/lib/modules/{name}\n"));
        archive.file(&format!("lib/modules/{name}"), &read(module)?);
    }
    archive.file("etc/modules", order.as_bytes());
    archive.file("etc/os-release", RELEASE.as_bytes());
    archive.file("etc/passwd", USERS.as_bytes());
    archive.file("etc/group", GROUPS.as_bytes());
    archive.link("etc/release-note", "/disk/release-note");
    archive.file("bin/seat", SEAT.as_bytes());
    archive.file("bin/note", NOTE.as_bytes());
    archive.file("etc/acpi/PWRF/00000080", b"#!/bin/sh\nexec /sbin/shutdown -P\n");
    archive.file("sbin/shutdown", SHUTDOWN.as_bytes());
    archive.file("usr/share/udhcpc/default.script", ADDRESS.as_bytes());
    archive.link("etc/udhcpc", "/usr/share/udhcpc");
    archive.link("var/run", "/run");
    if guest_agent {
        add_guest_agent(cache, &mut archive)?;
    }
    Ok(archive.finish())
}

fn add_guest_agent(cache: &Path, archive: &mut Archive) -> Result<()> {
    let folder = packages::unpacked(cache, "qemu-guest-agent", &["./usr/sbin/qemu-ga"])?;
    let program = folder.join("usr/sbin/qemu-ga");
    archive.file("bin/qemu-ga", &read(&program)?);
    // Its libraries are QEMU's own too, so they are installed where the lab runs.
    let libraries = run(&["ldd", text(&program)])?;
    for line in libraries.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, "=>", "not", "found"] => {
                anyhow::bail!("the guest agent needs the library {name}, which is not installed")
            }
            [name, "=>", path, ..] => archive.file(&format!("lib/{name}"), &read(Path::new(path))?),
            [path, ..] if path.starts_with("/lib64/") => {
                archive.file(path.trim_start_matches('/'), &read(Path::new(path))?);
            }
            _ => (),
        }
    }
    Ok(())
}

fn which(program: &str) -> Result<String> {
    run(&["sh", "-c", "command -v \"$1\"", "which", program])
        .with_context(|| format!("`{program}` is not installed; `scripts/install-packages` installs it"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}
