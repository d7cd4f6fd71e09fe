//! A version derived from another is the one that its content would have been, and whoever needs it
//! gets it: from the spool, from the base, from anybody, in any generation.

use super::*;
use crate::{
    depot::{Depot, DepotError, Holding},
    fetch::{FetchError, FetchOrder, fetch},
    frame::{self, FrameForm, Wanted},
    limits::FRAME_LEAVES_MAX,
    seeds::Seed,
    testing::{LEAF, Manner, Peer, Published, assert_same, disk, golden, noise, order, prose, published},
};
use diecast_domain::code::Code;
use proptest::prelude::*;
use std::{fs, fs::OpenOptions, os::unix::fs::FileExt, path::Path, sync::Arc};
use tempfile::TempDir;

/// What a guest wrote over a disk of its own: the map, and what the disk is now.
struct Overlay {
    size: u64,
    extents: Vec<Extent>,
    bytes: Vec<u8>,
}

impl Overlay {
    fn new(size: u64) -> Self {
        Self { size, extents: Vec::new(), bytes: b"QFI header".to_vec() }
    }

    fn write(mut self, start: u64, bytes: &[u8]) -> Self {
        let (length, at) = (bytes.len() as u64, Some(At { overlay: 0, offset: self.bytes.len() as u64 }));
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(b"something of no concern");
        self.extents.push(Extent { start, length, at });
        self
    }

    fn zero(mut self, start: u64, length: u64) -> Self {
        self.extents.push(Extent { start, length, at: None });
        self
    }

    /// What the guest sees.
    fn over(&self, mut base: Vec<u8>) -> Vec<u8> {
        base.resize(self.size as usize, 0);
        for extent in &self.extents {
            let span = &mut base[extent.start as usize..(extent.start + extent.length) as usize];
            match extent.at {
                None => span.fill(0),
                Some(At { offset, .. }) => {
                    span.copy_from_slice(&self.bytes[offset as usize..(offset + extent.length) as usize]);
                }
            }
        }
        base
    }
}

/// A base of one disk, and a version made of it. The flat file is only there to compare with.
struct Line {
    root: TempDir,
    base: Published,
    derived: Derived,
    manifest: Arc<Manifest>,
    spool: Arc<Spool>,
    flat: Published,
}

fn folder(root: &Path, name: &str) -> PathBuf {
    let dir = root.join(name);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn changed(base: &Published, overlay: &Overlay, work: &Path) -> ChangesInput {
    fs::write(work.join("overlay"), &overlay.bytes).unwrap();
    let disk = ChangedDisk {
        name: "disk0".into(),
        base: base.dir.join("disk0.raw"),
        overlays: vec![work.join("overlay")],
        size: ByteCount(overlay.size),
        extents: overlay.extents.clone(),
    };
    ChangesInput { disks: vec![disk], nvram: None, profile: b"{}".to_vec() }
}

fn attempt(base: &Manifest, input: ChangesInput, spool: &Spool) -> Result<Derived, PublishError> {
    publish_changes(base, input, spool, &Progress::default(), &CancellationToken::new())
}

/// The next generation of `base`, in a folder of its own.
fn derive(root: &Path, base: &Published, overlay: &Overlay) -> (Derived, Published) {
    let work = folder(root, &format!("work-{}", base.manifest.digest().short()));
    let spool = Arc::new(Spool::open(&work.join("spool")).unwrap());
    let derived = attempt(&base.manifest, changed(base, overlay, &work), &spool).unwrap();
    let bytes = overlay.over(fs::read(base.dir.join("disk0.raw")).unwrap());
    fs::write(work.join("disk0.raw"), bytes).unwrap();
    let manifest = Arc::new(derived.manifest.clone());
    (derived, Published { manifest, dir: work, spool })
}

impl Line {
    fn new(size: u64, base: &[(u64, Vec<u8>)], overlay: &Overlay) -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = folder(root.path(), "base");
        disk(&dir.join("disk0.raw"), size, base);
        let base = published(&dir, &["disk0"], None);
        let (derived, held) = derive(root.path(), &base, overlay);
        let flat = folder(root.path(), "flat");
        fs::copy(held.dir.join("disk0.raw"), flat.join("disk0.raw")).unwrap();
        let flat = published(&flat, &["disk0"], None);
        Self { root, base, manifest: held.manifest, spool: held.spool, derived, flat }
    }

    fn depot(&self) -> Depot {
        let depot = Depot::default();
        depot.hold_from_parts(self.manifest.clone(), Some(self.spool.clone()), vec![self.seed()]);
        depot
    }

    fn seed(&self) -> Seed {
        Seed { manifest: self.base.manifest.clone(), dir: self.base.dir.clone() }
    }

    fn order(&self, name: &str, peers: &[&Peer]) -> FetchOrder {
        let sources: Vec<_> = peers.iter().map(|peer| &peer.source).collect();
        order(&self.manifest, &self.root.path().join(name), &sources)
    }

    /// The source's own fill: no peer, only what it has.
    fn own_fill(&self) -> FetchOrder {
        let spool = Some(self.spool.clone());
        FetchOrder { seeds: vec![self.seed()], spool, ..self.order("own", &[]) }
    }
}

