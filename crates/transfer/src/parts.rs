//! Frames that are still on their way, kept as they arrive: whoever is cut off or killed in the
//! middle of one asks only for the rest.
//!
//! Nothing here counts as present. A frame that was completed from a part is checked like any other,
//! and a part that proves wrong is thrown away and blamed on nobody: it may be ours that is torn.

use crate::frame::Wanted;
use diecast_domain::digest::Digest;
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Bytes gathered before they are written: what a kill can lose of each frame.
const WRITE_SIZE: usize = 64 << 10;
/// A frame that has been on its way for less is kept in memory: on a fast link all of it is there before, and
/// writing it twice was a quarter of what receiving cost. A kill loses no more than came in this time.
const SOON: Duration = Duration::from_millis(50);

/// The parts of one version, beside the directory that it is filled in.
#[derive(Debug)]
pub(crate) struct Parts {
    dir: PathBuf,
}

/// Where the parts of a version lie, for whoever removes it.
pub fn dir(incoming: &Path, version: &Digest) -> PathBuf {
    incoming.join(format!("{}.parts", version.hex()))
}

impl Parts {
    /// A place that cannot be had is no harm: frames are then fetched whole.
    pub(crate) fn open(incoming: &Path, version: &Digest) -> Self {
        let dir = dir(incoming, version);
        let _ = fs::create_dir_all(&dir);
        Self { dir }
    }

    /// What an earlier try got of a frame, from whomever: its named bytes are the same everywhere.
    /// Loose leaves have none together, so nothing is kept of them.
    pub(crate) fn part(&self, wanted: Wanted<'_>) -> Part {
        let Some((name, length)) = wanted.name() else { return Part::default() };
        let path = self.dir.join(name.hex());
        let mut kept = fs::read(&path).unwrap_or_default();
        if kept.len() > length as usize {
            kept.clear();
            let _ = fs::remove_file(&path);
        }
        Part { path, kept, pending: Vec::new(), begun: None, file: None, keeps: true }
    }

    /// Everything is in its place.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// One frame on its way. Dropped in the middle, it leaves what it has.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Empty if nothing is ever kept.
    path: PathBuf,
    kept: Vec<u8>,
    pending: Vec<u8>,
    /// When the first bytes came.
    begun: Option<Instant>,
    file: Option<File>,
    keeps: bool,
}

impl Part {
    pub(crate) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// The source begins anew.
    pub(crate) fn restart(&mut self) {
        self.kept.clear();
        self.discard();
    }

    /// What follows are not the named bytes: another source would not go on with them.
    pub(crate) fn keep_nothing(&mut self) {
        self.restart();
        self.keeps = false;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if !self.keeps {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let begun = *self.begun.get_or_insert_with(Instant::now);
        if self.pending.len() >= WRITE_SIZE && begun.elapsed() >= SOON {
            self.flush();
        }
    }

    /// It arrived whole, or is of no use.
    pub(crate) fn discard(&mut self) {
        self.pending.clear();
        self.file = None;
        let _ = fs::remove_file(&self.path);
    }

    fn flush(&mut self) {
        if self.file.is_none() {
            self.file = OpenOptions::new().create(true).append(true).open(&self.path).ok();
        }
        // A part that cannot be kept is fetched again, as it would be without this.
        if let Some(file) = &mut self.file
            && file.write_all(&self.pending).is_err()
        {
            self.file = None;
            let _ = fs::remove_file(&self.path);
        }
        self.pending.clear();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.flush();
        }
    }
}
