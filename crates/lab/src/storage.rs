//! A provider's own disk: an XFS file system in a sparse file, able to reflink, full when we say so.

use crate::{
    paths::{ProviderPaths, text},
    run::{attempt, run},
};
use anyhow::{Context, Result, ensure};
use std::{fs, path::Path};

/// XFS refuses anything smaller.
pub const DISK_BYTES_MIN: u64 = 300 * 1024 * 1024;
/// What takes the room while a disk is filled.
const FILLER: &str = ".lab-filler";
/// The file that takes the room is given up in steps of this size until enough is left.
const STEP: u64 = 1024 * 1024;

/// Makes the disk if it is new, and mounts it in the root namespace: whatever is mounted there
/// before a provider's machine starts is there too.
pub fn mount(paths: &ProviderPaths, bytes: u64) -> Result<()> {
    ensure!(bytes >= DISK_BYTES_MIN, "a provider's disk needs {DISK_BYTES_MIN} bytes or more");
    let (disk, target) = (paths.disk(), paths.storage());
    if is_mounted(&target)? {
        return Ok(());
    }
    if !disk.exists() {
        let fresh = disk.with_extension("new");
        let file = fs::File::create(&fresh).context("making a provider's disk")?;
        file.set_len(bytes).context("making a provider's disk")?;
        run(&["mkfs.xfs", "-q", "-f", "-m", "reflink=1", text(&fresh)])?;
        fs::rename(&fresh, &disk).context("making a provider's disk")?;
    }
    // The loop device goes away by itself with the last mount of it.
    run(&["mount", "-o", "loop,discard", text(&disk), text(&target)])
        .context("mounting a provider's disk (this needs root, loop devices and XFS in the kernel)")?;
    fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .context("opening a provider's disk to QEMU's user")
}

/// Unmounts everything at or below a folder, and detaches loop devices left over from its files.
pub fn unmount_below(folder: &Path) -> Result<()> {
    let mut mounts: Vec<String> = mount_points()?;
    mounts.retain(|point| Path::new(point).starts_with(folder));
    for point in mounts.iter().rev() {
        if !attempt(&["umount", point]) {
            // Whoever still has a file open there keeps it only until it ends.
            run(&["umount", "--lazy", point])?;
        }
    }
    let attached = run(&["losetup", "--noheadings", "--raw", "--output", "NAME,BACK-FILE"])?;
    for line in attached.lines() {
        if let Some((device, file)) = line.split_once(' ')
            && Path::new(file).starts_with(folder)
        {
            attempt(&["partx", "--delete", device]);
            attempt(&["losetup", "--detach", device]);
        }
    }
    Ok(())
}

fn mount_points() -> Result<Vec<String>> {
    let table = fs::read_to_string("/proc/self/mounts").context("reading the table of mounts")?;
    Ok(table.lines().filter_map(|line| Some(line.split(' ').nth(1)?.to_owned())).collect())
}

pub fn is_mounted(target: &Path) -> Result<bool> {
    Ok(mount_points()?.iter().any(|point| Path::new(point) == target))
}

/// Takes all the room on a provider's disk but `leave` bytes.
pub fn fill(paths: &ProviderPaths, leave: u64) -> Result<()> {
    unfill(paths)?;
    let target = paths.storage();
    ensure!(is_mounted(&target)?, "the disk of this provider is not mounted");
    let filler = target.join(FILLER);
    let mut size = free_bytes(&target)?.saturating_sub(leave);
    while size > 0 {
        // The file system's own bookkeeping takes some room too: found by trying.
        if attempt(&["fallocate", "--length", &size.to_string(), text(&filler)]) {
            break;
        }
        size = size.saturating_sub(STEP);
    }
    Ok(())
}

/// Gives the room back.
pub fn unfill(paths: &ProviderPaths) -> Result<()> {
    match fs::remove_file(paths.storage().join(FILLER)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("emptying a provider's disk")
        }
        _ => Ok(()),
    }
}

/// Bytes that can still be written to the file system that holds `folder`.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let said = run(&["stat", "--file-system", "--format", "%a %S", text(folder)])?;
    let (blocks, size) = said.split_once(' ').context("reading what `stat` says")?;
    Ok(blocks.parse::<u64>()? * size.parse::<u64>()?)
}
