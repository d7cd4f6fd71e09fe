//! Verifying: every byte of a version is read back from the disk and compared with its manifest.
//!
//! [`Verified`] is the only door to `Ready`: nothing but [`verify`] makes one, and
//! [`commit`](crate::commit::commit) takes nothing else.

use crate::{
    layout,
    leaf::{self, Place},
    limits::{LEAF_SIZE, UNREADABLE_MAX},
    manifest::{Disk, Manifest},
    present::Present,
    progress::{Progress, Stage},
    record::Stamp,
    scan::{self, Block, Refused, ScanError, ScanFile},
    sys,
};
use diecast_domain::{
    code::{Code, Problem},
    damage,
    digest::Digest,
    units::{ByteCount, Timestamp},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};
use tokio_util::sync::CancellationToken;

/// The proof that a directory held exactly its version when it was read.
///
/// Nobody else can make one:
///
/// ```compile_fail,E0451
/// use diecast_transfer::verify::Verified;
/// fn forge(version: diecast_domain::digest::Digest) -> Verified {
///     Verified { version, dir: "/anywhere".into(), stamps: Default::default() }
/// }
/// ```
#[derive(Debug)]
pub struct Verified {
    pub(crate) version: Digest,
    pub(crate) dir: PathBuf,
    pub(crate) stamps: BTreeMap<String, Stamp>,
}

impl Verified {
    pub const fn version(&self) -> Digest {
        self.version
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

#[derive(Debug)]
pub enum Verdict {
    Verified(Verified),
    Damaged(Damage),
}

/// What does not match. Never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    pub leaves: Vec<BadLeaf>,
    /// Leaves that the disk refuses to read.
    #[serde(default)]
    pub unreadable: Vec<BadLeaf>,
    /// Files that lack, have another size or another content, or changed while they were read.
    pub files: Vec<String>,
}

/// A leaf whose bytes are not those of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BadLeaf {
    pub disk: String,
    pub leaf: u32,
}

impl BadLeaf {
    pub(crate) fn new(disk: &str, leaf: u32) -> Self {
        Self { disk: disk.to_owned(), leaf }
    }
}

impl fmt::Display for BadLeaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = Place { disk: 0, leaf: self.leaf }.offset();
        write!(f, "the 64 KiB at offset {offset} of {}", self.disk)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let leaves = self.bad_leaves().next().map(|leaf| match self.bad_leaves().count() {
            1 => leaf.to_string(),
            2 => format!("{leaf} and 1 other place"),
            count => format!("{leaf} and {} other places", count - 1),
        });
        let files = (!self.files.is_empty()).then(|| format!("the file {}", self.files.join(", ")));
        let parts: Vec<_> = files.into_iter().chain(leaves).collect();
        f.write_str(&parts.join(" and "))
    }
}

impl Damage {
    /// Of a copy just made.
    pub fn problem(&self, version: &Digest) -> Problem {
        let version = version.short();
        Problem::new(Code::T0006, format!("in the copy of version {version}, {self} is wrong"))
    }

    /// Of a copy that was verified before.
    pub fn changed_problem(&self, version: &Digest) -> Problem {
        let version = version.short();
        if self.is_only_unreadable() {
            return Problem::new(
                Code::T0005,
                format!("in the copy of version {version}, {self} cannot be read"),
            );
        }
        Problem::new(Code::T0008, format!("in the copy of version {version}, {self} changed"))
    }

