//! A manifest reads back, and nothing that anybody wrote gets past the checks.

use super::*;
use crate::{
    changes::{At, ChangedDisk, ChangesInput, Extent, publish_changes},
    frame::{self, FrameBytes, FrameForm, Wanted},
    limits::{DISK_BYTES_MAX, DISKS_MAX, NVRAM_MAX, PROFILE_MAX},
    progress::Progress,
    spool::Spool,
    testing::{LEAF, disk, golden, noise, published},
};
use proptest::prelude::*;
use std::{collections::HashMap, sync::LazyLock};
use tokio_util::sync::CancellationToken;

/// A real one, and where its sections begin.
static GOLDEN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    golden(dir.path()).manifest.encode()
});

fn root_with(disks: &[(&str, u64)], tail: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut root = b"DCROOT01".to_vec();
    root.extend((disks.len() as u16).to_le_bytes());
    for (name, size) in disks {
        root.push(name.len() as u8);
        root.extend(name.as_bytes());
        root.extend(size.to_le_bytes());
        let pages = if *size > DISK_BYTES_MAX { 0 } else { leaf::count(*size).div_ceil(1024) as usize };
        root.extend(vec![0; pages * 32]);
    }
    tail(&mut root);
    root
}

fn no_nvram_no_profile(root: &mut Vec<u8>) {
    root.extend([0; 8]);
}

fn file_with(root: &[u8], rest: &[u8]) -> Vec<u8> {
    let length = (root.len() as u32).to_le_bytes();
    [b"DCMANI01", &length[..], root, rest].concat()
}

const NO_FRAMES: &[u8] = &[3, 0, 0, 0, 0];

fn refusal(bytes: &[u8]) -> BadManifest {
    Manifest::decode(bytes).unwrap_err()
}

#[test]
fn a_manifest_reads_back() {
    let manifest = Manifest::decode(&GOLDEN).unwrap();
    assert_eq!(manifest.encode(), *GOLDEN);
    assert_eq!(manifest.nvram(), Some(&b"variables"[..]));
    assert_eq!(manifest.profile(), b"{}");
    assert!(Manifest::decode_as(&GOLDEN, &manifest.digest()).is_ok());
    let other = Manifest::decode_as(&GOLDEN, &leaf::digest_of(b"another")).unwrap_err();
    assert!(matches!(other, BadManifest::WrongDigest { what: "the version", .. }));
    assert_eq!(other.problem().code, Code::T0007);
}

#[test]
fn cut_anywhere_or_lengthened_it_is_refused() {
    for length in 0..GOLDEN.len() {
        assert!(Manifest::decode(&GOLDEN[..length]).is_err(), "cut at {length}");
    }
    let longer = [&GOLDEN[..], &[0]].concat();
    assert_eq!(refusal(&longer), BadManifest::Trailing { what: "the NVRAM" });
}

#[test]
fn sizes_and_counts_that_lie_are_refused_before_anything_is_allocated() {
    let many: Vec<_> = (0..=DISKS_MAX).map(|number| (format!("d{number}"), 0)).collect();
    let many: Vec<_> = many.iter().map(|(name, size)| (name.as_str(), *size)).collect();
    let too_large = |bytes: &[u8]| matches!(refusal(bytes), BadManifest::TooLarge { .. });
    assert!(too_large(&file_with(&root_with(&many, no_nvram_no_profile), NO_FRAMES)));
    let half = DISK_BYTES_MAX / 1024 + 1;
    assert!(too_large(&file_with(&root_with(&[("a", u64::MAX)], no_nvram_no_profile), NO_FRAMES)));
    assert!(Manifest::decode(&file_with(&root_with(&[("a", half)], no_nvram_no_profile), NO_FRAMES)).is_ok());
    for (nvram, profile) in [(NVRAM_MAX as u32 + 1, 0), (0, PROFILE_MAX as u32 + 1), (0, u32::MAX)] {
        let root = root_with(&[], |root| {
            root.extend(nvram.to_le_bytes());
            root.extend(profile.to_le_bytes());
        });
        assert!(too_large(&file_with(&root, NO_FRAMES)));
    }
    // More pages than the size has, fewer pages, more frames than leaves, a root that claims 4 GB.
    let extra = root_with(&[("a", LEAF)], |root| root.extend([0; 40]));
    assert!(matches!(refusal(&file_with(&extra, NO_FRAMES)), BadManifest::Trailing { .. }));
    let mut fewer = root_with(&[("a", 1025 * LEAF)], |_| {});
    fewer.truncate(fewer.len() - 32);
    assert!(matches!(refusal(&file_with(&fewer, NO_FRAMES)), BadManifest::Truncated { .. }));
    let root = root_with(&[("a", LEAF)], no_nvram_no_profile);
    assert!(too_large(&file_with(&root, &[3, 255, 255, 255, 255])));
    assert!(too_large(b"DCMANI01\xff\xff\xff\xff"));
    assert!(matches!(refusal(b"DCMANI04\0\0\0\0"), BadManifest::Unknown { .. }));
}

