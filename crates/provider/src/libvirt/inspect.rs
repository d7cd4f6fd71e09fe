//! What a libvirt provider is: storage, networks, capabilities, and the machines it runs.

use super::{
    Libvirt, acceleration, capabilities, golden,
    session::{ASK_DEADLINE, WORK_DEADLINE},
};
use crate::{
    image::command::{self, Answer},
    libvirt::hosts::mark,
    xml::Element,
};
use diecast_domain::{
    code::{Code, Problem},
    profile::{MachineType, Nic},
    provider::{
        CpuFacts, NetworkFacts, NetworkKind, Power, ProviderFacts, StorageFacts, Vm, VmContent, VmDisk,
    },
    units::ByteCount,
};
use std::{
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Once,
    time::{Duration, Instant},
};
use virt::{connect::Connect, domain::Domain, error::Error, storage_pool::StoragePool, sys};

/// How long the answer about firmware and CPU models is kept: who installs OVMF need not restart
/// anything, and libvirt need not look at its emulators for every report.
const CAPABILITIES_LIFE: Duration = Duration::from_secs(60);

/// The unit in which a file's blocks are counted, whatever its file system's own blocks are.
const BLOCK_BYTES: u64 = 512;

/// What a guest may be given, and when libvirt said so.
#[derive(Clone, Debug)]
pub struct Capabilities {
    pub said: Element,
    at: Instant,
}

impl Libvirt {
    pub(super) async fn ask_facts(&self) -> Result<ProviderFacts, Problem> {
        let accelerated = self.accelerated().await?;
        let capabilities = self.capabilities().await?;
        let asked = self.session.call("asking for facts", WORK_DEADLINE, |connection| {
            let node = connection.get_node_info()?;
            let versions = (connection.get_hyp_version()?, connection.get_lib_version()?);
            let pools = connection.list_all_storage_pools(0)?;
            let pools = pools.iter().filter_map(|pool| storage(pool).ok()).collect::<Vec<_>>();
            let networks = networks(connection)?;
            Ok((node, versions, pools, networks))
        });
        let (node, (qemu, libvirt), storages, (mut networks, own)) =
            asked.await.map_err(|error| error.problem(Code::P0002, "the provider"))?;
        for name in kernel_bridges().await {
            if !own.contains(&name) {
                networks.push(NetworkFacts { name, kind: NetworkKind::Bridge, active: true });
            }
        }
        networks.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(ProviderFacts {
            hypervisor: format!("QEMU {}, libvirt {}", version(qemu), version(libvirt)),
            cpu: CpuFacts {
                model: cpu_name().unwrap_or(node.model),
                count: node.cpus,
                guest_models: capabilities::cpu_models(&capabilities.said),
            },
            memory: ByteCount(node.memory * 1024),
            storages,
            networks,
            firmware: capabilities::firmware(&capabilities.said),
            machine_types: vec![MachineType::I440fx, MachineType::Q35],
            hardware_acceleration: accelerated,
        })
    }

    /// Tried once, however many ask at the same time; a failure is tried again by the next.
    pub(super) async fn accelerated(&self) -> Result<bool, Problem> {
        let tried = self
            .accelerated
            .get_or_try_init(|| async { Ok(acceleration::works(&self.emulator().await?).await) });
        tried.await.copied()
    }

    /// The program that runs guests.
    pub(super) async fn emulator(&self) -> Result<String, Problem> {
        let plain = self.domain_capabilities("qemu").await?;
        Ok(capabilities::emulator(&plain).unwrap_or("qemu-system-x86_64").to_owned())
    }

    async fn capabilities(&self) -> Result<Capabilities, Problem> {
        let mut kept = self.capabilities.lock().await;
        if let Some(capabilities) = kept.as_ref().filter(|kept| kept.at.elapsed() < CAPABILITIES_LIFE) {
            return Ok(capabilities.clone());
        }
        let kind = if self.accelerated().await? { "kvm" } else { "qemu" };
        let said = self.domain_capabilities(kind).await?;
        Ok(kept.insert(Capabilities { said, at: Instant::now() }).clone())
    }

