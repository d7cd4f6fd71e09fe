//! The hypervisors and links that everything is measured on: a lab for each group of scenes.
//!
//! ```text
//!   kvm-a (source) ═══╗
//!   kvm-b ════════════╬══ bridge        every link shaped both ways by tc tbf, or let run free
//!   kvm-c ════════════╝
//!   with sites:  kvm-a, kvm-b, kvm-c ══ bridge ══ shaped site link ══ bridge of site 2 ══ kvm-d, kvm-e
//! ```

use crate::{far::Far, outside};
use anyhow::{Context, Result, ensure};
use diecast_lab::{
    Item, Lab, Options, Paths, provider_name,
    run::{attempt, run},
};
use serde_json::Value;
use std::{path::Path, time::Duration};

/// Takes room only as it is written.
const DISK_BYTES: u64 = 60 << 30;
/// Boots of a small guest that anything gets which takes no bytes.
const SOON: u32 = 60;
/// The one that has what is spread.
pub const SOURCE: &str = "kvm-a";

pub struct World {
    pub lab: Lab,
    source: Item,
    targets: Vec<Item>,
    sites: Vec<SiteLink>,
}

/// A bridge of its own behind a link.
struct SiteLink {
    bridge: String,
    /// The link's end at the bridge of the first site: what it sends goes to the site.
    link: String,
    members: Vec<String>,
}

impl World {
    /// As many targets as the measures need, and the source.
    pub fn start(work: &Path, targets: u32) -> Result<Self> {
        let paths = Paths::new(Some(&work.join("lab")))?.with_shared_cache();
        // What a killed run left would measure along.
        diecast_lab::take_down(&paths)?;
        let providers = targets as usize + 1;
        let options = Options { providers, disk_bytes: DISK_BYTES, ..Options::default() };
        let lab = Lab::start_in(paths.data(), &options)?;
        let names = (1..providers).map(provider_name);
        let targets = names.map(|name| lab.item(&name)).collect::<Result<_>>()?;
        let source = lab.item(SOURCE)?;
        let world = Self { lab, source, targets, sites: Vec::new() };
        for item in world.lab.list()? {
            world.lab.wait_until(&format!("{} answers", item.name), SOON, || {
                world
                    .lab
                    .diecast_json(&["provider", "show", &item.name])
                    .is_ok_and(|said| said["state"] == "Available")
            })?;
            // Several programs send to groups of receivers.
            world.lab.exec_text(&item.name, &["ip", "route", "replace", "224.0.0.0/4", "dev", "eth0"])?;
        }
        Ok(world)
    }

    pub fn source(&self) -> &Item {
        &self.source
    }

    /// The first so many targets.
    pub fn targets(&self, count: u32) -> Result<&[Item]> {
        self.targets.get(..count as usize).with_context(|| format!("this run has no {count} targets"))
    }

    pub fn all_targets(&self) -> &[Item] {
        &self.targets
    }

    /// Gives the room of what was deleted back to the machine around the lab.
    pub fn give_back(&self) -> Result<()> {
        for item in [&self.source].into_iter().chain(&self.targets) {
            // Where it cannot, the file behind that disk only stays larger.
            attempt(&["fstrim", &item.storage.display().to_string()]);
        }
        Ok(())
    }

    /// Shapes the links of the source and of all targets.
    pub fn shape(&self, bits_per_second: Option<f64>) -> Result<()> {
        let rate = bits_per_second.map(rate);
        for name in [&self.source].into_iter().chain(&self.targets).map(|item| &item.name) {
            self.lab.slow(name, rate.as_deref())?;
        }
        Ok(())
    }

    pub fn shape_one(&self, name: &str, bits_per_second: f64) -> Result<()> {
        self.lab.slow(name, Some(&rate(bits_per_second)))
    }

    /// Takes a target far away, until what is given back is dropped: there and back takes so long.
    pub fn move_away(&self, target: &Item, way: Duration) -> Result<Far> {
        Far::away(&target.link, &format!("dcbr{}", self.lab.state()?.index), way)
    }

