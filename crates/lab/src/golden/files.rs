//! Files into a FAT file system inside a disk image, with mtools: no mount, no loop device.

use crate::{paths::text, run::run};
use anyhow::{Context, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the only partition begins: aligned to 1 MiB, as every partitioning tool has it.
pub const PARTITION_START: u64 = 1 << 20;
const SECTOR: u64 = 512;
/// The time that mtools writes into a directory: a fixed one, so that the same image comes out again.
pub const EPOCH: &str = "SOURCE_DATE_EPOCH=1735689600";

/// A FAT file system at [`PARTITION_START`] of a disk image.
pub struct Fat {
    image: String,
    /// Where files wait to be copied in; removed at the end.
    staging: PathBuf,
}

impl Fat {
    /// Formats `bytes` of the image, with a fixed serial number, so that the same comes out again.
    pub fn format(image: &Path, bytes: u64) -> Result<Self> {
        let at = format!("{}@@{PARTITION_START}", text(image));
        let sectors = (bytes / SECTOR).to_string();
        let hidden = (PARTITION_START / SECTOR).to_string();
        run(&[
            "mformat", "-i", &at, "-F", "-T", &sectors, "-H", &hidden, "-h", "255", "-s", "63", "-N",
            "D1ECA570", "-v", "GOLDEN", "::",
        ])?;
        let staging = image.with_extension("staging");
        fs::create_dir_all(&staging).context("making room for files")?;
        Ok(Self { image: at, staging })
    }

    pub fn folder(&self, name: &str) -> Result<()> {
        run(&["env", EPOCH, "mmd", "-i", &self.image, &format!("::{name}")])?;
        Ok(())
    }

    pub fn file(&self, name: &str, content: &[u8]) -> Result<()> {
        let staged = self.staging.join("file");
        fs::write(&staged, content).with_context(|| format!("writing {}", staged.display()))?;
        run(&["env", EPOCH, "mcopy", "-i", &self.image, text(&staged), &format!("::{name}")])?;
        Ok(())
    }
}

impl Drop for Fat {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.staging);
    }
}

/// Makes a sparse file and writes a partition table into it.
pub fn partitioned(out: &Path, bytes: u64, table: &str) -> Result<()> {
    let file = fs::File::create(out).with_context(|| format!("making {}", out.display()))?;
    file.set_len(bytes).with_context(|| format!("making {}", out.display()))?;
    crate::run::run_with_input(&["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", text(out)], table)?;
    Ok(())
}