/// Everything that the version needs comes from the depot, each leaf checked.
fn assert_serves(depot: &Depot, manifest: &Manifest) {
    let version = manifest.digest();
    for frame in manifest.frames() {
        let sent = depot.frame(&version, &frame.digest).unwrap();
        frame::open(manifest, Wanted::Frame(frame), &sent, &[]).unwrap();
    }
    for leaves in manifest.loose().chunks(FRAME_LEAVES_MAX) {
        let sent = depot.leaves(&version, leaves).unwrap();
        frame::open(manifest, Wanted::Loose(leaves), &sent, &[]).unwrap();
    }
}

/// 80 leaves of text, four to a frame; five of them changed, in three frames.
fn typical() -> Line {
    Line::new(80 * LEAF, &[(0, prose(1, 80 * LEAF))], &typical_overlay())
}

fn typical_overlay() -> Overlay {
    Overlay::new(80 * LEAF)
        .write(3 * LEAF, &prose(7, 2 * LEAF))
        .zero(5 * LEAF, LEAF)
        .write(40 * LEAF + 100, &prose(8, LEAF))
}

#[test]
fn only_what_the_overlay_touched_is_new_and_whole_frames_are_taken_over() {
    let line = typical();
    assert_eq!(line.manifest.digest(), line.flat.manifest.digest());
    assert_eq!(line.derived.new_bytes, ByteCount(4 * LEAF));
    let differences: u64 = line.manifest.differences().iter().map(|it| 40 + u64::from(it.length)).sum();
    let frames = line.derived.new_packed.0 + 40 * line.new_frames().len() as u64;
    assert_eq!(line.spool.size().0, frames + differences);
    let kept: Vec<_> = line.base.manifest.frames().iter().map(|frame| frame.digest).collect();
    let kept = line.manifest.frames().iter().filter(|frame| kept.contains(&frame.digest)).count();
    assert_eq!(kept, 17, "the frames that nothing touched travel on");
    assert!(!line.manifest.loose().is_empty());
    assert_eq!(Manifest::decode(&line.manifest.encode()).unwrap(), *line.manifest);
    let (told, anew) = (line.manifest.wire_bytes().0, line.flat.manifest.wire_bytes().0);
    assert!(told.abs_diff(anew) * 5 < anew, "what is told of the loose leaves is near: {told}, {anew}");
}

impl Line {
    fn new_frames(&self) -> Vec<Digest> {
        let names = self.manifest.frames().iter().map(|frame| frame.digest);
        names.filter(|name| self.spool.contains(name)).collect()
    }
}

#[test]
fn nothing_changed_is_the_same_version() {
    let base = prose(1, 20 * LEAF);
    let same = &base[LEAF as usize..2 * LEAF as usize];
    let overlay =
        Overlay::new(20 * LEAF).write(LEAF, same).write(7 * LEAF + 5, &base[7 * LEAF as usize + 5..][..9]);
    let line = Line::new(20 * LEAF, &[(0, base.clone())], &overlay);
    assert_eq!(line.manifest.digest(), line.base.manifest.digest());
    assert_eq!(*line.manifest, *line.base.manifest, "and travels as it did");
    assert_eq!((line.derived.new_bytes, line.derived.new_packed), (ByteCount::ZERO, ByteCount::ZERO));
    assert_eq!(line.spool.size(), ByteCount::ZERO);
    let with = |nvram: Option<Vec<u8>>, profile: &[u8]| {
        let overlay = Overlay::new(20 * LEAF);
        let input = changed(&line.base, &overlay, line.root.path());
        let input = ChangesInput { nvram, profile: profile.to_vec(), ..input };
        attempt(&line.base.manifest, input, &line.spool).unwrap().manifest.digest()
    };
    assert_eq!(with(None, b"{}"), line.base.manifest.digest());
    assert_ne!(with(Some(b"other variables".to_vec()), b"{}"), line.base.manifest.digest());
    assert_ne!(with(None, b"{ }"), line.base.manifest.digest());
}

