//! A disk that begins as a clone ends as what its manifest says, and a seed that lies is found out.

use super::*;
use crate::{
    fetch::{FetchOrder, fetch, mend},
    testing::{LEAF, Manner, Peer, Published, assert_same, disk, noise, order, published},
    verify::{Verdict, verify},
};
use std::{fs, io::Seek, os::unix::fs::FileExt, path::PathBuf};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// What a file system that shares blocks does, as far as the bytes go.
fn as_if_shared(from: &File, to: &File) -> io::Result<()> {
    let (mut from, mut to) = (from, to);
    from.rewind()?;
    io::copy(&mut from, &mut to).map(drop)
}

fn refused(_: &File, _: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

struct World {
    root: TempDir,
    old: Published,
    new: Published,
}

impl World {
    fn new(old_size: u64, old: &[(u64, Vec<u8>)], new_size: u64, new: &[(u64, Vec<u8>)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let publish = |name: &str, size, spans: &[_]| {
            let dir = root.path().join(name);
            fs::create_dir(&dir).unwrap();
            disk(&dir.join("disk0.raw"), size, spans);
            published(&dir, &["disk0"], None)
        };
        Self { old: publish("old", old_size, old), new: publish("new", new_size, new), root }
    }

    /// 30 leaves, of which one changed, one became zero, and three are zero in both; and it grew.
    fn grown() -> Self {
        let old = [(0, noise(1, 20 * LEAF)), (23 * LEAF, noise(2, 6 * LEAF + 100))];
        let new = [
            (0, noise(1, 20 * LEAF)),
            (4 * LEAF, vec![0; LEAF as usize]),
            (7 * LEAF, noise(3, LEAF)),
            (23 * LEAF, noise(2, 6 * LEAF + 100)),
            (33 * LEAF, noise(4, 50)),
        ];
        Self::new(29 * LEAF + 100, &old, 33 * LEAF + 50, &new)
    }

    fn seeds(&self) -> Vec<Seed> {
        vec![Seed { manifest: self.old.manifest.clone(), dir: self.old.dir.clone() }]
    }

    fn dir(&self) -> PathBuf {
        self.root.path().join("incoming").join(self.new.manifest.digest().hex())
    }

    fn begin(&self, clone: impl Fn(&File, &File) -> io::Result<()>) -> (Present, Progress) {
        let assembly = Assembly::open(self.new.manifest.clone(), &self.dir(), ByteCount::ZERO).unwrap();
        let progress = Progress::default();
        progress.begin(Stage::Checking, self.new.manifest.data_bytes().0);
        let present = assembly.check(&progress, &CancellationToken::new()).unwrap();
        disks_by(clone, &assembly, &self.seeds(), &present, &progress).unwrap();
        (present, progress)
    }

    fn order(&self, peers: &[&Peer]) -> FetchOrder {
        let sources: Vec<_> = peers.iter().map(|peer| &peer.source).collect();
        order(&self.new.manifest, &self.root.path().join("incoming"), &sources)
    }
}

#[tokio::test]
async fn of_a_clone_only_what_differs_is_missing() {
    let world = World::grown();
    let (present, progress) = world.begin(as_if_shared);
    // Beside the changed leaf and the new end, the leaf that the old end has become.
    let missing = present.missing_bytes(&world.new.manifest);
    assert_eq!(missing, LEAF + LEAF + 50);
    assert_eq!(progress.view().bytes_local.0, world.new.manifest.data_bytes().0 - missing);
    let file = File::open(world.dir().join("disk0.raw")).unwrap();
    let mut leaf = vec![1; LEAF as usize];
    file.read_exact_at(&mut leaf, 4 * LEAF).unwrap();
    assert!(crate::leaf::is_zero(&leaf), "what should be zero is zero at once");

    // Killed here: what is there is looked at, and what lacks comes.
    let peer = Peer::serve("a", Manner::Honest, &world.new).await;
    let fetched = fetch(world.order(&[&peer])).await.unwrap();
    assert_same(&world.new.manifest, &world.new.dir, &fetched.dir);
    assert!(peer.asked() <= 2, "{}", peer.asked());
}

#[test]
fn a_clone_killed_before_it_was_looked_at_is_looked_at() {
    let world = World::grown();
    let assembly = Assembly::open(world.new.manifest.clone(), &world.dir(), ByteCount::ZERO).unwrap();
    fs::copy(world.old.dir.join("disk0.raw"), world.dir().join("disk0.raw")).unwrap();
    drop(assembly);
    let (present, _) = world.begin(|_, _| panic!("what has data is not cloned over"));
    // The old end, with zeroes after it, is the leaf that it should be: only its name was another.
    assert_eq!(present.missing_bytes(&world.new.manifest), LEAF + 50);
}

#[test]
fn where_blocks_cannot_be_shared_nothing_is_begun() {
    let world = World::grown();
    let (present, progress) = world.begin(refused);
    assert_eq!(present.missing_bytes(&world.new.manifest), world.new.manifest.data_bytes().0);
    assert_eq!(progress.view().bytes_local, ByteCount::ZERO);
    let found = fs::metadata(world.dir().join("disk0.raw")).unwrap();
    assert_eq!(found.len(), world.new.manifest.size().0, "and the file has its size");
}

#[test]
fn what_has_little_in_common_or_lost_its_size_is_not_cloned() {
    let never = |_: &File, _: &File| panic!("this is not to be cloned");
    let old = [(0, noise(1, 4 * LEAF)), (4 * LEAF, noise(2, 6 * LEAF))];
    let world = World::new(10 * LEAF, &old, 10 * LEAF, &[(0, noise(1, 4 * LEAF))]);
    world.begin(never);
    let world = World::grown();
    let file = File::options().write(true).open(world.old.dir.join("disk0.raw")).unwrap();
    file.set_len(5 * LEAF).unwrap();
    world.begin(never);
}

#[tokio::test]
async fn a_seed_that_was_cloned_and_lied_is_found_out_and_mended() {
    let world = World::grown();
    let file = File::options().write(true).open(world.old.dir.join("disk0.raw")).unwrap();
    file.write_all_at(b"rot", 15 * LEAF).unwrap();
    file.write_all_at(b"junk in a hole", 21 * LEAF).unwrap();
    let (present, _) = world.begin(as_if_shared);
    // What is known to lack comes, without another look at the rest.
    let assembly = Assembly::open(world.new.manifest.clone(), &world.dir(), ByteCount::ZERO).unwrap();
    for ordinal in 0..world.new.manifest.ordinals() {
        let place = world.new.manifest.places(ordinal)[0];
        let mut bytes = vec![0; world.new.manifest.leaf_length(ordinal)];
        let file = File::open(world.new.dir.join("disk0.raw")).unwrap();
        file.read_exact_at(&mut bytes, place.offset()).unwrap();
        let (progress, at) = (Progress::default(), (&file, place.offset()));
        assembly.place(ordinal, &bytes, at, &present, &progress).unwrap();
    }
    assembly.finish().unwrap();

    let look = || {
        let (progress, cancel) = (Progress::default(), CancellationToken::new());
        verify(&world.new.manifest, &world.dir(), &progress, &cancel).unwrap()
    };
    let Verdict::Damaged(damage) = look() else { panic!("nothing found the rot") };
    assert_eq!(damage.leaves.iter().map(|bad| bad.leaf).collect::<Vec<_>>(), [15, 21]);
    let peer = Peer::serve("a", Manner::Honest, &world.new).await;
    let order = FetchOrder { seeds: world.seeds(), ..world.order(&[&peer]) };
    let progress = order.progress.clone();
    mend(order, &world.dir(), &damage).await.unwrap();
    assert!(matches!(look(), Verdict::Verified(_)));
    let named: Vec<_> = progress.damaged_seeds().into_iter().map(|(version, _)| version).collect();
    assert_eq!(named, [world.old.manifest.digest()]);
}

#[test]
fn what_a_seed_has_takes_no_space_where_blocks_are_shared() {
    let world = World::grown();
    let all = world.new.manifest.data_bytes();
    assert_eq!(bytes_to_write(&world.new.manifest, &[], world.root.path()), all);
    let here = bytes_to_write(&world.new.manifest, &world.seeds(), world.root.path());
    let shared = shares_blocks(world.root.path()).unwrap();
    assert_eq!(here, if shared { ByteCount(2 * LEAF + 50) } else { all });
    let gone = bytes_to_write(&world.new.manifest, &world.seeds(), &world.root.path().join("gone"));
    assert_eq!(gone, all, "what cannot be tried out is not counted on");
}
