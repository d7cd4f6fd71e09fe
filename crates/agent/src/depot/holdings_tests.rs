//! What a provider serves that published a working copy and has no files of the new version yet.

use super::*;
use crate::data::Derivation;
use diecast_domain::units::ByteCount;
use diecast_transfer::{
    changes::{At, ChangedDisk, ChangesInput, Derived, Extent, publish_changes},
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const LEAF: usize = 64 << 10;

/// A provider's disk with a version, and one published from its working copy.
struct Site {
    place: TempDir,
    data: DataDir,
    base: Digest,
    new: Arc<Manifest>,
}

impl Site {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        let data = DataDir::open(&root.join("agent")).unwrap();
        let (progress, cancel) = (Progress::default(), CancellationToken::new());

        let disk = root.join("disk0.raw");
        fs::write(&disk, [vec![1; LEAF], vec![2; LEAF]].concat()).unwrap();
        let disks = vec![DiskInput { name: "disk0".into(), path: disk.clone() }];
        let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
        let spool = Spool::open(&root.join("spool")).unwrap();
        let base = publish(input, &spool, &progress, &cancel).unwrap();
        let dir = places::version_dir(root, &base.digest());
        fs::create_dir_all(&dir).unwrap();
        let base_disk = dir.join("disk0.raw");
        fs::rename(disk, &base_disk).unwrap();
        fs::write(data.manifest(&base.digest()), base.encode()).unwrap();

        let overlay = root.join("overlay");
        fs::write(&overlay, vec![3; LEAF]).unwrap();
        let changed = ChangedDisk {
            name: "disk0".into(),
            base: base_disk,
            overlays: vec![overlay],
            size: ByteCount(2 * LEAF as u64),
            extents: vec![Extent {
                start: LEAF as u64,
                length: LEAF as u64,
                at: Some(At { overlay: 0, offset: 0 }),
            }],
        };
        let input = ChangesInput { disks: vec![changed], nvram: None, profile: b"{}".to_vec() };
        let spooling = root.join("agent/spool/new");
        let spool = Spool::open(&spooling).unwrap();
        let Derived { manifest, .. } = publish_changes(&base, input, &spool, &progress, &cancel).unwrap();
        let (base, digest) = (base.digest(), manifest.digest());
        fs::rename(&spooling, data.spool(&digest)).unwrap();
        fs::write(data.manifest(&digest), manifest.encode()).unwrap();
        data::write_json(&data.derived(&digest), &Derivation { base }).unwrap();
        Self { place, data, base, new: Arc::new(manifest) }
    }

    /// One life's look at the disk; what is served from parts, and whether a peer gets every frame.
    fn follow(&self, depots: &Depots, whole: &[Digest]) -> (bool, bool) {
        let digest = self.new.digest();
        let there = self.data.derived(&digest).exists();
        let derived = there.then_some((digest, self.base)).into_iter().collect();
        let whole = whole.iter().copied().collect();
        let from_parts = depots.follow(self.place.path(), &whole, &derived, &self.data);
        let mut frames = self.new.frames().iter();
        (from_parts.contains(&digest), frames.all(|frame| depots.frame(&digest, &frame.digest).is_ok()))
    }
}

#[test]
fn a_version_just_published_is_served_from_spool_and_base_in_this_life_and_the_next() {
    let site = Site::new();
    let depots = Depots::default();
    assert_eq!(site.follow(&depots, &[site.base]), (true, true));
    assert_eq!(site.follow(&depots, &[site.base]), (true, true), "and goes on so");
    assert_eq!(site.follow(&Depots::default(), &[site.base]), (true, true));
    assert_eq!(site.follow(&depots, &[]), (false, false), "its base is not whole any more");
    assert_eq!(site.follow(&depots, &[site.base]), (true, true), "and was mended");
}

