//! What a schedule does when its time has come.

use super::{Action, LATE_SECONDS_MAX, LastRun, Schedule, Selection, When, next_after};
use crate::{
    assignment::Act,
    code::Code,
    host::Host,
    ids::{ProviderId, RecreationId},
    maintenance::IfUnavailable,
    plan::World,
    provider::Power,
    reconcile::{Subject, Transition, TransitionKind},
    recreation::{self, Recreation, Terms, Wish},
    template::VersionRef,
    units::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// A schedule after its time has come, and what follows from that.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    pub schedule: Schedule,
    pub acts: Vec<(ProviderId, Act)>,
    pub recreations: Vec<Recreation>,
    pub transitions: Vec<Transition>,
}

/// What the schedule does now. None if there is nothing to do or to write down.
pub fn due(schedule: &Schedule, world: &World, now: Timestamp) -> Option<Due> {
    if !schedule.enabled {
        return None;
    }
    let mut due = Due {
        schedule: schedule.clone(),
        acts: Vec::new(),
        recreations: Vec::new(),
        transitions: Vec::new(),
    };
    let next = next_after(&schedule.when, now).ok().flatten();
    let Some(at) = schedule.next_at else {
        // It was enabled again, or comes from a store that did not know.
        due.schedule.next_at = next;
        return next.is_some().then_some(due);
    };
    if at > now {
        return None;
    }
    due.schedule.next_at = next;
    due.schedule.enabled = next.is_some() || matches!(schedule.when, When::Cron { .. });
    let late = now.since(at) > Duration::from_secs(u64::from(LATE_SECONDS_MAX));
    let (outcome, code) = if late {
        ("passed over: the server was not running at the time".to_owned(), Some(Code::L0004))
    } else {
        (due.act(world, at, now), None)
    };
    let kind = if late { TransitionKind::Failed } else { TransitionKind::Done };
    let sentence = format!("schedule `{}`: {outcome}", schedule.name);
    due.transitions.push(Transition { kind, subject: Subject::Schedule(schedule.id), sentence, code });
    due.schedule.last = Some(LastRun { at, outcome, ok: !late });
    Some(due)
}

impl Due {
    fn act(&mut self, world: &World, at: Timestamp, now: Timestamp) -> String {
        let hosts: Vec<&Host> = chosen(world, &self.schedule.selection);
        let action = self.schedule.action.clone();
        let power = |host: &&Host| world.host_reports.get(&host.id).and_then(|report| report.power);
        match action {
            Action::Recreate { terms } => self.recreate(world, &hosts, &terms, at, now),
            Action::Start => {
                let off = |host: &&&Host| power(host) != Some(Power::Running);
                let acts =
                    hosts.iter().filter(off).map(|host| (host.provider, Act::StartHost { host: host.id }));
                self.acts.extend(acts);
                counted(self.acts.len(), "started")
            }
            Action::Stop { force } => {
                let on = |host: &&&Host| power(host) != Some(Power::Off);
                let stop = |host: &&Host| (host.provider, Act::StopHost { host: host.id, force });
                self.acts.extend(hosts.iter().filter(on).map(stop));
                counted(self.acts.len(), "stopped")
            }
        }
    }

    /// One recreation for each version that outdated hosts of the selection should be of. Nobody can
    /// be asked: hosts of silent providers follow by themselves.
    fn recreate(
        &mut self,
        world: &World,
        hosts: &[&Host],
        terms: &Terms,
        at: Timestamp,
        now: Timestamp,
    ) -> String {
        let mut targets: BTreeMap<&VersionRef, Vec<&Host>> = BTreeMap::new();
        for host in hosts.iter().filter(|host| recreation::is_outdated(world, host)) {
            if let Some(version) = recreation::should_be(world, host) {
                targets.entry(version).or_default().push(host);
            }
        }
        for (index, (target, hosts)) in targets.iter().enumerate() {
            let wish = Wish {
                id: name_of(&self.schedule, at, index),
                target: (*target).clone(),
                hosts: hosts.iter().map(|host| host.id).collect(),
                terms: terms.clone(),
                refresh: false,
                if_unavailable: IfUnavailable::Proceed,
                begins_at: now,
                author: format!("schedule {}", self.schedule.name),
            };
            self.recreations.push(Recreation::new(wish, now));
        }
        counted(targets.values().map(Vec::len).sum(), "to be recreated")
    }
}

