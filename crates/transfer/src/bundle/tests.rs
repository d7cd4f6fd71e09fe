//! What was written comes out the same, and nothing else comes out at all.

use super::*;
use crate::{
    depot::Depot,
    leaf,
    progress::Progress,
    seeds::Seed,
    spool::Spool,
    testing::{LEAF, Published, assert_same, disk, golden, noise, prose, published},
    verify::{Verdict, verify},
};
use bytes::Bytes;
use diecast_domain::{
    bundle::{Header, Since},
    template::VersionSize,
    units::Timestamp,
};
use proptest::prelude::*;
use std::{
    io::{self, Read},
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn header(version: &Published, since: Option<&Published>) -> Header {
    Header {
        template: "win11".parse().unwrap(),
        number: 4,
        digest: version.manifest.digest(),
        size: VersionSize::default(),
        carried: ByteCount::ZERO,
        since: since.map(|since| Since { number: 3, digest: since.manifest.digest() }),
        note: Some("November's updates".into()),
        author: "admin".into(),
        created_at: Timestamp(1_760_000_000_000),
        parent: Some(3),
        new_bytes: Some(ByteCount(7)),
        tags: ["production".parse().unwrap()].into(),
        warnings: vec!["it has SSH host keys".into()],
    }
}

fn bundled(version: &Published, since: Option<&Published>) -> Vec<u8> {
    let depot = Depot::default();
    depot.hold(version.holding());
    let digest = version.manifest.digest();
    let give = |asked: Asked<'_>| match asked {
        Asked::Frame(frame) => depot.frame(&digest, frame),
        Asked::Leaves(ordinals) => depot.leaves(&digest, ordinals),
    };
    let mut file = Vec::new();
    let out = |bytes: Bytes| {
        assert!(bytes.len() <= PIECE_BYTES, "no message is larger");
        file.extend_from_slice(&bytes);
        Ok(())
    };
    let since_manifest = since.map(|since| &*since.manifest);
    let header = header(version, since);
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let data = write(&version.manifest, since_manifest, header, give, out, &progress, &cancel).unwrap();
    assert_eq!(data, progress.view().bytes_done, "what was written is what was to be");
    file
}

fn order(incoming: &Path, seeds: &[&Published]) -> UnpackOrder {
    let seed = |it: &&Published| Seed { manifest: it.manifest.clone(), dir: it.dir.clone() };
    UnpackOrder {
        incoming: incoming.to_owned(),
        seeds: seeds.iter().map(seed).collect(),
        spool: None,
        floor: ByteCount::ZERO,
        progress: Arc::default(),
        cancel: CancellationToken::new(),
    }
}

fn unpacked(file: impl Read + Send, order: &UnpackOrder) -> Result<std::path::PathBuf, UnpackError> {
    unpack(Reader::begin(file)?, order)
}

/// Unpacks it, reads it back, and compares.
fn assert_comes_out(file: &[u8], version: &Published, order: &UnpackOrder) {
    let dir = unpacked(file, order).unwrap();
    let verdict = verify(&version.manifest, &dir, &order.progress, &order.cancel).unwrap();
    assert!(matches!(verdict, Verdict::Verified(_)), "{verdict:?}");
    assert_same(&version.manifest, &version.dir, &dir);
}

/// The golden one with three leaves written over and some added at the end of a hole.
fn changed(dir: &Path) -> Published {
    let spans = [
        (0, noise(1, 3 * LEAF)),
        (LEAF, noise(77, LEAF)),
        (8 * LEAF, prose(2, 90 * LEAF)),
        (50 * LEAF, prose(6, 2 * LEAF)),
        (200 * LEAF, noise(1, LEAF)),
        (1900 * LEAF, noise(8, 4 * LEAF)),
        (2000 * LEAF, noise(3, 20 * LEAF)),
    ];
    disk(&dir.join("disk0.raw"), 2100 * LEAF, &spans);
    disk(&dir.join("disk1.raw"), 5 * LEAF + 777, &[(LEAF, noise(1, LEAF)), (5 * LEAF, noise(9, 777))]);
    published(dir, &["disk0", "disk1"], Some(b"variables".to_vec()))
}

