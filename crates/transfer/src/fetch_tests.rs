//! A version arrives whole from whoever is honest, and nothing is fetched twice.

use super::*;
use crate::{
    frame::{FrameBytes, FrameForm},
    manifest::Frame,
    progress::Progress,
    sys,
    testing::{LEAF, Manner, Peer, Published, assert_same, disk, golden, noise, order, published, source},
    verify::{BadLeaf, Verdict, verify},
};
use diecast_domain::code::Code;
use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt, MetadataExt},
    time::Duration,
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
        std::fs::create_dir(&dir).unwrap();
        Self { golden: golden(&dir), root }
    }

    fn order(&self, peers: &[&Peer]) -> FetchOrder {
        let sources: Vec<_> = peers.iter().map(|peer| &peer.source).collect();
        order(&self.golden.manifest, &self.root.path().join("incoming"), &sources)
    }

    fn frames(&self) -> usize {
        self.golden.manifest.frames().len()
    }

    /// It is there to the byte, and a verification says so.
    fn assert_arrived(&self, fetched: &Fetched) {
        assert_same(&self.golden.manifest, &self.golden.dir, &fetched.dir);
        assert_verified(&self.golden.manifest, &fetched.dir);
    }
}

fn assert_verified(manifest: &Manifest, dir: &Path) {
    let verdict = verify(manifest, dir, &Progress::default(), &CancellationToken::new()).unwrap();
    assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
}

#[tokio::test]
async fn a_version_arrives_from_several_sources_and_stays_sparse() {
    let world = World::new();
    let a = Peer::serve("a", Manner::Honest, &world.golden).await;
    let b = Peer::serve("b", Manner::Honest, &world.golden).await;
    let order = world.order(&[&a, &b]);
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    world.assert_arrived(&fetched);
    assert_eq!((fetched.frames, a.asked() + b.asked()), (world.frames(), world.frames()));
    assert!(a.asked() > 0 && b.asked() > 0, "both were asked");
    let used = std::fs::metadata(fetched.dir.join("disk0.raw")).unwrap().blocks() * 512;
    assert!(used < 150 * LEAF, "holes stay holes: {used} bytes are used");
    let view = progress.view();
    assert_eq!(view.bytes_network, world.golden.manifest.wire_bytes());
    let given = progress.sources();
    let from: Vec<_> =
        given.iter().filter(|it| it.received > ByteCount::ZERO).map(|it| it.provider).collect();
    assert!(from.contains(&a.source.provider) && from.contains(&b.source.provider), "{given:?}");
    assert_eq!(given.iter().map(|it| it.received.0).sum::<u64>(), view.bytes_network.0);
    let wanted = world.golden.manifest.data_bytes();
    assert_eq!(progress.notices(), []);
    // `finish` ended at the flush, with all done.
    assert_eq!((view.stage, view.bytes_done, view.bytes_total), (Stage::Flushing, wanted, wanted));
}

#[tokio::test]
async fn a_source_that_lies_is_asked_no_more_and_is_named() {
    for manner in [Manner::Lies, Manner::Floods] {
        let world = World::new();
        let liar = Peer::serve("liar", manner, &world.golden).await;
        let honest = Peer::serve("honest", Manner::Honest, &world.golden).await;
        let order = world.order(&[&liar, &honest]);
        let progress = order.progress.clone();
        world.assert_arrived(&fetch(order).await.unwrap());
        assert!(liar.asked() <= crate::limits::FRAMES_PER_SOURCE_MAX, "{manner:?}");
        let notices = progress.notices();
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert_eq!(notices[0].code, Code::T0002);
        assert!(notices[0].cause.starts_with("liar sent wrong bytes ("), "{}", notices[0].cause);
    }
}

#[tokio::test]
async fn only_liars_end_the_transfer_with_nothing_wrong_written() {
    let world = World::new();
    let liar = Peer::serve("liar", Manner::Lies, &world.golden).await;
    let error = fetch(world.order(&[&liar])).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, Code::T0002);
    let dir = layout::version_dir(&world.root.path().join("incoming"), &world.golden.manifest.digest());
    assert_eq!(std::fs::metadata(dir.join("disk0.raw")).unwrap().blocks(), 0);
}