/// The same schedule at the same time names the same recreation, so that doing it again after a crash
/// begins no second one. Nothing is drawn here.
fn name_of(schedule: &Schedule, at: Timestamp, index: usize) -> RecreationId {
    let mix = (at.0 as u128) ^ ((index as u128) << 48);
    RecreationId::from_uuid(Uuid::from_u128(schedule.id.as_uuid().as_u128() ^ mix))
}

fn chosen<'a>(world: &'a World, selection: &Selection) -> Vec<&'a Host> {
    let is_chosen = |host: &&Host| match selection {
        Selection::Template(template) => host.template == *template,
        Selection::Pool(pool) => host.pool == Some(*pool),
        Selection::Hosts(hosts) => hosts.contains(&host.id),
    };
    world.hosts.iter().filter(|host| host.made && !host.deleting).filter(is_chosen).collect()
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no host is {what}"),
        1 => format!("1 host is {what}"),
        count => format!("{count} hosts are {what}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{ScheduleId, TemplateId},
        testing::{NOW, add_host, host, says, seconds, template, used_by, world},
    };

    fn schedule(action: Action, when: When) -> Schedule {
        Schedule {
            id: ScheduleId::from_uuid(Uuid::from_u128(70)),
            name: "nightly".parse().unwrap(),
            action,
            selection: Selection::Template(template()),
            next_at: next_after(&when, Timestamp(0)).unwrap(),
            when,
            enabled: true,
            last: None,
            author: "anna".into(),
            created_at: Timestamp(0),
        }
    }

    fn desks() -> World {
        let mut world = world(2, 2);
        (1..=3).for_each(|number| add_host(&mut world, number, 1 + number % 2));
        world
    }

    #[test]
    fn at_its_time_it_acts_once_and_is_over() {
        let mut world = desks();
        says(&mut world, 2, |report| report.power = Some(Power::Off));
        let start = schedule(Action::Start, When::Once { at: NOW });
        assert_eq!(due(&start, &world, seconds(NOW, -1)), None);
        let done = due(&start, &world, seconds(NOW, 1)).unwrap();
        let acts: Vec<_> = done.acts.iter().map(|(_, act)| act.clone()).collect();
        assert_eq!(acts, [Act::StartHost { host: host(2) }], "the others run");
        assert_eq!(done.schedule.last.as_ref().unwrap().outcome, "1 host is started");
        assert_eq!((done.schedule.next_at, done.schedule.enabled), (None, false));
        assert_eq!(due(&done.schedule, &world, seconds(NOW, 2)), None);
    }

    #[test]
    fn what_was_missed_by_long_is_passed_over_and_said() {
        let when = When::Cron { expression: "0 * * * *".into(), zone: "UTC".into() };
        let stop = schedule(Action::Stop { force: false }, when);
        let at = stop.next_at.unwrap();
        let late = due(&stop, &desks(), seconds(at, 15 * 60 + 1)).unwrap();
        assert!(late.acts.is_empty());
        assert_eq!(late.transitions[0].code, Some(Code::L0004));
        assert_eq!(late.schedule.next_at, Some(seconds(at, 3600)));
        let in_time = due(&stop, &desks(), seconds(at, 15 * 60)).unwrap();
        assert_eq!(in_time.schedule.last.unwrap().outcome, "3 hosts are stopped");
    }

    #[test]
    fn a_recreation_takes_the_outdated_ones_and_has_the_same_name_when_it_is_begun_twice() {
        let mut world = desks();
        used_by(&mut world, 1, "anna");
        let newest = world.templates[&template()].current.clone().unwrap();
        let there = world.hosts.iter_mut().find(|there| there.id == host(3)).unwrap();
        (there.version, there.digest) = (newest.number, newest.digest);
        let nightly = schedule(Action::Recreate { terms: Terms::default() }, When::Once { at: NOW });
        let begun = due(&nightly, &world, NOW).unwrap().recreations;
        let again = due(&nightly, &world, seconds(NOW, 1)).unwrap().recreations;
        assert_eq!((begun.len(), begun[0].id, begun[0].version), (1, again[0].id, 2));
        assert_eq!(begun[0].hosts.keys().copied().collect::<Vec<_>>(), [host(1), host(2)]);
        assert!(begun[0].proceed, "nobody can be asked at night");
    }

    #[test]
    fn nothing_chosen_is_said_too() {
        let elsewhere = TemplateId::from_uuid(Uuid::from_u128(1));
        let when = When::Once { at: NOW };
        let start = Schedule { selection: Selection::Template(elsewhere), ..schedule(Action::Start, when) };
        let done = due(&start, &desks(), NOW).unwrap();
        assert_eq!(done.schedule.last.unwrap().outcome, "no host is started");
    }
}
