//! A version as operators see it: what it is, who has it, why it stays.

use crate::{
    app::{integrity, plans::counted},
    picture::{Picture, version_ref},
};
use diecast_api::{
    operator::template::{SizeView, TrimmingView, VersionView},
    time::rfc3339,
};
use diecast_domain::{
    retention::{self, Reason, Verdict},
    template::VersionSize,
    trim::Trimming,
};
use diecast_store::{TemplateRecord, VersionRecord};
use std::collections::BTreeMap;

/// What is said of versions that are deleted because nothing keeps them.
const NOT_KEPT: &str = "nothing: it will be deleted";

/// The versions of one template, with what is worked out of them together.
pub(super) struct Shown<'a> {
    picture: &'a Picture,
    template: &'a TemplateRecord,
    verdicts: BTreeMap<u32, Verdict>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(picture: &'a Picture, template: &'a TemplateRecord) -> Self {
        Self { picture, template, verdicts: retention::verdicts(&picture.world, template.id) }
    }

    pub(super) fn view(&self, version: &VersionRecord) -> VersionView {
        let standing = self
            .picture
            .world
            .hosts
            .iter()
            .filter(|host| host.template == version.template && host.stands_on(version.digest));
        let held = integrity::holders(self.picture, &version_ref(self.template, version));
        VersionView {
            number: version.number,
            digest: version.digest.to_string(),
            current: self.template.current == Some(version.number),
            note: version.note.clone(),
            author: version.author.clone(),
            created_at: rfc3339(version.created_at),
            size: size(&version.size),
            held_by: held_by(self.picture, version),
            tags: version.tags.iter().map(ToString::to_string).collect(),
            parent: version.parent,
            new_bytes: version.new_bytes.map(|bytes| bytes.0),
            new_percent: new_percent(version),
            trimming: version.trimming.as_ref().map(trimming),
            hosts: u32::try_from(standing.count()).unwrap_or(u32::MAX),
            status: self.status(version).to_owned(),
            kept_because: self.kept_because(version),
            verified_at: integrity::oldest(held.iter().map(|held| &held.verified_at)),
            held,
        }
    }

    fn status(&self, version: &VersionRecord) -> &'static str {
        if version.deleting {
            "deleting"
        } else if self.template.current == Some(version.number) {
            "current"
        } else {
            "held"
        }
    }

    fn kept_because(&self, version: &VersionRecord) -> Vec<String> {
        match self.verdicts.get(&version.number) {
            Some(Verdict::Keep(why)) => why.iter().map(brief).collect(),
            Some(Verdict::Delete) => vec![NOT_KEPT.to_owned()],
            None => Vec::new(),
        }
    }
}

/// A reason for a column of a table: it counts what a refusal names.
fn brief(reason: &Reason) -> String {
    match reason {
        Reason::Current => "current".to_owned(),
        Reason::Newest(1) => "the newest".to_owned(),
        Reason::Newest(keep) => format!("one of the {keep} newest"),
        Reason::Tagged(_) => "tagged".to_owned(),
        Reason::Hosts(hosts) => counted(hosts.len(), "host"),
        Reason::Pools(pools) => counted(pools.len(), "pool"),
        Reason::WorkingCopy => "working copy".to_owned(),
        Reason::Recreation => "recreation".to_owned(),
    }
}

/// Who holds it, verified, by name.
fn held_by(picture: &Picture, version: &VersionRecord) -> Vec<String> {
    let holders = picture.world.replicas.iter().filter(|((provider, digest), replica)| {
        *digest == version.digest && replica.is_ready() && picture.providers.contains_key(provider)
    });
    let mut names: Vec<String> = holders.map(|((provider, _), _)| picture.provider_name(*provider)).collect();
    names.sort();
    names
}

/// What part of its data its parent has nowhere.
fn new_percent(version: &VersionRecord) -> Option<f64> {
    let (new, all) = (version.new_bytes?.0, version.size.data_bytes.0);
    Some(if all == 0 { 0.0 } else { (new as f64 * 1000.0 / all as f64).round() / 10.0 })
}

pub(crate) fn size(size: &VersionSize) -> SizeView {
    SizeView {
        virtual_bytes: size.virtual_bytes.0,
        data_bytes: size.data_bytes.0,
        packed_bytes: size.packed_bytes.0,
    }
}

pub(crate) fn trimming(trimming: &Trimming) -> TrimmingView {
    let Trimming { trimmed, bytes, places } = trimming;
    TrimmingView {
        trimmed: *trimmed,
        bytes: bytes.0,
        places: places.iter().map(ToString::to_string).collect(),
    }
}