#[test]
fn a_version_comes_out_as_it_went_in_with_its_history() {
    let (source, target) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let version = golden(source.path());
    let file = bundled(&version, None);
    let spool = Arc::new(Spool::open(&target.path().join("spool")).unwrap());
    let order = UnpackOrder { spool: Some(spool.clone()), ..order(target.path(), &[]) };
    assert_comes_out(&file, &version, &order);
    assert!(
        version.manifest.frames().iter().all(|frame| spool.contains(&frame.digest)),
        "peers get them packed"
    );
    let said = Reader::begin(&file[..]).unwrap().head().header.clone();
    let all: Vec<u32> = (0..version.manifest.ordinals()).collect();
    assert_eq!(said.carried.0, version.manifest.decoded_length(&all) as u64);
    assert_eq!(
        Header { size: VersionSize::default(), carried: ByteCount::ZERO, ..said },
        header(&version, None)
    );
    assert!((file.len() as u64) < version.manifest.wire_bytes().0 + 64 * 1024);
}

#[test]
fn since_another_version_only_what_is_new_goes_and_the_rest_must_be_there() {
    let [one, two, target] = [(); 3].map(|()| TempDir::new().unwrap());
    let (before, after) = (golden(one.path()), changed(two.path()));
    let whole = bundled(&after, None);
    let file = bundled(&after, Some(&before));
    assert!(file.len() * 2 < whole.len(), "{} of {}", file.len(), whole.len());
    let alone = unpacked(&file[..], &order(target.path(), &[])).unwrap_err();
    let problem = alone.problem().unwrap();
    assert_eq!((problem.code, alone.is_final()), (Code::T0022, true));
    let named = format!("only what is new since v3 ({})", before.manifest.digest().short());
    assert!(problem.cause.contains(&named), "{}", problem.cause);
    assert!(target.path().read_dir().unwrap().next().is_none(), "nothing was begun");
    assert_comes_out(&file, &after, &order(target.path(), &[&before]));
    // Any version that has the content will do.
    let target = TempDir::new().unwrap();
    assert_comes_out(&file, &after, &order(target.path(), &[&after]));
}

#[test]
fn what_was_to_be_there_and_is_spoiled_is_lacking() {
    let [one, two, target] = [(); 3].map(|()| TempDir::new().unwrap());
    let (before, after) = (golden(one.path()), changed(two.path()));
    let file = bundled(&after, Some(&before));
    let path = before.dir.join("disk0.raw");
    let spoiled = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&spoiled, &noise(5, LEAF), 2010 * LEAF).unwrap();
    // A clone is taken at its word until it is read back, so what comes of it depends on the file system.
    match unpacked(&file[..], &order(target.path(), &[&before])) {
        Err(error) => assert_eq!(error.problem().unwrap().code, Code::T0022),
        Ok(dir) => {
            let verdict = verify(&after.manifest, &dir, &Progress::default(), &CancellationToken::new());
            assert!(matches!(verdict.unwrap(), Verdict::Damaged(_)));
        }
    }
}

fn tiny(dir: &Path) -> Published {
    disk(&dir.join("disk0.raw"), 5, &[(0, b"hello".to_vec())]);
    published(dir, &["disk0"], Some(b"nvram".to_vec()))
}

fn refusal(file: &[u8]) -> BadBundle {
    let target = TempDir::new().unwrap();
    match unpacked(file, &order(target.path(), &[])) {
        Err(UnpackError::Read(ReadError::Bad(bad))) => bad,
        other => panic!("{other:?}"),
    }
}

#[test]
fn spoiled_anywhere_cut_anywhere_or_lengthened_it_is_refused() {
    let source = TempDir::new().unwrap();
    let file = bundled(&tiny(source.path()), None);
    assert!(open_all(Reader::begin(&file[..]).unwrap()).is_ok());
    for at in 0..file.len() {
        let mut spoiled = file.clone();
        spoiled[at] ^= 1;
        let bad = refusal(&spoiled);
        let newer = bad.problem().code == Code::T0021;
        assert_eq!(newer, (6..8).contains(&at), "byte {at}: {bad}");
        assert!(matches!(refusal(&file[..at]), BadBundle::Truncated { .. }), "cut at {at}");
    }
    let longer = [&file[..], &[0]].concat();
    assert_eq!(refusal(&longer), BadBundle::NotCanonical { what: "something after its end" });
}

/// A bundle whose check and end are right, whatever is between them.
fn forged(head: &[u8], records: &[u8]) -> Vec<u8> {
    let mut file = [head, records, &[END]].concat();
    let all = leaf::digest_of(&file);
    file.extend(all.as_bytes());
    file
}

