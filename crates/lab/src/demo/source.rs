//! What the golden VM is made from: the small one, a real Debian, or the user's own disk image.

use super::Names;
use crate::{
    golden::{self, Kind, Recipe},
    lab::Lab,
    paths::text,
    run::run,
    vm::{Firmware, GoldenVm},
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fmt, fs,
    io::Read,
    path::{Path, PathBuf},
};

/// Where the golden VM's disk comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Tiny,
    Debian,
    Image(PathBuf),
}

/// What is read to tell which firmware an image boots by: the partition table.
const HEAD_BYTES: usize = 64 << 10;
const SECTOR: usize = 512;
/// Room for a number behind it in a guest's name.
const NAME_LENGTH_MAX: usize = 24;
/// Partition types as GPT writes them.
const EFI_SYSTEM: [u8; 16] = *b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
const BIOS_BOOT: [u8; 16] = *b"Hah!IdontNeedEFI";
/// What a system of the user's own is given.
const IMAGE_MEMORY_MIB: u32 = 1024;
const DEBIAN_MEMORY_MIB: u32 = 768;

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tiny => f.write_str("a kernel, a boot loader and a guest agent, small but truly booting"),
            Self::Debian => f.write_str("Debian 12 with GRUB, cloud-init and the guest agent"),
            Self::Image(file) => write!(f, "your own {}", file.display()),
        }
    }
}

impl Source {
    pub(super) fn names(&self) -> Names {
        let named = |name: &str| Names {
            template: name.to_owned(),
            vm: format!("{name}-vm"),
            hosts: format!("{name}-{{nnn}}"),
        };
        match self {
            Self::Tiny => Names { hosts: "desk-{nnn}".to_owned(), ..named("golden") },
            Self::Debian => named("debian"),
            Self::Image(file) => named(&name_from(file)),
        }
    }

    /// A guest's patience in boots of the small golden machine, for each host that boots beside others.
    pub(super) fn boots(&self) -> u32 {
        match self {
            Self::Tiny => 10,
            Self::Debian | Self::Image(_) => 60,
        }
    }

    /// Refuses what cannot become a golden VM, before anything is started.
    pub(super) fn check(&self) -> Result<()> {
        let Self::Image(file) = self else { return Ok(()) };
        ensure!(file.is_file(), "there is no disk image {}", file.display());
        format_of(file).map(drop)
    }

    /// The golden VM's disk, in the cache or in the lab's folder for imports.
    pub(super) fn disk(&self, lab: &Lab, vm: &str) -> Result<PathBuf> {
        match self {
            Self::Tiny => golden::cached(lab.paths(), &Recipe::new(Kind::Tiny)),
            Self::Debian => golden::cached(lab.paths(), &Recipe::new(Kind::Debian)),
            Self::Image(file) => import(file, &lab.paths().import().join(format!("{vm}.qcow2"))),
        }
    }

    pub(super) fn machine(&self, name: &str, disk: &Path) -> Result<GoldenVm> {
        let mut vm = GoldenVm::new(name, disk);
        match self {
            Self::Tiny => (),
            Self::Debian => vm.memory_mib = DEBIAN_MEMORY_MIB,
            Self::Image(_) => {
                vm.memory_mib = IMAGE_MEMORY_MIB;
                vm.firmware = firmware_of(disk)?;
            }
        }
        Ok(vm)
    }
}

/// A template's name from a file's: `Win 11.vhdx` gives `win-11`.
fn name_from(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").chars().take(NAME_LENGTH_MAX).collect();
    let name = name.trim_end_matches('-');
    if name.is_empty() { "image".to_owned() } else { name.to_owned() }
}

