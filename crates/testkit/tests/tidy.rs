//! The rules of this repository, read by a test so that they do not rot: headers, sizes, layers,
//! links, decisions. What it reads is named in CONTRIBUTING.md and docs/ARCHITECTURE.md.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A file this long is two things.
const LINES_MAX: usize = 500;
/// Stories may run longer than what they tell of.
const TEST_LINES_MAX: usize = 800;
/// The console's are short: a component, a page.
const CONSOLE_LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files(under: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![under.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn is_test(path: &Path) -> bool {
    let name = shown(path);
    name.contains("/tests/") || name.ends_with("_tests.rs") || name.ends_with("/tests.rs")
}

fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = files(&root().join("crates"), "rs").into_iter().filter(|path| {
        let text = fs::read_to_string(path).unwrap();
        !text.trim_start().starts_with("//!")
    });
    none(&silent.map(|path| format!("{} has no header sentence (`//!`)", shown(&path))).collect::<Vec<_>>());
}

#[test]
fn no_file_is_longer_than_a_head_can_hold() {
    let mut complaints = Vec::new();
    for path in files(&root().join("crates"), "rs") {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let most = if is_test(&path) { TEST_LINES_MAX } else { LINES_MAX };
        if lines > most {
            complaints.push(format!("{} has {lines} lines, more than {most}", shown(&path)));
        }
    }
    none(&complaints);
}

#[test]
fn no_file_of_the_console_is_longer_than_a_head_can_hold() {
    let mut complaints = Vec::new();
    for (folder, extensions) in [("web/src", ["ts", "tsx", "css"]), ("web/e2e", ["mjs", "ts", "js"])] {
        for path in extensions.iter().flat_map(|extension| files(&root().join(folder), extension)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            // What is generated nobody reads.
            if lines > CONSOLE_LINES_MAX && !path.ends_with("api/schema.d.ts") {
                complaints.push(format!("{} has {lines} lines, more than {CONSOLE_LINES_MAX}", shown(&path)));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_lock_file_of_the_console_names_no_registry() {
    let lock = fs::read_to_string(root().join("web/package-lock.json")).unwrap();
    let lines = lock.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("\"resolved\""));
    none(
        &lines
            .map(|(number, _)| format!("web/package-lock.json:{} has an address", number + 1))
            .collect::<Vec<_>>(),
    );
}

/// crate -> what `docs/ARCHITECTURE.md` lets it import.
fn allowed() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let rows = text.lines().skip_while(|line| !line.starts_with("| Crate | May import")).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
            let imports = cells[1].split(',').map(str::trim).filter(|name| *name != "-");
            (cells[0].to_owned(), imports.map(str::to_owned).collect())
        })
        .collect()
}

fn crates() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn crates_import_what_the_architecture_lets_them() {
    let allowed = allowed();
    assert_eq!(allowed.keys().cloned().collect::<BTreeSet<_>>(), crates(), "the table lists every crate");
    let mut complaints = Vec::new();
    for (name, may) in allowed {
        let manifest = fs::read_to_string(root().join("crates").join(&name).join("Cargo.toml")).unwrap();
        let product = manifest.split("[dev-dependencies]").next().unwrap();
        for line in product.lines() {
            let Some(ours) = line.strip_prefix("diecast-") else { continue };
            let ours = ours.split(['.', ' ']).next().unwrap();
            if !may.contains(ours) {
                complaints.push(format!("{name} imports {ours}, which docs/ARCHITECTURE.md does not allow"));
            }
        }
        if !manifest.contains("[lints]\nworkspace = true") {
            complaints.push(format!("{name} does not take the workspace's lints"));
        }
    }
    none(&complaints);
}

#[test]
fn the_architecture_has_a_heading_for_every_crate_and_no_other() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let headings = text.lines().filter_map(|line| line.strip_prefix("### `crates/")?.split('`').next());
    assert_eq!(headings.map(str::to_owned).collect::<BTreeSet<_>>(), crates());
}

#[test]
fn the_domain_does_nothing_but_decide() {
    let mut complaints = Vec::new();
    for path in files(&root().join("crates/domain/src"), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        for forbidden in ["async fn", "SystemTime::now", "Instant::now", "std::fs", "std::net", "rand::"] {
            if text.contains(forbidden) {
                complaints.push(format!("{} has `{forbidden}`", shown(&path)));
            }
        }
    }
    none(&complaints);
}

