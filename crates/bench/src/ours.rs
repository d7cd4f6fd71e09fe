//! Diecast as it is measured: by its command line, as an operator would use it.
//!
//! A target is done when the verified version stands under its final name on its disk, which is what a
//! peer's finished file is. That the server tells `Ready`, which it does a little later, is waited for too,
//! and its time is kept.

use crate::{
    outside,
    world::{SOURCE, World},
};
use anyhow::{Context, Result, bail, ensure};
use diecast_lab::GoldenVm;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often disks are looked at: it costs next to nothing.
const LOOK: Duration = Duration::from_millis(20);
/// How often the server is asked, which costs a process.
const ASK: Duration = Duration::from_millis(500);
/// A whole image, on a busy machine.
const PUBLICATION_MAX: Duration = Duration::from_secs(1200);
/// Receivers at a time: no limit.
const CONCURRENCY: &str = "64";

/// A published template, held by the source.
pub struct Template<'a> {
    world: &'a World,
    pub name: String,
    /// In hex.
    pub digest: String,
}

/// What a publication took.
pub struct Published {
    pub seconds: f64,
    pub cpu_seconds: f64,
    pub peak_bytes: f64,
}

impl<'a> Template<'a> {
    /// Publishes a disk on the source, and waits until the source has its own replica.
    pub fn publish(world: &'a World, name: &str, disk: &Path) -> Result<(Self, Published)> {
        let machine = format!("{name}-vm");
        if !world.virtual_machines()?.contains(&machine) {
            world.lab.define(SOURCE, &GoldenVm::new(&machine, disk))?;
            world.wait(Duration::from_secs(120), "the agent has seen the machine", || {
                world.virtual_machines().is_ok_and(|names| names.contains(&machine))
            })?;
        }
        let agent = world.agent(SOURCE)?;
        outside::forget_peak(agent)?;
        let (begun, cpu) = (Instant::now(), outside::cpu_seconds(agent)?);
        let create = ["template", "create", name, "--provider", SOURCE, "--vm", &machine];
        world.lab.diecast_json(&[&create[..], &["--concurrency", CONCURRENCY]].concat())?;
        let said = loop {
            let said = world.lab.diecast_json(&["distribution", "show", name]).unwrap_or_default();
            if said["distribution"] == "OK" && said["digest"].is_string() {
                break said;
            }
            let template = world.lab.diecast_json(&["template", "show", name]).unwrap_or_default();
            ensure!(
                template["publication"]["phase"] != "failed" && begun.elapsed() < PUBLICATION_MAX,
                "`{name}` was not published: {}",
                template["publication"]
            );
            std::thread::sleep(ASK / 2);
        };
        let seconds = begun.elapsed().as_secs_f64();
        let digest = said["digest"].as_str().and_then(|digest| digest.rsplit(':').next());
        let digest = digest.context("a distribution without a digest")?.to_owned();
        let cpu_seconds = outside::cpu_seconds(agent)? - cpu;
        let peak_bytes = outside::peak_bytes(agent)?;
        Ok((Self { world, name: name.to_owned(), digest }, Published { seconds, cpu_seconds, peak_bytes }))
    }

    /// Where a provider keeps it once it is whole.
    pub fn folder(&self, provider: &str) -> Result<PathBuf> {
        Ok(self.world.lab.item(provider)?.storage.join("diecast/versions").join(&self.digest))
    }

    pub fn disk(&self, provider: &str) -> Result<PathBuf> {
        Ok(self.folder(provider)?.join("disk0.raw"))
    }

