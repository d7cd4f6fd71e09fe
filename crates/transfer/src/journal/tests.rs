//! What is durable is not read again; a journal that says more than the files hold is refused by name, and
//! what nobody can see costs only time.

use super::*;
use crate::{
    commit::commit,
    fetch::{FetchOrder, fetch, mend},
    layout,
    leaf::Place,
    manifest::Manifest,
    present::Present,
    progress::{Progress, ProgressView},
    sys,
    testing::{LEAF, Manner, Peer, Published, assert_same, disk, golden, noise, order, published},
    verify::{Damage, Verdict, verify},
};
use diecast_domain::code::Code;
use std::{
    os::unix::fs::MetadataExt,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::TempDir;

struct World {
    root: TempDir,
    golden: Published,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("golden");
        fs::create_dir(&dir).unwrap();
        Self { golden: golden(&dir), root }
    }

    fn incoming(&self) -> PathBuf {
        self.root.path().join("incoming")
    }

    fn dir(&self) -> PathBuf {
        layout::version_dir(&self.incoming(), &self.manifest().digest())
    }

    fn disk0(&self) -> PathBuf {
        self.dir().join("disk0.raw")
    }

    fn manifest(&self) -> &Arc<Manifest> {
        &self.golden.manifest
    }

    fn order(&self, peer: &Peer) -> FetchOrder {
        order(self.manifest(), &self.incoming(), &[&peer.source])
    }

    /// A transfer that ended in the middle: its source gave only some of the frames.
    async fn interrupted() -> Self {
        let world = Self::new();
        let tires = Peer::serve("tires", Manner::Tires, &world.golden).await;
        fetch(world.order(&tires)).await.unwrap_err();
        assert!(path(&world.dir()).exists());
        world
    }

    /// Goes on with a source that has everything: how it was, and what was said.
    async fn go_on(&self) -> (ProgressView, Vec<diecast_domain::code::Problem>, usize) {
        let peer = Peer::serve("honest", Manner::Honest, &self.golden).await;
        let order = self.order(&peer);
        let progress = order.progress.clone();
        let fetched = fetch(order).await.unwrap();
        assert_same(self.manifest(), &self.golden.dir, &fetched.dir);
        (progress.view(), progress.notices(), peer.asked())
    }

    fn verify(&self) -> Verdict {
        verify(self.manifest(), &self.dir(), &Progress::default(), &CancellationToken::new()).unwrap()
    }

    fn claim(&self) -> Claim {
        let mut journal = Journal::open(&self.dir(), &CancellationToken::new()).unwrap().unwrap();
        journal.claim(self.manifest(), &self.dir())
    }

    fn claimed(&self) -> Present {
        match self.claim() {
            Claim::Leaves(present) => present,
            other => panic!("{other:?}"),
        }
    }

    /// Leaves that the journal claims, of the first disk.
    fn claimed_leaves(&self) -> Vec<u32> {
        let claimed = self.claimed();
        let leaves = self.manifest().disks()[0].leaves().map(|(leaf, _)| leaf);
        leaves.filter(|leaf| claimed.has(Place { disk: 0, leaf: *leaf })).collect()
    }

    /// How often the content of this leaf of the first disk lies in the version.
    fn places(&self, leaf: u32) -> usize {
        let disks = self.manifest().disks();
        let name = disks[0].leaf(leaf).unwrap();
        disks.iter().flat_map(|disk| disk.leaves()).filter(|(_, other)| *other == name).count()
    }
}

#[tokio::test]
async fn what_is_durable_is_neither_fetched_nor_read_again() {
    let world = World::interrupted().await;
    let data = world.manifest().data_bytes().0;
    let missing = world.claimed().missing_bytes(world.manifest());
    assert!(missing > 0 && missing < data, "{missing} of {data}");
    let (view, notices, asked) = world.go_on().await;
    assert_eq!(notices, []);
    assert_eq!(view.bytes_reread.0, 0, "nothing was read and hashed again");
    assert_eq!((view.bytes_local.0, view.bytes_done.0), (data - missing, data));
    assert!(asked < world.manifest().frames().len(), "nor fetched: {asked} frames came");

    // The same without a journal: all that is there is read.
    let world = World::interrupted().await;
    let missing = world.claimed().missing_bytes(world.manifest());
    discard(&world.dir()).unwrap();
    let (view, notices, _) = world.go_on().await;
    assert_eq!(notices, []);
    assert!(view.bytes_reread.0 >= data - missing, "{} bytes", view.bytes_reread);
}

