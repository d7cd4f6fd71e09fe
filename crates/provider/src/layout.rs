//! Where things lie below Diecast's directory in a pool, and what they are called.
//!
//! ```text
//! <pool target>/diecast/versions/<digest>/disk0.raw disk1.raw nvram.fd  0444, the agent's
//!               diecast/hosts/<host uuid>/disk0.qcow2 nvram.fd seed.iso console.log
//!               diecast/hosts/<host uuid>.aside-<incarnation>/       the same, and machine.xml
//!               diecast/data/<host uuid>.qcow2                       outlives its incarnations
//!               diecast/working/<maintenance id>/disk0.qcow2 nvram.fd console.log
//! <pool target>/diecast-<template>-v<N>-disk0.raw                       a hard link: the volume
//! ```

use diecast_domain::{
    digest::Digest,
    ids::{HostId, MaintenanceId},
    names::TemplateName,
};
use std::path::{Path, PathBuf};

/// Diecast's own directory in a pool.
pub const STORAGE_DIR: &str = "diecast";
/// A version's or host's variables of the UEFI firmware.
pub const NVRAM_FILE: &str = "nvram.fd";
/// What a host's serial port says.
pub const CONSOLE_FILE: &str = "console.log";
/// A host's NoCloud seed.
pub const SEED_FILE: &str = "seed.iso";
/// A machine's definition, where the hypervisor does not keep it.
pub const MACHINE_FILE: &str = "machine.xml";
/// What stands between a host and the incarnation in the name of what was set aside.
const ASIDE: &str = ".aside-";

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

/// Where a former incarnation of a host is kept.
pub fn aside_dir(storage: &Path, host: HostId, incarnation: u32) -> PathBuf {
    hosts_dir(storage).join(format!("{host}{ASIDE}{incarnation}"))
}

/// Which incarnation of which host is kept in a directory of this name.
pub fn set_aside_of(name: &str) -> Option<(HostId, u32)> {
    let (host, incarnation) = name.split_once(ASIDE)?;
    let parsed = (host.parse().ok()?, incarnation.parse().ok()?);
    // Only the names that are given here: others would never be found again.
    (name == format!("{}{ASIDE}{}", parsed.0, parsed.1)).then_some(parsed)
}

/// Disks of hosts that outlive their incarnations.
pub fn data_dir(storage: &Path) -> PathBuf {
    storage.join("data")
}

pub fn data_disk(storage: &Path, host: HostId) -> PathBuf {
    data_dir(storage).join(overlay_file(&host.to_string()))
}

/// All working copies.
pub fn working_dir(storage: &Path) -> PathBuf {
    storage.join("working")
}

pub fn working_copy_dir(storage: &Path, id: MaintenanceId) -> PathBuf {
    working_dir(storage).join(id.to_string())
}

/// The file of a disk that stands on a version's, or of a data disk: `disk0.qcow2`.
pub fn overlay_file(slot: &str) -> String {
    format!("{slot}.qcow2")
}

/// The file of a version's disk: `disk0.raw`.
pub fn disk_file(slot: &str) -> String {
    format!("{slot}.raw")
}

/// The volume by which the pool shows a version's disk.
pub fn volume_name(template: &TemplateName, number: u32, slot: &str) -> String {
    format!("diecast-{template}-v{number}-{slot}.raw")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_aside_is_known_by_its_name_and_nothing_else_is() {
        let host: HostId = "0195fa00-0000-7000-8000-000000000001".parse().unwrap();
        let dir = aside_dir(Path::new("/s"), host, 12);
        let name = dir.file_name().unwrap().to_str().unwrap();
        assert_eq!(set_aside_of(name), Some((host, 12)));
        assert!(name.parse::<HostId>().is_err(), "or it would be taken for a host's own directory");
        let text = host.to_string();
        for other in ["", ".aside-1", &text, &format!("{text}.aside-"), &format!("{text}.aside-01")] {
            assert_eq!(set_aside_of(other), None, "{other}");
        }
        assert_eq!(set_aside_of(&format!("{}.aside-1", text.to_uppercase())), None);
    }
}
