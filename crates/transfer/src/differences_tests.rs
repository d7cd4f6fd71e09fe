//! What changed a little travels as a difference to who holds the version before, as it is to everybody else,
//! and wrong differences harm nobody.

use crate::{
    changes::{At, ChangedDisk, ChangesInput, Derived, Extent, publish_changes},
    depot::{Depot, DepotError, Holding},
    fetch::{FetchOrder, fetch},
    frame::pack_difference,
    leaf,
    manifest::{Difference, Differences, Manifest},
    progress::Progress,
    seeds::Seed,
    spool::Spool,
    testing::{LEAF, Manner, Peer, Published, assert_same, noise, order, published},
    verify::{Verdict, verify},
};
use diecast_domain::{code::Code, units::ByteCount};
use proptest::prelude::*;
use std::{fs, os::unix::fs::FileExt, path::Path, sync::Arc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A version, and the next one: derived from it, and as a plain file to compare with.
struct Pair {
    root: TempDir,
    old: Published,
    derived: Derived,
    new: Published,
}

fn derive(old: &Published, work: &Path, disk: &[u8], extents: Vec<Extent>) -> (Derived, Published) {
    fs::create_dir_all(work).unwrap();
    fs::write(work.join("disk0.raw"), disk).unwrap();
    let spool = Arc::new(Spool::open(&work.join("spool")).unwrap());
    let disk = ChangedDisk {
        name: "disk0".into(),
        base: old.dir.join("disk0.raw"),
        overlays: vec![work.join("disk0.raw")],
        size: ByteCount(disk.len() as u64),
        extents,
    };
    let input = ChangesInput { disks: vec![disk], nvram: None, profile: b"{}".to_vec() };
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let derived = publish_changes(&old.manifest, input, &spool, &progress, &cancel).unwrap();
    let manifest = Arc::new(derived.manifest.clone());
    (derived, Published { manifest, dir: work.to_owned(), spool })
}

impl Pair {
    fn new(before: &[u8], after: &[u8]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("old");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("disk0.raw"), before).unwrap();
        let old = published(&dir, &["disk0"], None);
        let extents = changed(before, after);
        let (derived, new) = derive(&old, &root.path().join("new"), after, extents);
        Self { root, old, derived, new }
    }

    fn seed(&self) -> Seed {
        Seed { manifest: self.old.manifest.clone(), dir: self.old.dir.clone() }
    }

    /// The publisher before it has plain files.
    fn source(&self) -> Depot {
        let depot = Depot::default();
        let spool = Some(self.new.spool.clone());
        depot.hold_from_parts(self.new.manifest.clone(), spool, vec![self.seed()]);
        depot
    }

    /// To a provider of that name that holds the old version.
    fn order(&self, name: &str, peers: &[&Peer]) -> FetchOrder {
        FetchOrder { seeds: vec![self.seed()], ..self.order_of_all(name, peers) }
    }

    fn order_of_all(&self, name: &str, peers: &[&Peer]) -> FetchOrder {
        let sources: Vec<_> = peers.iter().map(|peer| &peer.source).collect();
        order(&self.new.manifest, &self.root.path().join(name), &sources)
    }

    fn spool(&self, name: &str) -> Option<Arc<Spool>> {
        Some(Arc::new(Spool::open(&self.root.path().join(name)).unwrap()))
    }

    /// Fetches, and checks that it is there to the byte. Gives what came over the network.
    async fn fetched(&self, order: FetchOrder) -> ByteCount {
        let progress = order.progress.clone();
        let fetched = fetch(order).await.unwrap();
        assert_same(&self.new.manifest, &self.new.dir, &fetched.dir);
        let verdict = verify(&self.new.manifest, &fetched.dir, &progress, &CancellationToken::new());
        assert!(matches!(verdict.unwrap(), Verdict::Verified(_)));
        progress.view().bytes_network
    }

    /// The same version by a manifest whose differences somebody tampered with, and who serves it.
    fn tampered(&self, tamper: impl Fn(&mut Differences, &Spool)) -> (Arc<Manifest>, Depot) {
        let manifest = &self.new.manifest;
        let mut differences = Differences {
            level: manifest.difference_level(),
            references: manifest.references().into(),
            all: manifest.differences().into(),
        };
        tamper(&mut differences, &self.new.spool);
        let manifest = Arc::new(Manifest::clone(manifest).with_differences(differences));
        assert_eq!(
            Manifest::decode(&manifest.encode()).unwrap(),
            *manifest,
            "nothing is wrong with its form"
        );
        let depot = Depot::default();
        let spool = Some(self.new.spool.clone());
        depot.hold_from_parts(manifest.clone(), spool, vec![self.seed()]);
        (manifest, depot)
    }
}

