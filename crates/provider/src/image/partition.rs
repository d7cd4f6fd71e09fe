//! BIOS or UEFI: what a disk without a machine expects, guessed from its first sectors.

use diecast_domain::profile::Firmware;

/// The protective or classic partition table, and the GUID partition table behind it.
pub const HEAD_BYTES: usize = 64 << 10;
const SECTOR: usize = 512;
/// C12A7328-F81F-11D2-BA4B-00A0C93EC93B as it lies on the disk.
const EFI_SYSTEM: [u8; 16] =
    [0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b];
/// 21686148-6449-6E6F-744E-656564454649: where GRUB keeps its core for a BIOS.
const BIOS_BOOT: [u8; 16] =
    [0x48, 0x61, 0x68, 0x21, 0x49, 0x64, 0x6f, 0x6e, 0x74, 0x4e, 0x65, 0x65, 0x64, 0x45, 0x46, 0x49];
const MBR_EFI_SYSTEM: u8 = 0xef;

/// UEFI if there is an EFI system partition and nothing that a BIOS could start.
pub fn firmware(head: &[u8]) -> Firmware {
    let types = gpt_types(head);
    let efi = types.contains(&EFI_SYSTEM) || mbr_types(head).contains(&MBR_EFI_SYSTEM);
    let boot_code = head.iter().take(440).any(|byte| *byte != 0);
    // A GPT disk that a BIOS starts has a BIOS boot partition; Windows puts code into any MBR.
    let bios = if types.is_empty() { boot_code } else { types.contains(&BIOS_BOOT) };
    if efi && !bios { Firmware::Uefi { secure_boot: false } } else { Firmware::Bios }
}

fn mbr_types(head: &[u8]) -> Vec<u8> {
    let signed = head.get(510..512) == Some(&[0x55, 0xaa]);
    (0..4).filter(|_| signed).map(|index| head[446 + 16 * index + 4]).collect()
}

fn gpt_types(head: &[u8]) -> Vec<[u8; 16]> {
    if head.get(SECTOR..SECTOR + 8) != Some(b"EFI PART") {
        return Vec::new();
    }
    let number = |at: usize, length: usize| {
        let bytes = head.get(at..at + length).unwrap_or_default();
        bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
    };
    let start = number(SECTOR + 72, 8).saturating_mul(SECTOR as u64);
    let count = number(SECTOR + 80, 4).min(128);
    let size = number(SECTOR + 84, 4).max(128);
    let entries = (0..count).filter_map(|index| {
        let at = usize::try_from(start.checked_add(index.checked_mul(size)?)?).ok()?;
        head.get(at..at.checked_add(16)?)?.try_into().ok()
    });
    entries.filter(|kind| *kind != [0; 16]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn gpt(kinds: &[[u8; 16]]) -> Vec<u8> {
        let mut head = vec![0; HEAD_BYTES];
        head[510..512].copy_from_slice(&[0x55, 0xaa]);
        head[450] = 0xee;
        head[512..520].copy_from_slice(b"EFI PART");
        head[512 + 72] = 2;
        head[512 + 80] = 128;
        head[512 + 84] = 128;
        for (index, kind) in kinds.iter().enumerate() {
            head[1024 + 128 * index..][..16].copy_from_slice(kind);
        }
        head
    }

    #[test]
    fn an_efi_system_partition_alone_means_uefi() {
        assert_eq!(firmware(&gpt(&[EFI_SYSTEM])), Firmware::Uefi { secure_boot: false });
        assert_eq!(firmware(&gpt(&[BIOS_BOOT, EFI_SYSTEM])), Firmware::Bios, "a BIOS can start it");
        assert_eq!(firmware(&gpt(&[])), Firmware::Bios);
        assert_eq!(firmware(&[]), Firmware::Bios);
    }

    proptest! {
        #[test]
        fn any_head_has_an_answer(mut head in proptest::collection::vec(any::<u8>(), 0..2048)) {
            if head.len() > 520 {
                head[512..520].copy_from_slice(b"EFI PART");
            }
            firmware(&head);
        }
    }
}
