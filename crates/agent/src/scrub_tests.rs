//! A scrub in its own thread: what it finds, what it keeps, when it stops.

use super::*;
use crate::board::{Task, TaskPhase};
use diecast_domain::{
    agent::Held,
    assignment::{Assignment, Orders},
    code::Code,
    generation::Generation,
    ids::ProviderId,
    provider::ProviderSettings,
    replica::Phase,
    units::BytesPerSecond,
    window::DailyWindow,
};
use diecast_transfer::{
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
    verify::{Verdict, verify},
};
use std::{fs, os::unix::fs::FileExt, path::Path};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const DISK_BYTES: usize = 4 << 20;
const LONG_AGO: Timestamp = Timestamp(9);

struct Place {
    root: tempfile::TempDir,
    board: Arc<Board>,
    data: DataDir,
    depots: Depots,
    version: Digest,
}

impl Place {
    /// A provider that holds one version, verified long ago.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let data = DataDir::open(&root.path().join("data")).unwrap();
        let disk = root.path().join("disk0.raw");
        fs::write(&disk, vec![7; DISK_BYTES]).unwrap();
        let disks = vec![DiskInput { name: "disk0".into(), path: disk.clone() }];
        let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
        let spool = Spool::open(&root.path().join("spool")).unwrap();
        let (progress, cancel) = (Progress::default(), CancellationToken::new());
        let manifest = publish(input, &spool, &progress, &cancel).unwrap();
        let dir = places::version_dir(root.path(), &manifest.digest());
        fs::create_dir_all(&dir).unwrap();
        fs::rename(disk, dir.join("disk0.raw")).unwrap();
        fs::write(dir.join("profile.json"), "{}").unwrap();
        let version = manifest.digest();
        fs::write(data.manifest(&version), manifest.encode()).unwrap();
        let Verdict::Verified(verified) = verify(&manifest, &dir, &progress, &cancel).unwrap() else {
            panic!("it is whole")
        };
        verified.record(LONG_AGO).save(&data.verified(&version)).unwrap();
        let board = Arc::new(Board::default());
        let place = Self { root, board, data, depots: Depots::default(), version };
        place.board.know().storage = Some(place.root.path().to_owned());
        place.told(ScrubPolicy::default());
        place.look();
        place
    }

    fn told(&self, scrub: ScrubPolicy) {
        let provider = ProviderId::from_uuid(Uuid::from_u128(1));
        let settings = ProviderSettings {
            uri: "qemu:///system".into(),
            storage: "default".into(),
            networks: Default::default(),
        };
        let orders = Orders { scrub, ..Orders::none(provider, "kvm-a".parse().unwrap(), settings) };
        let generation = Generation { epoch: 1, number: 1 };
        self.board.know().assignment = Some(Assignment { generation, orders });
    }

    fn look(&self) -> Held {
        crate::survey::survey(&self.board, &self.data).local.replicas[&self.version]
    }

    fn turn(&self) -> Option<Turn> {
        next(&self.board, &self.data, &self.depots)
    }

    fn verified_at(&self) -> Option<Timestamp> {
        self.look();
        self.board.know().verified_at.get(&self.version).copied()
    }

    fn disk(&self) -> PathBuf {
        places::version_dir(self.root.path(), &self.version).join("disk0.raw")
    }
}

/// What a worker has on the board while it verifies.
fn verification() -> Task {
    Task {
        phase: TaskPhase::Replica(Phase::Verifying),
        attempt: 1,
        progress: Default::default(),
        reading: None,
        cancel: Default::default(),
        sources: None,
    }
}

/// Two hours of the day that begin six hours from now.
fn shut_now() -> DailyWindow {
    let hour = (clock::now().0 / 3_600_000 + 6) % 24;
    format!("{hour:02}:00-{:02}:00 UTC", (hour + 2) % 24).parse().unwrap()
}

fn flip(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(&[8], (2 << 20) + 5).unwrap();
    file.set_modified(modified).unwrap();
}

#[test]
fn what_is_due_is_read_and_its_time_renewed_and_then_nothing_is_due() {
    let place = Place::new();
    let before = clock::now();
    place.turn().unwrap().read();
    assert!(place.verified_at().unwrap() >= before);
    assert!(place.turn().is_none());
    assert!(!place.data.file(FILE).exists());
}

