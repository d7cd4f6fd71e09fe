//! The disks that are measured: a real Debian of some five hundred packages, and what becomes of it.
//!
//! | Image | What it is |
//! |---|---|
//! | golden | Debian 12 as it was released, by debootstrap and apt, with a desktop's and a server's programs |
//! | patched | the same with Debian's updates installed, nothing trimmed |
//! | trimmed | that, trimmed |
//! | rebuilt | what golden is, made from the beginning with the updates |
//! | slice | a part of golden full of data, which packs to a certain size, for links that are shaped |
//!
//! Each is made once, whole or not at all, and kept; with them the packages, fetched once.

use crate::{say, scan};
use anyhow::{Context, Result, bail, ensure};
use diecast_lab::run::{attempt, run};
use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

const SCRIPT: &str = include_str!("image.sh");
/// What guests see.
const DISK_BYTES: u64 = 20 << 30;
/// All images, and the lab's copies of them.
const FREE_BYTES_MIN: u64 = 30 << 30;
/// What the slice packs to, of its size: 59 of 268 MB. A file system lays the image's files elsewhere each time, and
/// its fullest part packed to 60 MB on one machine and to 97 on another: all that is carried took as much longer.
const SLICE_PACKED: f64 = 0.22;

/// The images of this way of making them.
pub struct Images {
    folder: PathBuf,
}

impl Images {
    pub fn at(work: &Path) -> Self {
        let mut hasher = DefaultHasher::new();
        (SCRIPT, DISK_BYTES).hash(&mut hasher);
        Self { folder: work.join("images").join(format!("{:08x}", hasher.finish() >> 32)) }
    }

    pub fn golden(&self) -> Result<PathBuf> {
        self.made("golden", None)
    }

    pub fn patched(&self) -> Result<PathBuf> {
        let golden = self.golden()?;
        self.made("patched", Some(&golden))
    }

    pub fn trimmed(&self) -> Result<PathBuf> {
        let patched = self.patched()?;
        self.made("trimmed", Some(&patched))
    }

    pub fn rebuilt(&self) -> Result<PathBuf> {
        self.made("rebuilt", None)
    }

    /// How many packages are installed in it.
    pub fn packages(&self, kind: &str) -> Option<u32> {
        fs::read_to_string(self.folder.join(format!("{kind}.raw.packages"))).ok()?.trim().parse().ok()
    }

    /// A part of the golden image as full of data as any, about the same to carry in every run.
    pub fn slice(&self, bytes: u64) -> Result<PathBuf> {
        let slice = self.folder.join(format!("slice-{}.raw", bytes >> 20));
        if slice.exists() {
            return Ok(slice);
        }
        let golden = self.golden()?;
        let from = scan::window_that_packs_to(&golden, bytes, SLICE_PACKED)?;
        let fresh = slice.with_extension("new");
        let (input, output) = (format!("if={}", golden.display()), format!("of={}", fresh.display()));
        let part = [format!("skip={from}"), format!("count={bytes}")];
        let flags = ["bs=1M", "iflag=skip_bytes,count_bytes", "conv=sparse", "status=none"];
        run(&[&["dd", &input, &output, &part[0], &part[1]], &flags[..]].concat())?;
        run(&["truncate", "--size", &bytes.to_string(), &fresh.display().to_string()])?;
        fs::rename(&fresh, &slice).with_context(|| format!("making {}", slice.display()))?;
        Ok(slice)
    }

    fn made(&self, kind: &str, parent: Option<&Path>) -> Result<PathBuf> {
        let image = self.folder.join(format!("{kind}.raw"));
        if image.exists() {
            return Ok(image);
        }
        say(&format!("making the image `{kind}`; this takes some minutes, once"));
        let packages = self.folder.with_file_name("packages");
        for folder in [&self.folder, &packages] {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        self.has_room()?;
        let (script, log) = (self.folder.join("image.sh"), self.folder.join(format!("{kind}.log")));
        fs::write(&script, SCRIPT).with_context(|| format!("writing {}", script.display()))?;
        let fresh = self.folder.join(format!("{kind}.raw.new"));
        let _ = fs::remove_file(&fresh);
        let line = "exec bash \"$@\" > \"$0\" 2>&1";
        let bytes = DISK_BYTES.to_string();
        let paths: Vec<String> =
            [&log, &script, &fresh, &packages].map(|path| path.display().to_string()).into();
        let parent = parent.map(|parent| parent.display().to_string());
        let mut argv = vec!["unshare", "--mount", "--propagation", "private", "bash", "-c", line, &paths[0]];
        argv.extend([paths[1].as_str(), kind, &paths[2], &bytes, &paths[3]]);
        argv.extend(parent.as_deref());
        let made = run(&argv);
        detach(&fresh);
        if let Err(error) = made {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let lines: Vec<&str> = said.trim_end().lines().collect();
            bail!(
                "{error}; the end of {}:\n{}",
                log.display(),
                lines[lines.len().saturating_sub(8)..].join("\n")
            );
        }
        let counted = self.folder.join(format!("{kind}.raw.new.packages"));
        if counted.exists() {
            let kept = self.folder.join(format!("{kind}.raw.packages"));
            fs::rename(&counted, &kept).with_context(|| format!("keeping {}", kept.display()))?;
        }
        fs::rename(&fresh, &image).with_context(|| format!("making {}", image.display()))?;
        Ok(image)
    }

    fn has_room(&self) -> Result<()> {
        let folder = self.folder.display().to_string();
        let said = run(&["stat", "--file-system", "--format", "%a %S", &folder])?;
        let numbers: Vec<u64> = said.split(' ').filter_map(|number| number.parse().ok()).collect();
        let free: u64 = numbers.iter().product();
        // What was made by now needs no room any more.
        let made = run(&["du", "--summarize", "--block-size=1", &folder])?;
        let made: u64 = made.split_whitespace().next().and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        let needed = FREE_BYTES_MIN.saturating_sub(made);
        ensure!(
            free >= needed,
            "{} GB are free at {folder}, the images and their copies need {}",
            free / 1_000_000_000,
            needed / 1_000_000_000
        );
        Ok(())
    }
}

/// Whatever ended the script, no loop device keeps the file.
fn detach(image: &Path) {
    let said =
        run(&["losetup", "--noheadings", "--output", "NAME", "--associated", &image.display().to_string()]);
    for device in said.unwrap_or_default().lines() {
        attempt(&["partx", "--delete", device]);
        attempt(&["losetup", "--detach", device]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_bash_and_knows_every_image() {
        run(&["bash", "-n", "-c", SCRIPT]).unwrap();
        for kind in ["golden)", "patched)", "trimmed)", "rebuilt)"] {
            assert!(SCRIPT.contains(&format!("  {kind}")), "{kind}");
        }
    }
}
