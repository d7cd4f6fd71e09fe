//! The helper's machine as QEMU is told of it: kernel, disks and a serial port, and nothing else. Pure.

use crate::source::ImageFormat;
use serde_json::{Value, json};
use std::{os::fd::RawFd, path::Path};

/// The kernel says nothing but why it dies, and then ends QEMU rather than wait for somebody.
const KERNEL_LINE: &str = "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off no_timer_check";
/// For the tables of the largest file systems; the user space takes a few.
const MEMORY_MIB: u32 = 512;

/// A disk, as the numbers of descriptors that QEMU inherits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptors {
    pub overlay: RawFd,
    /// What the overlay stands on, the base last.
    pub below: Vec<(RawFd, ImageFormat)>,
}

pub fn arguments(drives: &[Descriptors], kernel: &Path, initrd: &Path, accelerated: bool) -> Vec<String> {
    let (accelerator, cpu) = if accelerated { ("kvm", "host") } else { ("tcg", "max") };
    let mut arguments: Vec<String> = [
        "-name",
        "diecast-trim",
        "-machine",
        "q35",
        "-accel",
        accelerator,
        "-cpu",
        cpu,
        "-smp",
        "1",
        "-nodefaults",
        "-no-user-config",
        "-nic",
        "none",
        "-display",
        "none",
        "-no-reboot",
        "-sandbox",
        "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
        "-chardev",
        "stdio,id=said,signal=off",
        "-serial",
        "chardev:said",
    ]
    .map(str::to_owned)
    .into();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    add("-m", MEMORY_MIB.to_string());
    add("-kernel", kernel.display().to_string());
    add("-initrd", initrd.display().to_string());
    add("-append", KERNEL_LINE.to_owned());
    let mut set = 0;
    // Each descriptor is a set of its own, which has a name that QEMU opens as a file.
    let mut hand_over = |add: &mut dyn FnMut(&str, String), descriptor: RawFd| {
        set += 1;
        add("-add-fd", format!("fd={descriptor},set={set}"));
        format!("/dev/fdset/{set}")
    };
    for (number, drive) in drives.iter().enumerate() {
        // From the base up, so that each names a node that is there.
        let mut on: Option<String> = None;
        for (depth, (descriptor, format)) in drive.below.iter().enumerate().rev() {
            let name = format!("disk{number}-{depth}");
            let file = hand_over(&mut add, *descriptor);
            let file = json!({ "driver": "file", "filename": file, "read-only": true });
            let node = node(*format, &name, &file, on.as_deref());
            add("-blockdev", node.to_string());
            on = Some(name);
        }
        let file = hand_over(&mut add, drive.overlay);
        let file = json!({
            "driver": "file", "filename": file, "discard": "unmap",
            // Written anew if the machine dies, so nothing waits for the disk.
            "cache": { "no-flush": true },
        });
        let mut top = node(ImageFormat::Qcow2, &format!("disk{number}"), &file, on.as_deref());
        top["read-only"] = false.into();
        top["discard"] = "unmap".into();
        top["detect-zeroes"] = "unmap".into();
        add("-blockdev", top.to_string());
        // A full disk is an error for the guest, and not a reason to wait.
        add(
            "-device",
            format!(
                "virtio-blk-pci,drive=disk{number},discard=on,write-zeroes=on,rerror=report,werror=report"
            ),
        );
    }
    arguments
}

/// What stands below is said, and taken from no header.
fn node(format: ImageFormat, name: &str, file: &Value, on: Option<&str>) -> Value {
    let mut node = json!({
        "driver": format.as_str(), "node-name": name, "file": file, "read-only": true,
    });
    if matches!(format, ImageFormat::Qcow2 | ImageFormat::Vmdk) {
        node["backing"] = on.into();
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_named_from_the_base_up_and_only_the_overlay_is_written() {
        let drive = Descriptors { overlay: 7, below: vec![(8, ImageFormat::Qcow2), (9, ImageFormat::Raw)] };
        let arguments = arguments(&[drive], Path::new("/k"), Path::new("/i"), false);
        let after = |name: &str| -> Vec<&str> {
            let pairs = arguments.windows(2).filter(|pair| pair[0] == name);
            pairs.map(|pair| pair[1].as_str()).collect()
        };
        assert_eq!(after("-add-fd"), ["fd=9,set=1", "fd=8,set=2", "fd=7,set=3"]);
        let nodes: Vec<Value> =
            after("-blockdev").iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let told = |node: &Value, key: &str| node[key].clone();
        let names: Vec<Value> = nodes.iter().map(|node| told(node, "node-name")).collect();
        assert_eq!(names, ["disk0-1", "disk0-0", "disk0"]);
        let backings: Vec<Value> = nodes.iter().map(|node| told(node, "backing")).collect();
        assert_eq!(backings, [Value::Null, "disk0-1".into(), "disk0-0".into()]);
        assert!(nodes[0].as_object().unwrap().get("backing").is_none(), "raw stands on nothing");
        let read_only: Vec<Value> = nodes.iter().map(|node| told(node, "read-only")).collect();
        assert_eq!(read_only, [true, true, false]);
        assert_eq!(after("-nic"), ["none"]);
        assert!(after("-device")[0].contains("drive=disk0,discard=on"));
    }

    #[test]
    fn a_header_names_nothing_even_where_nothing_is_below() {
        let drive = Descriptors { overlay: 5, below: vec![(6, ImageFormat::Qcow2)] };
        let arguments = arguments(&[drive], Path::new("/k"), Path::new("/i"), true);
        let base = arguments.iter().find(|text| text.contains("disk0-0\"")).unwrap();
        let base: Value = serde_json::from_str(base).unwrap();
        assert_eq!(base.as_object().unwrap().get("backing"), Some(&Value::Null));
    }
}