#[test]
fn what_is_read_grows_with_the_change() {
    let line = typical();
    let progress = Progress::default();
    let overlay = Overlay::new(80 * LEAF).write(0, &noise(1, LEAF)).zero(9 * LEAF, 5);
    let input = changed(&line.base, &overlay, line.root.path());
    // The base has nothing but the one leaf that is needed: more cannot be read.
    let bytes = fs::read(line.base.dir.join("disk0.raw")).unwrap();
    disk(
        &line.base.dir.join("disk0.raw"),
        80 * LEAF,
        &[(9 * LEAF, bytes[9 * LEAF as usize..][..LEAF as usize].to_vec())],
    );
    publish_changes(&line.base.manifest, input, &line.spool, &progress, &CancellationToken::new()).unwrap();
    let view = progress.view();
    assert_eq!((view.bytes_done, view.bytes_total), (ByteCount(2 * LEAF), ByteCount(2 * LEAF)));
}

#[test]
fn disks_come_and_go_and_a_new_one_has_no_base() {
    let dir = tempfile::tempdir().unwrap();
    let base = golden(dir.path());
    let bytes = noise(77, LEAF + 3);
    fs::write(dir.path().join("overlay"), &bytes).unwrap();
    let changed = |name: &str, size, extents| ChangedDisk {
        name: name.into(),
        base: dir.path().join(format!("{name}.raw")),
        overlays: vec![dir.path().join("overlay")],
        size: ByteCount(size),
        extents,
    };
    let extent = Extent { start: 10, length: LEAF + 3, at: Some(At { overlay: 0, offset: 0 }) };
    let disks = vec![changed("disk2", 3 * LEAF, vec![extent]), changed("disk1", 5 * LEAF + 777, Vec::new())];
    let input = ChangesInput { disks, nvram: None, profile: b"{}".to_vec() };
    let derived = attempt(&base.manifest, input, &base.spool).unwrap();
    disk(&dir.path().join("disk2.raw"), 3 * LEAF, &[(10, bytes)]);
    let anew = published(dir.path(), &["disk2", "disk1"], None);
    assert_eq!(derived.manifest.digest(), anew.manifest.digest());
}

#[tokio::test]
async fn a_holder_of_the_base_fetches_the_difference_and_nothing_else() {
    let line = typical();
    let source = Peer::with("source", Manner::Honest, line.depot()).await;
    let order = FetchOrder { seeds: vec![line.seed()], ..line.order("other", &[&source]) };
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    let network = progress.view().bytes_network;
    assert_eq!(network, line.derived.new_differing);
    let flat = fs::read(line.flat.dir.join("disk0.raw")).unwrap();
    let alone = |leaf: u64| {
        let bytes = &flat[(leaf * LEAF) as usize..((leaf + 1) * LEAF) as usize];
        zstd::bulk::compress(bytes, 3).unwrap().len() as u64
    };
    let compressed: u64 = [3, 4, 40, 41].into_iter().map(alone).sum();
    assert!(network.0 * 10 <= compressed * 11, "{network} for {compressed}");
    assert_eq!(fetched.frames, line.new_frames().len());
}

