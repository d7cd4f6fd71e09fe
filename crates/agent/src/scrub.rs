//! Reading back slowly what is held, by the policy of the last orders; a server is not needed.
//!
//! ```text
//!   every few seconds: domain::scrub::next ─► a thread reads, leaf by leaf, at the rate
//!        ▲                                       │ every so often: scrub.json, how far it is
//!        └─ the record's time is renewed ◄───────┼─► a byte differs: found damaged; the worker mends it
//!                                                └─► window closed, another task on it, policy off: stops
//! ```
//!
//! What it reads is served and stood on all the while. It never makes anything ready: only the time of
//! a verification that stands is renewed, to when the reading began.

use crate::{
    board::Board,
    clock,
    data::{self, DataDir},
    depot::Depots,
    finding::Finding,
};
use diecast_domain::{
    agent::Object,
    digest::Digest,
    scrub::{self as policy, ScrubPolicy, ScrubReport, Whole},
    units::{ByteCount, Timestamp},
};
use diecast_provider::layout as places;
use diecast_transfer::{
    manifest::Manifest,
    record::VerifiedRecord,
    scrub::{self, End, Mark, Pace},
    verify::VerifyError,
};
use serde::{Deserialize, Serialize};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Between two looks for what is due.
const TICK: Duration = Duration::from_secs(3);
/// Between two notes of how far it is: what a crash lets be read again.
const NOTE_PAUSE: Duration = Duration::from_secs(10);
/// The longest sleep before it is seen again whether reading may go on.
const SLEEP_MAX: Duration = Duration::from_millis(250);

/// What is kept of a scrub between lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    version: Digest,
    begun_at: Timestamp,
    mark: Mark,
}

/// One version that is read now.
struct Turn {
    board: Arc<Board>,
    data: DataDir,
    storage: PathBuf,
    manifest: Arc<Manifest>,
    begun: Begun,
}

/// Runs for as long as the agent does.
pub async fn run(board: Arc<Board>, data: DataDir, depots: Arc<Depots>) {
    loop {
        if let Some(turn) = tokio::task::block_in_place(|| next(&board, &data, &depots)) {
            read(turn).await;
        }
        tokio::time::sleep(TICK).await;
    }
}

fn next(board: &Arc<Board>, data: &DataDir, depots: &Depots) -> Option<Turn> {
    let now = clock::now();
    let kept: Option<Begun> = data::read_json(&data.file(FILE)).ok().flatten();
    let mut known = board.know();
    let storage = known.storage.clone()?;
    let policy = known.assignment.as_ref()?.orders.scrub.clone();
    let idle =
        known.verified_at.iter().filter(|(digest, _)| !known.tasks.contains_key(&Object::Replica(**digest)));
    let whole: Vec<Whole> =
        idle.map(|(digest, verified_at)| Whole { digest: *digest, verified_at: *verified_at }).collect();
    // What was begun longer ago than a whole round would be due again when it ends.
    let kept = kept.filter(|kept| policy.due(kept.begun_at) > now);
    let chosen = policy::next(&policy, &whole, kept.map(|kept| kept.version), now);
    known.scrub = known.scrub.filter(|_| policy.on).map(|report| ScrubReport { reading: false, ..report });
    drop(known);
    let version = chosen?;
    let manifest = depots.manifest(data, &version)?;
    let fresh = Begun { version, begun_at: now, mark: Mark::default() };
    let begun = kept.filter(|kept| kept.version == version).unwrap_or(fresh);
    Some(Turn { board: board.clone(), data: data.clone(), storage, manifest, begun })
}

const FILE: &str = "scrub.json";

async fn read(turn: Turn) {
    let (sender, ended) = oneshot::channel();
    // A thread of its own: its low priority must not stay with somebody else's work.
    let reader = thread::Builder::new().name("scrub".into()).spawn(move || {
        turn.read();
        let _ = sender.send(());
    });
    match reader {
        Ok(_) => drop(ended.await),
        Err(error) => tracing::error!("no thread to read back what is held: {error}"),
    }
}