    /// An address as others reach it.
    pub fn address(&self, item: &Item) -> Result<String> {
        let said = self.lab.exec_text(&item.name, &["ip", "-j", "-4", "addr", "show", "dev", "eth0"])?;
        let said: Value = serde_json::from_str(&said).context("reading what `ip` says")?;
        let address = said[0]["addr_info"][0]["local"].as_str();
        Ok(address.with_context(|| format!("{} has no address", item.name))?.to_owned())
    }

    pub fn agent(&self, name: &str) -> Result<u32> {
        self.lab.item(name)?.agent_pid.with_context(|| format!("no agent runs on {name}"))
    }

    pub fn server(&self) -> Result<u32> {
        let server = self.lab.state()?.server.and_then(|server| server.process);
        Ok(server.context("no server runs")?.pid)
    }

    /// Puts two targets on each site but the first, where the source is with two more, and each such site
    /// behind a link of this rate.
    pub fn make_sites(&mut self, count: u32, bits_per_second: f64) -> Result<()> {
        ensure!(self.targets.len() >= 2 * count as usize, "{count} sites need twice as many targets");
        self.remove_sites()?;
        let index = self.lab.state()?.index;
        for site in 2..=count {
            let (bridge, link, other) = device_names(index, site);
            // A killed run leaves them.
            attempt(&["ip", "link", "del", &link]);
            attempt(&["ip", "link", "del", &bridge]);
            run(&["ip", "link", "add", &bridge, "type", "bridge"])?;
            run(&["ip", "link", "set", &bridge, "up"])?;
            run(&["ip", "link", "add", &link, "type", "veth", "peer", "name", &other])?;
            for (device, master) in [(&link, &format!("dcbr{index}")), (&other, &bridge)] {
                run(&["ip", "link", "set", device, "master", master, "up"])?;
                let shape =
                    ["root", "tbf", "rate", &rate(bits_per_second), "burst", "256kb", "latency", "50ms"];
                run(&[&["tc", "qdisc", "replace", "dev", device], &shape[..]].concat())?;
            }
            let first = 2 * (site as usize - 1);
            let members = self.targets[first..first + 2].iter();
            let members: Vec<String> = members.map(|item| item.link.clone()).collect();
            for member in &members {
                run(&["ip", "link", "set", member, "master", &bridge])?;
            }
            self.sites.push(SiteLink { bridge, link, members });
        }
        for (number, target) in self.targets.iter().enumerate() {
            let site = number / 2 + 1;
            let site = if site <= count as usize { site } else { 1 };
            self.lab.diecast_json(&["provider", "set", &target.name, "--site", &format!("site-{site}")])?;
        }
        self.lab.diecast_json(&["provider", "set", SOURCE, "--site", "site-1"])?;
        Ok(())
    }

    /// Bytes toward each site but the first.
    pub fn site_bytes(&self) -> Result<Vec<u64>> {
        self.sites.iter().map(|site| Ok(outside::device_bytes(&site.link)?.1)).collect()
    }

    /// Puts everybody on one site again.
    pub fn one_site(&mut self) -> Result<()> {
        self.remove_sites()?;
        for item in [&self.source].into_iter().chain(&self.targets) {
            self.lab.diecast_json(&["provider", "set", &item.name, "--site", diecast_lab::SITE])?;
        }
        Ok(())
    }

    fn remove_sites(&mut self) -> Result<()> {
        let index = self.lab.state()?.index;
        for site in self.sites.drain(..) {
            for member in &site.members {
                run(&["ip", "link", "set", member, "master", &format!("dcbr{index}")])?;
            }
            attempt(&["ip", "link", "del", &site.link]);
            attempt(&["ip", "link", "del", &site.bridge]);
        }
        Ok(())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The lab knows nothing of these.
        if let Err(error) = self.remove_sites() {
            eprintln!("bench: taking the sites down: {error:#}");
        }
    }
}

/// As `tc` writes it.
fn rate(bits_per_second: f64) -> String {
    format!("{bits_per_second:.0}bit")
}

/// The bridge of a site, the end of its link at the first site, and the other end.
fn device_names(index: u8, site: u32) -> (String, String, String) {
    (format!("dcs{index}x{site}"), format!("dcs{index}a{site}"), format!("dcs{index}b{site}"))
}
