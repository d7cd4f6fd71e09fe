//! The depot: serves frames of the versions held here, from the spool or out of the plain files, and
//! the leaves that lie in no frame.
//!
//! A derived version is served before it has plain files of its own: what its publication packed comes
//! from the spool, all else out of the files of the version that it was derived from.
//!
//! A frame's difference comes from the spool as well. Where that has lost it, it is made again by who holds the
//! version before; who does not says that there is none, and is asked for the frame itself.
//!
//! It never hands out a byte that it did not just check. What carries the bytes (HTTP, a test) is
//! somebody else's part, and so is who may ask.

use crate::{
    frame::{FrameBytes, FrameForm, Packer, pack_difference},
    leaf::{self, Place},
    limits::{DIFFERENCES_MADE_AT_ONCE, FRAME_LEAVES_MAX},
    manifest::{Difference, Disk, Encoding, Manifest},
    references::References,
    scan,
    seeds::Seed,
    spool::Spool,
    swarm::{
        arrivals::{After, Arrivals, TOLD_MAX, Told},
        claims::{Claimant, Given},
        pieces::{self, PieceSet},
    },
    verify::BadLeaf,
};
use bytes::Bytes;
use diecast_domain::{
    code::{Code, Problem},
    digest::Digest,
};
use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::{Duration, Instant},
};

/// A version that is served.
#[derive(Clone, Debug)]
pub struct Holding {
    pub manifest: Arc<Manifest>,
    /// The directory with its disks.
    pub dir: PathBuf,
    pub spool: Option<Arc<Spool>>,
    /// What has come so far of one that is still being filled: what is missing is simply not held. None:
    /// it was verified.
    pub arriving: Option<Arc<Arrivals>>,
    /// Other versions on this provider: differences stand on their leaves.
    pub seeds: Vec<Seed>,
}

#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    #[error("version {} is not held here", version.short())]
    NoSuchVersion { version: Digest },
    #[error("version {} has no frame {}", version.short(), frame.short())]
    NoSuchFrame { version: Digest, frame: Digest },
    #[error("version {} has no such leaves", version.short())]
    NoSuchLeaves { version: Digest },
    #[error("the difference {} of version {} cannot be made here", frame.short(), version.short())]
    NoDifference { version: Digest, frame: Digest },
    #[error("{leaf} of version {} is not here yet", version.short())]
    NotYet { version: Digest, leaf: BadLeaf },
    /// The version is the one whose file it is: of one that is served from its parts, another.
    #[error("{leaf} of version {} does not have its digest any more", version.short())]
    Damaged { version: Digest, leaf: BadLeaf },
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not compress a frame")]
    Compress(#[source] io::Error),
}

impl DepotError {
    pub fn problem(&self) -> Problem {
        match self {
            Self::NoSuchVersion { .. }
            | Self::NoSuchFrame { .. }
            | Self::NoSuchLeaves { .. }
            | Self::NoDifference { .. }
            | Self::NotYet { .. } => Problem::new(Code::A0004, format!("No frame was sent: {self}.")),
            Self::Damaged { .. } => Problem::new(Code::T0008, format!("No frame was sent: {self}.")),
            Self::Read { source, .. } => Problem::new(Code::T0005, format!("the depot {self}: {source}")),
            Self::Compress(source) => Problem::new(Code::S0004, format!("the depot {self}: {source}")),
        }
    }
}

#[derive(Debug, Default)]
pub struct Depot {
    held: RwLock<HashMap<Digest, Arc<Served>>>,
}

#[derive(Debug)]
struct Served {
    manifest: Arc<Manifest>,
    spool: Option<Arc<Spool>>,
    /// Of each name that may be asked for, the frame, and whether it is its difference.
    names: HashMap<Digest, (u32, bool)>,
    origin: Origin,
    /// Where leaves of other versions lie, found when the first difference has to be made again.
    references: OnceLock<References>,
    seeds: Vec<Seed>,
    /// Held while one is made.
    making: [Mutex<()>; DIFFERENCES_MADE_AT_ONCE],
    /// What is handed out to whom, since somebody asked for that, and how much of what has come is in it.
    given: Mutex<Option<(Given, usize)>>,
    began: Instant,
}

/// The plain files that leaves are read from.
#[derive(Debug)]
enum Origin {
    /// The version's own.
    Own { dir: PathBuf, arriving: Option<Arc<Arrivals>> },
    /// Those of other versions. By ordinal: which of them has the leaf, and where.
    Parts { others: Vec<Seed>, places: Vec<Option<(u16, Place)>> },
}

impl Depot {
    /// Serves a version, in place of what was known of it before.
    pub fn hold(&self, holding: Holding) {
        let Holding { manifest, dir, spool, arriving, seeds } = holding;
        self.serve(manifest, spool, seeds, Origin::Own { dir, arriving });
    }

