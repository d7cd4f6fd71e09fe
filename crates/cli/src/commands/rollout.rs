//! Rolling a version out to hosts: the question, the providers that do not answer, the waves.
//!
//! Whether somebody must be asked is decided here; what is recreated, and when, is the server's. Whoever is killed
//! at the question leaves hosts as they are: a recreation that awaits a decision has begun nothing.

use super::Context;
use crate::{
    Failure,
    args::{
        WaitArgs,
        moment::{self, Moment},
        terms::{IfUnavailable, Recreate, TermsArgs},
    },
    confirm,
    printer::live::Live,
    render::{counted, recreation as render},
    wait,
};
use diecast_api::{
    client::{Client, ClientError, all, routes::RecreationFilter},
    operator::recreation::{CreateRecreation, RecreationView, TermsBody},
    problem::ProblemDetails,
};
use diecast_domain::{
    code::{Code, Problem},
    recreation::Stage,
};
use std::collections::BTreeSet;

/// As the people who use it know it.
const QUESTION: &str =
    "All hosts must be recreated because the template has been modified. Do you want to recreate them now?";
const ANSWERS: &str = "now, later, or at a time (22:00, 2h, 2026-01-31T22:00:00Z)? ";
const DECISIONS: &str = "try again (t), go on with those that answer (g), or leave it for later (l)? ";

/// Looks at a recreation that is due before it is taken as it is: the server looks once a second.
const LOOKS_MAX: u32 = 40;

pub(super) fn terms(args: &TermsArgs) -> TermsBody {
    TermsBody {
        waves: args.waves.clone(),
        deadline: args.deadline.map(|at| at.to_string()),
        failures_max: args.failures_max,
        health_seconds: args.health.map(|it| u32::try_from(it.as_secs()).unwrap_or(u32::MAX)),
    }
}

/// Asks the question. Who does not answer means later.
pub(super) fn ask(cx: &mut Context<'_>, template: &str, outdated: u32) -> Result<Recreate, Failure> {
    let verb = if outdated == 1 { "does" } else { "do" };
    cx.printer.talk(&format!("{} of {template} {verb} not run this version yet.", counted(outdated, "host")));
    cx.printer.talk(QUESTION);
    Ok(confirm::choose(cx.printer, ANSWERS, answer)?.unwrap_or(Recreate::Later))
}

fn answer(text: &str) -> Result<Recreate, String> {
    match text.to_ascii_lowercase().as_str() {
        "now" | "n" | "y" | "yes" => Ok(Recreate::Now),
        "later" | "l" | "no" | "" => Ok(Recreate::Later),
        other => {
            let time = other.strip_prefix("at").map_or(other, |rest| rest.trim_start_matches(['=', ' ']));
            let at = moment::moment(time).map(Recreate::At);
            at.map_err(|_| format!("`{text}` is none of now, later and a time such as 22:00"))
        }
    }
}

/// How to do it later.
pub(super) fn later(cx: &mut Context<'_>, template: &str) {
    cx.printer.talk(&format!(
        "no host is recreated; `diecast host recreate --template {template} --outdated` does it at any time"
    ));
}

/// The outdated hosts of a template, after the question.
pub(super) fn outdated_of(template: &str, at: Option<Moment>, terms: TermsBody) -> CreateRecreation {
    CreateRecreation {
        template: Some(template.to_owned()),
        outdated: true,
        terms,
        at: at.map(|at| at.to_string()),
        if_unavailable: Some(IfUnavailable::Ask.as_str().to_owned()),
        ..CreateRecreation::default()
    }
}

/// Asks the server for it, and decides what is to be decided.
pub(super) async fn begin(
    cx: &mut Context<'_>,
    create: &CreateRecreation,
) -> Result<Vec<RecreationView>, Failure> {
    let begun = cx.client.recreate(create).await?.items;
    // Until its time comes nobody knows who will be silent then.
    if create.at.is_some() { Ok(begun) } else { decided(cx, begun).await }
}

/// Those of a template's recreations that were not there before.
pub(super) async fn fresh(
    client: &Client,
    template: &str,
    before: &BTreeSet<String>,
) -> Result<Vec<RecreationView>, ClientError> {
    let filter = RecreationFilter { template: Some(template.to_owned()), running: None };
    let list = all(async |page| client.recreations(&filter, page).await).await?;
    Ok(list.items.into_iter().filter(|it| !before.contains(&it.id)).collect())
}

