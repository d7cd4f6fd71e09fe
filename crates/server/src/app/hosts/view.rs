//! A host as operators see it: the wish, and what its agent says.

use crate::{
    app::{integrity, setup},
    picture::Picture,
};
use diecast_api::{operator::host::HostView, time::rfc3339};
use diecast_domain::host::{Host, HostReport, in_use, status};

/// What its agent says of it, while that answers.
pub(crate) fn report<'a>(picture: &'a Picture, host: &Host) -> Option<&'a HostReport> {
    picture.world.host_reports.get(&host.id).filter(|_| picture.state(host.provider).answers())
}

/// Who is signed in there, as far as its guest agent tells.
pub(crate) fn users<'a>(picture: &'a Picture, host: &Host) -> &'a [String] {
    report(picture, host).and_then(|report| report.users.as_deref()).unwrap_or_default()
}

/// The same of many, as plans say it: `user on host`.
pub(crate) fn users_on<'a>(picture: &Picture, hosts: impl IntoIterator<Item = &'a Host>) -> Vec<String> {
    let mut all = Vec::new();
    for host in hosts {
        all.extend(users(picture, host).iter().map(|user| format!("{user} on {}", host.name)));
    }
    all
}

/// As lists show it: without the texts that are put on its seed, up to 256 KiB each.
pub(super) fn row(picture: &Picture, host: &Host) -> HostView {
    let mut row = view(picture, host);
    (row.setup.user_data, row.setup.unattend) = (None, None);
    row
}

pub(crate) fn view(picture: &Picture, host: &Host) -> HostView {
    let answers = picture.state(host.provider).answers();
    let report = report(picture, host);
    let template = picture.templates.get(&host.template);
    let pool = host.pool.and_then(|id| picture.world.pools.iter().find(|pool| pool.id == id));
    let base = integrity::base(picture, host);
    let held = base.and_then(|base| integrity::held(picture, host.provider, &base));
    HostView {
        id: host.id.to_string(),
        name: host.name.to_string(),
        template: template.map(|it| it.name.to_string()).unwrap_or_default(),
        provider: picture.provider_name(host.provider),
        kind: host.kind.as_str().to_owned(),
        version: picture.runs(host),
        outdated: picture.is_outdated(host),
        in_use: in_use(report, answers).as_str().to_owned(),
        users: users(picture, host).to_vec(),
        pool: pool.map(|pool| pool.name.to_string()),
        incarnation: host.incarnation,
        setup: setup::body(&host.setup),
        status: status(host, report, answers).as_str().to_owned(),
        power: report.and_then(|it| it.power).map(|power| power.as_str().to_owned()),
        addresses: report.map(|it| it.addresses.clone()).unwrap_or_default(),
        macs: host.macs.iter().map(ToString::to_string).collect(),
        guest_agent: report.is_some_and(|it| it.guest_agent),
        guest_name: report.and_then(|it| it.guest_name.clone()),
        created_at: rfc3339(host.created_at),
        attempts: host.attempt,
        next_attempt_at: host.next_attempt_at.map(rfc3339),
        problem: host.problem.as_ref().or(report.and_then(|it| it.problem.as_ref())).map(Into::into),
        base_verified_at: held.as_ref().and_then(|held| held.verified_at.clone()),
        base_damage: held.and_then(|held| held.damage),
    }
}