    /// Serves a version that has no plain files here yet, in place of what was known of it before: its
    /// frames from the spool, all else out of the plain files of `others`, which must be verified.
    /// [`Depot::hold`] takes over once it has its own.
    pub fn hold_from_parts(&self, manifest: Arc<Manifest>, spool: Option<Arc<Spool>>, others: Vec<Seed>) {
        let mut places = vec![None; manifest.ordinals() as usize];
        let ordinals = manifest.by_name();
        for (number, other) in (0_u16..).zip(&others) {
            for held in 0..other.manifest.ordinals() {
                if let Some(ordinal) = ordinals.get(other.manifest.leaf_name(held)) {
                    places[*ordinal as usize].get_or_insert((number, other.manifest.places(held)[0]));
                }
            }
        }
        self.serve(manifest, spool, others.clone(), Origin::Parts { others, places });
    }

    fn serve(&self, manifest: Arc<Manifest>, spool: Option<Arc<Spool>>, seeds: Vec<Seed>, origin: Origin) {
        let frames = (0..).zip(manifest.frames()).map(|(number, frame)| (frame.digest, (number, false)));
        let differences = manifest.differences().iter();
        let differences = differences.map(|difference| (difference.digest, (difference.frame, true)));
        let (digest, names) = (manifest.digest(), frames.chain(differences).collect());
        let (references, making) = (OnceLock::new(), Default::default());
        let (given, began) = (Mutex::default(), Instant::now());
        let served = Served { manifest, spool, names, origin, references, seeds, making, given, began };
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.insert(digest, Arc::new(served));
    }

    /// Serves it no more. Requests under way still end.
    pub fn release(&self, version: &Digest) {
        self.held.write().unwrap_or_else(PoisonError::into_inner).remove(version);
    }

    pub fn versions(&self) -> Vec<Digest> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys().copied().collect()
    }

    #[cfg(test)]
    pub(crate) fn frame_manifest(&self, version: &Digest) -> Arc<Manifest> {
        self.held.read().unwrap()[version].manifest.clone()
    }

    /// One frame, or the difference of one. Reads the disk and may compress 1 MiB: call it from a thread that
    /// may block.
    pub fn frame(&self, version: &Digest, frame: &Digest) -> Result<FrameBytes, DepotError> {
        self.served(version)?.frame(frame)
    }

    /// Up to 16 leaves, compressed together. Reads the disk: call it from a thread that may block.
    pub fn leaves(&self, version: &Digest, ordinals: &[u32]) -> Result<FrameBytes, DepotError> {
        self.served(version)?.leaves(ordinals)
    }

    /// What has come here of a version after that. Waits for something, though no longer than `patience`.
    pub async fn arrivals(
        &self,
        version: &Digest,
        after: After,
        patience: Duration,
    ) -> Result<Told, DepotError> {
        let served = self.served(version)?;
        let Some(arriving) = served.origin.arriving().cloned() else {
            return Ok(whole(pieces::count(&served.manifest), after));
        };
        drop(served);
        Ok(arriving.since(after, patience).await)
    }

    /// Up to `most` of the pieces that `wanted` has a bit for, to be asked for by one receiver: see
    /// [`swarm`](crate::swarm). Where the version still comes, this waits for something to give, though no
    /// longer than `patience`.
    pub async fn claim(
        &self,
        version: &Digest,
        by: Claimant,
        wanted: &[u8],
        most: usize,
        again: Duration,
        patience: Duration,
    ) -> Result<Vec<u32>, DepotError> {
        let served = self.served(version)?;
        let no_such = DepotError::NoSuchLeaves { version: *version };
        let wanted = PieceSet::from_bytes(pieces::count(&served.manifest), wanted).ok_or(no_such)?;
        let Some(arriving) = served.origin.arriving() else {
            return Ok(served.claim(by, &wanted, most, again));
        };
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let mut more = std::pin::pin!(arriving.next());
            more.as_mut().enable();
            let claimed = served.claim(by, &wanted, most, again);
            if !claimed.is_empty() {
                return Ok(claimed);
            }
            if tokio::time::timeout_at(deadline, more).await.is_err() {
                return Ok(served.claim(by, &wanted, most, again));
            }
        }
    }

    fn served(&self, version: &Digest) -> Result<Arc<Served>, DepotError> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(version).cloned().ok_or(DepotError::NoSuchVersion { version: *version })
    }
}

/// What a holder of all pieces says of itself: in the words of a receiver, all came at once.
fn whole(count: u32, after: After) -> Told {
    const LIFE: u64 = 1;
    let from = if after.life == LIFE { u32::try_from(after.pieces).unwrap_or(count) } else { 0 };
    Told { life: LIFE, pieces: (from..count).take(TOLD_MAX).collect() }
}