    /// An image says nothing of networks, and hosts without one are of little use: one card on the
    /// network `default` if there is one, else on the first by name.
    pub(super) async fn a_network_for_an_image(&self) -> Result<Vec<Nic>, Problem> {
        let networks = self.ask_facts().await?.networks;
        let mut active = networks.iter().filter(|network| network.active);
        let chosen = active.clone().find(|network| network.name == "default").or_else(|| active.next());
        let card = |network: &NetworkFacts| Nic { model: "virtio".into(), network: network.name.clone() };
        Ok(chosen.map(card).into_iter().collect())
    }

    async fn domain_capabilities(&self, kind: &'static str) -> Result<Element, Problem> {
        let ask = move |connection: &Connect| {
            let (arch, machine) = (Some("x86_64"), Some("q35"));
            connection.get_domain_capabilities(None, arch, machine, Some(kind), 0)
        };
        let text = self.session.call("asking for capabilities", WORK_DEADLINE, ask).await;
        let text = text.map_err(|error| error.problem(Code::P0010, "the provider"))?;
        Element::parse(&text)
            .map_err(|error| Problem::new(Code::P0002, format!("libvirt's capabilities: {error}")))
    }

    pub(super) async fn ask_vms(&self) -> Result<Vec<Vm>, Problem> {
        let asked = self.session.call("listing machines", ASK_DEADLINE, |connection| {
            let domains = connection.list_all_domains(0)?;
            // One that is gone by now, or cannot say what it is, does not hide the others.
            Ok(domains.iter().filter_map(|domain| describe(domain).ok()).collect::<Vec<_>>())
        });
        let described = asked.await.map_err(|error| error.problem(Code::P0002, "the provider"))?;
        let mut vms: Vec<Vm> = described.iter().filter_map(|(state, xml)| vm(*state, xml)).collect();
        vms.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(vms)
    }
}

/// How a machine stands, as far as publication cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineState {
    pub power: Power,
    /// It was suspended to disk, so its disks are in the middle of something.
    pub saved: bool,
}

pub fn state(domain: &Domain) -> Result<MachineState, Error> {
    let (state, _) = domain.get_state()?;
    let power = match state {
        sys::VIR_DOMAIN_SHUTOFF | sys::VIR_DOMAIN_NOSTATE => Power::Off,
        sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED => Power::Paused,
        sys::VIR_DOMAIN_CRASHED => Power::Crashed,
        _ => Power::Running,
    };
    Ok(MachineState { power, saved: domain.has_managed_save(0)? })
}

/// Why a machine in this state cannot be published.
pub fn standing_obstacle(name: &str, state: MachineState) -> Option<Problem> {
    let refuse = |what: &str| Some(Problem::new(Code::V0001, format!("the machine {name} {what}")));
    match state.power {
        Power::Running => refuse("is running"),
        Power::Paused => refuse("is paused"),
        Power::Off | Power::Crashed if state.saved => {
            refuse("is suspended to disk (start it and shut it down)")
        }
        Power::Off | Power::Crashed => None,
    }
}

fn describe(domain: &Domain) -> Result<(MachineState, String), Error> {
    // What will be there at the next start: the definition, not what runs.
    let inactive = domain.get_xml_desc(sys::VIR_DOMAIN_XML_INACTIVE)?;
    Ok((state(domain)?, inactive))
}

