//! The lab as a whole: started, opened by a later command, taken down.

use crate::{
    boot,
    down::take_down,
    golden, network,
    paths::Paths,
    process::until,
    server, signal,
    state::{self, State, StateFile},
    tools::Life,
};
use anyhow::{Context, Result, bail, ensure};
use std::{path::Path, time::Duration};

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
    pub(crate) down_on_drop: bool,
}

/// The name of the provider with this number: `kvm-a` to `kvm-z`, then `kvm-26` on.
pub fn provider_name(number: usize) -> String {
    match u8::try_from(number) {
        Ok(number @ 0..26) => format!("kvm-{}", char::from(b'a' + number)),
        _ => format!("kvm-{number}"),
    }
}

impl Lab {
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

    /// Where the server listens, and every provider reaches the machine around it.
    pub fn bridge_address(&self) -> Result<String> {
        Ok(network::Names { index: self.state()?.index }.bridge_address())
    }

    /// Takes everything down and removes the data folder but for its cache. Cleans half a lab too.
    pub fn down(&self) -> Result<()> {
        take_down(&self.paths)
    }

    pub(crate) fn server(&self) -> Result<state::Server> {
        self.state()?.server.context("this lab is bare: it has no server")
    }

    fn keep_server(&self, server: state::Server) -> Result<()> {
        self.file.update(|state| {
            state.server = Some(server);
            Ok(())
        })
    }

    pub fn server_start(&self) -> Result<()> {
        self.begin_server(Life::Plain)
    }

    /// A server that dies at these commits, written as `FAILPOINTS` is: an error, if before it listens.
    pub fn server_start_to_die_at(&self, points: &str) -> Result<()> {
        self.begin_server(Life::DiesAt(points))
    }

    fn begin_server(&self, life: Life<'_>) -> Result<()> {
        let mut server = self.server()?;
        server::start(&self.paths, &mut server, life)?;
        // Written down before it is waited for, so that a killed command leaves nothing unknown.
        self.keep_server(server.clone())?;
        server::wait(&self.paths, &server)
    }

    /// Signs in anew: a server that was restored knows no session.
    pub fn server_sign_in(&self) -> Result<()> {
        let mut server = self.server()?;
        server::sign_in(&self.paths, &mut server)?;
        self.keep_server(server)
    }

    /// From its next start on the server listens at another port.
    pub fn server_moves(&self, port: u16) -> Result<String> {
        let mut server = self.server()?;
        server.url = format!("https://{}:{port}", self.bridge_address()?);
        let url = server.url.clone();
        self.keep_server(server)?;
        Ok(url)
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
