//! What was changed in a working copy, read from its overlays' tables.

use crate::{
    image::{chain, lock::ImageLock, map},
    layout,
    libvirt::{Libvirt, inspect::standing_obstacle, managed::Managed, source::read_variables},
    source::{FileStamp, ImageFormat},
    words::{OverlayDisk, WorkingChanges},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::MaintenanceId,
    profile::{DiskSlot, HardwareProfile},
};
use std::path::{Path, PathBuf};

impl Libvirt {
    pub(in crate::libvirt) async fn read_changes(
        &self,
        pool: &str,
        id: MaintenanceId,
        profile: &HardwareProfile,
        version_dir: &Path,
    ) -> Result<WorkingChanges, Problem> {
        let copy = Managed::WorkingCopy(id);
        let whose = copy.to_string();
        let dir = layout::working_copy_dir(&self.prepare_storage(pool).await?, id);
        self.is_off(copy).await?;
        if let Some(domain) = self.definition(copy, &whose).await? {
            on_its_own_disks(&whose, &domain, &dir, profile)?;
        }
        let (mut disks, mut locks) = (Vec::new(), Vec::new());
        for slot in &profile.disks {
            let base = version_dir.join(layout::disk_file(&slot.name));
            disks.push(read_disk(&whose, slot, &dir, base, &mut locks).await?);
        }
        let nvram = nvram(&whose, &dir, version_dir, &mut locks)?;
        // Whoever started it before the locks were there is seen now.
        self.is_off(copy).await?;
        Ok(WorkingChanges { disks, nvram, locks })
    }

    /// A machine that the hypervisor does not know does not run.
    async fn is_off(&self, copy: Managed) -> Result<(), Problem> {
        let standing = self.standing(copy, Code::M0007).await?;
        let obstacle = standing.and_then(|standing| standing_obstacle(&standing.mark.name, standing.state));
        obstacle.map_or(Ok(()), Err)
    }
}

/// A snapshot puts another file in the place of a disk, and what was written since is in that one.
fn on_its_own_disks(
    whose: &str,
    domain: &Element,
    dir: &Path,
    profile: &HardwareProfile,
) -> Result<(), Problem> {
    let now: Vec<_> = domain
        .all("devices/disk")
        .into_iter()
        .filter(|disk| disk.get("device").is_none_or(|device| device == "disk"))
        .filter_map(|disk| disk.attr_at("source", "file"))
        .collect();
    for slot in &profile.disks {
        let overlay = dir.join(layout::overlay_file(&slot.name));
        if !now.iter().any(|file| Path::new(file) == overlay) {
            let now = now.join(", ");
            let cause = format!("{whose}: its machine does not stand on {}, but on {now}", overlay.display());
            return Err(Problem::new(Code::M0007, cause));
        }
    }
    Ok(())
}

async fn read_disk(
    whose: &str,
    slot: &DiskSlot,
    dir: &Path,
    base: PathBuf,
    locks: &mut Vec<ImageLock>,
) -> Result<OverlayDisk, Problem> {
    let overlay = dir.join(layout::overlay_file(&slot.name));
    if !overlay.is_file() {
        return Err(Problem::new(Code::M0003, format!("{whose}: {} is gone", overlay.display())));
    }
    let whose = format!("{whose}, {}", slot.name);
    let chain = chain::walk(&whose, &overlay, ImageFormat::Qcow2).await?;
    let same = |file: &PathBuf| match (FileStamp::of(file), FileStamp::of(&base)) {
        (Ok(one), Ok(other)) => (one.device, one.inode) == (other.device, other.inode),
        _ => false,
    };
    if !matches!(&chain.files[..], [_, below] if same(below)) {
        let files: Vec<_> = chain.files[1..].iter().map(|file| file.display().to_string()).collect();
        let cause = format!("{whose}: its base is {}, not {}", files.join(" on "), base.display());
        return Err(Problem::new(Code::M0007, cause));
    }
    let extents = map::changes(&whose, &overlay, chain.virtual_size.0).await?;
    locks.extend(chain.locks);
    let (slot, overlays, virtual_size) = (slot.name.clone(), vec![overlay], chain.virtual_size);
    Ok(OverlayDisk { slot, overlays, base, virtual_size, extents })
}

/// Undefining a machine by hand may have taken its variables along; then they are the version's.
fn nvram(
    whose: &str,
    dir: &Path,
    version_dir: &Path,
    locks: &mut Vec<ImageLock>,
) -> Result<Option<Vec<u8>>, Problem> {
    for dir in [dir, version_dir] {
        let path = dir.join(layout::NVRAM_FILE);
        let whose = format!("{whose}, NVRAM {}", path.display());
        if let Some((bytes, lock)) = read_variables(&whose, &path)? {
            locks.push(lock);
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}