#[tokio::test]
async fn who_missed_a_generation_fetches_the_difference_to_what_it_has() {
    let line = typical();
    let second = line.as_held();
    // Over one of the leaves that are new in the second, and one that never changed.
    let overlay =
        Overlay::new(80 * LEAF).write(4 * LEAF, &prose(20, LEAF)).write(70 * LEAF, &prose(21, LEAF));
    let (_, third) = derive(line.root.path(), &second, &overlay);
    let depot = Depot::default();
    let seed = Seed { manifest: second.manifest, dir: second.dir };
    depot.hold_from_parts(third.manifest.clone(), Some(third.spool.clone()), vec![seed]);
    let source = Peer::with("source", Manner::Honest, depot).await;
    let order = order(&third.manifest, &line.root.path().join("late"), &[&source.source]);
    let order = FetchOrder { seeds: vec![line.seed()], ..order };
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    assert_same(&third.manifest, &third.dir, &fetched.dir);
    let flat = fs::read(third.dir.join("disk0.raw")).unwrap();
    let alone = |leaf: u64| {
        let bytes = &flat[(leaf * LEAF) as usize..((leaf + 1) * LEAF) as usize];
        zstd::bulk::compress(bytes, 3).unwrap().len() as u64
    };
    let compressed: u64 = [3, 4, 40, 41, 70].into_iter().map(alone).sum();
    let network = progress.view().bytes_network;
    assert!(network.0 * 10 <= compressed * 11, "{network} for {compressed}");
}

#[tokio::test]
async fn a_lost_spool_is_made_again_from_the_working_copy() {
    let line = typical();
    let (_, again) = derive(&folder(line.root.path(), "again"), &line.base, &typical_overlay());
    assert_eq!(again.manifest.digest(), line.manifest.digest(), "whatever frames it has now");
    let order = FetchOrder { spool: Some(again.spool), ..line.own_fill() };
    let fetched = fetch(FetchOrder { manifest: again.manifest, ..order }).await.unwrap();
    let depot = Depot::default();
    depot.hold(Holding {
        manifest: line.manifest.clone(),
        dir: fetched.dir,
        spool: None,
        arriving: None,
        seeds: Vec::new(),
    });
    assert_serves(&depot, &line.manifest);
}

#[tokio::test]
async fn who_has_nothing_gets_all_of_it_and_can_serve_it_on() {
    let line = typical();
    let source = Peer::with("source", Manner::Honest, line.depot()).await;
    let order = line.order("second", &[&source]);
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    let (told, came) = (line.manifest.wire_bytes().0, progress.view().bytes_network.0);
    assert!(told.abs_diff(came) * 5 < came, "told {told}, came {came}");

    let manifest = line.manifest.clone();
    let second = Published { manifest, dir: fetched.dir, spool: line.spool.clone() };
    let second = Peer::serve("second", Manner::Leaves, &second).await;
    let fetched = fetch(line.order("third", &[&second])).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
}

#[tokio::test]
async fn who_lacks_only_some_loose_leaves_asks_for_just_these() {
    let line = typical();
    let source = Peer::with("source", Manner::Honest, line.depot()).await;
    let fetched = fetch(line.order("other", &[&source])).await.unwrap();
    let before = source.asked();
    let loose = line.manifest.loose()[2];
    let at = line.manifest.places(loose)[0].offset();
    let file = OpenOptions::new().write(true).open(fetched.dir.join("disk0.raw")).unwrap();
    file.write_all_at(b"bad", at).unwrap();
    let order = line.order("other", &[&source]);
    let progress = order.progress.clone();
    fetch(order).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    assert_eq!(source.asked(), before + 1);
    assert!(progress.view().bytes_network.0 < LEAF / 2, "one leaf of text came");
}

#[tokio::test]
async fn who_lies_about_loose_leaves_is_found_out() {
    let line = typical();
    let liar = Peer::with("liar", Manner::Lies, line.depot()).await;
    let error = fetch(line.order("other", &[&liar])).await.unwrap_err().problem().unwrap();
    assert_eq!(error.code, Code::T0002);
    let honest = Peer::with("honest", Manner::Honest, line.depot()).await;
    let fetched = fetch(line.order("other", &[&liar, &honest])).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
}

#[tokio::test]
async fn the_source_makes_its_own_file_without_any_peer() {
    let line = typical();
    let order = line.own_fill();
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    assert_eq!((fetched.frames, progress.view().bytes_network), (0, ByteCount::ZERO));
    assert_eq!(progress.view().bytes_local, line.manifest.data_bytes());
}

