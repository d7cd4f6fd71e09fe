//! What is held where and whether it is whole: when it was verified last, what is damaged, who stands
//! on it, and how it is read back by itself.

use crate::{app::refused::Refused, picture::Picture};
use diecast_api::{
    operator::{
        damage::{DamageView, HeldView},
        scrub::{ChangeScrub, ScrubView, ScrubbingView},
    },
    time::rfc3339,
};
use diecast_domain::{
    code::{Code, Problem},
    damage::{self, Damage},
    digest::Digest,
    host::{Host, HostKind},
    ids::ProviderId,
    replica::ReplicaReport,
    scrub::{self, ScrubPolicy, Whole},
    template::VersionRef,
    units::{BytesPerSecond, Timestamp},
};
use diecast_store::ProviderRecord;

/// What one provider holds of one version; None if it holds nothing of it that was ever whole.
pub(crate) fn held(picture: &Picture, provider: ProviderId, version: &VersionRef) -> Option<HeldView> {
    let report = picture.world.replicas.get(&(provider, version.digest))?;
    let damage = damaged(picture, provider, version);
    let verified_at = verified_at(report);
    (verified_at.is_some() || damage.is_some()).then(|| HeldView {
        template: version.name.to_string(),
        version: version.number,
        provider: picture.provider_name(provider),
        verified_at: verified_at.map(rfc3339),
        damage,
    })
}

fn verified_at(report: &ReplicaReport) -> Option<Timestamp> {
    report.verified_at.filter(|_| !damage::is_changed(report))
}

/// Everything that one provider holds, by template and version.
pub(crate) fn held_by(picture: &Picture, provider: ProviderId) -> Vec<HeldView> {
    let versions = picture.world.templates.values().flat_map(|list| &list.versions);
    let mut all: Vec<HeldView> = versions.filter_map(|version| held(picture, provider, version)).collect();
    all.sort_by(|a, b| (&a.template, a.version).cmp(&(&b.template, b.version)));
    all
}

/// Everybody who holds a version, by name.
pub(crate) fn holders(picture: &Picture, version: &VersionRef) -> Vec<HeldView> {
    let providers = picture.providers.keys();
    let mut all: Vec<HeldView> = providers.filter_map(|provider| held(picture, *provider, version)).collect();
    all.sort_by(|a, b| a.provider.cmp(&b.provider));
    all
}

/// The longest ago of these; instants as they are written sort as they passed.
pub(crate) fn oldest<'a>(times: impl Iterator<Item = &'a Option<String>>) -> Option<String> {
    times.flatten().min().cloned()
}

/// What is damaged of a version there.
pub(crate) fn damaged(picture: &Picture, provider: ProviderId, version: &VersionRef) -> Option<DamageView> {
    let report = picture.world.replicas.get(&(provider, version.digest))?;
    let damage = damage::found(report)?;
    let problem = problem(picture, provider, version, report, damage);
    let affected = picture.world.affected(provider, version.digest);
    Some(DamageView {
        version: version.number,
        found_at: rfc3339(damage.found_at?),
        code: problem.code.to_string(),
        cause: problem.cause,
        hint: problem.hint,
        places: damage.places.iter().map(ToString::to_string).collect(),
        count: damage.count,
        last_copy: damage.last_copy,
        hosts: affected.map(|host| host.name.to_string()).collect(),
    })
}

/// The agent's own words where it is about the damage; while it is mended it may speak of something else.
fn problem(
    picture: &Picture,
    provider: ProviderId,
    version: &VersionRef,
    report: &ReplicaReport,
    damage: &Damage,
) -> Problem {
    let of_damage = |problem: &&Problem| [Code::T0005, Code::T0008, Code::T0011].contains(&problem.code);
    report.problem.as_ref().filter(of_damage).cloned().unwrap_or_else(|| {
        let code = if damage.last_copy { Code::T0011 } else { Code::T0008 };
        let (number, name) = (version.number, &version.name);
        let provider = picture.provider_name(provider);
        Problem::new(code, format!("v{number} of `{name}` is damaged on {provider}: {damage}"))
    })
}

