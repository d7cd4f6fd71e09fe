//! The doors of this crate: every reading of bytes that a peer, the server or a crash may have spoiled. See
//! `diecast_domain::doors`.

use crate::{
    bundle,
    frame::{self, FrameBytes, FrameForm, Wanted},
    journal::record::{self, Begun},
    leaf,
    limits::{FRAME_LEAVES_MAX, LEAF_SIZE},
    manifest::Manifest,
    parts::Parts,
    record::VerifiedRecord,
    spool::Spool,
    swarm::{
        arrivals::{After, Told},
        claims::{self, CLAIMS_MAX, Claimant, Given},
        pieces::PieceSet,
    },
    wire::{leaves_of_path, rest_of},
};
use bytes::Bytes;
use diecast_domain::{
    digest::Digest,
    doors::{Door, same_json_again, texts},
};
use std::{fs, sync::OnceLock, time::Duration};

pub const DOORS: &[Door] =
    &[MANIFEST, FRAME, LEAVES, RANGE, ARRIVALS, CLAIMS, SPOOL, PART, JOURNAL, RECORD, BUNDLE];

/// The test vectors of `docs/format.md`: a manifest, one with loose leaves, and one with a difference.
fn vectors() -> Vec<Vec<u8>> {
    let vector = |name: &str| {
        let block = include_str!("../../../docs/format.md").split(name).nth(1).unwrap_or_default();
        let digits: Vec<u8> = block.bytes().take_while(|byte| *byte != b'`').collect();
        let digits: Vec<u8> = digits.into_iter().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        digits.chunks(2).filter_map(byte).collect()
    };
    ["manifest", "derived-manifest", "differing-manifest"]
        .map(|name| vector(&format!("```vector {name}\n")))
        .to_vec()
}

/// What frames are opened for: one frame, of one leaf, which is `hello`.
fn example() -> &'static Manifest {
    static EXAMPLE: OnceLock<Manifest> = OnceLock::new();
    EXAMPLE.get_or_init(|| Manifest::decode(&vectors()[0]).expect("the documents' vector is well"))
}

/// What names a version.
pub const MANIFEST: Door = Door {
    name: "manifest",
    seeds: vectors,
    knock: |bytes| {
        let Ok(manifest) = Manifest::decode(bytes) else { return };
        assert_eq!(manifest.encode(), bytes, "there is one way to write it");
        assert!(manifest.wire_bytes().0 <= manifest.data_bytes().0);
        assert!(Manifest::decode_as(bytes, &manifest.digest()).is_ok());
    },
};

/// What a peer sends for a frame; the first byte is the form that it claims.
pub const FRAME: Door = Door {
    name: "frame",
    seeds: || {
        let leaf = [b"hello".to_vec(), vec![0; LEAF_SIZE - 5]].concat();
        let packed = zstd::bulk::compress(&leaf, 3).unwrap_or_default();
        let bomb = zstd::bulk::compress(&vec![0; 4 << 20], 3).unwrap_or_default();
        let form = |form: u8, bytes: Vec<u8>| [vec![form], bytes].concat();
        vec![form(0, packed.clone()), form(2, packed), form(1, leaf), form(2, bomb)]
    },
    knock: |bytes| {
        let (form, bytes) = bytes.split_first().unwrap_or((&0, &[]));
        let form = [FrameForm::Named, FrameForm::Leaves, FrameForm::Packed][usize::from(*form) % 3];
        let manifest = example();
        let sent = FrameBytes { form, bytes: Bytes::copy_from_slice(bytes) };
        for wanted in [Wanted::Frame(&manifest.frames()[0]), Wanted::Loose(&[0])] {
            let Ok(leaves) = frame::open(manifest, wanted, &sent, &[]) else { continue };
            let first = leaves.get(..manifest.leaf_length(0)).expect("no less than was wanted");
            assert_eq!(leaf::digest_of(first), *manifest.leaf_name(0));
        }
    },
};

