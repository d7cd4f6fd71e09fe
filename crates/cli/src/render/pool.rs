//! Pools: the list, and one with its settings and where its hosts are.

use super::{Look, NOTHING, or_nothing, setup, sheet, time, trouble, version};
use diecast_api::operator::pool::{PoolList, PoolView};
use std::collections::BTreeMap;

pub(crate) fn list(look: Look, list: &PoolList) -> String {
    let row = |pool: &PoolView| {
        vec![
            pool.name.clone(),
            pool.status.clone(),
            pool.template.clone(),
            follows(pool),
            size(pool),
            format!("{} of {}", pool.hosts, pool.wanted),
            pool.ready.to_string(),
            pool.in_use.to_string(),
            pool.outdated.to_string(),
            spread(&pool.spread),
        ]
    };
    let header = [
        "NAME",
        "STATUS",
        "TEMPLATE",
        "FOLLOWS",
        "SIZE",
        "HOSTS",
        "READY",
        "IN USE",
        "OUTDATED",
        "PROVIDERS",
    ];
    let mut text = sheet::table(look, &header, list.items.iter().map(row).collect());
    let troubles = list.items.iter().filter_map(|pool| Some(trouble(&pool.name, pool.problem.as_ref()?)));
    let troubles: String = troubles.collect();
    if !troubles.is_empty() {
        text.push_str(&format!("\n{troubles}"));
    }
    text
}

/// `newest (v2)`
fn follows(pool: &PoolView) -> String {
    match pool.version {
        Some(number) if pool.follows == number.to_string() => version::number(number),
        Some(number) => format!("{} ({})", pool.follows, version::number(number)),
        None => pool.follows.clone(),
    }
}

/// `20`, or `10 to 60, 5 spare`
fn size(pool: &PoolView) -> String {
    let spare = if pool.spare > 0 { format!(", {} spare", pool.spare) } else { String::new() };
    match (pool.min, pool.max) {
        (min, max) if min == max => format!("{min}{spare}"),
        (min, max) => format!("{min} to {max}{spare}"),
    }
}

/// `kvm-a 4, kvm-b 3`
fn spread(counts: &BTreeMap<String, u32>) -> String {
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { NOTHING.to_owned() } else { counts.join(", ") }
}

pub(crate) fn show(look: Look, pool: &PoolView) -> String {
    let weights =
        if pool.weights.is_empty() { String::new() } else { format!(" ({})", spread(&pool.weights)) };
    let replace =
        pool.replace_elsewhere_seconds.map(|it| format!("after {} of silence", time::span(it.into())));
    let created = &pool.created_at;
    let pairs = [
        ("Name", pool.name.clone()),
        ("Status", pool.status.clone()),
        ("Template", pool.template.clone()),
        ("Follows", follows(pool)),
        ("Size", size(pool)),
        ("Names", pool.pattern.clone()),
        ("Kind", pool.kind.clone()),
        ("Hosts", format!("{} of {} wanted", pool.hosts, pool.wanted)),
        ("Ready", pool.ready.to_string()),
        ("In use", pool.in_use.to_string()),
        ("Outdated", pool.outdated.to_string()),
        ("On providers", spread(&pool.spread)),
        ("Placement", format!("{}{weights}", pool.placement)),
        ("At most on one provider", or_nothing(pool.cap)),
        ("Only on", pool.providers.join(", ")),
        ("Made up for elsewhere", replace.unwrap_or_else(|| "never".into())),
        ("Guests", setup::setup(&pool.setup)),
        ("Recreation", setup::terms(&pool.terms)),
        ("Created", format!("{} ({})", time::instant(created), time::ago(look.now, created))),
    ];
    let mut text = sheet::details(look, &pairs);
    if let Some(problem) = &pool.problem {
        text.push_str(&format!("\n{}", trouble(&pool.name, problem)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{super::samples, *};

    #[test]
    fn pools_and_why_one_is_not_at_its_size() {
        let items = vec![samples::pool(), samples::short_pool()];
        insta::assert_snapshot!(list(samples::look(None), &PoolList { items, next: None }));
    }

    #[test]
    fn one_pool() {
        insta::assert_snapshot!(show(samples::look(None), &samples::short_pool()));
    }
}
