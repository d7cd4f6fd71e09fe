//! What is to be changed so that it is as the file says: pure, and in an order in which each step can be done.

use super::{
    document::{Document, LimitWish, OFF, PoolWish, ProviderWish, TemplateWish, WindowWish},
    there::{self, There},
};
use crate::{
    commands::texts,
    render::changes::{Field, Sign},
};
use diecast_api::operator::{
    pool::{CreatePool, PoolSettings, PoolView},
    provider::{ChangeProvider, ProviderView},
    scrub::ChangeScrub,
    template::{ChangeTemplate, TemplateView},
};
use diecast_domain::site::SiteLink;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Tables of which a file gives every entry, and none but those.
const WHOLE: [&str; 3] = ["networks.", "labels.", "weights."];

#[derive(Debug, Default)]
pub(super) struct Difference {
    pub(super) steps: Vec<Step>,
    /// What is there, not in the file, and stays.
    pub(super) notes: Vec<String>,
}

/// One request, and how it is shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub(crate) sign: Sign,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    #[serde(skip)]
    pub(super) act: Act,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    ChangeProvider { name: String, change: ChangeProvider },
    LimitLink { link: SiteLink, limit: String },
    ChangeTemplate { name: String, change: ChangeTemplate },
    PutOn { template: String, providers: Vec<String> },
    TakeOff { template: String, providers: Vec<String> },
    CreatePool(Box<CreatePool>),
    ChangePool { name: String, change: Box<PoolSettings> },
    DeletePool { name: String },
}

impl Act {
    pub(super) fn removes(&self) -> bool {
        matches!(self, Self::TakeOff { .. } | Self::DeletePool { .. })
    }
}

/// Or what of the file cannot be had, a sentence each.
pub(super) fn diff(document: &Document, there: &There, prune: bool) -> Result<Difference, Vec<String>> {
    let blockers = impossible(document, there);
    if !blockers.is_empty() {
        return Err(blockers);
    }
    let mut difference = Difference::default();
    let mut removals = Vec::new();
    for (name, wish) in &document.provider {
        difference.steps.extend(there.providers.get(name.as_str()).and_then(|it| provider(it, wish)));
    }
    let (links, limited) = (links(document), there.links());
    for (link, LimitWish(wanted)) in &links {
        difference.steps.extend(site_link(link, limited.get(link), wanted));
    }
    let surplus = limited.iter().filter(|(link, _)| !links.contains_key(link));
    if prune && !document.site.is_empty() {
        removals.extend(surplus.filter_map(|(link, now)| site_link(link, Some(now), OFF)));
    } else if !document.site.is_empty() {
        let note =
            |link: &SiteLink| format!("site link {link}: limited and not in the file; `--prune` lifts that");
        difference.notes.extend(surplus.map(|(link, _)| note(link)));
    }
    for (name, wish) in &document.template {
        difference.steps.extend(there.templates.get(name.as_str()).and_then(|it| template(it, wish)));
    }
    for (name, wish) in &document.template {
        let Some(wanted) = wish.distribution.as_ref().map(|list| texts(list)) else { continue };
        let now = there.lists.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
        let missing: Vec<_> = wanted.iter().filter(|it| !now.contains(it)).cloned().collect();
        let surplus: Vec<_> = now.iter().filter(|it| !wanted.contains(it)).cloned().collect();
        let template = name.to_string();
        difference.steps.extend(members(Sign::Add, &template, missing));
        if prune {
            removals.extend(members(Sign::Remove, &template, surplus));
        } else if !surplus.is_empty() {
            let surplus = surplus.join(", ");
            difference.notes.push(format!(
                "{surplus}: on the list of {template} and not in the file; `--prune` takes off"
            ));
        }
    }
    for (name, wish) in &document.pool {
        difference.steps.extend(match there.pools.get(name.as_str()) {
            Some(it) => pool(it, wish),
            None => Some(new_pool(name.as_str(), wish)),
        });
    }
    let surplus = there.pools.values().filter(|it| !document.pool.contains_key(it.name.as_str()));
    if prune {
        removals.splice(0..0, surplus.map(gone_pool));
    } else if !document.pool.is_empty() {
        let note = |it: &PoolView| format!("pool {}: not in the file; `--prune` deletes it", it.name);
        difference.notes.extend(surplus.map(note));
    }
    // First what is new is there, then what is old goes; and hosts before the copies that they stand on.
    difference.steps.extend(removals);
    Ok(difference)
}

