//! An agent that dies at any durable step finds its truth again from its disk, and ends where it would have.
//!
//! `cargo test -p diecast-transfer --features failpoints,test-util --test killed`

#![allow(clippy::unwrap_used)] // A test outside the crate is one all the same.

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    routing::get,
};
use diecast_domain::{
    provider::Source,
    units::{ByteCount, Timestamp},
};
use diecast_transfer::{
    changes::{At, ChangedDisk, ChangesInput, Derived, Extent, publish_changes},
    commit::commit,
    depot::{Depot, Holding},
    fetch::{FetchOrder, fetch},
    journal, layout,
    manifest::Manifest,
    patience::Patience,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    record::VerifiedRecord,
    seeds::Seed,
    spool::Spool,
    verify::{Verdict, verify},
    wire::{FRAME_ROUTE, FrameClient},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Every durable step, and how the process dies there.
const STEPS: [(&str, &str); 13] = [
    ("transfer::after-truncate", "panic"),
    ("transfer::after-frame", "panic"),
    ("transfer::after-frame", "6*off->panic"),
    ("transfer::before-sync", "panic"),
    ("transfer::after-sync", "panic"),
    ("transfer::journal-torn", "return"),
    ("transfer::journal-torn", "1*off->return"),
    ("transfer::journal-before-sync", "panic"),
    ("transfer::journal-after-sync", "panic"),
    ("transfer::journal-after-record", "panic"),
    ("transfer::before-rename", "panic"),
    ("transfer::journal-gone", "panic"),
    ("transfer::after-rename", "panic"),
];

/// Those of a source that has a seed and a spool, and nobody to ask.
const STEPS_ALONE: [(&str, &str); 10] = [
    ("transfer::before-spool-sync", "panic"),
    ("transfer::after-truncate", "panic"),
    ("transfer::after-leaf", "panic"),
    ("transfer::after-leaf", "40*off->panic"),
    ("transfer::after-frame", "panic"),
    ("transfer::after-frame", "1*off->panic"),
    ("transfer::before-sync", "panic"),
    ("transfer::after-sync", "panic"),
    ("transfer::before-rename", "panic"),
    ("transfer::after-rename", "panic"),
];

type Served = (Arc<Depot>, Arc<AtomicUsize>);

async fn answer(
    State((depot, asked)): State<Served>,
    UrlPath((version, frame)): UrlPath<(String, String)>,
) -> axum::body::Bytes {
    asked.fetch_add(1, Ordering::SeqCst);
    depot.frame(&version.parse().unwrap(), &frame.parse().unwrap()).unwrap().bytes
}

#[derive(Clone)]
struct Agent {
    root: PathBuf,
    manifest: Arc<Manifest>,
    sources: Vec<Source>,
    seeds: Vec<Seed>,
    spool: Option<PathBuf>,
}

impl Agent {
    /// What an agent does at every start: look, and do what lacks.
    async fn live(self) {
        let Self { root, manifest, sources, seeds, spool } = self;
        let (versions, record) = (root.join("versions"), root.join("data/verified.json"));
        let there = layout::version_dir(&versions, &manifest.digest());
        let (_list, sources) = watch::channel(sources);
        let cancel = CancellationToken::new();
        if !there.exists() {
            let order = FetchOrder {
                manifest: manifest.clone(),
                incoming: root.join("incoming"),
                seeds,
                sources,
                client: Arc::new(FrameClient::without_tls(reqwest::Client::new())),
                spool: spool.map(|path| Arc::new(Spool::open(&path).unwrap())),
                arrivals: None,
                floor: ByteCount::ZERO,
                patience: Patience::default(),
                pace: Default::default(),
                links: Default::default(),
                progress: Arc::default(),
                cancel: cancel.clone(),
            };
            let fetched = fetch(order).await.unwrap();
            let verdict = verify(&manifest, &fetched.dir, &Progress::default(), &cancel).unwrap();
            let Verdict::Verified(verified) = verdict else { panic!("{verdict:?}") };
            commit(&verified, &versions).unwrap();
            verified.record(Timestamp(1)).save(&record).unwrap();
        } else if !VerifiedRecord::load(&record).is_some_and(|record| record.unchanged(&there)) {
            let verdict = verify(&manifest, &there, &Progress::default(), &cancel).unwrap();
            let Verdict::Verified(verified) = verdict else { panic!("{verdict:?}") };
            verified.record(Timestamp(2)).save(&record).unwrap();
        }
    }
}

fn golden(dir: &Path) -> (Arc<Manifest>, Depot) {
    let mut disk = vec![0; 12 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut disk[..10 << 20]);
    fs::write(dir.join("disk0.raw"), disk).unwrap();
    let spool = Arc::new(Spool::open(&dir.join("spool")).unwrap());
    let disks = vec![DiskInput { name: "disk0".into(), path: dir.join("disk0.raw") }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new()).unwrap();
    let manifest = Arc::new(manifest);
    let depot = Depot::default();
    depot.hold(Holding {
        manifest: manifest.clone(),
        dir: dir.to_owned(),
        spool: Some(spool),
        arriving: None,
        seeds: Vec::new(),
    });
    (manifest, depot)
}

/// A peer on this machine, and how often it was asked.
async fn serve(depot: Depot) -> (Source, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let app = Router::new().route(FRAME_ROUTE, get(answer)).with_state((Arc::new(depot), asked.clone()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let source = Source {
        provider: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
        name: "kvm-a".parse().unwrap(),
        addresses: vec![listener.local_addr().unwrap().to_string()],
        whole: true,
        reserve: false,
        gateway: false,
        beyond: false,
    };
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (source, asked)
}

/// One of these at a time: failpoints are the whole process's.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A working copy of `base` that wrote over every third MiB.
fn changes(base: &Path, work: &Path) -> ChangesInput {
    let mut bytes = vec![0; 3 << 20];
    blake3::Hasher::new().update(b"changed").finalize_xof().fill(&mut bytes);
    fs::write(work.join("overlay"), bytes).unwrap();
    let extent = |number: u64| Extent {
        start: number * (3 << 20),
        length: 1 << 20,
        at: Some(At { overlay: 0, offset: number << 20 }),
    };
    let disk = ChangedDisk {
        name: "disk0".into(),
        base: base.join("disk0.raw"),
        overlays: vec![work.join("overlay")],
        size: ByteCount(12 << 20),
        extents: (0..3).map(extent).collect(),
    };
    ChangesInput { disks: vec![disk], nvram: None, profile: b"{}".to_vec() }
}

fn derive(base: &Manifest, input: ChangesInput, spool: &Path) -> Derived {
    let spool = Spool::open(spool).unwrap();
    publish_changes(base, input, &spool, &Progress::default(), &CancellationToken::new()).unwrap()
}

#[tokio::test]
async fn a_source_killed_at_any_step_makes_its_own_copy_of_a_derived_version_without_a_peer() {
    let _turn = TURN.lock().await;
    let base_dir = tempfile::tempdir().unwrap();
    let (base, _) = golden(base_dir.path());
    let input = changes(base_dir.path(), base_dir.path());
    let mut flat = fs::read(base_dir.path().join("disk0.raw")).unwrap();
    let overlay = fs::read(base_dir.path().join("overlay")).unwrap();
    for (number, bytes) in overlay.chunks(1 << 20).enumerate() {
        flat[number * (3 << 20)..][..1 << 20].copy_from_slice(bytes);
    }
    for (step, death) in STEPS_ALONE {
        let scenario = fail::FailScenario::setup();
        let root = tempfile::tempdir().unwrap();
        fail::cfg(step, death).unwrap();
        let life = {
            let (root, base, base_dir) = (root.path().to_owned(), base.clone(), base_dir.path().to_owned());
            let input = input.clone();
            move || async move {
                let spool = root.join("spool");
                let derived = derive(&base, input, &spool);
                let manifest = Arc::new(derived.manifest);
                let seeds = vec![Seed { manifest: base, dir: base_dir }];
                let spool = Some(spool);
                Agent { root, manifest: manifest.clone(), sources: Vec::new(), seeds, spool }.live().await;
                manifest.digest()
            }
        };
        let died = tokio::spawn(life.clone()()).await.unwrap_err();
        assert!(died.is_panic(), "{step}: it died there");
        fail::remove(step);
        scenario.teardown();
        let digest = tokio::spawn(life()).await.unwrap();
        let there = layout::version_dir(&root.path().join("versions"), &digest);
        assert!(fs::read(there.join("disk0.raw")).unwrap() == flat, "{step}");
    }
}

#[tokio::test]
async fn killed_at_each_durable_step_it_ends_where_it_would_have() {
    let _turn = TURN.lock().await;
    let source_dir = tempfile::tempdir().unwrap();
    let (manifest, depot) = golden(source_dir.path());
    let (source, asked) = serve(depot).await;
    let frames = manifest.frames().len();

    for (step, death) in STEPS {
        let scenario = fail::FailScenario::setup();
        let root = tempfile::tempdir().unwrap();
        let agent = Agent {
            root: root.path().to_owned(),
            manifest: manifest.clone(),
            sources: vec![source.clone()],
            seeds: Vec::new(),
            spool: None,
        };
        asked.store(0, Ordering::SeqCst);
        fail::cfg(step, death).unwrap();
        let died = tokio::spawn(agent.clone().live()).await.unwrap_err();
        assert!(died.is_panic(), "{step}: it died there");
        fail::remove(step);
        scenario.teardown();

        let there = layout::version_dir(&root.path().join("versions"), &manifest.digest());
        assert_eq!(there.exists(), step == "transfer::after-rename", "{step}: no half version");
        tokio::spawn(agent.live()).await.unwrap();
        let same = fs::read(there.join("disk0.raw")).unwrap()
            == fs::read(source_dir.path().join("disk0.raw")).unwrap();
        assert!(same, "{step}");
        let record = VerifiedRecord::load(&root.path().join("data/verified.json")).unwrap();
        assert!(record.unchanged(&there), "{step}");
        assert_eq!(fs::read_dir(root.path().join("incoming")).unwrap().count(), 0, "{step}");
        let again = asked.load(Ordering::SeqCst) - frames;
        let in_flight = diecast_transfer::limits::FRAMES_PER_SOURCE_MAX;
        assert!(again <= in_flight + 1, "{step}: {again} frames were fetched twice");
    }
}

#[tokio::test]
async fn a_disk_with_no_room_for_a_journal_has_room_for_the_version_all_the_same() {
    let _turn = TURN.lock().await;
    let source_dir = tempfile::tempdir().unwrap();
    let (manifest, depot) = golden(source_dir.path());
    let (source, _) = serve(depot).await;
    let scenario = fail::FailScenario::setup();
    let root = tempfile::tempdir().unwrap();
    let (root, sources) = (root.path().to_owned(), vec![source]);
    let agent =
        Agent { root: root.clone(), manifest: manifest.clone(), sources, seeds: Vec::new(), spool: None };
    fail::cfg("transfer::journal-full", "return").unwrap();
    fail::cfg("transfer::before-rename", "panic").unwrap();
    assert!(tokio::spawn(agent.clone().live()).await.unwrap_err().is_panic());
    assert!(
        fs::metadata(journal::path(&layout::version_dir(&root.join("incoming"), &manifest.digest()))).is_ok()
    );
    scenario.teardown();
    tokio::spawn(agent.live()).await.unwrap();
    let there = layout::version_dir(&root.join("versions"), &manifest.digest());
    assert!(
        fs::read(there.join("disk0.raw")).unwrap() == fs::read(source_dir.path().join("disk0.raw")).unwrap()
    );
}
