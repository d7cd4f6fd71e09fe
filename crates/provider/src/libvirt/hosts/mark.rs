//! Diecast's mark in a machine's metadata: written, and read back. Pure.

use crate::{
    libvirt::managed::{Managed, Role},
    xml::Element,
};
use diecast_domain::{digest::Digest, host::HostKind};
use uuid::Uuid;

/// The namespace of the mark. Machines are found by it for ever.
const NAMESPACE: &str = "urn:diecast:host:1";
/// What a mark says that is none of a host's.
const WORKING_COPY: &str = "working-copy";
const INCARNATION: &str = "incarnation";

/// Whose machine it is, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub role: Role,
    pub id: Uuid,
    pub name: String,
    pub template: String,
    pub number: u32,
    pub digest: Digest,
    /// Marks written before there were any count as the first.
    pub incarnation: u32,
}

impl Mark {
    pub fn is_of(&self, managed: Managed) -> bool {
        (self.role, self.id) == (managed.role(), managed.uuid())
    }

    pub fn element(&self, kind: HostKind) -> Element {
        let mark = Element::new("diecast:host").attr("xmlns:diecast", NAMESPACE);
        let mark = match self.role {
            Role::Host => mark,
            Role::WorkingCopy => mark.attr("role", WORKING_COPY),
        };
        mark.attr("id", self.id)
            .attr("name", &self.name)
            .attr("template", &self.template)
            .attr("version", self.number)
            .attr("digest", self.digest)
            .attr("kind", kind.as_str())
            .attr(INCARNATION, self.incarnation)
    }
}

/// The prefix is the writer's choice (libvirt may write its own); the namespace counts.
fn is_mark(element: &Element) -> bool {
    let (prefix, name) = element.name.split_once(':').unwrap_or(("", &element.name));
    let declared = match prefix {
        "" => "xmlns".to_owned(),
        prefix => format!("xmlns:{prefix}"),
    };
    name == "host" && element.get(&declared) == Some(NAMESPACE)
}

pub fn read(domain: &Element) -> Option<Mark> {
    let found = domain.first("metadata")?.children.iter().find(|element| is_mark(element))?;
    Some(Mark {
        role: match found.get("role") {
            None => Role::Host,
            Some(WORKING_COPY) => Role::WorkingCopy,
            Some(_) => return None,
        },
        id: found.get("id")?.parse().ok()?,
        name: found.get("name")?.to_owned(),
        template: found.get("template")?.to_owned(),
        number: found.get("version")?.parse().ok()?,
        digest: found.get("digest")?.parse().ok()?,
        incarnation: found.get(INCARNATION).map_or(Some(1), |text| text.parse().ok())?,
    })
}

/// The same machine, counted as another incarnation. None if it has no mark.
pub fn count_as(mut domain: Element, incarnation: u32) -> Option<Element> {
    let metadata = domain.children.iter_mut().find(|child| child.name == "metadata")?;
    let found = metadata.children.iter_mut().find(|element| is_mark(element))?;
    found.set(INCARNATION, incarnation);
    Some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(role: Role) -> Mark {
        Mark {
            role,
            id: Uuid::from_u128(7),
            name: "a".into(),
            template: "t".into(),
            number: 3,
            digest: Digest::from_bytes([9; 32]),
            incarnation: 4,
        }
    }

    fn machine(mark: Element) -> Element {
        Element::new("domain").child(Element::new("metadata").child(mark))
    }

    #[test]
    fn a_mark_is_read_as_it_was_written() {
        for role in [Role::Host, Role::WorkingCopy] {
            let text = machine(mark(role).element(HostKind::Linked)).render();
            let read = read(&Element::parse(&text).unwrap()).unwrap();
            assert_eq!(read, mark(role));
            assert!(!read.is_of(Managed::Host(diecast_domain::ids::HostId::from_uuid(Uuid::from_u128(8)))));
        }
    }

    #[test]
    fn a_mark_of_the_first_release_is_a_first_incarnations_and_one_of_a_later_role_is_not_ours() {
        let mut old = mark(Role::Host).element(HostKind::Full);
        old.attributes.retain(|(name, _)| name != INCARNATION);
        assert_eq!(read(&machine(old)).unwrap().incarnation, 1);
        let later = mark(Role::Host).element(HostKind::Full).attr("role", "butler");
        assert_eq!(read(&machine(later)), None);
    }

    #[test]
    fn a_machine_is_counted_anew_and_stays_what_it_was() {
        let again = count_as(machine(mark(Role::Host).element(HostKind::Linked)), 9).unwrap();
        assert_eq!(read(&again).unwrap(), Mark { incarnation: 9, ..mark(Role::Host) });
        assert_eq!(count_as(Element::new("domain"), 9), None);
    }
}
