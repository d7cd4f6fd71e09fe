//! The helper's kernel: one that is installed on this machine, and those of its modules that are of use.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Without these it sees no disk.
const NEEDED: [&str; 2] = ["virtio_pci", "virtio_blk"];
/// File systems, and what they ask for by name only once they are there.
const USEFUL: [&str; 12] = [
    "crc32c_generic",
    "ext4",
    "xfs",
    "btrfs",
    "xxhash_generic",
    "blake2b_generic",
    "sha256_generic",
    "vfat",
    "nls_cp437",
    "nls_ascii",
    "nls_iso8859_1",
    "nls_utf8",
];
/// No kernel and no module is larger.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// A module asks for a handful of others.
const MODULES_MAX: usize = 256;

pub struct Kernel {
    pub release: String,
    pub image: Vec<u8>,
    /// Name and content, in the order in which they load.
    pub modules: Vec<(String, Vec<u8>)>,
}

/// The running kernel's release if it is whole, else the newest that is.
pub fn find(root: &Path) -> Result<Kernel, String> {
    let mut releases = releases(root);
    let running = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    releases.sort_by_cached_key(|release| Reverse((release == running.trim(), numbers(release))));
    let mut why = Vec::new();
    for release in &releases {
        match take(root, release) {
            Ok(kernel) => return Ok(kernel),
            Err(what) => why.push(what),
        }
    }
    let what = why.first().cloned().unwrap_or_else(|| "none is installed".to_owned());
    let (boot, modules) = (root.join("boot/vmlinuz-*"), root.join("lib/modules"));
    Err(format!("no kernel for the helper in {} with {}: {what}", boot.display(), modules.display()))
}

fn modules_dirs(root: &Path) -> [PathBuf; 2] {
    [root.join("lib/modules"), root.join("usr/lib/modules")]
}

fn releases(root: &Path) -> Vec<String> {
    let entries = modules_dirs(root).into_iter().flat_map(|dir| fs::read_dir(dir).into_iter().flatten());
    let mut found: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    found.sort();
    found.dedup();
    found
}

fn numbers(release: &str) -> Vec<u64> {
    let parts = release.split(|letter: char| !letter.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map_while(|part| part.parse().ok()).collect()
}

fn take(root: &Path, release: &str) -> Result<Kernel, String> {
    let dirs = modules_dirs(root).map(|dir| dir.join(release));
    let mut images = vec![root.join("boot").join(format!("vmlinuz-{release}"))];
    images.extend(dirs.iter().map(|dir| dir.join("vmlinuz")));
    let image = images.iter().find(|image| image.is_file());
    let image = image.ok_or_else(|| format!("{} is not there", images[0].display()))?;
    let mut known = BTreeMap::new();
    for dir in &dirs {
        walk(&dir.join("kernel"), &mut known);
    }
    let built_in = |name: &str| {
        dirs.iter()
            .filter_map(|dir| fs::read_to_string(dir.join("modules.builtin")).ok())
            .any(|list| list.lines().any(|line| module_name(Path::new(line)).as_deref() == Some(name)))
    };
    let mut modules = Vec::new();
    for name in NEEDED {
        if !add(name, &known, &mut modules)? && !built_in(name) {
            return Err(format!("{release} has no module `{name}`"));
        }
    }
    for name in USEFUL {
        add(name, &known, &mut modules)?;
    }
    Ok(Kernel { release: release.to_owned(), image: read(image)?, modules })
}

/// `crc32c_generic` of `.../crc32c-generic.ko.xz`.
fn module_name(path: &Path) -> Option<String> {
    let (name, _) = path.file_name()?.to_str()?.split_once(".ko")?;
    Some(name.replace('-', "_"))
}

fn walk(dir: &Path, known: &mut BTreeMap<String, PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, known);
        } else if let Some(name) = module_name(&path) {
            known.insert(name, path);
        }
    }
}

