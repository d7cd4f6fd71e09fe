//! Fetching a version: check what is there, take what other versions hold, get the rest from peers.
//!
//! ```text
//!   journal, else ──► clone, copy from seeds, ──► frames,       source A ┐
//!   check incoming    frames of our own spool     loose leaves: source B ┼─► digest ─► decode ─►
//!   (this is resume)  (hash, then write)                        source C ┘   each leaf's digest ─►
//!                                               write ─► ... ─► journal of what is durable ─► fdatasync
//! ```
//!
//! It ends with the files complete and flushed, and still unverified: that is `verify`'s part.

use crate::{
    assemble::{AssembleError, Assembly, failed},
    clone,
    frame::{self, Wanted, WrongBytes},
    journal, layout,
    leaf::Place,
    limits::FRAME_LEAVES_MAX,
    manifest::Manifest,
    pace::Pace,
    parts::Parts,
    present::Present,
    progress::{Progress, Stage},
    scan,
    seeds::{self, Seed},
    sources::Sources,
    spool::Spool,
    unspool,
    verify::Damage,
    wire::{FrameClient, NoFrame, Patience, Way},
};
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::Source,
    units::ByteCount,
};
use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// What is needed to bring a version here.
#[derive(Clone, Debug)]
pub struct FetchOrder {
    pub manifest: Arc<Manifest>,
    /// The directory of unfinished versions; this one goes into `<incoming>/<hex>/`.
    pub incoming: PathBuf,
    /// Other versions on this provider.
    pub seeds: Vec<Seed>,
    /// Who holds the version. May change at any time.
    pub sources: watch::Receiver<Vec<Source>>,
    pub client: Arc<FrameClient>,
    /// Keeps the compressed frames, to serve them on. What it holds already is taken from it.
    pub spool: Option<Arc<Spool>>,
    /// What must stay free on the disk.
    pub floor: ByteCount,
    pub patience: Patience,
    /// How fast it may come.
    pub pace: Arc<Pace>,
    pub progress: Arc<Progress>,
    pub cancel: CancellationToken,
}

/// A version whose files are complete and flushed, as far as writing goes. Verify it now.
#[derive(Debug)]
pub struct Fetched {
    pub dir: PathBuf,
    /// Frames that came over the network, and groups of leaves that lie in none.
    pub frames: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("the files could not be filled")]
    Assemble(#[source] AssembleError),
    #[error("{0}")]
    NoSource(Problem),
    #[error("cancelled")]
    Cancelled,
}

impl From<AssembleError> for FetchError {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Cancelled => Self::Cancelled,
            error => Self::Assemble(error),
        }
    }
}

impl FetchError {
    /// What the administrator is told; none if it was cancelled, which somebody wanted.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            Self::Assemble(error) => error.problem(),
            Self::NoSource(problem) => Some(problem.clone()),
            Self::Cancelled => None,
        }
    }
}

/// Brings the version into `incoming`. May be dropped or killed at any point and begun again.
pub async fn fetch(order: FetchOrder) -> Result<Fetched, FetchError> {
    let order = Arc::new(order);
    let dir = layout::version_dir(&order.incoming, &order.manifest.digest());
    order.progress.begin(Stage::Checking, order.manifest.data_bytes().0);
    let (assembly, present) = blocking(&order, {
        let dir = dir.clone();
        move |order, cancel| {
            let manifest = order.manifest.clone();
            let (assembly, present) = Assembly::resume(manifest, &dir, order.floor, &order.progress, cancel)?;
            clone::disks(&assembly, &order.seeds, &present, &order.progress)?;
            take_local(&assembly, order, &present, cancel)?;
            Ok((assembly, present))
        }
    })
    .await?;
    let missing = missing(&order.manifest, &present);
    fill(order, dir, assembly, present, missing).await
}

/// What is on this provider need not come over the network.
fn take_local(
    assembly: &Assembly,
    order: &FetchOrder,
    present: &Present,
    cancel: &CancellationToken,
) -> Result<(), AssembleError> {
    seeds::copy(assembly, &order.seeds, present, &order.progress, cancel)?;
    let Some(spool) = &order.spool else { return Ok(()) };
    unspool::copy(assembly, spool, present, &order.progress, cancel)
}

