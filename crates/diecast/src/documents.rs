//! What the documents say to type can be typed: every command of ours in README and `docs/` is held against the command
//! lines as they are. What is typed on the lab besides, `crates/lab/tests/guides.rs` knows.

use super::Diecast;
use clap::{Command, CommandFactory, error::ErrorKind};
use diecast_domain::code::Code;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Fewer would mean that they are not found any more.
const COMMANDS_MIN: usize = 200;

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (mut found, mut folders) = (vec![root.join("README.md")], vec![root.join("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    found
}

/// What is typed somewhere: a whole command, or one that is only mentioned.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    line: usize,
    words: Vec<String>,
    whole: bool,
}

/// The commands of a page: of its blocks, and of the code in its sentences.
fn said(page: &str) -> Vec<Said> {
    let (mut found, mut prose, mut block) = (Vec::new(), String::new(), None);
    for (number, line) in (1..).zip(page.lines()) {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut block, fence) {
            (None, Some(kind)) => block = Some((number + 1, kind.to_owned(), String::new())),
            (None, None) => prose.push_str(line),
            (Some((_, _, script)), None) => *script += &format!("{line}\n"),
            (Some((first, kind, script)), Some(_)) => {
                if kind.starts_with("sh") || kind == "text" {
                    let ours = commands(script).into_iter();
                    found.extend(ours.map(|words| Said {
                        line: *first,
                        words,
                        whole: kind.starts_with("sh"),
                    }));
                }
                block = None;
            }
        }
        prose.push('\n');
    }
    let mut line = 1;
    for (number, code) in prose.split('`').enumerate() {
        if number % 2 == 1 {
            let ours = commands(&code.replace('\n', " ")).into_iter();
            found.extend(ours.map(|words| Said { line, words, whole: false }));
        }
        line += code.matches('\n').count();
    }
    found
}

/// The commands of ours in a script, each in words as a shell splits it.
fn commands(script: &str) -> Vec<Vec<String>> {
    let (mut all, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let (mut quote, mut redirected) = (None, false);
    let mut chars = script.chars().peekable();
    let end_word = |word: &mut Option<String>, words: &mut Vec<String>, redirected: &mut bool| {
        words.extend(word.take().filter(|_| !*redirected));
        *redirected = false;
    };
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(char),
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(char);
            }
            (None, '\\') => {
                if let Some(next) = chars.next().filter(|next| *next != '\n') {
                    word.get_or_insert_default().push(next);
                }
            }
            (None, '#') if word.is_none() => while chars.next_if(|next| *next != '\n').is_some() {},
            (None, ' ') => end_word(&mut word, &mut words, &mut redirected),
            (None, '>' | '<') => {
                end_word(&mut word, &mut words, &mut redirected);
                redirected = true;
                while chars.next_if_eq(&' ').is_some() {}
            }
            // What stands in $( ) is a command of its own.
            (None, '\n' | '|' | '&' | ';' | '(' | ')') => {
                end_word(&mut word, &mut words, &mut redirected);
                all.push(std::mem::take(&mut words));
            }
            (None, _) => word.get_or_insert_default().push(char),
        }
    }
    end_word(&mut word, &mut words, &mut redirected);
    all.push(words);
    all.retain_mut(|words| {
        let ours = |word: &String| ["diecast", "diecast-agent"].contains(&word.as_str());
        let before = |word: &&String| word.contains('=') || *word == "sudo" || *word == "$";
        words.drain(..words.iter().take_while(before).count());
        words.len() > 1 && ours(&words[0])
    });
    all
}

/// A word that stands for one of the reader's.
fn stands_for_another(word: &str) -> bool {
    let capitals = |char: char| char.is_ascii_uppercase() || "-_.:/,".contains(char);
    word.ends_with("...") || word.ends_with('…') || word.chars().all(capitals)
}

fn command_line(words: &[String]) -> Command {
    let mut command = match words[0].as_str() {
        "diecast" => Diecast::command(),
        _ => diecast_agent::settings::AgentArgs::command(),
    };
    command.build();
    command
}

/// What is wrong with a command, if anything.
fn complaint(said: &Said) -> Option<String> {
    let whole = command_line(&said.words);
    let mut command = &whole;
    for word in &said.words[1..] {
        if let Some(flag) = word.strip_prefix("--") {
            let name = flag.split(['=', '|']).next().unwrap_or_default();
            let known = command.get_arguments().any(|it| it.get_long() == Some(name));
            if !known && !["", "help", "version"].contains(&name) {
                return Some(format!("`{}` has no --{name}", command.get_name()));
            }
        } else if command.has_subcommands() && !stands_for_another(word) && !word.starts_with('-') {
            match command.find_subcommand(word) {
                Some(found) => command = found,
                None => return Some(format!("`{}` has no command {word}", command.get_name())),
            }
        }
    }
    if !said.whole {
        return None;
    }
    let wrong = whole.try_get_matches_from(&said.words).err()?;
    let value = wrong.get(clap::error::ContextKind::InvalidValue).map(ToString::to_string);
    let excused = match wrong.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => {
            value.is_some_and(|value| stands_for_another(&value))
        }
        _ => false,
    };
    (!excused).then(|| wrong.to_string())
}

#[test]
fn every_command_that_the_documents_and_the_hints_name_can_be_typed() {
    let (mut complaints, mut count) = (Vec::new(), 0);
    for path in documents() {
        for said in said(&fs::read_to_string(&path).unwrap()) {
            count += 1;
            if let Some(wrong) = complaint(&said) {
                complaints.push(format!(
                    "{}:{}: {:?}: {wrong}",
                    path.display(),
                    said.line,
                    said.words.join(" ")
                ));
            }
        }
    }
    for code in Code::ALL {
        for said in said(code.hint()) {
            complaints.extend(complaint(&said).map(|wrong| format!("the hint of {code}: {wrong}")));
        }
    }
    assert!(count >= COMMANDS_MIN, "only {count} commands were found");
    assert!(complaints.is_empty(), "{} of {count}:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn a_command_that_cannot_be_typed_is_noticed() {
    let page = "Say `diecast provider lost`, or:\n\n```sh on server\nsudo diecast host list --colour > 'a file' # now\n\
        DIECAST_TOKEN=$(diecast tokens list | cat) diecast \\\n  host list --json\n```\n";
    let said = said(page);
    let words: Vec<_> = said.iter().map(|it| (it.line, it.words.join(" "))).collect();
    let expected = ["diecast host list --colour", "diecast tokens list", "diecast host list --json"];
    let block = expected.map(|it| (4, it.to_owned())).into_iter();
    assert_eq!(words, block.chain([(1, "diecast provider lost".to_owned())]).collect::<Vec<_>>());
    let wrong: Vec<_> = said.iter().map(|it| complaint(it).is_some()).collect();
    assert_eq!(wrong, [true, true, false, true]);
}