    /// Of a copy that was verified before, when nobody else has what is damaged.
    pub fn last_copy_problem(&self, version: &Digest) -> Problem {
        let cause = self.changed_problem(version).cause;
        Problem::new(Code::T0011, format!("{cause}, and no other provider that answers has it whole"))
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The disk refuses to read, and nothing that could be read was wrong.
    fn is_only_unreadable(&self) -> bool {
        self.leaves.is_empty() && self.files.is_empty() && !self.unreadable.is_empty()
    }

    /// What is wrong and what cannot be read.
    pub fn bad_leaves(&self) -> impl Iterator<Item = &BadLeaf> {
        self.leaves.iter().chain(&self.unreadable)
    }

    /// As it is reported.
    pub fn told(&self, found_at: Timestamp, last_copy: bool) -> damage::Damage {
        let leaf = |leaf: &BadLeaf, unreadable| damage::Place {
            file: leaf.disk.clone(),
            span: Some(damage::Span {
                offset: Place { disk: 0, leaf: leaf.leaf }.offset(),
                length: ByteCount(LEAF_SIZE as u64),
            }),
            unreadable,
        };
        let file = |name: &String| damage::Place { file: name.clone(), span: None, unreadable: false };
        let files = self.files.iter().map(file);
        let leaves = self.leaves.iter().map(|it| leaf(it, false));
        let unreadable = self.unreadable.iter().map(|it| leaf(it, true));
        let places = files.chain(leaves).chain(unreadable).take(damage::PLACES_MAX).collect();
        let count = (self.files.len() + self.bad_leaves().count()) as u64;
        damage::Damage { found_at: Some(found_at), places, count, last_copy, mended: false }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("could not {doing} {path}")]
    Read {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("cancelled")]
    Cancelled,
}

impl From<ScanError> for VerifyError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Read { path, source } => Self::Read { doing: "read", path, source },
            ScanError::Cancelled => Self::Cancelled,
        }
    }
}

impl VerifyError {
    /// What the administrator is told; none if it was cancelled, which somebody wanted.
    pub fn problem(&self) -> Option<Problem> {
        let Self::Read { source, .. } = self else { return None };
        Some(Problem::new(Code::T0005, format!("the verification {self}: {source}")))
    }
}

/// Reads all of `dir` back. Blocks for as long as the disk needs: call it from a thread that may.
pub fn verify(
    manifest: &Manifest,
    dir: &Path,
    progress: &Progress,
    cancel: &CancellationToken,
) -> Result<Verdict, VerifyError> {
    let mut damage = Damage::default();
    let mut stamps = BTreeMap::new();
    check_small(manifest, dir, &mut damage, &mut stamps)?;

    let mut files = Vec::new();
    let mut numbers = Vec::new();
    for (number, disk) in manifest.disks().iter().enumerate() {
        let path = dir.join(disk.file_name());
        let Some((file, stamp)) = open(&path)? else {
            damage.files.push(disk.file_name());
            continue;
        };
        if stamp.size != disk.size() {
            damage.files.push(disk.file_name());
            continue;
        }
        stamps.insert(disk.file_name(), stamp);
        // Only what is on the disk can be dropped from memory, and only then is the disk read.
        file.sync_all().map_err(failed("flush", &path))?;
        sys::drop_cache(&file).map_err(failed("read", &path))?;
        let file = sys::open_direct(&path).map_err(failed("open", &path))?;
        files.push(ScanFile { file, path, size: disk.size().0 });
        numbers.push(number);
    }

    progress.begin(Stage::Verifying, scan::data_bytes(&files)?);
    let seen = Present::none(manifest);
    let bad = Mutex::new(Vec::new());
    let mut workers = vec![(); scan::workers()];
    let compare = |(): &mut (), block: Block<'_>| {
        let number = numbers[block.disk];
        let disk = &manifest.disks()[number];
        for (leaf, bytes) in block.leaves() {
            if matches(disk, leaf, bytes) {
                seen.set(Place { disk: number as u16, leaf });
            } else {
                let mut bad = bad.lock().expect("a push does not panic");
                bad.push(BadLeaf::new(disk.name(), leaf));
            }
        }
        progress.add_done(block.bytes.len() as u64);
        crate::totals::add_verified(block.bytes.len() as u64);
        Ok::<_, VerifyError>(())
    };
    let unreadable = Mutex::new(Vec::new());
    scan::scan_around(&files, cancel, &mut workers, compare, |Refused { disk, leaf, source }| {
        let number = numbers[disk];
        let mut unreadable = unreadable.lock().expect("a push does not panic");
        if unreadable.len() >= UNREADABLE_MAX {
            return Err(failed("read", &files[disk].path)(source));
        }
        seen.set(Place { disk: number as u16, leaf });
        unreadable.push(BadLeaf::new(manifest.disks()[number].name(), leaf));
        Ok(())
    })?;
    damage.leaves = bad.into_inner().expect("a push does not panic");
    damage.unreadable = unreadable.into_inner().expect("a push does not panic");
    damage.unreadable.sort_unstable();
    for number in numbers {
        let disk = &manifest.disks()[number];
        let holes = disk.leaves().filter(|(leaf, _)| !seen.has(Place { disk: number as u16, leaf: *leaf }));
        damage.leaves.extend(holes.map(|(leaf, _)| BadLeaf::new(disk.name(), leaf)));
    }
    damage.leaves.sort_unstable();
    damage.leaves.dedup();

    for (name, stamp) in &stamps {
        if Stamp::of_path(&dir.join(name)).map_err(failed("look at", dir))?.as_ref() != Some(stamp) {
            damage.files.push(name.clone());
        }
    }
    if damage == Damage::default() {
        let (version, dir) = (manifest.digest(), dir.to_owned());
        return Ok(Verdict::Verified(Verified { version, dir, stamps }));
    }
    Ok(Verdict::Damaged(damage))
}

