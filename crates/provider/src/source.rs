//! A golden machine that is held open for reading.

use crate::image::lock::ImageLock;
use diecast_domain::{profile::HardwareProfile, units::ByteCount};
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};
use uuid::Uuid;

/// Told `(done, total)` in bytes of what the guest sees.
pub type Progress = Arc<dyn Fn(ByteCount, ByteCount) + Send + Sync>;

/// A progress that nobody watches.
pub fn unwatched() -> Progress {
    Arc::new(|_, _| ())
}

/// A machine, or a lone image, whose files no QEMU may write while this lives.
#[derive(Debug)]
pub struct SourceMachine {
    pub name: String,
    pub profile: HardwareProfile,
    /// In the order of the profile's slots.
    pub disks: Vec<SourceDisk>,
    /// The variables of its UEFI firmware.
    pub nvram: Option<Vec<u8>>,
    pub fingerprint: Fingerprint,
    /// What the administrator should know, in sentences.
    pub warnings: Vec<String>,
    pub(crate) locks: Vec<ImageLock>,
}

/// One disk of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDisk {
    /// `disk0`, `disk1`, ...
    pub slot: String,
    pub path: PathBuf,
    pub format: ImageFormat,
    /// Every file that is read, the disk itself first and the base last.
    pub chain: Vec<PathBuf>,
    /// One for each of the chain.
    pub formats: Vec<ImageFormat>,
    pub virtual_size: ByteCount,
    /// Bytes that the files occupy: what a copy without its holes costs at most, unless compressed.
    pub data_estimate: ByteCount,
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    Raw,
    Qcow2,
    Vmdk,
    Vhdx,
}

impl ImageFormat {
    /// QEMU's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
            Self::Vmdk => "vmdk",
            Self::Vhdx => "vhdx",
        }
    }

    pub fn from_qemu(word: &str) -> Option<Self> {
        [Self::Raw, Self::Qcow2, Self::Vmdk, Self::Vhdx].into_iter().find(|format| format.as_str() == word)
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What must be alike before and after reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The machine, if the files belong to one.
    pub machine: Option<Uuid>,
    pub files: Vec<FileStamp>,
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp {
    pub path: PathBuf,
    pub device: u64,
    pub inode: u64,
    pub size: u64,
    pub modified: SystemTime,
}

impl FileStamp {
    pub fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: meta.modified()?,
        })
    }
}
