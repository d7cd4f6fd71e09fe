//! Diecast's mark in a machine's metadata, read back. `machine.rs` writes it. Pure.

use crate::{libvirt::machine::NAMESPACE, xml::Element};
use diecast_domain::{digest::Digest, ids::HostId};

/// What the mark says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub id: HostId,
    pub name: String,
    pub template: String,
    pub number: u32,
    pub digest: Digest,
}

/// The prefix is the writer's choice (libvirt may write its own); the namespace counts.
pub fn read(domain: &Element) -> Option<Mark> {
    let metadata = domain.first("metadata")?;
    let ours = |element: &&Element| {
        let (prefix, name) = element.name.split_once(':').unwrap_or(("", &element.name));
        let declared = match prefix {
            "" => "xmlns".to_owned(),
            prefix => format!("xmlns:{prefix}"),
        };
        name == "host" && element.get(&declared) == Some(NAMESPACE)
    };
    let found = metadata.children.iter().find(ours)?;
    Some(Mark {
        id: found.get("id")?.parse().ok()?,
        name: found.get("name")?.to_owned(),
        template: found.get("template")?.to_owned(),
        number: found.get("version")?.parse().ok()?,
        digest: found.get("digest")?.parse().ok()?,
    })
}