/// The version that a host's disks stand on.
pub(crate) fn base(picture: &Picture, host: &Host) -> Option<VersionRef> {
    let list = picture.list(host.template)?;
    let said = picture.world.host_reports.get(&host.id).and_then(|report| report.digest);
    let digest = said.unwrap_or(host.digest);
    let linked = host.kind == HostKind::Linked;
    list.versions.iter().find(|version| linked && version.digest == digest).cloned()
}

/// How what a provider holds is read back.
pub(crate) fn scrub(picture: &Picture, record: &ProviderRecord) -> ScrubView {
    let policy = &record.scrub;
    let of_provider = picture.world.replicas.iter().filter(|((provider, _), _)| *provider == record.id);
    let whole = of_provider.filter_map(|((_, digest), report)| {
        Some(Whole { digest: *digest, verified_at: verified_at(report)? })
    });
    let whole: Vec<Whole> = whole.collect();
    let running = picture.report(record.id).and_then(|report| report.scrub);
    ScrubView {
        on: policy.on,
        every_seconds: policy.every_seconds,
        bytes_per_second: policy.rate.0,
        window: policy.window.as_ref().map(ToString::to_string),
        next_at: scrub::next_due(policy, &whole).map(rfc3339),
        running: running.map(|running| ScrubbingView {
            what: called(picture, running.digest),
            bytes_done: running.done.0,
            bytes_total: running.total.0,
            reading: running.reading,
        }),
    }
}

fn called(picture: &Picture, digest: Digest) -> String {
    let mut versions = picture.world.templates.values().flat_map(|list| &list.versions);
    let version = versions.find(|version| version.digest == digest);
    version.map_or_else(|| digest.to_string(), |version| format!("{} v{}", version.name, version.number))
}

/// The policy as it is asked for, if it can be kept.
pub(crate) fn changed(policy: &ScrubPolicy, asked: &ChangeScrub) -> Result<ScrubPolicy, Refused> {
    let every = scrub::EVERY_MIN_SECONDS..=scrub::EVERY_MAX_SECONDS;
    if asked.every_seconds.is_some_and(|seconds| !every.contains(&seconds)) {
        return Err(Refused::malformed("a scrub comes around every hour at most, and every year at least"));
    }
    let rates = scrub::RATE_MIN.0..=scrub::RATE_MAX.0;
    if asked.bytes_per_second.is_some_and(|rate| !rates.contains(&rate)) {
        let (min, max) = (scrub::RATE_MIN, scrub::RATE_MAX);
        return Err(Refused::malformed(format!("a scrub reads between {min} and {max}")));
    }
    let window = match asked.window.as_deref().map(str::trim) {
        None => policy.window.clone(),
        Some("") => None,
        Some(text) => Some(text.parse().map_err(|bad| Refused::malformed(format!("{bad}")))?),
    };
    Ok(ScrubPolicy {
        on: asked.on.unwrap_or(policy.on),
        every_seconds: asked.every_seconds.unwrap_or(policy.every_seconds),
        rate: asked.bytes_per_second.map_or(policy.rate, BytesPerSecond),
        window,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_and_what_cannot_be_kept_is_refused() {
        let policy = ScrubPolicy::default();
        let asked = ChangeScrub { window: Some("22:00-06:00".into()), ..ChangeScrub::default() };
        let night = changed(&policy, &asked).unwrap();
        assert_eq!(ScrubPolicy { window: None, ..night.clone() }, policy);
        assert_eq!(night.window.as_ref().unwrap().to_string(), "22:00-06:00 UTC");
        let any = ChangeScrub { window: Some(String::new()), on: Some(false), ..ChangeScrub::default() };
        assert_eq!(changed(&night, &any).unwrap(), ScrubPolicy { on: false, ..policy.clone() });
        for bad in [
            ChangeScrub { every_seconds: Some(1), ..ChangeScrub::default() },
            ChangeScrub { bytes_per_second: Some(0), ..ChangeScrub::default() },
            ChangeScrub { bytes_per_second: Some(u64::MAX), ..ChangeScrub::default() },
            ChangeScrub { window: Some("at night".into()), ..ChangeScrub::default() },
        ] {
            assert!(changed(&policy, &bad).is_err(), "{bad:?}");
        }
    }
}
