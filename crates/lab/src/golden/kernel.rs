//! Debian's kernel, and the few of its modules that the small golden machine loads.

use super::packages;
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The general kernel: the one for clouds has no AHCI, so no seed on a SATA drive.
const PACKAGE: &str = "linux-image-amd64";

/// Parts of the package that hold all of [`WANTED`] and what they depend on, and the file systems that the
/// agents' helper mounts.
const MEMBERS: &[&str] = &[
    "./boot/vmlinuz-*",
    "*/kernel/drivers/acpi/*",
    "*/kernel/drivers/ata/*",
    "*/kernel/drivers/block/*",
    "*/kernel/drivers/cdrom/*",
    "*/kernel/drivers/char/*",
    "*/kernel/drivers/input/*",
    "*/kernel/drivers/net/ethernet/intel/*",
    "*/kernel/drivers/net/ethernet/realtek/*",
    "*/kernel/drivers/net/*.ko",
    "*/kernel/drivers/pps/*",
    "*/kernel/drivers/ptp/*",
    "*/kernel/drivers/scsi/*",
    "*/kernel/drivers/virtio/*",
    "*/kernel/arch/x86/crypto/*",
    "*/kernel/block/*",
    "*/kernel/crypto/*",
    "*/kernel/fs/btrfs/*",
    "*/kernel/fs/ext4/*",
    "*/kernel/fs/fat/*",
    "*/kernel/fs/isofs/*",
    "*/kernel/fs/jbd2/*",
    "*/kernel/fs/mbcache.ko",
    "*/kernel/fs/nls/*",
    "*/kernel/fs/xfs/*",
    "*/kernel/lib/*",
    "*/kernel/net/core/*",
];

/// Disk and network of every kind that libvirt offers first, the guest agent's channel, the seed's
/// file systems, the power button.
const WANTED: &[&str] = &[
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "virtio_scsi",
    "virtio_rng",
    "sd_mod",
    "sr_mod",
    "ahci",
    "ata_piix",
    "e1000",
    "e1000e",
    "8139cp",
    "isofs",
    "vfat",
    "nls_ascii",
    "nls_cp437",
    "nls_utf8",
    "evdev",
    "button",
];

pub struct Kernel {
    pub image: PathBuf,
    /// In the order in which they load.
    pub modules: Vec<PathBuf>,
}

/// The folder in which the kernel lies as an installed system has it: `boot/`, `lib/modules/`. Fetched once.
pub fn root(cache: &Path) -> Result<PathBuf> {
    packages::unpacked(cache, &packages::real_name(PACKAGE)?, MEMBERS)
}

/// Fetches the kernel, once.
pub fn fetch(cache: &Path) -> Result<Kernel> {
    let folder = root(cache)?;
    let mut files = Vec::new();
    walk(&folder, &mut files)?;
    let image = files.iter().find(|path| name_of(path).starts_with("vmlinuz-"));
    let image = image.context("Debian's kernel package holds no kernel")?.clone();
    let known: BTreeMap<String, PathBuf> = files
        .into_iter()
        .filter_map(|path| Some((name_of(&path).strip_suffix(".ko")?.replace('-', "_"), path)))
        .collect();
    let mut modules = Vec::new();
    for name in WANTED {
        add(name, &known, &mut modules)?;
    }
    Ok(Kernel { image, modules })
}

fn name_of(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Adds a module behind those that it needs.
fn add(name: &str, known: &BTreeMap<String, PathBuf>, order: &mut Vec<PathBuf>) -> Result<()> {
    let path = known.get(name).with_context(|| format!("Debian's kernel has no module `{name}`"))?;
    if order.contains(path) {
        return Ok(());
    }
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    for needed in depends(&bytes) {
        add(&needed.replace('-', "_"), known, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// The names that a module gives in its `.modinfo`, a list of texts that end with a zero.
fn depends(module: &[u8]) -> Vec<String> {
    let key = b"\0depends=";
    let Some(at) = module.windows(key.len()).position(|window| window == key) else {
        return Vec::new();
    };
    let value = module[at + key.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    let value = String::from_utf8_lossy(value);
    value.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modules_needs_are_read_from_the_module() {
        assert_eq!(
            depends(b"x\0license=GPL\0depends=virtio,virtio_ring\0name=y\0"),
            ["virtio", "virtio_ring"]
        );
        assert!(depends(b"x\0depends=\0name=y\0").is_empty());
        assert!(depends(b"nothing").is_empty());
    }
}