/// What a file cannot make, and what cannot be changed.
fn impossible(document: &Document, there: &There) -> Vec<String> {
    let mut blockers = Vec::new();
    let no_provider = |name: &str, of: &str| {
        (!there.providers.contains_key(name))
            .then(|| format!("{of}: there is no provider {name}; add it with `diecast provider add {name}`"))
    };
    let no_template = |name: &str, of: &str| {
        (!there.templates.contains_key(name)).then(|| {
            format!("{of}: there is no template {name}; make it with `diecast template create {name}`")
        })
    };
    for name in document.provider.keys() {
        blockers.extend(no_provider(name.as_str(), &format!("provider.{name}")));
    }
    let stands = |site: &str| {
        let to_be = |wish: &ProviderWish| wish.site.as_deref() == Some(site);
        there.sites.contains_key(site) || document.provider.values().any(to_be)
    };
    let named = document.site.iter().flat_map(|(site, wish)| std::iter::once(site).chain(wish.links.keys()));
    let nowhere: BTreeSet<_> = named.filter(|site| !stands(site)).collect();
    blockers.extend(nowhere.into_iter().map(|site| {
        format!("site.{site}: no provider stands there; `diecast provider set NAME --site {site}` says of one that it does")
    }));
    for (name, wish) in &document.template {
        let of = format!("template.{name}");
        blockers.extend(no_template(name.as_str(), &of));
        let listed = wish.distribution.iter().flatten();
        blockers.extend(listed.filter_map(|provider| no_provider(provider.as_str(), &of)));
    }
    for (name, wish) in &document.pool {
        let of = format!("pool.{name}");
        blockers.extend(no_template(wish.template.as_str(), &of));
        let named = wish.providers.iter().flatten().chain(wish.weights.iter().flat_map(BTreeMap::keys));
        blockers.extend(named.filter_map(|provider| no_provider(provider.as_str(), &of)));
        match there.pools.get(name.as_str()) {
            Some(it) if it.template != wish.template.as_str() => blockers.push(format!(
                "{of}: its hosts are of {}, and a pool keeps its template; delete it first to make it anew",
                it.template
            )),
            Some(it) if it.pattern != wish.pattern.to_string() => blockers.push(format!(
                "{of}: its hosts are named {}, and a pool keeps its names; delete it first to make it anew",
                it.pattern
            )),
            Some(_) => {}
            None if wish.bounds() == (None, None) => {
                blockers.push(format!("{of}: a new pool needs `size`, or `min` and `max`"))
            }
            None => {}
        }
    }
    blockers
}

fn provider(it: &ProviderView, wish: &ProviderWish) -> Option<Step> {
    let fields = fields(&there::provider(it), wish);
    let is_changed = |key: &str| fields.iter().any(|field| field.key == key);
    let pairs = |table: &str, wanted: &Option<BTreeMap<String, String>>| -> BTreeMap<String, String> {
        let keys = fields.iter().filter_map(|field| field.key.strip_prefix(table));
        let value =
            |key: &str| wanted.as_ref().and_then(|wanted| wanted.get(key)).cloned().unwrap_or_default();
        keys.map(|key| (key.to_owned(), value(key))).collect()
    };
    let change = ChangeProvider {
        uri: wish.uri.clone().filter(|_| is_changed("uri")),
        storage: wish.storage.clone().filter(|_| is_changed("storage")),
        site: wish.site.clone().filter(|_| is_changed("site")),
        networks: pairs("networks.", &wish.networks),
        labels: pairs("labels.", &wish.labels),
        limit: wish.limit.clone().filter(|_| is_changed("limit")).map(|limit| limit.0),
        scrub: wish.scrub.clone().filter(|_| fields.iter().any(|it| it.key.starts_with("scrub."))).map(
            |scrub| ChangeScrub {
                on: scrub.on,
                every_seconds: scrub.every_seconds,
                bytes_per_second: scrub.bytes_per_second,
                window: scrub.window.map(WindowWish::asked),
            },
        ),
    };
    changed("provider", &it.name, fields, Act::ChangeProvider { name: it.name.clone(), change })
}

fn links(document: &Document) -> BTreeMap<SiteLink, LimitWish> {
    document.links().expect("it was read, and says nothing twice")
}

fn site_link(link: &SiteLink, now: Option<&String>, wanted: &str) -> Option<Step> {
    let now = now.map_or(OFF, String::as_str);
    let field = Field { key: "limit".into(), from: Some(now.to_owned()), to: Some(wanted.to_owned()) };
    let fields = if now == wanted { Vec::new() } else { vec![field] };
    let act = Act::LimitLink { link: link.clone(), limit: wanted.to_owned() };
    changed("site link", &link.to_string(), fields, act)
}

fn template(it: &TemplateView, wish: &TemplateWish) -> Option<Step> {
    let wish = TemplateWish { distribution: None, ..wish.clone() };
    let fields = fields(&there::template(it), &wish);
    let limit = wish.limit.clone().map(|limit| limit.0);
    let change = ChangeTemplate {
        concurrency: wish.concurrency,
        keep: wish.keep,
        limit,
        host_defaults: wish.host_defaults.unwrap_or_default(),
    };
    changed("template", &it.name, fields, Act::ChangeTemplate { name: it.name.clone(), change })
}

