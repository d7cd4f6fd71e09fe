//! Taking frames from the spool kept here: a source's own copy of what it published from a working
//! copy is made without any peer.
//!
//! The spool is trusted no more than a peer: the frame is checked by its digest, then each leaf by its
//! own. One that is wrong only means that it comes over the network.

use crate::{
    assemble::{AssembleError, Assembly},
    frame::{self, FrameBytes, FrameForm, Wanted},
    present::Present,
    progress::Progress,
    references::References,
    scan,
    spool::Spool,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio_util::sync::CancellationToken;

/// Writes every missing leaf of which the spool has the frame, or the frame's difference and `references`
/// what that stands on.
pub(crate) fn copy(
    assembly: &Assembly,
    spool: &Spool,
    references: &References,
    present: &Present,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<(), AssembleError> {
    let manifest = &assembly.manifest;
    let spooled = |wanted: &Wanted<'_>| wanted.name().is_some_and(|(name, _)| spool.contains(&name));
    let useful = (0..).zip(manifest.frames()).filter(|(_, frame)| !present.has_all(manifest, &frame.leaves));
    let useful = useful.filter_map(|(number, frame)| {
        let difference = manifest.difference_of(number).filter(|difference| references.has(difference));
        let difference = difference.map(|difference| Wanted::Difference(frame, difference));
        [Some(Wanted::Frame(frame)), difference].into_iter().flatten().find(spooled)
    });
    let useful: Vec<Wanted<'_>> = useful.collect();
    let next = AtomicUsize::new(0);
    let next = || Ok(useful.get(next.fetch_add(1, Ordering::Relaxed)).copied());
    let mut workers = vec![(); scan::workers()];
    scan::in_parallel(cancel, &mut workers, next, |(), wanted: Wanted<'_>| {
        let Some((name, _)) = wanted.name() else { return Ok(()) };
        let Ok(Some(bytes)) = spool.read(&name) else { return Ok(()) };
        let kept = FrameBytes { form: FrameForm::Named, bytes };
        let Ok(window) = references.window_of(manifest, wanted) else { return Ok(()) };
        let Ok(leaves) = frame::open(manifest, wanted, &kept, &window) else { return Ok(()) };
        assembly.place_together(wanted.ordinals(), &leaves, present, progress)?;
        progress.add_local(leaves.len() as u64);
        Ok(())
    })
}
