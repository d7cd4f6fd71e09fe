//! The doors of this crate: sizes that are typed, and what the agent wrote down before the power went. See
//! `diecast_domain::doors`.

use crate::{data::Derivation, finding::Finding, scrub::Begun, settings::parse_size, storage::Place};
use diecast_domain::doors::{Door, same_when_written, texts};

pub const DOORS: &[Door] = &[SIZE, KEPT];

/// An amount of space.
pub const SIZE: Door = Door {
    name: "size",
    seeds: || texts(&["512MiB", "20G", "4096", "1 TiB"]),
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let Ok(size) = parse_size(text) else { return };
        assert_eq!(parse_size(&size.0.to_string()), Ok(size), "{text}");
    },
};

/// The files in the agent's own folder.
pub const KEPT: Door = Door {
    name: "kept",
    seeds: || {
        let digest = "blake3:4e04ebca44ff7b08b41f3be0794a57b53ae4c9e8b96e95683c40316b86e1c330";
        [
            format!(r#"{{"base":"{digest}"}}"#),
            r#"{"path":"/pool/diecast","id":"0195fa00-0000-7000-8000-000000000001"}"#.to_owned(),
            format!(r#"{{"version":"{digest}","begun_at":5,"mark":{{"disk":1,"leaf":2}}}}"#),
            format!(
                r#"{{"version":"{digest}","damage":{{"leaves":[{{"disk":"disk0","leaf":7}}],"unreadable":[],
                "files":["nvram.fd"]}},"unread":null,"found_at":9,"last_copy":true}}"#
            ),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    knock: |bytes| {
        same_when_written::<Derivation>(bytes);
        same_when_written::<Place>(bytes);
        same_when_written::<Begun>(bytes);
        same_when_written::<Finding>(bytes);
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::from_slice;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        let seeds = (KEPT.seeds)();
        from_slice::<Derivation>(&seeds[0]).unwrap();
        from_slice::<Place>(&seeds[1]).unwrap();
        from_slice::<Begun>(&seeds[2]).unwrap();
        from_slice::<Finding>(&seeds[3]).unwrap();
    }

    diecast_domain::no_door_gives_way!(DOORS, 2000);
}
