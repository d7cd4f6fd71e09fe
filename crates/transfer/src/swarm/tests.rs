//! Receivers that carry for each other: real depots over HTTP, on this machine.

use crate::{
    depot::{Depot, Holding},
    fetch::{FetchError, FetchOrder, Fetched, fetch},
    layout,
    limits::SMALL_FRAME_LEAVES,
    pace::{Pace, Pacer},
    patience::Patience,
    progress::Progress,
    swarm::{
        arrivals::Arrivals,
        claims::{CLAIMS_MAX, GIVEN_AGAIN_AFTER, GIVEN_AGAIN_IDLE},
        pieces::{self, PieceSet},
    },
    testing::{LEAF, Manner, Peer, Published, assert_same, disk, noise, order, published, source},
    verify::{Verdict, verify},
    wire::FrameClient,
};
use diecast_domain::{code::Code, provider::Source, units::BytesPerSecond};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const FRAMES: u64 = 48;

/// A golden machine of many frames that do not compress.
fn golden(root: &TempDir) -> Published {
    let dir = root.path().join("golden");
    std::fs::create_dir(&dir).unwrap();
    let bytes = FRAMES * SMALL_FRAME_LEAVES as u64 * LEAF;
    disk(&dir.join("disk0.raw"), bytes, &[(0, noise(5, bytes))]);
    published(&dir, &["disk0"], None)
}

#[tokio::test]
async fn what_a_holder_gave_to_another_site_is_given_in_its_own_too_and_not_the_other_way_round() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let client = FrameClient::without_tls(reqwest::Client::new());
    let version = golden.manifest.digest();
    let count = pieces::count(&golden.manifest);
    let claim = async |beyond, waiting: &mut PieceSet| {
        let source = Source { beyond, ..whole.source.clone() };
        let progress = Progress::default();
        let claimed = client.claim(&source, &version, waiting, CLAIMS_MAX, GIVEN_AGAIN_AFTER, &progress);
        let claimed = claimed.await.unwrap();
        claimed.iter().for_each(|piece| waiting.remove(*piece));
        claimed.len()
    };
    let (mut near, mut far) = (PieceSet::all(count), PieceSet::all(count));
    assert_eq!(claim(true, &mut far).await, CLAIMS_MAX);
    for _ in 0..3 {
        assert_eq!(claim(false, &mut near).await, CLAIMS_MAX);
    }
    assert_eq!(near.iter().count(), 0, "who is near gets all 48 from the holder itself");
    assert_eq!(claim(true, &mut far).await, 0, "all of that comes to the other site from those who are near");
}

/// A provider that receives, and serves what it has.
struct Receiver {
    root: TempDir,
    arrivals: Arc<Arrivals>,
    peer: Peer,
}

impl Receiver {
    async fn new(name: &str, golden: &Published, manner: Manner) -> Self {
        let root = tempfile::tempdir().unwrap();
        let arrivals = Arc::new(Arrivals::default());
        let depot = Depot::default();
        let dir = layout::version_dir(&root.path().join("incoming"), &golden.manifest.digest());
        let arriving = Some(arrivals.clone());
        depot.hold(Holding {
            manifest: golden.manifest.clone(),
            dir,
            spool: None,
            arriving,
            seeds: Vec::new(),
        });
        let mut peer = Peer::with(name, manner, depot).await;
        peer.source.whole = false;
        Self { root, arrivals, peer }
    }

    /// Fetches from `whole` and from the others.
    fn order(&self, golden: &Published, whole: &[&Source], others: &[Source]) -> FetchOrder {
        let others = others.iter().filter(|other| other.provider != self.peer.source.provider);
        let sources: Vec<_> = others.chain(whole.iter().copied()).collect();
        let mut order = order(&golden.manifest, &self.root.path().join("incoming"), &sources);
        order.arrivals = Some(self.arrivals.clone());
        // The machine may be busy with other tests: nobody is left for that.
        order.patience.stall_window = Duration::from_secs(60);
        order.patience.answer = Duration::from_secs(60);
        order.patience.no_source = Duration::from_secs(60);
        order
    }
}

async fn receivers(count: usize, golden: &Published) -> (Vec<Receiver>, Vec<Source>) {
    let mut receivers = Vec::new();
    for number in 0..count {
        receivers.push(Receiver::new(&format!("kvm-{number}"), golden, Manner::Honest).await);
    }
    let sources = receivers.iter().map(|receiver| receiver.peer.source.clone()).collect();
    (receivers, sources)
}

fn assert_whole(golden: &Published, fetched: &Fetched) {
    assert_same(&golden.manifest, &golden.dir, &fetched.dir);
    let verdict =
        verify(&golden.manifest, &fetched.dir, &Progress::default(), &CancellationToken::new()).unwrap();
    assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
}