#[test]
fn names_that_would_leave_the_directory_are_refused() {
    for names in [["../a", "b"], ["a/b", "c"], ["", "a"], ["a", "a"], ["A", "b"], ["a.raw", "b"], ["-a", "b"]]
    {
        let disks = names.map(|name| (name, 0));
        let bytes = file_with(&root_with(&disks, no_nvram_no_profile), NO_FRAMES);
        assert!(matches!(refusal(&bytes), BadManifest::DiskName { .. }), "{names:?}");
    }
}

/// A manifest of one disk whose one page is given as it would be stored.
fn one_page(size: u64, page: &[u8], frames: &[u8]) -> Vec<u8> {
    let mut root = root_with(&[("disk0", size)], |_| {});
    let at = root.len() - 32;
    root[at..].copy_from_slice(leaf::digest_of(page).as_bytes());
    root.extend([0; 8]);
    file_with(&root, &[page, frames].concat())
}

#[test]
fn the_same_bytes_have_only_one_manifest() {
    let zero = leaf::zero_digest(LEAF as usize);
    let listed = one_page(LEAF, &[&[1][..], zero.as_bytes()].concat(), NO_FRAMES);
    assert!(matches!(refusal(&listed), BadManifest::NotCanonical { .. }), "a listed zero leaf");
    let short = leaf::zero_digest(9);
    let listed = one_page(LEAF + 9, &[&[2][..], short.as_bytes()].concat(), NO_FRAMES);
    assert!(matches!(refusal(&listed), BadManifest::NotCanonical { .. }), "a listed short zero leaf");
    assert!(matches!(refusal(&one_page(LEAF, &[0], NO_FRAMES)), BadManifest::NotCanonical { .. }));
    let past = one_page(LEAF, &[&[2][..], &[7; 32]].concat(), NO_FRAMES);
    assert!(matches!(refusal(&past), BadManifest::NotCanonical { .. }), "a leaf past the end");
    let twice = one_page(LEAF + 9, &[&[3][..], &[7; 64]].concat(), NO_FRAMES);
    assert_eq!(refusal(&twice), BadManifest::NotCanonical { what: "one leaf of two lengths" });
    let mut other = one_page(LEAF, &[&[1][..], &[7; 32]].concat(), NO_FRAMES);
    let at = other.len() - NO_FRAMES.len() - 1;
    other[at] ^= 1;
    assert!(matches!(refusal(&other), BadManifest::WrongDigest { what: "a page", .. }));
}

