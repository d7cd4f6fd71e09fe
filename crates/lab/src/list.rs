//! What `diecast-lab list` says of each provider.

use crate::{lab::Lab, network::Names, process::Process};
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, path::PathBuf};

/// One provider, with everything a script needs to reach or disturb it.
#[derive(Clone, Debug, Serialize)]
pub struct Item {
    pub name: String,
    pub site: String,
    pub netns: String,
    /// For libvirt clients outside the provider's namespaces.
    pub libvirt_uri: String,
    /// The target of the storage pool `default`, the same path inside and outside.
    pub storage: PathBuf,
    /// As seen from outside; none while no agent runs.
    pub agent_pid: Option<u32>,
    pub agent_data: PathBuf,
    /// The network device whose going down cuts the provider off.
    pub link: String,
}

impl Item {
    /// Bytes that crossed the provider's link since it was made: toward it, and from it.
    pub fn crossed(&self) -> Result<(u64, u64)> {
        let read = |name: &str| -> Result<u64> {
            let file = format!("/sys/class/net/{}/statistics/{name}", self.link);
            let text = fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
            text.trim().parse().with_context(|| format!("reading {file}"))
        };
        Ok((read("tx_bytes")?, read("rx_bytes")?))
    }
}

impl Lab {
    pub fn list(&self) -> Result<Vec<Item>> {
        let state = self.state()?;
        let names = Names { index: state.index };
        Ok(state
            .providers
            .iter()
            .map(|provider| {
                let own = self.paths.provider(&provider.name);
                Item {
                    name: provider.name.clone(),
                    site: provider.site.clone(),
                    netns: names.netns(&provider.name),
                    libvirt_uri: own.libvirt_uri(),
                    storage: own.storage(),
                    agent_pid: provider.agent.filter(|agent| agent.alive()).map(|Process { pid, .. }| pid),
                    agent_data: own.agent_data(),
                    link: names.link(provider.ordinal),
                }
            })
            .collect())
    }

    pub fn item(&self, name: &str) -> Result<Item> {
        self.state()?.provider(name)?;
        Ok(self.list()?.into_iter().find(|item| item.name == name).expect("it was just looked up"))
    }
}
