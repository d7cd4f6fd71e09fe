//! A disk that returns I/O errors: what it holds is never called whole, the place is named, nothing
//! crashes, and all is well again when the disk is.
#![allow(clippy::unwrap_used, reason = "a test ends at the first thing that fails")]

use diecast_domain::{
    code::Code,
    damage::Span,
    units::{ByteCount, Timestamp},
};
use diecast_transfer::{
    manifest::Manifest,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    scrub::{End, Mark, scrub},
    spool::Spool,
    verify::{Damage, Verdict, look_again, verify},
};
use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use tokio_util::sync::CancellationToken;

const LEAF: usize = 64 << 10;
const FAULT: &str = "transfer::read";

/// A version whose files lie whole in a folder.
fn version(root: &Path) -> (Manifest, PathBuf) {
    let disk = root.join("disk0.raw");
    let bytes: Vec<u8> = (0..3 << 20).map(|byte: u32| (byte >> 9) as u8 | 1).collect();
    fs::write(&disk, bytes).unwrap();
    let disks = vec![DiskInput { name: "disk0".into(), path: disk }];
    let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
    let spool = Spool::open(&root.join("spool")).unwrap();
    let manifest = publish(input, &spool, &Progress::default(), &CancellationToken::new()).unwrap();
    fs::write(root.join("profile.json"), "{}").unwrap();
    (manifest, root.to_owned())
}

fn damage(manifest: &Manifest, dir: &Path) -> Option<Damage> {
    match verify(manifest, dir, &Progress::default(), &CancellationToken::new()).unwrap() {
        Verdict::Verified(_) => None,
        Verdict::Damaged(damage) => Some(damage),
    }
}

fn slowly(manifest: &Manifest, dir: &Path) -> Option<Damage> {
    match scrub(manifest, dir, Mark::default(), |_| ControlFlow::Continue(())).unwrap() {
        End::Whole(_) => None,
        End::Damaged(damage) => Some(damage),
        End::Stopped(mark) => panic!("nobody stopped it at {mark:?}"),
    }
}

/// One story, since fault points are everybody's.
#[test]
fn what_a_disk_refuses_to_read_is_named_and_well_again_when_the_disk_is() {
    let scenario = fail::FailScenario::setup();
    let root = tempfile::tempdir().unwrap();
    let (manifest, dir) = version(root.path());
    let digest = manifest.digest();
    assert_eq!(damage(&manifest, &dir), None);

    for read in [damage, slowly] {
        // The block, and then the first leaf of it; the other leaves can be read.
        fail::cfg(FAULT, "2*return").unwrap();
        let found = read(&manifest, &dir).expect("it is not whole");
        assert_eq!((found.leaves.len(), found.unreadable.len(), found.files.len()), (0, 1, 0), "{found}");
        let problem = found.changed_problem(&digest);
        assert_eq!(problem.code, Code::T0005);
        assert!(problem.cause.contains("of disk0 cannot be read"), "{}", problem.cause);
        let place = found.told(Timestamp(5), false).places.remove(0);
        let expected =
            Span { offset: found.unreadable[0].leaf as u64 * LEAF as u64, length: ByteCount(LEAF as u64) };
        assert!(place.unreadable && place.span == Some(expected), "{place}");

        fail::cfg(FAULT, "return").unwrap();
        assert_eq!(look_again(&manifest, &dir, &found).unwrap(), found, "still so");
        fail::remove(FAULT);
        assert!(look_again(&manifest, &dir, &found).unwrap().is_empty(), "the disk is well again");
        assert_eq!(read(&manifest, &dir), None);
    }

    // A disk that refuses everything is told in the end, and crashes nobody.
    fail::cfg(FAULT, "return").unwrap();
    let all = damage(&manifest, &dir).expect("nothing can be read");
    assert_eq!(all.unreadable.len(), (3 << 20) / LEAF);
    assert_eq!(all.changed_problem(&digest).code, Code::T0005);
    fail::remove(FAULT);
    scenario.teardown();
}
