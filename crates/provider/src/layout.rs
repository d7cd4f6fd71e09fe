//! Where things lie below Diecast's directory in a pool, and what they are called.
//!
//! ```text
//! <pool target>/diecast/versions/<digest>/disk0.raw disk1.raw nvram.fd  0444, the agent's
//!               diecast/hosts/<host uuid>/disk0.qcow2 nvram.fd seed.iso console.log
//! <pool target>/diecast-<template>-v<N>-disk0.raw                       a hard link: the volume
//! ```

use diecast_domain::{digest::Digest, ids::HostId, names::TemplateName};
use std::path::{Path, PathBuf};

/// Diecast's own directory in a pool.
pub const STORAGE_DIR: &str = "diecast";
/// A version's or host's variables of the UEFI firmware.
pub const NVRAM_FILE: &str = "nvram.fd";
/// What a host's serial port says.
pub const CONSOLE_FILE: &str = "console.log";
/// A host's NoCloud seed.
pub const SEED_FILE: &str = "seed.iso";

pub fn versions_dir(storage: &Path) -> PathBuf {
    storage.join("versions")
}

pub fn version_dir(storage: &Path, digest: &Digest) -> PathBuf {
    versions_dir(storage).join(digest.hex())
}

pub fn hosts_dir(storage: &Path) -> PathBuf {
    storage.join("hosts")
}

pub fn host_dir(storage: &Path, host: HostId) -> PathBuf {
    hosts_dir(storage).join(host.to_string())
}

/// The file of a version's disk: `disk0.raw`.
pub fn disk_file(slot: &str) -> String {
    format!("{slot}.raw")
}

/// The volume by which the pool shows a version's disk.
pub fn volume_name(template: &TemplateName, number: u32, slot: &str) -> String {
    format!("diecast-{template}-v{number}-{slot}.raw")
}