/// From where in its log a peer is asked, and what it answers.
pub const ARRIVALS: Door = Door {
    name: "arrivals",
    seeds: || {
        let told = Told { life: 5, pieces: vec![4, 2, u32::MAX] };
        vec![b"0-0".to_vec(), b"f00-12".to_vec(), told.to_bytes()]
    },
    knock: |bytes| {
        if let Some(after) = std::str::from_utf8(bytes).ok().and_then(After::parse) {
            assert_eq!(After::parse(&after.to_text()), Some(after));
        }
        if let Some(told) = Told::from_bytes(bytes) {
            assert_eq!(told.to_bytes(), bytes, "there is one way to write it");
        }
    },
};

/// The pieces that are wanted, out of as many as the first byte says, and those that are given.
pub const CLAIMS: Door = Door {
    name: "claims",
    seeds: || vec![vec![12, 0xff, 0x0f], vec![64, 1, 0, 0, 0, 0, 0, 0, 0x80], claims::to_bytes(&[7, 300])],
    knock: |bytes| {
        if let Some(claimed) = claims::from_bytes(bytes) {
            assert_eq!(claims::to_bytes(&claimed), bytes, "there is one way to write it");
        }
        let Some((count, bits)) = bytes.split_first() else { return };
        let Some(wanted) = PieceSet::from_bytes((*count).into(), bits) else { return };
        assert_eq!(wanted.to_bytes(), bits, "there is one way to write it");
        // A holder of fewer pieces, or of more, gives what is wanted and what it has.
        for held in [0, 9, 200] {
            let mut given = Given::nothing(PieceSet::all(held), 3);
            let claimed = given.claim(
                Claimant::default(),
                &wanted,
                bytes.len(),
                Duration::ZERO,
                Duration::from_secs(1),
            );
            assert!(claimed.len() <= CLAIMS_MAX);
            assert!(claimed.iter().all(|piece| *piece < held && wanted.has(*piece)));
        }
    },
};

/// The cache of frames, after a crash.
pub const SPOOL: Door = Door {
    name: "spool",
    seeds: || {
        let record = |bytes: &[u8]| {
            let name = leaf::digest_of(bytes);
            [b"DCF1", &(bytes.len() as u32).to_le_bytes()[..], name.as_bytes(), bytes].concat()
        };
        vec![record(b"one"), [record(b"one"), record(b""), record(&[7; 300])].concat()]
    },
    knock: |bytes| {
        let dir = tempfile::tempdir().expect("a test has a disk");
        let path = dir.path().join("spool");
        fs::write(&path, bytes).expect("a test has a disk");
        let spool = Spool::open(&path).expect("what is torn is cut, and no failure");
        assert!(spool.size().0 <= bytes.len() as u64);
        for at in 0..bytes.len().saturating_sub(32).min(64) {
            let name = Digest::from_bytes(bytes[at..at + 32].try_into().expect("32 bytes"));
            if let Ok(Some(frame)) = spool.read(&name) {
                assert_eq!(leaf::digest_of(&frame), name);
            }
        }
        spool.append(&leaf::digest_of(b"new"), b"new").expect("a test has a disk");
        let again = Spool::open(&path).expect("it was well before");
        let new = again.read(&leaf::digest_of(b"new")).expect("a test has a disk");
        assert_eq!(new.as_deref(), Some(&b"new"[..]));
    },
};

