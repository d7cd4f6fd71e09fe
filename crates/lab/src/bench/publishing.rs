//! Publishing one per cent of a disk, beside publishing the disk anew: time, and bytes read.
//!
//! The disk is full of random data, on XFS with reflinks, and one per cent of its blocks of 64 KiB was
//! written through an overlay. Both ways end with the same digest, or nothing is told. No page of the
//! files is in the page cache when either begins.

use super::{Row, Wish, say, series::Series, table::Aim};
use crate::{
    paths::{make_folder, text},
    run::{attempt, output_of, run, run_with_input, succeeded},
    storage,
};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::{
    env,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const BLOCK: u64 = 64 << 10;
/// One of so many blocks is changed.
const UNCHANGED_PER_CHANGED: u64 = 100;
const AIM: f64 = 0.05;
/// Room beside the disk and its frames: the changes, their frames, the file system's own.
const SPARE_BYTES: u64 = 2 << 30;

/// What the program that publishes tells of itself.
#[derive(Deserialize)]
struct Told {
    digest: String,
    seconds: f64,
    /// What it asked the kernel for, and what came from the disk: `/proc/PID/io`.
    read_chars: f64,
    read_bytes: f64,
}

/// A file system of its own, gone when dropped.
struct Space {
    root: PathBuf,
    mounted: PathBuf,
}

impl Space {
    fn make(root: &Path, bytes: u64) -> Result<Self> {
        let (image, mounted) = (root.join("bench.xfs"), root.join("bench"));
        make_folder(&mounted)?;
        let free = storage::free_bytes(root)?;
        ensure!(free > bytes, "{free} bytes are free for {bytes}: measure a smaller disk with `--size`");
        let space = Self { root: root.to_owned(), mounted };
        let _ = fs::remove_file(&image);
        run(&["truncate", "--size", &bytes.to_string(), text(&image)])?;
        run(&["mkfs.xfs", "-q", "-m", "reflink=1", text(&image)])?;
        run(&["mount", "-o", "loop,noatime", text(&image), text(&space.mounted)])?;
        Ok(space)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.mounted.join(name)
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        attempt(&["umount", text(&self.mounted)]);
        let _ = fs::remove_file(self.root.join("bench.xfs"));
        let _ = fs::remove_dir(&self.mounted);
    }
}

pub fn measure(wish: &Wish) -> Result<Vec<Row>> {
    let blocks = wish.disk_bytes / BLOCK;
    let changed = (blocks / UNCHANGED_PER_CHANGED).max(1);
    say(&format!("publishing: a disk of {} blocks, {changed} of them changed", blocks));
    let space = Space::make(&wish.work, 2 * wish.disk_bytes + SPARE_BYTES)?;
    let (base, overlay, merged) =
        (space.path("base.raw"), space.path("overlay.qcow2"), space.path("merged.raw"));
    let size = blocks * BLOCK;
    run(&["sh", "-c", "head -c \"$1\" /dev/urandom > \"$2\"", "draw", &size.to_string(), text(&base)])?;
    change(&space, &base, &overlay, blocks, changed)?;
    merge(&base, &overlay, &merged)?;

    // What the first version was published with is of no interest but for its manifest.
    let first = space.path("first");
    publish(&["anew", text(&base), text(&first)])?;
    let _ = fs::remove_file(first.join("spool"));
    let (mut anew, mut derived) = (Vec::new(), Vec::new());
    for number in 1..=wish.runs {
        say(&format!("publishing: run {number} of {}", wish.runs));
        for file in [&base, &overlay, &merged] {
            forget(file)?;
        }
        let work = space.path("anew");
        let all = publish(&["anew", text(&merged), text(&work)])?;
        fs::remove_dir_all(&work)?;
        let work = space.path("derived");
        make_folder(&work)?;
        let manifest = first.join("manifest");
        let part = publish(&["changes", text(&manifest), text(&base), text(&overlay), text(&work)])?;
        fs::remove_dir_all(&work)?;
        ensure!(all.digest == part.digest, "both ways must publish the same: {} {}", all.digest, part.digest);
        anew.push(all);
        derived.push(part);
    }

    let note = format!(
        "a disk of {:.1} GiB of random data on XFS with reflinks (a loop device), {changed} whole blocks of 64 KiB \
         (1 %) written anew through a qcow2 overlay; page cache of the files dropped before each run; both ways gave \
         the same digest",
        size as f64 / f64::from(1 << 30)
    );
    let row = |what: &str, unit: &'static str, of: fn(&Told) -> f64| {
        let series = |told: &[Told]| Series::of(unit, told.iter().map(of).collect());
        Row::new(what, series(&derived), series(&anew), Aim::AtMost(AIM), note.clone())
    };
    Ok(vec![
        row("publishing 1 %: time", "s", |told| told.seconds),
        row("publishing 1 %: bytes read (read_bytes)", "MiB", |told| told.read_bytes / f64::from(1 << 20)),
        row("publishing 1 %: bytes asked for (rchar)", "MiB", |told| told.read_chars / f64::from(1 << 20)),
    ])
}

/// Writes fresh random data over some blocks of the disk, spread over all of it, into an overlay.
fn change(space: &Space, base: &Path, overlay: &Path, blocks: u64, changed: u64) -> Result<()> {
    run(&["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", text(base), text(overlay)])?;
    let pieces = space.path("pieces");
    make_folder(&pieces)?;
    let bytes = (changed * BLOCK).to_string();
    let cut =
        "head -c \"$1\" /dev/urandom | split --bytes=64K --suffix-length=6 --numeric-suffixes - \"$2/\"";
    run(&["sh", "-c", cut, "cut", &bytes, text(&pieces)])?;
    let mut commands = String::new();
    for number in 0..changed {
        // Spread over the disk, never two neighbors: no run of blocks makes it easy.
        let at = (number * (blocks / changed) + (number * 7919) % (blocks / changed)) * BLOCK;
        writeln!(commands, "write -q -s {}/{number:06} {at} {BLOCK}", text(&pieces))?;
    }
    commands.push_str("flush\n");
    run_with_input(&["qemu-io", "-f", "qcow2", text(overlay)], &commands)?;
    fs::remove_dir_all(&pieces).context("removing the blocks")
}

/// The same content as one plain file.
fn merge(base: &Path, overlay: &Path, merged: &Path) -> Result<()> {
    let copy = overlay.with_extension("copy");
    run(&["cp", "--reflink=always", text(base), text(merged)])?;
    run(&["cp", text(overlay), text(&copy)])?;
    run(&["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "raw", "-b", text(merged), text(&copy)])?;
    run(&["qemu-img", "commit", "-q", "-f", "qcow2", text(&copy)])?;
    run(&["sync", text(merged)])?;
    fs::remove_file(&copy).context("removing the copy of the overlay")
}

/// Drops a file's pages from the page cache.
fn forget(file: &Path) -> Result<()> {
    let named = format!("if={}", text(file));
    run(&["dd", &named, "iflag=nocache", "count=0", "status=none"])?;
    Ok(())
}

fn publish(words: &[&str]) -> Result<Told> {
    let program = env::var("DIECAST_BENCH_PUBLISHING")
        .context("DIECAST_BENCH_PUBLISHING names no program; `bench/maintenance` builds it and says so")?;
    let mut command = Command::new(&program);
    let output = output_of(command.args(words), "")?;
    succeeded(&format!("{program} {}", words.join(" ")), &output)?;
    serde_json::from_slice(&output.stdout).context("reading what the publishing program tells")
}
