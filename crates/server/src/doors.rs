//! The doors of this crate: backups, and texts that operators hand over for their guests. What comes in as
//! JSON is read behind the doors of `api`. See `diecast_domain::doors`.

use crate::{
    app::{
        rollout::recreate,
        setup::{self, unattend, user_data},
        terms,
    },
    backup::format,
};
use age::x25519;
use diecast_api::operator::{host::SetupBody, recreation::TermsBody};
use diecast_domain::{
    doors::{Door, texts},
    units::Timestamp,
};
use std::{io, sync::OnceLock};

pub const DOORS: &[Door] = &[BACKUP, BACKED_UP, SETUP, USER_DATA, UNATTEND, TERMS];

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const DATABASE: &[u8] = &[7; 3000];

fn key() -> &'static x25519::Identity {
    static KEY: OnceLock<x25519::Identity> = OnceLock::new();
    KEY.get_or_init(x25519::Identity::generate)
}

fn header(database_bytes: u64) -> format::Header {
    format::Header {
        schema: diecast_store::SCHEMA,
        release: "0.1.0".into(),
        made_at: NOW,
        machine: Some("here".into()),
        ca_fingerprint: None,
        database_bytes,
        database_digest: blake3::hash(DATABASE).to_hex().to_string(),
    }
}

/// What comes out of a backup that is let in is what its header says.
fn unpack<R: io::BufRead>(opened: format::Opened<R>) {
    let mut database = Vec::new();
    let Ok(header) = opened.database(&mut database) else {
        return;
    };
    assert_eq!(header.database_bytes, database.len() as u64);
    assert_eq!(header.database_digest, blake3::hash(&database).to_hex().to_string());
}

/// The file of a backup.
pub const BACKUP: Door = Door {
    name: "backup",
    seeds: || {
        let mut file = Vec::new();
        let header = header(DATABASE.len() as u64);
        format::write(&mut file, &[Box::new(key().to_public())], &header, &mut &*DATABASE)
            .expect("memory can be written");
        vec![file]
    },
    knock: |bytes| {
        let Ok(opened) = format::open(bytes, &[Box::new(key().clone())]) else { return };
        unpack(opened);
    },
};

/// What is in a backup, behind its encryption.
pub const BACKED_UP: Door = Door {
    name: "backed-up",
    seeds: || {
        let of = |header: &format::Header, database: &[u8]| {
            let mut content = serde_json::to_vec(header).expect("it can be written");
            content.push(b'\n');
            content.extend(zstd::bulk::compress(database, 3).expect("memory can be compressed"));
            content
        };
        vec![of(&header(DATABASE.len() as u64), DATABASE), of(&header(1), &vec![0; 1 << 20])]
    },
    knock: |bytes| {
        let Ok(opened) = format::content(bytes) else { return };
        unpack(opened);
    },
};

/// What a host is like beside its version.
pub const SETUP: Door = Door {
    name: "setup",
    seeds: || {
        texts(&[
            r##"{"preparation":"cloud-init","user_data":"#cloud-config\nusers: []\n","data_disk_bytes":1048576}"##,
            r#"{"preparation":"sysprep","unattend":"<unattend xmlns='urn:schemas-microsoft-com:unattend'/>"}"#,
            r#"{"preparation":"none","ready_when":"address"}"#,
        ])
    },
    knock: |bytes| {
        let Ok(asked) = serde_json::from_slice::<SetupBody>(bytes) else { return };
        let Ok(setup) = setup::parse(&asked) else { return };
        let again = setup::parse(&setup::body(&setup)).ok();
        assert_eq!(again.as_ref(), Some(&setup));
        let unchanged = setup::merged(&setup, &SetupBody::default()).ok();
        assert_eq!(unchanged, Some(setup), "nothing asked is nothing changed");
    },
};

/// A text for cloud-init.
pub const USER_DATA: Door = Door {
    name: "user-data",
    seeds: || {
        texts(&[
            "#cloud-config\nusers:\n  - name: ana\n    keys: &k [a, b]\n  - *k\n...\n",
            "#cloud-config-archive\n- type: text/x-shellscript\n  content: |\n    #!/bin/sh\n",
            "Content-Type: multipart/mixed; boundary=x\n",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if user_data::check(text).is_ok() {
            assert!(text.starts_with('#') || text.contains(':'), "it begins as cloud-init expects");
        }
    },
};

/// An answer file for Windows.
pub const UNATTEND: Door = Door {
    name: "unattend",
    seeds: || {
        texts(&[
            "<?xml version='1.0' encoding='utf-8'?><unattend xmlns='urn:schemas-microsoft-com:unattend' \
            xmlns:wcm='urn:x'><settings pass='specialize'><component name='a' wcm:action='add'>\
            <ComputerName>{name}</ComputerName>&amp;&#65;<![CDATA[<]]></component></settings></unattend>",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if unattend::check(text).is_ok() {
            assert!(text.contains("urn:schemas-microsoft-com:unattend"), "its root is of that namespace");
        }
    },
};

/// How a recreation is to go: its waves, a line end, and its deadline.
pub const TERMS: Door = Door {
    name: "terms",
    seeds: || texts(&["1,10%,50%,100%\n2030-01-31T22:00:00Z", "5", " 1 , 3, 50% \nnow"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let (waves, deadline) = text.split_once('\n').unwrap_or((text, ""));
        let _ = recreate(Some(deadline), NOW);
        let deadline = (!deadline.is_empty()).then(|| deadline.to_owned());
        let asked = TermsBody { waves: Some(waves.to_owned()), deadline, ..TermsBody::default() };
        let Ok(read) = terms::parse(&asked, NOW) else { return };
        let written = terms::body(&read);
        let again = terms::parse(&written, NOW).ok();
        assert_eq!(again.map(|again| again.waves), Some(read.waves), "{written:?}");
    },
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use diecast_domain::code::Code;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        for (door, check) in [
            (USER_DATA, (|text| user_data::check(text).is_ok()) as fn(&str) -> bool),
            (UNATTEND, |text| unattend::check(text).is_ok()),
            (SETUP, |text| setup::parse(&serde_json::from_str(text).unwrap()).is_ok()),
        ] {
            for seed in (door.seeds)() {
                let text = std::str::from_utf8(&seed).unwrap();
                assert!(check(text), "{text}");
            }
        }
        let content = (BACKED_UP.seeds)();
        assert!(format::content(&content[0][..]).unwrap().database(&mut io::sink()).is_ok());
    }

    #[test]
    fn a_database_that_unpacks_to_more_than_was_said_is_given_up_on_the_way() {
        struct Counting(u64);
        impl io::Write for Counting {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += bytes.len() as u64;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bomb = &(BACKED_UP.seeds)()[1];
        let mut written = Counting(0);
        let refused = format::content(&bomb[..]).unwrap().database(&mut written).unwrap_err();
        assert_eq!((refused.code, written.0), (Code::B0002, 0));
    }

    diecast_domain::no_door_gives_way!(DOORS, 1000);
}