/// Repairs a version in place: fetches only the leaves that `damage` names. A host that has the
/// files open goes on. Verify all of it afterwards: nothing here says that it is well.
pub async fn mend(order: FetchOrder, dir: &Path, damage: &Damage) -> Result<Fetched, FetchError> {
    let order = Arc::new(order);
    let (dir, damage) = (dir.to_owned(), damage.clone());
    order.progress.begin(Stage::Checking, order.manifest.data_bytes().0);
    let (assembly, present) = blocking(&order, {
        let dir = dir.clone();
        move |order, cancel| {
            journal::discard(&dir).map_err(failed("remove the journal of", &dir))?;
            let assembly = Assembly::open(order.manifest.clone(), &dir, order.floor)?;
            let present = if damage.files.is_empty() {
                damaged(&assembly, &damage)?
            } else {
                // A whole file is not as it was: which of its leaves are, is found by reading.
                assembly.check(&order.progress, cancel)?
            };
            order.progress.begin(Stage::Copying, present.missing_bytes(&order.manifest));
            take_local(&assembly, order, &present, cancel)?;
            Ok((assembly, present))
        }
    })
    .await?;
    let missing = missing_leaves(&order.manifest, &present);
    fill(order, dir, assembly, present, missing).await
}

/// Every leaf is present but those that `damage` names; what should be zero there becomes zero.
fn damaged(assembly: &Assembly, damage: &Damage) -> Result<Present, AssembleError> {
    let present = Present::all(&assembly.manifest);
    for (number, disk) in assembly.manifest.disks().iter().enumerate() {
        for bad in damage.bad_leaves().filter(|bad| bad.disk == disk.name()) {
            let place = Place { disk: number as u16, leaf: bad.leaf };
            match disk.leaf(bad.leaf) {
                Some(_) => present.unset(place),
                None if disk.leaf_length(bad.leaf) > 0 => assembly.clear(place)?,
                None => {}
            }
        }
    }
    Ok(present)
}

/// Runs on a thread that may block. Stops soon if this future is dropped.
async fn blocking<T: Send + 'static>(
    order: &Arc<FetchOrder>,
    work: impl FnOnce(&FetchOrder, &CancellationToken) -> Result<T, AssembleError> + Send + 'static,
) -> Result<T, FetchError> {
    let order = order.clone();
    let cancel = order.cancel.child_token();
    let _guard = cancel.clone().drop_guard();
    let done = spawn_blocking(move || work(&order, &cancel)).await;
    done.unwrap_or_else(|failed| match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => Err(AssembleError::Cancelled),
    })
    .map_err(FetchError::from)
}

/// Gets whatever has a leaf that is missing, and flushes.
async fn fill(
    order: Arc<FetchOrder>,
    dir: PathBuf,
    assembly: Assembly,
    present: Present,
    missing: Vec<Missing>,
) -> Result<Fetched, FetchError> {
    order.progress.enter(Stage::Fetching);
    let workers = Semaphore::new(scan::workers());
    let parts = Parts::open(&order.incoming, &order.manifest.digest());
    let site = Arc::new(Site { order: order.clone(), assembly, present, missing, parts, workers });
    let brought = Run::new(site.clone()).run().await;
    if brought.is_err() {
        let site = site.clone();
        let _ = spawn_blocking(move || site.assembly.pause()).await;
    }
    let frames = brought?;
    site.parts.clear();
    order.progress.enter(Stage::Flushing);
    blocking(&order, move |_, _| site.assembly.finish()).await?;
    Ok(Fetched { dir, frames })
}

/// One thing to ask for; borrowed, it is a [`Wanted`].
enum Missing {
    /// By its number in the manifest.
    Frame(u32),
    /// Ordinals.
    Loose(Box<[u32]>),
}

/// All frames with a leaf that is missing, and all loose leaves that are.
fn missing(manifest: &Manifest, present: &Present) -> Vec<Missing> {
    let frames = (0..).zip(manifest.frames()).filter(|(_, frame)| !present.has_all(manifest, &frame.leaves));
    let loose = manifest.loose().iter().copied();
    let loose: Vec<u32> = loose.filter(|ordinal| !present.has_everywhere(manifest, *ordinal)).collect();
    let loose = loose.chunks(FRAME_LEAVES_MAX).map(|group| Missing::Loose(group.into()));
    frames.map(|(number, _)| Missing::Frame(number)).chain(loose).collect()
}

