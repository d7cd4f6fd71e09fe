//! What is free is found on real file systems, and nothing that is not, whatever their tables say.

use super::*;
use proptest::prelude::*;
use std::{fs, io, path::Path, process::Command};

struct Memory(Vec<u8>);

impl GuestDisk for Memory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(at).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = at.checked_add(bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(self.0.get(at..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

fn run(script: &str, dir: &Path) {
    let told = Command::new("sh").args(["-ec", script]).current_dir(dir).output().unwrap();
    assert!(told.status.success(), "{script}: {}", String::from_utf8_lossy(&told.stderr));
}

/// A file system with 8 MiB that were deleted and 3 MiB that were not, in the second half of the disk.
fn disk(dir: &Path, options: &str) -> Vec<u8> {
    run(
        &format!(
            "mkdir files; yes gone | head -c 8M > files/gone; yes kept | head -c 3M > files/kept
             truncate -s 32M part; mkfs.ext4 -q {options} -d files part
             debugfs -w -R 'rm gone' part 2> told
             truncate -s 64M disk
             printf 'label: dos\\nstart=65536, size=65536, type=83\\n' | sfdisk -q disk
             dd if=part of=disk bs=1M seek=32 conv=notrunc status=none"
        ),
        dir,
    );
    fs::read(dir.join("disk")).unwrap()
}

#[test]
fn what_was_deleted_is_found_and_what_is_there_is_not() {
    for options in ["", "-b 1024", "-O ^64bit,^metadata_csum", "-t ext2"] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Memory(disk(dir.path(), options));
        let found = look("disk0", &disk);
        let told: Vec<_> = found.places.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["disk0 partition 1 (ext4): counted"], "{options}");
        let mut gone = 0;
        for leaf in found.leaves.iter().cloned().flatten() {
            let at = (leaf * CLUSTER) as usize;
            let bytes = &disk.0[at..at + CLUSTER as usize];
            assert!(
                !bytes.windows(8).any(|it| it == b"kept\nkep"),
                "{options}: leaf {leaf} has a file's data"
            );
            gone += usize::from(bytes.windows(8).any(|it| it == b"gone\ngon"));
        }
        assert!(gone * CLUSTER as usize >= 7 << 20, "{options}: {gone} leaves");
    }
}

#[test]
fn one_that_is_not_whole_or_has_errors_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let good = disk(dir.path(), "");
    let part = 32 << 20;
    for (at, byte, why) in [
        (1024 + 0x3a, 3, "it says that it has errors"),
        (1024 + 0x60, 0xc6, "its journal is to be replayed"),
        (1024 + 0x4, 0xff, "it is larger than its partition"),
        (1024 + 0x18, 7, "its blocks are too large"),
        (1024 + 0x14, 9, "it begins somewhere else"),
    ] {
        let mut bad = good.clone();
        bad[part + at] = byte;
        if at == 1024 + 4 {
            bad[part + at + 3] = byte;
        }
        let found = look("disk0", &Memory(bad));
        assert_eq!((found.leaves.len(), found.places[0].outcome), (0, Outcome::LeftAlone), "{why}");
    }
}

#[test]
fn partitions_are_found_in_every_kind_of_table() {
    let dir = tempfile::tempdir().unwrap();
    let tables = [
        ("label: gpt\\nsize=4M\\nsize=8M\\n", vec![1, 2]),
        (
            "label: dos\\nd1 : size=4M, type=83\\nd2 : size=20M, type=5\\nd5 : size=4M\\nd6 : size=4M\\n",
            vec![1, 5, 6],
        ),
        ("label: dos\\nstart=2048, type=83\\n", vec![1]),
    ];
    for (table, numbers) in tables {
        run(&format!("rm -f disk; truncate -s 64M disk; printf '{table}' | sfdisk -q disk"), dir.path());
        let disk = Plain::open(&dir.path().join("disk")).unwrap();
        let found: Vec<u32> = table::partitions(&disk).iter().map(|it| it.number).collect();
        assert_eq!(found, numbers, "{table}");
        assert!(
            table::partitions(&disk).iter().all(|it| it.start >= 1 << 20 && it.start + it.length <= 64 << 20)
        );
    }
    run("mkfs.ext4 -q whole 8M", dir.path());
    let whole = Plain::open(&dir.path().join("whole")).unwrap();
    assert_eq!(table::partitions(&whole)[0].number, 0);
    assert_eq!(look("disk0", &whole).places[0].to_string(), "disk0 (ext4): counted");
}

#[test]
fn what_it_does_not_understand_it_says() {
    let dir = tempfile::tempdir().unwrap();
    for (make, content) in [
        ("truncate -s 300M d; mkfs.xfs -q d", Content::Xfs),
        ("truncate -s 8M d; mkswap -q d", Content::Swap),
        ("truncate -s 8M d", Content::Unknown),
    ] {
        run(&format!("rm -f d; {make}"), dir.path());
        let found = look("disk0", &Plain::open(&dir.path().join("d")).unwrap());
        assert_eq!(
            (found.places[0].content, found.places[0].outcome),
            (content, Outcome::LeftAlone),
            "{make}"
        );
        assert_eq!(found.leaves, []);
    }
    assert_eq!(look("disk0", &Memory(Vec::new())), FreeSpace::default());
}

#[test]
fn a_disk_of_a_working_copy_is_read_through_its_overlays() {
    use crate::words::{At, Extent, OverlayDisk};
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("base"), [1; 8]).unwrap();
    fs::write(path("one"), [2; 100]).unwrap();
    fs::write(path("two"), [3; 100]).unwrap();
    let extent = |start, length, at: Option<(usize, u64)>| {
        let at = at.map(|(overlay, offset)| At { overlay, offset });
        Extent { start, length, at }
    };
    let disk = OverlayDisk {
        slot: "disk0".into(),
        overlays: vec![path("one"), path("two")],
        base: path("base"),
        virtual_size: diecast_domain::units::ByteCount(12),
        extents: vec![extent(2, 2, Some((0, 50))), extent(4, 1, None), extent(6, 4, Some((1, 7)))],
    };
    let changed = Changed::open(&disk).unwrap();
    let mut all = [9; 12];
    changed.read_at(0, &mut all).unwrap();
    assert_eq!(all, [1, 1, 2, 2, 0, 1, 3, 3, 3, 3, 0, 0]);
    let mut some = [9; 3];
    changed.read_at(3, &mut some).unwrap();
    assert_eq!(some, [2, 0, 1]);
    assert!(changed.read_at(11, &mut [0; 2]).is_err(), "beyond its end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_table_makes_it_read_or_claim_what_is_not_there(
        changes in proptest::collection::vec((0_usize..4096, any::<u8>()), 1..40),
        at_super in any::<bool>(),
    ) {
        static GOOD: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let good = GOOD.get_or_init(|| disk(tempfile::tempdir().unwrap().path(), ""));
        let mut bad = good.clone();
        let from = if at_super { (32 << 20) + 1024 } else { 0 };
        for (at, byte) in changes {
            bad[from + at] = byte;
        }
        let size = bad.len() as u64;
        let found = look("disk0", &Memory(bad));
        prop_assert!(found.leaves.is_sorted_by(|a, b| a.end < b.start));
        prop_assert!(found.leaves.iter().all(|it| it.start < it.end && it.end * CLUSTER <= size));
    }
}