#[tokio::test]
async fn a_complete_version_that_was_not_verified_yet_is_not_read_but_by_the_verification() {
    let world = World::interrupted().await;
    world.go_on().await;
    let (view, notices, asked) = world.go_on().await;
    assert_eq!((view.bytes_reread.0, asked, notices), (0, 0, Vec::new()));
    let Verdict::Verified(verified) = world.verify() else { panic!("it is whole") };
    commit(&verified, &world.root.path().join("versions")).unwrap();
    assert_eq!(fs::read_dir(world.incoming()).unwrap().count(), 0, "the journal has gone too");
}

/// Spoils something after an interruption: the journal is refused with these words, and the version arrives.
async fn refused(words: &str, spoil: impl FnOnce(&World)) {
    let world = World::interrupted().await;
    refused_in(&world, words, spoil).await;
}

async fn refused_in(world: &World, words: &str, spoil: impl FnOnce(&World)) {
    spoil(world);
    let (view, notices, _) = world.go_on().await;
    assert_eq!(notices.iter().map(|notice| notice.code).collect::<Vec<_>>(), [Code::T0015], "{words}");
    assert!(notices[0].cause.contains(words), "{}", notices[0].cause);
    assert!(view.bytes_reread.0 > 0, "{words}: what is there was read");
    assert!(matches!(world.verify(), Verdict::Verified(_)), "{words}");
    // The journal that was begun instead is a good one.
    let (view, notices, _) = world.go_on().await;
    assert_eq!((view.bytes_reread.0, notices), (0, Vec::new()), "{words}");
}