/// The targets of Markdown links, and of paths written as code under `docs/guides` and ARCHITECTURE.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        found.push(target.split('#').next().unwrap_or_default().to_owned());
    }
    found.retain(|target| !target.is_empty() && !target.contains("://"));
    found
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut complaints = Vec::new();
    for path in files(&root(), "md") {
        let text = fs::read_to_string(&path).unwrap();
        for target in links(&text) {
            if !path.parent().unwrap().join(&target).exists() {
                complaints.push(format!("{} links to {target}, which is not there", shown(&path)));
            }
        }
    }
    none(&complaints);
}

#[test]
fn every_decision_says_what_was_decided_against() {
    let mut complaints = Vec::new();
    for path in files(&root().join("docs/adr"), "md") {
        let text = fs::read_to_string(&path).unwrap();
        for part in
            ["**Problem.**", "**Success.**", "**Decision.**", "**Alternatives.**", "**Out of scope.**"]
        {
            if !text.contains(part) {
                complaints.push(format!("{} lacks {part}", shown(&path)));
            }
        }
    }
    none(&complaints);
}

#[test]
fn every_decision_that_is_cited_was_written_down() {
    let numbers: BTreeSet<String> = files(&root().join("docs/adr"), "md")
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap()[..4].to_owned())
        .collect();
    let mut complaints = Vec::new();
    let sources = files(&root().join("crates"), "rs").into_iter().chain(files(&root().join("docs"), "md"));
    for path in sources.filter(|path| !is_test(path)) {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("ADR 0") {
            let number = text.get(at + 4..at + 8).unwrap_or_default();
            if !numbers.contains(number) {
                complaints.push(format!("{} cites ADR {number}, which is not there", shown(&path)));
            }
        }
    }
    none(&complaints);
}

/// The constants of doors and the names that they have.
fn doors(text: &str) -> Vec<(String, String)> {
    let parts = text.split("pub const ").skip(1).filter_map(|part| part.split_once(": Door = Door {"));
    parts
        .map(|(constant, rest)| {
            let name = rest.split("name: \"").nth(1).and_then(|rest| rest.split('"').next());
            (constant.to_owned(), name.unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn every_door_is_tried_in_the_tests_and_by_a_fuzz_target_and_every_target_has_a_door() {
    let fuzz = root().join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut complaints = Vec::new();
    let mut targets = BTreeSet::new();
    for name in crates() {
        let sources = files(&root().join("crates").join(&name).join("src"), "rs").into_iter();
        let texts: String = sources
            .filter(|path| path.file_name().is_some_and(|file| file == "doors.rs"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect();
        let listed =
            texts.split("pub const DOORS: &[Door] =").nth(1).and_then(|rest| rest.split("];").next());
        let listed: BTreeSet<&str> =
            listed.unwrap_or_default().split(|it: char| !it.is_alphanumeric() && it != '_').collect();
        for (constant, door) in doors(&texts) {
            if !listed.contains(constant.as_str()) {
                complaints.push(format!("{name}: the door {constant} is not in DOORS, so no test tries it"));
            }
            let knocks = format!("diecast_fuzz::knock!(diecast_{name}::doors::{constant});");
            let target = fs::read_to_string(fuzz.join(format!("fuzz_targets/{door}.rs"))).unwrap_or_default();
            if !target.contains(&knocks) {
                complaints.push(format!("fuzz/fuzz_targets/{door}.rs does not say `{knocks}`"));
            }
            if !manifest.contains(&format!("name = \"{door}\"\npath = \"fuzz_targets/{door}.rs\"")) {
                complaints.push(format!("fuzz/Cargo.toml has no target `{door}`"));
            }
            if !targets.insert(door.clone()) {
                complaints.push(format!("there are two doors `{door}`"));
            }
        }
    }
    for path in files(&fuzz.join("fuzz_targets"), "rs") {
        let target = path.file_stem().unwrap().to_str().unwrap();
        if !targets.contains(target) {
            complaints.push(format!("{} has no door", shown(&path)));
        }
    }
    let named = manifest.matches("[[bin]]").count();
    assert!(targets.len() > 40 && named == targets.len(), "{named} targets for {} doors", targets.len());
    none(&complaints);
}