/// One of the formats that are taken, by the file's content, never by its name.
fn format_of(file: &Path) -> Result<String> {
    let said = run(&["qemu-img", "info", "--output=json", text(file)])
        .with_context(|| format!("looking at the disk image {}", file.display()))?;
    let info: Value = serde_json::from_str(&said).context("reading what `qemu-img info` says")?;
    let format = info["format"].as_str().unwrap_or_default();
    if !matches!(format, "raw" | "qcow2" | "vmdk" | "vhdx") {
        bail!("{} is of the format `{format}`; raw, qcow2, vmdk and vhdx are taken", file.display());
    }
    if format == "raw" && !starts_like_a_disk(file)? {
        bail!("{} is neither an image of a known format nor a raw disk with a boot sector", file.display());
    }
    if info["encrypted"] == true {
        bail!("{} is encrypted; take a decrypted one", file.display());
    }
    Ok(format.to_owned())
}

/// Raw is whatever nothing else is: a disk that boots has the mark of a boot sector, with GPT too.
fn starts_like_a_disk(file: &Path) -> Result<bool> {
    let mut sector = [0; SECTOR];
    let read = fs::File::open(file).and_then(|mut disk| disk.read_exact(&mut sector));
    Ok(read.is_ok() && sector.ends_with(&[0x55, 0xaa]))
}

/// A qcow2 of its own from the user's image, which is only read.
fn import(file: &Path, target: &Path) -> Result<PathBuf> {
    let fresh = target.with_extension("new");
    let convert = ["qemu-img", "convert", "-f", &format_of(file)?, "-O", "qcow2", text(file), text(&fresh)];
    run(&convert).with_context(|| format!("copying the disk image {}", file.display()))?;
    fs::rename(&fresh, target).with_context(|| format!("making {}", target.display()))?;
    Ok(target.to_owned())
}

/// UEFI for a disk that nothing else could start; a disk for both starts by BIOS too.
fn firmware_of(disk: &Path) -> Result<Firmware> {
    let head = disk.with_extension("head");
    let (from, to) = (format!("if={}", text(disk)), format!("of={}", text(&head)));
    run(&["qemu-img", "dd", "-f", "qcow2", "-O", "raw", &format!("bs={HEAD_BYTES}"), "count=1", &from, &to])
        .context("reading the partition table of the disk image")?;
    let mut bytes = Vec::new();
    let read = fs::File::open(&head).and_then(|file| file.take(HEAD_BYTES as u64).read_to_end(&mut bytes));
    let _ = fs::remove_file(&head);
    read.context("reading the partition table of the disk image")?;
    Ok(firmware_in(&bytes))
}

fn firmware_in(head: &[u8]) -> Firmware {
    const ENTRY: usize = 128;
    if head.get(SECTOR..SECTOR + 8) != Some(b"EFI PART") {
        return Firmware::Bios;
    }
    let entries = head.get(2 * SECTOR..).unwrap_or_default();
    let has = |kind: [u8; 16]| entries.chunks_exact(ENTRY).any(|entry| entry.starts_with(&kind));
    if has(EFI_SYSTEM) && !has(BIOS_BOOT) { Firmware::Uefi } else { Firmware::Bios }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_template_a_name_that_may_be_one() {
        for (file, name) in [("Win 11.vhdx", "win-11"), ("a_b..c.qcow2", "a-b-c"), ("é.raw", "image")] {
            assert_eq!(name_from(Path::new(file)), name);
        }
    }

    fn table(kinds: &[[u8; 16]]) -> Vec<u8> {
        let mut head = vec![0; HEAD_BYTES];
        head[SECTOR..SECTOR + 8].copy_from_slice(b"EFI PART");
        for (number, kind) in kinds.iter().enumerate() {
            head[2 * SECTOR + number * 128..][..16].copy_from_slice(kind);
        }
        head
    }

    #[test]
    fn a_disk_that_only_uefi_can_start_is_given_uefi() {
        assert_eq!(firmware_in(&table(&[EFI_SYSTEM])), Firmware::Uefi);
        assert_eq!(firmware_in(&table(&[BIOS_BOOT, EFI_SYSTEM])), Firmware::Bios);
        assert_eq!(firmware_in(&vec![0; HEAD_BYTES]), Firmware::Bios);
        assert_eq!(firmware_in(b""), Firmware::Bios);
    }
}