fn writable(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

#[tokio::test]
async fn a_journal_that_claims_more_than_the_files_hold_is_refused_by_name() {
    refused("disk0.raw has", |world| writable(&world.disk0()).set_len(100 * LEAF).unwrap()).await;
    refused("disk1.raw is not there", |world| fs::remove_file(world.dir().join("disk1.raw")).unwrap()).await;
    refused("of disk0.raw, where nothing is", |world| {
        let leaf = u64::from(*world.claimed_leaves().last().unwrap());
        sys::punch_hole(&writable(&world.disk0()), leaf * LEAF, LEAF).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_journal_of_other_files_is_never_believed() {
    refused("disk0.raw is not the file that it was written about", |world| {
        let copy = world.root.path().join("copy");
        // Holes stay holes: zeroes that take room are claimed by no journal.
        let mut sparse = std::process::Command::new("cp");
        assert!(sparse.arg("--sparse=always").arg(world.disk0()).arg(&copy).status().unwrap().success());
        fs::rename(copy, world.disk0()).unwrap();
    })
    .await;
    refused("disk0.raw was last written to before the journal was", |world| {
        let before = SystemTime::now() - Duration::from_secs(3600);
        writable(&world.disk0()).set_modified(before).unwrap();
    })
    .await;
    refused("it is no journal", |world| fs::write(path(&world.dir()), noise(7, 500)).unwrap()).await;
    refused("it is of version", |world| {
        let other = world.root.path().join("other");
        fs::create_dir(&other).unwrap();
        disk(&other.join("disk0.raw"), LEAF, &[(0, noise(4, LEAF))]);
        let version = published(&other, &["disk0"], None).manifest.digest();
        let (bytes, _) = Header { version, files: Vec::new() }.encode();
        fs::write(path(&world.dir()), bytes).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_written_to_after_it_was_complete_is_read_whole() {
    let world = World::interrupted().await;
    world.go_on().await;
    refused_in(&world, "disk0.raw was written to after it was complete", |world| {
        std::thread::sleep(Duration::from_millis(20)); // The file system's clock is coarse.
        writable(&world.disk0()).write_all_at(b"!", 10 * LEAF).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_journal_that_claims_what_no_version_has_is_refused() {
    let zero = record::Run { disk: 0, first: 500, count: 1 };
    let beyond = record::Run { disk: 0, first: 2099, count: 2 };
    let no_disk = record::Run { disk: 9, first: 0, count: 1 };
    let many = record::Run { disk: 0, first: 1, count: u32::MAX };
    for run in [zero, beyond, no_disk, many] {
        refused("it claims leaves that the version does not have", |world| {
            let mut journal = Journal::open(&world.dir(), &CancellationToken::new()).unwrap().unwrap();
            assert!(matches!(journal.claim(world.manifest(), &world.dir()), Claim::Leaves(_)));
            let written = vec![record::Moment::default(); 2];
            journal.append(&Batch { closed: false, written, runs: vec![run] }).unwrap();
        })
        .await;
    }
}

#[tokio::test]
async fn a_journal_torn_or_spoiled_anywhere_claims_no_more_than_it_did() {
    let world = World::interrupted().await;
    let whole = fs::read(path(&world.dir())).unwrap();
    let all = world.claimed();
    let within = |present: &Present| {
        let (some, all) = (present.words(), all.words());
        some.iter().zip(&all).all(|(some, all)| some.iter().zip(all).all(|(some, all)| some & !all == 0))
    };
    let mut most = 0;
    for cut in 0..=whole.len() {
        fs::write(path(&world.dir()), &whole[..cut]).unwrap();
        match world.claim() {
            Claim::Nothing => assert_eq!(most, 0, "cut at {cut}"),
            Claim::Leaves(present) => {
                assert!(within(&present) && present.count() >= most, "cut at {cut}");
                most = present.count();
            }
            Claim::Refused(disbelief) => panic!("cut at {cut}: {disbelief}"),
        }
    }
    assert_eq!(most, all.count());
    for spoiled in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[spoiled] ^= 0x10;
        fs::write(path(&world.dir()), bytes).unwrap();
        match world.claim() {
            Claim::Nothing | Claim::Refused(_) => {}
            Claim::Leaves(present) => assert!(within(&present), "spoiled at {spoiled}"),
        }
    }
    // Whoever goes on behind a torn end is understood later.
    fs::write(path(&world.dir()), &whole[..whole.len() - 5]).unwrap();
    world.go_on().await;
    let (view, notices, asked) = world.go_on().await;
    assert_eq!((view.bytes_reread.0, asked, notices), (0, 0, Vec::new()));
}

#[tokio::test]
async fn a_lie_that_nobody_can_see_costs_time_and_never_truth() {
    let world = World::interrupted().await;
    // Of one that lies nowhere else: whatever lies twice is mended from its other place, by no source.
    let is_single = |leaf: &u32| world.places(*leaf) == 1;
    let leaf = world.claimed_leaves().into_iter().rfind(is_single).unwrap();
    let file = writable(&world.disk0());
    let written = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(b"lies", u64::from(leaf) * LEAF).unwrap();
    file.set_modified(written).unwrap();
    assert_eq!(file.metadata().unwrap().size(), 2100 * LEAF);

    let peer = Peer::serve("honest", Manner::Honest, &world.golden).await;
    fetch(world.order(&peer)).await.unwrap();
    let Verdict::Damaged(damage) = world.verify() else { panic!("it was called whole") };
    let bad: Vec<_> = damage.bad_leaves().map(|bad| (bad.disk.as_str(), bad.leaf)).collect();
    assert_eq!((bad, damage.files.len()), (vec![("disk0", leaf)], 0));

    let gone = FetchOrder { sources: tokio::sync::watch::channel(Vec::new()).1, ..world.order(&peer) };
    mend(gone, &world.dir(), &damage).await.unwrap_err();
    assert!(!path(&world.dir()).exists(), "what was found to lie is not heard again");
    mend(world.order(&peer), &world.dir(), &damage).await.unwrap();
    assert!(matches!(world.verify(), Verdict::Verified(_)));
    assert_ne!(damage, Damage::default());
}

#[tokio::test]
async fn two_never_write_to_one_journal() {
    let world = World::interrupted().await;
    let held = Journal::open(&world.dir(), &CancellationToken::new()).unwrap().unwrap();
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    assert!(Journal::open(&world.dir(), &cancelled).unwrap().is_none());
    drop(held);
    assert!(Journal::open(&world.dir(), &cancelled).unwrap().is_some());
}
