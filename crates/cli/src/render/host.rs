//! Hosts: the list, and one with its addresses.

use super::{Look, integrity, or_nothing, setup, sheet, time, trouble, yes_no};
use diecast_api::operator::host::{HostList, HostView};

/// Titles, and whether a narrow terminal goes without.
const COLUMNS: [(&str, bool); 11] = [
    ("NAME", true),
    ("STATUS", true),
    ("POWER", false),
    ("TEMPLATE", true),
    ("VERSION", true),
    ("PROVIDER", true),
    ("POOL", true),
    ("KIND", false),
    ("IN USE", true),
    ("ADDRESS", true),
    ("GUEST AGENT", false),
];
/// A terminal with fewer columns than this is narrow.
const NARROW: u16 = 120;

pub(crate) fn list(look: Look, list: &HostList) -> String {
    let row = |host: &HostView| {
        vec![
            host.name.clone(),
            host.status.clone(),
            or_nothing(host.power.as_ref()),
            host.template.clone(),
            version(host),
            host.provider.clone(),
            or_nothing(host.pool.as_ref()),
            host.kind.clone(),
            host.in_use.clone(),
            or_nothing(host.addresses.first()),
            yes_no(host.guest_agent),
        ]
    };
    let mut text = sheet::fitting_table(look, &COLUMNS, NARROW, list.items.iter().map(row).collect());
    let troubles = list.items.iter().filter_map(|host| Some(trouble(&host.name, host.problem.as_ref()?)));
    let stands = list.items.iter().filter_map(|host| Some((host, host.base_damage.as_ref()?)));
    let damaged = stands.map(|(host, damage)| {
        let (number, template) = (damage.version, &host.template);
        format!(
            "{}: {} v{number} of {template}, which it stands on, is damaged there\n",
            host.name, damage.code
        )
    });
    let troubles: String = troubles.chain(damaged).collect();
    if !troubles.is_empty() {
        text.push_str(&format!("\n{troubles}"));
    }
    text
}

/// `1 (outdated)`
fn version(host: &HostView) -> String {
    if host.outdated { format!("{} (outdated)", host.version) } else { host.version.to_string() }
}

/// `yes: anna, bert`
fn in_use(host: &HostView) -> String {
    if host.users.is_empty() {
        host.in_use.clone()
    } else {
        format!("{}: {}", host.in_use, host.users.join(", "))
    }
}

pub(crate) fn show(look: Look, host: &HostView) -> String {
    let pairs = [
        ("Name", host.name.clone()),
        ("UUID", host.id.clone()),
        ("Status", host.status.clone()),
        ("Power", or_nothing(host.power.as_ref())),
        ("Template", host.template.clone()),
        ("Version", version(host)),
        ("Base verified", integrity::verified(look, host.base_verified_at.as_ref())),
        ("Provider", host.provider.clone()),
        ("Pool", host.pool.clone().unwrap_or_default()),
        ("Kind", host.kind.clone()),
        ("In use", in_use(host)),
        ("Made", if host.incarnation > 1 { format!("{} times", host.incarnation) } else { "once".into() }),
        ("Guest", setup::setup(&host.setup)),
        ("Addresses", host.addresses.join(", ")),
        ("MACs", host.macs.join(", ")),
        ("Guest agent answers", yes_no(host.guest_agent)),
        ("Guest calls itself", host.guest_name.clone().unwrap_or_default()),
        (
            "Created",
            format!("{} ({})", time::instant(&host.created_at), time::ago(look.now, &host.created_at)),
        ),
        ("Attempts", host.attempts.to_string()),
        (
            "Next attempt",
            host.next_attempt_at.as_deref().map(|at| time::until(look.now, at)).unwrap_or_default(),
        ),
    ];
    let mut text = sheet::details(look, &pairs);
    if let Some(problem) = &host.problem {
        text.push_str(&format!("\n{}", trouble(&host.name, problem)));
    }
    if let Some(damage) = &host.base_damage {
        let whose = format!("{} on {}, which {} stands on", host.template, host.provider, host.name);
        text.push_str(&format!("\n{}", integrity::damage(&whose, damage)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn hosts_with_their_power_address_and_agent() {
        let items = vec![samples::host(), samples::failed_host()];
        insta::assert_snapshot!(list(samples::look(None), &HostList { items, next: None, total: 2 }));
    }

    #[test]
    fn one_host() {
        insta::assert_snapshot!(show(samples::look(None), &samples::host()));
    }
}