#[tokio::test]
async fn a_spoiled_spool_is_never_served_and_only_a_peer_can_help() {
    // What is new is like nothing that was there: it has no difference that could help.
    let overlay =
        Overlay::new(80 * LEAF).write(3 * LEAF, &noise(7, 2 * LEAF)).write(40 * LEAF, &noise(8, LEAF));
    let line = Line::new(80 * LEAF, &[(0, prose(1, 80 * LEAF))], &overlay);
    let path = line.root.path().join(format!("work-{}/spool", line.base.manifest.digest().short()));
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(b"spoiled", 50).unwrap();
    let depot = line.depot();
    let answers: Vec<_> = line
        .manifest
        .frames()
        .iter()
        .map(|frame| depot.frame(&line.manifest.digest(), &frame.digest))
        .collect();
    let refused: Vec<_> = answers.into_iter().filter_map(Result::err).collect();
    assert!(matches!(refused[..], [DepotError::NotYet { .. }]), "{refused:?}");
    assert_eq!(refused[0].problem().code, Code::A0004);
    assert!(matches!(fetch(line.own_fill()).await, Err(FetchError::NoSource(_))));

    let held = Peer::serve("held", Manner::Honest, &line.as_held()).await;
    let (_, sources) = tokio::sync::watch::channel(vec![held.source.clone()]);
    let fetched = fetch(FetchOrder { sources, ..line.own_fill() }).await.unwrap();
    assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    assert_eq!((fetched.frames, held.asked()), (1, 1), "all else was here");
}

impl Line {
    /// As somebody holds it who has filled it, and has no spool.
    fn as_held(&self) -> Published {
        let spool = Arc::new(Spool::open(&self.root.path().join("empty")).unwrap());
        Published { manifest: self.manifest.clone(), dir: self.flat.dir.clone(), spool }
    }
}

#[test]
fn a_base_that_changed_on_disk_is_found_out_and_named() {
    let line = typical();
    let file = OpenOptions::new().write(true).open(line.base.dir.join("disk0.raw")).unwrap();
    file.write_all_at(b"rot", 60 * LEAF).unwrap();
    let depot = line.depot();
    let frames = line.manifest.frames().iter();
    let errors: Vec<_> =
        frames.filter_map(|frame| depot.frame(&line.manifest.digest(), &frame.digest).err()).collect();
    let [DepotError::Damaged { version, leaf }] = &errors[..] else { panic!("{errors:?}") };
    assert_eq!((*version, leaf.leaf), (line.base.manifest.digest(), 60), "the version whose file it is");

    let attempt = |start| {
        let overlay = Overlay::new(80 * LEAF).write(start, b"a few bytes");
        attempt(&line.base.manifest, changed(&line.base, &overlay, line.root.path()), &line.spool)
    };
    attempt(61 * LEAF).unwrap();
    let refused = attempt(60 * LEAF + 9).unwrap_err();
    assert!(matches!(refused, PublishError::Damaged { .. }), "{refused:?}");
    assert_eq!(refused.problem().unwrap().code, Code::T0008);
    file.set_len(61 * LEAF).unwrap();
    assert!(matches!(attempt(61 * LEAF), Err(PublishError::Damaged { .. })), "nor one that lost its end");
}

/// The guest wrote over leaves 3 and 4 and deleted a file there; trimming gave back leaf 4, and all from 20
/// on, and wrote a little of leaf 10.
#[test]
fn what_was_given_back_of_a_change_is_no_change_and_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let below = folder(dir.path(), "base");
    disk(&below.join("disk0.raw"), 40 * LEAF, &[(0, noise(1, 6 * LEAF)), (22 * LEAF, noise(2, LEAF))]);
    let base = published(&below, &["disk0"], None);
    let (written, replayed) = (noise(3, 2 * LEAF), noise(4, 100));
    let work = folder(dir.path(), "work");
    fs::write(work.join("overlay"), &written).unwrap();
    fs::write(work.join("trimmed"), &replayed).unwrap();
    let extent = |start, length, at: Option<(usize, u64)>| {
        let at = at.map(|(overlay, offset)| At { overlay, offset });
        Extent { start, length, at }
    };
    let disks = vec![ChangedDisk {
        name: "disk0".into(),
        base: below.join("disk0.raw"),
        overlays: vec![work.join("overlay"), work.join("trimmed")],
        size: ByteCount(40 * LEAF),
        extents: vec![
            extent(3 * LEAF, LEAF, Some((0, 0))),
            extent(4 * LEAF, LEAF, None),
            extent(10 * LEAF + 50, 100, Some((1, 0))),
            extent(20 * LEAF, 20 * LEAF, None),
        ],
    }];
    let spool = Spool::open(&work.join("spool")).unwrap();
    let derived =
        attempt(&base.manifest, ChangesInput { disks, nvram: None, profile: b"{}".to_vec() }, &spool);
    let derived = derived.unwrap();
    assert_eq!(derived.new_bytes, ByteCount(2 * LEAF), "leaf 3, and the one that was replayed into");
    let mut flat = fs::read(below.join("disk0.raw")).unwrap();
    let at = |leaf: u64| (leaf * LEAF) as usize;
    flat[at(3)..at(4)].copy_from_slice(&written[..LEAF as usize]);
    flat[at(4)..at(5)].fill(0);
    flat[at(10) + 50..at(10) + 150].copy_from_slice(&replayed);
    flat[at(20)..].fill(0);
    let anew = folder(dir.path(), "anew");
    fs::write(anew.join("disk0.raw"), flat).unwrap();
    let anew = published(&anew, &["disk0"], None);
    assert_eq!(derived.manifest.digest(), anew.manifest.digest());
}

