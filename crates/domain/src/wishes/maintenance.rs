//! What may be done with a working copy: leave, throw it away, start it, look at its screen.

use super::Refusal;
use crate::{
    code::{Code, Problem},
    ids::TemplateId,
    maintenance::{Maintenance, Stage, WorkingCopyPhase},
    plan::{TemplateInWorld, World},
    provider::Power,
};

/// Whether maintenance may be left. While it is being left it may be left again only to try what
/// failed, or to `force` the guest.
pub fn may_leave_maintenance(world: &World, template: TemplateId, force: bool) -> Result<(), Problem> {
    let (list, stay) = stay(world, template)?;
    must_be_made(list, stay)?;
    must_be_there(world, list, stay)?;
    let failed = list.publication.as_ref().is_some_and(|publication| publication.problem.is_some());
    if stay.stage == Stage::Leaving && !failed && !force {
        let cause = format!("maintenance of template `{}` is being left already", list.name);
        let hint = "wait until the version is published, leave again with `--force`, or cancel";
        return Err(Problem::new(Code::A0010, cause).with_hint(hint));
    }
    Ok(())
}

/// Whether the working copy may be thrown away. `forget` gives up one whose provider is dead: what is
/// left of it there goes if that ever comes back.
pub fn may_cancel_maintenance(world: &World, template: TemplateId, forget: bool) -> Result<(), Problem> {
    let (list, stay) = stay(world, template)?;
    let name = world.name_of(stay.provider);
    match (world.answers(stay.provider), forget) {
        (true, false) | (false, true) => Ok(()),
        (true, true) => {
            let cause = format!("{name} answers; only a working copy on a dead provider is forgotten");
            Err(Problem::new(Code::A0010, cause).with_hint("cancel without `--forget`"))
        }
        (false, false) => {
            let cause =
                format!("{name}, where the working copy of template `{}` is, does not answer", list.name);
            let hint =
                "bring it back, or give the working copy up with `diecast maintenance cancel --forget`";
            Err(Problem::new(Code::P0001, cause).with_hint(hint))
        }
    }
}

/// Whether the working copy's machine may be started.
pub fn may_start_working_copy(world: &World, template: TemplateId) -> Result<(), Problem> {
    let (list, stay) = stay(world, template)?;
    must_be_made(list, stay)?;
    must_be_there(world, list, stay)?;
    if stay.stage == Stage::Leaving {
        let cause =
            format!("maintenance of template `{}` is being left: its guest is to stay off", list.name);
        return Err(Problem::new(Code::A0010, cause).with_hint("wait until it is left, or cancel"));
    }
    Ok(())
}

/// Whether the working copy's machine has a screen to look at now.
pub fn may_see_working_copy(world: &World, template: TemplateId) -> Result<(), Problem> {
    let (list, stay) = stay(world, template)?;
    must_be_made(list, stay)?;
    must_be_there(world, list, stay)?;
    let power = world.working_copies.get(&stay.id).and_then(|copy| copy.power);
    if matches!(power, Some(Power::Running | Power::Paused)) {
        return Ok(());
    }
    let cause = format!("the machine of the working copy of template `{}` does not run", list.name);
    Err(Problem::new(Code::M0008, cause).with_hint("start it with `diecast maintenance start`"))
}

fn stay(world: &World, template: TemplateId) -> Result<(&TemplateInWorld, &Maintenance), Problem> {
    let list = world.templates.get(&template).ok_or_else(|| Refusal::Unknown.problem())?;
    match &list.maintenance {
        Some(stay) => Ok((list, stay)),
        None => Err(Refusal::NotInMaintenance { template: list.name.clone() }.problem()),
    }
}

fn must_be_made(list: &TemplateInWorld, stay: &Maintenance) -> Result<(), Problem> {
    if stay.stage != Stage::Entering {
        return Ok(());
    }
    if let Some(problem) = &stay.problem {
        return Err(problem.clone());
    }
    let cause = format!("the working copy of template `{}` is still being made", list.name);
    Err(Problem::new(Code::A0010, cause).with_hint("wait until the template is `Maintenance`"))
}

/// Its provider answers, and its disks are there as far as anybody knows.
fn must_be_there(world: &World, list: &TemplateInWorld, stay: &Maintenance) -> Result<(), Problem> {
    let name = world.name_of(stay.provider);
    if !world.answers(stay.provider) {
        let cause = format!("{name}, where the working copy of template `{}` is, does not answer", list.name);
        return Err(Problem::new(Code::P0001, cause));
    }
    let report = world.working_copies.get(&stay.id);
    if report.is_some_and(|copy| copy.phase == WorkingCopyPhase::Gone) {
        let cause = format!("the disks of the working copy of template `{}` are gone from {name}", list.name);
        return Err(Problem::new(Code::M0003, cause));
    }
    Ok(())
}

#[cfg(test)]
#[path = "maintenance_tests.rs"]
mod tests;
