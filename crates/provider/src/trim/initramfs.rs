//! The helper's whole user space: busybox, the kernel's modules and `init.sh`, as the archive that a kernel
//! unpacks as its first root (`newc`).

use super::kernel::Kernel;
use std::{fs, path::Path, process::Command};

const INIT: &str = include_str!("init.sh");
const FOLDERS: [&str; 6] = ["bin", "dev", "proc", "sys", "disk", "modules"];
/// What `init.sh` calls.
const APPLETS: [&str; 13] = [
    "sh", "mount", "umount", "insmod", "dd", "od", "tr", "cat", "fstrim", "swapon", "swapoff", "sync",
    "poweroff",
];
const PLACES: [&str; 4] = ["/bin/busybox", "/usr/bin/busybox", "/sbin/busybox", "/usr/sbin/busybox"];
/// What says in an ELF file's table that it needs a loader, and so libraries.
const PT_INTERP: u32 = 3;

/// A busybox of this machine that needs nothing else and has all that is called.
pub fn busybox() -> Result<Vec<u8>, String> {
    let found = PLACES.iter().find(|path| Path::new(path).is_file());
    let path = found.ok_or("no busybox for the helper; on Debian the package busybox-static has one")?;
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    if needs_a_loader(&bytes) {
        return Err(format!(
            "{path} needs libraries; on Debian the package busybox-static has one that does not"
        ));
    }
    let listed = Command::new(path).arg("--list").output().map_err(|error| format!("{path}: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    match APPLETS.iter().find(|applet| !listed.lines().any(|line| line.trim() == **applet)) {
        Some(missing) => Err(format!("{path} has no `{missing}`")),
        None => Ok(bytes),
    }
}

/// True also of what is no 64-bit ELF file: that does not run in the helper either.
fn needs_a_loader(program: &[u8]) -> bool {
    let number = |at: usize, length: usize| -> Option<u64> {
        let bytes = program.get(at..at.checked_add(length)?)?;
        Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let headers = || {
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        let kind = |index: u64| number(usize::try_from(table.checked_add(index * size)?).ok()?, 4);
        (0..count).map(kind).collect::<Option<Vec<u64>>>()
    };
    let elf64 = program.starts_with(b"\x7fELF\x02\x01");
    !elf64 || headers().is_none_or(|kinds| kinds.contains(&u64::from(PT_INTERP)))
}

pub fn pack(kernel: &Kernel, busybox: &[u8]) -> Result<Vec<u8>, String> {
    let mut archive = Archive::default();
    for folder in FOLDERS {
        archive.entry(folder, FOLDER, (0, 0), b"")?;
    }
    archive.entry("dev/console", DEVICE, (5, 1), b"")?;
    archive.entry("init", PROGRAM, (0, 0), INIT.as_bytes())?;
    archive.entry("bin/busybox", PROGRAM, (0, 0), busybox)?;
    for applet in APPLETS {
        archive.entry(&format!("bin/{applet}"), LINK, (0, 0), b"busybox")?;
    }
    let mut order = String::new();
    for (name, content) in &kernel.modules {
        order.push_str(&format!("{name}.ko\n"));
        archive.entry(&format!("modules/{name}.ko"), FILE, (0, 0), content)?;
    }
    archive.entry("modules/order", FILE, (0, 0), order.as_bytes())?;
    archive.entry("TRAILER!!!", 0, (0, 0), b"")?;
    Ok(archive.bytes)
}

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;
const DEVICE: u32 = 0o020_600;

#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    fn entry(&mut self, name: &str, mode: u32, node: (u32, u32), content: &[u8]) -> Result<(), String> {
        self.entries += 1;
        let size = u32::try_from(content.len()).map_err(|_| format!("{name} is too large for the helper"))?;
        let name_size = u32::try_from(name.len() + 1).map_err(|_| format!("{name} is too long a name"))?;
        // inode, mode, owner, group, links, time, size, device, the node's device, name, checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, node.0, node.1, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(content);
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_unpacks_to_what_was_packed() {
        let kernel = Kernel {
            release: "6".into(),
            image: Vec::new(),
            modules: vec![("one".into(), b"first".to_vec()), ("two".into(), b"second!".to_vec())],
        };
        let dir = tempfile::tempdir().unwrap();
        let packed = pack(&kernel, b"\x7fELF").unwrap();
        fs::write(dir.path().join("archive"), packed).unwrap();
        let unpack = "cpio -id --quiet 'modules/*' init 'bin/*' < archive && cat modules/order modules/two.ko && readlink bin/sh";
        let told = Command::new("sh").arg("-c").arg(unpack).current_dir(dir.path()).output().unwrap();
        assert!(told.status.success(), "{told:?}");
        assert_eq!(String::from_utf8(told.stdout).unwrap(), "one.ko\ntwo.ko\nsecond!busybox\n");
        assert_eq!(fs::read_to_string(dir.path().join("init")).unwrap(), INIT);
    }

    #[test]
    fn what_init_calls_is_there() {
        for word in ["fstrim", "swapon", "swapoff", "insmod", "poweroff", "od", "dd"] {
            assert!(INIT.contains(word) && APPLETS.contains(&word), "{word}");
        }
    }

    #[test]
    fn a_program_that_needs_libraries_is_told_from_one_that_does_not() {
        let mut program = vec![0; 64 + 2 * 56];
        program[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (program[32], program[54], program[56]) = (64, 56, 2);
        (program[64], program[64 + 56]) = (1, 2);
        assert!(!needs_a_loader(&program));
        program[64 + 56] = 3;
        assert!(needs_a_loader(&program));
        (program[56], program[57]) = (255, 255);
        assert!(needs_a_loader(&program), "a table beyond its end");
        for strange in [&b""[..], b"#!/bin/sh", b"\x7fELF\x02\x01"] {
            assert!(needs_a_loader(strange));
        }
    }
}
