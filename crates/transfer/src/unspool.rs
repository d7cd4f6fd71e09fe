//! Taking frames from the spool kept here: a source's own copy of what it published from a working
//! copy is made without any peer.
//!
//! The spool is trusted no more than a peer: the frame is checked by its digest, then each leaf by its
//! own. One that is wrong only means that it comes over the network.

use crate::{
    assemble::{AssembleError, Assembly},
    frame::{self, FrameBytes, FrameForm, Wanted},
    manifest::Frame,
    present::Present,
    progress::Progress,
    scan,
    spool::Spool,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// Writes every missing leaf of which the spool has the frame.
pub(crate) fn copy(
    assembly: &Assembly,
    spool: &Spool,
    present: &Present,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<(), AssembleError> {
    let manifest = &assembly.manifest;
    let useful = |frame: &&Frame| spool.contains(&frame.digest) && !present.has_all(manifest, &frame.leaves);
    let useful: Vec<&Frame> = manifest.frames().iter().filter(useful).collect();
    let next = AtomicUsize::new(0);
    let next = || Ok(useful.get(next.fetch_add(1, Ordering::Relaxed)));
    let mut workers = vec![(); scan::workers()];
    scan::in_parallel(cancel, &mut workers, next, |(), frame: &&Frame| {
        let Ok(Some(bytes)) = spool.read(&frame.digest) else { return Ok(()) };
        let kept = FrameBytes { form: FrameForm::Named, bytes };
        let Ok(leaves) = frame::open(manifest, Wanted::Frame(frame), &kept) else { return Ok(()) };
        assembly.place_together(&frame.leaves, &leaves, present, progress)?;
        progress.add_local(leaves.len() as u64);
        Ok(())
    })
}