#[tokio::test]
async fn a_source_that_stalls_or_sends_a_byte_now_and_then_is_left_for_another_and_alone_it_is_named() {
    for manner in [Manner::Stalls, Manner::Trickles] {
        let world = World::new();
        let slow = Peer::serve("slow", manner, &world.golden).await;
        let honest = Peer::serve("honest", Manner::Honest, &world.golden).await;
        let order = world.order(&[&slow, &honest]);
        let progress = order.progress.clone();
        world.assert_arrived(&fetch(order).await.unwrap());
        assert!(slow.asked() > 0);
        assert_eq!(progress.notices(), [], "slowness is no lie");

        let world = World::new();
        let slow = Peer::serve("slow", manner, &world.golden).await;
        let error = fetch(world.order(&[&slow])).await.unwrap_err().problem().unwrap();
        assert_eq!(error.code, Code::T0009);
        assert!(error.cause.contains(&slow.source.addresses[0]), "{}", error.cause);
    }
}

/// Frames that were half way when their source fell silent.
async fn half_way() -> (World, u64) {
    let world = World::new();
    let stalls = Peer::serve("stalls", Manner::Stalls, &world.golden).await;
    fetch(world.order(&[&stalls])).await.unwrap_err();
    let parts = crate::parts::dir(&world.root.path().join("incoming"), &world.golden.manifest.digest());
    let kept = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().metadata().unwrap().len();
    let kept = std::fs::read_dir(parts).unwrap().map(kept).sum();
    (world, kept)
}

#[tokio::test]
async fn of_a_frame_that_was_half_way_only_the_rest_is_fetched() {
    let (world, kept) = half_way().await;
    assert!(kept > 0);
    let honest = Peer::serve("honest", Manner::Honest, &world.golden).await;
    let order = world.order(&[&honest]);
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    world.assert_arrived(&fetched);
    let whole = world.golden.manifest.wire_bytes().0;
    assert_eq!(progress.view().bytes_network.0, whole - kept, "nothing that had arrived came again");
    assert!(
        !crate::parts::dir(&world.root.path().join("incoming"), &world.golden.manifest.digest()).exists()
    );
}

#[tokio::test]
async fn a_torn_part_is_fetched_again_and_nobody_is_blamed() {
    let (world, _) = half_way().await;
    let parts = crate::parts::dir(&world.root.path().join("incoming"), &world.golden.manifest.digest());
    for entry in std::fs::read_dir(parts).unwrap() {
        let file = OpenOptions::new().write(true).open(entry.unwrap().path()).unwrap();
        file.write_all_at(b"torn", 3).unwrap();
    }
    let honest = Peer::serve("honest", Manner::Honest, &world.golden).await;
    let order = world.order(&[&honest]);
    let progress = order.progress.clone();
    world.assert_arrived(&fetch(order).await.unwrap());
    assert_eq!(progress.notices(), []);
}

#[tokio::test]
async fn one_good_source_among_dead_ones_is_enough() {
    let world = World::new();
    let flaky = Peer::serve("flaky", Manner::Stumbles, &world.golden).await;
    let dead = source("dead", "127.0.0.1:1");
    let incoming = world.root.path().join("incoming");
    let order = order(&world.golden.manifest, &incoming, &[&dead, &flaky.source]);
    world.assert_arrived(&fetch(order).await.unwrap());
    assert!(flaky.asked() > world.frames(), "it was asked again for what it first refused");
}

#[tokio::test]
async fn leaves_that_a_source_could_not_compress_are_as_good() {
    let world = World::new();
    let peer = Peer::serve("other-zstd", Manner::Leaves, &world.golden).await;
    world.assert_arrived(&fetch(world.order(&[&peer])).await.unwrap());
}

