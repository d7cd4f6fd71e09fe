//! The lab as a whole: started, opened by a later command, taken down.

use crate::{
    boot,
    down::take_down,
    golden, network,
    paths::Paths,
    process::{Process, until},
    run::{output_of, succeeded},
    server, signal,
    state::{self, State, StateFile},
    tools,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// The size of a provider's disk unless said otherwise; it takes room only as it is written.
pub const DISK_BYTES: u64 = 12 << 30;
/// A deadline is never shorter than this, however fast guests boot here.
const BOOT_SECONDS_MIN: f64 = 2.0;

/// What a new lab is to be.
#[derive(Clone, Debug)]
pub struct Options {
    pub providers: usize,
    pub bare: bool,
    pub rate: Option<String>,
    pub disk_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { providers: 4, bare: false, rate: None, disk_bytes: DISK_BYTES }
    }
}

/// A running lab. All it knows is on disk, so any process may open it and all methods take `&self`.
#[derive(Debug)]
pub struct Lab {
    pub(crate) paths: Paths,
    pub(crate) file: StateFile,
    down_on_drop: bool,
}

/// The name of the provider with this number: `kvm-a` to `kvm-z`, then `kvm-26` on.
pub fn provider_name(number: usize) -> String {
    match u8::try_from(number) {
        Ok(number @ 0..26) => format!("kvm-{}", char::from(b'a' + number)),
        _ => format!("kvm-{number}"),
    }
}

/// Tells the labs of one test process apart.
static LABS_STARTED: AtomicU32 = AtomicU32::new(0);

/// Takes down what tests left that were killed: labs of processes that are no more.
fn sweep(labs: &Path) {
    for entry in fs::read_dir(labs).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let owner = name.split_once('-').and_then(|(pid, _)| pid.parse::<u32>().ok());
        if owner.is_some_and(|pid| Process::of(pid).is_none()) {
            let swept = Paths::new(Some(&entry.path())).and_then(|paths| take_down(&paths));
            if let Err(error) = swept {
                eprintln!("lab: taking down {name}, which a killed test left: {error:#}");
            }
        }
    }
}

impl Lab {
    /// A lab of a test: a folder of its own below `target/labs`, taken down when dropped.
    pub fn start(providers: usize) -> Result<Self> {
        Self::start_with(&Options { providers, ..Options::default() })
    }

    /// Like [`Lab::start`], with everything to choose.
    pub fn start_with(options: &Options) -> Result<Self> {
        let labs = crate::paths::repository().join("target/labs");
        sweep(&labs);
        let number = LABS_STARTED.fetch_add(1, Ordering::Relaxed);
        let own = labs.join(format!("{}-{number}", std::process::id()));
        let paths = Paths::new(Some(&own))?.with_cache(&labs.join("cache"));
        let mut lab = Self::up(paths, options)?;
        lab.down_on_drop = true;
        Ok(lab)
    }

    /// Starts a lab that stays until somebody takes it down.
    pub fn up(paths: Paths, options: &Options) -> Result<Self> {
        ensure!(signal::is_root(), "the lab makes network namespaces and mounts: run it as root");
        let file = StateFile::in_folder(paths.data());
        if file.exists() {
            bail!(
                "a lab with the data folder {} runs or was left half started; look with `diecast-lab list`, end it with `diecast-lab down`",
                paths.data().display()
            );
        }
        paths.make()?;
        let lab = Self { paths, file, down_on_drop: false };
        lab.build(options).inspect_err(|_| {
            // What was asked for failed; leaving half of it would only hide why.
            if let Err(error) = lab.down() {
                eprintln!("lab: cleaning up after the failure: {error:#}");
            }
        })?;
        Ok(lab)
    }

    /// Opens a lab that another command started.
    pub fn open(paths: Paths) -> Result<Self> {
        let lab = Self { file: StateFile::in_folder(paths.data()), paths, down_on_drop: false };
        lab.file.read()?;
        Ok(lab)
    }

