//! Golden machines: disks that truly boot, made on this machine from Debian's packages.
//!
//! | Kind | Firmware | What it is | Made in |
//! |---|---|---|---|
//! | boot-only | BIOS | kernel and busybox, no guest agent, no payload | a second |
//! | tiny | BIOS | the same with the guest agent, and a payload worth watching | seconds |
//! | uefi | UEFI | what tiny is, from a GPT and an EFI system partition | seconds |
//! | debian | BIOS | Debian 12 with GRUB, cloud-init and the guest agent | three minutes |
//!
//! All but `debian` need neither a loop device nor a mount nor root, and are the same byte for byte
//! when made again from the same packages.

mod bios;
mod cpio;
mod debian;
mod files;
mod initramfs;
mod kernel;
mod packages;
mod payload;
mod uefi;

use crate::{
    paths::{Paths, text},
    state::lock,
    storage,
};
use anyhow::{Context, Result};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Which golden machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Kind {
    /// Kernel and busybox only; what a boot is measured with.
    BootOnly,
    /// The small golden machine, for BIOS.
    Tiny,
    /// The small golden machine, for UEFI.
    Uefi,
    /// A real Debian 12.
    Debian,
}

/// What may be chosen of a golden machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Recipe {
    pub kind: Kind,
    /// Half-compressible data in its file system, so that a transfer is worth watching.
    pub payload_bytes: u64,
    /// What the payload is drawn from.
    pub seed: u64,
    /// The size of the disk; what nobody wrote to takes no room.
    pub disk_bytes: u64,
}

/// The payload of the small golden machines.
pub const PAYLOAD_BYTES: u64 = 64 << 20;
/// The disk of the small golden machines.
pub const DISK_BYTES: u64 = 1 << 30;
/// The disk of the real Debian.
pub const DEBIAN_DISK_BYTES: u64 = 4 << 30;
/// What `/etc/release-note` says on a golden machine that nobody changed.
const FIRST_NOTE: &[u8] = b"as it was made\n";
/// Raised when the way of making a disk changes, so that none made the old way is taken from the cache.
const RECIPES: u32 = 2;
/// Held while one is made.
const LOCK: &str = "golden.lock";

impl Recipe {
    pub const fn new(kind: Kind) -> Self {
        let (payload_bytes, disk_bytes) = match kind {
            Kind::BootOnly => (0, 64 << 20),
            Kind::Tiny | Kind::Uefi => (PAYLOAD_BYTES, DISK_BYTES),
            Kind::Debian => (0, DEBIAN_DISK_BYTES),
        };
        Self { kind, payload_bytes, seed: 1, disk_bytes }
    }

    /// The name of its file in the cache.
    fn file_name(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (self, RECIPES, initramfs::INIT, debian::SCRIPT).hash(&mut hasher);
        format!("golden-{:016x}.raw", hasher.finish())
    }
}

/// Makes a golden disk, a raw file, whole or not at all.
pub fn make(paths: &Paths, recipe: &Recipe, out: &Path) -> Result<()> {
    let cached = cached(paths, recipe)?;
    let fresh = out.with_extension("new");
    crate::run::run(&["cp", "--reflink=auto", "--sparse=always", text(&cached), text(&fresh)])?;
    fs::rename(&fresh, out).with_context(|| format!("making {}", out.display()))
}

/// A golden disk in the cache, made if it is not there. It must not be written to.
pub fn cached(paths: &Paths, recipe: &Recipe) -> Result<PathBuf> {
    let cache = paths.cache()?;
    let _lock = lock(&cache.join(LOCK))?;
    let made = cache.join(recipe.file_name());
    if made.exists() {
        return Ok(made);
    }
    let fresh = made.with_extension("new");
    let _ = fs::remove_file(&fresh);
    match recipe.kind {
        Kind::BootOnly | Kind::Tiny => bios::make(&cache, recipe, &fresh),
        Kind::Uefi => uefi::make(&cache, recipe, &fresh),
        Kind::Debian => debian::make(&cache, recipe, &fresh),
    }
    .with_context(|| format!("making the golden machine `{:?}`", recipe.kind))?;
    fs::rename(&fresh, &made).with_context(|| format!("making {}", made.display()))?;
    Ok(made)
}

/// Takes away what a killed making of a golden machine left, unless one is being made now.
pub(crate) fn clear_interrupted(paths: &Paths) -> Result<()> {
    let cache = paths.cache_folder();
    let lock = fs::File::options().append(true).open(cache.join(LOCK));
    if let Ok(lock) = lock
        && lock.try_lock().is_ok()
    {
        storage::unmount_below(cache)?;
        for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|it| it == "new") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    Ok(())
}

/// A folder that has a kernel and its modules where an installed system has them: this machine may have none.
pub fn kernel_root(paths: &Paths) -> Result<PathBuf> {
    kernel::root(&paths.cache()?)
}

/// What a boot is measured with.
pub fn cached_boot_only(paths: &Paths) -> Result<PathBuf> {
    cached(paths, &Recipe::new(Kind::BootOnly))
}
