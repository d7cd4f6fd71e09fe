//! A depot serves what it has, in whatever way, and never what it should not.

use super::*;
use crate::{
    frame::{self, Wanted, WrongBytes},
    limits::SMALL_FRAME_LEAVES,
    testing::{LEAF, disk, golden, noise, prose, published},
};
use std::{fs, fs::OpenOptions};

fn depot(holding: Holding) -> (Depot, Arc<Manifest>) {
    let manifest = holding.manifest.clone();
    let depot = Depot::default();
    depot.hold(holding);
    (depot, manifest)
}

#[test]
fn every_frame_comes_out_of_the_plain_files_as_it_did_from_the_spool() {
    let dir = tempfile::tempdir().unwrap();
    let published = golden(dir.path());
    let (spooled, manifest) = depot(published.holding());
    let (rebuilt, _) = depot(Holding { spool: None, ..published.holding() });
    for frame in manifest.frames() {
        let from_spool = spooled.frame(&manifest.digest(), &frame.digest).unwrap();
        let from_files = rebuilt.frame(&manifest.digest(), &frame.digest).unwrap();
        assert_eq!(from_spool, from_files);
        frame::open(&manifest, Wanted::Frame(frame), &from_files, &[]).unwrap();
    }
    let encodings: Vec<_> = manifest.frames().iter().map(|frame| frame.encoding).collect();
    assert!(encodings.contains(&Encoding::Stored) && encodings.contains(&Encoding::Zstd));
}

#[test]
fn another_zstd_release_still_serves_every_leaf() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), 16 * LEAF, &[(0, prose(1, 16 * LEAF))]);
    let held = published(dir.path(), &["disk0"], None);
    // As if the publisher's zstd had made other bytes: a frame of another name, one byte longer.
    let bytes = held.manifest.encode();
    let name = held.manifest.frames()[0].digest;
    let at = bytes.windows(32).position(|window| window == name.as_bytes()).unwrap();
    let mut other = bytes;
    other[at..at + 32].copy_from_slice(&[7; 32]);
    let manifest = Arc::new(Manifest::decode_as(&other, &held.manifest.digest()).unwrap());
    let (depot, manifest) = depot(Holding { manifest, ..held.holding() });
    let frame = &manifest.frames()[0];
    let sent = depot.frame(&manifest.digest(), &frame.digest).unwrap();
    assert_eq!(sent.form, FrameForm::Leaves);
    let first = prose(1, SMALL_FRAME_LEAVES as u64 * LEAF);
    assert!(frame::open(&manifest, Wanted::Frame(frame), &sent, &[]).unwrap() == first);
}

#[test]
fn a_byte_that_changed_on_disk_is_never_served_and_is_named() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), 40 * LEAF, &[(0, noise(1, 40 * LEAF))]);
    let published = published(dir.path(), &["disk0"], None);
    let file = OpenOptions::new().write(true).open(dir.path().join("disk0.raw")).unwrap();
    file.write_all_at(b"!", 20 * LEAF + 5).unwrap();
    let (depot, manifest) = depot(Holding { spool: None, ..published.holding() });
    let ask = |depot: &Depot| {
        let frames = manifest.frames().iter();
        let answers = frames.map(|frame| depot.frame(&manifest.digest(), &frame.digest));
        answers.filter_map(Result::err).collect::<Vec<_>>()
    };
    let errors = ask(&depot);
    assert_eq!(errors.len(), 1, "the other frames are served");
    let DepotError::Damaged { leaf, .. } = &errors[0] else { panic!("{errors:?}") };
    assert_eq!(*leaf, BadLeaf::new("disk0", 20));
    assert_eq!(errors[0].problem().code, Code::T0008);

    depot.hold(Holding { spool: None, arriving: Some(Arc::default()), ..published.holding() });
    assert!(matches!(ask(&depot)[..], [DepotError::NotYet { .. }]), "what is being filled lacks things");
    fs::remove_file(dir.path().join("disk0.raw")).unwrap();
    assert!(matches!(ask(&depot)[0], DepotError::NotYet { .. }), "it may have got its final name just now");
    depot.hold(Holding { spool: None, ..published.holding() });
    assert!(matches!(ask(&depot)[0], DepotError::Read { .. }));
    depot.release(&manifest.digest());
    assert!(matches!(ask(&depot)[0], DepotError::NoSuchVersion { .. }));
}

#[test]
fn a_frame_that_is_a_bomb_or_no_frame_is_refused_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), LEAF, &[(0, prose(1, LEAF))]);
    let published = published(dir.path(), &["disk0"], None);
    let bomb = zstd::bulk::compress(&vec![0; 256 << 20], 3).unwrap();
    for (wire, expected) in [
        (bomb, WrongBytes::NotDecodable { expected: LEAF as usize }),
        (b"this is not zstd".to_vec(), WrongBytes::NotDecodable { expected: LEAF as usize }),
        (zstd::bulk::compress(&prose(2, LEAF), 3).unwrap(), WrongBytes::Leaf { ordinal: 0 }),
    ] {
        // A manifest that names these very bytes: the lie is inside.
        let mut bytes = published.manifest.encode();
        let name = published.manifest.frames()[0].digest;
        let at = bytes.windows(32).position(|window| window == name.as_bytes()).unwrap();
        bytes[at..at + 32].copy_from_slice(leaf::digest_of(&wire).as_bytes());
        bytes[at + 32..at + 36].copy_from_slice(&(wire.len() as u32).to_le_bytes());
        let manifest = Manifest::decode(&bytes).unwrap();
        let sent = FrameBytes { form: FrameForm::Named, bytes: wire.into() };
        assert_eq!(frame::open(&manifest, Wanted::Frame(&manifest.frames()[0]), &sent, &[]), Err(expected));
    }
}
