//! What a lab's hypervisor offers from the start: the pool `default` and the network `default`.

use crate::{
    paths::{ProviderPaths, text},
    run::{RunError, attempt, run, run_with_input},
};
use anyhow::{Context, Result};

/// `open`: libvirt serves addresses and adds no firewall rules, which not every kernel offers.
/// The subnet may be the same everywhere: it ends at the provider's own namespace.
const NETWORK: &str = "<network><name>default</name><forward mode='open'/>\
    <bridge name='virbr0' stp='off' delay='0'/>\
    <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp>\
    <range start='192.168.122.2' end='192.168.122.254'/></dhcp></ip></network>";

/// `virsh` for one hypervisor.
#[derive(Clone, Debug)]
pub struct Virsh {
    uri: String,
}

impl Virsh {
    pub fn of(paths: &ProviderPaths) -> Self {
        Self { uri: paths.libvirt_uri() }
    }

    pub fn run(&self, args: &[&str]) -> Result<String, RunError> {
        run(&[&["virsh", "-q", "-c", &self.uri], args].concat())
    }

    /// A command whose XML, the last argument, comes from a text.
    pub fn run_with_xml(&self, command: &str, xml: &str) -> Result<String, RunError> {
        run_with_input(&["virsh", "-q", "-c", &self.uri, command, "/dev/stdin"], xml)
    }

    fn attempt(&self, args: &[&str]) -> bool {
        attempt(&[&["virsh", "-q", "-c", &self.uri], args].concat())
    }
}

/// Sees to it that pool and network are there and active. Nothing to do is well done.
pub fn furnish(paths: &ProviderPaths) -> Result<()> {
    let virsh = Virsh::of(paths);
    if !virsh.attempt(&["pool-info", "default"]) {
        let target = paths.storage();
        virsh.run(&["pool-define-as", "default", "dir", "--target", text(&target)])?;
        virsh.run(&["pool-autostart", "default"])?;
    }
    if !virsh.run(&["pool-list", "--name"])?.lines().any(|name| name.trim() == "default") {
        virsh.run(&["pool-start", "default"])?;
    }
    if !virsh.attempt(&["net-info", "default"]) {
        virsh.run_with_xml("net-define", NETWORK)?;
        virsh.run(&["net-autostart", "default"])?;
    }
    if !virsh.run(&["net-list", "--name"])?.lines().any(|name| name.trim() == "default") {
        let hint =
            "starting the network `default` (it needs dnsmasq; `scripts/install-packages` installs it)";
        virsh.run(&["net-start", "default"]).context(hint)?;
    }
    Ok(())
}
