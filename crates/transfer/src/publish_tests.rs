//! The same bytes are the same version, whatever they lie in.

use super::*;
use crate::{
    limits::{FRAME_LEAVES_MAX, LEAF_SIZE, SMALL_VERSION, ZSTD_LEVEL},
    testing::{LEAF, disk, noise, prose, published},
};
use proptest::prelude::*;
use std::os::unix::fs::FileExt;

#[test]
fn holes_and_written_zeroes_give_the_same_digest() {
    let (sparse, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let size = 1100 * LEAF + 100;
    let spans = [(3 * LEAF, noise(1, LEAF)), (1050 * LEAF, prose(1, 40 * LEAF)), (1100 * LEAF, vec![5; 100])];
    disk(&sparse.path().join("disk0.raw"), size, &spans);
    let written = [&[(0, vec![0; size as usize])], &spans[..]].concat();
    disk(&full.path().join("disk0.raw"), size, &written);
    let sparse = published(sparse.path(), &["disk0"], None).manifest;
    let full = published(full.path(), &["disk0"], None).manifest;
    assert_eq!(sparse.digest(), full.digest());
    assert_eq!(sparse.data_bytes(), ByteCount(41 * LEAF + 100));
    assert_eq!(sparse.size(), ByteCount(size));
}

#[test]
fn empty_disks_are_versions_too() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("none.raw"), 0, &[]);
    disk(&dir.path().join("zero.raw"), 3000 * LEAF + 1, &[]);
    let empty = published(dir.path(), &["none", "zero"], None);
    assert!(empty.manifest.frames().is_empty());
    assert_eq!(Manifest::decode(&empty.manifest.encode()).unwrap(), *empty.manifest);
}

#[test]
fn a_leaf_that_occurs_often_travels_once() {
    let dir = tempfile::tempdir().unwrap();
    let leaf = noise(7, LEAF);
    let spans: Vec<_> = (0..50).map(|number| (number * 3 * LEAF, leaf.clone())).collect();
    disk(&dir.path().join("disk0.raw"), 200 * LEAF, &spans);
    let manifest = published(dir.path(), &["disk0"], None).manifest;
    assert_eq!(manifest.wire_bytes(), ByteCount(LEAF));
    assert_eq!(manifest.data_bytes(), ByteCount(50 * LEAF));
}

#[test]
fn everything_that_a_version_is_changes_its_digest() {
    let digest = |size, bytes: &[u8], nvram: Option<&[u8]>, name: &str| {
        let dir = tempfile::tempdir().unwrap();
        disk(&dir.path().join(format!("{name}.raw")), size, &[(0, bytes.to_vec())]);
        published(dir.path(), &[name], nvram.map(<[u8]>::to_vec)).manifest.digest()
    };
    let digests = [
        digest(LEAF, b"a", None, "disk0"),
        digest(LEAF, b"b", None, "disk0"),
        digest(LEAF + 1, b"a", None, "disk0"),
        digest(LEAF, b"a", Some(b"n"), "disk0"),
        digest(LEAF, b"a", Some(b"m"), "disk0"),
        digest(LEAF, b"a", None, "disk1"),
    ];
    assert_eq!(digests.iter().collect::<HashSet<_>>().len(), digests.len());
    assert_eq!(digests[0], digest(LEAF, b"a", None, "disk0"));
}

#[test]
fn what_cannot_be_published_is_refused_with_a_code() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), LEAF, &[]);
    let spool = Spool::open(&dir.path().join("spool")).unwrap();
    let attempt = |name: &str, path: &str, profile: usize| {
        let disks = vec![DiskInput { name: name.to_owned(), path: dir.path().join(path) }];
        let input = PublishInput { disks, nvram: None, profile: vec![b' '; profile] };
        let refused = publish(input, &spool, &Progress::default(), &CancellationToken::new());
        refused.unwrap_err().problem().unwrap().code
    };
    assert_eq!(attempt("disk0", "gone.raw", 0), Code::V0002);
    assert_eq!(attempt("disk0", ".", 0), Code::V0009);
    assert_eq!(attempt("../disk0", "disk0.raw", 0), Code::T0007);
    assert_eq!(attempt("disk0", "disk0.raw", 2 << 20), Code::T0007);
}

#[test]
fn a_publication_can_be_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), LEAF, &[(0, noise(1, LEAF))]);
    let spool = Spool::open(&dir.path().join("spool")).unwrap();
    let disks = vec![DiskInput { name: "disk0".into(), path: dir.path().join("disk0.raw") }];
    let cancel = CancellationToken::new();
    cancel.cancel();
    let input = PublishInput { disks, ..PublishInput::default() };
    let done = publish(input, &spool, &Progress::default(), &cancel);
    assert!(matches!(done, Err(PublishError::Cancelled)));
}

#[test]
fn a_small_version_is_cut_into_more_frames_than_a_large_one_and_is_the_same_version() {
    let (small, large) = (Cut::of(SMALL_VERSION - 1), Cut::of(SMALL_VERSION));
    assert!(small.leaves < large.leaves && small.level > large.level, "{small:?} {large:?}");
    assert_eq!((large.leaves, large.level), (FRAME_LEAVES_MAX, ZSTD_LEVEL));
    let dir = tempfile::tempdir().unwrap();
    disk(&dir.path().join("disk0.raw"), 48 * LEAF, &[(0, prose(1, 48 * LEAF))]);
    let manifest = published(dir.path(), &["disk0"], None).manifest;
    assert_eq!(manifest.level(), small.level);
    assert!(manifest.frames().iter().all(|frame| frame.leaves.len() == small.leaves));
    assert_eq!(manifest.frames().len(), 48 / small.leaves);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_disk_has_the_names_of_its_leaves(
        size in 0..80 * LEAF,
        spans in proptest::collection::vec((0..80 * LEAF, 1..200_000_u64, 0..4_u64), 0..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk0.raw");
        disk(&path, size, &[]);
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for (offset, length, seed) in spans {
            let length = length.min(size.saturating_sub(offset));
            let bytes = if seed == 0 { vec![0; length as usize] } else { noise(seed, length) };
            file.write_all_at(&bytes, offset).unwrap();
        }
        drop(file);
        let size = std::fs::metadata(&path).unwrap().len();
        let manifest = published(dir.path(), &["disk0"], None).manifest;
        let bytes = std::fs::read(&path).unwrap();
        let disk = &manifest.disks()[0];
        prop_assert_eq!(disk.size().0, size);
        for (number, leaf) in bytes.chunks(LEAF_SIZE).enumerate() {
            let zero = leaf.iter().all(|byte| *byte == 0);
            let expected = (!zero).then(|| leaf::digest_of(leaf));
            prop_assert_eq!(disk.leaf(number as u32).copied(), expected);
        }
        prop_assert_eq!(&Manifest::decode(&manifest.encode()).unwrap(), &*manifest);
    }
}
