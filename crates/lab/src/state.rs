//! What the lab remembers between two commands: `lab.json`, changed only under a lock.

use crate::process::Process;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, Permissions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Everything about one lab that is not to be seen from the machine itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// Its number on this machine: the bridge, the subnet and the namespaces are named by it.
    pub index: u8,
    /// Hypervisors only, without server and agents.
    pub bare: bool,
    /// A guest truly booted with KVM here.
    pub kvm: bool,
    /// How long the small golden machine took from power on to `is up`.
    pub boot_seconds: f64,
    /// What each link is shaped to, if it is.
    pub rate: Option<String>,
    /// The size of each provider's disk.
    pub disk_bytes: u64,
    /// Counts up only, so that an address is never given twice.
    pub next_ordinal: u8,
    pub server: Option<Server>,
    pub providers: Vec<Provider>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    pub url: String,
    pub password: String,
    pub token: Option<String>,
    pub process: Option<Process>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Provider {
    pub name: String,
    pub site: String,
    /// Gives the address and the name of the link.
    pub ordinal: u8,
    /// What the link is shaped to now.
    pub rate: Option<String>,
    /// The network is cut off.
    pub cut: bool,
    /// The first process of the provider's own process namespace, as seen from outside.
    pub machine: Option<Process>,
    /// Its agent, as seen from outside.
    pub agent: Option<Process>,
    /// The agent has its certificate.
    pub joined: bool,
}

impl State {
    pub fn provider(&self, name: &str) -> Result<&Provider> {
        let found = self.providers.iter().find(|provider| provider.name == name);
        found.with_context(|| self.unknown(name))
    }

    pub fn provider_mut(&mut self, name: &str) -> Result<&mut Provider> {
        let unknown = self.unknown(name);
        let mut all = self.providers.iter_mut();
        all.find(|provider| provider.name == name).context(unknown)
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = self.providers.iter().map(|it| it.name.as_str()).collect();
        format!("the lab has no provider `{name}`; it has: {}", names.join(", "))
    }
}

/// The file and its lock.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    pub fn in_folder(data: &Path) -> Self {
        Self { path: data.join("lab.json") }
    }

    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    pub fn read(&self) -> Result<State> {
        if !self.exists() {
            let folder = self.path.parent().unwrap_or(&self.path).display();
            bail!("no lab runs with the data folder {folder}; start one with `diecast-lab up`");
        }
        let text = fs::read(&self.path).with_context(|| format!("reading {}", self.path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the state of a lab; move it away", self.path.display()))
    }

    /// Writes a new state whole or not at all. It holds the administrator's password.
    pub fn write(&self, state: &State) -> Result<()> {
        let named = || format!("writing {}", self.path.display());
        let fresh = self.path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(state).with_context(named)?;
        let mut file = File::create(&fresh).with_context(named)?;
        file.set_permissions(Permissions::from_mode(0o600)).with_context(named)?;
        file.write_all(&text).and_then(|()| file.sync_all()).with_context(named)?;
        fs::rename(&fresh, &self.path).with_context(named)
    }

    /// Reads, changes and writes while nobody else does.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let _lock = self.lock()?;
        let mut state = self.read()?;
        let result = change(&mut state)?;
        self.write(&state)?;
        Ok(result)
    }

    pub fn remove(&self) -> Result<()> {
        for path in [&self.path, &self.path.with_extension("json.new"), &self.lock_path()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("removing {}", path.display()));
                }
                _ => (),
            }
        }
        Ok(())
    }

    fn lock_path(&self) -> PathBuf {
        self.path.with_extension("lock")
    }

    fn lock(&self) -> Result<File> {
        lock(&self.lock_path())
    }
}

/// Waits for the lock on a file, which is made if it is missing. The lock ends with the handle.
pub fn lock(path: &Path) -> Result<File> {
    let named = || format!("locking {}", path.display());
    let file =
        if path.is_dir() { File::open(path) } else { File::options().create(true).append(true).open(path) };
    let file = file.with_context(named)?;
    file.lock().with_context(named)?;
    Ok(file)
}
