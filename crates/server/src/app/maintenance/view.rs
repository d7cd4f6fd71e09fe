//! A stay in maintenance as operators see it.

use crate::picture::Picture;
use diecast_api::{operator::maintenance::MaintenanceView, time::rfc3339};
use diecast_domain::{
    code::Problem,
    maintenance::{self, Maintenance, Stage},
    wishes::may_see_working_copy,
};
use diecast_store::TemplateRecord;

pub(crate) fn view(picture: &Picture, record: &TemplateRecord, stay: &Maintenance) -> MaintenanceView {
    let answers = picture.world.answers(stay.provider);
    let report = picture.world.working_copies.get(&stay.id).filter(|_| answers);
    let leaving = record.publication.as_ref().filter(|_| stay.stage == Stage::Leaving);
    let (attempts, next_attempt_at) = match leaving {
        Some(publication) => (publication.attempt, publication.next_attempt_at),
        None => (stay.attempt, stay.next_attempt_at),
    };
    let said = leaving.map_or(stay.problem.as_ref(), |publication| publication.problem.as_ref());
    let problem = silence(picture, stay)
        .or_else(|| said.cloned())
        .or_else(|| report.and_then(|report| report.problem.clone()));
    MaintenanceView {
        id: stay.id.to_string(),
        template: record.name.to_string(),
        status: maintenance::status(record.status, Some(stay)).as_str().to_owned(),
        provider: picture.provider_name(stay.provider),
        base: stay.base.number,
        author: stay.author.clone(),
        since: rfc3339(stay.since),
        power: report.and_then(|it| it.power).map(|power| power.as_str().to_owned()),
        addresses: report.map(|it| it.addresses.clone()).unwrap_or_default(),
        guest_agent: report.is_some_and(|it| it.guest_agent),
        console: may_see_working_copy(&picture.world, record.id).is_ok(),
        attempts,
        next_attempt_at: next_attempt_at.map(rfc3339),
        problem: problem.as_ref().map(Into::into),
    }
}

fn silence(picture: &Picture, stay: &Maintenance) -> Option<Problem> {
    picture.must_answer(picture.providers.get(&stay.provider)?).err()
}