#[test]
fn who_lies_with_digests_that_fit_is_refused_by_the_leaves_own() {
    let source = TempDir::new().unwrap();
    let version = tiny(source.path());
    let file = bundled(&version, None);
    let head = &file[..Head::wants(&file).unwrap()];
    let frame = |number: u32, form: u8, bytes: &[u8]| {
        let length = (bytes.len() as u32).to_le_bytes();
        [&[FRAME][..], &number.to_le_bytes(), &[form], &length, bytes].concat()
    };
    let leaves = |ordinals: &[u32], form: u8, bytes: &[u8]| {
        let length = (bytes.len() as u32).to_le_bytes();
        let ordinals: Vec<u8> = ordinals.iter().flat_map(|it| it.to_le_bytes()).collect();
        [&[LEAVES, (ordinals.len() / 4) as u8][..], &ordinals, &[form], &length, bytes].concat()
    };
    let well = frame(0, 1, b"hello");
    assert!(open_all(Reader::begin(&forged(head, &well)[..]).unwrap()).is_ok());
    let bomb = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap();
    for (records, why) in [
        (frame(0, 1, b"hallo"), "a piece of it is wrong"),
        (frame(0, 0, b"hallo"), "a piece of it is wrong"),
        (frame(1, 1, b"hello"), "a frame that its version does not have"),
        (frame(0, 2, b"hell"), "in a form that it cannot have"),
        (frame(0, 1, b"hello!"), "length does not fit"),
        (frame(0, 1, &[7; 1 << 20]), "length does not fit"),
        (leaves(&[0], 2, &bomb), "length does not fit"),
        (leaves(&[0], 0, b"hello"), "in a form that it cannot have"),
        (leaves(&[1], 1, b"hello"), "leaves that its version does not have"),
        (leaves(&[0, 0], 1, b"hellohello"), "not in their order"),
        (leaves(&[], 1, b""), "no leaf"),
        ([&well[..], &well].concat(), "a leaf twice"),
        (vec![9], "of a kind that there is not"),
        (Vec::new(), "less than it says it carries"),
    ] {
        let bad = refusal(&forged(head, &records));
        assert!(bad.to_string().contains(why), "{bad}, not: {why}");
        assert_eq!(bad.problem().code, Code::T0020);
    }
}

#[test]
fn heads_that_lie_are_refused_before_anything_is_made_room_for() {
    let source = TempDir::new().unwrap();
    let version = tiny(source.path());
    let head = Head {
        header: header(&version, None),
        manifest: version.manifest.clone(),
        carried: Carried::from_bytes(&version.manifest, &[1]).unwrap(),
    };
    let decoded = |head: &Head| Head::decode(&head.encode());
    assert!(decoded(&head).is_ok());
    let empty = Head { carried: Carried::none(&version.manifest), ..head.clone() };
    let bad = decoded(&empty).unwrap_err();
    assert!(bad.to_string().contains("does not say since which"), "{bad}");
    let mut other = head.clone();
    other.header.digest = leaf::digest_of(b"another");
    assert!(matches!(decoded(&other), Err(BadBundle::Manifest(_))));
    assert!(Carried::from_bytes(&version.manifest, &[2]).is_none(), "a bit beyond the last leaf");
    assert!(Carried::from_bytes(&version.manifest, &[1, 0]).is_none());
    for (text, why) in [(&b"DCBNDL02"[..], Code::T0021), (b"DCMANI01", Code::T0020), (b"", Code::T0020)] {
        let bad = Reader::begin(text).unwrap_err();
        assert!(matches!(&bad, ReadError::Bad(bad) if bad.problem().code == why), "{bad}");
    }
    let huge = [b"DCBNDL01", &u32::MAX.to_le_bytes()[..]].concat();
    assert!(matches!(Head::wants(&huge), Err(BadBundle::TooLarge { .. })));
}

/// Comes in small pieces, and breaks off after so many bytes.
struct Frail<'a>(&'a [u8], usize);

impl Read for Frail<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.1 == 0 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let length = buffer.len().min(self.1).min(3000);
        let read = self.0.read(&mut buffer[..length])?;
        self.1 -= read;
        Ok(read)
    }
}

