//! Unpacking a bundle: what is here already, then what it brings, each frame and leaf checked like a peer's.
//!
//! It ends with the files complete and flushed, and still unverified: that is `verify`'s part. What an
//! interrupted unpacking left is gone on from, by its journal.

use super::{BadBundle, Head, ReadError, Reader};
use crate::{
    assemble::{AssembleError, Assembly},
    clone, frame,
    frame::{FrameForm, Wanted},
    layout,
    manifest::Manifest,
    present::Present,
    progress::{Progress, Stage},
    scan::{self, ScanError},
    seeds::{self, Seed},
    spool::Spool,
};
use diecast_domain::{
    bundle::Since,
    code::{Code, Problem},
    digest::Digest,
    units::ByteCount,
};
use std::{
    collections::HashSet,
    io::Read,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// Where a bundle is unpacked.
#[derive(Clone, Debug)]
pub struct UnpackOrder {
    /// The directory of unfinished versions; this one goes into `<incoming>/<hex>/`.
    pub incoming: PathBuf,
    /// Other versions on this provider.
    pub seeds: Vec<Seed>,
    /// Keeps the compressed frames, for peers that are to have the version too.
    pub spool: Option<Arc<Spool>>,
    /// What must stay free on the disk.
    pub floor: ByteCount,
    pub progress: Arc<Progress>,
    pub cancel: CancellationToken,
}

#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    #[error("{0}")]
    Read(ReadError),
    #[error("{leaves} leaves ({bytes}) are neither in the bundle nor here")]
    Lacking { since: Option<Since>, leaves: usize, bytes: ByteCount },
    #[error("the files could not be filled")]
    Assemble(#[source] AssembleError),
    #[error("cancelled")]
    Cancelled,
}

impl From<ReadError> for UnpackError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

impl From<AssembleError> for UnpackError {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Cancelled => Self::Cancelled,
            error => Self::Assemble(error),
        }
    }
}

impl From<ScanError> for UnpackError {
    fn from(error: ScanError) -> Self {
        AssembleError::from(error).into()
    }
}

impl UnpackError {
    /// What the administrator is told; none if it was cancelled or broke off, which is somebody else's to tell.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Read(ReadError::Bad(bad)) => Some(bad.problem()),
            Self::Read(ReadError::Broken(_)) | Self::Cancelled => None,
            Self::Lacking { since, leaves, bytes } => {
                let only = since.map_or_else(String::new, |since| {
                    format!("the bundle has only what is new since {since}; ")
                });
                let cause =
                    format!("{only}{leaves} leaves ({bytes}) are neither in it nor in a version here");
                Some(Problem::new(Code::T0022, cause))
            }
            Self::Assemble(error) => error.problem(),
        }
    }

    /// Nothing more can come of what was unpacked so far.
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Read(ReadError::Bad(_)) | Self::Lacking { .. })
    }
}

/// Leaves that are in neither the bundle nor one of these versions, by what their manifests say.
pub fn lacking(head: &Head, seeds: &[Seed]) -> Result<(), UnpackError> {
    let name = |manifest: &Manifest, ordinal| *manifest.leaf_name(ordinal);
    let held = seeds.iter().flat_map(|seed| (0..seed.manifest.ordinals()).map(|it| name(&seed.manifest, it)));
    let held: HashSet<Digest> = held.collect();
    let there =
        |ordinal: &u32| head.carried.has(*ordinal) || held.contains(head.manifest.leaf_name(*ordinal));
    none_of(head, (0..head.manifest.ordinals()).filter(|ordinal| !there(ordinal)))
}

fn none_of(head: &Head, lacking: impl Iterator<Item = u32>) -> Result<(), UnpackError> {
    let lacking: Vec<u32> = lacking.collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let bytes = ByteCount(head.manifest.decoded_length(&lacking) as u64);
    Err(UnpackError::Lacking { since: head.header.since, leaves: lacking.len(), bytes })
}

/// Reads the bundle to its end into `incoming`. Blocks for as long as it comes.
pub fn unpack<R: Read + Send>(reader: Reader<R>, order: &UnpackOrder) -> Result<PathBuf, UnpackError> {
    let UnpackOrder { incoming, seeds, floor, progress, cancel, .. } = order;
    let head = reader.head().clone();
    lacking(&head, seeds)?;
    let dir = layout::version_dir(incoming, &head.manifest.digest());
    progress.begin(Stage::Checking, head.manifest.data_bytes().0);
    let (assembly, present) = Assembly::resume(head.manifest.clone(), &dir, *floor, progress, cancel)?;
    let filled = fill(reader, &head, order, &assembly, &present);
    if filled.is_err() {
        assembly.pause()?;
    }
    filled?;
    progress.enter(Stage::Flushing);
    assembly.finish()?;
    Ok(dir)
}

fn fill<R: Read + Send>(
    reader: Reader<R>,
    head: &Head,
    order: &UnpackOrder,
    assembly: &Assembly,
    present: &Present,
) -> Result<(), UnpackError> {
    let UnpackOrder { seeds, spool, progress, cancel, .. } = order;
    clone::disks(assembly, seeds, present, progress)?;
    seeds::copy(assembly, seeds, present, progress, cancel)?;
    let manifest = &head.manifest;
    // One that was to have some cannot be read: that is known before the bundle is.
    let there = |it: &u32| head.carried.has(*it) || present.has_everywhere(manifest, *it);
    none_of(head, (0..manifest.ordinals()).filter(|ordinal| !there(ordinal)))?;
    progress.enter(Stage::Fetching);
    let reader = Mutex::new(reader);
    let next = || Ok(reader.lock().unwrap_or_else(PoisonError::into_inner).next()?);
    let mut workers = vec![(); scan::workers()];
    scan::in_parallel(cancel, &mut workers, next, |(), piece: super::read::Piece| {
        let wanted = piece.wanted(head);
        let leaves = frame::open(manifest, wanted, &piece.sent, &[])
            .map_err(|wrong| UnpackError::Read(BadBundle::Piece(wrong).into()))?;
        if !present.has_all(manifest, wanted.ordinals()) {
            assembly.place_together(wanted.ordinals(), &leaves, present, progress)?;
        }
        if let (Some(spool), Wanted::Frame(frame), FrameForm::Named) = (spool, wanted, piece.sent.form)
            && let Err(error) = spool.append(&frame.digest, &piece.sent.bytes)
        {
            // It is a cache: a frame that it does not take is rebuilt when somebody asks.
            tracing::debug!(error = &error as &dyn std::error::Error, "a frame was not kept");
        }
        Ok::<_, UnpackError>(())
    })
}