#[test]
fn a_map_that_cannot_be_is_refused() {
    let line = typical();
    let in_first = |offset| At { overlay: 0, offset };
    let attempt = |size, extents: &[(u64, u64, Option<u64>)]| {
        let input = changed(&line.base, &Overlay::new(size), line.root.path());
        let extents = extents.iter().map(|(start, length, at)| Extent {
            start: *start,
            length: *length,
            at: at.map(in_first),
        });
        let disk = ChangedDisk { extents: extents.collect(), ..input.disks[0].clone() };
        attempt(&line.base.manifest, ChangesInput { disks: vec![disk], ..input }, &line.spool)
    };
    let refusals = [
        attempt(LEAF, &[(0, 10, None), (9, 1, None)]),
        attempt(LEAF, &[(0, LEAF + 1, None)]),
        attempt(LEAF, &[(u64::MAX, 2, None)]),
        attempt(LEAF, &[(0, 2, Some(u64::MAX))]),
    ];
    for refused in refusals {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, PublishError::Map { .. }), "{refused:?}");
        assert_eq!(refused.problem().unwrap().code, Code::V0004);
    }
    let input = changed(&line.base, &Overlay::new(LEAF), line.root.path());
    let nowhere = Extent { start: 0, length: 2, at: Some(At { overlay: 1, offset: 0 }) };
    let disk = ChangedDisk { extents: vec![nowhere], ..input.disks[0].clone() };
    let refused =
        self::attempt(&line.base.manifest, ChangesInput { disks: vec![disk], ..input }, &line.spool);
    assert!(matches!(refused, Err(PublishError::Map { .. })), "an overlay that there is not: {refused:?}");
    let refused = attempt(u64::MAX, &[]).unwrap_err();
    assert_eq!(refused.problem().unwrap().code, Code::T0007);
    let derived = attempt(LEAF, &[(0, LEAF, Some(1 << 40))]).unwrap();
    assert_eq!(derived.manifest.data_bytes(), ByteCount::ZERO, "what an overlay does not reach is zero");
}

#[test]
fn a_request_for_leaves_that_are_not_there_is_refused() {
    let line = typical();
    let (depot, version) = (line.depot(), line.manifest.digest());
    let count = line.manifest.ordinals();
    for leaves in [&[][..], &[count], &[0; 17]] {
        let refused = depot.leaves(&version, leaves);
        assert!(matches!(refused, Err(DepotError::NoSuchLeaves { .. })), "{refused:?}");
    }
    for text in ["", "1,1", "2,1", "1,", "-1", "x", "4294967296", "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16"]
    {
        assert_eq!(crate::wire::leaves_of_path(text), None, "{text}");
    }
    assert_eq!(crate::wire::leaves_of_path("3,17"), Some(vec![3, 17]));
    let noise = Line::new(LEAF, &[(0, noise(1, LEAF))], &Overlay::new(LEAF));
    let sent = noise.depot().leaves(&noise.manifest.digest(), &[0]).unwrap();
    assert_eq!(sent.form, FrameForm::Leaves, "what does not compress travels as it is");
}