/// What is told of a machine that stands so and is defined so.
pub(super) fn vm(state: MachineState, xml: &str) -> Option<Vm> {
    let domain = Element::parse(xml).ok()?;
    let name = domain.text_at("name")?.to_owned();
    let disks = domain.all("devices/disk").into_iter().filter_map(|disk| {
        let source = disk.first("source")?;
        let path = ["file", "dev", "name", "volume"].iter().find_map(|at| source.get(at))?;
        (!matches!(disk.get("device"), Some("cdrom" | "floppy"))).then(|| VmDisk {
            target: disk.attr_at("target", "dev").unwrap_or_default().to_owned(),
            path: path.to_owned(),
            format: disk.attr_at("driver", "type").unwrap_or("raw").to_owned(),
        })
    });
    let golden = golden::read(&domain);
    let missing = |golden: &golden::Golden| {
        let gone = golden.disks.iter().find(|disk| !disk.path.exists())?;
        let cause = format!("the machine {name}: {} does not exist", gone.path.display());
        Some(Problem::new(Code::V0002, cause))
    };
    let (vcpus, memory) =
        (domain.text_at("vcpu").and_then(|n| n.parse().ok()).unwrap_or(1), golden::memory(&domain));
    let (obstacle, golden) = match golden {
        Err(problem) => (standing_obstacle(&name, state).or(Some(problem)), None),
        Ok(golden) => (standing_obstacle(&name, state).or_else(|| missing(&golden)), Some(golden)),
    };
    let content = golden.filter(|_| obstacle.is_none()).and_then(content);
    Some(Vm {
        uuid: domain.text_at("uuid")?.parse().ok()?,
        power: state.power,
        vcpus,
        memory,
        disks: disks.collect(),
        managed: mark::read(&domain).is_some(),
        obstacle,
        content,
        name,
    })
}

/// What its files occupy: their holes are neither sent nor written.
fn content(golden: golden::Golden) -> Option<VmContent> {
    let mut occupied = ByteCount::ZERO;
    for disk in &golden.disks {
        occupied += ByteCount(std::fs::metadata(&disk.path).ok()?.blocks() * BLOCK_BYTES);
    }
    Some(VmContent { profile: golden.profile, occupied })
}

fn storage(pool: &StoragePool) -> Result<StorageFacts, Error> {
    let xml = pool.get_xml_desc(0)?;
    let path = Element::parse(&xml).ok().and_then(|tree| tree.text_at("target/path").map(str::to_owned));
    let path = path.unwrap_or_default();
    let info = pool.get_info()?;
    // libvirt's own figure is as old as the last refresh, and a refresh opens every volume.
    let (capacity, free) = space(Path::new(&path)).unwrap_or((info.capacity, info.available));
    Ok(StorageFacts {
        name: pool.get_name()?,
        active: pool.is_active()?,
        capacity: ByteCount(capacity),
        free: ByteCount(free),
        path,
    })
}

/// The size of a directory's file system, and what is free for an ordinary user of it.
#[allow(unsafe_code)]
pub fn space(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::ffi::OsStrExt;
    if path.as_os_str().is_empty() {
        return None;
    }
    let path = std::ffi::CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: `statvfs` is plain data for which all zeroes is a valid value.
    let mut stat: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path ends in a zero byte, and the kernel writes only the structure passed; both
    // outlive the call.
    let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut stat) };
    let block = stat.f_frsize;
    (result == 0).then(|| (stat.f_blocks * block, stat.f_bavail * block))
}

/// libvirt's networks, and the bridges that it made for them.
fn networks(connection: &Connect) -> Result<(Vec<NetworkFacts>, Vec<String>), Error> {
    let (mut networks, mut own) = (Vec::new(), Vec::new());
    for network in connection.list_all_networks(0)? {
        let xml = network.get_xml_desc(0)?;
        let tree = Element::parse(&xml).unwrap_or_default();
        if tree.attr_at("forward", "mode") != Some("bridge") {
            own.extend(tree.attr_at("bridge", "name").map(str::to_owned));
        }
        networks.push(NetworkFacts {
            name: network.get_name()?,
            kind: NetworkKind::Network,
            active: network.is_active()?,
        });
    }
    Ok((networks, own))
}