#[tokio::test]
async fn who_finds_no_source_says_whom_it_asked_and_goes_on_when_one_appears() {
    let world = World::new();
    let error = fetch(world.order(&[])).await.unwrap_err().problem().unwrap();
    assert_eq!(error.code, Code::T0010);
    let empty = Peer::serve("empty", Manner::Refuses, &world.golden).await;
    let error = fetch(world.order(&[&empty])).await.unwrap_err().problem().unwrap();
    assert_eq!(error.code, Code::T0010, "{error}");

    let gone = source("gone", "127.0.0.1:1");
    let incoming = world.root.path().join("incoming");
    let error = fetch(order(&world.golden.manifest, &incoming, &[&gone])).await.unwrap_err();
    let error = error.problem().unwrap();
    assert_eq!(error.code, Code::T0001);
    assert!(error.cause.contains("gone: no connection to 127.0.0.1:1"), "{}", error.cause);

    let (list, sources) = watch::channel(vec![gone]);
    let order = FetchOrder { sources, ..world.order(&[]) };
    let running = tokio::spawn(fetch(order));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let honest = Peer::serve("honest", Manner::Honest, &world.golden).await;
    list.send(vec![honest.source.clone()]).unwrap();
    world.assert_arrived(&running.await.unwrap().unwrap());
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again_and_junk_is_cleared() {
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let dir = fetch(world.order(&[&peer])).await.unwrap().dir;
    let first = peer.asked();

    let progress = Arc::new(Progress::default());
    let again = FetchOrder { progress: progress.clone(), ..world.order(&[&peer]) };
    world.assert_arrived(&fetch(again).await.unwrap());
    assert_eq!(peer.asked(), first, "nothing lacked");
    assert_eq!(progress.view().bytes_local, world.golden.manifest.data_bytes());

    // A torn write, a lost leaf in the same frame, junk in a hole, a file that is too long.
    let disk0 = OpenOptions::new().write(true).open(dir.join("disk0.raw")).unwrap();
    disk0.write_all_at(&[0; 512], 2001 * LEAF + 512).unwrap();
    disk0.write_all_at(b"junk", 500 * LEAF).unwrap();
    sys::punch_hole(&disk0, 2002 * LEAF, LEAF).unwrap();
    OpenOptions::new().write(true).open(dir.join("disk1.raw")).unwrap().set_len(9 * LEAF).unwrap();
    let manifest = &world.golden.manifest;
    let lacks = |frame: &&Frame| {
        let names = [2001, 2002].map(|leaf| manifest.disks()[0].leaf(leaf).unwrap());
        frame.leaves.iter().any(|ordinal| names.contains(&manifest.leaf_name(*ordinal)))
    };
    let lacking = manifest.frames().iter().filter(lacks).count();
    world.assert_arrived(&fetch(world.order(&[&peer])).await.unwrap());
    assert_eq!(peer.asked(), first + lacking);
}

#[tokio::test]
async fn a_transfer_dropped_in_the_middle_goes_on_where_it_was() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("golden");
    std::fs::create_dir(&dir).unwrap();
    disk(&dir.join("disk0.raw"), 2000 * LEAF, &[(0, noise(1, 1000 * LEAF))]);
    let golden = published(&dir, &["disk0"], None);
    let peer = Peer::serve("a", Manner::Honest, &golden).await;
    let incoming = root.path().join("incoming");
    let mut drops = 0;
    let fetched = loop {
        let order = order(&golden.manifest, &incoming, &[&peer.source]);
        let progress = order.progress.clone();
        let running = tokio::spawn(fetch(order));
        while !running.is_finished() && progress.view().bytes_network < ByteCount::mib(8) {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        if running.is_finished() {
            break running.await.unwrap().unwrap();
        }
        running.abort();
        drops += 1;
        assert!(drops < 100);
    };
    assert!(drops > 0, "it was dropped at least once");
    assert_same(&golden.manifest, &golden.dir, &fetched.dir);
    let frames = golden.manifest.frames().len();
    let most = frames + drops * (crate::limits::FRAMES_IN_FLIGHT_MAX + crate::limits::FRAMES_PER_SOURCE_MAX);
    assert!(peer.asked() <= most, "{} asked, {frames} frames, {drops} drops", peer.asked());
}

#[tokio::test]
async fn leaves_of_another_local_version_are_not_fetched_and_not_trusted() {
    let world = World::new();
    let old = world.root.path().join("old");
    std::fs::create_dir(&old).unwrap();
    // The old version has all of the new one but 20 leaves, elsewhere, on a disk of another name.
    let data = std::fs::read(world.golden.dir.join("disk0.raw")).unwrap();
    let upto = (300 * LEAF) as usize;
    disk(
        &old.join("vda.raw"),
        400 * LEAF,
        &[(50 * LEAF, data[..upto].to_vec()), (399 * LEAF, noise(9, 777))],
    );
    let seed = published(&old, &["vda"], None);
    let seeds = vec![Seed { manifest: seed.manifest.clone(), dir: old.clone() }];
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;

    let order = FetchOrder { seeds: seeds.clone(), ..world.order(&[&peer]) };
    let progress = order.progress.clone();
    let fetched = fetch(order).await.unwrap();
    world.assert_arrived(&fetched);
    let lacking = 20 * LEAF + 777;
    let got = progress.view().bytes_network.0;
    assert!((20 * LEAF..lacking + 32 * LEAF).contains(&got), "{got} bytes came");
    std::fs::remove_dir_all(&fetched.dir).unwrap();

    // A leaf of the seed is not what its manifest says any more.
    File::options().write(true).open(old.join("vda.raw")).unwrap().write_all_at(b"!", 50 * LEAF).unwrap();
    let order = FetchOrder { seeds, ..world.order(&[&peer]) };
    let progress = order.progress.clone();
    world.assert_arrived(&fetch(order).await.unwrap());
    assert_eq!(progress.notices().iter().map(|notice| notice.code).collect::<Vec<_>>(), [Code::T0008]);
    let damaged: Vec<_> = progress.damaged_seeds().into_iter().map(|(version, _)| version).collect();
    assert_eq!(damaged, [seed.manifest.digest()], "and it is not to be called intact any more");
}

#[tokio::test]
async fn the_transfer_stops_at_the_floor_and_keeps_what_it_has() {
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let free = sys::free_space(world.root.path()).unwrap();
    let order = FetchOrder { floor: free + ByteCount::gib(100), ..world.order(&[&peer]) };
    let problem = fetch(order).await.unwrap_err().problem().unwrap();
    assert_eq!(problem.code, Code::T0003);
    assert!(problem.cause.contains("must stay free"), "{}", problem.cause);
    let fetched = fetch(world.order(&[&peer])).await.unwrap();
    world.assert_arrived(&fetched);
    let order = FetchOrder { floor: free + ByteCount::gib(100), ..world.order(&[&peer]) };
    fetch(order).await.expect("what is complete needs no space");
}

#[tokio::test]
async fn bad_leaves_are_mended_under_an_open_file() {
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let dir = fetch(world.order(&[&peer])).await.unwrap().dir;
    let before = peer.asked();
    let reader = File::open(dir.join("disk0.raw")).unwrap();
    let writer = OpenOptions::new().write(true).open(dir.join("disk0.raw")).unwrap();
    writer.write_all_at(b"bad", 2005 * LEAF).unwrap();
    writer.write_all_at(b"bad", 1000 * LEAF).unwrap();
    let path = dir.join("disk0.raw");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o444)).unwrap();

    let leaves = [1000, 2005].map(|leaf| BadLeaf { disk: "disk0".into(), leaf }).to_vec();
    let damage = Damage { leaves, ..Damage::default() };
    let order = world.order(&[&peer]);
    let progress = order.progress.clone();
    mend(order, &dir, &damage).await.unwrap();
    assert_eq!(peer.asked(), before + 1, "what lacks is asked for together");
    let crossed = progress.view().bytes_network.0;
    assert!(crossed <= LEAF + 4096, "only the bad leaf crosses the network, not {crossed} bytes");
    assert_verified(&world.golden.manifest, &dir);
    let mut seen = vec![0; LEAF as usize];
    reader.read_exact_at(&mut seen, 2005 * LEAF).unwrap();
    assert_eq!(seen, noise(3, 20 * LEAF)[5 * LEAF as usize..6 * LEAF as usize]);
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o444);
}