impl Turn {
    fn read(mut self) {
        scrub::yield_the_disk();
        let version = self.begun.version;
        let dir = places::version_dir(&self.storage, &version);
        tracing::info!(version = %version, "a version that is held is read back");
        let mut tempo = Tempo::begin(scrub::bytes_before(&self.manifest, self.begun.mark));
        let manifest = self.manifest.clone();
        let end = scrub::scrub(&manifest, &dir, self.begun.mark, |pace| self.went_on(pace, &mut tempo));
        let end = match end {
            Err(_) if !dir.exists() => Ok(End::Stopped(self.begun.mark)),
            end => end,
        };
        match end {
            Ok(End::Stopped(_)) => self.note(),
            Ok(End::Whole(scrubbed)) => {
                self.renew(&scrubbed);
                self.forget();
            }
            Ok(End::Damaged(damage)) => {
                self.found(Finding::of(version, damage));
                self.forget();
            }
            Err(error) => {
                if let Some(problem) = VerifyError::problem(&error) {
                    self.found(Finding::unread(version, problem));
                }
                self.forget();
            }
        }
    }

    /// What is worked on is told by who works on it.
    fn found(&self, finding: Finding) {
        let version = self.begun.version;
        if self.board.know().verified_at.contains_key(&version) {
            self.board.found_damaged(&self.data, version, finding);
        }
    }

    fn renew(&self, scrubbed: &scrub::Scrubbed) {
        let Begun { version, begun_at, .. } = self.begun;
        let path = self.data.verified(&version);
        // Somebody may have verified it meanwhile, or found what we have not.
        let record = VerifiedRecord::load(&path).filter(|record| record.verified_at < begun_at);
        let Some(renewed) = record.and_then(|record| record.renewed(scrubbed, begun_at)) else { return };
        match renewed.save(&path) {
            Ok(()) => tracing::info!(version = %version, "every byte was read back and matched"),
            Err(error) => tracing::error!("{error}"),
        }
        self.board.nudge();
    }

    /// Tells how far it is, keeps to the rate, and says whether it may go on.
    fn went_on(&mut self, pace: Pace, tempo: &mut Tempo) -> ControlFlow<()> {
        self.begun.mark = pace.mark;
        tempo.done += ByteCount(pace.read);
        tempo.debt += pace.read as f64;
        if tempo.noted.elapsed() >= NOTE_PAUSE {
            tempo.noted = Instant::now();
            self.note();
        }
        loop {
            let Some(policy) = self.may_go_on(tempo.done) else { return ControlFlow::Break(()) };
            let rate = policy.rate.0.max(1) as f64;
            tempo.pay(rate);
            if tempo.debt <= 0.0 {
                return ControlFlow::Continue(());
            }
            thread::sleep(Duration::from_secs_f64(tempo.debt / rate).min(SLEEP_MAX));
        }
    }

    fn may_go_on(&self, done: ByteCount) -> Option<ScrubPolicy> {
        let version = self.begun.version;
        let mut known = self.board.know();
        let policy = known.assignment.as_ref()?.orders.scrub.clone();
        let free = !known.tasks.contains_key(&Object::Replica(version));
        let there = known.storage.as_ref() == Some(&self.storage) && known.verified_at.contains_key(&version);
        let goes = policy.is_open(clock::now()) && free && there;
        let total = self.manifest.data_bytes();
        known.scrub = there.then_some(ScrubReport { digest: version, done, total, reading: goes });
        goes.then_some(policy)
    }

    fn note(&self) {
        if let Err(error) = data::write_json(&self.data.file(FILE), &self.begun) {
            tracing::warn!("how far a scrub is cannot be kept: {error:#}");
        }
    }

    fn forget(&self) {
        self.board.know().scrub = None;
        if let Err(error) = data::remove(&self.data.file(FILE)) {
            tracing::warn!("how far a scrub was stays behind: {error}");
        }
    }
}

/// Bytes read, and those that the rate has not yet paid for.
struct Tempo {
    done: ByteCount,
    debt: f64,
    paid: Instant,
    noted: Instant,
}

impl Tempo {
    fn begin(done: ByteCount) -> Self {
        let now = Instant::now();
        Self { done, debt: 0.0, paid: now, noted: now }
    }

    /// Time that nothing was read in is not saved up.
    fn pay(&mut self, rate: f64) {
        let now = Instant::now();
        let due = rate * now.duration_since(self.paid).as_secs_f64();
        self.paid = now;
        self.debt = (self.debt - due).max(0.0);
    }
}

#[cfg(test)]
#[path = "scrub_tests.rs"]
mod tests;
