//! An agent that is killed with `SIGKILL` again and again, wherever it happens to be, arrives at the same
//! bytes, and what its journal says it does not read again.
//!
//! `cargo test -p diecast-transfer --features failpoints,test-util --test killed_anywhere`

#![allow(clippy::unwrap_used)] // A test outside the crate is one all the same.

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    routing::get,
};
use diecast_domain::{
    provider::Source,
    units::{ByteCount, BytesPerSecond},
};
use diecast_transfer::{
    depot::{Depot, Holding},
    fetch::{FetchOrder, fetch},
    layout,
    manifest::Manifest,
    pace::{Pace, Pacer},
    patience::Patience,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
    verify::{Verdict, verify},
    wire::{FRAME_ROUTE, FrameClient},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where the agent lives, and where its peer listens: set for the process that is killed.
const ROOT: &str = "DIECAST_KILLED_ROOT";
const PEER: &str = "DIECAST_KILLED_PEER";
/// Said when it has arrived, with what it read again and what was there already.
const ARRIVED: &str = "arrived, read again and there already:";

const DISK: usize = 48 << 20;
/// So slow that it is killed before it arrives.
const RATE: u64 = 24 << 20;
/// What a life is longer than the one before.
const LONGER: Duration = Duration::from_millis(150);

async fn answer(
    State(depot): State<Arc<Depot>>,
    UrlPath((version, frame)): UrlPath<(String, String)>,
) -> axum::body::Bytes {
    depot.frame(&version.parse().unwrap(), &frame.parse().unwrap()).unwrap().bytes
}

fn golden(dir: &Path) -> (Manifest, Depot) {
    let mut disk = vec![0; DISK + (3 << 20)];
    blake3::Hasher::new().finalize_xof().fill(&mut disk[..DISK]);
    fs::write(dir.join("disk0.raw"), disk).unwrap();
    let spool = Arc::new(Spool::open(&dir.join("spool")).unwrap());
    let disks = vec![DiskInput { name: "disk0".into(), path: dir.join("disk0.raw") }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new()).unwrap();
    let depot = Depot::default();
    let holding = Holding {
        manifest: Arc::new(manifest.clone()),
        dir: dir.to_owned(),
        spool: Some(spool),
        arriving: None,
        seeds: Vec::new(),
    };
    depot.hold(holding);
    (manifest, depot)
}

/// A life of the agent. Does nothing where nobody is to be killed.
#[tokio::test]
async fn the_one_who_is_killed() {
    let (Some(root), Ok(peer)) = (env::var_os(ROOT).map(PathBuf::from), env::var(PEER)) else { return };
    // A record of the journal as soon as there is anything new: `FAILPOINTS` says so.
    let _scenario = fail::FailScenario::setup();
    let manifest = Arc::new(Manifest::decode(&fs::read(root.join("manifest")).unwrap()).unwrap());
    let source = Source {
        provider: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        name: "kvm-a".parse().unwrap(),
        addresses: vec![peer],
        whole: true,
        reserve: false,
        gateway: false,
        beyond: false,
    };
    let (_list, sources) = watch::channel(vec![source]);
    let pacer = Arc::new(Pacer::default());
    pacer.set(Some(BytesPerSecond(RATE)));
    let progress = Arc::new(Progress::default());
    let order = FetchOrder {
        manifest,
        incoming: root.join("incoming"),
        seeds: Vec::new(),
        sources,
        client: Arc::new(FrameClient::without_tls(reqwest::Client::new())),
        spool: None,
        arrivals: None,
        floor: ByteCount::ZERO,
        patience: Patience::default(),
        pace: Arc::new(Pace::new(vec![pacer])),
        links: Default::default(),
        progress: progress.clone(),
        cancel: CancellationToken::new(),
    };
    fetch(order).await.unwrap();
    assert_eq!(progress.notices(), [], "no kill makes a journal that is refused");
    let view = progress.view();
    println!("{ARRIVED} {} {}", view.bytes_reread.0, view.bytes_local.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_it_arrives_and_reads_nothing_durable_again() {
    let golden_dir = tempfile::tempdir().unwrap();
    let (manifest, depot) = golden(golden_dir.path());
    let app = Router::new().route(FRAME_ROUTE, get(answer)).with_state(Arc::new(depot));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let peer = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("manifest"), manifest.encode()).unwrap();

    let mut kills = 0;
    let said = loop {
        let mut life = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_one_who_is_killed", "--nocapture"])
            .env(ROOT, root.path())
            .env(PEER, &peer)
            .env("FAILPOINTS", "transfer::journal-at-once=return")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tokio::time::sleep(LONGER * (kills + 1)).await;
        if life.try_wait().unwrap().is_none() {
            life.kill().unwrap();
            life.wait().unwrap();
            kills += 1;
            continue;
        }
        let ended = life.wait_with_output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success(), "{said}");
        break said;
    };
    assert!(kills > 1, "it was killed on the way");
    let numbers = said.lines().find_map(|line| line.split_once(ARRIVED)).expect("it says so").1;
    let numbers: Vec<u64> = numbers.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [reread, there] = numbers[..] else { panic!("{said}") };
    assert!(reread < there, "the journal spoke for nothing: {reread} of {there} were read again");

    let dir = layout::version_dir(&root.path().join("incoming"), &manifest.digest());
    let verdict = verify(&manifest, &dir, &Progress::default(), &CancellationToken::new()).unwrap();
    assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
    let same =
        fs::read(dir.join("disk0.raw")).unwrap() == fs::read(golden_dir.path().join("disk0.raw")).unwrap();
    assert!(same);
}
