//! What differs after a restore, and what was adopted.

use super::{Look, listed, sheet, yes_no};
use diecast_api::operator::recovery::{AdoptedView, FindingView, RecoveryView};

/// Names in one cell.
const NAMES_MAX: usize = 3;

pub(crate) fn show(look: Look, view: &RecoveryView) -> String {
    let Some(made_at) = &view.backup_made_at else {
        return "this server was never restored from a backup\n".to_owned();
    };
    let restored = view.restored_at.as_deref().unwrap_or_default();
    let mut text = format!("restored {restored} from the backup of {made_at}\n");
    if let Some(finished) = &view.finished_at {
        return format!("{text}finished {finished}: everything goes on\n");
    }
    text.push_str("nothing is deleted and nothing is begun until `diecast recovery finish`\n");
    text.push_str(
        "passwords and tokens are those of the backup: revoke again what was revoked since, see \
         `diecast token list`\n\n",
    );
    let row = |it: &diecast_api::operator::recovery::RecoveryProviderView| {
        vec![it.name.clone(), yes_no(it.known), yes_no(it.answers), yes_no(it.told)]
    };
    let header = ["PROVIDER", "KNOWN", "ANSWERS", "SAID WHAT IT WAS TOLD"];
    text.push_str(&sheet::table(look, &header, view.providers.iter().map(row).collect()));
    if view.items.is_empty() {
        text.push_str("\nnothing differs\n");
        return text;
    }
    let header = ["DIFFERS", "NAME", "PROVIDERS", "CAN BE ADOPTED", "NOTE"];
    text.push('\n');
    text.push_str(&sheet::table(look, &header, view.items.iter().map(item).collect()));
    text
}

fn item(it: &FindingView) -> Vec<String> {
    let adoptable = if it.adoptable { "yes".to_owned() } else { "no".to_owned() };
    let note = match &it.problem {
        Some(problem) => format!("{}; {} {}", it.detail, problem.code, problem.cause),
        None => it.detail.clone(),
    };
    vec![it.kind.clone(), it.name.clone(), listed(&it.providers, NAMES_MAX), adoptable, note]
}

pub(crate) fn adopted(_: Look, view: &AdoptedView) -> String {
    let mut text = String::new();
    view.adopted.iter().for_each(|it| text.push_str(&format!("{it}\n")));
    view.waiting.iter().for_each(|it| text.push_str(&format!("on its way: {it}; adopt again in a moment\n")));
    for it in &view.refused {
        let (code, cause) = it.problem.as_ref().map_or(("", ""), |it| (&it.code, &it.cause));
        text.push_str(&format!("{} is not adopted: {code} {cause}\n", it.name));
    }
    if text.is_empty() {
        text.push_str("there is nothing to adopt\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;
    use diecast_api::operator::{ProblemView, recovery::RecoveryProviderView};

    #[test]
    fn what_differs_and_what_waits_is_seen_at_a_glance() {
        let problem = ProblemView {
            code: "B0007".into(),
            cause: "there is another host `desk-2`".into(),
            hint: "rename that one".into(),
        };
        let provider = |name: &str, known| RecoveryProviderView {
            id: name.into(),
            name: name.into(),
            known,
            answers: true,
            told: known,
        };
        let finding = |kind: &str, name: &str, problem: Option<ProblemView>| FindingView {
            kind: kind.into(),
            name: name.into(),
            providers: vec!["kvm-a".into()],
            detail: "stands on win11 v2".into(),
            adoptable: problem.is_none(),
            problem,
        };
        let view = RecoveryView {
            open: true,
            backup_made_at: Some("2026-11-20T00:00:00Z".into()),
            restored_at: Some("2026-11-23T00:00:00Z".into()),
            finished_at: None,
            providers: vec![provider("kvm-a", true), provider("kvm-b", false)],
            items: vec![finding("host", "desk-1", None), finding("host", "desk-2", Some(problem))],
        };
        let text = show(samples::look(None), &view);
        assert!(
            text.starts_with("restored 2026-11-23T00:00:00Z from the backup of 2026-11-20T00:00:00Z"),
            "{text}"
        );
        assert!(text.contains("until `diecast recovery finish`"), "{text}");
        assert!(text.contains("revoke again what was revoked since, see `diecast token list`"), "{text}");
        let line =
            |name: &str| text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{text}"));
        assert!(line("kvm-b").contains("no") && line("desk-1").contains("yes"), "{text}");
        assert!(line("desk-2").contains("B0007 there is another host `desk-2`"), "{text}");
    }
}
