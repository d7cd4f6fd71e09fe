//! Fetching a version: check what is there, take what other versions hold, get the rest from peers.
//!
//! ```text
//!   journal, else ──► clone, copy from seeds, ──► frames,       source A ┐
//!   check incoming    frames of our own spool     loose leaves: source B ┼─► digest ─► decode ─►
//!   (this is resume)  (hash, then write)                        source C ┘   each leaf's digest ─►
//!                                               write ─► ... ─► journal of what is durable ─► fdatasync
//! ```
//!
//! A frame that has a difference is asked for as that, if all that it stands on is here and its source can give
//! it: else as it is.
//!
//! It ends with the files complete and flushed, and still unverified: that is `verify`'s part.

mod bring;
mod gateway;
mod queue;
mod run;
mod talks;

use crate::{
    assemble::{AssembleError, Assembly, failed},
    clone, journal, layout,
    leaf::Place,
    limits::FRAME_LEAVES_MAX,
    manifest::Manifest,
    pace::{LinkPaces, Pace},
    parts::Parts,
    patience::Patience,
    present::Present,
    progress::{Progress, Stage},
    references::References,
    seeds::{self, Seed},
    spool::Spool,
    swarm::{arrivals::Arrivals, pieces},
    unspool,
    verify::Damage,
    wire::FrameClient,
};
use bring::Site;
use diecast_domain::{code::Problem, provider::Source, units::ByteCount};
use run::Run;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{sync::watch, task::spawn_blocking};
use tokio_util::sync::CancellationToken;

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
    /// Where it is written down what is here, for peers that receive too. None: they are not told.
    pub arrivals: Option<Arc<Arrivals>>,
    /// What must stay free on the disk.
    pub floor: ByteCount,
    pub patience: Patience,
    /// How fast it may come.
    pub pace: Arc<Pace>,
    /// ... and how fast from beyond site links that have a limit.
    pub links: Arc<LinkPaces>,
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
    let (assembly, present, references) = blocking(&order, {
        let dir = dir.clone();
        move |order, cancel| {
            let manifest = order.manifest.clone();
            let (assembly, present) = Assembly::resume(manifest, &dir, order.floor, &order.progress, cancel)?;
            clone::disks(&assembly, &order.seeds, &present, &order.progress)?;
            let references = take_local(&assembly, order, &present, cancel)?;
            Ok((assembly, present, references))
        }
    })
    .await?;
    let missing = missing(&order.manifest, &present);
    if let Some(arrivals) = &order.arrivals {
        arrivals.note_all(here(&order.manifest, &missing));
    }
    fill(order, dir, assembly, present, references, missing).await
}

/// What is on this provider need not come over the network. Gives what of it differences stand on.
fn take_local(
    assembly: &Assembly,
    order: &FetchOrder,
    present: &Present,
    cancel: &CancellationToken,
) -> Result<References, AssembleError> {
    seeds::copy(assembly, &order.seeds, present, &order.progress, cancel)?;
    let references = References::find(&order.manifest, &order.seeds);
    if let Some(spool) = &order.spool {
        unspool::copy(assembly, spool, &references, present, &order.progress, cancel)?;
    }
    Ok(references)
}

/// Repairs a version in place: fetches only the leaves that `damage` names. A host that has the
/// files open goes on. Verify all of it afterwards: nothing here says that it is well.
pub async fn mend(order: FetchOrder, dir: &Path, damage: &Damage) -> Result<Fetched, FetchError> {
    let order = Arc::new(order);
    let (dir, damage) = (dir.to_owned(), damage.clone());
    order.progress.begin(Stage::Checking, order.manifest.data_bytes().0);
    let (assembly, present, references) = blocking(&order, {
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
            let references = take_local(&assembly, order, &present, cancel)?;
            Ok((assembly, present, references))
        }
    })
    .await?;
    let missing = missing_leaves(&order.manifest, &present);
    fill(order, dir, assembly, present, references, missing).await
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
    references: References,
    missing: Vec<Missing>,
) -> Result<Fetched, FetchError> {
    order.progress.enter(Stage::Fetching);
    let parts = Parts::open(&order.incoming, &order.manifest.digest());
    let site = Arc::new(Site::new(order.clone(), assembly, present, references, missing, parts));
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

/// One thing to ask for; borrowed, it is a [`Wanted`](crate::frame::Wanted).
enum Missing {
    /// By its number in the manifest.
    Frame(u32),
    /// Ordinals.
    Loose(Box<[u32]>),
}

impl Missing {
    /// The piece that it is, or is a part of; None for leaves that were gathered from several.
    fn piece(&self, manifest: &Manifest) -> Option<u32> {
        match self {
            Self::Frame(number) => Some(*number),
            Self::Loose(ordinals) => {
                let group = |ordinal: &u32| {
                    manifest.loose().binary_search(ordinal).ok().map(|at| at / FRAME_LEAVES_MAX)
                };
                let first = group(ordinals.first()?)?;
                let together = ordinals.iter().all(|ordinal| group(ordinal) == Some(first));
                together.then(|| (manifest.frames().len() + first) as u32)
            }
        }
    }
}

/// All frames with a leaf that is missing, and all loose leaves that are, piece by piece.
fn missing(manifest: &Manifest, present: &Present) -> Vec<Missing> {
    let frames = (0..).zip(manifest.frames()).filter(|(_, frame)| !present.has_all(manifest, &frame.leaves));
    let loose = manifest.loose().chunks(FRAME_LEAVES_MAX).filter_map(|group| {
        let lacks = group.iter().copied().filter(|ordinal| !present.has_everywhere(manifest, *ordinal));
        let lacks: Box<[u32]> = lacks.collect();
        (!lacks.is_empty()).then_some(Missing::Loose(lacks))
    });
    frames.map(|(number, _)| Missing::Frame(number)).chain(loose).collect()
}

/// The pieces of which nothing is missing.
fn here(manifest: &Manifest, missing: &[Missing]) -> Vec<u32> {
    let lacking: std::collections::HashSet<u32> =
        missing.iter().filter_map(|missing| missing.piece(manifest)).collect();
    (0..pieces::count(manifest)).filter(|piece| !lacking.contains(piece)).collect()
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
        if 2 * lacks.len() > frame.leaves.len() {
            all.push(Missing::Frame(number));
        } else {
            leaves.extend(lacks);
        }
    }
    all.extend(leaves.chunks(FRAME_LEAVES_MAX).map(|group| Missing::Loose(group.into())));
    all
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
