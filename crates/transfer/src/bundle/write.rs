//! Writing a bundle: what a depot gives, one piece after the other, as fast as it is taken.
//!
//! A frame of which every leaf is wanted goes as it is; of others only the leaves that are, gathered anew.

use super::{Carried, END, FRAME, Head, LEAVES, PIECE_BYTES, form_byte};
use crate::{
    depot::DepotError,
    frame::FrameBytes,
    limits::FRAME_LEAVES_MAX,
    manifest::Manifest,
    progress::{Progress, Stage},
    scan::{self, ScanError},
};
use bytes::Bytes;
use diecast_domain::{bundle::Header, digest::Digest, units::ByteCount};
use std::{
    collections::HashSet,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio_util::sync::CancellationToken;

/// What a depot is asked for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    Frame(&'a Digest),
    /// By ordinal, 1 to 16 of them, rising.
    Leaves(&'a [u32]),
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{0}")]
    Depot(DepotError),
    /// Nobody takes what is written any more.
    #[error("the bundle could not be written on")]
    Out(#[source] io::Error),
    #[error("cancelled")]
    Cancelled,
}

impl From<ScanError> for PackError {
    fn from(_: ScanError) -> Self {
        // Nothing is scanned here: that is the only one there is.
        Self::Cancelled
    }
}

/// One piece to be written.
enum Part {
    Frame(u32),
    Leaves(Box<[u32]>),
}

/// Writes a version, without the leaves that `since` has, and gives how much data of leaves that was. `give`
/// reads the disk and may be asked from several threads; `out` takes what is written, in order. Blocks.
pub fn write(
    manifest: &Arc<Manifest>,
    since: Option<&Manifest>,
    header: Header,
    give: impl Fn(Asked<'_>) -> Result<FrameBytes, DepotError> + Sync,
    out: impl FnMut(Bytes) -> io::Result<()> + Send,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<ByteCount, PackError> {
    let (carried, parts) = plan(manifest, since);
    let data = carried.data(manifest);
    progress.begin(Stage::Reading, data.0);
    let head = Head { header, manifest: manifest.clone(), carried };
    let mut emitter = Emitter { hasher: blake3::Hasher::new(), out };
    emitter.emit(&head.encode())?;
    let emitter = Mutex::new(emitter);
    let next = AtomicUsize::new(0);
    let next = || Ok(parts.get(next.fetch_add(1, Ordering::Relaxed)));
    let mut workers = vec![(); scan::workers()];
    scan::in_parallel(cancel, &mut workers, next, |(), part: &Part| {
        let (mut record, asked, ordinals) = match part {
            Part::Frame(number) => {
                let frame = &manifest.frames()[*number as usize];
                let record = [&[FRAME][..], &number.to_le_bytes()].concat();
                (record, Asked::Frame(&frame.digest), &frame.leaves)
            }
            Part::Leaves(ordinals) => {
                let mut record = vec![LEAVES, ordinals.len() as u8];
                record.extend(ordinals.iter().flat_map(|ordinal| ordinal.to_le_bytes()));
                (record, Asked::Leaves(ordinals), ordinals)
            }
        };
        let given = give(asked).map_err(PackError::Depot)?;
        record.push(form_byte(given.form));
        record.extend((given.bytes.len() as u32).to_le_bytes());
        record.extend(&given.bytes);
        emitter.lock().unwrap_or_else(PoisonError::into_inner).emit(&record)?;
        progress.add_done(manifest.decoded_length(ordinals) as u64);
        Ok::<_, PackError>(())
    })?;
    let mut emitter = emitter.into_inner().unwrap_or_else(PoisonError::into_inner);
    emitter.emit(&[END])?;
    let all = emitter.hasher.finalize();
    emitter.emit(all.as_bytes())?;
    Ok(data)
}

fn plan(manifest: &Manifest, since: Option<&Manifest>) -> (Carried, Vec<Part>) {
    let there: HashSet<Digest> =
        since.iter().flat_map(|since| (0..since.ordinals()).map(|it| *since.leaf_name(it))).collect();
    let mut carried = Carried::none(manifest);
    for ordinal in 0..manifest.ordinals() {
        if !there.contains(manifest.leaf_name(ordinal)) {
            carried.set(ordinal);
        }
    }
    let mut parts = Vec::new();
    let mut gathered: Vec<u32> = manifest.loose().iter().copied().filter(|it| carried.has(*it)).collect();
    for (number, frame) in (0..).zip(manifest.frames()) {
        if frame.leaves.iter().all(|ordinal| carried.has(*ordinal)) {
            parts.push(Part::Frame(number));
        } else {
            gathered.extend(frame.leaves.iter().copied().filter(|ordinal| carried.has(*ordinal)));
        }
    }
    gathered.sort_unstable();
    parts.extend(gathered.chunks(FRAME_LEAVES_MAX).map(|group| Part::Leaves(group.into())));
    (carried, parts)
}

struct Emitter<F> {
    hasher: blake3::Hasher,
    out: F,
}

impl<F: FnMut(Bytes) -> io::Result<()>> Emitter<F> {
    fn emit(&mut self, bytes: &[u8]) -> Result<(), PackError> {
        self.hasher.update(bytes);
        for piece in bytes.chunks(PIECE_BYTES) {
            (self.out)(Bytes::copy_from_slice(piece)).map_err(PackError::Out)?;
        }
        Ok(())
    }
}
