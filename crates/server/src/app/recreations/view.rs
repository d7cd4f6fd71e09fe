//! A recreation as operators see it: each host, and what it waits for.

use crate::{app::hosts::view::users, picture::Picture};
use diecast_api::{
    operator::recreation::{RecreationHostView, RecreationView, SilentProvider},
    time::rfc3339,
};
use diecast_domain::{
    host::{Host, InUse},
    provider::Power,
    recreation::{HostProgress, Reach, Recreation, Stage, Waves, silent},
};

pub(super) fn view(picture: &Picture, it: &Recreation) -> RecreationView {
    let template = picture.templates.get(&it.template).map(|record| record.name.to_string());
    let mut hosts: Vec<RecreationHostView> = it
        .hosts
        .iter()
        .map(|(id, progress)| {
            // They are kept in the order of their ids.
            let at = picture.world.hosts.binary_search_by_key(id, |host| host.id).ok();
            let host = at.map(|at| &picture.world.hosts[at]);
            RecreationHostView {
                host: host.map_or_else(|| id.to_string(), |host| host.name.to_string()),
                provider: host.map(|host| picture.provider_name(host.provider)).unwrap_or_default(),
                state: word(it, progress).to_owned(),
                wave: wave(progress),
                note: host.and_then(|host| note(picture, it, host, progress)),
            }
        })
        .collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    let count = |which: fn(&HostProgress) -> bool| {
        u32::try_from(it.hosts.values().filter(|progress| which(progress)).count()).unwrap_or(u32::MAX)
    };
    RecreationView {
        id: it.id.to_string(),
        template: template.unwrap_or_else(|| it.template.to_string()),
        version: it.version,
        stage: it.stage.as_str().to_owned(),
        wave: running_wave(it),
        waves: waves(it),
        begins_at: rfc3339(it.begins_at),
        deadline: it.terms.deadline.map(rfc3339),
        author: it.author.clone(),
        created_at: rfc3339(it.created_at),
        ended_at: it.ended_at.map(rfc3339),
        note: it.note.clone(),
        total: count(|_| true),
        passed: count(|it| matches!(it, HostProgress::Passed)),
        running: count(|it| matches!(it, HostProgress::Begun { .. } | HostProgress::Healthy { .. })),
        waiting: if it.stage.is_over() { 0 } else { count(|it| *it == HostProgress::Waiting) },
        failed: count(|it| matches!(it, HostProgress::Failed { .. })),
        rolled_back: count(|it| matches!(it, HostProgress::RolledBack)),
        silent: silent_providers(picture, it),
        hosts,
    }
}

/// Providers that do not answer, of the hosts that are not through.
fn silent_providers(picture: &Picture, it: &Recreation) -> Vec<SilentProvider> {
    if it.stage.is_over() {
        return Vec::new();
    }
    let through = |progress: &HostProgress| {
        matches!(progress, HostProgress::Passed | HostProgress::RolledBack | HostProgress::Left)
    };
    let open = |host: &&Host| it.hosts.get(&host.id).is_some_and(|progress| !through(progress));
    let there = silent(&picture.world, picture.world.hosts.iter().filter(open));
    there
        .into_iter()
        .map(|there| SilentProvider {
            provider: there.name,
            since: rfc3339(there.since),
            hosts: u32::try_from(there.hosts.len()).unwrap_or(u32::MAX),
            problem: (&there.problem).into(),
        })
        .collect()
}

/// The wave that runs; of what is done the last, as the next one's number is up when a wave has passed.
fn running_wave(it: &Recreation) -> u32 {
    let last = if it.stage == Stage::Done { it.wave.saturating_sub(1).max(1) } else { it.wave };
    match &it.terms.waves {
        Waves::Reaching(_) => last.min(waves(it)),
        Waves::AtATime(_) => last,
    }
}

/// How many waves there are, as far as that can be told: those that are named and, if the last of them
/// does not reach to the end, one more.
fn waves(it: &Recreation) -> u32 {
    let count = |waves: usize| u32::try_from(waves).unwrap_or(u32::MAX);
    match &it.terms.waves {
        Waves::Reaching(reaches) => {
            let to_the_end = |reach: &Reach| match reach {
                Reach::Hosts(hosts) => *hosts as usize >= it.hosts.len(),
                Reach::Percent(percent) => *percent >= 100,
            };
            count(reaches.len() + usize::from(!reaches.last().is_some_and(to_the_end)))
        }
        // Waves that hosts in use left unfilled make more of them.
        Waves::AtATime(at_once) => {
            running_wave(it).max(count(it.hosts.len().div_ceil((*at_once).max(1) as usize)))
        }
    }
}

const fn word(it: &Recreation, progress: &HostProgress) -> &'static str {
    match progress {
        HostProgress::Waiting if it.stage.is_over() => "left",
        HostProgress::Waiting => "waiting",
        HostProgress::Begun { .. } => "begun",
        HostProgress::Healthy { .. } => "healthy",
        HostProgress::Failed { .. } => "failed",
        HostProgress::Passed => "passed",
        HostProgress::RolledBack => "rolled back",
        HostProgress::Left => "left",
    }
}