/// Whether [`Depot::hold_from_parts`] can serve all of a version: each frame is in the spool or can be
/// packed from what the others have, and all that lies in no frame is there too.
pub fn is_whole_in_parts(manifest: &Manifest, spool: Option<&Spool>, others: &[&Manifest]) -> bool {
    let names = |other: &&'_ Manifest| -> Vec<Digest> {
        (0..other.ordinals()).map(|ordinal| *other.leaf_name(ordinal)).collect()
    };
    let held: HashSet<Digest> = others.iter().flat_map(names).collect();
    let here = |ordinals: &[u32]| ordinals.iter().all(|ordinal| held.contains(manifest.leaf_name(*ordinal)));
    let is_spooled = |frame: &Digest| spool.is_some_and(|spool| spool.contains(frame));
    let mut frames = manifest.frames().iter();
    frames.all(|frame| is_spooled(&frame.digest) || here(&frame.leaves)) && here(manifest.loose())
}

impl Served {
    fn claim(&self, by: Claimant, wanted: &PieceSet, most: usize, again: Duration) -> Vec<u32> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let arriving = self.origin.arriving();
        let (given, heard) = given.get_or_insert_with(|| {
            let count = pieces::count(&self.manifest);
            let begin = (uuid::Uuid::new_v4().as_u64_pair().0 % u64::from(count.max(1))) as u32;
            let here = if arriving.is_some() { PieceSet::none(count) } else { PieceSet::all(count) };
            (Given::nothing(here, begin), 0)
        });
        let more = arriving.map(|arriving| arriving.pieces_from(*heard)).unwrap_or_default();
        *heard += more.len();
        more.into_iter().for_each(|piece| given.came(piece));
        given.claim(by, wanted, most, again, self.began.elapsed())
    }

    fn frame(&self, name: &Digest) -> Result<FrameBytes, DepotError> {
        let manifest = &self.manifest;
        let (number, is_difference) = self.names.get(name).ok_or_else(|| {
            let version = manifest.digest();
            DepotError::NoSuchFrame { version, frame: *name }
        })?;
        if let Some((given, _)) = self.given.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            given.give(*number, self.began.elapsed());
        }
        let frame = &manifest.frames()[*number as usize];
        if let Some(difference) = manifest.difference_of(*number).filter(|_| *is_difference) {
            return self.difference(difference);
        }
        if let Some(bytes) = self.spooled(&frame.digest, frame.length) {
            return Ok(FrameBytes { form: FrameForm::Named, bytes });
        }
        let leaves = self.read_leaves(&frame.leaves)?;
        if frame.encoding == Encoding::Stored {
            return Ok(FrameBytes { form: FrameForm::Named, bytes: leaves.into() });
        }
        let (_, packed) = self.pack(&leaves)?;
        Ok(if leaf::digest_of(&packed) == frame.digest {
            FrameBytes { form: FrameForm::Named, bytes: packed.into() }
        } else {
            FrameBytes { form: FrameForm::Leaves, bytes: leaves.into() }
        })
    }

    fn difference(&self, difference: &Difference) -> Result<FrameBytes, DepotError> {
        let spooled = self.spooled(&difference.digest, difference.length);
        let bytes = spooled.or_else(|| self.made_again(difference)).ok_or_else(|| {
            DepotError::NoDifference { version: self.manifest.digest(), frame: difference.digest }
        })?;
        Ok(FrameBytes { form: FrameForm::Named, bytes })
    }

    /// None if anything is amiss: who asks can have the frame itself, and is told then what is.
    fn made_again(&self, difference: &Difference) -> Option<Bytes> {
        let turn = &self.making[difference.frame as usize % DIFFERENCES_MADE_AT_ONCE];
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let references = self.references.get_or_init(|| References::find(&self.manifest, &self.seeds));
        let window = references.window(&self.manifest, difference).ok()?;
        let leaves = self.read_leaves(&self.manifest.frames()[difference.frame as usize].leaves).ok()?;
        let packed = pack_difference(self.manifest.difference_level(), &window, &leaves).ok()?;
        (leaf::digest_of(&packed) == difference.digest).then(|| packed.into())
    }

    fn leaves(&self, ordinals: &[u32]) -> Result<FrameBytes, DepotError> {
        let known = 0..self.manifest.ordinals();
        let all_known = ordinals.iter().all(|ordinal| known.contains(ordinal));
        if !all_known || !(1..=FRAME_LEAVES_MAX).contains(&ordinals.len()) {
            return Err(DepotError::NoSuchLeaves { version: self.manifest.digest() });
        }
        // A frame of the spool may have it: who asks is told to ask for that, and nothing is said to lack.
        let is_here = |ordinal: &u32| self.origin.find(&self.manifest, *ordinal).is_some();
        let loose = || ordinals.iter().all(|ordinal| self.manifest.loose().contains(ordinal));
        if !ordinals.iter().all(is_here) && !loose() {
            return Err(DepotError::NoSuchLeaves { version: self.manifest.digest() });
        }
        let leaves = self.read_leaves(ordinals)?;
        let (encoding, packed) = self.pack(&leaves)?;
        let form = match encoding {
            Encoding::Zstd => FrameForm::Packed,
            Encoding::Stored => FrameForm::Leaves,
        };
        Ok(FrameBytes { form, bytes: packed.into() })
    }

    fn pack(&self, leaves: &[u8]) -> Result<(Encoding, Vec<u8>), DepotError> {
        let packer = Packer::new(self.manifest.level());
        packer.and_then(|mut packer| packer.pack(leaves)).map_err(DepotError::Compress)
    }

    /// A spool that cannot be read is a spool that has nothing.
    fn spooled(&self, name: &Digest, length: u32) -> Option<Bytes> {
        let bytes = self.spool.as_ref()?.read(name).unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "a spool was passed over");
            None
        });
        bytes.filter(|bytes| bytes.len() == length as usize)
    }

    fn read_leaves(&self, ordinals: &[u32]) -> Result<Vec<u8>, DepotError> {
        let mut leaves = vec![0; self.manifest.decoded_length(ordinals)];
        let mut rest = &mut leaves[..];
        let mut open: Option<(PathBuf, File)> = None;
        for ordinal in ordinals {
            let (bytes, after) = rest.split_at_mut(self.manifest.leaf_length(*ordinal));
            let at = self.origin.find(&self.manifest, *ordinal).ok_or_else(|| self.lacks(*ordinal))?;
            let path = at.dir.join(at.disk.file_name());
            let failed = |source| DepotError::Read { path: path.clone(), source };
            let file = match &mut open {
                Some((opened, file)) if *opened == path => file,
                other => {
                    let file = match File::open(&path) {
                        // It has just been given its final name, and is served from there soon.
                        Err(error)
                            if error.kind() == io::ErrorKind::NotFound && !self.origin.is_complete() =>
                        {
                            return Err(self.lacks(*ordinal));
                        }
                        opened => opened.map_err(failed)?,
                    };
                    &mut other.insert((path.clone(), file)).1
                }
            };
            let intact = match file.read_exact_at(bytes, at.place.offset()) {
                Ok(()) => leaf::digest_of(bytes) == *self.manifest.leaf_name(*ordinal),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
                Err(error) if scan::is_of_the_disk(&error) => false,
                Err(source) => return Err(failed(source)),
            };
            if !intact && self.origin.is_complete() {
                let leaf = BadLeaf::new(at.disk.name(), at.place.leaf);
                return Err(DepotError::Damaged { version: at.version, leaf });
            }
            if !intact {
                return Err(self.lacks(*ordinal));
            }
            rest = after;
        }
        Ok(leaves)
    }

    fn lacks(&self, ordinal: u32) -> DepotError {
        let place = self.manifest.places(ordinal)[0];
        let disk = &self.manifest.disks()[usize::from(place.disk)];
        let leaf = BadLeaf::new(disk.name(), place.leaf);
        DepotError::NotYet { version: self.manifest.digest(), leaf }
    }
}

/// Where a leaf can be read.
struct At<'a> {
    version: Digest,
    dir: &'a Path,
    disk: &'a Disk,
    place: Place,
}

impl Origin {
    fn find<'a>(&'a self, manifest: &'a Manifest, ordinal: u32) -> Option<At<'a>> {
        let (manifest, dir, place) = match self {
            Self::Own { dir, .. } => (manifest, dir, manifest.places(ordinal)[0]),
            Self::Parts { others, places } => {
                let (number, place) = places[ordinal as usize]?;
                let other = &others[usize::from(number)];
                (&*other.manifest, &other.dir, place)
            }
        };
        let disk = &manifest.disks()[usize::from(place.disk)];
        Some(At { version: manifest.digest(), dir, disk, place })
    }

    /// What has come so far, where that is not all.
    const fn arriving(&self) -> Option<&Arc<Arrivals>> {
        match self {
            Self::Own { arriving, .. } => arriving.as_ref(),
            Self::Parts { .. } => None,
        }
    }

    /// What does not match there has changed, rather than not come yet.
    const fn is_complete(&self) -> bool {
        self.arriving().is_none()
    }
}

#[cfg(test)]
#[path = "depot_tests.rs"]
mod tests;