/// The leaves that a request names.
pub const LEAVES: Door = Door {
    name: "leaves",
    seeds: || texts(&["3,17,18", "0", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,4294967295"]),
    knock: |bytes| {
        let Some(leaves) = std::str::from_utf8(bytes).ok().and_then(leaves_of_path) else { return };
        assert!((1..=FRAME_LEAVES_MAX).contains(&leaves.len()) && leaves.is_sorted_by(|a, b| a < b));
        let written: Vec<_> = leaves.iter().map(u32::to_string).collect();
        assert_eq!(leaves_of_path(&written.join(",")), Some(leaves));
    },
};

/// The `Range` header of a request for a frame.
pub const RANGE: Door = Door {
    name: "range",
    seeds: || texts(&["bytes=10-", "bytes=0-9", "bytes=90-500", "bytes=-5", "bytes=1-2,4-5"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let _ = FrameForm::parse(text);
        let whole: Vec<u8> = (0..100).collect();
        let frame = FrameBytes { form: FrameForm::Named, bytes: whole.clone().into() };
        let (given, said) = rest_of(frame, Some(text));
        match said {
            None => assert_eq!(given.bytes, whole),
            Some(said) => {
                let start = usize::from(given.bytes[0]);
                let end = start + given.bytes.len();
                assert_eq!(given.bytes, whole[start..end]);
                assert_eq!(said, format!("bytes {start}-{}/100", end - 1));
            }
        }
    },
};

/// What an interrupted transfer kept of a frame.
pub const PART: Door = Door {
    name: "part",
    seeds: || vec![Vec::new(), vec![1; 3], b"hello".to_vec(), vec![9; 4000]],
    knock: |bytes| {
        let dir = tempfile::tempdir().expect("a test has a disk");
        let manifest = example();
        let frame = &manifest.frames()[0];
        let parts = Parts::open(dir.path(), &manifest.digest());
        let kept = crate::parts::dir(dir.path(), &manifest.digest()).join(frame.digest.hex());
        fs::write(&kept, bytes).expect("a test has a disk");
        let mut part = parts.part(Wanted::Frame(frame));
        assert!(part.kept().is_empty() || part.kept() == bytes);
        assert!(part.kept().len() <= frame.length as usize);
        let before = part.kept().len();
        part.push(b"more");
        drop(part);
        assert_eq!(fs::read(&kept).expect("it was kept").len(), before + 4);
    },
};

/// What says which leaves are durable.
pub const JOURNAL: Door = Door {
    name: "journal",
    seeds: || {
        let file = record::Identity { inode: 7, born: record::Moment::default(), size: 9 << 16 };
        let header = record::Header { version: example().digest(), files: vec![file] };
        let (mut bytes, check) = header.encode();
        let empty = bytes.clone();
        let written = vec![record::Moment { seconds: 1_760_000_000, nanoseconds: 5 }];
        let runs = vec![record::Run { disk: 0, first: 0, count: 8 }];
        let batch = record::Batch { closed: false, written, runs };
        let (record, check) = batch.encode(&check);
        bytes.extend(record);
        bytes.extend(record::Batch { closed: true, runs: Vec::new(), ..batch }.encode(&check).0);
        vec![empty, bytes]
    },
    knock: |bytes| {
        let begun = record::begin(bytes).expect("memory can be read");
        let Begun::Journal(header, mut records) = begun else { return };
        let (mut written, mut check) = header.encode();
        while let Some(batch) = records.next().expect("memory can be read") {
            let (record, next) = batch.encode(&check);
            written.extend(record);
            check = next;
        }
        assert_eq!(bytes.get(..written.len()), Some(&written[..]), "there is one way to write it");
        assert_eq!(records.offset, written.len() as u64);
    },
};

/// What was written down of a verification.
pub const RECORD: Door = Door {
    name: "record",
    seeds: || {
        let version = example().digest();
        let text = format!(
            r#"{{"version":"{version}","verified_at":5,"files":{{"disk0.raw":{{"size":131077,
            "mtime_seconds":7,"mtime_nanoseconds":8,"inode":9}}}}}}"#
        );
        vec![text.into_bytes()]
    },
    knock: same_json_again::<VerifiedRecord>,
};

/// A bundle, whoever carried it here.
pub const BUNDLE: Door = Door {
    name: "bundle",
    seeds: || {
        let of = |since| bundle::example(example(), since).expect("memory can be written to");
        vec![of(None), of(Some(example()))]
    },
    knock: |bytes| {
        let Ok(reader) = bundle::Reader::begin(bytes) else { return };
        let head = reader.head().clone();
        assert_eq!(head.header.digest, head.manifest.digest());
        let Ok(pieces) = bundle::open_all(reader) else { return };
        assert!(pieces <= head.manifest.ordinals(), "no leaf comes twice");
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        assert!((MANIFEST.seeds)().iter().all(|seed| Manifest::decode(seed).is_ok()));
        serde_json::from_slice::<VerifiedRecord>(&(RECORD.seeds)()[0]).unwrap();
        let journal = &(JOURNAL.seeds)()[1];
        let Begun::Journal(_, mut records) = record::begin(&journal[..]).unwrap() else {
            panic!("{journal:?}")
        };
        assert!(!records.next().unwrap().unwrap().closed);
        assert!(records.next().unwrap().unwrap().closed);
        assert_eq!((records.next().unwrap(), records.offset), (None, journal.len() as u64));
    }

    diecast_domain::no_door_gives_way!(DOORS, 4000);
}