    fn build(&self, options: &Options) -> Result<()> {
        let image = golden::cached_boot_only(&self.paths)?;
        let speed = boot::measured(&self.paths, &image)?;
        let names = network::claim(self.paths.data(), |index| {
            self.file.write(&State {
                index,
                bare: options.bare,
                kvm: speed.kvm,
                boot_seconds: speed.seconds,
                rate: options.rate.clone(),
                disk_bytes: options.disk_bytes,
                next_ordinal: 0,
                server: None,
                providers: Vec::new(),
            })
        })?;
        if !options.bare {
            let mut fresh = server::fresh(&names.bridge_address())?;
            self.file.update(|state| {
                state.server = Some(fresh.clone());
                Ok(())
            })?;
            self.server_start()?;
            fresh = self.server()?;
            server::sign_in(&self.paths, &mut fresh)?;
            self.keep_server(fresh)?;
        }
        let wanted: Vec<(String, String)> =
            (0..options.providers).map(|it| (provider_name(it), crate::provider::SITE.to_owned())).collect();
        self.add_all(&wanted)
    }

    pub fn state(&self) -> Result<State> {
        self.file.read()
    }

    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    pub fn data(&self) -> &Path {
        self.paths.data()
    }

    /// Takes everything down and removes the data folder but for its cache. Cleans half a lab too.
    pub fn down(&self) -> Result<()> {
        take_down(&self.paths)
    }

    fn server(&self) -> Result<state::Server> {
        self.state()?.server.context("this lab is bare: it has no server")
    }

    fn keep_server(&self, server: state::Server) -> Result<()> {
        self.file.update(|state| {
            state.server = Some(server);
            Ok(())
        })
    }

    pub fn server_start(&self) -> Result<()> {
        let mut server = self.server()?;
        server::start(&self.paths, &mut server)?;
        // Written down before it is waited for, so that a killed command leaves nothing unknown.
        self.keep_server(server.clone())?;
        server::wait(&self.paths, &server)
    }

    pub fn server_stop(&self) -> Result<()> {
        server::stop(&self.server()?);
        Ok(())
    }

    /// `kill -9`.
    pub fn server_kill(&self) -> Result<()> {
        server::kill(&self.server()?);
        Ok(())
    }

    /// What the command line needs to reach this lab's server.
    pub fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        Ok(server::environment(&self.paths, &self.server()?))
    }

    /// The command line, ready to run against this lab.
    pub fn diecast_command(&self, args: &[&str]) -> Result<Command> {
        let mut command = Command::new(tools::find("diecast")?);
        command.args(args).envs(self.environment()?);
        // A proxy of the machine around knows nothing of the lab's addresses.
        command.env("XDG_CONFIG_HOME", self.paths.cli()).env("NO_PROXY", "*").env("no_proxy", "*");
        Ok(command)
    }

    /// Runs the command line to its end, whatever its exit code.
    pub fn diecast(&self, args: &[&str]) -> Result<Output> {
        Ok(output_of(&mut self.diecast_command(args)?, "")?)
    }

    /// Runs the command line with `--json`; it must succeed and print one document.
    pub fn diecast_json(&self, args: &[&str]) -> Result<Value> {
        let shown = format!("diecast {} --json", args.join(" "));
        let output = self.diecast(&[args, &["--json"]].concat())?;
        succeeded(&shown, &output)?;
        serde_json::from_slice(&output.stdout).with_context(|| format!("reading what `{shown}` says"))
    }

    /// How long a guest takes to boot here, as measured: the unit of every deadline.
    pub fn boot(&self) -> Result<Duration> {
        Ok(Duration::from_secs_f64(self.state()?.boot_seconds.max(BOOT_SECONDS_MIN)))
    }

    /// Waits until `holds` is true, for so many boots of a guest; the error says what was waited for.
    pub fn wait_until(&self, what: &str, boots: u32, mut holds: impl FnMut() -> bool) -> Result<()> {
        let patience = self.boot()? * boots;
        ensure!(until(patience, &mut holds), "waited {} s in vain until {what}", patience.as_secs());
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if !self.down_on_drop {
            return;
        }
        if std::thread::panicking() && std::env::var_os("DIECAST_LAB_KEEP").is_some() {
            eprintln!("lab: kept for you to look at: diecast-lab --data {} list", self.data().display());
            return;
        }
        if let Err(error) = self.down() {
            eprintln!("lab: taking it down: {error:#}");
        }
        let _ = fs::remove_dir(self.data());
    }
}
