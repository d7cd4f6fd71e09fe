//! What a network card is plugged into here.

use crate::libvirt::{Libvirt, inspect, machine::Plug, session::ASK_DEADLINE};
use diecast_domain::{
    code::{Code, Problem},
    profile::HardwareProfile,
};
use std::collections::BTreeMap;
use virt::network::Network;

impl Libvirt {
    /// For each card: a network of libvirt's, else a bridge of the kernel's.
    pub(in crate::libvirt) async fn plugs(
        &self,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
    ) -> Result<Vec<Plug>, Problem> {
        let mut plugs = Vec::new();
        for nic in &profile.nics {
            let here = networks.get(&nic.network).unwrap_or(&nic.network);
            plugs.push(self.plug(here).await?);
        }
        Ok(plugs)
    }

    pub(in crate::libvirt) async fn plug(&self, name: &str) -> Result<Plug, Problem> {
        let whose = format!("the network {name}");
        if name.contains('\0') {
            return Err(Problem::new(Code::P0005, "a network's name has no zero byte"));
        }
        let wanted = name.to_owned();
        let asked = self.session.call("looking up the network", ASK_DEADLINE, move |connection| {
            Network::lookup_by_name(connection, &wanted)?.is_active()
        });
        match asked.await {
            Ok(true) => Ok(Plug::Network(name.to_owned())),
            Ok(false) => Err(Problem::new(Code::P0005, format!("{whose} is not active"))
                .with_hint(format!("start it: `virsh net-start {name}`"))),
            Err(error) if error.is_missing() => {
                if inspect::kernel_bridges().await.iter().any(|bridge| bridge == name) {
                    return Ok(Plug::Bridge(name.to_owned()));
                }
                let cause = format!("{whose} is neither a network of libvirt's nor a bridge here");
                Err(Problem::new(Code::P0005, cause))
            }
            Err(error) => Err(error.problem(Code::P0005, &whose)),
        }
    }
}
