//! Writes an empty qcow2 file: an overlay in which nothing was changed, or a blank disk.
//!
//! It is a header and three tables without content, as `docs/interop/qcow2` of QEMU describes them:
//!
//! ```text
//! cluster 0  header, the backing file's format and name
//!         1  refcount table, which points to
//!         2  refcount block: every cluster here is used once
//!         3… L1 table, all zeroes: nothing is allocated
//! ```
//!
//! A host is made of such a file and little else, and the tool that would write it takes longer to
//! start than all the rest.

use crate::source::ImageFormat;
use std::{
    fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileExt, OpenOptionsExt},
    },
    path::Path,
};

/// Clusters are as large as a leaf: whatever a guest changes is known leaf by leaf, and nothing that
/// it left alone is copied or read with it.
const CLUSTER_BITS: u32 = 16;
pub const CLUSTER: u64 = 1 << CLUSTER_BITS;
/// A disk's size is told in whole sectors.
const SECTOR: u64 = 512;
/// What one entry of the L1 table stands for: a cluster full of entries of eight bytes.
const L1_ENTRY_COVERS: u64 = CLUSTER * (CLUSTER / 8);
/// QEMU reads no longer L1 table: 32 MiB.
const SIZE_MAX: u64 = (32 << 20) / 8 * L1_ENTRY_COVERS;
/// The format's own limit.
const BACKING_NAME_BYTES_MAX: usize = 1023;

const VERSION: u32 = 3;
const HEADER_BYTES: u32 = 104;
/// Refcounts of 1 << 4 bits.
const REFCOUNT_ORDER: u32 = 4;
/// The header extension that names the backing file's format; one of type 0 is the last.
const BACKING_FORMAT: u32 = 0xe279_2aca;
/// Extensions are padded to this.
const EXTENSION_ALIGN: usize = 8;

/// The file that an overlay stands on.
#[derive(Clone, Copy, Debug)]
pub struct Backing<'a> {
    pub path: &'a Path,
    pub format: ImageFormat,
}

impl<'a> Backing<'a> {
    pub const fn plain(path: &'a Path) -> Self {
        Self { path, format: ImageFormat::Raw }
    }
}

/// Writes a new file, `size` large for a guest, that stands on a `backing` file if there is one. What
/// may be there already is refused.
pub fn create(file: &Path, size: u64, backing: Option<Backing<'_>>) -> io::Result<()> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    if size > SIZE_MAX {
        return Err(bad("the disk is larger than qcow2 can be"));
    }
    let name = backing.map(|it| it.path.as_os_str().as_bytes()).unwrap_or_default();
    if name.len() > BACKING_NAME_BYTES_MAX {
        return Err(bad("the path of the file below is too long for qcow2"));
    }
    let size = size.next_multiple_of(SECTOR);
    let l1_entries = size.div_ceil(L1_ENTRY_COVERS);
    let clusters = 3 + (l1_entries * 8).div_ceil(CLUSTER);
    let format = backing.map(|it| it.format.as_str());
    let header = header(size, u32::try_from(l1_entries).expect("bounded by the size"), name, format);
    let out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.set_len(clusters * CLUSTER)?;
    out.write_all_at(&header, 0)?;
    out.write_all_at(&(2 * CLUSTER).to_be_bytes(), CLUSTER)?;
    let used: Vec<u8> = (0..clusters).flat_map(|_| 1_u16.to_be_bytes()).collect();
    out.write_all_at(&used, 2 * CLUSTER)
}

