//! What becomes of a template's stay in maintenance, and of what former stays left behind.

use super::{Heard, Subject, Transition, TransitionKind};
use crate::{
    assignment::Deletion,
    code::{Code, Problem},
    ids::TemplateId,
    maintenance::{Discarded, Leave, Maintenance, RecreateWish, Stage, WorkingCopyPhase, WorkingCopyReport},
    plan::{TemplateInWorld, World},
    recreation::{Recreation, Wish},
    template::VersionRef,
    units::Timestamp,
};

/// A template's maintenance after something happened.
#[derive(Clone, Debug, PartialEq)]
pub struct MaintenanceOutcome {
    pub maintenance: Option<Maintenance>,
    pub discarded: Vec<Discarded>,
    pub transitions: Vec<Transition>,
}

impl MaintenanceOutcome {
    pub(super) fn of(list: &TemplateInWorld) -> Self {
        let (maintenance, discarded) = (list.maintenance.clone(), list.discarded.clone());
        Self { maintenance, discarded, transitions: Vec::new() }
    }

    /// Shows why its working copy could not be published, until the next attempt begins.
    pub(super) fn shows(&mut self, problem: Option<Problem>) {
        if let Some(maintenance) = &mut self.maintenance {
            maintenance.problem = problem;
        }
    }

    /// The maintenance is over. What its working copy held is given up once somebody else has it.
    pub(super) fn is_left(&mut self, left: &Left<'_>) {
        let it = left.maintenance;
        let after = left.now_current.as_ref().map(|version| version.digest);
        self.maintenance = None;
        self.discarded.push(Discarded { id: it.id, provider: it.provider, base: it.base.digest, after });
    }

    fn changes(&self, list: &TemplateInWorld) -> bool {
        self.maintenance != list.maintenance || self.discarded != list.discarded
    }

    fn note(&mut self, kind: TransitionKind, template: TemplateId, sentence: String, code: Option<Code>) {
        self.transitions.push(Transition { kind, subject: Subject::Template(template), sentence, code });
    }
}

/// The maintenance after its agent said `heard.report`. None if nothing changed.
pub fn maintenance_after_report(
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
) -> Option<MaintenanceOutcome> {
    let mut outcome = MaintenanceOutcome::of(list);
    let provider = heard.report.provider;
    let of = |id| heard.report.working_copies.iter().find(|copy| copy.id == id);
    if let Some(maintenance) = list.maintenance.as_ref().filter(|it| it.provider == provider)
        && let Some(said) = of(maintenance.id)
    {
        working_copy(heard, template, list, maintenance, said, &mut outcome);
    }
    outcome.discarded.retain(|left| {
        let named = heard
            .seen()
            .is_some_and(|told| told.orders.deletions.contains(&Deletion::WorkingCopy { id: left.id }));
        left.provider != provider || !named || of(left.id).is_some()
    });
    outcome.changes(list).then_some(outcome)
}

fn working_copy(
    heard: &Heard<'_>,
    template: TemplateId,
    list: &TemplateInWorld,
    maintenance: &Maintenance,
    said: &WorkingCopyReport,
    outcome: &mut MaintenanceOutcome,
) {
    let name = &list.name;
    let mut next = maintenance.clone();
    let lost = maintenance.problem.as_ref().is_some_and(|problem| problem.code == Code::M0003);
    match said.phase {
        WorkingCopyPhase::Made if maintenance.stage == Stage::Entering => {
            (next.stage, next.next_attempt_at, next.problem) = (Stage::Open, None, None);
            let sentence = format!("the working copy of `{name}` is ready on {}", heard.name);
            outcome.note(TransitionKind::Done, template, sentence, None);
        }
        WorkingCopyPhase::Made if lost => {
            next.problem = None;
            let sentence = format!("the working copy of `{name}` is back on {}", heard.name);
            outcome.note(TransitionKind::Done, template, sentence, None);
        }
        WorkingCopyPhase::Failed
            if maintenance.stage == Stage::Entering && said.attempt >= maintenance.attempt =>
        {
            let code = said.problem.as_ref().map(|problem| problem.code);
            let again_at = heard.again_at(said.attempt, code);
            let given_up = again_at.is_none() && maintenance.problem == said.problem;
            if said.attempt > maintenance.attempt || !(maintenance.next_attempt_at.is_some() || given_up) {
                next.attempt = said.attempt;
                (next.next_attempt_at, next.problem) = (again_at, said.problem.clone());
                let cause =
                    said.problem.as_ref().map_or("no cause was given", |problem| problem.cause.as_str());
                let on = heard.name;
                let sentence = format!("the working copy of `{name}` could not be made on {on}: {cause}");
                outcome.note(TransitionKind::Failed, template, sentence, code);
            }
        }
        WorkingCopyPhase::Gone if !lost => {
            // It stays until somebody cancels, or brings the files back: nothing is made again unasked.
            if next.stage == Stage::Entering {
                (next.stage, next.next_attempt_at) = (Stage::Open, None);
            }
            let sentence = format!("the working copy of `{name}` is no longer on {}", heard.name);
            next.problem = Some(Problem::new(Code::M0003, sentence.clone()));
            outcome.note(TransitionKind::Lost, template, sentence, Some(Code::M0003));
        }
        WorkingCopyPhase::Creating
        | WorkingCopyPhase::Made
        | WorkingCopyPhase::Failed
        | WorkingCopyPhase::Deleting
        | WorkingCopyPhase::Gone => {}
    }
    outcome.maintenance = Some(next);
}

/// The maintenance after its pause, and without what a forgotten provider left behind. None if nothing
/// changed.
pub fn maintenance_due(
    world: &World,
    template: TemplateId,
    list: &TemplateInWorld,
    now: Timestamp,
) -> Option<MaintenanceOutcome> {
    let mut outcome = MaintenanceOutcome::of(list);
    outcome.discarded.retain(|left| world.providers.contains_key(&left.provider));
    if let Some(maintenance) = &mut outcome.maintenance
        && maintenance.next_attempt_at.is_some_and(|at| at <= now)
    {
        maintenance.next_attempt_at = None;
        maintenance.attempt = maintenance.attempt.saturating_add(1);
        let attempt = maintenance.attempt;
        let sentence = format!("attempt {attempt} to make the working copy of `{}` begins", list.name);
        outcome.note(TransitionKind::Retried, template, sentence, None);
    }
    outcome.changes(list).then_some(outcome)
}

/// What came of leaving: the version that is current from now on, if it is another one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Left<'a> {
    pub(super) maintenance: &'a Maintenance,
    pub(super) now_current: Option<VersionRef>,
}

/// The recreation that was wished for when leaving, if there is anything to recreate.
pub(super) fn recreation(world: &World, left: &Left<'_>, now: Timestamp) -> Option<Recreation> {
    let leave: &Leave = left.maintenance.leave.as_ref()?;
    let target = left.now_current.as_ref()?;
    let begins_at = match leave.recreate {
        RecreateWish::Later => return None,
        RecreateWish::Now => now,
        RecreateWish::At(at) => at,
    };
    let wish = Wish {
        id: leave.recreation,
        target: target.clone(),
        hosts: crate::recreation::to_follow(world, target),
        terms: leave.terms.clone(),
        refresh: false,
        if_unavailable: leave.if_unavailable,
        begins_at,
        author: leave.author.clone(),
    };
    let recreation = Recreation::new(wish, now);
    (!recreation.hosts.is_empty()).then_some(recreation)
}