#[test]
fn every_leaf_lies_in_exactly_one_frame_of_a_true_length() {
    let page = [&[3][..], &[7; 32], &[8; 32]].concat();
    let frame = |name: u8, length: u64, encoding: u8, leaves: &[u32]| {
        let mut out = vec![name; 32];
        out.extend((length as u32).to_le_bytes());
        out.extend([encoding, leaves.len() as u8]);
        out.extend(leaves.iter().flat_map(|leaf| leaf.to_le_bytes()));
        out
    };
    let decode = |frames: &[Vec<u8>]| {
        let count = (frames.len() as u32).to_le_bytes();
        Manifest::decode(&one_page(2 * LEAF, &page, &[&[3][..], &count, &frames.concat()].concat()))
    };
    decode(&[frame(1, 2 * LEAF, 0, &[0, 1])]).unwrap();
    decode(&[frame(1, 9, 1, &[1]), frame(2, LEAF, 0, &[0])]).unwrap();
    let wrong = [
        vec![frame(1, LEAF, 0, &[0])],
        vec![frame(1, 2 * LEAF, 0, &[0, 0])],
        vec![frame(1, 2 * LEAF, 0, &[0, 1]), frame(2, LEAF, 0, &[1])],
        vec![frame(1, 9, 1, &[0, 1]), frame(2, 0, 1, &[])],
        vec![frame(1, 2 * LEAF, 0, &[0, 2])],
        vec![frame(1, 2 * LEAF - 1, 0, &[0, 1])],
        vec![frame(1, 2 * LEAF, 1, &[0, 1])],
        vec![frame(1, 0, 1, &[0, 1])],
        vec![frame(1, LEAF, 0, &[0]), frame(1, LEAF, 0, &[1])],
    ];
    for frames in wrong {
        let refused = decode(&frames);
        assert!(matches!(refused, Err(BadManifest::Packing { .. })), "{frames:?}: {refused:?}");
    }
    assert!(matches!(decode(&[frame(1, 9, 2, &[0, 1])]), Err(BadManifest::Unknown { .. })));
    let level = one_page(2 * LEAF, &page, &[&[22, 1, 0, 0, 0][..], &frame(1, 9, 1, &[0, 1])].concat());
    assert!(matches!(refusal(&level), BadManifest::Packing { .. }));
}

#[test]
fn loose_leaves_are_told_apart_from_forgotten_ones() {
    let page = [&[7][..], &[7; 32], &[8; 32], &[9; 32]].concat();
    let frame = [&[1; 32][..], &(LEAF as u32).to_le_bytes(), &[0, 1], &[1, 0, 0, 0]].concat();
    let decode = |magic: &[u8; 8], frames: &[u8], loose: &[u8]| {
        let mut bytes = one_page(3 * LEAF, &page, &[&[3][..], frames, loose].concat());
        bytes[..8].copy_from_slice(magic);
        Manifest::decode(&bytes).map(|manifest| (manifest, bytes))
    };
    let (none, one) = ([0; 4], [&[1, 0, 0, 0][..], &frame].concat());
    let size = |bytes: u64| bytes.to_le_bytes();
    let (manifest, bytes) = decode(b"DCMANI02", &one, &size(5000)).unwrap();
    assert_eq!(manifest.loose(), [0, 2]);
    assert_eq!((manifest.loose_bytes().0, manifest.wire_bytes().0), (2 * LEAF, LEAF + 5000));
    assert_eq!(manifest.encode(), bytes);
    assert_eq!(decode(b"DCMANI02", &none, &size(3 * LEAF)).unwrap().0.loose(), [0, 1, 2]);
    for refused in [
        decode(b"DCMANI01", &one, &[]),
        decode(b"DCMANI02", &one, &size(2 * LEAF + 1)),
        decode(b"DCMANI02", &one, &size(0)),
        decode(b"DCMANI02", &one, &[]),
        decode(b"DCMANI01", &one, &size(5000)),
    ] {
        assert!(refused.is_err(), "{refused:?}");
    }
}