fn header(size: u64, l1_entries: u32, name: &[u8], format: Option<&str>) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(format) = format {
        extensions.extend(BACKING_FORMAT.to_be_bytes());
        extensions.extend(u32::try_from(format.len()).expect("a short word").to_be_bytes());
        extensions.extend(format.as_bytes());
        extensions.resize(extensions.len().next_multiple_of(EXTENSION_ALIGN), 0);
    }
    extensions.extend([0; 8]);
    let name_at = if format.is_some() { u64::from(HEADER_BYTES) + extensions.len() as u64 } else { 0 };
    let mut bytes = Vec::with_capacity(HEADER_BYTES as usize + extensions.len() + name.len());
    bytes.extend(b"QFI\xfb");
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(name_at.to_be_bytes());
    bytes.extend(u32::try_from(name.len()).expect("a short name").to_be_bytes());
    bytes.extend(CLUSTER_BITS.to_be_bytes());
    bytes.extend(size.to_be_bytes());
    bytes.extend(0_u32.to_be_bytes()); // not encrypted
    bytes.extend(l1_entries.to_be_bytes());
    bytes.extend((3 * CLUSTER).to_be_bytes()); // L1 table
    bytes.extend(CLUSTER.to_be_bytes()); // refcount table
    bytes.extend(1_u32.to_be_bytes()); // its clusters
    bytes.extend([0; 4 + 8]); // no snapshots, nowhere
    bytes.extend([0; 3 * 8]); // no features
    bytes.extend(REFCOUNT_ORDER.to_be_bytes());
    bytes.extend(HEADER_BYTES.to_be_bytes());
    debug_assert_eq!(bytes.len(), HEADER_BYTES as usize);
    bytes.extend(extensions);
    bytes.extend(name);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn qemu(program: &str, args: &[&str], file: &Path) -> String {
        let output = Command::new(program).args(args).arg(file).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{program} {args:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn qemu_takes_every_size_for_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let tib = 1 << 40;
        for size in [0, 512, 4 << 20, L1_ENTRY_COVERS, L1_ENTRY_COVERS + 512, 10 * tib, SIZE_MAX] {
            let file = dir.path().join(size.to_string());
            create(&file, size, None).unwrap();
            let info: serde_json::Value =
                serde_json::from_str(&qemu("qemu-img", &["info", "--output=json", "-f", "qcow2"], &file))
                    .unwrap();
            assert_eq!(info["virtual-size"], size);
            assert_eq!(info["cluster-size"], 65536);
            assert_eq!(info["format-specific"]["data"]["corrupt"], false);
            assert!(info.get("backing-filename").is_none());
            qemu("qemu-img", &["check", "-q", "-f", "qcow2"], &file);
        }
        assert!(create(&dir.path().join("x"), SIZE_MAX + 1, None).is_err());
        assert!(create(&dir.path().join("512"), 512, None).is_err(), "nothing is written over");
    }

    #[test]
    fn an_overlay_shows_its_base_takes_writes_and_stays_sound() {
        let dir = tempfile::tempdir().unwrap();
        let (base, overlay) = (dir.path().join("a base, with: odd name"), dir.path().join("o.qcow2"));
        let mut content = vec![3; 3 << 20];
        content.truncate((3 << 20) - 100);
        fs::write(&base, &content).unwrap();
        create(&overlay, content.len() as u64, Some(Backing::plain(&base))).unwrap();
        let info = qemu("qemu-img", &["info", "--output=json", "-f", "qcow2"], &overlay);
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!(info["virtual-size"], 3 << 20, "whole sectors");
        assert_eq!(info["backing-filename"], base.to_str().unwrap());
        assert_eq!(info["backing-filename-format"], "raw");
        qemu("qemu-io", &["-f", "qcow2", "-c", "read -P 3 0 3145000"], &overlay);
        let writes =
            ["-f", "qcow2", "-c", "write -P 9 1M 70k", "-c", "read -P 9 1M 70k", "-c", "read -P 3 0 1M"];
        qemu("qemu-io", &writes, &overlay);
        qemu("qemu-img", &["check", "-q", "-f", "qcow2"], &overlay);
        assert_eq!(fs::read(&base).unwrap(), content, "the base is as it was");
    }

    #[test]
    fn it_is_what_qemu_itself_would_have_made() {
        let dir = tempfile::tempdir().unwrap();
        let (base, ours, theirs) = (dir.path().join("b"), dir.path().join("ours"), dir.path().join("theirs"));
        fs::File::create(&base).unwrap().set_len(700 << 20).unwrap();
        create(&ours, 700 << 20, Some(Backing::plain(&base))).unwrap();
        let base = base.to_str().unwrap();
        qemu("qemu-img", &["create", "-q", "-f", "qcow2", "-F", "raw", "-b", base], &theirs);
        let told = |file: &Path| {
            let said = qemu("qemu-img", &["info", "--output=json", "-f", "qcow2"], file);
            let mut info: serde_json::Value = serde_json::from_str(&said).unwrap();
            for own in ["filename", "actual-size", "children"] {
                info.as_object_mut().unwrap().remove(own);
            }
            info
        };
        assert_eq!(told(&ours), told(&theirs));
    }

    #[test]
    fn it_stands_on_every_format_that_is_read() {
        let dir = tempfile::tempdir().unwrap();
        for format in [ImageFormat::Raw, ImageFormat::Qcow2, ImageFormat::Vmdk, ImageFormat::Vhdx] {
            let below = dir.path().join(format!("below.{format}"));
            let made = ["create", "-q", "-f", format.as_str(), below.to_str().unwrap()];
            let status = Command::new("qemu-img").args(made).arg("4M").status().unwrap();
            assert!(status.success(), "{format}");
            let overlay = dir.path().join(format!("on-{format}.qcow2"));
            create(&overlay, 4 << 20, Some(Backing { path: &below, format })).unwrap();
            let info = qemu("qemu-img", &["info", "--output=json", "-f", "qcow2"], &overlay);
            let info: serde_json::Value = serde_json::from_str(&info).unwrap();
            assert_eq!(info["backing-filename-format"], format.as_str());
            qemu("qemu-io", &["-f", "qcow2", "-c", "read -P 0 0 4M"], &overlay);
        }
    }

    #[test]
    fn a_path_too_long_for_the_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(BACKING_NAME_BYTES_MAX + 1);
        assert!(create(&dir.path().join("o"), 512, Some(Backing::plain(Path::new(&long)))).is_err());
    }
}
