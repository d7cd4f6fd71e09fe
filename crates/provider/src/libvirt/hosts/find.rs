//! Finds the hosts of a hypervisor by their mark, and asks each guest how it is.

use super::{guest, mark};
use crate::{
    capability::HostFound,
    libvirt::{Libvirt, inspect, session::ASK_DEADLINE},
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    provider::Power,
};
use futures::{StreamExt, stream};
use std::time::Duration;
use uuid::Uuid;
use virt::{domain::Domain, sys};

/// Guests asked at once. A guest that hangs holds its place for one deadline.
const GUESTS_AT_ONCE: usize = 12;
/// One guest's questions together.
const GUEST_DEADLINE: Duration = Duration::from_secs(8);
const _: () = assert!(GUEST_DEADLINE.as_secs() > 2 * guest::QUESTION_SECONDS as u64);
/// Where libvirt looks for addresses: the leases of its own networks, then what the kernel saw.
const ADDRESS_SOURCES: [sys::virDomainInterfaceAddressesSource; 2] =
    [sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP];

#[derive(Default)]
struct Said {
    agent: bool,
    name: Option<String>,
    addresses: Vec<String>,
}

impl Libvirt {
    pub(in crate::libvirt) async fn find_hosts(&self) -> Result<Vec<HostFound>, Problem> {
        let asked = self.session.call("listing hosts", ASK_DEADLINE, |connection| {
            let domains = connection.list_all_domains(0)?;
            let described = domains.iter().filter_map(|domain| {
                Some((inspect::state(domain).ok()?.power, domain.get_xml_desc(0).ok()?))
            });
            Ok(described.collect::<Vec<_>>())
        });
        let described = asked.await.map_err(|error| error.problem(Code::P0002, "the provider"))?;
        let found = described.into_iter().filter_map(|(power, xml)| {
            let tree = Element::parse(&xml).ok()?;
            let machine: Uuid = tree.text_at("uuid")?.parse().ok()?;
            Some((mark::read(&tree)?, machine, power, agent_connected(&tree)))
        });
        let mut hosts: Vec<HostFound> = stream::iter(found)
            .map(|(mark, machine, power, connected)| async move {
                let said = match power {
                    Power::Running => self.ask_guest(machine, connected).await,
                    Power::Paused | Power::Off | Power::Crashed => Said::default(),
                };
                HostFound {
                    id: mark.id,
                    machine,
                    name: mark.name,
                    template: mark.template,
                    number: mark.number,
                    digest: mark.digest,
                    incarnation: 1,
                    power,
                    addresses: said.addresses,
                    guest_agent: said.agent,
                    guest_name: said.name,
                    users: None,
                }
            })
            .buffer_unordered(GUESTS_AT_ONCE)
            .collect()
            .await;
        hosts.sort_by_key(|host| host.id);
        Ok(hosts)
    }

    async fn ask_guest(&self, uuid: Uuid, connected: bool) -> Said {
        let mut said = Said::default();
        if connected {
            let asked = self.session.ask_guest("asking a guest", GUEST_DEADLINE, move |connection| {
                let domain = Domain::lookup_by_uuid(connection, uuid)?;
                let ask = |question| domain.qemu_agent_command(question, guest::QUESTION_SECONDS, 0);
                Ok((ask(guest::ASK_NAME)?, ask(guest::ASK_ADDRESSES).ok()))
            });
            if let Ok((name, addresses)) = asked.await {
                said.agent = true;
                said.name = guest::name(&name);
                said.addresses = addresses.and_then(|a| guest::addresses(&a)).unwrap_or_default();
            }
        }
        if said.addresses.is_empty() {
            said.addresses = self.seen_addresses(uuid).await;
        }
        said
    }

    /// What the network knows of a guest that says nothing itself.
    async fn seen_addresses(&self, uuid: Uuid) -> Vec<String> {
        let asked = self.session.ask_guest("asking for addresses", GUEST_DEADLINE, move |connection| {
            let domain = Domain::lookup_by_uuid(connection, uuid)?;
            let seen = ADDRESS_SOURCES
                .iter()
                .flat_map(|source| domain.interface_addresses(*source, 0).unwrap_or_default());
            Ok(seen.flat_map(|interface| interface.addrs).map(|a| a.addr).collect::<Vec<_>>())
        });
        guest::reachable(asked.await.unwrap_or_default().into_iter())
    }
}

/// libvirt sees whether anything in the guest has opened the agent's channel, and asks nobody.
fn agent_connected(domain: &Element) -> bool {
    domain.all("devices/channel/target").iter().any(|target| {
        target.get("name") == Some("org.qemu.guest_agent.0") && target.get("state") == Some("connected")
    })
}