#[test]
fn differences_that_cannot_be_are_refused() {
    let page = [&[3][..], &[7; 32], &[8; 32]].concat();
    let frame = |name: u8, leaf: u32| {
        [&[name; 32][..], &1000_u32.to_le_bytes(), &[1, 1], &leaf.to_le_bytes()].concat()
    };
    let frames = [&[3, 2, 0, 0, 0][..], &frame(1, 0), &frame(2, 1)].concat();
    let names = |names: &[u8]| {
        let count = (names.len() as u32).to_le_bytes().to_vec();
        [count, names.iter().flat_map(|name| [*name; 32]).collect()].concat()
    };
    let difference = |frame: u32, name: u8, length: u32, window: &[u32]| {
        let window_bytes: Vec<u8> = window.iter().flat_map(|number| number.to_le_bytes()).collect();
        let head = [&frame.to_le_bytes()[..], &[name; 32], &length.to_le_bytes()].concat();
        [head, vec![window.len() as u8], window_bytes].concat()
    };
    let decode = |magic: &[u8; 8], level: u8, references: &[u8], all: &[Vec<u8>]| {
        let count = (all.len() as u32).to_le_bytes();
        let tail = [&[0; 8][..], &[level], &names(references), &count, &all.concat()].concat();
        let mut bytes = one_page(2 * LEAF, &page, &[&frames[..], &tail].concat());
        bytes[..8].copy_from_slice(magic);
        Manifest::decode(&bytes).map(|manifest| (manifest, bytes))
    };
    let both = [difference(0, 3, 999, &[0, 1]), difference(1, 4, 1, &[1])];
    let (manifest, bytes) = decode(b"DCMANI03", 3, &[20, 21], &both).unwrap();
    assert_eq!(manifest.encode(), bytes);
    assert_eq!((manifest.differences().len(), manifest.difference_saving().0), (2, 1 + 999));
    assert_eq!(manifest.difference_of(1).unwrap().length, 1);
    let all = vec![0; 64];
    decode(b"DCMANI03", 9, &[20], &[difference(0, 3, 999, &all)]).unwrap();

    let one = |difference: Vec<u8>| decode(b"DCMANI03", 3, &[20], &[difference]);
    let wrong = [
        one(difference(2, 3, 999, &[0])),
        one(difference(0, 3, 1000, &[0])),
        one(difference(0, 3, 0, &[0])),
        one(difference(0, 3, 999, &[])),
        one(difference(0, 3, 999, &[1])),
        one(difference(0, 3, 999, &vec![0; 65])),
        one(difference(0, 1, 999, &[0])),
        decode(b"DCMANI03", 0, &[20, 21], &both),
        decode(b"DCMANI03", 10, &[20, 21], &both),
        decode(b"DCMANI03", 3, &[20, 20], &both),
        decode(b"DCMANI03", 3, &[20, 21, 22], &both),
        decode(b"DCMANI03", 3, &[20, 21], &[both[1].clone(), both[0].clone()]),
        decode(b"DCMANI03", 3, &[20, 21], &[both[0].clone(), difference(0, 4, 1, &[1])]),
        decode(b"DCMANI03", 3, &[20], &[difference(0, 3, 9, &[0]), difference(1, 3, 9, &[0])]),
    ];
    for (number, refused) in wrong.into_iter().enumerate() {
        assert!(matches!(refused, Err(BadManifest::Packing { .. })), "{number}: {refused:?}");
    }
    // None where the file has room for some, some where it has none, more than there are frames, and lies.
    assert!(matches!(decode(b"DCMANI03", 3, &[], &[]), Err(BadManifest::NotCanonical { .. })));
    assert!(decode(b"DCMANI03", 3, &[20], &[]).is_err());
    assert!(decode(b"DCMANI01", 3, &[20, 21], &both).is_err());
    assert!(decode(b"DCMANI02", 3, &[20, 21], &both).is_err());
    let three = [both[0].clone(), both[1].clone(), difference(2, 5, 1, &[0])];
    assert!(matches!(decode(b"DCMANI03", 3, &[20, 21], &three), Err(BadManifest::TooLarge { .. })));
    let mut lies = bytes;
    let at = lies.len() - (4 + 2 * 41 + 3 * 4) - (4 + 2 * 32);
    lies[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(refusal(&lies), BadManifest::TooLarge { .. }));
}