/// Waits until the server has verified every provider, and lets somebody decide about those that are silent.
pub(super) async fn decided(
    cx: &mut Context<'_>,
    recreations: Vec<RecreationView>,
) -> Result<Vec<RecreationView>, Failure> {
    let mut all = Vec::new();
    for recreation in recreations {
        all.push(verified(cx, recreation).await?);
    }
    if !cx.printer.may_ask() && all.iter().any(awaits) {
        return Err(undecided(cx, all).await?);
    }
    for recreation in &mut all {
        let mut open = true;
        while open && awaits(recreation) {
            (*recreation, open) = decide(cx, recreation.clone()).await?;
        }
        if is(recreation, Stage::Cancelled) {
            later(cx, &recreation.template);
        }
    }
    Ok(all)
}

fn is(recreation: &RecreationView, stage: Stage) -> bool {
    recreation.stage == stage.as_str()
}

fn awaits(recreation: &RecreationView) -> bool {
    is(recreation, Stage::AwaitingDecision)
}

async fn verified(cx: &mut Context<'_>, first: RecreationView) -> Result<RecreationView, Failure> {
    if is(&first, Stage::Scheduled) { moved_on(cx, first, Stage::Scheduled).await } else { Ok(first) }
}

/// What was asked for takes effect at the server's next look: waits until it is not `from` any more.
async fn moved_on(
    cx: &mut Context<'_>,
    mut now: RecreationView,
    from: Stage,
) -> Result<RecreationView, Failure> {
    let (client, mut looks) = (&cx.client, 0);
    wait::until(super::waiting(None), cx.printer, "the recreation", async |_| {
        now = client.recreation(&now.id).await?;
        looks += 1;
        Ok((!is(&now, from) || looks > LOOKS_MAX).then(|| now.clone()))
    })
    .await
}

/// Nobody decides: nothing is recreated.
async fn undecided(cx: &mut Context<'_>, recreations: Vec<RecreationView>) -> Result<Failure, Failure> {
    let (look, mut blockers) = (cx.printer.talk_look(), Vec::new());
    let mut template = String::new();
    for recreation in recreations.iter().filter(|it| awaits(it)) {
        blockers.extend(render::silent_lines(look, recreation));
        template.clone_from(&recreation.template);
        cx.client.cancel_recreation(&recreation.id).await?;
    }
    let who = counted(blockers.len() as u64, "provider");
    let verb = if blockers.len() == 1 { "does" } else { "do" };
    // Those of other templates and versions may all be on providers that answer.
    let others = recreations.iter().any(|it| !awaits(it) && goes_on(it));
    let what =
        if others { format!("hosts of {template} are not recreated") } else { "no host is recreated".into() };
    let cause = format!("{what}: {who} with hosts to recreate {verb} not answer");
    let hint = format!(
        "bring them back and resume with `diecast host recreate --template {template} --outdated`, or decide with \
         `--if-unavailable proceed`"
    );
    let problem = Problem::new(Code::P0001, cause).with_hint(hint);
    let details = ProblemDetails { blockers, ..ProblemDetails::from(&problem) };
    Ok(Failure::Client(ClientError::Problem(Box::new(details))))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Again,
    Proceed,
    Later,
}

fn decision(text: &str) -> Result<Decision, String> {
    match text.to_ascii_lowercase().as_str() {
        "t" | "try" | "again" | "try again" | "" => Ok(Decision::Again),
        "g" | "go" | "go on" | "proceed" => Ok(Decision::Proceed),
        "l" | "later" => Ok(Decision::Later),
        other => Err(format!("`{other}` is none of t, g and l")),
    }
}

/// One round: who is silent, what somebody says to that, and whether there is more to say.
async fn decide(cx: &mut Context<'_>, recreation: RecreationView) -> Result<(RecreationView, bool), Failure> {
    let text = render::silent(cx.printer.talk_look(), &recreation);
    cx.printer.talk(text.trim_end());
    cx.printer.talk("The hosts of those that do not answer follow by themselves when they return.");
    let chosen = confirm::choose(cx.printer, DECISIONS, decision)?.unwrap_or(Decision::Later);
    let told = match chosen {
        Decision::Again => return Ok((cx.client.recreation(&recreation.id).await?, true)),
        Decision::Proceed => cx.client.proceed_recreation(&recreation.id).await?,
        Decision::Later => cx.client.cancel_recreation(&recreation.id).await?,
    };
    Ok((moved_on(cx, told, Stage::AwaitingDecision).await?, false))
}

