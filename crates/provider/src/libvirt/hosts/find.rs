//! Finds the machines of Diecast's by their mark.

use super::{
    ask::Said,
    mark::{self, Mark},
};
use crate::{
    capability::HostFound,
    libvirt::{Libvirt, inspect, managed::Role, session::ASK_DEADLINE},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    ids::HostId,
    provider::Power,
};
use std::collections::HashMap;
use uuid::Uuid;
use virt::{
    domain::Domain,
    error::{Error, ErrorNumber},
};

/// A marked machine, as one look found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    pub mark: Mark,
    /// Another than the mark says if somebody made a copy of the machine.
    pub machine: Uuid,
    pub power: Power,
    /// Something in the guest has opened the agent's channel.
    pub connected: bool,
}

/// What each machine was when it was last looked at; None if it is not Diecast's.
pub type LastLook = HashMap<Uuid, Option<Marked>>;

/// A machine's power and XML, or that it is there and could not be looked at.
type Look = (Uuid, Option<(Power, String)>);

impl Libvirt {
    pub(in crate::libvirt) async fn find_hosts(&self) -> Result<Vec<HostFound>, Problem> {
        let mut found = self.find_marked().await?;
        // A copy of a working copy is nobody's, and stands on its version all the same.
        found.retain(|marked| marked.mark.role == Role::Host || marked.machine != marked.mark.id);
        let mut said = self.ask_guests(&found).await;
        let mut hosts: Vec<HostFound> = found
            .into_iter()
            .map(|Marked { mark, machine, power, .. }| {
                let said: Said = said.remove(&machine).unwrap_or_default();
                HostFound {
                    id: HostId::from_uuid(mark.id),
                    machine,
                    name: mark.name,
                    template: mark.template,
                    number: mark.number,
                    digest: mark.digest,
                    incarnation: mark.incarnation,
                    power,
                    addresses: said.addresses,
                    guest_agent: said.agent,
                    guest_name: said.name,
                    users: said.users,
                }
            })
            .collect();
        hosts.sort_by_key(|host| host.id);
        Ok(hosts)
    }

    pub(in crate::libvirt) async fn find_marked(&self) -> Result<Vec<Marked>, Problem> {
        let asked = self.session.call("listing machines", ASK_DEADLINE, |connection| {
            let domains = connection.list_all_domains(0)?;
            domains.iter().filter_map(|domain| look(domain).transpose()).collect::<Result<Vec<_>, _>>()
        });
        let looks = asked.await.map_err(|error| error.problem(Code::P0002, "the provider"))?;
        let mut last = self.last_look.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = settle(looks, &last)?;
        let marked = found.values().flatten().cloned().collect();
        *last = found;
        Ok(marked)
    }
}

/// None if it went since it was listed.
fn look(domain: &Domain) -> Result<Option<Look>, Error> {
    let uuid = domain.get_uuid()?;
    let ask = || Ok::<_, Error>((inspect::state(domain)?.power, domain.get_xml_desc(0)?));
    // It may be in the middle of something; the second time it is not.
    match ask().or_else(|_| ask()) {
        Ok(found) => Ok(Some((uuid, Some(found)))),
        Err(error) if error.code() == ErrorNumber::NoDomain => Ok(None),
        Err(_) => Ok(Some((uuid, None))),
    }
}

/// A machine that could not be looked at is what it was; one that never could may be a host, and
/// then an answer without it would say that the host is gone.
fn settle(looks: Vec<Look>, last: &LastLook) -> Result<LastLook, Problem> {
    let mut found = LastLook::new();
    for (machine, look) in looks {
        let tree = look.and_then(|(power, xml)| Some((power, Element::parse(&xml).ok()?)));
        let now = match (tree, last.get(&machine)) {
            (Some((power, tree)), _) => mark::read(&tree).map(|mark| Marked {
                mark,
                machine,
                power,
                connected: agent_connected(&tree),
            }),
            (None, Some(before)) => before.clone(),
            (None, None) => {
                let cause = format!("libvirt lists the machine {machine} and does not say what it is");
                return Err(Problem::new(Code::P0002, cause));
            }
        };
        found.insert(machine, now);
    }
    Ok(found)
}

/// libvirt sees whether anything in the guest has opened the agent's channel, and asks nobody.
pub fn agent_connected(domain: &Element) -> bool {
    domain.all("devices/channel/target").iter().any(|target| {
        target.get("name") == Some("org.qemu.guest_agent.0") && target.get("state") == Some("connected")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{digest::Digest, host::HostKind};

    fn host(id: u128) -> Look {
        let mark = Mark {
            role: Role::Host,
            id: Uuid::from_u128(id),
            name: "a".into(),
            template: "t".into(),
            number: 1,
            digest: Digest::from_bytes([1; 32]),
            incarnation: 2,
        };
        let metadata = Element::new("metadata").child(mark.element(HostKind::Linked));
        let xml = Element::new("domain").child(metadata).render();
        (Uuid::from_u128(id), Some((Power::Running, xml)))
    }

    fn plain(id: u128) -> Look {
        (Uuid::from_u128(id), Some((Power::Off, "<domain/>".into())))
    }

    fn dumb(id: u128) -> Look {
        (Uuid::from_u128(id), None)
    }

    #[test]
    fn a_host_that_cannot_be_looked_at_once_is_not_gone() {
        let before = settle(vec![host(1), plain(2)], &LastLook::new()).unwrap();
        assert_eq!(before[&Uuid::from_u128(1)].as_ref().unwrap().mark.incarnation, 2);
        let after = settle(vec![dumb(1), dumb(2)], &before).unwrap();
        assert_eq!(after, before, "it is as it was");
        let broken = (Uuid::from_u128(1), Some((Power::Off, "<domain".to_owned())));
        assert_eq!(settle(vec![broken, plain(2)], &after).unwrap(), before);
        let gone = settle(vec![plain(2)], &after).unwrap();
        assert!(!gone.contains_key(&Uuid::from_u128(1)), "what is not listed is gone");
    }

    #[test]
    fn a_machine_that_could_never_be_looked_at_makes_no_answer() {
        assert_eq!(settle(vec![host(1), dumb(3)], &LastLook::new()).unwrap_err().code, Code::P0002);
    }
}
