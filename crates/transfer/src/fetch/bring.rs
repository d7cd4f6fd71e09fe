//! One frame, or some loose leaves, from one source into place: in the smallest form that is of use here.
//!
//! A difference needs what it stands on: leaves of other versions here, which are hashed when they are read. A
//! peer is blamed for bytes that are not those it was asked for, and for nothing else: not for a leaf that has
//! rotted here, nor for a manifest whose difference does not give its frame.

use super::{FetchOrder, Missing};
use crate::{
    assemble::{AssembleError, Assembly},
    frame::{self, FrameBytes, FrameForm, Wanted, WrongBytes},
    parts::{Part, Parts},
    present::Present,
    references::{NoWindow, References},
    scan,
    verify::Damage,
    wire::{NoFrame, Way},
};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::Source,
};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// What the fetching of one frame needs.
pub(super) struct Site {
    pub(super) order: Arc<FetchOrder>,
    pub(super) assembly: Assembly,
    present: Present,
    /// What differences stand on.
    references: References,
    /// A difference did not give its leaves although it has its name: the manifest's differences are not to
    /// be used.
    unfit: AtomicBool,
    /// Sources that could not give the difference of a frame that they gave.
    without: Mutex<HashSet<ProviderId>>,
    /// What was missing when fetching began.
    pub(super) missing: Vec<Missing>,
    pub(super) parts: Parts,
    /// Frames that may be decoded and written at once: more would only wait for each other.
    workers: Semaphore,
}

impl Site {
    pub(super) fn new(
        order: Arc<FetchOrder>,
        assembly: Assembly,
        present: Present,
        references: References,
        missing: Vec<Missing>,
        parts: Parts,
    ) -> Self {
        let (unfit, without) = (AtomicBool::new(false), Mutex::default());
        let workers = Semaphore::new(scan::workers());
        Self { order, assembly, present, references, unfit, without, missing, parts, workers }
    }

    fn wanted(&self, number: usize, differing: bool) -> Wanted<'_> {
        let manifest = &self.order.manifest;
        match &self.missing[number] {
            Missing::Frame(number) => {
                let frame = &manifest.frames()[*number as usize];
                let difference = manifest.difference_of(*number).filter(|_| differing);
                difference.map_or(Wanted::Frame(frame), |difference| Wanted::Difference(frame, difference))
            }
            Missing::Loose(ordinals) => Wanted::Loose(ordinals),
        }
    }

    /// Whether to ask this source for the difference.
    fn can_differ(&self, number: usize, source: ProviderId) -> bool {
        let Wanted::Difference(_, difference) = self.wanted(number, true) else { return false };
        let gives = || !self.without.lock().unwrap_or_else(PoisonError::into_inner).contains(&source);
        !self.unfit.load(Ordering::Relaxed) && self.references.has(difference) && gives()
    }

    fn gives_no_differences(&self, source: ProviderId) {
        self.without.lock().unwrap_or_else(PoisonError::into_inner).insert(source);
    }

    /// It has its name, so whoever sent it sent what the manifest says: that is what is wrong.
    fn is_unfit(&self, wrong: &WrongBytes) {
        if !self.unfit.swap(true, Ordering::Relaxed) {
            let version = self.order.manifest.digest();
            let cause = format!(
                "a difference in the manifest of version {} does not give its frame ({wrong}); all frames are \
                 fetched as they are",
                version.short()
            );
            self.order.progress.notice(Problem::new(Code::T0007, cause));
        }
    }
}

/// Why a frame is not in place.
pub(super) enum Trouble {
    /// It came from somewhere else first.
    Superseded,
    NoFrame(NoFrame),
    Wrong(WrongBytes),
    /// The difference cannot be used here, and nobody who sends it is at fault.
    Unfit,
    Here(AssembleError),
}

/// How one thing is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    pub(super) number: usize,
    /// Of a second copy nothing is kept on the way: the first is.
    pub(super) is_first: bool,
    /// Another could give it.
    pub(super) in_hurry: bool,
    /// As the difference.
    pub(super) differing: bool,
}