    /// Begins to bring it to these. They are told apart by `Spreading`.
    pub fn spread(&self, to: &[&str]) -> Result<Spreading<'_>> {
        let waiting =
            to.iter().map(|name| Ok(((*name).to_owned(), self.folder(name)?))).collect::<Result<Vec<_>>>()?;
        for (name, folder) in &waiting {
            ensure!(!folder.exists(), "{name} holds the version before it was sent: {}", folder.display());
        }
        let begun = Instant::now();
        self.world.lab.diecast_json(&[&["distribution", "add", &self.name], to].concat())?;
        Ok(Spreading { template: self, begun, waiting, done: Vec::new() })
    }

    fn row(&self, provider: &str) -> Result<Value> {
        let said = self.world.lab.diecast_json(&["distribution", "show", &self.name])?;
        let rows = said["providers"].as_array().cloned().unwrap_or_default();
        Ok(rows.into_iter().find(|row| row["provider"] == provider).unwrap_or_default())
    }

    /// Bytes that a provider has from these so far, of what it is receiving.
    pub fn given_by(&self, provider: &str, these: &[&str]) -> Result<u64> {
        let row = self.row(provider)?;
        let sources = row["sources"].as_array().into_iter().flatten();
        let from = sources.filter(|source| these.iter().any(|name| source["provider"] == *name));
        Ok(from.filter_map(|source| source["bytes"].as_u64()).sum())
    }

    /// Takes it from these, with its bytes.
    pub fn take_from(&self, from: &[&str]) -> Result<()> {
        // Refused while the source seems silent: on a busy machine its hypervisor may answer late.
        let mut refused = Ok(());
        let taken = self.world.wait(Duration::from_secs(60), "they may be taken off the list", || {
            refused = self
                .world
                .lab
                .diecast_json(&[&["distribution", "remove", &self.name], from].concat())
                .map(drop);
            refused.is_ok()
        });
        refused.and(taken)?;
        let folders: Vec<PathBuf> = from.iter().map(|name| self.folder(name)).collect::<Result<_>>()?;
        self.world.wait(Duration::from_secs(120), "the version is gone from its targets", || {
            folders.iter().all(|folder| !folder.exists())
                && self.world.lab.diecast_json(&["distribution", "show", &self.name]).is_ok_and(|said| {
                    said["providers"].as_array().is_some_and(|rows| {
                        rows.iter().all(|row| !from.iter().any(|name| row["provider"] == *name))
                    })
                })
        })
    }

    /// Deletes it everywhere.
    pub fn delete(self) -> Result<()> {
        let name = &self.name;
        self.world.lab.diecast_json(&["template", "delete", name, "--yes"])?;
        self.world.wait(Duration::from_secs(120), "the template is deleted", || {
            self.world.lab.diecast_json(&["template", "list"]).is_ok_and(|said| {
                said["items"].as_array().is_some_and(|all| all.iter().all(|one| one["name"] != **name))
            }) && self.folder(SOURCE).is_ok_and(|folder| !folder.exists())
        })
    }
}

/// A version on its way.
pub struct Spreading<'a> {
    template: &'a Template<'a>,
    begun: Instant,
    waiting: Vec<(String, PathBuf)>,
    done: Vec<(String, f64)>,
}

impl Spreading<'_> {
    /// Seconds since the command.
    pub fn elapsed(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Looks once who is done; true if all are.
    pub fn look(&mut self) -> bool {
        let now = self.elapsed();
        let (done, waiting): (Vec<_>, Vec<_>) =
            self.waiting.drain(..).partition(|(_, folder)| folder.exists());
        self.waiting = waiting;
        self.done.extend(done.into_iter().map(|(name, _)| (name, now)));
        self.waiting.is_empty()
    }

    /// Nobody waits for this one any more.
    pub fn give_up(&mut self, provider: &str) {
        self.waiting.retain(|(name, _)| name != provider);
    }

    /// Waits until all hold it; gives when each did.
    pub fn finish(mut self, patience: Duration) -> Result<Vec<(String, f64)>> {
        let mut asked = Instant::now();
        while !self.look() {
            if asked.elapsed() > ASK * 10 {
                asked = Instant::now();
                self.complain()?;
            }
            if self.begun.elapsed() > patience {
                let waiting: Vec<&str> = self.waiting.iter().map(|(name, _)| name.as_str()).collect();
                let row = self.template.row(waiting[0]).unwrap_or_default();
                bail!("not done in {} s: {}; the first says {row}", patience.as_secs(), waiting.join(", "));
            }
            std::thread::sleep(LOOK);
        }
        Ok(std::mem::take(&mut self.done))
    }

    /// A failure that the product tells is an answer too, and a sooner one.
    fn complain(&self) -> Result<()> {
        for (name, _) in &self.waiting {
            let row = self.template.row(name)?;
            if row["phase"] == "failed" {
                bail!("{name} failed: {} {}", row["code"], row["cause"]);
            }
        }
        Ok(())
    }
}

/// Waits until the server too says that all are ready.
pub fn wait_ready(template: &Template<'_>, patience: Duration) -> Result<()> {
    template.world.wait(patience, "the server says OK", || {
        let said = template.world.lab.diecast_json(&["distribution", "show", &template.name]);
        said.is_ok_and(|said| said["distribution"] == "OK")
    })
}

impl World {
    /// Waits, asking now and then.
    pub fn wait(&self, patience: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Result<()> {
        let begun = Instant::now();
        while !holds() {
            ensure!(begun.elapsed() < patience, "waited {} s in vain until {what}", patience.as_secs());
            std::thread::sleep(ASK / 2);
        }
        Ok(())
    }

    /// Removes the machine that a template was published from, with its disk.
    pub fn forget_machine(&self, template: &str) -> Result<()> {
        let machine = format!("{template}-vm");
        self.lab.virsh(SOURCE)?.run(&["undefine", &machine, "--remove-all-storage"])?;
        self.wait(Duration::from_secs(120), "the machine is forgotten", || {
            self.virtual_machines().is_ok_and(|names| !names.contains(&machine))
        })?;
        self.give_back()
    }

    fn virtual_machines(&self) -> Result<Vec<String>> {
        let said = self.lab.diecast_json(&["vm", "list", "--provider", SOURCE])?;
        let items = said["items"].as_array().cloned().unwrap_or_default();
        Ok(items.iter().filter_map(|item| Some(item["name"].as_str()?.to_owned())).collect())
    }
}
