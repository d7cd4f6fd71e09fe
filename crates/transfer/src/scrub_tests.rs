//! Slow reading finds what fast reading finds, stops anywhere, and goes on.

use super::*;
use crate::{
    layout,
    progress::Progress,
    testing::{LEAF, Published, golden},
    verify::{Verdict, look_again, verify},
};
use diecast_domain::units::Timestamp;
use std::{fs, fs::OpenOptions, os::unix::fs::FileExt};
use tokio_util::sync::CancellationToken;

fn complete(root: &Path) -> (Published, PathBuf) {
    let origin = root.join("origin");
    fs::create_dir(&origin).unwrap();
    let published = golden(&origin);
    let dir = layout::version_dir(root, &published.manifest.digest());
    fs::create_dir_all(&dir).unwrap();
    for name in ["disk0.raw", "disk1.raw"] {
        fs::rename(origin.join(name), dir.join(name)).unwrap();
    }
    fs::write(dir.join(layout::PROFILE_FILE), "{}").unwrap();
    fs::write(dir.join(layout::NVRAM_FILE), "variables").unwrap();
    (published, dir)
}

fn flip(path: &Path, offset: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ 1], offset).unwrap();
    file.set_modified(modified).unwrap();
    file.sync_all().unwrap();
}

fn all(published: &Published, dir: &Path) -> End {
    scrub(&published.manifest, dir, Mark::default(), |_| ControlFlow::Continue(())).unwrap()
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is_and_a_flip_back_is_seen_by_looking_there_again() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    assert!(matches!(all(&published, &dir), End::Whole(_)));
    for (name, offset) in
        [("disk0", 2 * LEAF + 77), ("disk0", 4 * LEAF), ("disk0", 1500 * LEAF), ("disk1", 5 * LEAF + 776)]
    {
        let path = dir.join(format!("{name}.raw"));
        flip(&path, offset);
        let End::Damaged(damage) = all(&published, &dir) else { panic!("{name} {offset} was not found") };
        let expected = BadLeaf::new(name, (offset / LEAF) as u32);
        assert_eq!(damage.leaves, [expected]);
        assert_eq!(look_again(&published.manifest, &dir, &damage).unwrap(), damage);
        flip(&path, offset);
        assert!(look_again(&published.manifest, &dir, &damage).unwrap().is_empty());
    }
    fs::write(dir.join(layout::NVRAM_FILE), "variableS").unwrap();
    assert!(matches!(all(&published, &dir), End::Damaged(damage) if damage.files == [layout::NVRAM_FILE]));
}

#[test]
fn what_should_be_data_and_is_a_hole_is_found() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let disk = OpenOptions::new().read(true).write(true).open(dir.join("disk0.raw")).unwrap();
    let first = published.manifest.disks()[0].leaves().next().unwrap().0;
    sys::punch_hole(&disk, u64::from(first) * LEAF, LEAF).unwrap();
    let End::Damaged(damage) = all(&published, &dir) else { panic!("the hole was not found") };
    assert!(damage.leaves.contains(&BadLeaf::new("disk0", first)));
}

#[test]
fn it_may_be_stopped_anywhere_and_goes_on_from_there_reading_nothing_twice() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let read = |from, stop_after: usize| {
        let (mut spans, mut bytes) = (0, 0);
        let end = scrub(&published.manifest, &dir, from, |pace| {
            spans += 1;
            bytes += pace.read;
            if spans > stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (end.unwrap(), bytes)
    };
    let (_, whole) = read(Mark::default(), usize::MAX);
    let (mut mark, mut total, mut lives) = (Mark::default(), 0, 0);
    loop {
        let (end, bytes) = read(mark, 0);
        total += bytes;
        lives += 1;
        match end {
            End::Stopped(next) => assert!(std::mem::replace(&mut mark, next) < next),
            End::Whole(_) => break,
            End::Damaged(damage) => panic!("{damage}"),
        }
    }
    assert_eq!(total, whole);
    assert!(lives > 3);
    assert_eq!(
        bytes_before(&published.manifest, Mark { disk: u16::MAX, leaf: 0 }),
        published.manifest.data_bytes()
    );
}

#[test]
fn only_time_passes_in_a_record_that_is_renewed_and_only_if_the_files_look_the_same() {
    let root = tempfile::tempdir().unwrap();
    let (published, dir) = complete(root.path());
    let cancel = CancellationToken::new();
    let verdict = verify(&published.manifest, &dir, &Progress::default(), &cancel).unwrap();
    let Verdict::Verified(verified) = verdict else { panic!("it is whole") };
    let record = verified.record(Timestamp(5));
    let End::Whole(scrubbed) = all(&published, &dir) else { panic!("it is whole") };
    let renewed = record.clone().renewed(&scrubbed, Timestamp(9)).unwrap();
    assert_eq!(renewed.verified_at, Timestamp(9));
    assert!(renewed.unchanged(&dir) && renewed.version == record.version);
    let touched = OpenOptions::new().write(true).open(dir.join("disk0.raw")).unwrap();
    touched.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(record.renewed(&scrubbed, Timestamp(9)), None);
}