/// The same where little is missing: of a frame that lacks few leaves only those are asked for.
fn missing_leaves(manifest: &Manifest, present: &Present) -> Vec<Missing> {
    let mut leaves = Vec::new();
    let mut all = Vec::new();
    for missing in missing(manifest, present) {
        let Missing::Frame(number) = missing else {
            all.push(missing);
            continue;
        };
        let frame = &manifest.frames()[number as usize];
        let lacks: Vec<u32> =
            frame.leaves.iter().copied().filter(|it| !present.has_everywhere(manifest, *it)).collect();
        if lacks.len() > FRAME_LEAVES_MAX / 2 {
            all.push(Missing::Frame(number));
        } else {
            leaves.extend(lacks);
        }
    }
    all.extend(leaves.chunks(FRAME_LEAVES_MAX).map(|group| Missing::Loose(group.into())));
    all
}

/// What the fetching of one frame needs.
struct Site {
    order: Arc<FetchOrder>,
    assembly: Assembly,
    present: Present,
    /// What was missing when fetching began.
    missing: Vec<Missing>,
    parts: Parts,
    /// Frames that may be decoded and written at once: more would only wait for each other.
    workers: Semaphore,
}

impl Site {
    fn wanted(&self, number: usize) -> Wanted<'_> {
        match &self.missing[number] {
            Missing::Frame(frame) => Wanted::Frame(&self.order.manifest.frames()[*frame as usize]),
            Missing::Loose(ordinals) => Wanted::Loose(ordinals),
        }
    }
}

/// Why a frame is not in place.
enum Trouble {
    NoFrame(NoFrame),
    Wrong(WrongBytes),
    Here(AssembleError),
}

