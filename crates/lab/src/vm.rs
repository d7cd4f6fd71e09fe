//! A golden VM: defined on a provider from disks, by nothing but virsh, and never started.

use crate::{lab::Lab, paths::text, run::run};
use anyhow::{Context, Result, ensure};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// What starts a machine from its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Firmware {
    Bios,
    Uefi,
}

/// A machine to define. `GoldenVm::new` gives what the small golden machines need.
#[derive(Clone, Debug)]
pub struct GoldenVm {
    pub name: String,
    /// Raw or qcow2 files by their ending (`.qcow2`), copied into the storage pool unless they lie
    /// in it: a chain of backing files must lie in it.
    pub disks: Vec<PathBuf>,
    pub firmware: Firmware,
    /// `q35` or `pc`.
    pub machine: String,
    pub memory_mib: u32,
    pub cpus: u32,
    /// `virtio`, `scsi` or `sata`.
    pub bus: String,
    /// The libvirt network it is on.
    pub network: String,
}

impl GoldenVm {
    pub fn new(name: &str, disk: &Path) -> Self {
        Self {
            name: name.to_owned(),
            disks: vec![disk.to_owned()],
            firmware: Firmware::Bios,
            machine: "q35".to_owned(),
            memory_mib: 256,
            cpus: 1,
            bus: "virtio".to_owned(),
            network: "default".to_owned(),
        }
    }
}

/// What Debian's OVMF begins with: a machine that was never started has this as its NVRAM.
const NVRAM_TEMPLATE: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
const NVRAM_FOLDER: &str = "/var/lib/libvirt/qemu/nvram";

impl Lab {
    /// Defines a shut-off VM on a provider; gives the paths of its disks.
    pub fn define(&self, provider: &str, vm: &GoldenVm) -> Result<Vec<PathBuf>> {
        ensure!(!vm.disks.is_empty(), "a golden VM needs a disk");
        let doing = || format!("defining the VM `{}` on `{provider}`", vm.name);
        let storage = self.item(provider)?.storage;
        let mut placed = Vec::new();
        for (number, disk) in vm.disks.iter().enumerate() {
            placed.push(place(disk, &storage, &vm.name, number).with_context(doing)?);
        }
        if vm.firmware == Firmware::Uefi {
            let nvram = nvram_path(&vm.name);
            let copy = ["install", "-D", "-m", "0600", "-o", "libvirt-qemu", "-g", "libvirt-qemu"];
            self.exec_text(provider, &[&copy[..], &[NVRAM_TEMPLATE, &nvram]].concat()).with_context(doing)?;
        }
        let virsh = self.virsh(provider)?;
        virsh.run_with_xml("define", &xml(vm, &placed, self.state()?.kvm)).with_context(doing)?;
        virsh.run(&["pool-refresh", "default"]).with_context(doing)?;
        Ok(placed)
    }
}

fn nvram_path(name: &str) -> String {
    format!("{NVRAM_FOLDER}/{name}_VARS.fd")
}

fn format_of(disk: &Path) -> &'static str {
    if disk.extension().is_some_and(|it| it == "qcow2") { "qcow2" } else { "raw" }
}

/// Brings a disk into the storage pool under the VM's name.
fn place(disk: &Path, storage: &Path, vm: &str, number: usize) -> Result<PathBuf> {
    ensure!(disk.is_file(), "there is no disk {}", disk.display());
    if disk.starts_with(storage) {
        return Ok(disk.to_owned());
    }
    let target = storage.join(format!("{vm}-{number}.{}", format_of(disk)));
    let fresh = target.with_extension("new");
    run(&["cp", "--reflink=auto", "--sparse=always", text(disk), text(&fresh)])?;
    fs::rename(&fresh, &target).with_context(|| format!("making {}", target.display()))?;
    Ok(target)
}

fn xml(vm: &GoldenVm, disks: &[PathBuf], kvm: bool) -> String {
    let GoldenVm { name, machine, memory_mib, cpus, bus, network, .. } = vm;
    let kind = if kvm { "kvm" } else { "qemu" };
    let (firmware, nvram) = match vm.firmware {
        Firmware::Bios => ("", String::new()),
        Firmware::Uefi => (
            " firmware='efi'",
            format!(
                "<firmware><feature enabled='no' name='secure-boot'/></firmware><nvram>{}</nvram>",
                nvram_path(name)
            ),
        ),
    };
    let prefix = if bus == "virtio" { "vd" } else { "sd" };
    let mut drives = String::new();
    for (disk, letter) in disks.iter().zip('a'..='z') {
        let _ = write!(
            drives,
            "<disk type='file' device='disk'><driver name='qemu' type='{}' discard='unmap'/>\
            <source file='{}'/><target dev='{prefix}{letter}' bus='{bus}'/></disk>",
            format_of(disk),
            disk.display()
        );
    }
    if bus == "scsi" {
        drives.push_str("<controller type='scsi' model='virtio-scsi'/>");
    }
    format!(
        "<domain type='{kind}'><name>{name}</name><memory unit='MiB'>{memory_mib}</memory><vcpu>{cpus}</vcpu>\
         <os{firmware}><type arch='x86_64' machine='{machine}'>hvm</type>{nvram}<boot dev='hd'/></os>\
         <features><acpi/><apic/></features><devices>{drives}\
         <interface type='network'><source network='{network}'/><model type='virtio'/></interface>\
         <serial type='pty'/><console type='pty'/>\
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\
         </devices></domain>"
    )
}