#[tokio::test]
async fn a_file_that_was_gone_is_made_anew_for_everybody_to_read() {
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let dir = fetch(world.order(&[&peer])).await.unwrap().dir;
    std::fs::remove_file(dir.join("disk0.raw")).unwrap();
    let damage = Damage { files: vec!["disk0.raw".into()], ..Damage::default() };
    mend(world.order(&[&peer]), &dir, &damage).await.unwrap();
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let Verdict::Verified(verified) = verify(&world.golden.manifest, &dir, &progress, &cancel).unwrap()
    else {
        panic!("it was not mended");
    };
    crate::commit::protect(&verified).unwrap();
    assert_eq!(std::fs::metadata(dir.join("disk0.raw")).unwrap().mode() & 0o777, 0o444);
    assert_verified(&world.golden.manifest, &dir);
}

#[tokio::test]
async fn frames_that_came_are_kept_to_be_served_on() {
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let spool = Arc::new(Spool::open(&world.root.path().join("spool")).unwrap());
    let order = FetchOrder { spool: Some(spool.clone()), ..world.order(&[&peer]) };
    fetch(order).await.unwrap();
    assert!(world.golden.manifest.frames().iter().all(|frame| spool.contains(&frame.digest)));
}

#[tokio::test]
async fn a_cancelled_transfer_is_no_problem() {
    let world = World::new();
    let order = world.order(&[]);
    order.cancel.cancel();
    let error = fetch(order).await.unwrap_err();
    assert!(matches!(error, FetchError::Cancelled) && error.problem().is_none());
}