#[test]
fn ordinals_count_distinct_leaves_by_first_occurrence() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b] = [1, 2].map(|seed| noise(seed, LEAF));
    let spans = [(LEAF, b.clone()), (3 * LEAF, a.clone()), (1500 * LEAF, b.clone())];
    disk(&dir.path().join("disk0.raw"), 2000 * LEAF, &spans);
    disk(&dir.path().join("disk1.raw"), LEAF, &[(0, a)]);
    let manifest = published(dir.path(), &["disk0", "disk1"], None).manifest;
    let place = |disk, leaf| Place { disk, leaf };
    assert_eq!(manifest.ordinals(), 2);
    assert_eq!(manifest.places(0), [place(0, 1), place(0, 1500)]);
    assert_eq!(manifest.places(1), [place(0, 3), place(1, 0)]);
    assert_eq!(*manifest.leaf_name(0), leaf::digest_of(&b));
}

/// The vectors of `docs/format.md`: what a document says, a test reads.
#[test]
fn the_documented_vectors_are_true() {
    let document = include_str!("../../../../docs/format.md");
    let blocks = document.split("```vector ").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap();
        let (body, _) = rest.split_once("```").unwrap();
        (name, body.split_whitespace().collect::<String>())
    });
    let vectors: HashMap<_, _> = blocks.collect();
    // The disks that the document describes.
    let dir = tempfile::tempdir().unwrap();
    let mut leaf_bytes = vec![0; LEAF as usize];
    blake3::Hasher::new().finalize_xof().fill(&mut leaf_bytes);
    let disk0 = [&leaf_bytes[..], &[0; LEAF as usize], b"hello"].concat();
    disk(&dir.path().join("disk0.raw"), disk0.len() as u64, &[(0, disk0)]);
    disk(&dir.path().join("disk1.raw"), 4096 * LEAF, &[]);
    let made = published(dir.path(), &["disk0", "disk1"], Some(b"nvram".to_vec())).manifest;
    assert_eq!(hex::encode(made.encode()), vectors["manifest"], "digest {}", made.digest());

    let bytes = hex::decode(&vectors["manifest"]).unwrap();
    let manifest = Manifest::decode(&bytes).unwrap();
    assert_eq!(manifest.digest().to_string(), vectors["digest"]);

    // The version that was derived from it.
    std::fs::write(dir.path().join("overlay"), b"world").unwrap();
    let changed = |name: &str, extents| ChangedDisk {
        name: name.into(),
        base: dir.path().join(format!("{name}.raw")),
        overlays: vec![dir.path().join("overlay")],
        size: manifest.disks().iter().find(|disk| disk.name() == name).unwrap().size(),
        extents,
    };
    let extent = Extent { start: 2 * LEAF, length: 5, at: Some(At { overlay: 0, offset: 0 }) };
    let disks = vec![changed("disk0", vec![extent]), changed("disk1", Vec::new())];
    let input = ChangesInput { disks, nvram: Some(b"nvram".to_vec()), profile: b"{}".to_vec() };
    let spool = Spool::open(&dir.path().join("derived")).unwrap();
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let derived = publish_changes(&manifest, input, &spool, &progress, &cancel).unwrap().manifest;
    assert_eq!(hex::encode(derived.encode()), vectors["derived-manifest"], "digest {}", derived.digest());
    let bytes = hex::decode(&vectors["derived-manifest"]).unwrap();
    assert_eq!(Manifest::decode(&bytes).unwrap().digest().to_string(), vectors["derived-digest"]);

    // The version whose first bytes were written over: its one frame has a difference.
    let extent = Extent { start: 0, length: 5, at: Some(At { overlay: 0, offset: 0 }) };
    let disks = vec![changed("disk0", vec![extent]), changed("disk1", Vec::new())];
    let input = ChangesInput { disks, nvram: Some(b"nvram".to_vec()), profile: b"{}".to_vec() };
    let spool = Spool::open(&dir.path().join("differing")).unwrap();
    let differing = publish_changes(&manifest, input, &spool, &progress, &cancel).unwrap().manifest;
    let made = spool.read(&differing.differences()[0].digest).unwrap().unwrap();
    let now = format!("{} is {}", hex::encode(differing.encode()), hex::encode(made));
    let bytes = hex::decode(&vectors["differing-manifest"]).unwrap();
    let manifest = Manifest::decode(&bytes).unwrap_or_else(|bad| panic!("{bad}; {now}"));
    assert_eq!(manifest.encode(), bytes);
    assert_eq!(manifest.digest().to_string(), vectors["differing-digest"], "{now}");
    assert_eq!(differing.digest(), manifest.digest());
    // Another release of zstd may make other bytes, and reads these.
    let [difference] = manifest.differences() else { panic!("{now}") };
    let wanted = Wanted::Difference(&manifest.frames()[difference.frame as usize], difference);
    let sent = hex::decode(&vectors["difference"]).unwrap().into();
    let sent = FrameBytes { form: FrameForm::Named, bytes: sent };
    assert_eq!(manifest.references(), [leaf::digest_of(&leaf_bytes)]);
    let opened = frame::open(&manifest, wanted, &sent, &leaf_bytes).unwrap();
    assert_eq!(opened, [b"world", &leaf_bytes[5..]].concat());
}

