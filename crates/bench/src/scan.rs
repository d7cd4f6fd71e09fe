//! What is in a disk image, and what of it another one has nowhere: counted leaf by leaf.
//!
//! It reads the files and nothing else: what it counts does not depend on what the product says.

use anyhow::{Context, Result};
use std::{collections::HashSet, fs::File, io::ErrorKind, os::unix::fs::FileExt, path::Path};

/// The unit in which contents are compared: 64 KiB at a fixed offset.
pub const LEAF: usize = 64 << 10;
/// The unit in which a file system gives blocks away.
const BLOCK: usize = 4 << 10;
/// What is read at once.
const READ: usize = 64 * LEAF;

/// The content of an image.
#[derive(Debug, Default)]
pub struct Scan {
    /// Blocks of 4 KiB that are not all zero.
    pub used_bytes: u64,
    leaves: HashSet<[u8; 32]>,
}

impl Scan {
    pub fn of(image: &Path) -> Result<Self> {
        let mut scan = Self::default();
        each_leaf(image, |leaf| {
            let blocks = leaf.chunks(BLOCK).filter(|block| block.iter().any(|byte| *byte != 0));
            scan.used_bytes += blocks.map(|block| block.len() as u64).sum::<u64>();
            scan.leaves.insert(*blake3::hash(leaf).as_bytes());
        })?;
        Ok(scan)
    }

    /// Bytes of the different leaves of an image that this one has nowhere.
    pub fn new_bytes_of(&self, image: &Path) -> Result<u64> {
        let (mut seen, mut bytes) = (HashSet::new(), 0);
        each_leaf(image, |leaf| {
            let digest = *blake3::hash(leaf).as_bytes();
            if !self.leaves.contains(&digest) && seen.insert(digest) {
                bytes += leaf.len() as u64;
            }
        })?;
        Ok(bytes)
    }
}

/// Every leaf that is not all zero. Holes are not read.
fn each_leaf(image: &Path, mut tell: impl FnMut(&[u8])) -> Result<()> {
    let named = || format!("reading {}", image.display());
    let file = File::open(image).with_context(named)?;
    let size = file.metadata().with_context(named)?.len();
    let mut buffer = vec![0; READ];
    let mut at = 0;
    while let Some(data) = next_data(&file, at).with_context(named)?.filter(|data| *data < size) {
        at = data - data % LEAF as u64;
        let length = usize::try_from((size - at).min(READ as u64)).context("a part that fits into memory")?;
        match file.read_exact_at(&mut buffer[..length], at) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            read => read.with_context(named)?,
        }
        for leaf in buffer[..length].chunks(LEAF).filter(|leaf| leaf.iter().any(|byte| *byte != 0)) {
            tell(leaf);
        }
        at += length as u64;
    }
    Ok(())
}

/// Where data begins at or behind a place; none behind the last.
fn next_data(file: &File, at: u64) -> Result<Option<u64>, std::io::Error> {
    crate::seek::data(file, at)
}

/// The steps of a window.
const STEPS: usize = 8;

/// The window of this many bytes with the most data in it, by steps of its eighth.
pub fn fullest_window(image: &Path, bytes: u64) -> Result<u64> {
    let step = bytes / STEPS as u64;
    let windows = windows(&filled(image, step)?);
    // The first of the fullest: where a file system puts what is read most.
    let best =
        windows.into_iter().enumerate().max_by_key(|(number, full)| (*full, std::cmp::Reverse(*number)));
    Ok(best.map_or(0, |(number, _)| number as u64 * step))
}

/// Of the windows that are as full as any, but for a sixteenth, the one that zstd packs nearest to `packed` of its
/// size, judged by the first eighth of each of its steps. A file system lays the same files elsewhere each time: so
/// two images of the same packages have like windows.
pub fn window_that_packs_to(image: &Path, bytes: u64, packed: f64) -> Result<u64> {
    let step = bytes / STEPS as u64;
    let full = windows(&filled(image, step)?);
    let fullest = full.iter().max().copied().unwrap_or_default();
    let sizes = windows(&packed_steps(image, step)?);
    let off = |size: u64| (size as f64 / step as f64 - packed).abs();
    let candidates = sizes.into_iter().zip(full).enumerate();
    let candidates = candidates.filter(|(_, (_, full))| *full >= fullest - fullest / 16);
    let best = candidates.min_by(|(_, (one, _)), (_, (other, _))| off(*one).total_cmp(&off(*other)));
    Ok(best.map_or(0, |(number, _)| number as u64 * step))
}