/// One frame, or some loose leaves, from one source into place: in the smallest form that is of use here.
pub(super) async fn bring(site: Arc<Site>, asking: Asking, source: Arc<Source>) -> Result<(), Trouble> {
    let plain = Asking { differing: false, ..asking };
    if !site.can_differ(asking.number, source.provider) {
        return bring_as(&site, plain, &source).await;
    }
    match bring_as(&site, Asking { differing: true, ..asking }, &source).await {
        // It does not hold the version before, or is of a release that knows no differences.
        Err(Trouble::NoFrame(NoFrame::Refused { status: 404, .. })) => {
            let brought = bring_as(&site, plain, &source).await;
            if brought.is_ok() {
                site.gives_no_differences(source.provider);
            }
            brought
        }
        Err(Trouble::Unfit) => bring_as(&site, plain, &source).await,
        brought => brought,
    }
}

async fn bring_as(site: &Arc<Site>, asking: Asking, source: &Source) -> Result<(), Trouble> {
    let order = &site.order;
    let wanted = site.wanted(asking.number, asking.differing);
    let mut part = if asking.is_first { site.parts.part(wanted) } else { Part::default() };
    let resumed = !part.kept().is_empty();
    let patience = if asking.in_hurry { order.patience.hurried() } else { order.patience };
    let pace = order.links.of(source.provider).unwrap_or_else(|| order.pace.clone());
    let way = Way { patience: &patience, pace: &pace, progress: &order.progress };
    let got = order.client.get(source, &order.manifest, wanted, way, &mut part);
    let sent = match got.await {
        Ok(sent) => sent,
        Err(trouble) => {
            if matches!(trouble, NoFrame::TooLong { .. } | NoFrame::Refused { .. }) {
                part.discard();
            }
            return Err(Trouble::NoFrame(trouble));
        }
    };
    let work = {
        let site = site.clone();
        move || site.put(asking, &sent, part, resumed)
    };
    let _turn = site.workers.acquire().await.expect("nobody closes it");
    match spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Trouble::Here(AssembleError::Cancelled)),
        },
    }
}

impl Site {
    /// Checks what arrived, and writes it to its places.
    fn put(&self, asking: Asking, sent: &FrameBytes, mut part: Part, resumed: bool) -> Result<(), Trouble> {
        let Self { order, assembly, present, .. } = self;
        let wanted = self.wanted(asking.number, asking.differing);
        let window = self.references.window_of(&order.manifest, wanted).map_err(|none| {
            part.discard();
            if let NoWindow::Damaged(version, leaf) = none {
                let damage = Damage { leaves: vec![leaf], ..Damage::default() };
                order.progress.damaged_seed(version, damage);
            }
            Trouble::Unfit
        })?;
        let opened = frame::open(&order.manifest, wanted, sent, &window);
        let leaves = opened.map_err(|wrong| {
            part.discard();
            let has_its_name = matches!(wrong, WrongBytes::NotDecodable { .. } | WrongBytes::Leaf { .. });
            if asking.differing && sent.form == FrameForm::Named && has_its_name {
                self.is_unfit(&wrong);
                return Trouble::Unfit;
            }
            // The first part lay on our disk: nobody says that it was the source.
            let cause = format!("what was kept of a frame did not fit: {wrong}");
            let ours = NoFrame::Broken { address: "this provider".into(), cause };
            if resumed { Trouble::NoFrame(ours) } else { Trouble::Wrong(wrong) }
        })?;
        drop(window);
        let ordinals = wanted.ordinals();
        let placed = assembly.place_together(ordinals, &leaves, present, &order.progress);
        placed.map_err(Trouble::Here)?;
        part.discard();
        if let (Wanted::Difference(frame, difference), FrameForm::Named) = (wanted, sent.form) {
            order.progress.add_by_difference(u64::from(frame.length - difference.length));
        }
        if let (Some(spool), Some((name, _)), FrameForm::Named) = (&order.spool, wanted.name(), sent.form) {
            // It is a cache: a frame that it does not take is rebuilt when somebody asks.
            if let Err(error) = spool.append(&name, &sent.bytes) {
                tracing::debug!(error = &error as &dyn std::error::Error, "a frame was not kept");
            }
        }
        Ok(())
    }
}