/// One frame, or some loose leaves, from one source into place.
async fn bring(site: Arc<Site>, number: usize, source: Arc<Source>) -> Result<(), Trouble> {
    let order = &site.order;
    let wanted = site.wanted(number);
    let mut part = site.parts.part(wanted);
    let resumed = !part.kept().is_empty();
    let way = Way { patience: &order.patience, pace: &order.pace, progress: &order.progress };
    let got = order.client.get(&source, &order.manifest, wanted, way, &mut part);
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
        move || {
            let Site { order, assembly, present, .. } = &*site;
            let wanted = site.wanted(number);
            let opened = frame::open(&order.manifest, wanted, &sent);
            let leaves = opened.map_err(|wrong| {
                part.discard();
                // The first part lay on our disk: nobody says that it was the source.
                let cause = format!("what was kept of a frame did not fit: {wrong}");
                let ours = NoFrame::Broken { address: "this provider".into(), cause };
                if resumed { Trouble::NoFrame(ours) } else { Trouble::Wrong(wrong) }
            })?;
            let ordinals = wanted.ordinals();
            let placed = assembly.place_together(ordinals, &leaves, present, &order.progress);
            placed.map_err(Trouble::Here)?;
            part.discard();
            if let (Some(spool), Wanted::Frame(frame), frame::FrameForm::Named) =
                (&order.spool, wanted, sent.form)
            {
                // It is a cache: a frame that it does not take is rebuilt when somebody asks.
                if let Err(error) = spool.append(&frame.digest, &sent.bytes) {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a frame was not kept");
                }
            }
            Ok(())
        }
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

/// Which frame, from whom, how long it took, and what came of it.
type Brought = (usize, Arc<Source>, Duration, Result<(), Trouble>);

/// The frames still to get, and those on their way.
struct Run {
    site: Arc<Site>,
    /// Numbers in `Site::missing`.
    queue: VecDeque<usize>,
    /// Who failed last to give a frame: another is asked first.
    refused_by: HashMap<usize, ProviderId>,
    tasks: JoinSet<Brought>,
    sources: Sources,
    frames: usize,
    last_good: Instant,
}

impl Run {
    fn new(site: Arc<Site>) -> Self {
        Self {
            queue: (0..site.missing.len()).collect(),
            site,
            refused_by: HashMap::new(),
            tasks: JoinSet::new(),
            sources: Sources::default(),
            frames: 0,
            last_good: Instant::now(),
        }
    }

    async fn run(mut self) -> Result<usize, FetchError> {
        let order = self.site.order.clone();
        let mut listed = order.sources.clone();
        let mut listed_open = true;
        self.sources.list(&listed.borrow_and_update());
        let mut give_up = Instant::now() + order.patience.no_source;
        let mut network = order.progress.view().bytes_network;
        loop {
            self.dispatch();
            if self.queue.is_empty() && self.tasks.is_empty() {
                return Ok(self.frames);
            }
            let now = Instant::now();
            let wake = self.sources.next_wake(now);
            tokio::select! {
                biased;
                () = order.cancel.cancelled() => return Err(FetchError::Cancelled),
                changed = listed.changed(), if listed_open => {
                    listed_open = changed.is_ok();
                    self.sources.list(&listed.borrow_and_update());
                }
                Some(brought) = self.tasks.join_next() => {
                    let brought = brought.unwrap_or_else(|failed| {
                        // Tasks are aborted only when this set is dropped.
                        std::panic::resume_unwind(failed.into_panic())
                    });
                    if self.take(brought)? {
                        give_up = self.last_good + order.patience.no_source;
                    }
                }
                () = sleep_until(give_up) => {
                    // A slow link may need longer for its frames: as long as bytes come, they have
                    // time, though not for ever, unless a limit of ours makes them slow.
                    let before = std::mem::replace(&mut network, order.progress.view().bytes_network);
                    let moving = network.saturating_sub(before).0 >= order.patience.stall_bytes_min;
                    let limit = self.last_good + 10 * order.patience.no_source;
                    let too_long = Instant::now() >= limit && !order.pace.is_limited();
                    if !moving || too_long {
                        return Err(FetchError::NoSource(self.sources.problem()));
                    }
                    give_up = Instant::now() + order.patience.no_source;
                }
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() && !self.queue.is_empty() => {}
            }
        }
    }

    fn dispatch(&mut self) {
        let now = Instant::now();
        let at_once = self.site.order.pace.frames_max();
        while self.tasks.len() < at_once && !self.queue.is_empty() {
            let useful = |source: ProviderId, frame: &usize| self.refused_by.get(frame) != Some(&source);
            let wanted = |source| self.queue.iter().any(|frame| useful(source, frame));
            // Who failed to give a frame is asked for it again when nobody else is free: the other
            // sources may be dead.
            let picked = self.sources.pick(now, wanted).or_else(|| self.sources.pick(now, |_| true));
            let Some(source) = picked else { return };
            let position = self.queue.iter().position(|frame| useful(source.provider, frame));
            let Some(frame) = self.queue.remove(position.unwrap_or(0)) else { return };
            self.sources.asked(source.provider);
            let site = self.site.clone();
            let brought = async move {
                let result = bring(site, frame, source.clone()).await;
                (frame, source, now.elapsed(), result)
            };
            self.tasks.spawn(brought.in_current_span());
        }
    }

    /// Whether the frame is in place; an error if none can be put there.
    fn take(&mut self, (frame, source, took, result): Brought) -> Result<bool, FetchError> {
        let trouble = match result {
            Ok(()) => {
                // What our own limit held back says nothing of the source.
                let took = Some(took).filter(|_| !self.site.order.pace.is_limited());
                self.sources.gave(source.provider, took);
                self.frames += 1;
                self.last_good = Instant::now();
                return Ok(true);
            }
            Err(Trouble::Here(error)) => return Err(error.into()),
            Err(Trouble::NoFrame(trouble @ NoFrame::TooLong { .. })) => Err(trouble.to_string()),
            Err(Trouble::NoFrame(trouble)) => Ok(trouble),
            Err(Trouble::Wrong(wrong)) => Err(wrong.to_string()),
        };
        self.queue.push_front(frame);
        self.refused_by.insert(frame, source.provider);
        match trouble {
            Ok(trouble) => {
                let name = &source.name;
                tracing::debug!(source = %name, cause = %trouble, "a source gave no frame");
                self.sources.failed(source.provider, trouble, Instant::now());
            }
            Err(wrong) => {
                if self.sources.lied(source.provider) {
                    let name = &source.name;
                    let cause = format!("{name} sent wrong bytes ({wrong}), and is not asked again");
                    self.site.order.progress.notice(Problem::new(Code::T0002, cause));
                }
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
