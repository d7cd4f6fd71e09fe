//! Makes a host, or finishes one that was begun.

use super::{mark, seed};
use crate::{
    capability::HostSpec,
    image::command,
    layout,
    libvirt::{
        Libvirt, files, inspect,
        machine::{self, Acceleration, HostDisk, HostMachine, Plug},
        session::{ASK_DEADLINE, WORK_DEADLINE},
    },
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    host::HostKind,
    profile::HardwareProfile,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};
use virt::{domain::Domain, error::ErrorNumber, network::Network, sys};

/// What the host's own directory was begun for; it outlives a kill between its disks.
const ORIGIN_FILE: &str = "origin";
/// Copying a full host's disk: the largest that makes sense at the rate of a slow disk.
const COPY_DEADLINE: Duration = Duration::from_secs(12 * 60 * 60);

impl Libvirt {
    pub(in crate::libvirt) async fn make_host(
        &self,
        pool: &str,
        spec: &HostSpec,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
        version_dir: &Path,
    ) -> Result<(), Problem> {
        if self.stands(spec).await? {
            return Ok(());
        }
        if spec.macs.len() != profile.nics.len() {
            let cause = format!(
                "the host {} has {} addresses for {} network cards",
                spec.name,
                spec.macs.len(),
                profile.nics.len()
            );
            return Err(Problem::new(Code::H0001, cause));
        }
        let plugs = self.plugs(profile, networks).await?;
        let storage = self.prepare_storage(pool).await?;
        let dir = layout::host_dir(&storage, spec.id);
        self.begin(spec, &dir)?;
        let mut disks = Vec::new();
        for slot in &profile.disks {
            let base = version_dir.join(layout::disk_file(&slot.name));
            disks.push(make_disk(spec, &slot.name, &dir, &base).await?);
        }
        let nvram = version_dir.join(layout::NVRAM_FILE);
        if nvram.exists() {
            copy_nvram(&nvram, &dir)?;
        }
        let iso = dir.join(layout::SEED_FILE);
        if !iso.exists() {
            seed::write(spec, &iso).await?;
        }
        let acceleration = if self.accelerated().await? { Acceleration::Kvm } else { Acceleration::Emulated };
        let xml = machine::host(&HostMachine {
            spec,
            profile,
            disks: &disks,
            plugs: &plugs,
            dir: &dir,
            acceleration,
        });
        self.define(spec, xml.render()).await
    }

    /// The machine is there and is this host. Anybody else's machine is left alone.
    async fn stands(&self, spec: &HostSpec) -> Result<bool, Problem> {
        let whose = format!("the host {}", spec.name);
        let uuid = spec.id.as_uuid();
        let asked = self.session.call("looking up the host", ASK_DEADLINE, move |connection| {
            match Domain::lookup_by_uuid(connection, uuid) {
                Ok(domain) => domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE).map(Some),
                Err(error) if error.code() == ErrorNumber::NoDomain => Ok(None),
                Err(error) => Err(error),
            }
        });
        let found = asked.await.map_err(|error| error.problem(Code::H0001, &whose))?;
        let Some(xml) = found else { return Ok(false) };
        let found = Element::parse(&xml).ok().and_then(|tree| mark::read(&tree));
        let refuse = |what: &str| Err(Problem::new(Code::H0001, format!("{whose}: {what}")));
        match found {
            Some(found) if found.digest == spec.digest => Ok(true),
            Some(_) => refuse("it stands with another version; delete it first"),
            None => refuse("a machine that is not Diecast's has its UUID"),
        }
    }

    /// What each card is plugged into: a network of libvirt's, else a bridge of the kernel's.
    async fn plugs(
        &self,
        profile: &HardwareProfile,
        networks: &BTreeMap<String, String>,
    ) -> Result<Vec<Plug>, Problem> {
        let mut plugs = Vec::new();
        for nic in &profile.nics {
            let here = networks.get(&nic.network).unwrap_or(&nic.network);
            plugs.push(self.plug(here).await?);
        }
        Ok(plugs)
    }

    pub(in crate::libvirt) async fn plug(&self, name: &str) -> Result<Plug, Problem> {
        let whose = format!("the network {name}");
        if name.contains('\0') {
            return Err(Problem::new(Code::P0005, "a network's name has no zero byte"));
        }
        let wanted = name.to_owned();
        let asked = self.session.call("looking up the network", ASK_DEADLINE, move |connection| {
            Network::lookup_by_name(connection, &wanted)?.is_active()
        });
        match asked.await {
            Ok(true) => Ok(Plug::Network(name.to_owned())),
            Ok(false) => Err(Problem::new(Code::P0005, format!("{whose} is not active"))
                .with_hint(format!("start it: `virsh net-start {name}`"))),
            Err(error) if error.is_missing() => {
                if inspect::kernel_bridges().await.iter().any(|bridge| bridge == name) {
                    return Ok(Plug::Bridge(name.to_owned()));
                }
                let cause = format!("{whose} is neither a network of libvirt's nor a bridge here");
                Err(Problem::new(Code::P0005, cause))
            }
            Err(error) => Err(error.problem(Code::P0005, &whose)),
        }
    }

    /// The host's directory, empty of anything that was begun for another version.
    fn begin(&self, spec: &HostSpec, dir: &Path) -> Result<(), Problem> {
        let failed = |error: io::Error| files::problem(dir, &error);
        let origin = format!("{} {}\n", spec.digest, spec.kind.as_str());
        let file = dir.join(ORIGIN_FILE);
        if fs::read_to_string(&file).ok().as_deref() != Some(&origin) {
            files::remove_dir(dir).map_err(failed)?;
            files::make_dir(dir).map_err(failed)?;
            files::write(&file, origin.as_bytes(), files::PRIVATE).map_err(failed)?;
        }
        // libvirt gives this to QEMU's user, and needs it to be there for that.
        let console = dir.join(layout::CONSOLE_FILE);
        if !console.exists() {
            files::write(&console, b"", files::PRIVATE).map_err(failed)?;
        }
        Ok(())
    }

    async fn define(&self, spec: &HostSpec, xml: String) -> Result<(), Problem> {
        let asked = self.session.call("defining the host", WORK_DEADLINE, move |connection| {
            Domain::define_xml_flags(connection, &xml, sys::VIR_DOMAIN_DEFINE_VALIDATE).map(drop)
        });
        let whose = format!("the host {}", spec.name);
        asked.await.map_err(|error| error.problem(Code::H0001, &whose))
    }
}