proptest! {
    /// Whatever is changed, it is refused, or it is still a manifest of the same content.
    #[test]
    fn no_change_of_bytes_gets_through(at in 0..GOLDEN.len(), flip in 1..=255_u8) {
        let golden = Manifest::decode(&GOLDEN).unwrap();
        let mut bytes = GOLDEN.clone();
        bytes[at] ^= flip;
        if let Ok(changed) = Manifest::decode_as(&bytes, &golden.digest()) {
            prop_assert_eq!(changed.disks(), golden.disks());
            prop_assert_eq!(changed.profile(), golden.profile());
            prop_assert_eq!(changed.nvram(), golden.nvram());
        }
    }

    /// However the leaves are packed, at whatever level, in frames or loose, it is the same version; and the
    /// last leaf is as short as the disk makes it.
    #[test]
    fn the_digest_covers_the_content_alone(
        leaves in proptest::collection::btree_map(0..40_u32, 1..=9_u8, 1..30),
        short in 1..=LEAF,
        level in 1..=9_u8,
        cut in 1..=16_usize,
        loose in 0..4_usize,
    ) {
        let size = 39 * LEAF + short;
        let name = |leaf: u32, byte: u8| leaf::digest_of(&vec![byte; leaf::length(size, leaf)]);
        let made = |level: u8, cut: usize, loose: usize| {
            let disks = vec![("disk0".to_owned(), ByteCount(size))];
            let found = leaves.iter().map(|(leaf, byte)| (Place { disk: 0, leaf: *leaf }, name(*leaf, *byte)));
            let last = leaves.get(&39).map(|byte| name(39, *byte));
            Manifest::build(disks, found.collect(), None, b"{}".to_vec(), |ordinals| {
                let short_one = last.and_then(|last| ordinals.get(&last).copied());
                let length = |ordinal: u32| if Some(ordinal) == short_one { short } else { LEAF };
                let all: Vec<u32> = (0..ordinals.len() as u32).collect();
                let (framed, left) = all.split_at(all.len().saturating_sub(loose));
                let frames = framed.chunks(cut).map(|leaves| Frame {
                    digest: leaf::digest_of(&leaves[0].to_le_bytes()),
                    length: leaves.iter().map(|ordinal| length(*ordinal)).sum::<u64>() as u32,
                    encoding: Encoding::Stored,
                    leaves: leaves.into(),
                });
                Packing {
                    level,
                    frames: frames.collect(),
                    loose_wire: u64::from(!left.is_empty()),
                    differences: Differences::default(),
                }
            })
        };
        let (one, other) = (made(3, 16, 0).unwrap(), made(level, cut, loose).unwrap());
        prop_assert_eq!(one.digest(), other.digest());
        let again = Manifest::decode(&other.encode()).unwrap();
        prop_assert_eq!((&again, again.disks()), (&other, one.disks()));
        prop_assert_eq!(again.disks()[0].leaf_length(39) as u64, short);
        prop_assert_eq!(again.disks()[0].leaf(39).is_some(), leaves.contains_key(&39));
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), root in 0..200_u32) {
        let _ = Manifest::decode(&bytes);
        let _ = Manifest::decode(&[b"DCMANI01", &root.to_le_bytes()[..], b"DCROOT01", &bytes].concat());
    }
}
