//! The file: what is read, what is compared, what is asked for, and that writing it down and applying it changes nothing.

use super::{diff::diff, *};
use crate::render::samples;
use diecast_api::operator::{
    pool::PoolView,
    provider::{ChangeProvider, ProviderView},
};
use std::collections::BTreeMap;

fn there() -> There {
    let provider = |name: &str| ProviderView { name: name.into(), ..samples::provider() };
    let named = |names: [&str; 4]| -> BTreeMap<String, ProviderView> {
        names.iter().map(|name| ((*name).to_owned(), provider(name))).collect()
    };
    There {
        providers: named(["kvm-a", "kvm-b", "kvm-c", "kvm-d"]),
        templates: [("win11".to_owned(), samples::template())].into(),
        lists: [("win11".to_owned(), vec!["kvm-a".into(), "kvm-b".into(), "kvm-c".into()])].into(),
        pools: [("desks".to_owned(), samples::pool()), ("flex".to_owned(), samples::short_pool())].into(),
        sites: samples::sites().items.into_iter().map(|it| (it.name.clone(), it)).collect(),
    }
}

fn difference(text: &str, prune: bool) -> diff::Difference {
    diff(&document::parse(text).unwrap(), &there(), prune).unwrap()
}

const FILE: &str = r#"
[provider.kvm-a]
site = "madrid"
networks = { corp = "br21", guest = "br30" }
labels = {}

[provider.kvm-b]
storage = "default"

[template.win11]
distribution = ["kvm-a", "kvm-b", "kvm-d"]
concurrency = 2

[pool.desks]
template = "win11"
pattern = "desk-{nnn}"
size = 30
version = "production"
setup = { ready_when = "address" }

[pool.lab]
template = "win11"
pattern = "lab-{n}"
min = 2
max = 8
spare = 1
"#;

#[test]
fn a_difference_is_shown_line_by_line_and_what_is_not_named_stays() {
    let difference = difference(FILE, false);
    insta::assert_snapshot!(render::changes::show(&difference.steps));
    assert_eq!(difference.notes.len(), 2, "{:?}", difference.notes);
    assert!(!difference.steps.iter().any(|step| step.act.removes()));
}

#[test]
fn pruning_removes_last_what_the_file_does_not_name() {
    let steps = difference(FILE, true).steps;
    let removals: Vec<_> = steps.iter().filter(|step| step.act.removes()).cloned().collect();
    insta::assert_snapshot!(render::changes::show(&removals));
    assert!(
        steps[steps.len() - 2..].iter().all(|step| step.act.removes()),
        "hosts first, then what they stand on"
    );
}

#[test]
fn a_mapping_that_the_file_leaves_out_of_its_table_is_taken_away() {
    let steps = difference("[provider.kvm-a]\nlabels = { rack = \"4\" }", false).steps;
    let Act::ChangeProvider { change: ChangeProvider { labels, networks, .. }, .. } = &steps[0].act else {
        panic!("{:?}", steps[0].act)
    };
    assert_eq!(labels, &BTreeMap::from([("rack".into(), "4".into()), ("tier".into(), String::new())]));
    assert!(networks.is_empty(), "nothing is said of them");
}

#[test]
fn what_export_writes_is_taken_and_changes_nothing() {
    let mut there = there();
    let text = "#cloud-config\nusers:\n- name: \"anna\"\n".to_owned();
    there.pools.get_mut("desks").unwrap().setup.user_data = Some(text);
    there.providers.get_mut("kvm-b").unwrap().site = None;
    let document = there.document();
    for written in [document::toml(&document), document::json(&document)] {
        let read = document::parse(&written).unwrap();
        assert_eq!(read, document);
        for prune in [false, true] {
            let difference = diff(&read, &there, prune).unwrap();
            assert!(difference.steps.is_empty(), "{:?}", difference.steps);
            assert!(difference.notes.is_empty(), "{:?}", difference.notes);
        }
    }
}

#[test]
fn an_exported_file_reads_well() {
    insta::assert_snapshot!(document::toml(&there().document()));
}