fn members(sign: Sign, template: &str, providers: Vec<String>) -> Option<Step> {
    let field = |name: &String| match sign {
        Sign::Remove => Field { key: "distribution".into(), from: Some(name.clone()), to: None },
        _ => Field { key: "distribution".into(), from: None, to: Some(name.clone()) },
    };
    let fields: Vec<_> = providers.iter().map(field).collect();
    let template = template.to_owned();
    let name = template.clone();
    let act = match sign {
        Sign::Remove => Act::TakeOff { template, providers },
        _ => Act::PutOn { template, providers },
    };
    changed("template", &name, fields, act)
}

fn settings(wish: &PoolWish) -> PoolSettings {
    let (min, max) = wish.bounds();
    PoolSettings {
        version: wish.version.clone(),
        size: None,
        min,
        max,
        spare: wish.spare,
        full: wish.full,
        placement: wish.placement.clone(),
        weights: wish.weights.as_ref().map(|it| it.iter().map(|(name, n)| (name.to_string(), *n)).collect()),
        cap: wish.cap,
        providers: wish.providers.as_ref().map(|list| texts(list)),
        replace_elsewhere_seconds: wish.replace_elsewhere_seconds,
        setup: wish.setup.clone(),
        terms: wish.terms.clone(),
    }
}

fn pool(it: &PoolView, wish: &PoolWish) -> Option<Step> {
    let (min, max) = wish.bounds();
    // `v2` is the number 2 here as well.
    let number = |said: String| match said.strip_prefix('v').map(str::parse::<u32>) {
        Some(Ok(number)) => number.to_string(),
        _ => said,
    };
    let version = wish.version.clone().map(number);
    let apart = PoolWish { size: None, min, max, version, ..wish.clone() };
    let fields = fields(&there::pool(it), &apart);
    let touches = |part: &str| fields.iter().any(|field| field.key.starts_with(part));
    let said = settings(wish);
    let change = PoolSettings {
        setup: said.setup.filter(|_| touches("setup.")),
        terms: said.terms.filter(|_| touches("terms.")),
        ..said
    };
    changed("pool", &it.name, fields, Act::ChangePool { name: it.name.clone(), change: Box::new(change) })
}

fn new_pool(name: &str, wish: &PoolWish) -> Step {
    let create = CreatePool {
        name: name.to_owned(),
        template: wish.template.to_string(),
        pattern: wish.pattern.to_string(),
        settings: settings(wish),
    };
    let field = |(key, to)| Field { key, from: None, to: Some(to) };
    let fields = leaves(wish).into_iter().map(field).collect();
    Step {
        sign: Sign::Add,
        kind: "pool",
        name: name.to_owned(),
        fields,
        act: Act::CreatePool(Box::new(create)),
    }
}

fn gone_pool(it: &PoolView) -> Step {
    let hosts = Field { key: "hosts".into(), from: Some(it.hosts.to_string()), to: None };
    let act = Act::DeletePool { name: it.name.clone() };
    Step { sign: Sign::Remove, kind: "pool", name: it.name.clone(), fields: vec![hosts], act }
}

fn changed(kind: &'static str, name: &str, fields: Vec<Field>, act: Act) -> Option<Step> {
    (!fields.is_empty()).then(|| Step { sign: Sign::Change, kind, name: name.to_owned(), fields, act })
}

/// Where a wish differs from what is there. What a wish does not say does not differ.
fn fields<N: Serialize, W: Serialize>(now: &N, wish: &W) -> Vec<Field> {
    let (now, wished) = (leaves(now), leaves(wish));
    let mut fields = Vec::new();
    for (key, to) in &wished {
        let from = now.get(key);
        // Nothing, said in either way.
        if from.map_or("", String::as_str) == to {
            continue;
        }
        fields.push(Field { key: key.clone(), from: from.cloned(), to: Some(to.clone()) });
    }
    let tables = serde_json::to_value(wish).expect("wishes are always JSON");
    let is_given = |table: &str| tables.get(table.trim_end_matches('.')).is_some();
    for (key, from) in &now {
        let whole = WHOLE.iter().any(|table| key.starts_with(table) && is_given(table));
        if whole && !wished.contains_key(key) {
            fields.push(Field { key: key.clone(), from: Some(from.clone()), to: None });
        }
    }
    fields
}

/// Every value under its dotted key, as text.
fn leaves(value: &impl Serialize) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    gather("", &serde_json::to_value(value).expect("wishes are always JSON"), &mut leaves);
    leaves
}

fn gather(key: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let text = match value {
        Value::Null => return,
        Value::Object(table) => {
            for (name, value) in table {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                gather(&key, value, leaves);
            }
            return;
        }
        Value::Array(items) => {
            let mut items: Vec<_> =
                items.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
            items.sort();
            items.join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    leaves.insert(key.to_owned(), text);
}