const fn wave(progress: &HostProgress) -> Option<u32> {
    match progress {
        HostProgress::Begun { wave, .. }
        | HostProgress::Healthy { wave, .. }
        | HostProgress::Failed { wave, .. } => match *wave {
            // Nothing is heard of it: it is judged in the wave that runs when its provider returns.
            0 => None,
            wave => Some(wave),
        },
        HostProgress::Waiting | HostProgress::Passed | HostProgress::RolledBack | HostProgress::Left => None,
    }
}

/// What a host waits for, or why it failed.
fn note(picture: &Picture, it: &Recreation, host: &Host, progress: &HostProgress) -> Option<String> {
    let problem = || host.problem.as_ref().map(|problem| problem.cause.clone());
    match progress {
        HostProgress::Waiting if !it.stage.is_over() => Some(waits_for(picture, it, host)),
        HostProgress::Begun { .. } => Some(comes_up(picture, host)),
        HostProgress::Failed { .. } => {
            let late = || format!("it was not well {} s after it was made", it.terms.health_seconds);
            Some(problem().unwrap_or_else(late))
        }
        HostProgress::RolledBack => problem(),
        _ => None,
    }
}

fn waits_for(picture: &Picture, it: &Recreation, host: &Host) -> String {
    let world = &picture.world;
    let on = picture.provider_name(host.provider);
    match it.stage {
        Stage::Scheduled => return format!("begins at {}", rfc3339(it.begins_at)),
        Stage::AwaitingDecision => {
            return "waits for a decision about the providers that do not answer".into();
        }
        _ => {}
    }
    if let Some(there) = world.providers.get(&host.provider).filter(|there| !there.state.answers()) {
        return format!("{on} does not answer since {}", rfc3339(there.since));
    }
    if !world.is_ready_on(host.provider, it.digest) {
        return format!("v{} is not ready on {on} yet", it.version);
    }
    let late = it.terms.deadline.is_some_and(|deadline| deadline <= picture.now);
    match world.in_use(host) {
        InUse::Yes if !late => format!("in use by {}", users(picture, host).join(", ")),
        InUse::Unknown if !late => "nobody can tell whether it is in use".to_owned(),
        _ => "waits for its wave".to_owned(),
    }
}

fn comes_up(picture: &Picture, host: &Host) -> String {
    let world = &picture.world;
    if !world.answers(host.provider) {
        return format!("{} does not answer", picture.provider_name(host.provider));
    }
    if let Some(problem) = &host.problem {
        return problem.cause.clone();
    }
    let stands = world.host_reports.get(&host.id).is_some_and(|it| it.stood() >= host.incarnation);
    let off = world.host_reports.get(&host.id).is_some_and(|it| it.power == Some(Power::Off));
    match (stands, off) {
        (false, _) => "its disks are being made".to_owned(),
        (true, false) => "waits until it is well".to_owned(),
        (true, true) => format!("it is off: start it with `diecast host start {}`", host.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{
        digest::Digest,
        ids::{HostId, RecreationId, TemplateId},
        maintenance::IfUnavailable,
        recreation::{Terms, Wish},
        template::VersionRef,
        units::Timestamp,
    };
    use uuid::Uuid;

    /// Which wave is shown of how many, of a recreation of so many hosts.
    fn shown(waves: Waves, hosts: u128, stage: Stage, wave: u32) -> (u32, u32) {
        let wish = Wish {
            id: RecreationId::from_uuid(Uuid::nil()),
            target: VersionRef {
                template: TemplateId::from_uuid(Uuid::nil()),
                name: "win11".parse().unwrap(),
                number: 2,
                digest: Digest::from_bytes([2; 32]),
            },
            hosts: (1..=hosts).map(|number| HostId::from_uuid(Uuid::from_u128(number))).collect(),
            terms: Terms { waves, ..Terms::default() },
            refresh: false,
            if_unavailable: IfUnavailable::Ask,
            begins_at: Timestamp(0),
            author: "anna".into(),
        };
        let it = Recreation { stage, wave, ..Recreation::new(wish, Timestamp(0)) };
        (running_wave(&it), super::waves(&it))
    }

    #[test]
    fn what_is_done_shows_the_last_of_its_waves() {
        let reaching = |reaches: &[Reach]| Waves::Reaching(reaches.to_vec());
        let two = || reaching(&[Reach::Hosts(1), Reach::Percent(100)]);
        assert_eq!(shown(two(), 3, Stage::Running, 2), (2, 2));
        assert_eq!(shown(two(), 3, Stage::Done, 3), (2, 2));
        let open = || reaching(&[Reach::Hosts(1), Reach::Percent(10)]);
        assert_eq!(shown(open(), 30, Stage::Running, 1), (1, 3), "the last one reaches to the end");
        assert_eq!(shown(open(), 30, Stage::Done, 4), (3, 3));
        assert_eq!(shown(Waves::AtATime(2), 5, Stage::Done, 4), (3, 3));
        assert_eq!(shown(Waves::AtATime(2), 5, Stage::Running, 5), (5, 5), "hosts in use made more of them");
        assert_eq!(shown(two(), 3, Stage::Scheduled, 0), (0, 2));
    }
}
