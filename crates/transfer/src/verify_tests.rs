//! Whatever differs from the manifest is found, and only what does not may be committed.

use super::*;
use crate::{
    commit::{CommitError, commit},
    record::VerifiedRecord,
    testing::{LEAF, Published, golden},
};
use diecast_domain::units::Timestamp;
use std::{
    fs::OpenOptions,
    os::unix::fs::{FileExt, PermissionsExt},
};

/// A complete version in a directory of its own, which holds nothing else.
fn complete(root: &Path) -> (Published, PathBuf) {
    let origin = root.join("origin");
    fs::create_dir(&origin).unwrap();
    let published = golden(&origin);
    let dir = layout::version_dir(&root.join("incoming"), &published.manifest.digest());
    fs::create_dir_all(&dir).unwrap();
    for name in ["disk0.raw", "disk1.raw"] {
        fs::rename(origin.join(name), dir.join(name)).unwrap();
    }
    fs::write(dir.join(layout::PROFILE_FILE), "{}").unwrap();
    fs::write(dir.join(layout::NVRAM_FILE), "variables").unwrap();
    (published, dir)
}

fn look(published: &Published, dir: &Path) -> Verdict {
    verify(&published.manifest, dir, &Progress::default(), &CancellationToken::new()).unwrap()
}

fn damage(published: &Published, dir: &Path) -> Damage {
    match look(published, dir) {
        Verdict::Damaged(damage) => damage,
        Verdict::Verified(_) => panic!("damage was not found"),
    }
}

fn proof(published: &Published, dir: &Path) -> Verified {
    match look(published, dir) {
        Verdict::Verified(verified) => verified,
        Verdict::Damaged(damage) => panic!("{damage}"),
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let disk0 = OpenOptions::new().read(true).write(true).open(dir.join("disk0.raw")).unwrap();
    let disk1 = OpenOptions::new().read(true).write(true).open(dir.join("disk1.raw")).unwrap();
    // In data, in a hole beside data, in a hole far away, in the short last leaf.
    for (file, name, offset) in [
        (&disk0, "disk0", 2 * LEAF + 77),
        (&disk0, "disk0", 4 * LEAF),
        (&disk0, "disk0", 1500 * LEAF),
        (&disk1, "disk1", 5 * LEAF + 776),
    ] {
        let mut byte = [0];
        file.read_exact_at(&mut byte, offset).unwrap();
        file.write_all_at(&[byte[0] ^ 0x10], offset).unwrap();
        let found = damage(&published, &dir);
        assert_eq!(found.leaves, [BadLeaf::new(name, (offset / LEAF) as u32)]);
        assert!(found.files.is_empty());
        assert_eq!(found.problem(&published.manifest.digest()).code, Code::T0006);
        file.write_all_at(&byte, offset).unwrap();
    }
    proof(&published, &dir);
}

#[test]
fn a_lost_leaf_a_wrong_size_and_a_wrong_small_file_are_found() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let disk0 = OpenOptions::new().read(true).write(true).open(dir.join("disk0.raw")).unwrap();
    sys::punch_hole(&disk0, 10 * LEAF, LEAF).unwrap();
    fs::write(dir.join(layout::NVRAM_FILE), "Variables").unwrap();
    fs::remove_file(dir.join(layout::PROFILE_FILE)).unwrap();
    let disk1 = OpenOptions::new().write(true).open(dir.join("disk1.raw")).unwrap();
    disk1.set_len(5 * LEAF + 778).unwrap();
    let found = damage(&published, &dir);
    assert_eq!(found.leaves, [BadLeaf::new("disk0", 10)]);
    assert_eq!(found.files, [layout::PROFILE_FILE, layout::NVRAM_FILE, "disk1.raw"]);
    assert_eq!(
        found.to_string(),
        "the file profile.json, nvram.fd, disk1.raw and the 64 KiB at offset 655360 of disk0"
    );
}

#[test]
fn a_verified_version_is_committed_read_only_and_its_record_tells_a_later_change() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let verified = proof(&published, &dir);
    let there = commit(&verified, &root.path().join("versions")).unwrap();
    assert!(there.ends_with(published.manifest.digest().hex()) && !dir.exists());
    for file in fs::read_dir(&there).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().permissions().mode() & 0o7777, 0o444);
    }
    let path = root.path().join("data/verified.json");
    verified.record(Timestamp(5)).save(&path).unwrap();
    let record = VerifiedRecord::load(&path).unwrap();
    assert_eq!((record.version, record.verified_at), (published.manifest.digest(), Timestamp(5)));
    assert!(record.unchanged(&there));
    assert!(matches!(commit(&verified, &root.path().join("versions")), Err(CommitError::Exists { .. })));

    let disk = there.join("disk0.raw");
    fs::set_permissions(&disk, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(record.unchanged(&there), "permissions are not content");
    let file = OpenOptions::new().write(true).open(&disk).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    file.write_all_at(b"!", 0).unwrap();
    assert!(!record.unchanged(&there));
    fs::remove_file(disk).unwrap();
    assert!(!record.unchanged(&there));
    fs::write(&path, "{").unwrap();
    assert_eq!(VerifiedRecord::load(&path), None, "a spoiled record is none");
}

#[test]
fn what_changed_after_its_verification_is_not_committed() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let verified = proof(&published, &dir);
    std::thread::sleep(std::time::Duration::from_millis(20));
    let file = OpenOptions::new().write(true).open(dir.join("disk1.raw")).unwrap();
    file.write_all_at(b"!", 0).unwrap();
    let refused = commit(&verified, &root.path().join("versions"));
    assert!(matches!(refused, Err(CommitError::Changed { .. })), "{refused:?}");
    assert!(!root.path().join("versions").exists());
}

#[test]
fn a_cancelled_verification_proves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let cancel = CancellationToken::new();
    cancel.cancel();
    let done = verify(&published.manifest, &dir, &Progress::default(), &cancel);
    assert!(matches!(done, Err(VerifyError::Cancelled)));
}
