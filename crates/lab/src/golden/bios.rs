//! A disk that boots by BIOS: an MBR, one FAT partition, SYSLINUX.

use super::{
    FIRST_NOTE, Kind, Recipe,
    files::{EPOCH, Fat, PARTITION_START, partitioned},
    initramfs, kernel, payload,
};
use crate::{paths::text, run::run};
use anyhow::{Context, Result};
use std::{fs, io::Write, path::Path};

/// SYSLINUX's own first sector, which starts the active partition.
const BOOT_SECTOR: &str = "/usr/lib/SYSLINUX/mbr.bin";
/// What both firmwares hand to the kernel.
pub const KERNEL_LINE: &str =
    "console=tty0 console=ttyS0,115200 quiet panic=5 mitigations=off no_timer_check";

/// Makes the disk.
pub fn make(cache: &Path, recipe: &Recipe, out: &Path) -> Result<()> {
    // FAT32 needs 65,525 clusters or more; of 512 bytes that is 33 MB.
    partitioned(out, recipe.disk_bytes, "label: dos\nlabel-id: 0xd1eca570\nstart=2048, type=c, bootable\n")?;
    let kernel = kernel::fetch(cache)?;
    let fat = Fat::format(out, recipe.disk_bytes - PARTITION_START)?;
    let config = format!(
        "DEFAULT golden\nPROMPT 0\nLABEL golden\n  LINUX /vmlinuz\n  INITRD /initrd.img\n  APPEND {KERNEL_LINE}\n"
    );
    fat.file("syslinux.cfg", config.as_bytes())?;
    fat.file("vmlinuz", &fs::read(&kernel.image).context("reading the kernel")?)?;
    fat.file("initrd.img", &initramfs::pack(cache, &kernel, recipe.kind == Kind::Tiny)?)?;
    fat.file("release-note", FIRST_NOTE)?;
    if recipe.payload_bytes > 0 {
        fat.file("payload.bin", &payload::draw(recipe.payload_bytes, recipe.seed))?;
    }
    run(&["env", EPOCH, "syslinux", "--install", "-t", &PARTITION_START.to_string(), text(out)])?;
    let sector = fs::read(BOOT_SECTOR)
        .with_context(|| format!("reading {BOOT_SECTOR} (Debian's package syslinux-common)"))?;
    let mut disk = fs::File::options().write(true).open(out).context("writing the boot sector")?;
    disk.write_all(&sector).and_then(|()| disk.sync_all()).context("writing the boot sector")
}