/// The map of an overlay: in clusters as small as any file system's.
fn changed(before: &[u8], after: &[u8]) -> Vec<Extent> {
    const CLUSTER: usize = 4096;
    let differs = |at: &usize| {
        let end = |disk: &[u8]| (at + CLUSTER).min(disk.len());
        before.get(*at..end(before)) != Some(&after[*at..end(after)])
    };
    let extent = |at: usize| {
        let length = CLUSTER.min(after.len() - at) as u64;
        Extent { start: at as u64, length, at: Some(At { overlay: 0, offset: at as u64 }) }
    };
    (0..after.len()).step_by(CLUSTER).filter(differs).map(extent).collect()
}

/// A program, and what became of it: an instruction more at its beginning, an address changed here and there.
fn updated(program: &[u8]) -> Vec<u8> {
    let mut updated = [&[0x90; 13][..], program].concat();
    updated.iter_mut().step_by(4999).for_each(|byte| *byte ^= 0x55);
    updated
}

/// A program is replaced: its successor lies elsewhere, and where it lay is nothing any more.
fn patched() -> Pair {
    patched_of(40)
}

/// The same of a program of so many leaves.
fn patched_of(leaves: u64) -> Pair {
    let program = noise(1, leaves * LEAF);
    let rest = noise(2, 30 * LEAF);
    let place = vec![0; program.len() + 20 * LEAF as usize];
    let before = [&program[..], &rest, &place].concat();
    let mut after = [&vec![0; program.len()][..], &rest, &place].concat();
    let start = program.len() + (30 * LEAF + 8192) as usize;
    after[start..][..program.len() + 13].copy_from_slice(&updated(&program));
    Pair::new(&before, &after)
}

#[tokio::test]
async fn who_holds_the_version_before_fetches_a_fraction() {
    let pair = patched();
    let Derived { new_packed, new_differing, .. } = pair.derived;
    assert!(new_differing.0 * 20 < new_packed.0, "{new_differing} instead of {new_packed}");
    let source = Peer::with("source", Manner::Honest, pair.source()).await;
    let order = pair.order("kvm-b", &[&source]);
    let progress = order.progress.clone();
    assert_eq!(pair.fetched(order).await, new_differing);
    assert_eq!(progress.view().bytes_by_difference, new_packed.saturating_sub(new_differing));
    assert_eq!(progress.notices(), []);
}

#[tokio::test]
async fn who_does_not_hold_it_fetches_the_frames_themselves() {
    let pair = patched();
    let source = Peer::with("source", Manner::Honest, pair.source()).await;
    let came = pair.fetched(pair.order_of_all("kvm-b", &[&source])).await;
    assert!(came.0 >= pair.derived.new_packed.0 + 30 * LEAF, "{came}");
    // Nor does a part of it help: another version that has some of what was replaced.
    let dir = pair.root.path().join("other");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("disk0.raw"), noise(1, 8 * LEAF)).unwrap();
    let other = published(&dir, &["disk0"], None);
    let seeds = vec![Seed { manifest: other.manifest.clone(), dir }];
    let some = pair.fetched(FetchOrder { seeds, ..pair.order_of_all("kvm-c", &[&source]) }).await;
    assert!(some <= came, "{some}");
}

#[tokio::test]
async fn a_receiver_carries_differences_on_from_its_spool_or_makes_them_again() {
    let pair = patched();
    let source = Peer::with("source", Manner::Honest, pair.source()).await;
    let spool = pair.spool("spool-b");
    let order = FetchOrder { spool: spool.clone(), ..pair.order("kvm-b", &[&source]) };
    pair.fetched(order).await;
    drop(source);

    let dir = crate::layout::version_dir(&pair.root.path().join("kvm-b"), &pair.new.manifest.digest());
    let holding = |spool: Option<Arc<Spool>>, seeds: Vec<Seed>| {
        let (manifest, dir) = (pair.new.manifest.clone(), dir.clone());
        Holding { manifest, dir, spool, arriving: None, seeds }
    };
    let Derived { new_packed, new_differing, .. } = pair.derived;
    let cases = [
        ("kvm-c", spool, Vec::new(), new_differing),
        ("kvm-d", None, vec![pair.seed()], new_differing),
        ("kvm-e", None, Vec::new(), new_packed),
    ];
    for (name, spool, seeds, expected) in cases {
        let depot = Depot::default();
        depot.hold(holding(spool, seeds));
        let second = Peer::with("kvm-b", Manner::Honest, depot).await;
        assert_eq!(pair.fetched(pair.order(name, &[&second])).await, expected, "{name}");
    }
}