#[tokio::test]
async fn under_a_limit_a_version_arrives_in_slices_and_never_faster_whatever_its_source_sends() {
    use crate::{limits::PACE_BURST_TIME, pace::Pacer};
    use diecast_domain::units::BytesPerSecond;
    // `Stumbles` knows nothing of parts of a frame, as an agent of an earlier release.
    for manner in [Manner::Honest, Manner::Stumbles, Manner::Leaves] {
        let world = World::new();
        let peer = Peer::serve("a", manner, &world.golden).await;
        let pacer = Arc::new(Pacer::default());
        let rate = 800_000;
        pacer.set(Some(BytesPerSecond(rate)));
        let patience = Patience { no_source: Duration::from_secs(60), ..world.order(&[&peer]).patience };
        let pace = Arc::new(Pace::new(vec![pacer]));
        let order = FetchOrder { pace, patience, ..world.order(&[&peer]) };
        let progress = order.progress.clone();
        let begun = std::time::Instant::now();
        let fetched = fetch(order).await.unwrap();
        let took = begun.elapsed();
        world.assert_arrived(&fetched);
        let came = progress.view().bytes_network.0;
        let at_once = crate::limits::FRAME_SIZE_MAX as u64 + rate * PACE_BURST_TIME.as_millis() as u64 / 1000;
        let least = Duration::from_secs_f64(came.saturating_sub(at_once) as f64 / rate as f64);
        assert!(took >= least, "{manner:?}: {came} bytes in {took:?}");
        if manner == Manner::Honest {
            assert!(peer.asked() > world.frames(), "it was asked for slices");
            assert_eq!(came, world.golden.manifest.wire_bytes().0, "nothing came twice");
        }
    }
}

#[tokio::test]
async fn a_limit_that_is_taken_away_in_the_middle_lets_the_rest_come_at_once() {
    use crate::pace::Pacer;
    use diecast_domain::{limit::RATE_MIN, units::BytesPerSecond};
    let world = World::new();
    let peer = Peer::serve("a", Manner::Honest, &world.golden).await;
    let pacer = Arc::new(Pacer::default());
    pacer.set(Some(RATE_MIN.bytes_per_second()));
    let order = FetchOrder { pace: Arc::new(Pace::new(vec![pacer.clone()])), ..world.order(&[&peer]) };
    let BytesPerSecond(slowest) = RATE_MIN.bytes_per_second();
    let whole = Duration::from_secs(world.golden.manifest.wire_bytes().0 / slowest);
    let begun = std::time::Instant::now();
    let running = tokio::spawn(fetch(order));
    while peer.asked() < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    pacer.set(None);
    let fetched = running.await.unwrap().unwrap();
    world.assert_arrived(&fetched);
    assert!(begun.elapsed() < whole / 2, "{:?} of {whole:?}", begun.elapsed());
}

