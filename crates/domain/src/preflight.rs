//! What stands in the way of a replica, found out before a byte moves.

use crate::{
    code::{Code, Problem},
    profile::{Firmware, HardwareProfile},
    provider::{ProviderFacts, ProviderSettings, StorageFacts},
    units::ByteCount,
};

/// Free space that is left alone for the hosts' overlays: the larger of a share and an amount.
pub const FLOOR_PERCENT: u64 = 5;
pub const FLOOR_BYTES: ByteCount = ByteCount::gib(10);

/// The floor of a storage of `capacity`, unless the operator set one.
pub fn floor(capacity: ByteCount, set: Option<ByteCount>) -> ByteCount {
    set.unwrap_or_else(|| FLOOR_BYTES.max(ByteCount(capacity.0 / 100 * FLOOR_PERCENT)))
}

/// What a version asks of a provider.
pub struct Needs<'a> {
    pub profile: &'a HardwareProfile,
    /// What is still to be written there.
    pub bytes: ByteCount,
    pub floor: ByteCount,
}

/// Everything that stands in the way; empty when nothing does. `provider` is for the sentences.
pub fn obstacles(
    provider: &str,
    facts: &ProviderFacts,
    settings: &ProviderSettings,
    needs: &Needs<'_>,
) -> Vec<Problem> {
    let mut found = Vec::new();
    match facts.storages.iter().find(|storage| storage.name == settings.storage) {
        Some(storage) if storage.active => found.extend(space(provider, storage, needs)),
        Some(storage) => found.push(Problem::new(
            Code::P0003,
            format!("storage pool `{}` on {provider} is not active", storage.name),
        )),
        None => found.push(Problem::new(
            Code::P0003,
            format!("{provider} has no storage pool `{}`", settings.storage),
        )),
    }
    found.extend(networks(provider, facts, settings, needs.profile));
    found.extend(hardware(provider, facts, needs.profile));
    found
}

fn space(provider: &str, storage: &StorageFacts, needs: &Needs<'_>) -> Option<Problem> {
    let wanted = needs.bytes + needs.floor;
    (storage.free < wanted).then(|| {
        Problem::new(
            Code::P0004,
            format!(
                "{provider} has {} free in `{}`; {} is to be written and {} must stay free",
                storage.free, storage.name, needs.bytes, needs.floor
            ),
        )
    })
}

fn networks(
    provider: &str,
    facts: &ProviderFacts,
    settings: &ProviderSettings,
    profile: &HardwareProfile,
) -> Vec<Problem> {
    let mut found: Vec<Problem> = Vec::new();
    for nic in &profile.nics {
        let there = settings.networks.get(&nic.network).unwrap_or(&nic.network);
        let cause = match facts.networks.iter().find(|network| network.name == *there) {
            Some(network) if network.active => continue,
            Some(_) => format!("network `{there}` on {provider} is not active"),
            None if *there == nic.network => format!("{provider} has no network `{there}`"),
            None => format!("{provider} has no network `{there}`, which `{}` is mapped to", nic.network),
        };
        let problem = Problem::new(Code::P0005, cause).with_hint(format!(
            "create it, or map it: `diecast provider set {provider} --network {}=NAME-THERE`",
            nic.network
        ));
        if !found.contains(&problem) {
            found.push(problem);
        }
    }
    found
}

fn hardware(provider: &str, facts: &ProviderFacts, profile: &HardwareProfile) -> Vec<Problem> {
    let mut found = Vec::new();
    let (offered, wanted) = match profile.firmware {
        Firmware::Bios => (facts.firmware.bios, "BIOS"),
        Firmware::Uefi { secure_boot: false } => (facts.firmware.uefi, "UEFI"),
        Firmware::Uefi { secure_boot: true } => (facts.firmware.secure_boot, "UEFI with secure boot"),
    };
    if !offered {
        found.push(Problem::new(Code::P0006, format!("{provider} does not offer {wanted}")));
    }
    if !facts.machine_types.contains(&profile.machine) {
        found.push(Problem::new(
            Code::P0007,
            format!("{provider} does not offer the machine type {:?}", profile.machine),
        ));
    }
    if let Some(model) = &profile.cpu_model
        && !facts.cpu.guest_models.contains(model)
    {
        found.push(Problem::new(Code::P0007, format!("{provider} does not offer the CPU model {model}")));
    }
    found
}

#[cfg(test)]
#[path = "preflight_tests.rs"]
mod tests;
