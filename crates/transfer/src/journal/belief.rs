//! Whether a journal is believed: what it says is compared with the files that are there, without
//! reading any of their data.

use super::{
    End, Journal,
    record::{self, Batch, Begun, Header, Identity, Moment, Run},
};
use crate::{
    leaf::{self, Place},
    manifest::{Disk, Manifest},
    present::Present,
    sys,
};
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
    units::ByteCount,
};
use std::{
    fs::{self, File},
    io::{self, BufReader},
    path::Path,
};

/// What a journal says of the files.
#[derive(Debug)]
pub(crate) enum Claim {
    /// There is none.
    Nothing,
    /// These leaves are there.
    Leaves(Present),
    Refused(Disbelief),
}

/// Why a journal is not believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Disbelief {
    #[error("it is no journal that this release can read")]
    Foreign,
    #[error("it is of version {}", version.short())]
    OtherVersion { version: Digest },
    #[error("it claims leaves that the version does not have")]
    Impossible,
    #[error("{file} is not there")]
    Lacks { file: String },
    #[error("{file} is not the file that it was written about")]
    Replaced { file: String },
    #[error("{file} has {found}, not the {expected} that it claims parts of")]
    Size { file: String, found: ByteCount, expected: ByteCount },
    #[error("{file} was last written to before the journal was")]
    Older { file: String },
    #[error("{file} was written to after it was complete")]
    Changed { file: String },
    #[error("it claims the 64 KiB at offset {offset} of {file}, where nothing is")]
    Hole { file: String, offset: u64 },
    #[error("it or the files cannot be read: {0}")]
    Unreadable(io::Error),
}

impl Disbelief {
    /// As it is told while the transfer goes on.
    pub(crate) fn problem(&self, version: &Digest) -> Problem {
        let version = version.short();
        Problem::new(Code::T0015, format!("the journal of version {version} was refused: {self}"))
    }
}

impl From<io::Error> for Disbelief {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Journal {
    /// What it claims of the files in `dir`. To be asked before anything is done to them.
    pub(crate) fn claim(&mut self, manifest: &Manifest, dir: &Path) -> Claim {
        if !dir.exists() {
            // Somebody removed the transfer, and left its journal.
            return Claim::Nothing;
        }
        match self.read(manifest, dir) {
            Ok(None) => Claim::Nothing,
            Ok(Some((present, end))) => {
                self.end = Some(end);
                Claim::Leaves(present)
            }
            Err(disbelief) => Claim::Refused(disbelief),
        }
    }

    fn read(&self, manifest: &Manifest, dir: &Path) -> Result<Option<(Present, End)>, Disbelief> {
        let (header, mut records) = match record::begin(BufReader::new(&self.file))? {
            Begun::Torn => return Ok(None),
            Begun::Foreign => return Err(Disbelief::Foreign),
            Begun::Journal(header, records) => (header, records),
        };
        if header.version != manifest.digest() {
            return Err(Disbelief::OtherVersion { version: header.version });
        }
        if header.files.len() != manifest.disks().len() {
            return Err(Disbelief::Impossible);
        }
        let present = Present::none(manifest);
        let mut last = None;
        while let Some(batch) = records.next()? {
            for run in &batch.runs {
                claim(manifest, &present, *run)?;
            }
            last = Some(batch);
        }
        check_files(manifest, dir, &header, last.as_ref())?;
        for (number, disk) in manifest.disks().iter().enumerate() {
            check_holes(disk, number as u16, dir, &present)?;
        }
        Ok(Some((present, End { offset: records.offset, check: records.check })))
    }
}

fn claim(manifest: &Manifest, present: &Present, run: Run) -> Result<(), Disbelief> {
    let disk = manifest.disks().get(usize::from(run.disk)).ok_or(Disbelief::Impossible)?;
    let end = u64::from(run.first) + u64::from(run.count);
    if end > leaf::count(disk.size().0) {
        return Err(Disbelief::Impossible);
    }
    for leaf in run.first..end as u32 {
        let place = Place { disk: run.disk, leaf };
        // Zeroes are never claimed, and nothing is claimed twice.
        if disk.leaf(leaf).is_none() || present.has(place) {
            return Err(Disbelief::Impossible);
        }
        present.set(place);
    }
    Ok(())
}

/// They are the files that the journal was written about, and look as they may.
fn check_files(
    manifest: &Manifest,
    dir: &Path,
    header: &Header,
    last: Option<&Batch>,
) -> Result<(), Disbelief> {
    for (number, (disk, known)) in manifest.disks().iter().zip(&header.files).enumerate() {
        let file = disk.file_name();
        let found = match fs::symlink_metadata(dir.join(&file)) {
            Ok(found) if found.is_file() => found,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(_) | Err(_) => return Err(Disbelief::Lacks { file }),
        };
        let (now, expected) = (Identity::of(&found), disk.size());
        if now.size != expected.0 {
            return Err(Disbelief::Size { file, found: ByteCount(now.size), expected });
        }
        if now != *known {
            return Err(Disbelief::Replaced { file });
        }
        let Some(batch) = last else { continue };
        let (now, then) = (Moment::of_writing(&found), batch.written[number]);
        if now < then {
            return Err(Disbelief::Older { file });
        }
        if batch.closed && now != then {
            return Err(Disbelief::Changed { file });
        }
    }
    Ok(())
}

/// No leaf that is claimed lies wholly in a hole: none is zero.
fn check_holes(disk: &Disk, number: u16, dir: &Path, present: &Present) -> Result<(), Disbelief> {
    let claimed = |leaf: &u32| present.has(Place { disk: number, leaf: *leaf });
    let mut claimed = disk.leaves().map(|(leaf, _)| leaf).filter(claimed).peekable();
    if claimed.peek().is_none() {
        return Ok(());
    }
    let file = File::open(dir.join(disk.file_name()))?;
    let mut data_end = 0;
    for leaf in claimed {
        let offset = Place { disk: number, leaf }.offset();
        if offset < data_end {
            continue;
        }
        let end = offset + disk.leaf_length(leaf) as u64;
        match sys::next_data(&file, offset)?.filter(|data| *data < end) {
            Some(data) => data_end = sys::next_hole(&file, data)?,
            None => return Err(Disbelief::Hole { file: disk.file_name(), offset }),
        }
    }
    Ok(())
}
