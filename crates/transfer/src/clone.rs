//! Beginning a disk as a clone of another version's file, where the file system shares blocks.
//!
//! A version that differs little from one that is here costs neither the space nor the time of a
//! copy then. A clone is taken at its manifest's word until all is read back, which `verify` does
//! before anything is called ready: reading it twice would find nothing more. What has to differ is
//! missing at once, and comes like everything that is.

use crate::{
    assemble::{AssembleError, Assembly},
    leaf::Place,
    manifest::{Disk, Manifest},
    present::Present,
    progress::{Progress, Stage},
    seeds::Seed,
    sys,
};
use diecast_domain::{digest::Digest, units::ByteCount};
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::Path,
};

/// Clones for every disk that has nothing yet the file that has most of it.
pub(crate) fn disks(
    assembly: &Assembly,
    seeds: &[Seed],
    present: &Present,
    progress: &Progress,
) -> Result<(), AssembleError> {
    disks_by(sys::share_all_blocks, assembly, seeds, present, progress)
}

/// `clone` makes the second file, which is empty, the same as the first, or fails.
fn disks_by(
    clone: impl Fn(&File, &File) -> io::Result<()>,
    assembly: &Assembly,
    seeds: &[Seed],
    present: &Present,
    progress: &Progress,
) -> Result<(), AssembleError> {
    progress.enter(Stage::Copying);
    let all = || seeds.iter().flat_map(|seed| seed.manifest.disks().iter().map(move |disk| (seed, disk)));
    for (number, disk) in (0_u16..).zip(assembly.manifest.disks()) {
        let (file, path) = &assembly.disks[usize::from(number)];
        if !matches!(sys::next_data(file, 0), Ok(None)) {
            continue;
        }
        let best = all().max_by_key(|(_, held)| shared(disk, held));
        let Some((seed, held)) = best.filter(|(_, held)| worth_it(disk, held)) else { continue };
        let Some(from) = open_whole(seed, held) else { continue };
        let failed = |source| AssembleError::Write { doing: "set the size of", path: path.clone(), source };
        // A file system may clone the short end of one file only to the end of another.
        file.set_len(0).map_err(failed)?;
        let cloned = clone(&from, file);
        file.set_len(disk.size().0).map_err(failed)?;
        if cloned.is_err() {
            continue;
        }
        fail::fail_point!("transfer::after-clone");
        adopt(assembly, number, held, present, progress)?;
    }
    Ok(())
}

/// Leaves that are the same at the same place.
fn shared(disk: &Disk, held: &Disk) -> usize {
    let mut held = held.leaves().peekable();
    let same = |(leaf, name): &(u32, &Digest)| {
        while held.next_if(|(before, _)| before < leaf).is_some() {}
        held.next_if(|(there, _)| there == leaf).is_some_and(|(_, there)| there == *name)
    };
    disk.leaves().filter(same).count()
}

/// Most of both is the same: otherwise there is more to undo than there was to copy.
fn worth_it(disk: &Disk, held: &Disk) -> bool {
    let most = disk.leaves().count().max(held.leaves().count());
    2 * shared(disk, held) > most
}

fn open_whole(seed: &Seed, disk: &Disk) -> Option<File> {
    let file = File::open(seed.dir.join(disk.file_name())).ok()?;
    (file.metadata().ok()?.len() == disk.size().0).then_some(file)
}

/// What is the same is there; what should be zero becomes zero; the rest stays missing.
fn adopt(
    assembly: &Assembly,
    number: u16,
    held: &Disk,
    present: &Present,
    progress: &Progress,
) -> Result<(), AssembleError> {
    let disk = &assembly.manifest.disks()[usize::from(number)];
    for (leaf, name) in held.leaves() {
        let place = Place { disk: number, leaf };
        match disk.leaf(leaf) {
            Some(same) if same == name => {
                present.set(place);
                let bytes = disk.leaf_length(leaf) as u64;
                progress.add_done(bytes);
                progress.add_local(bytes);
            }
            None if disk.leaf_length(leaf) > 0 => assembly.clear(place)?,
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// What filling `manifest` under `dir` will take there, for whoever looks at the free space first: all
/// of its data, or, where the file system shares blocks, what no seed has. Where it has no holes, zeroes
/// take space too.
pub fn bytes_to_write(manifest: &Manifest, seeds: &[Seed], dir: &Path) -> ByteCount {
    if !has_holes(dir).unwrap_or(true) {
        return manifest.size();
    }
    if seeds.is_empty() || !shares_blocks(dir).unwrap_or(false) {
        return manifest.data_bytes();
    }
    let names = |seed: &Seed| (0..seed.manifest.ordinals()).map(|n| *seed.manifest.leaf_name(n)).collect();
    let held: Vec<HashSet<_>> = seeds.iter().map(names).collect();
    let lacks = |ordinal: &u32| !held.iter().any(|held| held.contains(manifest.leaf_name(*ordinal)));
    let bytes = |ordinal| (manifest.places(ordinal).len() * manifest.leaf_length(ordinal)) as u64;
    ByteCount((0..manifest.ordinals()).filter(lacks).map(bytes).sum::<u64>())
}

/// Tried out: what the file system is called does not say how it was made.
fn shares_blocks(dir: &Path) -> io::Result<bool> {
    let mut one = tempfile::tempfile_in(dir)?;
    one.write_all(&[1; 4096])?;
    let other = tempfile::tempfile_in(dir)?;
    Ok(sys::share_all_blocks(&one, &other).is_ok())
}

/// Tried out: a large file of which nothing was written takes less than its size, or there are no holes.
fn has_holes(dir: &Path) -> io::Result<bool> {
    const TRIED: u64 = 1 << 20;
    const BLOCK: u64 = 512;
    let file = tempfile::tempfile_in(dir)?;
    file.set_len(TRIED)?;
    Ok(file.metadata()?.blocks() * BLOCK < TRIED)
}

#[cfg(test)]
#[path = "clone_tests.rs"]
mod tests;
