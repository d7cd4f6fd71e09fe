//! Which hosts a recreation is for, and what each should become: one group a template and version.

use crate::{
    app::{hosts, named_version::named_version, pools::pool_named, refused::Refused, terms},
    picture::{Picture, version_ref},
};
use diecast_api::operator::recreation::CreateRecreation;
use diecast_domain::{
    code::Code,
    host::Host,
    ids::TemplateId,
    pattern::HOSTS_PER_REQUEST_MAX,
    recreation::{HostProgress, Recreation, Stage, Terms},
    template::VersionRef,
    units::{ByteCount, Timestamp},
};
use diecast_store::VersionRecord;
use std::collections::BTreeMap;

/// Hosts that go to one version together.
pub(super) struct Group<'a> {
    pub(super) target: VersionRef,
    /// What a full host of it occupies.
    pub(super) data: ByteCount,
    pub(super) hosts: Vec<&'a Host>,
    pub(super) terms: Terms,
    /// Those that stand on it already are made anew too.
    pub(super) refresh: bool,
}

/// What is asked, checked. Empty if nothing is outdated.
pub(super) fn groups<'a>(
    picture: &'a Picture,
    asked: &CreateRecreation,
    now: Timestamp,
) -> Result<Vec<Group<'a>>, Refused> {
    let mut by_version: BTreeMap<(TemplateId, u32), Vec<&Host>> = BTreeMap::new();
    let mut on_their_way = None;
    for host in selected(picture, asked)? {
        let Some(target) = target(picture, asked, host)? else { continue };
        let stands_there = host.version == target.number && host.digest == target.digest;
        if asked.outdated && stands_there {
            continue;
        }
        match under_way(picture, host, target) {
            Some((recreation, true)) if asked.hosts.is_empty() => on_their_way = Some((host, recreation)),
            Some((recreation, _)) => return Err(already(host, recreation)),
            None => by_version.entry((host.template, target.number)).or_default().push(host),
        }
    }
    // Whoever asks for what is being done already is told so, rather than that nothing is to do.
    if let Some((host, recreation)) = on_their_way.filter(|_| by_version.is_empty()) {
        return Err(already(host, recreation));
    }
    let terms = terms::merged(&defaults(picture, asked)?, &asked.terms, now)?;
    let group = |((template, number), mut hosts): ((TemplateId, u32), Vec<&'a Host>)| {
        hosts.sort_by(|a, b| a.name.cmp(&b.name));
        let record = picture.templates.get(&template)?;
        let version = picture.versions_of(template).find(|version| version.number == number)?;
        let (target, data) = (version_ref(record, version), version.size.data_bytes);
        Some(Group { target, data, hosts, terms: terms.clone(), refresh: !asked.outdated })
    };
    Ok(by_version.into_iter().filter_map(group).collect())
}

fn already(host: &Host, recreation: &Recreation) -> Refused {
    let cause = format!(
        "host `{}` is being recreated on v{} already: recreation {} is {}",
        host.name,
        recreation.version,
        recreation.id,
        recreation.stage.as_str()
    );
    Refused::new(Code::L0020, cause)
}

fn selected<'a>(picture: &'a Picture, asked: &CreateRecreation) -> Result<Vec<&'a Host>, Refused> {
    let all = picture.world.hosts.iter().filter(|host| !host.deleting);
    match (&asked.hosts[..], &asked.template, &asked.pool) {
        ([], Some(template), None) => {
            let template = picture.template_named(template)?.id;
            Ok(all.filter(|host| host.template == template).collect())
        }
        ([], None, Some(pool)) => {
            let pool = pool_named(picture, pool)?.id;
            Ok(all.filter(|host| host.pool == Some(pool)).collect())
        }
        (names @ [_, ..], None, None) => {
            if asked.outdated {
                let cause =
                    "`outdated` goes with `template` or `pool`; hosts by name are recreated in any case";
                return Err(Refused::malformed(cause));
            }
            by_name(picture, names)
        }
        _ => Err(Refused::malformed("say exactly one of `hosts`, `template` and `pool`")),
    }
}

fn by_name<'a>(picture: &'a Picture, names: &[String]) -> Result<Vec<&'a Host>, Refused> {
    if names.len() > HOSTS_PER_REQUEST_MAX as usize {
        let cause = format!("`hosts` names {}; it may name {HOSTS_PER_REQUEST_MAX}", names.len());
        return Err(Refused::malformed(cause));
    }
    let mut found: Vec<&Host> = Vec::new();
    for name in names {
        let host = hosts::named(picture, name)?;
        if host.deleting {
            return Err(Refused::new(Code::A0010, format!("host `{name}` is being deleted")));
        }
        if !found.iter().any(|there| there.id == host.id) {
            found.push(host);
        }
    }
    Ok(found)
}

/// The version that the host is to become. None if there is none: its pool follows a tag that is on
/// no version.
fn target<'a>(
    picture: &'a Picture,
    asked: &CreateRecreation,
    host: &Host,
) -> Result<Option<&'a VersionRecord>, Refused> {
    let Some(record) = picture.templates.get(&host.template) else { return Ok(None) };
    if let Some(version) = &asked.version {
        return named_version(picture, record, version).map(Some);
    }
    let number = picture.wanted_version(host);
    let wanted = picture.versions_of(host.template).find(|version| Some(version.number) == number);
    Ok(wanted.filter(|version| !version.deleting))
}

/// The recreation that has hold of the host, and whether it brings it to `target` by itself. One that
/// has begun nothing yet, or that would bring it elsewhere later, gives way to a new one.
fn under_way<'a>(
    picture: &'a Picture,
    host: &Host,
    target: &VersionRecord,
) -> Option<(&'a Recreation, bool)> {
    picture.world.recreations.iter().find_map(|it| {
        let progress = it.hosts.get(&host.id).filter(|_| it.stage == Stage::Running)?;
        let same = it.digest == target.digest;
        let holds = match progress {
            HostProgress::Waiting => same && !it.cancelling,
            HostProgress::Begun { .. } | HostProgress::Healthy { .. } | HostProgress::Failed { .. } => true,
            HostProgress::Passed | HostProgress::RolledBack | HostProgress::Left => false,
        };
        holds.then_some((it, same))
    })
}

/// What holds for what the request leaves out: the pool's own terms.
fn defaults(picture: &Picture, asked: &CreateRecreation) -> Result<Terms, Refused> {
    let pool = asked.pool.as_deref().map(|name| pool_named(picture, name)).transpose()?;
    Ok(pool.map(|pool| pool.terms.clone()).unwrap_or_default())
}
