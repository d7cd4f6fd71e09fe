//! `diecast maintenance leave` and `diecast version activate`: another version becomes current, and its hosts follow.

use super::{Context, distribution, rollout, template::plan_only};
use crate::{
    Failure,
    args::{
        WaitArgs,
        maintenance::LeaveArgs,
        terms::{IfUnavailable, Recreate, RecreateArgs},
        version::ActivateArgs,
    },
    commands::waiting,
    printer::live::Live,
    render, wait,
};
use diecast_api::{
    client::all,
    operator::{
        maintenance::LeaveMaintenance,
        recreation::{RecreationView, TermsBody},
        template::{ActivateVersion, TemplateView, VersionView},
    },
};
use diecast_domain::template::TemplateStatus;
use serde::Serialize;
use std::collections::BTreeSet;

/// Looks for the recreation that the server was asked to begin, once the version is there.
const LOOKS_MAX: u32 = 40;

/// What came of it, for scripts.
#[derive(Serialize)]
struct Outcome {
    template: TemplateView,
    /// Another version is current than before; absent while that is not known.
    changed: Option<bool>,
    version: Option<VersionView>,
    recreations: Vec<RecreationView>,
}

impl Outcome {
    fn open(template: TemplateView) -> Self {
        Self { template, changed: None, version: None, recreations: Vec::new() }
    }
}

/// What is to become of the hosts, as far as it was said.
struct Rollout {
    args: RecreateArgs,
    terms: TermsBody,
    wait: WaitArgs,
    /// The current version before, and the recreations that there were.
    before: u32,
    /// A version that was there is made current, rather than one published.
    activated: bool,
    known: BTreeSet<String>,
}

impl Rollout {
    /// Wishes as the API takes them; nothing is said where nothing was typed.
    fn wishes(args: RecreateArgs) -> (Option<String>, Option<String>) {
        let recreate = args.recreate.map(|recreate| recreate.to_string());
        let if_unavailable = recreate.as_ref().map(|_| args.if_unavailable.as_str().to_owned());
        (recreate, if_unavailable)
    }

    /// Somebody must hear whether every provider answers.
    fn is_open(&self) -> bool {
        self.args.recreate == Some(Recreate::Now) && self.args.if_unavailable == IfUnavailable::Ask
    }
}

pub(super) async fn leave(cx: &mut Context<'_>, args: LeaveArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let terms = rollout::terms(&args.terms);
    let (recreate, if_unavailable) = Rollout::wishes(args.recreate);
    let leave = LeaveMaintenance {
        note: args.note,
        recreate,
        if_unavailable,
        terms: terms.clone(),
        shutdown_seconds: args.shutdown_timeout.map(|it| u32::try_from(it.as_secs()).unwrap_or(u32::MAX)),
        force: args.force,
        trim: args.trim,
    };
    if args.dry_run {
        let plan = cx.client.plan_leaving(name, &leave).await?;
        return plan_only(cx, &plan);
    }
    let rollout = prepared(cx, name, args.recreate, terms, args.wait).await?;
    let left = cx.client.leave_maintenance(name, &leave).await?;
    if !(args.wait.wait || cx.printer.may_ask() || rollout.is_open()) {
        cx.printer.talk(&format!(
            "the working copy of {name} is being shut down and published; `diecast template show {name}` tells how far it is"
        ));
        return cx
            .printer
            .answer(&Outcome::open(left), |look, it| render::template::show(look, &it.template));
    }
    let timed = WaitArgs { wait: true, ..args.wait };
    let template = left_maintenance(cx, timed, name).await?;
    if template.maintenance.is_some() {
        cx.printer.answer(&Outcome::open(template), |look, it| render::template::show(look, &it.template))?;
        return Err(Failure::Told);
    }
    rolled_out(cx, rollout, template).await
}

pub(super) async fn activate(cx: &mut Context<'_>, args: ActivateArgs) -> Result<(), Failure> {
    let name = args.name.as_str();
    let terms = rollout::terms(&args.terms);
    let (recreate, if_unavailable) = Rollout::wishes(args.recreate);
    let activate = ActivateVersion { recreate, if_unavailable, terms: terms.clone() };
    if args.dry_run {
        let plan = cx.client.plan_activation(name, &args.version, &activate).await?;
        return plan_only(cx, &plan);
    }
    let prepared = prepared(cx, name, args.recreate, terms, args.wait).await?;
    let rollout = Rollout { activated: true, ..prepared };
    let template = cx.client.activate_version(name, &args.version, &activate).await?;
    rolled_out(cx, rollout, template).await
}

/// Looks at how it is before anything is asked for.
async fn prepared(
    cx: &mut Context<'_>,
    name: &str,
    args: RecreateArgs,
    terms: TermsBody,
    wait: WaitArgs,
) -> Result<Rollout, Failure> {
    let template = cx.client.template(name).await?.value;
    let known = rollout::fresh(&cx.client, name, &BTreeSet::new()).await?;
    let known = known.into_iter().map(|it| it.id).collect();
    let before = template.version.unwrap_or_default();
    Ok(Rollout { args, terms, wait, before, activated: false, known })
}

/// Waits until the template is out of maintenance, or will not be by itself.
async fn left_maintenance(cx: &mut Context<'_>, wait: WaitArgs, name: &str) -> Result<TemplateView, Failure> {
    let mut live = Live::new(cx.printer);
    let (client, mut told) = (&cx.client, None);
    wait::until(wait, cx.printer, &format!("the publication of {name}"), async |printer| {
        let template = client.template(name).await?.value;
        live.template(printer, &template);
        let problem = template.maintenance.as_ref().and_then(|it| it.problem.clone());
        if problem != told {
            if let Some(problem) = &problem {
                printer.talk(render::trouble(name, problem).trim_end());
            }
            told = problem;
        }
        Ok(is_decided(&template, printer.look().now).then_some(template))
    })
    .await
}

