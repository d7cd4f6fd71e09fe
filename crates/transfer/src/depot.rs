//! The depot: serves frames of the versions held here, from the spool or out of the plain files.
//!
//! It never hands out a byte that it did not just check. What carries the bytes (HTTP, a test) is
//! somebody else's part, and so is who may ask.

use crate::{
    frame::{FrameBytes, FrameForm, Packer},
    leaf,
    manifest::{Encoding, Frame, Manifest},
    spool::Spool,
    verify::BadLeaf,
};
use bytes::Bytes;
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
};
use std::{
    collections::HashMap,
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

/// A version that is served.
#[derive(Clone, Debug)]
pub struct Holding {
    pub manifest: Arc<Manifest>,
    /// The directory with its disks.
    pub dir: PathBuf,
    pub spool: Option<Arc<Spool>>,
    /// It was verified. Of one still being filled, what is missing is simply not held.
    pub complete: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    #[error("version {} is not held here", version.short())]
    NoSuchVersion { version: Digest },
    #[error("version {} has no frame {}", version.short(), frame.short())]
    NoSuchFrame { version: Digest, frame: Digest },
    #[error("frame {} is not here yet", frame.short())]
    NotYet { frame: Digest },
    #[error("{leaf} of version {} does not have its digest any more", version.short())]
    Damaged { version: Digest, leaf: BadLeaf },
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not compress a frame")]
    Compress(#[source] io::Error),
}

impl DepotError {
    pub fn problem(&self) -> Problem {
        match self {
            Self::NoSuchVersion { .. } | Self::NoSuchFrame { .. } | Self::NotYet { .. } => {
                Problem::new(Code::A0004, format!("No frame was sent: {self}."))
            }
            Self::Damaged { .. } => Problem::new(Code::T0008, format!("No frame was sent: {self}.")),
            Self::Read { source, .. } => Problem::new(Code::T0005, format!("the depot {self}: {source}")),
            Self::Compress(source) => Problem::new(Code::S0004, format!("the depot {self}: {source}")),
        }
    }
}

#[derive(Debug, Default)]
pub struct Depot {
    held: RwLock<HashMap<Digest, Arc<Served>>>,
}

#[derive(Debug)]
struct Served {
    holding: Holding,
    frames: HashMap<Digest, u32>,
}

impl Depot {
    /// Serves a version, in place of what was known of it before.
    pub fn hold(&self, holding: Holding) {
        let names = holding.manifest.frames().iter().map(|frame| frame.digest);
        let frames = names.zip(0..).collect();
        let digest = holding.manifest.digest();
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(digest, Arc::new(Served { holding, frames }));
    }

    /// Serves it no more. Requests under way still end.
    pub fn release(&self, version: &Digest) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(version);
    }

    pub fn versions(&self) -> Vec<Digest> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys().copied().collect()
    }

    #[cfg(test)]
    pub(crate) fn frame_manifest(&self, version: &Digest) -> Arc<Manifest> {
        self.held.read().unwrap()[version].holding.manifest.clone()
    }

    /// One frame. Reads the disk and may compress 1 MiB: call it from a thread that may block.
    pub fn frame(&self, version: &Digest, frame: &Digest) -> Result<FrameBytes, DepotError> {
        let served = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            held.get(version).cloned().ok_or(DepotError::NoSuchVersion { version: *version })?
        };
        served.frame(frame)
    }
}

impl Served {
    fn frame(&self, name: &Digest) -> Result<FrameBytes, DepotError> {
        let manifest = &self.holding.manifest;
        let number = self.frames.get(name).ok_or_else(|| {
            let version = manifest.digest();
            DepotError::NoSuchFrame { version, frame: *name }
        })?;
        let frame = &manifest.frames()[*number as usize];
        if let Some(bytes) = self.spooled(frame) {
            return Ok(FrameBytes { form: FrameForm::Named, bytes });
        }
        let leaves = self.read_leaves(frame)?;
        if frame.encoding == Encoding::Stored {
            return Ok(FrameBytes { form: FrameForm::Named, bytes: leaves.into() });
        }
        let mut packer = Packer::new(manifest.level()).map_err(DepotError::Compress)?;
        let (_, packed) = packer.pack(&leaves).map_err(DepotError::Compress)?;
        Ok(if leaf::digest_of(&packed) == frame.digest {
            FrameBytes { form: FrameForm::Named, bytes: packed.into() }
        } else {
            FrameBytes { form: FrameForm::Leaves, bytes: leaves.into() }
        })
    }

    /// A spool that cannot be read is a spool that has nothing.
    fn spooled(&self, frame: &Frame) -> Option<Bytes> {
        let bytes = self.holding.spool.as_ref()?.read(&frame.digest).unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "a spool was passed over");
            None
        });
        bytes.filter(|bytes| bytes.len() == frame.length as usize)
    }

    fn read_leaves(&self, frame: &Frame) -> Result<Vec<u8>, DepotError> {
        let manifest = &self.holding.manifest;
        let mut leaves = vec![0; manifest.decoded_length(frame)];
        let mut rest = &mut leaves[..];
        let mut open: Option<(u16, File)> = None;
        for ordinal in &frame.leaves {
            let place = manifest.places(*ordinal)[0];
            let disk = &manifest.disks()[usize::from(place.disk)];
            let path = self.holding.dir.join(disk.file_name());
            let failed = |source| DepotError::Read { path: path.clone(), source };
            let file = match &mut open {
                Some((number, file)) if *number == place.disk => file,
                other => {
                    let file = File::open(&path).map_err(failed)?;
                    &mut other.insert((place.disk, file)).1
                }
            };
            let (bytes, after) = rest.split_at_mut(manifest.leaf_length(*ordinal));
            let intact = match file.read_exact_at(bytes, place.offset()) {
                Ok(()) => leaf::digest_of(bytes) == *manifest.leaf_name(*ordinal),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                Err(source) => return Err(failed(source)),
            };
            if !intact {
                return Err(self.lacks(frame, BadLeaf::new(disk.name(), place.leaf)));
            }
            rest = after;
        }
        Ok(leaves)
    }

    fn lacks(&self, frame: &Frame, leaf: BadLeaf) -> DepotError {
        if self.holding.complete {
            DepotError::Damaged { version: self.holding.manifest.digest(), leaf }
        } else {
            DepotError::NotYet { frame: frame.digest }
        }
    }
}

#[cfg(test)]
#[path = "depot_tests.rs"]
mod tests;