async fn make_disk(spec: &HostSpec, slot: &str, dir: &Path, base: &Path) -> Result<HostDisk, Problem> {
    let failed = |error: io::Error| files::problem(dir, &error);
    if !base.is_file() {
        let cause = format!("the host {}: {} is not there", spec.name, base.display());
        return Err(Problem::new(Code::H0001, cause));
    }
    let linked = spec.kind == HostKind::Linked;
    let file = dir.join(if linked { format!("{slot}.qcow2") } else { layout::disk_file(slot) });
    let disk = HostDisk { file: file.clone(), base: linked.then(|| base.to_owned()) };
    if file.exists() {
        return Ok(disk);
    }
    let unfinished = files::unfinished(&file);
    files::remove(&unfinished).map_err(failed)?;
    if linked {
        let args: [&dyn command::AsArg; 9] =
            [&"create", &"-q", &"-f", &"qcow2", &"-F", &"raw", &"-b", &base, &unfinished.as_path()];
        settle(spec, command::look("qemu-img", &args).await)?;
    } else {
        copy(spec, base, &unfinished).await?;
    }
    files::finish(&file, files::PRIVATE).map_err(failed)?;
    Ok(disk)
}

async fn copy(spec: &HostSpec, from: &Path, to: &Path) -> Result<(), Problem> {
    let (source, target) = (from.to_owned(), to.to_owned());
    let reflink = tokio::task::spawn_blocking(move || {
        let done = reflink_copy::reflink(&source, &target).is_ok();
        // What a failed one leaves behind is written over by the copy.
        done || files::remove(&target).is_err()
    });
    if reflink.await.unwrap_or(false) {
        return Ok(());
    }
    let args: [&dyn command::AsArg; 9] = [&"convert", &"-S", &"4k", &"-f", &"raw", &"-O", &"raw", &from, &to];
    settle(spec, command::work("qemu-img", &args, COPY_DEADLINE).await)
}

fn settle(spec: &HostSpec, answer: Result<command::Answer, command::CommandError>) -> Result<(), Problem> {
    let whose = format!("the host {}", spec.name);
    let answer = answer.map_err(|error| Problem::new(Code::H0001, format!("{whose}: {error}")))?;
    if answer.ok {
        return Ok(());
    }
    let full = answer.complaint.contains("No space left on device");
    let code = if full { Code::T0003 } else { Code::H0001 };
    Err(Problem::new(code, format!("{whose}: qemu-img: {}", answer.complaint)))
}

fn copy_nvram(from: &Path, dir: &Path) -> Result<(), Problem> {
    let to: PathBuf = dir.join(layout::NVRAM_FILE);
    if to.exists() {
        return Ok(());
    }
    let bytes = fs::read(from).map_err(|error| files::problem(from, &error))?;
    files::write(&to, &bytes, files::PRIVATE).map_err(|error| files::problem(&to, &error))
}