/// It is out, it is back in maintenance, or its publication failed and is not tried again soon.
fn is_decided(template: &TemplateView, now: jiff::Timestamp) -> bool {
    if template.maintenance.is_none() || template.status != TemplateStatus::LeavingMaintenance.as_str() {
        return true;
    }
    template.publication.as_ref().is_some_and(|publication| {
        let code = publication.code.as_deref();
        code.is_some() && !wait::is_tried_soon(code, publication.next_attempt_at.as_deref(), now)
    })
}

/// The version is there: says what it is, asks what is to become of the hosts, and follows that.
async fn rolled_out(cx: &mut Context<'_>, it: Rollout, template: TemplateView) -> Result<(), Failure> {
    let name = template.name.clone();
    let versions = all(async |page| cx.client.versions(&name, page).await).await?.items;
    let version = versions.into_iter().find(|version| Some(version.number) == template.version);
    let changed = template.version.is_some_and(|number| number != it.before);
    match &version {
        Some(version) => {
            cx.printer.talk(&render::version::outcome(&name, it.before, it.activated, version));
            let advice = render::trimming::advice(version.trimming.as_ref());
            advice.filter(|_| changed && !it.activated).into_iter().for_each(|said| cx.printer.talk(&said));
        }
        None => cx.printer.talk(&format!("{name} has no version")),
    }
    let mut recreations = if changed { hosts_follow(cx, &it, &template).await? } else { Vec::new() };
    let mut ended = Ok(());
    let live = recreations.iter().any(rollout::goes_on);
    if it.wait.wait && live {
        recreations = rollout::followed(cx, it.wait, recreations, false).await?;
        ended = rollout::verdict(&recreations);
    } else if it.wait.wait && changed {
        ended = distribution::verdict(&distribution::settled(cx, it.wait, &name, true).await?);
    }
    let template = cx.client.template(&name).await?.value;
    let outcome = Outcome { template, changed: Some(changed), version, recreations };
    cx.printer.answer(&outcome, text)?;
    if live && !it.wait.wait {
        for recreation in outcome.recreations.iter().filter(|it| rollout::goes_on(it)) {
            cx.printer.talk(&format!("follow it with `diecast recreation show {} --watch`", recreation.id));
        }
    }
    ended
}

fn text(look: render::Look, outcome: &Outcome) -> String {
    let mut text = render::template::show(look, &outcome.template);
    for recreation in &outcome.recreations {
        text.push_str(&format!("\n{}", render::recreation::show(look, recreation)));
    }
    text
}

/// Now, later or at a time: said beforehand, or asked.
async fn hosts_follow(
    cx: &mut Context<'_>,
    it: &Rollout,
    template: &TemplateView,
) -> Result<Vec<RecreationView>, Failure> {
    let name = template.name.as_str();
    // Said when it was left before, and carried out by the server since.
    let there = match it.args.recreate {
        None => rollout::fresh(&cx.client, name, &it.known).await?,
        Some(_) => Vec::new(),
    };
    if !there.is_empty() {
        return rollout::decided(cx, there).await;
    }
    let asked = match it.args.recreate {
        // The server carries it out, whether or not this process lives.
        Some(Recreate::Now) => {
            let begun = begun(cx, name, &it.known).await?;
            return rollout::decided(cx, begun).await;
        }
        Some(Recreate::At(_)) => return begun(cx, name, &it.known).await,
        Some(Recreate::Later) => Recreate::Later,
        None if template.outdated == 0 => return Ok(Vec::new()),
        None if cx.printer.may_ask() => rollout::ask(cx, name, template.outdated)?,
        None => Recreate::Later,
    };
    let at = match asked {
        Recreate::Later => {
            rollout::later(cx, name);
            return Ok(Vec::new());
        }
        Recreate::Now => None,
        Recreate::At(moment) => Some(moment),
    };
    rollout::begin(cx, &rollout::outdated_of(name, at, it.terms.clone())).await
}

/// The recreation that the server begins for the new version. None if there is no host to recreate.
async fn begun(
    cx: &mut Context<'_>,
    name: &str,
    known: &BTreeSet<String>,
) -> Result<Vec<RecreationView>, Failure> {
    let (client, mut looks) = (&cx.client, 0);
    let found = wait::until(waiting(None), cx.printer, "the recreation", async |_| {
        let fresh = rollout::fresh(client, name, known).await?;
        looks += 1;
        let none = fresh.is_empty() && client.template(name).await?.value.outdated == 0;
        Ok((!fresh.is_empty() || none || looks > LOOKS_MAX).then_some(fresh))
    })
    .await?;
    if found.is_empty() {
        cx.printer.talk(&format!("no host of {name} is to be recreated"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn leaving_is_waited_for_until_it_is_done_or_needs_somebody() {
        let now = samples::look(None).now;
        assert!(!is_decided(&samples::leaving("hashing", 40.0), now));
        assert!(is_decided(&samples::template(), now), "it is out");
        assert!(is_decided(&samples::in_maintenance("Maintenance"), now), "somebody backed out");
        let mut failed = samples::leaving("failed", 0.0);
        let publication = failed.publication.as_mut().unwrap();
        publication.code = Some("M0002".into());
        publication.next_attempt_at = Some("2026-01-01T00:10:20Z".into());
        assert!(is_decided(&failed, now), "a guest that does not shut down needs somebody");
        failed.publication.as_mut().unwrap().code = Some("T0009".into());
        assert!(!is_decided(&failed, now), "a stall passes by itself");
    }
}
