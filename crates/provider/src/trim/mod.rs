//! Trimming: what a guest deleted is given back, by a helper that mounts its file systems where it can
//! harm nobody.
//!
//! ```text
//!   disk's chain ──(read-only)──► overlay of our own ◄──(discards)── helper: QEMU, no network
//!                                        │                            kernel.rs    a Linux kernel of this machine
//!                                        │                            initramfs.rs busybox, modules, init.sh
//!                                        ▼                            told.rs      what it says by its serial port
//!                              published in the disk's place
//! ```
//!
//! What it promises:
//! - **The disk is left as it was.** The helper gets descriptors of its files that cannot write, and all
//!   that is written goes into the overlay.
//! - **This machine's kernel mounts nothing of a guest.** The helper is a process without rights, without
//!   network, and with no file but those that it was handed.
//! - **A leaf stays as it was, or becomes zeroes.** The overlay's clusters are as large as leaves, and the
//!   file systems are mounted read-only: only the journal of one that was not unmounted is written.
//! - **What the helper says is a claim.** It is told to people, and nothing is decided by it; what is
//!   published is read from the overlay, after it was checked that it still stands on the disk.
//!
//! What it does not do: it finds nothing in LVM, RAID, NTFS or what is encrypted, and says so.
//! Read next: `init.sh`, then `libvirt/trim.rs`.

mod initramfs;
mod kernel;
mod machine;
mod run;
mod told;

use crate::{libvirt::files, source::ImageFormat};
use diecast_domain::{
    code::{Code, Problem},
    trim::Place,
};
use machine::Descriptors;
use std::{
    fs, io,
    os::fd::{AsRawFd, OwnedFd},
    path::PathBuf,
    time::Duration,
};

pub use run::User;

/// Disks of one machine: as many as fit onto the helper's bus, and have a letter.
const DISKS_MAX: usize = 24;
/// For the slowest disk and the largest file systems; the boot is seconds.
const DEADLINE: Duration = Duration::from_secs(30 * 60);

/// Where and with what.
#[derive(Clone, Debug)]
pub struct Helper {
    /// A directory of its own, which QEMU's user can pass.
    pub dir: PathBuf,
    /// Where `boot/vmlinuz-*` and `lib/modules/*` are: `/`, unless a test says otherwise.
    pub root: PathBuf,
    pub emulator: String,
    pub accelerated: bool,
    /// Whom to become; None if this process has no right to choose.
    pub user: Option<User>,
}

/// A disk that the helper is to trim.
#[derive(Clone, Debug)]
pub struct Drive {
    pub slot: String,
    /// What it may write to.
    pub overlay: PathBuf,
    /// What that stands on, the base last.
    pub below: Vec<(PathBuf, ImageFormat)>,
}

/// Boots the helper once on all disks. Dropping the future ends it.
pub async fn trim(whose: &str, helper: &Helper, drives: &[Drive]) -> Result<Vec<Place>, Problem> {
    if drives.len() > DISKS_MAX {
        let cause = format!("{whose} has {} disks; the helper takes {DISKS_MAX}", drives.len());
        return Err(Problem::new(Code::V0011, cause));
    }
    let no_helper = |what: String| Problem::new(Code::V0011, format!("{whose}: {what}"));
    let (root, dir) = (helper.root.clone(), helper.dir.clone());
    let packed = tokio::task::spawn_blocking(move || {
        let kernel = kernel::find(&root)?;
        let busybox = initramfs::busybox()?;
        let archive = initramfs::pack(&kernel, &busybox)?;
        let written = [(dir.join("initrd"), archive), (dir.join("vmlinuz"), kernel.image)];
        for (path, bytes) in &written {
            files::write(path, bytes, files::READ_ONLY)
                .map_err(|error| format!("{}: {error}", path.display()))?;
        }
        tracing::info!(kernel = %kernel.release, "a helper boots that trims");
        let [(initrd, _), (image, _)] = written;
        Ok::<_, String>((image, initrd))
    });
    let (image, initrd) = packed.await.map_err(|error| no_helper(error.to_string()))?.map_err(no_helper)?;

    let mut descriptors = Vec::new();
    let opened = drives.iter().map(|drive| open(drive, &mut descriptors)).collect::<io::Result<Vec<_>>>();
    let opened = opened.map_err(|error| no_helper(format!("opening its disks: {error}")))?;
    let errand = run::Errand {
        program: helper.emulator.clone(),
        arguments: machine::arguments(&opened, &image, &initrd, helper.accelerated),
        descriptors,
        user: helper.user,
    };
    let slots: Vec<String> = drives.iter().map(|drive| drive.slot.clone()).collect();
    let ended = run::run(errand, told::Told::new(slots), DEADLINE).await;
    let ended = ended.map_err(|error| match error {
        run::RunError::Deadline { .. } => Problem::new(Code::V0012, format!("{whose}: {error}")),
        run::RunError::Start { .. } => no_helper(error.to_string()),
    })?;
    ended.told.finish().map_err(|unfinished| {
        let code = if unfinished.begun { Code::V0012 } else { Code::V0011 };
        let last = if ended.complaint.is_empty() { unfinished.last } else { ended.complaint };
        let last = if last.is_empty() { "it said nothing".to_owned() } else { last };
        let when = if unfinished.begun { "before it was done" } else { "before it began" };
        Problem::new(code, format!("{whose}: the helper ended {when}: {last}"))
    })
}

/// Opens what QEMU's user could not: it is handed the descriptors, and no name.
fn open(drive: &Drive, descriptors: &mut Vec<OwnedFd>) -> io::Result<Descriptors> {
    let mut keep = |file: fs::File| {
        let number = file.as_raw_fd();
        descriptors.push(file.into());
        number
    };
    let overlay = keep(fs::OpenOptions::new().read(true).write(true).open(&drive.overlay)?);
    let mut below = Vec::new();
    for (path, format) in &drive.below {
        below.push((keep(fs::File::open(path)?), *format));
    }
    Ok(Descriptors { overlay, below })
}