/// Adds a module behind those that it needs. False if there is none of that name.
fn add(
    name: &str,
    known: &BTreeMap<String, PathBuf>,
    order: &mut Vec<(String, Vec<u8>)>,
) -> Result<bool, String> {
    let name = name.replace('-', "_");
    let Some(path) = known.get(&name) else { return Ok(false) };
    if order.iter().any(|(there, _)| *there == name) {
        return Ok(true);
    }
    if order.len() >= MODULES_MAX {
        return Err(format!("{} needs too many others", path.display()));
    }
    let bytes = read(path)?;
    // In its place already, so that a circle ends; what it needs is put before it.
    let at = order.len();
    order.push((name, Vec::new()));
    for needed in depends(&bytes) {
        add(&needed, known, order)?;
    }
    let (name, _) = order.remove(at);
    order.push((name, bytes));
    Ok(true)
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

/// A file, unpacked if its name says that it is packed.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let unpacker = match path.extension().and_then(|it| it.to_str()) {
        Some("xz") => "xz",
        Some("zst") => "zstd",
        Some("gz") => "gzip",
        _ => {
            let mut bytes = Vec::new();
            let file = fs::File::open(path).map_err(failed)?;
            file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
            return Ok(bytes);
        }
    };
    let output = Command::new(unpacker).arg("-dc").arg(path).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{} needs `{unpacker}`: {error}", path.display()))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(format!("{} does not unpack", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(needs: &str) -> Vec<u8> {
        format!("x\0license=GPL\0depends={needs}\0name=y\0").into_bytes()
    }

    fn install(root: &Path, release: &str, modules: &[(&str, &str)]) {
        let dir = root.join("lib/modules").join(release);
        fs::create_dir_all(dir.join("kernel/fs")).unwrap();
        fs::create_dir_all(root.join("boot")).unwrap();
        fs::write(root.join(format!("boot/vmlinuz-{release}")), release).unwrap();
        for (name, needs) in modules {
            fs::write(dir.join(format!("kernel/fs/{name}.ko")), module(needs)).unwrap();
        }
    }

    #[test]
    fn modules_come_behind_those_that_they_need_and_circles_end() {
        let root = tempfile::tempdir().unwrap();
        let modules = [
            ("virtio-pci", "virtio_ring,virtio"),
            ("virtio", "virtio_ring"),
            ("virtio_ring", "virtio"),
            ("virtio_blk", "virtio"),
            ("ext4", "jbd2,mbcache"),
            ("jbd2", ""),
        ];
        install(root.path(), "6.1.0-1", &modules);
        let found = find(root.path()).unwrap();
        let at = |name: &str| found.modules.iter().position(|(there, _)| there == name).unwrap();
        assert!(at("virtio") < at("virtio_pci") && at("virtio_ring") < at("virtio_pci"));
        assert!(at("jbd2") < at("ext4"));
        assert_eq!(found.modules.iter().filter(|(name, _)| name == "virtio").count(), 1);
    }

    #[test]
    fn the_newest_that_is_whole_is_taken_and_what_is_missing_is_named() {
        let root = tempfile::tempdir().unwrap();
        assert!(find(root.path()).err().unwrap().contains("none is installed"));
        let disks = [("virtio_pci", ""), ("virtio_blk", "")];
        install(root.path(), "6.9.0", &disks);
        install(root.path(), "6.10.0", &disks);
        install(root.path(), "6.11.0", &[("virtio_pci", "")]);
        let found = find(root.path()).unwrap();
        assert_eq!((found.release.as_str(), found.image.as_slice()), ("6.10.0", &b"6.10.0"[..]));
        fs::remove_dir_all(root.path().join("lib/modules/6.10.0")).unwrap();
        fs::remove_dir_all(root.path().join("lib/modules/6.9.0")).unwrap();
        assert!(find(root.path()).err().unwrap().contains("virtio_blk"));
        let builtin = root.path().join("lib/modules/6.11.0/modules.builtin");
        fs::write(builtin, "kernel/drivers/block/virtio_blk.ko\n").unwrap();
        assert_eq!(find(root.path()).unwrap().release, "6.11.0");
        fs::remove_file(root.path().join("boot/vmlinuz-6.11.0")).unwrap();
        assert!(find(root.path()).err().unwrap().contains("vmlinuz-6.11.0 is not there"));
    }

    #[test]
    fn a_packed_module_is_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ko");
        fs::write(&path, module("b,c-d")).unwrap();
        assert!(Command::new("xz").arg(&path).status().unwrap().success());
        let packed = dir.path().join("a.ko.xz");
        assert_eq!(depends(&read(&packed).unwrap()), ["b", "c-d"]);
        assert_eq!(module_name(&packed).as_deref(), Some("a"));
    }
}