#[tokio::test]
async fn what_a_killed_transfer_had_spooled_of_differences_is_not_fetched_again() {
    let pair = patched_of(120);
    let source = Peer::with("source", Manner::Tires, pair.source()).await;
    let spool = pair.spool("spool-b");
    let order = FetchOrder { spool: spool.clone(), ..pair.order("kvm-b", &[&source]) };
    fetch(order).await.unwrap_err();
    fs::remove_dir_all(pair.root.path().join("kvm-b")).unwrap();
    let kept = spool.as_ref().unwrap().size();
    assert!(kept > ByteCount::ZERO);
    let source = Peer::with("source", Manner::Honest, pair.source()).await;
    let came = pair.fetched(FetchOrder { spool, ..pair.order("kvm-b", &[&source]) }).await;
    assert!(came.0 + kept.0 <= pair.derived.new_differing.0 + 40 * 4, "{came} beside {kept}");
}

#[tokio::test]
async fn of_a_difference_that_was_half_way_only_the_rest_is_fetched() {
    let pair = patched();
    let stalls = Peer::with("stalls", Manner::Stalls, pair.source()).await;
    fetch(pair.order("kvm-b", &[&stalls])).await.unwrap_err();
    let parts = crate::parts::dir(&pair.root.path().join("kvm-b"), &pair.new.manifest.digest());
    let kept = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().metadata().unwrap().len();
    let kept: u64 = fs::read_dir(parts).unwrap().map(kept).sum();
    assert!(kept > 0);
    let honest = Peer::with("honest", Manner::Honest, pair.source()).await;
    let came = pair.fetched(pair.order("kvm-b", &[&honest])).await;
    assert_eq!(came.0 + kept, pair.derived.new_differing.0);
}

#[tokio::test]
async fn an_agent_of_the_release_before_gives_frames_and_is_asked_for_a_difference_in_vain_but_once() {
    let pair = patched();
    let depot = Depot::default();
    let manifest = Arc::new(Manifest::clone(&pair.new.manifest).without_differences());
    depot.hold_from_parts(manifest.clone(), Some(pair.new.spool.clone()), vec![pair.seed()]);
    let earlier = Peer::with("earlier", Manner::Honest, depot).await;
    let came = pair.fetched(pair.order("kvm-b", &[&earlier])).await;
    assert_eq!(came, pair.derived.new_packed);
    let frames = manifest.frames().iter().filter(|frame| pair.new.spool.contains(&frame.digest)).count();
    assert!(earlier.asked() <= frames + crate::limits::FRAMES_PER_SOURCE_MAX, "{}", earlier.asked());
    // What such an agent is handed is of a form that it knows.
    let plain = manifest.encode();
    assert!(plain.starts_with(b"DCMANI02") || plain.starts_with(b"DCMANI01"));
    let read = Manifest::decode_as(&plain, &pair.new.manifest.digest()).unwrap();
    assert_eq!(read.frames(), pair.new.manifest.frames());
    assert!(pair.new.manifest.encode().starts_with(b"DCMANI03"));
}

#[tokio::test]
async fn a_peer_that_sends_a_wrong_difference_is_named_and_asked_no_more() {
    for manner in [Manner::Lies, Manner::Floods] {
        let pair = patched();
        let liar = Peer::with("liar", manner, pair.source()).await;
        let honest = Peer::with("honest", Manner::Honest, pair.source()).await;
        let order = pair.order("kvm-b", &[&liar, &honest]);
        let progress = order.progress.clone();
        pair.fetched(order).await;
        assert!(liar.asked() <= crate::limits::FRAMES_PER_SOURCE_MAX, "{manner:?}");
        let notices = progress.notices();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert_eq!(notices[0].code, Code::T0002);
        assert!(notices[0].cause.starts_with("liar sent wrong bytes ("), "{}", notices[0].cause);
    }
}