/// All that this peer gives comes over a link at that rate.
fn over_a_link(order: &FetchOrder, peer: &Peer, rate: u64) -> Arc<crate::pace::Pacer> {
    let pacer = Arc::new(crate::pace::Pacer::default());
    pacer.set(Some(diecast_domain::units::BytesPerSecond(rate)));
    let pace = Arc::new(Pace::new(vec![pacer.clone()]));
    order.links.set([(peer.source.provider, pace)].into());
    pacer
}

#[tokio::test]
async fn what_comes_over_a_link_keeps_to_its_limit_and_what_is_near_comes_as_fast_as_it_goes() {
    let world = World::new();
    let (near, far) = (
        Peer::serve("near", Manner::Honest, &world.golden).await,
        Peer::serve("far", Manner::Honest, &world.golden).await,
    );
    let order = world.order(&[&near, &far]);
    let progress = order.progress.clone();
    over_a_link(&order, &far, 40_000);
    let begun = std::time::Instant::now();
    let fetched = fetch(order).await.unwrap();
    let took = begun.elapsed();
    world.assert_arrived(&fetched);
    let given = progress.sources();
    let came = |peer: &Peer| {
        given.iter().find(|it| it.provider == peer.source.provider).map_or(0, |it| it.received.0)
    };
    let most = 40_000.0 * took.as_secs_f64() + 40_000.0 * 0.3;
    assert!((came(&far) as f64) <= most, "{} bytes over the link in {took:?}", came(&far));
    assert!(came(&near) > came(&far));
}

#[tokio::test]
async fn over_a_link_without_a_share_nobody_is_asked_until_there_is_one() {
    let world = World::new();
    let far = Peer::serve("far", Manner::Honest, &world.golden).await;
    let patience = Patience { no_source: Duration::from_secs(60), ..world.order(&[&far]).patience };
    let order = FetchOrder { patience, ..world.order(&[&far]) };
    let links = order.links.clone();
    let pacer = over_a_link(&order, &far, 0);
    let running = tokio::spawn(fetch(order));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(far.asked(), 0);
    pacer.set(Some(diecast_domain::units::BytesPerSecond(20_000)));
    while far.asked() < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // It loses its share in the middle: what was asked for is left, and not held against anybody.
    pacer.set(Some(diecast_domain::units::BytesPerSecond(0)));
    tokio::time::sleep(Duration::from_millis(700)).await;
    let asked = far.asked();
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(far.asked(), asked);
    assert!(!running.is_finished());
    links.set(Default::default());
    pacer.set(None);
    world.assert_arrived(&running.await.unwrap().unwrap());
}

#[test]
fn a_part_of_a_frame_is_given_as_it_is_asked_for_and_else_the_whole() {
    let frame = || FrameBytes { form: FrameForm::Named, bytes: (0..100).collect::<Vec<u8>>().into() };
    let given = |range: &str| {
        let (frame, said) = crate::wire::rest_of(frame(), Some(range));
        (frame.bytes.len(), frame.bytes[0], said)
    };
    assert_eq!(given("bytes=10-"), (90, 10, Some("bytes 10-99/100".into())));
    assert_eq!(given("bytes=0-9"), (10, 0, Some("bytes 0-9/100".into())));
    assert_eq!(given("bytes=90-500"), (10, 90, Some("bytes 90-99/100".into())));
    for odd in
        ["bytes=0-99", "bytes=100-", "bytes=9-3", "bytes=-5", "bytes=1-2,4-5", "bytes=a-b", "leaves=1-"]
    {
        assert_eq!(given(odd), (100, 0, None), "{odd}");
    }
    let (leaves, said) =
        crate::wire::rest_of(FrameBytes { form: FrameForm::Leaves, ..frame() }, Some("bytes=10-20"));
    assert_eq!((leaves.bytes.len(), said), (100, None), "only named bytes are the same everywhere");
}