/// Asked over netlink, because `/sys` may show another network namespace's devices. Who cannot be
/// asked has none: libvirt's networks are enough for many.
pub async fn kernel_bridges() -> Vec<String> {
    static TOLD: Once = Once::new();
    let answer = command::look("ip", &[&"-j", &"link", &"show", &"type", &"bridge"]).await;
    let bridges = answer.map_err(|error| error.to_string()).and_then(|answer| bridges(&answer));
    bridges.unwrap_or_else(|error| {
        // For every report it would be too often.
        TOLD.call_once(|| tracing::warn!("the kernel's bridges cannot be listed: {error}"));
        Vec::new()
    })
}

/// The names in what `ip -j link` answered.
pub(super) fn bridges(answer: &Answer) -> Result<Vec<String>, String> {
    #[derive(serde::Deserialize)]
    struct Link {
        ifname: String,
    }
    if !answer.ok {
        return Err(format!("`ip` failed: {}", answer.complaint));
    }
    // Some releases say nothing at all where there is none.
    if answer.stdout.trim().is_empty() {
        return Ok(Vec::new());
    }
    let links: Vec<Link> = serde_json::from_str(&answer.stdout)
        .map_err(|error| format!("`ip` says what is not understood: {error}"))?;
    Ok(links.into_iter().map(|link| link.ifname).collect())
}

fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim().to_owned())
}

/// libvirt packs 7.2.22 into 7002022.
fn version(packed: u32) -> String {
    format!("{}.{}.{}", packed / 1_000_000, packed / 1000 % 1000, packed % 1000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn answer(ok: bool, stdout: &str, complaint: &str) -> Answer {
        Answer { ok, status: Some(i32::from(!ok)), stdout: stdout.into(), complaint: complaint.into() }
    }

    #[test]
    fn bridges_that_cannot_be_listed_are_not_taken_for_none() {
        let listed = answer(true, r#"[{"ifindex":4,"ifname":"br0","mtu":1500},{"ifname":"br1"}]"#, "");
        assert_eq!(bridges(&listed), Ok(vec!["br0".to_owned(), "br1".to_owned()]));
        for none in ["", "\n", "[]\n"] {
            assert_eq!(bridges(&answer(true, none, "")), Ok(Vec::new()), "{none:?}");
        }
        let filtered = "Cannot open netlink socket: Address family not supported by protocol";
        let refused = bridges(&answer(false, "", filtered)).unwrap_err();
        assert!(refused.contains(filtered), "{refused}");
        assert!(bridges(&answer(true, "usage", "")).is_err());
    }

    fn domain(disk: &Path) -> String {
        format!(
            "<domain type='kvm'><name>golden</name><uuid>6e1e2f60-0000-4000-8000-000000000001</uuid>\
             <memory unit='MiB'>256</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='q35'>hvm</type></os>\
             <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{}'/>\
             <target dev='vda' bus='virtio'/></disk><interface type='network'><source network='corp'/>\
             <model type='virtio'/></interface></devices></domain>",
            disk.display()
        )
    }

    #[test]
    fn what_a_machine_would_ask_of_others_is_told_only_while_a_template_can_be_made_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("golden.raw");
        std::fs::write(&disk, vec![1; 1 << 20]).unwrap();
        // Its end is a hole, which occupies nothing.
        std::fs::File::options().write(true).open(&disk).unwrap().set_len(1 << 30).unwrap();
        let off = MachineState { power: Power::Off, saved: false };
        let seen = vm(off, &domain(&disk)).unwrap();
        let content = seen.content.unwrap();
        assert_eq!((seen.obstacle, content.profile.nics[0].network.as_str()), (None, "corp"));
        assert!((1 << 20..1 << 29).contains(&content.occupied.0), "{}", content.occupied);
        let running = vm(MachineState { power: Power::Running, ..off }, &domain(&disk)).unwrap();
        assert!(running.obstacle.is_some() && running.content.is_none());
        let gone = vm(off, &domain(&folder.path().join("gone.raw"))).unwrap();
        assert!(gone.obstacle.is_some() && gone.content.is_none());
    }
}