/// Somebody else's bytes for the first difference, under their true name.
fn replaced(differences: &mut Differences, spool: &Spool, bytes: &[u8]) {
    let first = &mut differences.all[0];
    (first.digest, first.length) = (leaf::digest_of(bytes), bytes.len() as u32);
    spool.append(&first.digest, bytes).unwrap();
}

#[tokio::test]
async fn a_manifest_whose_differences_do_not_give_their_frames_is_named_and_nobody_is_blamed() {
    type Tamper = fn(&mut Differences, &Spool);
    let cases: [(&str, Tamper, &str); 4] = [
        ("wrong-reference", |them, _| them.references.reverse(), "leaf"),
        (
            "bomb",
            |them, spool| {
                let bomb = pack_difference(3, b"", &vec![0; 4 << 20]).unwrap();
                replaced(them, spool, &bomb);
            },
            "does not decompress",
        ),
        (
            "wrong-leaf",
            |them, spool| {
                let wrong = pack_difference(3, b"", &vec![7; 16 * LEAF as usize]).unwrap();
                replaced(them, spool, &wrong);
            },
            "leaf",
        ),
        ("no-zstd", |them, spool| replaced(them, spool, b"not what zstd makes"), "does not decompress"),
    ];
    for (name, tamper, said) in cases {
        let pair = patched();
        let (manifest, depot) = pair.tampered(tamper);
        let source = Peer::with("source", Manner::Honest, depot).await;
        let order = FetchOrder { manifest, ..pair.order(name, &[&source]) };
        let progress = order.progress.clone();
        pair.fetched(order).await;
        let notices = progress.notices();
        assert_eq!(notices.len(), 1, "{name}: {notices:?}");
        assert_eq!(notices[0].code, Code::T0007, "{name}");
        let cause = &notices[0].cause;
        assert!(cause.contains("does not give its frame") && cause.contains(said), "{name}: {cause}");
    }
}

#[tokio::test]
async fn what_has_rotted_here_is_named_and_its_frames_come_as_they_are() {
    let pair = patched();
    let file = fs::OpenOptions::new().write(true).open(pair.old.dir.join("disk0.raw")).unwrap();
    file.write_all_at(b"rot", 3 * LEAF).unwrap();
    let source = Peer::serve("source", Manner::Honest, &pair.new).await;
    let order = pair.order("kvm-b", &[&source]);
    let progress = order.progress.clone();
    let came = pair.fetched(order).await;
    assert!(came > pair.derived.new_differing && came < pair.derived.new_packed, "{came}");
    let damaged = progress.damaged_seeds();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert_eq!((damaged[0].0, damaged[0].1.leaves[0].leaf), (pair.old.manifest.digest(), 3));
    assert!(progress.notices().iter().all(|notice| notice.code != Code::T0002), "nobody lied");

    // Gone altogether: there is nothing to say of it.
    fs::remove_file(pair.old.dir.join("disk0.raw")).unwrap();
    let source = Peer::serve("source", Manner::Honest, &pair.new).await;
    let order = pair.order("kvm-c", &[&source]);
    let progress = order.progress.clone();
    pair.fetched(order).await;
    assert_eq!(progress.notices(), []);
}

#[test]
fn who_cannot_make_a_difference_says_so_and_still_serves_the_frame() {
    let pair = patched();
    let depot = Depot::default();
    depot.hold(Holding { spool: None, ..pair.new.holding() });
    let version = pair.new.manifest.digest();
    let difference = &pair.new.manifest.differences()[0];
    let refused = depot.frame(&version, &difference.digest).unwrap_err();
    assert!(matches!(refused, DepotError::NoDifference { .. }), "{refused:?}");
    assert_eq!(refused.problem().code, Code::A0004);
    let frame = &pair.new.manifest.frames()[difference.frame as usize];
    assert!(depot.frame(&version, &frame.digest).is_ok());
}

#[test]
fn what_has_nothing_in_common_has_no_difference() {
    let before = noise(1, 20 * LEAF);
    let pair = Pair::new(&before, &noise(2, 20 * LEAF));
    assert_eq!(pair.new.manifest.differences(), []);
    assert_eq!(pair.derived.new_differing, pair.derived.new_packed);
    assert!(pair.new.manifest.encode().starts_with(b"DCMANI01"));
    let same = Pair::new(&before, &before);
    assert_eq!(same.new.manifest.digest(), same.old.manifest.digest());
}

