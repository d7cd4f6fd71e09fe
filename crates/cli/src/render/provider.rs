//! Providers: the list, and one with all that is known of it.

use super::{Look, NOTHING, bytes, integrity, limit, or_nothing, sheet, time, trouble, yes_no};
use diecast_api::operator::provider::{FactsView, ProviderList, ProviderView, StorageView};
use std::collections::BTreeMap;

const HEADER: [&str; 9] = ["NAME", "KIND", "STATE", "SINCE", "SITE", "FREE", "TEMPLATES", "HOSTS", "AGENT"];

pub(crate) fn list(look: Look, list: &ProviderList) -> String {
    let row = |provider: &ProviderView| {
        vec![
            provider.name.clone(),
            provider.kind.clone(),
            provider.state.clone(),
            time::lasting(look.now, &provider.since),
            or_nothing(provider.site.as_ref()),
            storage_in_use(provider).map_or_else(|| NOTHING.into(), |storage| bytes(storage.free_bytes)),
            provider.templates.to_string(),
            provider.hosts.to_string(),
            agent(provider).unwrap_or_else(|| NOTHING.to_owned()),
        ]
    };
    let mut text = sheet::table(look, &HEADER, list.items.iter().map(row).collect());
    let troubles = list.items.iter().filter_map(|it| Some(trouble(&it.name, it.problem.as_ref()?)));
    let troubles: String = troubles.collect();
    if !troubles.is_empty() {
        text.push_str(&format!("\n{troubles}"));
    }
    text
}

/// Its release, and whether that is another than the server's.
fn agent(provider: &ProviderView) -> Option<String> {
    let version = provider.agent_version.as_ref()?;
    Some(match provider.agent_age.as_deref() {
        Some(age @ ("older" | "newer")) => format!("{version} ({age})"),
        _ => version.clone(),
    })
}

fn storage_in_use(provider: &ProviderView) -> Option<&StorageView> {
    provider.facts.as_ref()?.storages.iter().find(|storage| storage.name == provider.storage)
}

pub(crate) fn show(look: Look, provider: &ProviderView) -> String {
    let mut pairs = vec![
        ("Name", provider.name.clone()),
        ("Kind", provider.kind.clone()),
        ("State", provider.state.clone()),
        ("Since", since(look, &provider.since)),
        ("URI", provider.uri.clone()),
        ("Storage", provider.storage.clone()),
        ("Mapped networks", joined(&provider.networks)),
        ("Site", provider.site.clone().unwrap_or_default()),
        ("Labels", joined(&provider.labels)),
        ("Limit", limit(provider.limit.as_ref(), provider.limited.as_ref())),
        ("Reads back", provider.scrub.as_ref().map(|it| integrity::scrub(look, it)).unwrap_or_default()),
        ("Reading now", provider.scrub.as_ref().and_then(integrity::scrubbing).unwrap_or_default()),
        ("Verified", integrity::verified(look, provider.verified_at.as_ref())),
        ("Templates", provider.templates.to_string()),
        ("Hosts", provider.hosts.to_string()),
        ("Agent", agent(provider).unwrap_or_default()),
        ("Addresses", provider.addresses.join(", ")),
        (
            "Certificate until",
            provider.certificate_expires_at.as_deref().map(time::instant).unwrap_or_default(),
        ),
        ("Unassigned versions", provider.unassigned.join(", ")),
    ];
    if let Some(facts) = &provider.facts {
        pairs.extend(hardware(facts));
    }
    let mut text = sheet::details(look, &pairs);
    if let Some(facts) = &provider.facts {
        text.push_str(&format!("\n{}\n{}", storages(look, provider, facts), networks(look, facts)));
    }
    if !provider.held.is_empty() {
        text.push_str(&format!("\n{}", integrity::held(look, &provider.held)));
    }
    if let Some(problem) = &provider.problem {
        text.push_str(&format!("\n{}", trouble(&provider.name, problem)));
    }
    let damages = provider.held.iter().filter_map(|held| Some((held, held.damage.as_ref()?)));
    for (held, damage) in damages {
        text.push_str(&format!(
            "\n{}",
            integrity::damage(&format!("{} on {}", held.template, held.provider), damage)
        ));
    }
    text
}

fn hardware(facts: &FactsView) -> [(&'static str, String); 5] {
    [
        ("Hypervisor", facts.hypervisor.clone()),
        ("CPU", format!("{} × {}", facts.cpu_count, facts.cpu_model)),
        ("Memory", bytes(facts.memory_bytes)),
        ("Hardware acceleration", yes_no(facts.hardware_acceleration)),
        ("Firmware", facts.firmware.join(", ")),
    ]
}

fn storages(look: Look, provider: &ProviderView, facts: &FactsView) -> String {
    let row = |storage: &StorageView| {
        vec![
            storage.name.clone(),
            yes_no(storage.name == provider.storage),
            yes_no(storage.active),
            bytes(storage.free_bytes),
            bytes(storage.capacity_bytes),
            storage.path.clone(),
        ]
    };
    let header = ["STORAGE", "USED HERE", "ACTIVE", "FREE", "CAPACITY", "PATH"];
    sheet::table(look, &header, facts.storages.iter().map(row).collect())
}

fn networks(look: Look, facts: &FactsView) -> String {
    let rows = facts.networks.iter().map(|it| vec![it.name.clone(), it.kind.clone(), yes_no(it.active)]);
    sheet::table(look, &["NETWORK", "KIND", "ACTIVE"], rows.collect())
}

/// `2026-01-01 00:00:00Z (10 min ago)`
fn since(look: Look, at: &str) -> String {
    format!("{} ({})", time::instant(at), time::ago(look.now, at))
}

fn joined(pairs: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn providers_and_what_is_wrong_with_them() {
        let items = vec![samples::provider(), samples::silent_provider()];
        insta::assert_snapshot!(list(samples::look(None), &ProviderList { items, next: None }));
    }

    #[test]
    fn one_provider_with_its_storage_and_networks() {
        insta::assert_snapshot!(show(samples::look(Some(100)), &samples::provider()));
    }
}
