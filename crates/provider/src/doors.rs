//! The doors of this crate: every reading of what an image, libvirt, a guest or a tool says. See
//! `diecast_domain::doors`.

use crate::{
    image::{
        header,
        info::{Checked, ImageInfo, Measured},
        map, partition,
    },
    layout,
    libvirt::doors as libvirt,
    xml::Element,
};
use diecast_domain::doors::{Door, texts};

pub const DOORS: &[Door] = &[
    HEADER,
    INFO,
    MAP,
    DIRECTORY,
    XML,
    libvirt::MACHINE,
    libvirt::CAPABILITIES,
    libvirt::GUEST,
    libvirt::BRIDGES,
    libvirt::ORIGIN,
];
pub use libvirt::{BRIDGES, CAPABILITIES, GUEST, MACHINE, ORIGIN};

/// The first bytes of an image: its format, and what starts from it.
pub const HEADER: Door = Door {
    name: "header",
    seeds: || {
        let mut qcow2 = vec![0; 512];
        qcow2[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
        let mut vmdk = vec![0; 1024];
        vmdk[..4].copy_from_slice(b"KDMV");
        (vmdk[12], vmdk[28], vmdk[36]) = (8, 1, 1);
        let description = b"createType=\"monolithicSparse\"";
        vmdk[512..512 + description.len()].copy_from_slice(description);
        let mut gpt = vec![0; 2048];
        gpt[510..520].copy_from_slice(b"\x55\xaaEFI PART");
        (gpt[450], gpt[512 + 72], gpt[512 + 80], gpt[512 + 84]) = (0xee, 2, 128, 128);
        let system = b"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
        gpt[1024..1040].copy_from_slice(system);
        vec![qcow2, vmdk, gpt, b"vhdxfile".to_vec(), b"LUKS\xba\xbe".to_vec()]
    },
    knock: |bytes| {
        header::classify(bytes);
        partition::firmware(bytes);
    },
};

/// What `qemu-img` says of an image in JSON.
pub const INFO: Door = Door {
    name: "info",
    seeds: || {
        texts(&[
            r#"{"virtual-size":1048576,"filename":"a.qcow2","format":"qcow2","backing-filename":"b.raw",
                "backing-filename-format":"raw","format-specific":{"type":"qcow2","data":
                {"corrupt":true,"data-file":"x","encrypt":{"format":"luks"},"extents":[{}]}}}"#,
            r#"{"required":327680,"fully-allocated":1376256}"#,
            r#"{"corruptions":1,"check-errors":2}"#,
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(info) = ImageInfo::parse(text) {
            info.is_encrypted();
        }
        let _ = serde_json::from_str::<Measured>(text);
        if let Ok(checked) = serde_json::from_str::<Checked>(text) {
            let said = [checked.corruptions, checked.check_errors];
            assert_eq!(checked.found() > 0, said.iter().any(|count| *count > 0), "{checked:?}");
        }
    },
};

/// The map of an overlay of 1 MiB.
pub const MAP: Door = Door {
    name: "map",
    seeds: || {
        texts(&[r#"[{ "start": 0, "length": 65536, "depth": 1, "zero": false, "data": true, "offset": 0},
{ "start": 65536, "length": 65536, "depth": 0, "zero": false, "data": true, "offset": 327680},
{ "start": 131072, "length": 65536, "depth": 0, "zero": true, "data": false}]
"#])
    },
    knock: |bytes| {
        const SIZE: u64 = 1 << 20;
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(extents) = map::read(text, SIZE) else { return };
        let mut end = 0;
        for extent in extents {
            assert!(extent.length > 0 && extent.start >= end, "{extent:?} goes back to {end}");
            end = extent.start.checked_add(extent.length).expect("a stretch has an end");
            let there = extent.at.map(|at| at.offset.checked_add(extent.length));
            assert!(end <= SIZE && there != Some(None), "{extent:?} goes beyond");
        }
    },
};

/// The name of a directory among those of hosts.
pub const DIRECTORY: Door = Door {
    name: "directory",
    seeds: || texts(&["0195fa00-0000-7000-8000-000000000001.aside-12"]),
    knock: |bytes| {
        let Ok(name) = std::str::from_utf8(bytes) else { return };
        let Some((host, incarnation)) = layout::set_aside_of(name) else { return };
        let dir = layout::aside_dir("/".as_ref(), host, incarnation);
        assert_eq!(dir.file_name().and_then(|name| name.to_str()), Some(name));
    },
};

/// Any document of libvirt's.
pub const XML: Door = Door {
    name: "xml",
    seeds: || {
        texts(&[
            "<a x='1 &lt; 2'><?pi?><!-- c --><b:new xmlns:b='u'>R&amp;D &#65;<![CDATA[<]]></b:new><c/></a>",
        ])
    },
    knock: |bytes| {
        let Some(tree) = std::str::from_utf8(bytes).ok().and_then(|text| Element::parse(text).ok()) else {
            return;
        };
        // The space around a text is nobody's, so it is compared as it is written.
        let written = tree.render();
        let again = Element::parse(&written).expect("what was written can be read");
        assert_eq!(again.render(), written);
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        let text = |door: &Door| String::from_utf8((door.seeds)().remove(0)).unwrap();
        assert_eq!(map::read(&text(&MAP), 1 << 20).unwrap().len(), 2);
        assert!(ImageInfo::parse(&text(&INFO)).unwrap().is_encrypted());
        assert!(Element::parse(&text(&XML)).is_ok());
        assert!(layout::set_aside_of(&text(&DIRECTORY)).is_some());
    }

    diecast_domain::no_door_gives_way!(DOORS, 4000);
}
