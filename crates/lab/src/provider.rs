//! What can be done to one provider of a lab: made, removed, and every fault that it may meet.

use crate::{
    agent,
    down::remove_folder,
    lab::Lab,
    libvirt, machine,
    network::{self, Names, PROVIDERS_MAX},
    process::Process,
    run::succeeded,
    state::{Provider, State},
    storage,
    tools::Life,
};
use anyhow::{Context, Result, bail, ensure};
use std::process::Output;

/// Where a provider stands unless said otherwise.
pub const SITE: &str = "lab";
/// A network device's name is at most this long, and a provider's name is part of file names.
const NAME_LENGTH_MAX: usize = 32;

/// A provider as the state has it now, with the names that follow from it.
struct Found {
    provider: Provider,
    netns: String,
    link: String,
    kvm: bool,
    bare: bool,
}

impl Lab {
    fn found(&self, name: &str) -> Result<Found> {
        let state = self.state()?;
        let provider = state.provider(name)?.clone();
        let names = Names { index: state.index };
        let (netns, link) = (names.netns(name), names.link(provider.ordinal));
        Ok(Found { provider, netns, link, kvm: state.kvm, bare: state.bare })
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Provider)) -> Result<()> {
        self.file.update(|state| {
            change(state.provider_mut(name)?);
            Ok(())
        })
    }

    fn running(&self, name: &str) -> Result<Process> {
        let machine = self.found(name)?.provider.machine.filter(|machine| machine.alive());
        machine.with_context(|| format!("`{name}` is off; `diecast-lab start {name}` starts it"))
    }

    /// Adds one provider; what a failure left of it is removed.
    pub fn add(&self, name: &str, site: &str) -> Result<()> {
        ensure!(self.state()?.provider(name).is_err(), "the lab has a provider `{name}` already");
        self.add_all(&[(name.to_owned(), site.to_owned())]).inspect_err(|_| {
            if let Err(error) = self.remove(name) {
                eprintln!("lab: removing what was made of `{name}`: {error:#}");
            }
        })
    }

    /// Adds providers; their machines start side by side.
    pub(crate) fn add_all(&self, wanted: &[(String, String)]) -> Result<()> {
        for (name, site) in wanted {
            self.file.update(|state| enter(state, name, site))?;
        }
        for (name, _) in wanted {
            let found = self.found(name)?;
            let state = self.state()?;
            network::join(Names { index: state.index }, name, found.provider.ordinal)?;
            network::shape(&found.netns, &found.link, found.provider.rate.as_deref())?;
            self.power_on(name)?;
        }
        std::thread::scope(|scope| {
            let starting = wanted.iter().map(|(name, _)| scope.spawn(move || self.ready(name)));
            let starting: Vec<_> = starting.collect();
            starting.into_iter().try_for_each(|it| it.join().expect("`ready` does not panic"))
        })?;
        if self.state()?.bare {
            return Ok(());
        }
        for (name, site) in wanted {
            let add = ["provider", "add", name, "--kind", "libvirt", "--storage", "default", "--site", site];
            let added = self.diecast_json(&add)?;
            agent::join(&self.paths, name, self.running(name)?, &added)?;
            self.change(name, |provider| provider.joined = true)?;
            self.agent_start(name)?;
        }
        Ok(())
    }

    fn power_on(&self, name: &str) -> Result<()> {
        let (found, own) = (self.found(name)?, self.paths.provider(name));
        own.make()?;
        storage::mount(&own, self.state()?.disk_bytes)?;
        let machine = machine::power_on(&own, &found.netns, found.kvm)?;
        self.change(name, |provider| provider.machine = Some(machine))
    }

    fn ready(&self, name: &str) -> Result<()> {
        let own = self.paths.provider(name);
        let doing = || format!("starting the hypervisor of `{name}`");
        machine::wait_for_libvirt(&own, self.running(name)?).with_context(doing)?;
        libvirt::furnish(&own).with_context(doing)
    }

    /// Takes a provider out of the lab, with its disk. The server is not told: its agent falls silent.
    pub fn remove(&self, name: &str) -> Result<()> {
        let found = self.found(name)?;
        if let Some(machine) = found.provider.machine {
            machine::power_off(machine)?;
        }
        network::leave(&found.netns, Some(&found.link))?;
        remove_folder(self.paths.provider(name).root())?;
        self.file.update(|state| {
            state.providers.retain(|provider| provider.name != name);
            Ok(())
        })
    }

    /// Loses the provider's power: libvirtd, guests and agent are gone in one moment.
    pub fn stop(&self, name: &str) -> Result<()> {
        let found = self.found(name)?;
        // A machine without power does not refuse connections, it is silent.
        network::plug(&found.link, false)?;
        if let Some(machine) = found.provider.machine {
            machine::power_off(machine)?;
        }
        self.change(name, |provider| (provider.machine, provider.agent) = (None, None))
    }

    /// Gives the power back; libvirtd and the agent start as at a boot, guests do not.
    pub fn power(&self, name: &str) -> Result<()> {
        let found = self.found(name)?;
        if !found.provider.machine.is_some_and(Process::alive) {
            self.power_on(name)?;
        }
        network::plug(&found.link, !found.provider.cut)?;
        self.ready(name)?;
        if found.bare || !found.provider.joined { Ok(()) } else { self.agent_start(name) }
    }

    /// Pulls the network cable.
    pub fn cut(&self, name: &str) -> Result<()> {
        network::plug(&self.found(name)?.link, false)?;
        self.change(name, |provider| provider.cut = true)
    }

    /// Puts the network cable back.
    pub fn mend(&self, name: &str) -> Result<()> {
        let found = self.found(name)?;
        if found.provider.machine.is_some() {
            network::plug(&found.link, true)?;
        }
        self.change(name, |provider| provider.cut = false)
    }

    /// Shapes the link both ways, or lets it run free.
    pub fn slow(&self, name: &str, rate: Option<&str>) -> Result<()> {
        let found = self.found(name)?;
        network::shape(&found.netns, &found.link, rate)?;
        self.change(name, |provider| provider.rate = rate.map(str::to_owned))
    }

    /// Leaves so many bytes free on the provider's disk.
    pub fn fill(&self, name: &str, leave: u64) -> Result<()> {
        self.found(name)?;
        storage::fill(&self.paths.provider(name), leave)
    }

    pub fn unfill(&self, name: &str) -> Result<()> {
        self.found(name)?;
        storage::unfill(&self.paths.provider(name))
    }

    pub fn agent_start(&self, name: &str) -> Result<()> {
        self.begin_agent(name, Life::Plain)
    }

    /// An agent that dies at these durable steps, written as `FAILPOINTS` is.
    pub fn agent_start_to_die_at(&self, name: &str, points: &str) -> Result<()> {
        self.begin_agent(name, Life::DiesAt(points))
    }

    fn begin_agent(&self, name: &str, life: Life<'_>) -> Result<()> {
        let found = self.found(name)?;
        if !found.provider.joined {
            bail!("`{name}` has no agent: it never joined a server");
        }
        if found.provider.agent.is_some_and(Process::alive) {
            return Ok(());
        }
        let agent = agent::start(&self.paths, name, self.running(name)?, life)?;
        self.change(name, |provider| provider.agent = Some(agent))
    }

    pub fn agent_stop(&self, name: &str) -> Result<()> {
        self.end_agent(name, agent::stop)
    }

    /// `kill -9`.
    pub fn agent_kill(&self, name: &str) -> Result<()> {
        self.end_agent(name, agent::kill)
    }

    fn end_agent(&self, name: &str, end: impl FnOnce(Process)) -> Result<()> {
        if let Some(agent) = self.found(name)?.provider.agent {
            end(agent);
        }
        self.change(name, |provider| provider.agent = None)
    }

    /// Runs a command inside a provider's machine, whatever its exit code.
    pub fn exec(&self, name: &str, argv: &[&str]) -> Result<Output> {
        machine::run_inside(self.running(name)?, argv)
    }

    /// Like [`Lab::exec`]; it must succeed, and its standard output is given.
    pub fn exec_text(&self, name: &str, argv: &[&str]) -> Result<String> {
        let output = self.exec(name, argv)?;
        succeeded(&format!("{} (on {name})", argv.join(" ")), &output)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// A command inside a provider's machine, not yet run.
    pub fn exec_command(&self, name: &str, argv: &[&str]) -> Result<std::process::Command> {
        Ok(machine::inside(self.running(name)?, argv))
    }

    /// `virsh` for one provider's hypervisor.
    pub fn virsh(&self, name: &str) -> Result<libvirt::Virsh> {
        self.found(name)?;
        Ok(libvirt::Virsh::of(&self.paths.provider(name)))
    }
}

fn enter(state: &mut State, name: &str, site: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ensure!(
        (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('-'),
        "`{name}` cannot be a provider's name: use 1 to {NAME_LENGTH_MAX} lower-case letters, digits and hyphens"
    );
    ensure!(state.provider(name).is_err(), "the lab has a provider `{name}` already");
    ensure!(
        state.next_ordinal < PROVIDERS_MAX,
        "this lab has made {PROVIDERS_MAX} providers; start a new one"
    );
    state.providers.push(Provider {
        name: name.to_owned(),
        site: site.to_owned(),
        ordinal: state.next_ordinal,
        rate: state.rate.clone(),
        cut: false,
        machine: None,
        agent: None,
        joined: false,
    });
    state.next_ordinal += 1;
    Ok(())
}
