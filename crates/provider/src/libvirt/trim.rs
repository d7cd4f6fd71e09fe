//! Trimming what is open for reading: an overlay of our own takes the disk's place, and a helper trims that.

use super::{Libvirt, capabilities, files, session::ASK_DEADLINE};
use crate::{
    image::{
        chain::{self, Chain},
        map, qcow2,
    },
    layout,
    source::{ImageFormat, SourceMachine},
    trim::{self, Drive, Helper, User},
    words::{At, Extent, TrimPlace, Trimmed, WorkingChanges},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    units::ByteCount,
};
use std::path::{Path, PathBuf};

/// Who has no rights anywhere: for a libvirt whose QEMU runs as root.
const NOBODY: User = User { user: 65534, group: 65534 };

impl Libvirt {
    pub(super) async fn trim_source(
        &self,
        machine: &mut SourceMachine,
        place: &TrimPlace,
    ) -> Result<Trimmed, Problem> {
        let whose = format!("the machine {}", machine.name);
        let helper = self.helper(place).await?;
        let mut drives = Vec::new();
        for disk in &machine.disks {
            let below = disk.chain.iter().cloned().zip(disk.formats.iter().copied()).collect();
            drives.push(lay_over(place, &disk.slot, disk.virtual_size, below).await?);
        }
        let places = trim::trim(&whose, &helper, &drives).await?;
        let mut bytes = ByteCount::ZERO;
        for (disk, drive) in machine.disks.iter_mut().zip(&drives) {
            let chain = chain::open(&whose, &drive.overlay, ImageFormat::Qcow2).await?;
            still_on(&whose, drive, &chain)?;
            bytes += disk.data_estimate.saturating_sub(chain.data_estimate);
            disk.path.clone_from(&drive.overlay);
            disk.format = ImageFormat::Qcow2;
            (disk.chain, disk.formats) = (chain.files, chain.formats);
            disk.data_estimate = chain.data_estimate;
            machine.locks.extend(chain.locks);
        }
        Ok(Trimmed { bytes, places })
    }

    pub(super) async fn trim_working_copy(
        &self,
        changes: &mut WorkingChanges,
        place: &TrimPlace,
    ) -> Result<Trimmed, Problem> {
        let whose = "the working copy";
        let helper = self.helper(place).await?;
        let mut drives = Vec::new();
        for disk in &changes.disks {
            let on = disk.overlays.iter().rev().map(|overlay| (overlay.clone(), ImageFormat::Qcow2));
            let below = on.chain([(disk.base.clone(), ImageFormat::Raw)]).collect();
            drives.push(lay_over(place, &disk.slot, disk.virtual_size, below).await?);
        }
        let places = trim::trim(whose, &helper, &drives).await?;
        let mut bytes = ByteCount::ZERO;
        for (disk, drive) in changes.disks.iter_mut().zip(&drives) {
            let chain = chain::walk(whose, &drive.overlay, ImageFormat::Qcow2).await?;
            still_on(whose, drive, &chain)?;
            let given = map::changes(whose, &drive.overlay, disk.virtual_size.0).await?;
            let overlay = disk.overlays.len();
            let given: Vec<Extent> = given
                .into_iter()
                .map(|extent| Extent { at: extent.at.map(|at| At { overlay, ..at }), ..extent })
                .collect();
            let data = |extents: &[Extent]| -> u64 {
                extents.iter().filter(|it| it.at.is_some()).map(|it| it.length).sum()
            };
            let merged = map::merged(&disk.extents, &given);
            bytes += ByteCount(data(&disk.extents).saturating_sub(data(&merged)));
            disk.extents = merged;
            disk.overlays.push(drive.overlay.clone());
            changes.locks.extend(chain.locks);
        }
        Ok(Trimmed { bytes, places })
    }

    async fn helper(&self, place: &TrimPlace) -> Result<Helper, Problem> {
        let dir = &place.dir;
        let failed = |error| files::problem(dir, &error);
        // Whatever an earlier life left is made anew: nothing says how far it came.
        files::remove_dir(dir).map_err(failed)?;
        if let Some(parent) = dir.parent() {
            files::make_dir(parent).map_err(failed)?;
        }
        files::make_dir(dir).map_err(failed)?;
        Ok(Helper {
            dir: dir.clone(),
            root: place.kernel_root.clone(),
            emulator: self.emulator().await?,
            accelerated: self.accelerated().await?,
            user: self.qemu_user().await?,
        })
    }

    /// As whom libvirt runs QEMU, unless that is whom we are.
    async fn qemu_user(&self) -> Result<Option<User>, Problem> {
        let asked = self
            .session
            .call("asking as whom guests run", ASK_DEADLINE, |connection| connection.get_capabilities());
        let text = asked.await.map_err(|error| error.problem(Code::P0010, "the provider"))?;
        let said = Element::parse(&text)
            .map_err(|error| Problem::new(Code::P0002, format!("libvirt's capabilities: {error}")))?;
        let root = own_user() == Some(0);
        let named = capabilities::qemu_user(&said).map(|(user, group)| User { user, group });
        Ok(match named.filter(|named| named.user != 0) {
            Some(named) if Some(named.user) == own_user() => None,
            Some(named) => Some(named),
            None if root => Some(NOBODY),
            None => None,
        })
    }
}

/// The owner of this process's own folder in `/proc`.
fn own_user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|meta| meta.uid())
}

async fn lay_over(
    place: &TrimPlace,
    slot: &str,
    size: ByteCount,
    below: Vec<(PathBuf, ImageFormat)>,
) -> Result<Drive, Problem> {
    let overlay = place.dir.join(layout::overlay_file(slot));
    let (path, on) = (overlay.clone(), below.first().cloned());
    files::apart(&overlay, move || {
        let backing = on.as_ref().map(|(path, format)| qcow2::Backing { path, format: *format });
        qcow2::create(&path, size.0, backing)
    })
    .await?;
    Ok(Drive { slot: slot.to_owned(), overlay, below })
}

/// The helper could write the overlay, its header too: a disk could have broken out of it, and named
/// another file to be read in the place of its own.
fn still_on(whose: &str, drive: &Drive, chain: &Chain) -> Result<(), Problem> {
    let now = chain.files.iter().zip(&chain.formats).skip(1);
    let same = now.map(|(file, format)| (file.as_path(), *format));
    let expected = drive.below.iter().map(|(file, format)| (file.as_path(), *format));
    if same.eq(expected) {
        return Ok(());
    }
    let shown = |path: &Path| path.display().to_string();
    let now: Vec<_> = chain.files.iter().skip(1).map(|file| shown(file)).collect();
    let cause = format!(
        "{whose}: after the helper {} stands on {}, which is not what it was made on",
        shown(&drive.overlay),
        now.join(" on ")
    );
    Err(Problem::new(Code::V0012, cause)
        .with_hint("do not publish this machine before somebody looked at its disks"))
}
