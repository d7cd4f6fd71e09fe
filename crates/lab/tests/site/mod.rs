//! A site of a story: a lab with a server and agents, and the words that stories about it are told in.
#![allow(dead_code, reason = "each story uses its own part of it")]

use diecast_lab::{
    GoldenVm, Lab, Options,
    golden::{self, Recipe},
    run::run,
};
use serde_json::Value;
use std::{
    ops::Deref,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// Boots that a provider gets to answer, or a row to change.
pub const SOON: u32 = 15;
/// Boots that everything gets to be well again: pauses before retries are counted in minutes at most.
pub const IN_THE_END: u32 = 40;
/// Two labs at a time would measure each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

pub struct Site {
    lab: Lab,
    _turn: MutexGuard<'static, ()>,
}

impl Deref for Site {
    type Target = Lab;
    fn deref(&self) -> &Lab {
        &self.lab
    }
}

/// One row of a distribution's details.
#[derive(Clone, Debug)]
pub struct Row(pub Value);

impl Row {
    pub fn state(&self) -> &str {
        self.0["state"].as_str().unwrap_or_default()
    }
    pub fn code(&self) -> &str {
        self.0["code"].as_str().unwrap_or_default()
    }
    pub fn percent(&self) -> f64 {
        self.0["percent"].as_f64().unwrap_or_default()
    }
    pub fn verified_at(&self) -> &str {
        self.0["verified_at"].as_str().unwrap_or_default()
    }
    /// A code, and with it a cause and one thing to do, in sentences.
    pub fn explains(&self, codes: &[&str]) -> bool {
        let said = |key: &str| self.0[key].as_str().is_some_and(|text| text.len() > 10);
        codes.contains(&self.code()) && said("cause") && said("hint")
    }
    pub fn ready(&self) -> bool {
        self.state() == "Ready"
    }
}

impl Site {
    /// A site whose agents have all called.
    pub fn start(providers: usize) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let lab = Lab::start_with(&Options { providers, ..Options::default() }).unwrap();
        let site = Self { lab, _turn: turn };
        for item in site.list().unwrap() {
            site.wait_until(&format!("{} answers", item.name), SOON, || {
                site.provider(&item.name)["state"] == "Available"
            })
            .unwrap();
        }
        site
    }

    /// What the command line says, or nothing while it cannot.
    pub fn ask(&self, args: &[&str]) -> Value {
        self.diecast_json(args).unwrap_or_default()
    }

    pub fn provider(&self, name: &str) -> Value {
        self.ask(&["provider", "show", name])
    }

    /// Defines the golden VM `golden`; gives its disk, which nobody writes to.
    pub fn golden(&self, provider: &str, recipe: &Recipe) -> PathBuf {
        let disk = golden::cached(self.paths(), recipe).unwrap();
        self.define(provider, &GoldenVm::new("golden", &disk)).unwrap();
        self.wait_until("the agent has seen the golden machine", SOON, || {
            let said = self.ask(&["vm", "list", "--provider", provider]);
            said["items"].as_array().is_some_and(|items| items.iter().any(|vm| vm["name"] == "golden"))
        })
        .unwrap();
        disk
    }

    /// Wishes for a template `golden`, made from the VM of that name, on these other providers too.
    pub fn create_template(&self, provider: &str, to: &[&str]) {
        let list = to.join(",");
        let mut args = vec!["template", "create", "golden", "--provider", provider, "--vm", "golden"];
        if !to.is_empty() {
            args.extend(["--to", &list]);
        }
        self.diecast_json(&args).unwrap();
    }

    pub fn row(&self, provider: &str) -> Row {
        let said = self.ask(&["distribution", "show", "golden"]);
        let rows = said["providers"].as_array().cloned().unwrap_or_default();
        Row(rows.into_iter().find(|row| row["provider"] == provider).unwrap_or_default())
    }

    pub fn wait_for_row(&self, provider: &str, what: &str, boots: u32, holds: impl Fn(&Row) -> bool) -> Row {
        let mut last = Row(Value::Null);
        let waited = self.wait_until(&format!("{provider} {what}"), boots, || {
            last = self.row(provider);
            holds(&last)
        });
        if let Err(error) = waited {
            panic!("{error}; its row: {:#}", last.0);
        }
        last
    }

    pub fn wait_ready(&self, provider: &str, boots: u32) -> Row {
        self.wait_for_row(provider, "is Ready", boots, Row::ready)
    }

    pub fn wait_for_word(&self, word: &str, boots: u32) {
        self.wait_until(&format!("the distribution says {word}"), boots, || {
            self.ask(&["distribution", "show", "golden"])["distribution"] == word
        })
        .unwrap();
    }

    /// The digest of the current version, in hex, once there is one.
    pub fn wait_for_version(&self) -> String {
        self.wait_until("version 1 is published", IN_THE_END, || self.digest().is_some()).unwrap();
        self.digest().unwrap()
    }

    fn digest(&self) -> Option<String> {
        let said = self.ask(&["template", "show", "golden"]);
        Some(said["digest"].as_str()?.rsplit(':').next()?.to_owned())
    }

    /// Diecast's own folder in a provider's pool.
    pub fn diecast_dir(&self, provider: &str) -> PathBuf {
        self.item(provider).unwrap().storage.join("diecast")
    }

    pub fn replica_disk(&self, provider: &str, digest: &str) -> PathBuf {
        self.diecast_dir(provider).join("versions").join(digest).join("disk0.raw")
    }

    /// Byte for byte what the golden machine's disk is.
    pub fn assert_identical(&self, provider: &str, digest: &str, golden: &Path) {
        let disk = self.replica_disk(provider, digest);
        same_disk(&disk, golden).unwrap_or_else(|error| panic!("{provider}: {error}"));
    }

    /// Bytes that crossed the provider's link: toward it, and from it.
    pub fn crossed(&self, provider: &str) -> (u64, u64) {
        self.item(provider).unwrap().crossed().unwrap()
    }
}

pub fn same_disk(one: &Path, other: &Path) -> Result<String, diecast_lab::run::RunError> {
    run(&["qemu-img", "compare", "-f", "raw", "-F", "raw", one.to_str().unwrap(), other.to_str().unwrap()])
}

/// Tells of a step and when it was, for who reads the test's output.
pub fn tell(since: Instant, what: &str) {
    println!("{:6.1} s  {what}", since.elapsed().as_secs_f64());
}
