//! Publishing: reads finished disks once, and makes the manifest and the first spool of a version.
//!
//! Each worker takes a block of up to 16 leaves, skips zeroes, hashes the rest, and gathers those
//! that nobody has met before until they fill a frame, which it compresses and spools: a small version is cut
//! into smaller ones (ADR 0022). The digest
//! depends on the bytes only: holes, threads and compression do not change it.

use crate::{
    gather::{Cut, Gather},
    leaf::{self, Place},
    manifest::{BadManifest, Differences, Manifest, Packing},
    progress::{Progress, Stage},
    scan::{self, Block, ScanError, ScanFile},
    spool::{Spool, SpoolError},
    sys,
    verify::BadLeaf,
};
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
    units::ByteCount,
};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::PathBuf,
    sync::Mutex,
};
use tokio_util::sync::CancellationToken;

/// A finished disk: a plain raw file on a local disk, with holes or without, that nobody writes to.
#[derive(Clone, Debug)]
pub struct DiskInput {
    /// What it is called in the version: `disk0`.
    pub name: String,
    pub path: PathBuf,
}

#[derive(Clone, Debug, Default)]
pub struct PublishInput {
    pub disks: Vec<DiskInput>,
    pub nvram: Option<Vec<u8>>,
    /// The hardware profile in canonical JSON. Here it is only bytes.
    pub profile: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is not a plain file")]
    NotAFile { path: PathBuf },
    #[error("{leaf} of version {} does not have its digest any more", version.short())]
    Damaged { version: Digest, leaf: BadLeaf },
    #[error("the map of {overlay} cannot be: {what}")]
    Map { overlay: PathBuf, what: &'static str },
    #[error("could not keep the compressed frames")]
    Spool(#[source] SpoolError),
    #[error("could not compress")]
    Compress(#[source] io::Error),
    #[error("the disks cannot be a version")]
    Manifest(#[source] BadManifest),
    #[error("cancelled")]
    Cancelled,
}

impl From<ScanError> for PublishError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Read { path, source } => Self::Read { path, source },
            ScanError::Cancelled => Self::Cancelled,
        }
    }
}

impl PublishError {
    /// What the administrator is told; none if it was cancelled, which somebody wanted.
    pub fn problem(&self) -> Option<Problem> {
        Some(match self {
            Self::Read { source, .. } => {
                let gone = source.kind() == io::ErrorKind::NotFound;
                let code = if gone { Code::V0002 } else { Code::T0005 };
                Problem::new(code, format!("the publication {self}: {source}"))
            }
            Self::NotAFile { .. } => {
                Problem::new(Code::V0009, format!("the disk cannot be published: {self}"))
            }
            Self::Damaged { .. } => Problem::new(Code::T0008, format!("Nothing was published: {self}.")),
            Self::Map { .. } => Problem::new(Code::V0004, format!("Nothing was published: {self}.")),
            Self::Spool(error) => crate::write_problem(error, std::error::Error::source(error)),
            Self::Compress(source) => Problem::new(Code::S0004, format!("the publication {self}: {source}")),
            Self::Manifest(error) => error.problem(),
            Self::Cancelled => return None,
        })
    }
}

/// Reads the disks into a manifest; the compressed frames go into `spool`. Blocks for minutes: call
/// it from a thread that may. Compares nothing before and after: holding the disks still is the
/// caller's part.
pub fn publish(
    input: PublishInput,
    spool: &Spool,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Manifest, PublishError> {
    let files = input.disks.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let data = scan::data_bytes(&files)?;
    progress.begin(Stage::Publishing, data);
    let cut = Cut::of(data);

    let met = Mutex::new(HashSet::new());
    let new = |_| {
        let gather = Gather::new(spool, cut).map_err(PublishError::Compress)?;
        Ok::<_, PublishError>(Worker { gather, leaves: Vec::new() })
    };
    let mut workers = (0..scan::workers()).map(new).collect::<Result<Vec<_>, _>>()?;
    scan::scan(&files, cancel, &mut workers, |worker, block: Block<'_>| {
        worker.take(block, &met)?;
        progress.add_done(block.bytes.len() as u64);
        Ok::<_, PublishError>(())
    })?;

    let mut leaves = Vec::new();
    let mut frames = Vec::new();
    for mut worker in workers {
        leaves.append(&mut worker.leaves);
        frames.append(&mut worker.gather.end()?);
    }
    let sizes = files.iter().map(|file| ByteCount(file.size));
    let disks = input.disks.into_iter().map(|disk| disk.name).zip(sizes).collect();
    let packing = |ordinals: &HashMap<Digest, u32>| {
        let mut frames: Vec<_> = frames.iter().map(|packed| packed.numbered(ordinals)).collect();
        frames.sort_unstable_by_key(|frame| frame.leaves[0]);
        Packing { level: cut.level, frames, loose_wire: 0, differences: Differences::default() }
    };
    Manifest::build(disks, leaves, input.nvram, input.profile, packing).map_err(PublishError::Manifest)
}

fn open(disk: &DiskInput) -> Result<ScanFile, PublishError> {
    let failed = |source| PublishError::Read { path: disk.path.clone(), source };
    let file = sys::open_direct(&disk.path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(PublishError::NotAFile { path: disk.path.clone() });
    }
    Ok(ScanFile { file, path: disk.path.clone(), size: metadata.len() })
}

struct Worker<'a> {
    gather: Gather<'a>,
    leaves: Vec<(Place, Digest)>,
}

impl Worker<'_> {
    fn take(&mut self, block: Block<'_>, met: &Mutex<HashSet<Digest>>) -> Result<(), PublishError> {
        for (number, bytes) in block.leaves() {
            if leaf::is_zero(bytes) {
                continue;
            }
            let name = leaf::digest_of(bytes);
            self.leaves.push((Place { disk: block.disk as u16, leaf: number }, name));
            if met.lock().expect("inserting does not panic").insert(name) {
                self.gather.add(name, bytes)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "publish_tests.rs"]
mod tests;