#[test]
fn a_bit_that_rots_is_found_by_nobodys_asking_and_kept_with_its_place() {
    let place = Place::new();
    flip(&place.disk());
    assert_eq!(place.look(), Held::Verified, "size and time are as they were");
    place.turn().unwrap().read();
    assert_eq!((place.look(), place.verified_at()), (Held::Changed, None));
    let finding = place.board.know().damaged[&place.version].clone();
    assert!(finding.problem().cause.contains("offset 2097152 of disk0"), "{}", finding.problem().cause);
    let kept: Finding = data::read_json(&place.data.damaged(&place.version)).unwrap().unwrap();
    assert_eq!(kept, finding);
}

#[test]
fn nothing_is_read_when_it_is_off_or_somebody_works_on_the_version() {
    let place = Place::new();
    place.told(ScrubPolicy { on: false, ..ScrubPolicy::default() });
    assert!(place.turn().is_none());
    place.told(ScrubPolicy::default());
    let turn = place.turn().unwrap();
    place.told(ScrubPolicy { on: false, ..ScrubPolicy::default() });
    turn.read();
    assert_eq!(place.verified_at(), Some(LONG_AGO), "it stopped");

    place.told(ScrubPolicy::default());
    let turn = place.turn().unwrap();
    place.board.know().tasks.insert(Object::Replica(place.version), verification());
    assert!(place.turn().is_none(), "somebody works on it");
    turn.read();
    assert_eq!(place.verified_at(), Some(LONG_AGO), "it stopped for who came later");
    place.board.know().tasks.clear();
    place.turn().unwrap().read();
    assert!(place.verified_at() > Some(LONG_AGO), "nobody is in the way any more");
}

#[test]
fn nothing_is_read_outside_the_window_and_it_stops_when_the_window_closes() {
    let place = Place::new();
    let turn = place.turn().unwrap();
    place.told(ScrubPolicy { window: Some(shut_now()), ..ScrubPolicy::default() });
    assert!(place.turn().is_none());
    turn.read();
    assert_eq!(place.verified_at(), Some(LONG_AGO), "it stopped");
    assert!(!place.board.know().scrub.unwrap().reading, "it is told to wait");
    let kept: Begun = data::read_json(&place.data.file(FILE)).unwrap().unwrap();
    assert_eq!(kept.version, place.version, "how far it was is kept");
}

/// Fault points are the process's, and other stories read as well: this one is told in a process of its own.
#[test]
fn what_the_disk_refuses_to_read_is_kept_and_told_as_that() {
    const NAME: &str = "scrub::tests::what_the_disk_refuses_to_read_is_kept_and_told_as_that";
    const ALONE: &str = "DIECAST_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let itself = std::env::current_exe().unwrap();
        let output =
            std::process::Command::new(itself).args(["--exact", NAME]).env(ALONE, "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let scenario = fail::FailScenario::setup();
    let place = Place::new();
    // The block, and then the first leaf of it; the other leaves can be read.
    fail::cfg("transfer::read", "2*return").unwrap();
    place.turn().unwrap().read();
    scenario.teardown();

    assert_eq!((place.look(), place.verified_at()), (Held::Changed, None));
    let finding = place.board.know().damaged[&place.version].clone();
    let problem = finding.problem();
    assert_eq!(problem.code, Code::T0005);
    assert!(problem.cause.contains("of disk0 cannot be read"), "{}", problem.cause);
    let told = finding.told();
    assert!(told.places.len() == 1 && told.places[0].unreadable, "{told:?}");
    let kept: Finding = data::read_json(&place.data.damaged(&place.version)).unwrap().unwrap();
    assert_eq!(kept, finding);
    assert!(place.turn().is_none(), "it is mended first");
}

#[test]
fn the_next_life_goes_on_where_this_one_stopped() {
    let place = Place::new();
    let mark = Mark { disk: 0, leaf: 48 };
    let turn = place.turn().unwrap();
    let begun = Begun { mark, ..turn.begun };
    data::write_json(&place.data.file(FILE), &begun).unwrap();
    let turn = place.turn().unwrap();
    assert_eq!(turn.begun, begun);
    // What lies before the mark was read by the former life, and is not read again.
    flip(&place.disk());
    turn.read();
    assert_eq!(place.verified_at(), Some(begun.begun_at), "each byte was read since then");
}

#[test]
fn the_rate_is_kept_to_on_the_whole() {
    let place = Place::new();
    let rate = BytesPerSecond(DISK_BYTES as u64 * 2);
    place.told(ScrubPolicy { rate, ..ScrubPolicy::default() });
    let begun = Instant::now();
    place.turn().unwrap().read();
    // The last span is paid for before the end: never faster than the rate, however idle the disk.
    let least = Duration::from_millis(450);
    assert!(begun.elapsed() >= least, "{:?}", begun.elapsed());
}