#[test]
fn a_base_that_rotted_where_it_was_deleted_is_not_stood_on() {
    let program = noise(1, 20 * LEAF);
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("old");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("disk0.raw"), &program).unwrap();
    let old = published(&dir, &["disk0"], None);
    let file = fs::OpenOptions::new().write(true).open(dir.join("disk0.raw")).unwrap();
    file.write_all_at(b"rot", 5 * LEAF).unwrap();
    let after = updated(&program)[..program.len()].to_vec();
    let extents = changed(&program, &after);
    let (_, new) = derive(&old, &root.path().join("new"), &after, extents);
    let (references, rotten) = (new.manifest.references(), old.manifest.leaf_name(5));
    assert!(!references.is_empty() && !references.contains(rotten));
}

/// What happens to a disk: something is moved, changed in some places, made anew, or erased.
#[derive(Clone, Debug)]
enum Happening {
    Move { from: usize, to: usize, length: usize, every: usize },
    Make { seed: u64, at: usize, length: usize },
    Erase { at: usize, length: usize },
}

fn happening() -> impl Strategy<Value = Happening> {
    const SIZE: usize = 48 * LEAF as usize;
    let length = 1..600_000_usize;
    prop_oneof![
        3 => (0..SIZE, 0..SIZE, length.clone(), 50..9000_usize)
            .prop_map(|(from, to, length, every)| Happening::Move { from, to, length, every }),
        1 => (3..6_u64, 0..SIZE, length.clone())
            .prop_map(|(seed, at, length)| Happening::Make { seed, at, length }),
        1 => (0..SIZE, length).prop_map(|(at, length)| Happening::Erase { at, length }),
    ]
}

fn happens(before: &[u8], disk: &mut [u8], happening: &Happening) {
    let within = |at: usize, length: usize| at.min(disk.len())..(at + length).min(disk.len());
    match *happening {
        Happening::Move { from, to, length, every } => {
            let mut bytes = before[from.min(before.len())..(from + length).min(before.len())].to_vec();
            bytes.iter_mut().step_by(every).for_each(|byte| *byte ^= 1);
            let place = within(to, bytes.len());
            let length = place.len();
            disk[place].copy_from_slice(&bytes[..length]);
        }
        Happening::Make { seed, at, length } => {
            let place = within(at, length);
            let bytes = noise(seed, place.len() as u64);
            disk[place].copy_from_slice(&bytes);
        }
        Happening::Erase { at, length } => {
            let place = within(at, length);
            disk[place].fill(0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_change_arrives_with_and_without_the_version_before(
        size in 1..48 * LEAF,
        grown in 0..3 * LEAF,
        happenings in proptest::collection::vec(happening(), 1..5),
    ) {
        let before = noise(1, size);
        let mut after = before.clone();
        after.resize((size + grown) as usize, 0);
        happenings.iter().for_each(|happening| happens(&before, &mut after, happening));
        let pair = Pair::new(&before, &after);
        prop_assert_eq!(&Manifest::decode(&pair.new.manifest.encode()).unwrap(), &*pair.new.manifest);
        prop_assert!(pair.derived.new_differing <= pair.derived.new_packed);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let source = Peer::with("source", Manner::Honest, pair.source()).await;
            let with = pair.fetched(pair.order("with", &[&source])).await;
            prop_assert_eq!(with, pair.derived.new_differing);
            pair.fetched(pair.order_of_all("without", &[&source])).await;
            Ok(())
        })?;
    }
}

/// Not to be wrong by a bit: `Difference` is what a manifest says, and a manifest says it once.
#[test]
fn a_manifest_with_differences_says_what_they_save() {
    let pair = patched();
    let manifest = &pair.new.manifest;
    let frame = |difference: &Difference| manifest.frames()[difference.frame as usize].length;
    let saved: u64 = manifest.differences().iter().map(|it| u64::from(frame(it) - it.length)).sum();
    assert_eq!(manifest.difference_saving(), ByteCount(saved));
    assert_eq!(Manifest::clone(manifest).without_differences().difference_saving(), ByteCount::ZERO);
}
