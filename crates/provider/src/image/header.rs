//! The first bytes of an image: which format it is, and whether it reaches outside itself.

use crate::source::ImageFormat;
use std::{fs::File, io, os::unix::fs::FileExt};

/// Enough for every header that is looked at, and a VMDK's embedded descriptor.
const HEAD_BYTES: usize = 64 << 10;
const SECTOR: u64 = 512;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A format that is read; raw if nothing else is recognised.
    Plain(ImageFormat),
    /// A LUKS container.
    Encrypted,
    /// Known, and not read, with the reason.
    Unsafe(&'static str),
}

pub fn look(file: &File) -> io::Result<Head> {
    let mut head = vec![0; HEAD_BYTES];
    let mut filled = 0;
    while filled < head.len() {
        match file.read_at(&mut head[filled..], filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(classify(&head))
}

/// What a file that begins so is.
pub fn classify(head: &[u8]) -> Head {
    use ImageFormat::{Qcow2, Raw, Vhdx};
    if head.starts_with(b"QFI\xfb") {
        // Version 1 is a format of its own; from version 3 on, bit 2 of the incompatible features
        // says that the data are in another file.
        let version = big_endian_u32(head, 4);
        let features = if version >= 3 { head.get(72..80).map_or(0, |bytes| bytes[7]) } else { 0 };
        return match version {
            1 => Head::Unsafe("it is in the old qcow format"),
            _ if features & 4 != 0 => Head::Unsafe("its data are in an external data file"),
            _ => Head::Plain(Qcow2),
        };
    }
    if head.starts_with(b"KDMV") {
        return vmdk(head);
    }
    if head.starts_with(b"vhdxfile") {
        return Head::Plain(Vhdx);
    }
    if head.starts_with(b"LUKS\xba\xbe") {
        return Head::Encrypted;
    }
    let unread: [(&[u8], &str); 6] = [
        (b"# Disk DescriptorFile", "it is a VMDK description whose data are in other files"),
        (b"COWD", "it is an ESX sparse disk"),
        (b"conectix", "it is a VPC disk (VHD)"),
        (b"QED\0", "it is a QED image"),
        (b"Bochs Virtual HD Image", "it is a Bochs image"),
        (b"WithoutFreeSpace", "it is a Parallels image"),
    ];
    match unread.iter().find(|(magic, _)| head.starts_with(magic)) {
        Some((_, reason)) => Head::Unsafe(reason),
        None if head.get(64..68) == Some(&[0x7f, 0x10, 0xda, 0xbe]) => {
            Head::Unsafe("it is a VirtualBox image (VDI)")
        }
        None => Head::Plain(Raw),
    }
}

/// A sparse VMDK holds its description inside; it must describe this one file and no parent.
fn vmdk(head: &[u8]) -> Head {
    let capacity = little_endian_u64(head, 12);
    let start = little_endian_u64(head, 28).saturating_mul(SECTOR);
    let length = little_endian_u64(head, 36).saturating_mul(SECTOR);
    let text = usize::try_from(start)
        .ok()
        .zip(usize::try_from(length).ok())
        .and_then(|(start, length)| head.get(start..start.checked_add(length)?))
        .map(|bytes| String::from_utf8_lossy(bytes).to_lowercase());
    let Some(text) = text else { return Head::Unsafe("its VMDK description is not readable") };
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let alone = ["createtype=\"monolithicsparse\"", "createtype=\"streamoptimized\""]
        .iter()
        .any(|kind| compact.contains(kind));
    if capacity == 0 || !alone || compact.contains("parentfilenamehint") {
        return Head::Unsafe("its VMDK description names other files");
    }
    Head::Plain(ImageFormat::Vmdk)
}

fn big_endian_u32(head: &[u8], at: usize) -> u32 {
    head.get(at..at + 4).map_or(0, |b| u32::from_be_bytes(b.try_into().expect("four bytes")))
}

fn little_endian_u64(head: &[u8], at: usize) -> u64 {
    head.get(at..at + 8).map_or(0, |b| u64::from_le_bytes(b.try_into().expect("eight bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_data_file_is_seen_before_any_tool_could_open_it() {
        let mut head = vec![0; 512];
        head[..4].copy_from_slice(b"QFI\xfb");
        head[7] = 3;
        assert_eq!(classify(&head), Head::Plain(ImageFormat::Qcow2));
        head[79] = 4;
        assert!(matches!(classify(&head), Head::Unsafe(_)));
    }

    #[test]
    fn short_and_strange_heads_are_only_raw() {
        for head in [&b""[..], b"Q", b"LUK", &[0xff; 70]] {
            assert_eq!(classify(head), Head::Plain(ImageFormat::Raw));
        }
        assert_eq!(classify(b"LUKS\xba\xbe"), Head::Encrypted);
        assert!(matches!(classify(b"KDMV"), Head::Unsafe(_)), "a cut-off VMDK names nothing");
    }
}
