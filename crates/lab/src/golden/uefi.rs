//! A disk that boots by UEFI: a GPT, an EFI system partition, systemd's boot loader.

use super::{
    FIRST_NOTE, Recipe,
    bios::KERNEL_LINE,
    files::{Fat, PARTITION_START, partitioned},
    initramfs, kernel, packages, payload,
};
use anyhow::{Context, Result};
use std::{fs, path::Path};

/// The second copy of the partition table takes the end of the disk.
const TABLE_BYTES: u64 = 1 << 20;
const LOADER: &str = "usr/lib/systemd/boot/efi/systemd-bootx64.efi";

/// Makes the disk.
pub fn make(cache: &Path, recipe: &Recipe, out: &Path) -> Result<()> {
    let bytes = recipe.disk_bytes - PARTITION_START - TABLE_BYTES;
    let sectors = bytes / 512;
    let table = format!(
        "label: gpt\nlabel-id: D1ECA570-0000-4000-8000-000000000001\n\
         start=2048, size={sectors}, type=uefi, uuid=D1ECA570-0000-4000-8000-000000000002\n"
    );
    partitioned(out, recipe.disk_bytes, &table)?;
    let kernel = kernel::fetch(cache)?;
    let loader = packages::unpacked(cache, "systemd-boot-efi", &[&format!("./{LOADER}")])?;
    let fat = Fat::format(out, bytes)?;
    for folder in ["EFI", "EFI/BOOT", "loader", "loader/entries"] {
        fat.folder(folder)?;
    }
    fat.file("EFI/BOOT/BOOTX64.EFI", &fs::read(loader.join(LOADER)).context("reading the boot loader")?)?;
    fat.file("loader/loader.conf", b"default golden\ntimeout 0\neditor no\n")?;
    let entry = format!("title Golden\nlinux /vmlinuz\ninitrd /initrd.img\noptions {KERNEL_LINE}\n");
    fat.file("loader/entries/golden.conf", entry.as_bytes())?;
    fat.file("vmlinuz", &fs::read(&kernel.image).context("reading the kernel")?)?;
    fat.file("initrd.img", &initramfs::pack(cache, &kernel, true)?)?;
    fat.file("release-note", FIRST_NOTE)?;
    if recipe.payload_bytes > 0 {
        fat.file("payload.bin", &payload::draw(recipe.payload_bytes, recipe.seed))?;
    }
    Ok(())
}