#[test]
fn an_applied_change_is_no_change_the_second_time() {
    let mut there = there();
    let pool =
        PoolView { follows: "2".into(), cap: None, replace_elsewhere_seconds: None, ..samples::pool() };
    there.pools.insert("desks".into(), pool);
    let text = "[pool.desks]\ntemplate = \"win11\"\npattern = \"desk-{nnn}\"\nversion = \"v2\"\ncap = 0\n\
                replace_elsewhere_seconds = 0\nproviders = []\nweights = {}\nfull = false\n";
    let difference = diff(&document::parse(text).unwrap(), &there, false).unwrap();
    assert!(difference.steps.is_empty(), "{:?}", difference.steps);
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let said = |text: &str| document::parse(text).unwrap_err();
    for (text, line, word) in [
        ("[provider.kvm-a]\nuri = \"x\"\nsit = \"berlin\"\n", "line 3:", "`sit`"),
        ("\n[pools.desks]\nsize = 1\n", "line 2:", "`pools`"),
        ("[template.win11]\nkeep = \"many\"\n", "line 2:", "u32"),
        ("[template.win11]\nkeep = \n", "line 2:", ""),
        ("[template.Win11]\nkeep = 1\n", "line 1:", "Win11"),
        (
            "[pool.a]\ntemplate = \"w\"\npattern = \"a-{n}\"\nsetup = { ready = \"x\" }\n",
            "line 4:",
            "`ready`",
        ),
        ("[pool.a]\ntemplate = \"w\"\npattern = \"desk\"\n", "line 3:", "name pattern"),
        ("{\n \"provider\": {\n  \"kvm-a\": {\"sit\": 1}}}", "line 3:", "`sit`"),
    ] {
        let said = said(text);
        assert!(said.starts_with(line) && said.contains(word), "{text}: {said}");
    }
    let both = said("[pool.a]\ntemplate = \"w\"\npattern = \"a-{n}\"\nsize = 1\nmax = 2\n");
    assert!(both.contains("pool.a"), "{both}");
}

#[test]
fn what_cannot_be_had_is_all_said_before_anything_is_changed() {
    let text = r#"
[provider.kvm-x]
site = "x"
[template.deb12]
keep = 1
[template.win11]
distribution = ["kvm-y"]
[pool.desks]
template = "win11"
pattern = "other-{n}"
[pool.flex]
template = "deb12"
pattern = "flex-{nnn}"
[pool.new]
template = "win11"
pattern = "new-{n}"
providers = ["kvm-z"]
"#;
    let blockers = diff(&document::parse(text).unwrap(), &there(), false).unwrap_err();
    insta::assert_snapshot!(blockers.join("\n"));
}

#[test]
fn limits_of_links_are_compared_whichever_end_names_them_and_taken_away_by_prune() {
    let links = |text: &str, prune: bool| -> Vec<Step> {
        difference(text, prune).steps.into_iter().filter(|step| step.kind == "site link").collect()
    };
    let same = "[site.madrid.links]\nberlin = \"2 Mbit/s 8:00-18:00 Europe/Madrid; 100Mbit/s\"\n";
    assert!(links(same, true).is_empty());
    let other = "[site.madrid.links]\nberlin = \"off\"\nrome = \"9Mbit/s\"\n";
    insta::assert_snapshot!(render::changes::show(&links(other, false)));
    let one = "[site.rome.links]\nmadrid = \"9Mbit/s\"\n";
    assert_eq!((links(one, false).len(), difference(one, false).notes.len()), (1, 1));
    assert!(links(one, true).len() == 2 && difference(one, true).notes.is_empty());
    assert!(links("[provider.kvm-a]\nsite = \"berlin\"\n", true).is_empty(), "no site is given");
}

#[test]
fn a_link_of_one_site_or_with_two_limits_or_of_nowhere_is_refused() {
    let said = |text: &str| document::parse(text).unwrap_err();
    assert!(said("[site.a.links]\na = \"9Mbit/s\"\n").contains("joins two sites"));
    let both = said("[site.a.links]\nb = \"9Mbit/s\"\n[site.b.links]\na = \"8Mbit/s\"\n");
    assert!(both.contains("another limit"), "{both}");
    let nowhere = "[site.berlin.links]\natlantis = \"9Mbit/s\"\n";
    let blockers = diff(&document::parse(nowhere).unwrap(), &there(), false).unwrap_err();
    assert!(blockers[0].starts_with("site.atlantis: no provider stands there"), "{blockers:?}");
    let moved = format!("[provider.kvm-a]\nsite = \"atlantis\"\n{nowhere}");
    let steps = diff(&document::parse(&moved).unwrap(), &there(), false).unwrap().steps;
    assert_eq!(steps.iter().map(|step| step.kind).collect::<Vec<_>>(), ["provider", "site link"]);
}
