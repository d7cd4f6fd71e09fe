//! Real file systems that lack something: room, or holes. What cannot be is refused by its code, nothing has a
//! final name that is not whole, and all goes on once there is room.
//!
//! `cargo test -p diecast-transfer --features real-file-systems --test file_systems`, as root.

#![allow(clippy::unwrap_used)] // A test outside the crate is one all the same.

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    routing::get,
};
use diecast_domain::{
    code::{Code, Problem},
    provider::Source,
    units::{ByteCount, Timestamp},
};
use diecast_transfer::{
    bytes_to_write,
    commit::commit,
    depot::{Depot, Holding},
    fetch::{FetchOrder, fetch},
    free_space, layout,
    limits::FRAMES_PER_SOURCE_MAX,
    manifest::Manifest,
    patience::Patience,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    record::VerifiedRecord,
    spool::Spool,
    verify::{Verdict, verify},
    wire::{FRAME_ROUTE, FrameClient},
};
use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const MIB: u64 = 1 << 20;
/// What the golden machine holds, and what its guest sees.
const DATA: u64 = 10 * MIB;

fn run(argv: &[&str]) -> String {
    let output = Command::new(argv[0]).args(&argv[1..]).output();
    let output = output.unwrap_or_else(|error| panic!("{argv:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{argv:?} (this needs root): {said}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A file system of its own, for as long as this is held.
struct Mounted {
    work: TempDir,
    device: String,
}

impl Mounted {
    fn make(bytes: u64, made_by: &[&str], mounted_by: &[&str]) -> Self {
        let work = tempfile::tempdir_in("/var/tmp").unwrap();
        let image = work.path().join("image");
        File::create(&image).unwrap().set_len(bytes).unwrap();
        let image = image.to_str().unwrap();
        run(&[made_by, &[image]].concat());
        let mounted = Self { device: run(&["losetup", "--find", "--show", image]), work };
        fs::create_dir(mounted.dir()).unwrap();
        run(&[mounted_by, &[&mounted.device, mounted.dir().to_str().unwrap()]].concat());
        mounted
    }

    /// One that has everything, and little room.
    fn ext4(bytes: u64) -> Self {
        Self::make(bytes, &["mkfs.ext4", "-q", "-m", "0"], &["mount", "-t", "ext4"])
    }

    /// One without holes, second names, owners and modes.
    fn exfat(bytes: u64) -> Self {
        Self::make(bytes, &["mkfs.exfat"], &["mount.exfat-fuse"])
    }

    fn dir(&self) -> PathBuf {
        self.work.path().join("mounted")
    }

    /// Takes all room but so much, until what is given is removed.
    fn leave(&self, bytes: u64) -> PathBuf {
        let path = self.dir().join("ballast");
        let mut ballast = File::create(&path).unwrap();
        // What is written is on the disk before it is counted, or it would be counted twice.
        for size in [MIB as usize, 4096] {
            let block = vec![1; size];
            while ballast.write(&block).is_ok_and(|written| written > 0) {}
        }
        ballast.sync_all().unwrap();
        let size = ballast.metadata().unwrap().len();
        ballast.set_len(size.checked_sub(bytes).unwrap()).unwrap();
        ballast.sync_all().unwrap();
        path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let dir = self.dir();
        for argv in [&["umount", "--lazy", dir.to_str().unwrap()][..], &["losetup", "--detach", &self.device]]
        {
            let _ = Command::new(argv[0]).args(&argv[1..]).output();
        }
    }
}

type Served = (Arc<Depot>, Arc<AtomicUsize>);

async fn answer(
    State((depot, asked)): State<Served>,
    UrlPath((version, frame)): UrlPath<(String, String)>,
) -> axum::body::Bytes {
    asked.fetch_add(1, Ordering::SeqCst);
    depot.frame(&version.parse().unwrap(), &frame.parse().unwrap()).unwrap().bytes
}

/// A version, and a peer on this machine that has it.
struct Golden {
    work: TempDir,
    manifest: Arc<Manifest>,
    source: Source,
    asked: Arc<AtomicUsize>,
}

impl Golden {
    /// As large as said, with the same content at its beginning.
    async fn new(size: u64) -> Self {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("disk0.raw");
        let mut bytes = vec![0; DATA as usize];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        let disk = File::create(&path).unwrap();
        disk.set_len(size).unwrap();
        disk.write_all_at(&bytes, 0).unwrap();
        let spool = Arc::new(Spool::open(&work.path().join("spool")).unwrap());
        let manifest = Arc::new(published(&path, &spool).unwrap());
        let depot = Depot::default();
        let dir = work.path().to_owned();
        depot.hold(Holding {
            manifest: manifest.clone(),
            dir,
            spool: Some(spool),
            arriving: None,
            seeds: Vec::new(),
        });
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
        Self { work, manifest, source, asked }
    }

    fn frames(&self) -> usize {
        self.manifest.frames().len()
    }

    /// What an agent does to have it under `root`: the last step writes down that it may be called ready.
    async fn arrive(&self, root: &Path) -> Result<(), Problem> {
        let there = layout::version_dir(&root.join("versions"), &self.manifest.digest());
        let cancel = CancellationToken::new();
        if !there.exists() {
            let (_list, sources) = watch::channel(vec![self.source.clone()]);
            let order = FetchOrder {
                manifest: self.manifest.clone(),
                incoming: root.join("incoming"),
                seeds: Vec::new(),
                sources,
                client: Arc::new(FrameClient::without_tls(reqwest::Client::new())),
                spool: None,
                arrivals: None,
                floor: ByteCount::ZERO,
                patience: Patience::default(),
                pace: Default::default(),
                links: Default::default(),
                progress: Arc::default(),
                cancel: cancel.clone(),
            };
            let fetched = fetch(order).await.map_err(|error| error.problem().unwrap())?;
            let verified = self.verified(&fetched.dir);
            commit(&verified, &root.join("versions")).map_err(|error| error.problem())?;
        }
        let record = self.verified(&there).record(Timestamp(1));
        let saved = record.save(&record_of(root));
        saved.map_err(|error| {
            Problem::new(Code::S0004, format!("{error}: {:?}", std::error::Error::source(&error)))
        })
    }

    fn verified(&self, dir: &Path) -> diecast_transfer::verify::Verified {
        let verdict = verify(&self.manifest, dir, &Progress::default(), &CancellationToken::new()).unwrap();
        let Verdict::Verified(verified) = verdict else { panic!("{verdict:?}") };
        verified
    }

    fn is_ready(&self, root: &Path) -> bool {
        let there = layout::version_dir(&root.join("versions"), &self.manifest.digest());
        VerifiedRecord::load(&record_of(root)).is_some_and(|record| record.unchanged(&there))
    }

    fn assert_arrived(&self, root: &Path) {
        assert!(self.is_ready(root));
        let there = layout::version_dir(&root.join("versions"), &self.manifest.digest());
        let read = |dir: &Path| fs::read(dir.join("disk0.raw")).unwrap();
        assert!(read(&there) == read(self.work.path()), "to the byte");
        assert_eq!(names(&root.join("incoming")), [""; 0], "nothing is left half done");
    }
}

fn record_of(root: &Path) -> PathBuf {
    root.join("agent/verified.json")
}

fn published(disk: &Path, spool: &Spool) -> Result<Manifest, Problem> {
    let disks = vec![DiskInput { name: "disk0".into(), path: disk.to_owned() }];
    let input = PublishInput { disks, nvram: Some(b"nvram".to_vec()), profile: b"{}".to_vec() };
    publish(input, spool, &Progress::default(), &CancellationToken::new())
        .map_err(|error| error.problem().unwrap())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_disk_with_4_kib_free_is_named_and_the_transfer_goes_on_once_there_is_room() {
    let golden = Golden::new(DATA + 2 * MIB + 777).await;
    // No room for anything; for a journal; for some frames; for all but a little.
    for left in [4 << 10, 64 << 10, 3 * MIB, DATA - (128 << 10)] {
        let disk = Mounted::ext4(48 * MIB);
        let root = disk.dir();
        let ballast = disk.leave(left);
        golden.asked.store(0, Ordering::SeqCst);
        for _ in 0..2 {
            let problem = golden.arrive(&root).await.unwrap_err();
            assert_eq!(problem.code, Code::T0003, "{left}: {problem}");
            assert!(problem.cause.contains(root.to_str().unwrap()), "{left}: {}", problem.cause);
            assert!(!golden.is_ready(&root) && names(&root.join("versions")).is_empty(), "{left}");
        }
        fs::remove_file(ballast).unwrap();
        golden.arrive(&root).await.unwrap();
        golden.assert_arrived(&root);
        let asked = golden.asked.load(Ordering::SeqCst);
        let again = 3 * FRAMES_PER_SOURCE_MAX;
        assert!(asked <= golden.frames() + again, "{left}: {asked} were asked for of {}", golden.frames());
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_as_verified_is_not_ready() {
    let golden = Golden::new(DATA).await;
    let disk = Mounted::ext4(48 * MIB);
    let root = disk.dir();
    golden.arrive(&root).await.unwrap();
    fs::remove_dir_all(root.join("agent")).unwrap();
    let ballast = disk.leave(0);
    let problem = golden.arrive(&root).await.unwrap_err();
    assert!(problem.cause.contains("StorageFull"), "{problem}");
    assert!(!golden.is_ready(&root));
    fs::remove_file(ballast).unwrap();
    golden.arrive(&root).await.unwrap();
    golden.assert_arrived(&root);
}

#[tokio::test]
async fn a_publication_that_finds_4_kib_free_is_refused_by_name_and_well_later() {
    let golden = Golden::new(DATA).await;
    let disk = Mounted::ext4(48 * MIB);
    let source = golden.work.path().join("disk0.raw");
    let spool = Spool::open(&disk.dir().join("spool")).unwrap();
    let ballast = disk.leave(4 << 10);
    let problem = published(&source, &spool).unwrap_err();
    assert_eq!(problem.code, Code::T0003, "{problem}");
    fs::remove_file(ballast).unwrap();
    drop(spool);
    let spool = Spool::open(&disk.dir().join("spool")).unwrap();
    let manifest = published(&source, &spool).unwrap();
    assert_eq!(manifest.digest(), golden.manifest.digest());
    for frame in manifest.frames() {
        assert!(spool.read(&frame.digest).unwrap().is_some(), "what was torn is not taken for whole");
    }
}

#[tokio::test]
async fn without_holes_a_version_takes_its_whole_size_and_is_as_true() {
    let golden = Golden::new(DATA + 20 * MIB + 777).await;
    let disk = Mounted::exfat(128 * MIB);
    let root = disk.dir();
    assert_eq!(bytes_to_write(&golden.manifest, &[], &root), golden.manifest.size(), "which is told before");
    assert_eq!(bytes_to_write(&golden.manifest, &[], golden.work.path()), golden.manifest.data_bytes());
    golden.arrive(&root).await.unwrap();
    golden.assert_arrived(&root);
    let there = layout::version_dir(&root.join("versions"), &golden.manifest.digest());
    let taken = fs::metadata(there.join("disk0.raw")).unwrap().blocks() * 512;
    assert!(taken >= golden.manifest.size().0, "there are no holes: {taken}");
}

#[tokio::test]
async fn without_holes_and_without_room_for_them_a_version_is_refused_by_name() {
    let golden = Golden::new(DATA + 100 * MIB).await;
    let disk = Mounted::exfat(64 * MIB);
    let root = disk.dir();
    let free = free_space(&root).unwrap();
    let needed = bytes_to_write(&golden.manifest, &[], &root);
    assert!(
        golden.manifest.data_bytes() < free && free < needed,
        "{needed} of {free}: found before a byte moves"
    );
    let problem = golden.arrive(&root).await.unwrap_err();
    assert_eq!(problem.code, Code::T0003, "{problem}");
    assert!(problem.cause.contains("disk0.raw"), "{}", problem.cause);
    assert!(!golden.is_ready(&root) && names(&root.join("versions")).is_empty());
    assert_eq!(golden.asked.load(Ordering::SeqCst), 0, "not a byte moved");
}
