//! The files that a machine is made of, whatever it is for.

use crate::{
    image::{command, qcow2},
    layout,
    libvirt::{
        files,
        machine::{Content, MachineDisk},
    },
};
use diecast_domain::{
    code::{Code, Problem},
    host::HostKind,
    units::ByteCount,
};
use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Copying a full host's disk: the largest that makes sense at the rate of a slow disk.
const COPY_DEADLINE: Duration = Duration::from_secs(12 * 60 * 60);

/// For whom it is made, in causes, and what it is called when it fails.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    pub whose: &'a str,
    pub code: Code,
    pub dir: &'a Path,
}

impl Making<'_> {
    pub fn failed(&self, cause: impl std::fmt::Display) -> Problem {
        Problem::new(self.code, format!("{}: {cause}", self.whose))
    }

    /// A disk from a version's, unless it is there. Every file under its own name is whole.
    pub async fn disk(&self, kind: HostKind, slot: &str, version_dir: &Path) -> Result<MachineDisk, Problem> {
        let base = version_dir.join(layout::disk_file(slot));
        if !base.is_file() {
            return Err(self.failed(format_args!("{} is not there", base.display())));
        }
        let disk = match kind {
            HostKind::Linked => MachineDisk {
                file: self.dir.join(layout::overlay_file(slot)),
                content: Content::Overlay { base: base.clone() },
            },
            HostKind::Full => {
                MachineDisk { file: self.dir.join(layout::disk_file(slot)), content: Content::Plain }
            }
        };
        if disk.file.exists() {
            return Ok(disk);
        }
        match kind {
            HostKind::Linked => {
                let size = fs::metadata(&base).map_err(|error| files::problem(&base, &error))?.len();
                blank(&disk.file, size, Some(base)).await?;
            }
            HostKind::Full => {
                let unfinished = files::unfinished(&disk.file);
                files::remove(&unfinished).map_err(|error| files::problem(&unfinished, &error))?;
                self.copy(&base, &unfinished).await?;
                let path = disk.file.clone();
                files::apart(&disk.file, move || files::finish(&path, files::PRIVATE)).await?;
            }
        }
        Ok(disk)
    }

    /// An empty disk, unless it is there: then it is as large as it is.
    pub async fn data_disk(&self, file: &Path, size: ByteCount) -> Result<MachineDisk, Problem> {
        if !file.exists() {
            blank(file, size.0, None).await?;
        }
        Ok(MachineDisk { file: file.to_owned(), content: Content::Grown })
    }

    async fn copy(&self, from: &Path, to: &Path) -> Result<(), Problem> {
        let (source, target) = (from.to_owned(), to.to_owned());
        let reflink = tokio::task::spawn_blocking(move || {
            let done = reflink_copy::reflink(&source, &target).is_ok();
            // What a failed one leaves behind is written over by the copy.
            done || files::remove(&target).is_err()
        });
        if reflink.await.unwrap_or(false) {
            return Ok(());
        }
        let args: [&dyn command::AsArg; 9] =
            [&"convert", &"-S", &"4k", &"-f", &"raw", &"-O", &"raw", &from, &to];
        self.settle(command::work("qemu-img", &args, COPY_DEADLINE).await)
    }

    fn settle(&self, answer: Result<command::Answer, command::CommandError>) -> Result<(), Problem> {
        let answer = answer.map_err(|error| self.failed(error))?;
        if answer.ok {
            return Ok(());
        }
        let full = answer.complaint.contains("No space left on device");
        let code = if full { Code::T0003 } else { self.code };
        Err(Problem::new(code, format!("{}: qemu-img: {}", self.whose, answer.complaint)))
    }
}

/// A qcow2 file in which nothing was written yet.
async fn blank(file: &Path, size: u64, base: Option<PathBuf>) -> Result<(), Problem> {
    let path = file.to_owned();
    let create = move || {
        let unfinished = files::unfinished(&path);
        files::remove(&unfinished)?;
        qcow2::create(&unfinished, size, base.as_deref().map(qcow2::Backing::plain))?;
        files::finish(&path, files::PRIVATE)
    };
    files::apart(file, create).await
}

/// What needs no tool: the firmware's variables, and an empty console.
pub fn small_files(dir: &Path, version_dir: &Path) -> io::Result<()> {
    // libvirt gives this to QEMU's user, and needs it to be there for that.
    let console = dir.join(layout::CONSOLE_FILE);
    if !console.exists() {
        // Nothing is in it, so there is nothing to wait for: it is made anew if it is not there.
        fs::OpenOptions::new().write(true).create_new(true).mode(files::PRIVATE).open(&console)?;
    }
    let (from, to) = (version_dir.join(layout::NVRAM_FILE), dir.join(layout::NVRAM_FILE));
    if from.exists() && !to.exists() {
        files::write(&to, &fs::read(&from)?, files::PRIVATE)?;
    }
    Ok(())
}
