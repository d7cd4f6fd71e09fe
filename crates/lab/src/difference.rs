//! The measure of a change: what two versions of a disk differ in, block by block, compressed.

use crate::{
    paths::{make_folder, text},
    run::run,
};
use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::Read,
    path::Path,
};

/// The unit in which content is compared and sent.
const BLOCK: usize = 64 << 10;

/// Bytes of the blocks of a version's first disk that an older one has otherwise, each compressed by
/// itself. `work` is made and removed.
pub fn packed_difference(old: &Path, new: &Path, work: &Path) -> Result<u64> {
    let open = |folder: &Path| File::open(folder.join("disk0.raw")).context("opening a version's disk");
    let (mut old, mut new) = (open(old)?, open(new)?);
    make_folder(work)?;
    let (mut before, mut after) = (vec![0; BLOCK], vec![0; BLOCK]);
    let mut number = 0_u32;
    while let Ok(()) = new.read_exact(&mut after) {
        old.read_exact(&mut before).context("reading the older version's disk")?;
        if before != after {
            fs::write(work.join(number.to_string()), &after).context("keeping a block")?;
            number += 1;
        }
    }
    let line = "cd \"$1\" && find . -type f -exec zstd -3 -q --rm {} + && find . -type f -printf '%s\\n' \
        | awk '{ sum += $1 } END { print sum + 0 }'";
    let said = run(&["bash", "-c", line, "pack", text(work)])?;
    fs::remove_dir_all(work).context("removing the blocks")?;
    said.parse().context("reading the sum of the blocks")
}
