//! Keeps the journal while a transfer runs: a thread that flushes what was written and then says so.
//!
//! It never holds up who writes. A record says no more than what was in place before the flush began.

use super::{
    Journal,
    record::{Batch, Header, Identity, Moment, Run},
};
use crate::{
    limits::{JOURNAL_BYTES, JOURNAL_LOOK, JOURNAL_RUNS_MAX, JOURNAL_TIME, LEAF_SIZE},
    manifest::Manifest,
    present::{Present, Words},
};
use diecast_domain::digest::Digest;
use std::{
    fs::File,
    io,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Instant,
};

/// The thread and what it keeps. Dropped, it ends soon, and what came last is not written down.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<io::Result<Book>>>,
}

#[derive(Debug, Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn now(&self) {
        // A flag is whole at any time.
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits a moment. Whether it was stopped.
    fn wait(&self) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, JOURNAL_LOOK, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Keeper {
    /// Writes down what of `present` is not in `recorded`, and goes on doing so.
    pub(crate) fn start(
        journal: Journal,
        manifest: &Manifest,
        disks: &[(File, PathBuf)],
        present: &Present,
        recorded: Words,
    ) -> io::Result<Self> {
        let disks = disks.iter().map(|(disk, _)| disk.try_clone()).collect::<io::Result<_>>()?;
        let seen = recorded.iter().flatten().map(|word| u64::from(word.count_ones())).sum();
        let version = manifest.digest();
        let mut book = Book { journal, version, disks, present: present.clone(), recorded, seen };
        // A disk that has no room now may have some later: it is tried again with the first record.
        book.begin().unwrap_or_else(|error| book.lacks(&error));
        let stop = Arc::new(Stop::default());
        let thread = thread::Builder::new().name("journal".into()).spawn({
            let stop = stop.clone();
            move || book.keep(&stop)
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends it and gives the book back. An error is one of flushing the disks: it is told only once, so
    /// what was written since the flush before may be lost.
    pub(crate) fn stop(mut self) -> io::Result<Book> {
        self.stop.now();
        let thread = self.thread.take().expect("taken only here");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.now();
    }
}

/// A journal, and what it speaks of.
#[derive(Debug)]
pub(crate) struct Book {
    journal: Journal,
    version: Digest,
    disks: Vec<File>,
    present: Present,
    /// What the journal says.
    recorded: Words,
    /// How many leaves were in place at the last record.
    seen: u64,
}

impl Book {
    fn begin(&mut self) -> io::Result<()> {
        let files = self.disks.iter().map(|disk| Ok(Identity::of(&disk.metadata()?)));
        let header = Header { version: self.version, files: files.collect::<io::Result<_>>()? };
        // From here on they are written to, whatever the last record said.
        let now = Batch { closed: false, written: self.written()?, runs: Vec::new() };
        self.journal.begin(&header, &now)
    }

    fn keep(mut self, stop: &Stop) -> io::Result<Self> {
        let mut last = Instant::now();
        while !stop.wait() {
            let new = self.present.count().saturating_sub(self.seen);
            let due = new * LEAF_SIZE as u64 >= JOURNAL_BYTES || last.elapsed() >= JOURNAL_TIME || at_once();
            if new > 0 && due {
                self.record(false)?;
                last = Instant::now();
            }
        }
        Ok(self)
    }

    /// Flushes the disks, then writes down what was in place before. A record that cannot be kept is
    /// made up for by the next; only a disk that cannot be flushed is an error.
    pub(crate) fn record(&mut self, closed: bool) -> io::Result<()> {
        let (seen, now) = (self.present.count(), self.present.words());
        let written = self.written()?;
        fail::fail_point!("transfer::journal-before-sync");
        // The times are compared later, so they must be on the disk too.
        self.disks.iter().try_for_each(File::sync_all)?;
        fail::fail_point!("transfer::journal-after-sync");
        if self.journal.end.is_none()
            && let Err(error) = self.begin()
        {
            self.lacks(&error);
            return Ok(());
        }
        let runs = new_runs(&self.recorded, &now);
        // An empty record is written all the same: it says how the files look now.
        let mut parts = runs.chunks(JOURNAL_RUNS_MAX).peekable();
        loop {
            let runs = parts.next().unwrap_or_default();
            let closed = closed && parts.peek().is_none();
            let batch = Batch { closed, written: written.clone(), runs: runs.to_vec() };
            if let Err(error) = self.journal.append(&batch) {
                self.lacks(&error);
                return Ok(());
            }
            mark(&mut self.recorded, runs);
            if parts.peek().is_none() {
                break;
            }
        }
        fail::fail_point!("transfer::journal-after-record");
        self.seen = seen;
        Ok(())
    }

    /// It costs time at the next start, and nothing now.
    fn lacks(&self, error: &io::Error) {
        let error = error as &dyn std::error::Error;
        tracing::debug!(error, path = %self.journal.path.display(), "a journal was not kept");
    }

    fn written(&self) -> io::Result<Vec<Moment>> {
        self.disks.iter().map(|disk| Ok(Moment::of_writing(&disk.metadata()?))).collect()
    }
}

/// For tests: a record as soon as there is anything new.
fn at_once() -> bool {
    fail::fail_point!("transfer::journal-at-once", |_| true);
    false
}

/// What `now` has and `recorded` has not.
fn new_runs(recorded: &Words, now: &Words) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (disk, (recorded, now)) in (0_u16..).zip(recorded.iter().zip(now)) {
        for (number, (recorded, now)) in (0_u32..).zip(recorded.iter().zip(now)) {
            let mut new = now & !recorded;
            while new != 0 {
                let leaf = number * 64 + new.trailing_zeros();
                new &= new - 1;
                match runs.last_mut() {
                    Some(run) if run.disk == disk && run.first + run.count == leaf => run.count += 1,
                    _ => runs.push(Run { disk, first: leaf, count: 1 }),
                }
            }
        }
    }
    runs
}

fn mark(recorded: &mut Words, runs: &[Run]) {
    for Run { disk, first, count } in runs {
        for leaf in *first..first + count {
            recorded[usize::from(*disk)][leaf as usize / 64] |= 1 << (leaf % 64);
        }
    }
}
