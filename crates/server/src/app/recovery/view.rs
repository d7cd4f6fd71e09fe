//! What differs, in words.

use crate::{picture::Picture, strangers::Stranger};
use diecast_api::{
    operator::recovery::{FindingView, RecoveryProviderView, RecoveryView},
    time::rfc3339,
};
use diecast_domain::{
    ids::ProviderId,
    recovery::{Findings, FoundHost, FoundVersion, findings},
};
use diecast_store::RecoveryRecord;
use std::collections::BTreeMap;

/// Names in one sentence.
const NAMES_MAX: usize = 5;

pub(super) fn view(
    picture: &Picture,
    record: Option<RecoveryRecord>,
    strangers: &BTreeMap<ProviderId, Stranger>,
) -> RecoveryView {
    let open = record.is_some_and(|record| record.is_open());
    let found = findings(&picture.world);
    RecoveryView {
        open,
        backup_made_at: record.map(|it| rfc3339(it.backup_made_at)),
        restored_at: record.map(|it| rfc3339(it.restored_at)),
        finished_at: record.and_then(|it| it.finished_at).map(rfc3339),
        providers: if open { providers(picture, strangers) } else { Vec::new() },
        items: items(picture, found),
    }
}

fn providers(picture: &Picture, strangers: &BTreeMap<ProviderId, Stranger>) -> Vec<RecoveryProviderView> {
    let formers = picture.world.recovery.as_ref().map(|recovery| &recovery.formers);
    let known = picture.providers.values().map(|record| RecoveryProviderView {
        id: record.id.to_string(),
        name: record.name.to_string(),
        known: true,
        // Whom this server has not heard yet is taken to answer elsewhere; here it may still tell something.
        answers: picture.state(record.id).answers()
            && picture.agents.get(&record.id).is_some_and(crate::live::Agent::hearing_began),
        told: formers.is_some_and(|formers| formers.contains_key(&record.id)),
    });
    let strange = strangers.iter().filter(|(id, _)| !picture.providers.contains_key(id));
    let strange = strange.map(|(id, stranger)| RecoveryProviderView {
        id: id.to_string(),
        name: stranger.name(*id),
        known: false,
        answers: true,
        told: false,
    });
    let mut all: Vec<RecoveryProviderView> = known.chain(strange).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn items(picture: &Picture, found: Findings) -> Vec<FindingView> {
    let name_of = |id: &ProviderId| picture.provider_name(*id);
    let mut items: Vec<FindingView> = found.versions.iter().map(|it| version(picture, it)).collect();
    items.extend(found.hosts.iter().map(|it| host(picture, it)));
    items.extend(found.working_copies.iter().map(|(provider, id)| FindingView {
        kind: "working copy".to_owned(),
        name: id.to_string(),
        providers: vec![name_of(provider)],
        detail: "stands, and is not known; it stays as it is: take from it by hand what is needed".to_owned(),
        adoptable: false,
        problem: None,
    }));
    items.extend(found.nameless.iter().map(|(provider, digest)| FindingView {
        kind: "unnamed".to_owned(),
        name: digest.short().to_string(),
        providers: vec![name_of(provider)],
        detail: "lies there, unfinished or named by nobody; it stays as it is".to_owned(),
        adoptable: false,
        problem: None,
    }));
    let gone = |id| picture.world.hosts.iter().find(|host| host.id == id);
    items.extend(found.hosts_gone.iter().filter_map(|id| gone(*id)).map(|host| FindingView {
        kind: "host gone".to_owned(),
        name: host.name.to_string(),
        providers: vec![name_of(&host.provider)],
        detail: "is not there any more; if it was deleted on purpose: `diecast host delete`".to_owned(),
        adoptable: false,
        problem: host.problem.as_ref().map(Into::into),
    }));
    items.extend(found.versions_gone.iter().map(|version| FindingView {
        kind: "version gone".to_owned(),
        name: format!("{} v{}", version.name, version.number),
        providers: Vec::new(),
        detail: "nobody holds it any more; if it was deleted on purpose: `diecast version delete`".to_owned(),
        adoptable: false,
        problem: None,
    }));
    items
}

fn version(picture: &Picture, found: &FoundVersion) -> FindingView {
    let manifests = picture.world.recovery.as_ref().map(|recovery| &recovery.manifests);
    let here = manifests.is_some_and(|manifests| manifests.contains(&found.version.digest));
    let what = match (found.known, found.newest) {
        (true, _) => "is held by providers that are not on its list; they join it",
        (false, true) => "was published after the backup; it becomes the current version",
        (false, false) => "was published after the backup; the current version stays",
    };
    let waits = if found.known || here { "" } else { "; its manifest is on the way" };
    FindingView {
        kind: if found.known { "member" } else { "version" }.to_owned(),
        name: format!("{} v{}", found.version.name, found.version.number),
        providers: found.holders.iter().map(|id| picture.provider_name(*id)).collect(),
        detail: format!("{what}{waits}"),
        adoptable: true,
        problem: None,
    }
}

fn host(picture: &Picture, found: &FoundHost) -> FindingView {
    let order = found.order.as_ref();
    let detail = order.map(|order| format!("stands on {} v{}", order.version.name, order.version.number));
    FindingView {
        kind: "host".to_owned(),
        name: order.map_or_else(|| found.id.to_string(), |order| order.name.to_string()),
        providers: vec![picture.provider_name(found.provider)],
        detail: detail.unwrap_or_else(|| "stands".to_owned()),
        adoptable: found.problem.is_none(),
        problem: found.problem.as_ref().map(Into::into),
    }
}

/// The first few of many names.
pub(super) fn shortened(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_MAX).map(String::as_str).collect();
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