/// Sums over each window of steps.
fn windows(steps: &[u64]) -> Vec<u64> {
    steps.windows(STEPS).map(|window| window.iter().sum()).collect()
}

/// Bytes of data in each step, in leaves.
fn filled(image: &Path, step: u64) -> Result<Vec<u64>> {
    let named = || format!("reading {}", image.display());
    let file = File::open(image).with_context(named)?;
    let size = file.metadata().with_context(named)?.len();
    let mut filled =
        vec![0_u64; usize::try_from(size / step + 1).context("an image of a size that there is")?];
    let mut leaf_start = 0;
    while let Some(data) = next_data(&file, leaf_start).with_context(named)?.filter(|data| *data < size) {
        leaf_start = data - data % LEAF as u64;
        filled[usize::try_from(leaf_start / step).context("a step of the image")?] += LEAF as u64;
        leaf_start += LEAF as u64;
    }
    Ok(filled)
}

/// What the first eighth of each step packs to, in bytes.
fn packed_steps(image: &Path, step: u64) -> Result<Vec<u64>> {
    let named = || format!("reading {}", image.display());
    let file = File::open(image).with_context(named)?;
    let size = file.metadata().with_context(named)?.len();
    let mut sample = vec![0; usize::try_from(step / STEPS as u64).context("a step that fits into memory")?];
    let mut packer = zstd::bulk::Compressor::new(3)?;
    let mut packed = Vec::new();
    for at in (0..=size / step).map(|number| number * step) {
        let length = sample.len().min(usize::try_from(size - at).unwrap_or(usize::MAX));
        file.read_exact_at(&mut sample[..length], at).with_context(named)?;
        packed.push(packer.compress(&sample[..length])?.len() as u64);
    }
    Ok(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Leaves by a letter each; a dot is a hole.
    fn image(folder: &Path, name: &str, leaves: &str) -> std::path::PathBuf {
        let path = folder.join(name);
        let file = File::create(&path).unwrap();
        file.set_len((leaves.len() * LEAF) as u64).unwrap();
        for (number, letter) in leaves.bytes().enumerate().filter(|(_, letter)| *letter != b'.') {
            file.write_all_at(&vec![letter; LEAF], (number * LEAF) as u64).unwrap();
        }
        path
    }

    #[test]
    fn what_is_used_and_what_is_new_is_counted_by_content_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        let old = Scan::of(&image(folder.path(), "old", "ab..c...")).unwrap();
        assert_eq!(old.used_bytes, 3 * LEAF as u64);
        let new = image(folder.path(), "new", ".cdd.e.a");
        assert_eq!(old.new_bytes_of(&new).unwrap(), 2 * LEAF as u64, "d and e, each once");
    }

    #[test]
    fn blocks_of_zeroes_in_a_leaf_are_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = image(folder.path(), "image", "....");
        File::options().write(true).open(&path).unwrap().write_all_at(b"x", LEAF as u64 + 5000).unwrap();
        assert_eq!(Scan::of(&path).unwrap().used_bytes, BLOCK as u64);
    }

    #[test]
    fn the_fullest_window_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = image(folder.path(), "image", "a.......bcdefghi....");
        assert_eq!(fullest_window(&path, 8 * LEAF as u64).unwrap(), 8 * LEAF as u64);
    }

    #[test]
    fn of_full_windows_the_one_that_packs_as_wished_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = image(folder.path(), "image", &format!("{}........", "a".repeat(32)));
        let window = 8 * LEAF as u64;
        // The third window of four is half noise.
        let (mut noise, file) = (vec![0; 4 * LEAF], File::options().write(true).open(&path).unwrap());
        blake3::Hasher::new().finalize_xof().fill(&mut noise);
        for (number, part) in noise.chunks(LEAF / 2).enumerate() {
            file.write_all_at(part, 2 * window + (number * LEAF) as u64).unwrap();
        }
        assert_eq!(window_that_packs_to(&path, window, 1.0).unwrap(), 2 * window);
        assert_eq!(window_that_packs_to(&path, window, 0.0).unwrap() % window, 0);
        let few = window_that_packs_to(&path, window, 0.5).unwrap();
        assert!(few > window && few < 3 * window && few != 2 * window, "{few}");
    }
}