#[test]
fn what_broke_off_goes_on_from_what_was_there() {
    let (source, target) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let version = golden(source.path());
    let file = bundled(&version, None);
    let broken = unpacked(Frail(&file, file.len() * 3 / 4), &order(target.path(), &[])).unwrap_err();
    assert!(broken.problem().is_none() && !broken.is_final(), "{broken}");
    let order = order(target.path(), &[]);
    let dir = unpacked(Frail(&file, usize::MAX), &order).unwrap();
    assert_same(&version.manifest, &version.dir, &dir);
    let local = order.progress.view().bytes_local;
    assert!(local.0 * 2 > version.manifest.data_bytes().0, "{local} were there");
}

#[test]
fn nobody_waits_for_a_bundle_that_nobody_takes() {
    let source = TempDir::new().unwrap();
    let version = golden(source.path());
    let depot = Depot::default();
    depot.hold(version.holding());
    let digest = version.manifest.digest();
    let give = |asked: Asked<'_>| match asked {
        Asked::Frame(frame) => depot.frame(&digest, frame),
        Asked::Leaves(ordinals) => depot.leaves(&digest, ordinals),
    };
    let (progress, cancel) = (Progress::default(), CancellationToken::new());
    let mut room = 3;
    let out = |_: Bytes| {
        room -= 1;
        if room > 0 { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    let failed = write(&version.manifest, None, header(&version, None), give, out, &progress, &cancel);
    assert!(matches!(failed, Err(PackError::Out(_))), "{failed:?}");
    let gone = |_: Asked<'_>| Err(crate::depot::DepotError::NoSuchVersion { version: digest });
    let failed = write(&version.manifest, None, header(&version, None), gone, |_| Ok(()), &progress, &cancel);
    assert!(matches!(failed, Err(PackError::Depot(_))), "{failed:?}");
}

/// Leaves by a letter each: 0 is a hole, others repeat.
fn lettered(dir: &Path, letters: &[u8], tail: u64) -> Published {
    let content = |letter: u8| {
        if letter.is_multiple_of(2) { prose(letter.into(), LEAF) } else { noise(letter.into(), LEAF) }
    };
    let spans = (0..).zip(letters).filter(|(_, letter)| **letter != 0);
    let spans: Vec<_> = spans.map(|(at, letter)| (at * LEAF, content(*letter))).collect();
    disk(&dir.join("disk0.raw"), letters.len() as u64 * LEAF + tail, &spans);
    published(dir, &["disk0"], None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whatever_two_versions_have_in_common_the_later_comes_out_whole(
        before in proptest::collection::vec(0_u8..12, 0..60),
        after in proptest::collection::vec(0_u8..12, 0..60),
        tail in 0..LEAF,
    ) {
        let [one, two, three, four] = [(); 4].map(|()| TempDir::new().unwrap());
        let (before, after) = (lettered(one.path(), &before, 0), lettered(two.path(), &after, tail));
        let (whole, part) = (bundled(&after, None), bundled(&after, Some(&before)));
        // What is left of a frame is packed anew, and may come out a little longer than the frame.
        prop_assert!(part.len() as u64 <= whole.len() as u64 + LEAF / 2, "{} of {}", part.len(), whole.len());
        assert_comes_out(&whole, &after, &order(three.path(), &[]));
        assert_comes_out(&part, &after, &order(four.path(), &[&before]));
    }
}

#[test]
fn the_document_s_bundle_is_what_is_written_and_read() {
    let document = include_str!("../../../../docs/format.md");
    let vector = |name: &str| {
        let block =
            document.split(&format!("```vector {name}\n")).nth(1).unwrap().split("```").next().unwrap();
        hex::decode(block.split_whitespace().collect::<String>()).unwrap()
    };
    let manifest = Manifest::decode(&vector("manifest")).unwrap();
    let written = example(&manifest, None).unwrap();
    let header = document.split("```vector bundle-header\n").nth(1).unwrap().split('\n').next().unwrap();
    assert_eq!(
        &written[12..12 + header.len()],
        header.as_bytes(),
        "{}",
        String::from_utf8_lossy(&written[..900])
    );
    let end = hex::encode(&written[written.len() - 33..]);
    assert_eq!(hex::encode(vector("bundle-end")), end);
    let whole = open_all(Reader::begin(&written[..]).unwrap()).unwrap();
    assert_eq!(whole, manifest.ordinals());
}
