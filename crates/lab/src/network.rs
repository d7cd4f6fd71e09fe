//! One bridge for each lab; one network namespace and one link for each provider.
//!
//! ```text
//!   root namespace                                   namespace dc3-kvm-b
//!   dcbr3 10.77.3.1 ──── dc3p2 ═════ veth ═════ eth0 10.77.3.12
//!   (server, command line)  tbf to the provider      tbf from the provider
//! ```
//!
//! The kernel's own tables say which lab numbers are taken; a lock on `/run` keeps two labs from
//! taking one at the same time. The bridge's alias names the data folder it belongs to, so that a
//! lab never takes down another's.

use crate::{
    run::{attempt, run},
    state::lock,
};
use anyhow::{Context, Result, bail};
use std::{fs, path::Path};

/// Labs at a time on one machine: the third byte of the subnet.
const LABS_MAX: u8 = 200;
/// The first address of a provider; the bridge has 1.
const ADDRESS_FIRST: u8 = 11;
/// Providers that one lab ever makes: the last byte of the address.
pub const PROVIDERS_MAX: u8 = 240;
/// What a shaped link may send at once. Large enough for `tbf` to reach 10 Gbit/s.
const BURST: &str = "256kb";
/// How long a packet may wait in a shaped link before it is dropped.
const LATENCY: &str = "50ms";
/// Where `ip` keeps the names of network namespaces.
const NETNS: &str = "/run/netns";

/// The names and addresses that a lab's number gives.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub index: u8,
}

impl Names {
    pub fn bridge(self) -> String {
        format!("dcbr{}", self.index)
    }
    pub fn bridge_address(self) -> String {
        format!("10.77.{}.1", self.index)
    }
    fn netns_prefix(self) -> String {
        format!("dc{}-", self.index)
    }
    pub fn netns(self, provider: &str) -> String {
        format!("{}{provider}", self.netns_prefix())
    }
    /// The end of the link that stays in the root namespace.
    pub fn link(self, ordinal: u8) -> String {
        format!("dc{}p{ordinal}", self.index)
    }
    pub fn address(self, ordinal: u8) -> String {
        format!("10.77.{}.{}", self.index, ADDRESS_FIRST + ordinal)
    }
    /// Every link of this lab that exists, known to its state or not.
    fn existing_links(self) -> Vec<String> {
        let prefix = format!("dc{}p", self.index);
        names_in("/sys/class/net").into_iter().filter(|name| name.starts_with(&prefix)).collect()
    }
    /// Every namespace of this lab that exists, known to its state or not.
    pub fn existing_netns(self) -> Vec<String> {
        let prefix = self.netns_prefix();
        netns_names().into_iter().filter(|name| name.starts_with(&prefix)).collect()
    }
}

fn netns_names() -> Vec<String> {
    names_in(NETNS)
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

fn alias_of(bridge: &str) -> Option<String> {
    fs::read_to_string(format!("/sys/class/net/{bridge}/ifalias")).ok()
}

/// Takes a free number and makes its bridge. `remember` is called with the number before anything
/// is made, so that a killed `up` can be cleaned.
pub fn claim(data: &Path, remember: impl FnOnce(u8) -> Result<()>) -> Result<Names> {
    let _lock = lock(Path::new("/run"))?;
    let free = (0..LABS_MAX)
        .map(|index| Names { index })
        .find(|names| alias_of(&names.bridge()).is_none() && names.existing_netns().is_empty());
    let Some(names) = free else {
        bail!("{LABS_MAX} labs run on this machine; take one down with `diecast-lab --data DIR down`");
    };
    remember(names.index)?;
    let bridge = names.bridge();
    run(&["ip", "link", "add", &bridge, "type", "bridge"])
        .context("making the lab's bridge (this needs root, and the kernel's bridge module)")?;
    run(&["ip", "link", "set", &bridge, "alias", &data.display().to_string()])?;
    run(&["ip", "addr", "add", &format!("{}/24", names.bridge_address()), "dev", &bridge])?;
    run(&["ip", "link", "set", &bridge, "up"])?;
    Ok(names)
}

/// Removes the bridge, if it is this lab's, and what `ip` itself leaves behind with its last namespace.
pub fn release(names: Names, data: &Path) -> Result<()> {
    let _lock = lock(Path::new("/run"))?;
    let bridge = names.bridge();
    let alias = alias_of(&bridge).map(|alias| alias.trim_end().to_owned());
    // The kernel ends a namespace and its end of a link when it has time; this end goes now.
    for link in names.existing_links() {
        attempt(&["ip", "link", "del", &link]);
    }
    // An empty alias: killed between the making of the bridge and its naming.
    if alias.is_some_and(|alias| alias.is_empty() || Path::new(&alias) == data) {
        run(&["ip", "link", "del", &bridge])?;
    }
    if Path::new(NETNS).exists() && netns_names().is_empty() {
        attempt(&["umount", NETNS]);
        let _ = fs::remove_dir(NETNS);
    }
    Ok(())
}

/// Makes a provider's namespace and joins it to the bridge.
pub fn join(names: Names, provider: &str, ordinal: u8) -> Result<()> {
    let (netns, link) = (names.netns(provider), names.link(ordinal));
    {
        let _lock = lock(Path::new("/run"))?;
        run(&["ip", "netns", "add", &netns]).context("making a network namespace (this needs root)")?;
    }
    run(&["ip", "link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", &netns])?;
    run(&["ip", "link", "set", &link, "master", &names.bridge()])?;
    let address = format!("{}/24", names.address(ordinal));
    run(&["ip", "-n", &netns, "addr", "add", &address, "brd", "+", "dev", "eth0"])?;
    run(&["ip", "-n", &netns, "link", "set", "lo", "up"])?;
    run(&["ip", "-n", &netns, "link", "set", "eth0", "up"])?;
    plug(&link, true)
}

/// Removes a provider's namespace and its link.
pub fn leave(netns: &str, link: Option<&str>) -> Result<()> {
    if let Some(link) = link {
        attempt(&["ip", "link", "del", link]);
    }
    let _lock = lock(Path::new("/run"))?;
    if netns_names().iter().any(|name| name == netns) {
        run(&["ip", "netns", "del", netns])?;
    }
    Ok(())
}

/// Puts the cable in, or pulls it: nobody is told, packets just stop.
pub fn plug(link: &str, connected: bool) -> Result<()> {
    run(&["ip", "link", "set", link, if connected { "up" } else { "down" }])?;
    Ok(())
}

/// Shapes a link both ways to `rate` as `tc` writes it (`200mbit`), or lets it run free.
pub fn shape(netns: &str, link: &str, rate: Option<&str>) -> Result<()> {
    let inside = ["tc", "-n", netns, "qdisc"];
    for (tc, device) in [(&["tc", "qdisc"][..], link), (&inside[..], "eth0")] {
        match rate {
            Some(rate) => {
                let tbf = ["root", "tbf", "rate", rate, "burst", BURST, "latency", LATENCY];
                run(&[tc, &["replace", "dev", device], &tbf].concat())
                    .with_context(|| format!("slowing {link} down to `{rate}`; a rate looks like 200mbit"))?;
            }
            None => {
                attempt(&[tc, &["del", "dev", device, "root"]].concat());
            }
        }
    }
    Ok(())
}