/// What of `known` is still so. Reads nothing else: that the rest is well is not said.
pub fn look_again(manifest: &Manifest, dir: &Path, known: &Damage) -> Result<Damage, VerifyError> {
    let mut still = Damage::default();
    check_small(manifest, dir, &mut still, &mut BTreeMap::new())?;
    for disk in manifest.disks() {
        let path = dir.join(disk.file_name());
        let Some((file, stamp)) = open(&path)? else {
            still.files.push(disk.file_name());
            continue;
        };
        if stamp.size != disk.size() {
            still.files.push(disk.file_name());
            continue;
        }
        file.sync_all().map_err(failed("flush", &path))?;
        sys::drop_cache(&file).map_err(failed("read", &path))?;
        for bad in known.bad_leaves().filter(|bad| bad.disk == disk.name()) {
            let mut bytes = vec![0; disk.leaf_length(bad.leaf)];
            let offset = Place { disk: 0, leaf: bad.leaf }.offset();
            match scan::read_at(&file, &mut bytes, offset) {
                Ok(()) if matches(disk, bad.leaf, &bytes) => {}
                Ok(()) => still.leaves.push(bad.clone()),
                Err(error) if scan::is_of_the_disk(&error) => still.unreadable.push(bad.clone()),
                Err(error) => return Err(failed("read", &path)(error)),
            }
        }
    }
    Ok(still)
}

pub(crate) fn matches(disk: &Disk, leaf: u32, bytes: &[u8]) -> bool {
    match disk.leaf(leaf) {
        Some(name) => leaf::digest_of(bytes) == *name,
        None => leaf::is_zero(bytes),
    }
}

pub(crate) fn check_small(
    manifest: &Manifest,
    dir: &Path,
    damage: &mut Damage,
    stamps: &mut BTreeMap<String, Stamp>,
) -> Result<(), VerifyError> {
    let profile = (layout::PROFILE_FILE, Some(manifest.profile()));
    for (name, expected) in [profile, (layout::NVRAM_FILE, manifest.nvram())] {
        let path = dir.join(name);
        let Some(expected) = expected else { continue };
        match open(&path)? {
            Some((_, stamp)) if stamp.size.0 == expected.len() as u64 => {
                let found = fs::read(&path).map_err(failed("read", &path))?;
                if found != expected {
                    damage.files.push(name.to_owned());
                }
                stamps.insert(name.to_owned(), stamp);
            }
            _ => damage.files.push(name.to_owned()),
        }
    }
    Ok(())
}

/// A plain file and what identifies its state; none if there is no such file.
fn open(path: &Path) -> Result<Option<(File, Stamp)>, VerifyError> {
    let Some(stamp) = Stamp::of_path(path).map_err(failed("look at", path))? else {
        return Ok(None);
    };
    Ok(Some((File::open(path).map_err(failed("open", path))?, stamp)))
}

pub(crate) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VerifyError {
    move |source| VerifyError::Read { doing, path: path.to_owned(), source }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