#[test]
fn what_has_files_of_its_own_is_served_from_those_and_its_spool_is_a_cache_again() {
    let site = Site::new();
    let depots = Depots::default();
    let digest = site.new.digest();
    site.follow(&depots, &[site.base]);
    let dir = places::version_dir(site.place.path(), &digest);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("disk0.raw"), [vec![1; LEAF], vec![3; LEAF]].concat()).unwrap();
    assert_eq!(site.follow(&depots, &[site.base, digest]), (false, true));
    assert!(!site.data.derived(&digest).exists());
    depots.drop_spool(site.place.path(), &site.data, &digest).unwrap();
    assert_eq!(site.follow(&depots, &[site.base, digest]), (false, true));
    assert_eq!(site.follow(&depots, &[digest]), (false, true), "the base may go");
}

#[test]
fn what_is_not_here_is_not_said_to_be_served() {
    let site = Site::new();
    let spool = site.data.spool(&site.new.digest());
    let frames = fs::read(&spool).unwrap();
    fs::remove_file(&spool).unwrap();
    assert_eq!(site.follow(&Depots::default(), &[site.base]), (false, false));

    // A bit that rots is found out by who asks.
    let mut rotten = frames;
    *rotten.last_mut().unwrap() ^= 1;
    fs::write(&spool, rotten).unwrap();
    let depots = Depots::default();
    assert_eq!(site.follow(&depots, &[site.base]), (true, false));
    assert!(!site.follow(&depots, &[site.base]).0);
}

#[tokio::test]
async fn what_is_just_coming_is_served_as_far_as_it_has_come_and_then_whole() {
    let site = Site::new();
    let depots = Arc::new(Depots::default());
    let base = depots.manifest(&site.data, &site.base).unwrap();
    let incoming = site.place.path().join("incoming");
    fs::create_dir_all(&incoming).unwrap();
    fs::write(incoming.join("disk0.raw"), vec![0; 2 * LEAF]).unwrap();
    let frame = base.frames()[0].digest;

    let arriving = depots.hold_arriving(&base, &incoming, None, Vec::new());
    let told = async || depots.arrivals(&site.base, After::default(), Duration::ZERO).await.unwrap().pieces;
    site.follow(&depots, &[]);
    assert!(matches!(depots.frame(&site.base, &frame), Err(DepotError::NotYet { .. })));
    assert_eq!(told().await, [0; 0]);
    let claim = async || {
        depots.claim(&site.base, Claimant::default(), &[1], 4, Duration::ZERO, Duration::ZERO).await.unwrap()
    };
    assert_eq!(claim().await, [0; 0], "nothing has come");

    let there = places::version_dir(site.place.path(), &site.base);
    fs::copy(there.join("disk0.raw"), incoming.join("disk0.raw")).unwrap();
    arriving.arrivals().note(0);
    assert!(depots.frame(&site.base, &frame).is_ok());
    assert_eq!((told().await, claim().await), (vec![0], vec![0]));

    fs::remove_dir_all(&incoming).unwrap();
    arriving.completed(&base, there, None, Vec::new());
    site.follow(&depots, &[site.base]);
    assert!(depots.frame(&site.base, &frame).is_ok(), "from its final place");
    assert_eq!(told().await, [0]);
    assert_eq!(claim().await, [0]);

    drop(depots.hold_arriving(&base, &incoming, None, Vec::new()));
    assert!(matches!(depots.frame(&site.base, &frame), Err(DepotError::NoSuchVersion { .. })), "given up");
}

#[test]
fn what_was_derived_and_is_wanted_by_nobody_leaves_nothing() {
    let site = Site::new();
    let depots = Depots::default();
    site.follow(&depots, &[site.base]);
    let digest = site.new.digest();
    depots.drop_spool(site.place.path(), &site.data, &digest).unwrap();
    for path in [site.data.spool(&digest), site.data.manifest(&digest), site.data.derived(&digest)] {
        assert!(!path.exists(), "{}", path.display());
    }
    assert_eq!(site.follow(&depots, &[site.base]), (false, false));
}
