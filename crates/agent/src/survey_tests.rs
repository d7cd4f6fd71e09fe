//! What a look at the disk finds, also in the next life.

use super::*;
use crate::{board::Board, finding::Finding};
use diecast_transfer::{
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
    verify::{Verdict, verify},
};
use tokio_util::sync::CancellationToken;

/// A version under its final name, verified, with the record of that.
fn verified(root: &Path, data: &DataDir) -> Digest {
    let disk = root.join("disk0.raw");
    fs::write(&disk, vec![7; 128 << 10]).unwrap();
    let disks = vec![DiskInput { name: "disk0".into(), path: disk.clone() }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let spool = Spool::open(&root.join("spool")).unwrap();
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let manifest = publish(input, &spool, &progress, &cancel).unwrap();
    let dir = places::version_dir(root, &manifest.digest());
    fs::create_dir_all(&dir).unwrap();
    fs::rename(disk, dir.join("disk0.raw")).unwrap();
    fs::write(dir.join("profile.json"), "{}").unwrap();
    let Verdict::Verified(verified) = verify(&manifest, &dir, &progress, &cancel).unwrap() else {
        panic!("what was just written does not match");
    };
    verified.record(Timestamp(9)).save(&data.verified(&manifest.digest())).unwrap();
    manifest.digest()
}

fn look(board: &Board, root: &Path, data: &DataDir, digest: &Digest) -> (Held, bool) {
    board.know().storage = Some(root.to_owned());
    let known = survey(board, data);
    (known.local.replicas[digest], known.verified_at.contains_key(digest))
}

#[test]
fn what_was_found_damaged_is_not_called_intact_by_the_next_life() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(&place.path().join("data")).unwrap();
    let digest = verified(place.path(), &data);
    let board = Board::default();
    assert_eq!(look(&board, place.path(), &data, &digest), (Held::Verified, true));
    // A bit that rots changes no time and no size: only the reading knows.
    board.found_damaged(&data, digest, Finding::of(digest, Default::default()));
    assert_eq!(look(&board, place.path(), &data, &digest), (Held::Changed, false));
    let next_life = Board::default();
    assert_eq!(look(&next_life, place.path(), &data, &digest), (Held::Changed, false));
}

#[test]
fn while_the_disk_is_looked_at_reports_find_the_board_free() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(&place.path().join("data")).unwrap();
    let digest = verified(place.path(), &data);
    // Reading the record waits until somebody writes it, as a disk that hangs would.
    let record = data.verified(&digest);
    let written = fs::read(&record).unwrap();
    fs::remove_file(&record).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&record).status().unwrap();
    assert!(made.success());
    let board = Board::default();
    board.know().storage = Some(place.path().to_owned());
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| survey(&board, &data).local.replicas[&digest]);
        // It opens only once the look is at the record.
        let mut hung = fs::OpenOptions::new().write(true).open(&record).unwrap();
        assert!(board.know().local.replicas.is_empty(), "the board is free meanwhile");
        std::io::Write::write_all(&mut hung, &written).unwrap();
        drop(hung);
        assert_eq!(looking.join().unwrap(), Held::Verified);
    });
}

/// The server takes for gone what an agent does not report.
#[test]
fn what_cannot_be_looked_at_is_not_taken_for_gone() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(&place.path().join("data")).unwrap();
    let digest = verified(place.path(), &data);
    let board = Board::default();
    assert_eq!(look(&board, place.path(), &data, &digest), (Held::Verified, true));
    // Not a directory for once, as a file system that fails may say.
    let versions = places::versions_dir(place.path());
    fs::rename(&versions, place.path().join("away")).unwrap();
    fs::write(&versions, "").unwrap();
    assert_eq!(look(&board, place.path(), &data, &digest), (Held::Verified, true));
}

#[test]
fn hosts_their_incarnations_and_what_was_set_aside_are_read_from_the_disk() {
    let place = tempfile::tempdir().unwrap();
    let (root, data) = (place.path(), DataDir::open(&place.path().join("data")).unwrap());
    let host = |number| HostId::from_uuid(uuid::Uuid::from_u128(number));
    let copy = MaintenanceId::from_uuid(uuid::Uuid::from_u128(9));
    for dir in [
        places::host_dir(root, host(1)),
        places::aside_dir(root, host(1), 1),
        places::aside_dir(root, host(1), 2),
        // Nothing but a former incarnation is left of it.
        places::aside_dir(root, host(2), 1),
        places::working_copy_dir(root, copy),
    ] {
        fs::create_dir_all(dir).unwrap();
    }
    data.write_made(host(1), 3).unwrap();
    data::write(&data.made(host(3)), b"", 0o600).unwrap();
    let board = Board::default();
    board.know().storage = Some(root.to_owned());
    let known = survey(&board, &data);
    let local = &known.local;
    assert_eq!(local.hosts_made, [(host(1), 3), (host(3), 1)].into());
    assert_eq!(local.set_aside, [(host(1), [1, 2].into()), (host(2), [1].into())].into());
    assert_eq!(local.host_remains, [host(1), host(2), host(3)].into());
    assert!(local.hosts.is_empty(), "none stands in the hypervisor");
    assert_eq!(local.working_copy_remains, [copy].into());
    assert!(local.working_copies_made.is_empty(), "it was begun and not finished");
}

#[test]
fn a_mark_that_cannot_be_read_makes_no_host_twice() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(&place.path().join("data")).unwrap();
    let host = HostId::from_uuid(uuid::Uuid::from_u128(1));
    data.write_made(host, 2).unwrap();
    let board = Board::default();
    board.know().storage = Some(place.path().to_owned());
    assert_eq!(survey(&board, &data).local.hosts_made, [(host, 2)].into());
    fs::write(data.made(host), "torn").unwrap();
    assert_eq!(survey(&board, &data).local.hosts_made, [(host, 2)].into(), "the last look stands");
    assert!(board.know().look_failed);
}

#[test]
fn what_was_published_from_a_working_copy_is_begun_although_it_has_no_files_yet() {
    let place = tempfile::tempdir().unwrap();
    let data = DataDir::open(&place.path().join("data")).unwrap();
    let base = verified(place.path(), &data);
    let new = Digest::from_bytes([9; 32]);
    data::write_json(&data.derived(&new), &Derivation { base }).unwrap();
    let board = Board::default();
    board.know().storage = Some(place.path().to_owned());
    let known = survey(&board, &data);
    assert_eq!((known.local.replicas[&new], known.derived[&new]), (Held::Partial, base));
}
