//! Publishes a disk anew, or what an overlay changes in one, and tells what that cost.
//!
//! ```text
//! publishing anew FILE WORK                          into WORK/manifest and WORK/spool
//! publishing changes MANIFEST BASE OVERLAY WORK      a version derived from MANIFEST
//! ```
//!
//! Prints one JSON document: digest, seconds, and what `/proc/self/io` says was read meanwhile.

use diecast_domain::units::ByteCount;
use diecast_transfer::{
    changes::{At, ChangedDisk, ChangesInput, Extent, publish_changes},
    manifest::Manifest,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
};
use serde::Deserialize;
use std::{error::Error, fs, path::Path, process::Command, time::Instant};
use tokio_util::sync::CancellationToken;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["anew", file, work] => measured(Path::new(work), |spool| {
            let disks = vec![DiskInput { name: "disk0".into(), path: file.into() }];
            let input = PublishInput { disks, nvram: None, profile: b"{}".to_vec() };
            Ok(publish(input, spool, &Progress::default(), &CancellationToken::new())?)
        }),
        ["changes", manifest, base, overlay, work] => {
            let parent = Manifest::decode(&fs::read(manifest)?)?;
            measured(Path::new(work), |spool| {
                let disks = vec![ChangedDisk {
                    name: "disk0".into(),
                    base: base.into(),
                    overlays: vec![overlay.into()],
                    size: ByteCount(fs::metadata(base)?.len()),
                    extents: map_of(overlay)?,
                }];
                let input = ChangesInput { disks, nvram: None, profile: b"{}".to_vec() };
                let (progress, cancel) = (Progress::default(), CancellationToken::new());
                Ok(publish_changes(&parent, input, spool, &progress, &cancel)?.manifest)
            })
        }
        _ => Err("see the head of this file".into()),
    }
}

/// The manifest is not read or written in the time that is told; the map of the overlay is.
fn measured(work: &Path, publish: impl FnOnce(&Spool) -> Outcome<Manifest>) -> Outcome {
    fs::create_dir_all(work)?;
    let spool = Spool::open(&work.join("spool"))?;
    let (begun, before) = (Instant::now(), read_so_far()?);
    let manifest = publish(&spool)?;
    let (seconds, after) = (begun.elapsed().as_secs_f64(), read_so_far()?);
    fs::write(work.join("manifest"), manifest.encode())?;
    let told = serde_json::json!({
        "digest": manifest.digest().to_string(),
        "seconds": seconds,
        "read_chars": after.0 - before.0,
        "read_bytes": after.1 - before.1,
    });
    println!("{told}");
    Ok(())
}

/// Bytes that reading asked for, and those that came from the disk, by this process and those that it
/// ran and waited for.
fn read_so_far() -> Outcome<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/io")?;
    let field = |name: &str| -> Outcome<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        Ok(line.ok_or("no such field")?.parse()?)
    };
    Ok((field("rchar")?, field("read_bytes")?))
}

/// One entry of `qemu-img map`.
#[derive(Deserialize)]
struct Mapped {
    start: u64,
    length: u64,
    depth: u64,
    zero: bool,
    data: bool,
    offset: Option<u64>,
}

/// What the overlay itself answers for.
fn map_of(overlay: &str) -> Outcome<Vec<Extent>> {
    let output = Command::new("qemu-img").args(["map", "--output=json", "-f", "qcow2", overlay]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let entries: Vec<Mapped> = serde_json::from_slice(&output.stdout)?;
    let own = entries.into_iter().filter(|entry| entry.depth == 0 && (entry.data || entry.zero));
    let extent = |entry: Mapped| Extent {
        start: entry.start,
        length: entry.length,
        at: entry.offset.filter(|_| !entry.zero).map(|offset| At { overlay: 0, offset }),
    };
    Ok(own.map(extent).collect())
}