/// Follows recreations to their end, or until only providers that do not answer are waited for.
pub(super) async fn followed(
    cx: &mut Context<'_>,
    wait: WaitArgs,
    mut recreations: Vec<RecreationView>,
    lines: bool,
) -> Result<Vec<RecreationView>, Failure> {
    let (client, mut live) = (&cx.client, Live::new(cx.printer));
    let mut printed = vec![None; recreations.len()];
    let ended = wait::until(wait, cx.printer, "the recreation", async |printer| {
        for (recreation, printed) in recreations.iter_mut().zip(&mut printed) {
            if !is_settled(recreation) || printed.is_none() {
                *recreation = client.recreation(&recreation.id).await?;
            }
            if lines && printed.as_ref() != Some(recreation) {
                printer.json_line(recreation)?;
            }
            live.recreation(printer, recreation);
            *printed = Some(recreation.clone());
        }
        Ok(recreations.iter().all(is_settled).then(|| recreations.clone()))
    })
    .await?;
    drop(live);
    for recreation in ended.iter().filter(|it| is(it, Stage::Running)) {
        let names: Vec<_> = recreation.silent.iter().map(|silent| silent.provider.as_str()).collect();
        cx.printer.talk(&format!(
            "{} of {} follow when {} answers again",
            counted(recreation.waiting, "host"),
            recreation.template,
            names.join(", ")
        ));
    }
    Ok(ended)
}

/// It is over, or everything that is left waits for a provider that does not answer.
fn is_settled(recreation: &RecreationView) -> bool {
    let over = [Stage::Stopped, Stage::Done, Stage::Cancelled].iter().any(|stage| is(recreation, *stage));
    let silent = |name: &str| recreation.silent.iter().any(|silent| silent.provider == name);
    let mut left = recreation
        .hosts
        .iter()
        .filter(|host| matches!(host.state.as_str(), "waiting" | "begun" | "healthy"))
        .peekable();
    let follows =
        is(recreation, Stage::Running) && left.peek().is_some() && left.all(|host| silent(&host.provider));
    over || follows
}

/// Exit 1 if any was stopped or cancelled; what is wrong has been printed with it.
pub(super) fn verdict(recreations: &[RecreationView]) -> Result<(), Failure> {
    let bad = |it: &RecreationView| is(it, Stage::Stopped) || is(it, Stage::Cancelled);
    if recreations.iter().any(bad) { Err(Failure::Told) } else { Ok(()) }
}

/// Not given up before it began.
pub(super) fn goes_on(recreation: &RecreationView) -> bool {
    !is(recreation, Stage::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn the_question_understands_what_people_say() {
        for (text, meant) in [
            ("now", Recreate::Now),
            ("Yes", Recreate::Now),
            ("later", Recreate::Later),
            ("", Recreate::Later),
            ("at=2026-01-31T22:00:00Z", Recreate::At(moment::moment("2026-01-31T22:00:00Z").unwrap())),
        ] {
            assert_eq!(answer(text), Ok(meant), "{text}");
        }
        assert!(
            matches!(answer("22:00"), Ok(Recreate::At(_)))
                && matches!(answer("at 22:00"), Ok(Recreate::At(_)))
        );
        assert!(answer("perhaps").is_err());
    }

    #[test]
    fn a_wait_does_not_outlast_what_can_be_done_now() {
        let mut view = samples::recreation();
        assert!(!is_settled(&view), "hosts are begun");
        view.silent = samples::waiting_recreation().silent;
        view.hosts.retain(|host| host.state == "passed" || host.provider == "kvm-b");
        assert!(is_settled(&view), "the one that is left is on a silent provider");
        assert!(verdict(&[view]).is_ok(), "it follows by itself");
        assert!(is_settled(&samples::stopped_recreation()) && is_settled(&samples::done_recreation()));
        assert!(verdict(&[samples::done_recreation(), samples::stopped_recreation()]).is_err());
    }
}