async fn all_arrive(golden: &Published, mut fetches: JoinSet<Result<Fetched, FetchError>>) {
    while let Some(fetched) = fetches.join_next().await {
        assert_whole(golden, &fetched.unwrap().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_carry_for_each_other_and_the_source_gives_little_more_than_one_copy() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let (receivers, sources) = receivers(5, &golden).await;
    let mut fetches = JoinSet::new();
    for receiver in &receivers {
        fetches.spawn(fetch(receiver.order(&golden, &[&whole.source], &sources)));
    }
    all_arrive(&golden, fetches).await;
    let asked = whole.asked() as u64;
    assert!(asked < 2 * FRAMES, "five receivers of {FRAMES} frames asked the source for {asked}");
    let carried: usize = receivers.iter().map(|receiver| receiver.peer.asked()).sum();
    assert!(carried as u64 > 2 * FRAMES, "the receivers were asked for {carried}");
}

/// A site of `count` receivers, of whom the first brings the version from `whole`; they hold that in reserve.
async fn a_site(count: usize, manner: Manner, golden: &Published, whole: &Peer) -> (Receiver, usize) {
    let (mut receivers, mut sources) = receivers(count, golden).await;
    let gateway = Receiver::new("gateway", golden, manner).await;
    sources.push(Source { gateway: true, ..gateway.peer.source.clone() });
    receivers.push(gateway);
    let reserve = Source { reserve: true, ..whole.source.clone() };
    let mut fetches = JoinSet::new();
    for (number, receiver) in receivers.iter().enumerate() {
        let whole = if number == count { &whole.source } else { &reserve };
        fetches.spawn(fetch(receiver.order(golden, &[whole], &sources)));
    }
    all_arrive(golden, fetches).await;
    let gateway = receivers.pop().expect("it is the last");
    let carried = receivers.iter().map(|receiver| receiver.peer.asked()).sum();
    (gateway, carried)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_gives_each_piece_to_one_receiver_and_those_carry_it_to_the_others() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let (gateway, carried) = a_site(4, Manner::Honest, &golden, &whole).await;
    assert_eq!(whole.asked() as u64, FRAMES, "one copy comes into the site");
    let gave = gateway.peer.asked() as u64;
    assert!(gave < 2 * FRAMES, "four receivers of {FRAMES} frames asked the gateway for {gave}");
    assert!(carried as u64 > 2 * FRAMES, "the others were asked for {carried}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_slow_itself_holds_up_nobody() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let slow = Receiver::new("gateway", &golden, Manner::Honest).await;
    let mut order = slow.order(&golden, &[&whole.source], &[]);
    let a_frame_in_two_seconds = Pacer::default();
    a_frame_in_two_seconds.set(Some(BytesPerSecond(512 << 10)));
    order.pace = Arc::new(Pace::new(vec![Arc::new(a_frame_in_two_seconds)]));
    let cancel = order.cancel.clone();
    let brings = tokio::spawn(fetch(order));

    let reserve = Source { reserve: true, ..whole.source.clone() };
    let gateway = Source { gateway: true, ..slow.peer.source.clone() };
    let receiver = Receiver::new("kvm-1", &golden, Manner::Honest).await;
    let order = receiver.order(&golden, &[&reserve], &[gateway]);
    let progress = order.progress.clone();
    assert_whole(&golden, &fetch(order).await.unwrap());
    let held_up: Vec<_> = progress.sources().into_iter().filter(|source| source.held_up).collect();
    assert_eq!(held_up.iter().map(|source| source.provider).collect::<Vec<_>>(), [slow.peer.source.provider]);
    assert_eq!(progress.notices().iter().map(|notice| notice.code).collect::<Vec<_>>(), [Code::T0016]);
    let brought = slow.arrivals.pieces_from(0).len() as u64;
    assert!(brought < FRAMES / 2, "all had come when the gateway had brought {brought} of {FRAMES} frames");
    cancel.cancel();
    assert!(matches!(brings.await.unwrap(), Err(FetchError::Cancelled)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_of_an_earlier_release_is_asked_for_what_it_has() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    a_site(2, Manner::Earlier, &golden, &whole).await;
    assert_eq!(whole.asked() as u64, FRAMES, "one copy comes into the site");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stalls_is_left_for_another_that_can_give_the_same() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let stalls = Receiver::new("stalls", &golden, Manner::Stalls).await;
    fetch(stalls.order(&golden, &[&whole.source], &[])).await.unwrap();
    let receiver = Receiver::new("quick", &golden, Manner::Honest).await;
    let mut order = receiver.order(&golden, &[&whole.source], std::slice::from_ref(&stalls.peer.source));
    order.patience = Patience::default();
    let began = Instant::now();
    assert_whole(&golden, &fetch(order).await.unwrap());
    assert!(stalls.peer.asked() > 0);
    // Waiting for it to the end, as for one who has no like, would take several times that.
    let took = began.elapsed();
    assert!(took < 2 * Patience::default().stall_window, "it took {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_on_without_the_source_once_every_frame_has_left_it() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let (receivers, sources) = receivers(3, &golden).await;
    let mut fetches = JoinSet::new();
    for receiver in &receivers {
        fetches.spawn(fetch(receiver.order(&golden, &[&whole.source], &sources)));
    }
    let everywhere = || {
        let had = |receiver: &Receiver| receiver.arrivals.pieces_from(0);
        receivers.iter().flat_map(had).collect::<std::collections::BTreeSet<_>>().len() as u64
    };
    while everywhere() < FRAMES {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(whole);
    all_arrive(&golden, fetches).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_lies_is_named_by_those_whom_it_lied_to_and_spoils_nothing() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let liar = Receiver::new("liar", &golden, Manner::Lies).await;
    // It has fetched everything, and says so.
    fetch(liar.order(&golden, &[&whole.source], &[])).await.unwrap();
    let honest = Receiver::new("honest", &golden, Manner::Honest).await;
    let order = honest.order(&golden, &[&whole.source], std::slice::from_ref(&liar.peer.source));
    let (progress, client) = (order.progress.clone(), order.client.clone());
    assert_whole(&golden, &fetch(order).await.unwrap());
    let notices = progress.notices();
    assert!(notices.iter().all(|notice| notice.code == Code::T0002), "{notices:?}");
    assert!(notices[0].cause.starts_with("liar sent wrong bytes"), "{notices:?}");

    let asked = liar.peer.asked();
    let again = Receiver::new("again", &golden, Manner::Honest).await;
    let order = again.order(&golden, &[&whole.source], std::slice::from_ref(&liar.peer.source));
    assert_whole(&golden, &fetch(FetchOrder { client, ..order }).await.unwrap());
    assert_eq!(liar.peer.asked(), asked, "in the next transfer it is not asked either");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_a_byte_now_and_then_is_left_for_another() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let slow = Receiver::new("slow", &golden, Manner::Trickles).await;
    fetch(slow.order(&golden, &[&whole.source], &[])).await.unwrap();
    let receiver = Receiver::new("quick", &golden, Manner::Honest).await;
    let order = receiver.order(&golden, &[&whole.source], std::slice::from_ref(&slow.peer.source));
    assert_whole(&golden, &fetch(order).await.unwrap());
    assert!(slow.peer.asked() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_source_gave_to_a_slow_peer_comes_from_the_source_again() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let slow = Receiver::new("slow", &golden, Manner::Dawdles).await;
    fetch(slow.order(&golden, &[&whole.source], &[])).await.unwrap();
    tokio::time::sleep(GIVEN_AGAIN_IDLE).await;
    let receiver = Receiver::new("quick", &golden, Manner::Honest).await;
    let order = receiver.order(&golden, &[&whole.source], std::slice::from_ref(&slow.peer.source));
    assert_whole(&golden, &fetch(order).await.unwrap());
    // All that is missing is there, one frame after the other.
    let asked = slow.peer.asked() as u64;
    assert!(asked < FRAMES / 4, "the slow peer was asked for {asked} of {FRAMES} frames");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_beyond_a_link_is_asked_only_when_nobody_near_has_it() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let far = Peer::serve("far", Manner::Honest, &golden).await;
    let near = Peer::serve("near", Manner::Honest, &golden).await;
    let reserve = Source { reserve: true, ..far.source.clone() };
    let receiver = Receiver::new("kvm-1", &golden, Manner::Honest).await;
    let fetched = fetch(receiver.order(&golden, &[&near.source, &reserve], &[])).await.unwrap();
    assert_whole(&golden, &fetched);
    assert_eq!(far.asked(), 0);

    let gone = source("gone", "127.0.0.1:1");
    let receiver = Receiver::new("kvm-2", &golden, Manner::Honest).await;
    let fetched = fetch(receiver.order(&golden, &[&gone, &reserve], &[])).await.unwrap();
    assert_whole(&golden, &fetched);
    assert_eq!(far.asked() as u64, FRAMES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_beyond_a_link_is_asked_for_what_it_has_only_when_nobody_near_gives_it() {
    let root = tempfile::tempdir().unwrap();
    let golden = golden(&root);
    let whole = Peer::serve("golden", Manner::Honest, &golden).await;
    let far = Receiver::new("far", &golden, Manner::Honest).await;
    fetch(far.order(&golden, &[&whole.source], &[])).await.unwrap();
    let before = whole.asked();
    let reserve = [Source { reserve: true, ..far.peer.source.clone() }];
    let receiver = Receiver::new("kvm-1", &golden, Manner::Honest).await;
    assert_whole(&golden, &fetch(receiver.order(&golden, &[&whole.source], &reserve)).await.unwrap());
    assert_eq!((far.peer.asked(), (whole.asked() - before) as u64), (0, FRAMES));

    let gone = source("gone", "127.0.0.1:1");
    let receiver = Receiver::new("kvm-2", &golden, Manner::Honest).await;
    assert_whole(&golden, &fetch(receiver.order(&golden, &[&gone], &reserve)).await.unwrap());
    assert_eq!(far.peer.asked() as u64, FRAMES);
}