/// Every generation changes other leaves than the one before.
#[test]
fn fifty_generations_do_not_make_a_version_harder_to_get() {
    let root = tempfile::tempdir().unwrap();
    let dir = folder(root.path(), "v1");
    disk(&dir.join("disk0.raw"), 200 * LEAF, &[(0, prose(0, 200 * LEAF))]);
    let first = published(&dir, &["disk0"], None);
    let (frames, whole) = (first.manifest.frames().len(), first.manifest.wire_bytes().0);
    let mut held = first;
    for generation in 1..50_u64 {
        let mut overlay = Overlay::new(200 * LEAF);
        for number in 0..2 {
            let leaf = (generation * 61 + number * 97) % 200;
            overlay = overlay.write(leaf * LEAF, &prose(generation * 10 + number, LEAF));
        }
        let (derived, next) = derive(root.path(), &held, &overlay);
        let manifest = &derived.manifest;
        let (told, loose) = (manifest.wire_bytes().0, manifest.loose().len());
        assert!(
            manifest.frames().len() + loose.div_ceil(FRAME_LEAVES_MAX) <= 2 * frames + 50,
            "{generation}"
        );
        assert!(told < whole * 3 / 2, "{generation}: {told} of {whole}");
        assert_eq!(Manifest::decode(&manifest.encode()).unwrap(), *manifest);
        held = next;
    }
    let loose = held.manifest.loose_bytes();
    assert!(loose > ByteCount(95 * LEAF), "nearly half of it lies in no frame by now: {loose}");
    let depot = Depot::default();
    depot.hold(held.holding());
    assert_serves(&depot, &held.manifest);
    assert_eq!(published(&held.dir, &["disk0"], None).manifest.digest(), held.manifest.digest());
}

/// From a point of the disk up to the next: nothing, or zeroes, or data.
fn pieces() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let anywhere = 0..40 * LEAF;
    let aligned = (0..40_u64).prop_map(|leaf| leaf * LEAF);
    proptest::collection::vec((prop_oneof![anywhere, aligned], 0..6_u64), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_change_of_any_disk_is_the_version_that_its_content_is(
        size in 0..40 * LEAF,
        grown in prop_oneof![Just(0_i64), -3 * LEAF as i64..6 * LEAF as i64],
        data in proptest::collection::vec((0..40 * LEAF, 1..200_000_u64, 1..4_u64), 0..5),
        mut pieces in pieces(),
    ) {
        let spans: Vec<_> = data
            .into_iter()
            .filter(|(start, ..)| *start < size)
            .map(|(start, length, seed)| (start, noise(seed, length.min(size - start))))
            .collect();
        let mut base = vec![0; size as usize];
        for (start, bytes) in &spans {
            base[*start as usize..][..bytes.len()].copy_from_slice(bytes);
        }
        let after = size.saturating_add_signed(grown);
        pieces.retain(|(start, _)| *start < after);
        pieces.sort_unstable();
        pieces.dedup_by_key(|(start, _)| *start);
        let ends: Vec<u64> = pieces.iter().skip(1).map(|(start, _)| *start).chain([after]).collect();
        let mut overlay = Overlay::new(after);
        for ((start, kind), end) in pieces.into_iter().zip(ends) {
            let there = base.get(start as usize..end as usize);
            overlay = match (kind, there) {
                (0, _) => overlay,
                (1, _) => overlay.zero(start, end - start),
                (2, Some(same)) => overlay.write(start, same),
                (kind, _) => overlay.write(start, &noise(kind, end - start)),
            };
        }
        let line = Line::new(size, &spans, &overlay);
        prop_assert_eq!(line.manifest.digest(), line.flat.manifest.digest());
        prop_assert_eq!(line.manifest.disks(), line.flat.manifest.disks());
        prop_assert_eq!(&Manifest::decode(&line.manifest.encode()).unwrap(), &*line.manifest);
        let old = line.base.manifest.by_name();
        let new = line.manifest.by_name();
        let new = new.iter().filter(|(name, _)| !old.contains_key(name));
        let new: u64 = new.map(|(_, ordinal)| line.manifest.leaf_length(*ordinal) as u64).sum();
        prop_assert_eq!(line.derived.new_bytes, ByteCount(new));
        assert_serves(&line.depot(), &line.manifest);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let fetched = runtime.block_on(fetch(line.own_fill())).unwrap();
        assert_same(&line.manifest, &line.flat.dir, &fetched.dir);
    }
}
