//! What a file says becomes the defaults of the flags it names.

use crate::{
    RUN, Source,
    file::{File, Setting, Value},
    keys::{self, Key},
};
use clap::{
    Command, Parser,
    error::{ContextKind, ContextValue, Error, ErrorKind},
};
use diecast_domain::code::Problem;
use std::{
    error::Error as _,
    path::{Path, PathBuf},
};

/// A name is taken for another one misspelt from here on (0 nothing alike, 1 the same).
const ALIKE: f64 = 0.75;

/// Reads the command line once more, with the file's settings below it.
pub fn reparse<P: Parser>(source: &Source, given: Option<&Path>) -> Result<P, Problem> {
    let matches = apply(P::command(), source, given)?.get_matches();
    Ok(P::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The same command, where the file's settings are the defaults.
pub fn apply(command: Command, source: &Source, given: Option<&Path>) -> Result<Command, Problem> {
    let path = given.map_or_else(|| PathBuf::from(source.path), Path::to_owned);
    match File::read(&path, given.is_some())? {
        Some(file) => with_file(command, source, &file),
        None => Ok(command),
    }
}

/// The same, where what the file says was read.
pub(crate) fn with_file(command: Command, source: &Source, file: &File) -> Result<Command, Problem> {
    let keys = keys::keys(&command, source);
    let run = keys::group(&command, source).and_then(|group| group.find_subcommand(RUN)).cloned();
    let mut defaults: Vec<(String, Vec<String>)> = Vec::new();
    for setting in file.settings()? {
        let Some(key) = keys.iter().find(|key| key.name == setting.key) else {
            return Err(unknown(file, &setting, &keys));
        };
        let values = values(file, &setting, key)?;
        if let Some(run) = run.as_ref().filter(|_| !key.switch) {
            check(file, &setting, run, &values)?;
        }
        defaults.push((key.variable.clone(), values));
    }
    let with = |group: Command| group.mut_subcommands(|command| with_defaults(command, &defaults));
    Ok(match source.within {
        Some(name) => command.mut_subcommand(name, with),
        None => with(command),
    })
}

/// The same variable is the same setting, whichever command of the group has it.
fn with_defaults(command: Command, defaults: &[(String, Vec<String>)]) -> Command {
    let ids: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| {
            let variable = keys::key(arg)?.variable;
            let (_, values) = defaults.iter().find(|(name, _)| *name == variable)?;
            Some((arg.get_id().clone(), values.clone()))
        })
        .collect();
    ids.into_iter()
        .fold(command, |command, (id, values)| command.mut_arg(id, |arg| arg.default_values(values)))
}

fn values(file: &File, setting: &Setting, key: &Key) -> Result<Vec<String>, Problem> {
    let wrong = |what: &str| {
        let name = &setting.key;
        Err(file.wrong(setting.line, format!("`{name}` {what}")))
    };
    match &setting.value {
        Value::Switch(on) if key.switch => Ok(vec![on.to_string()]),
        _ if key.switch => wrong("is `true` or `false`, without quotes"),
        Value::Switch(_) => wrong("cannot be true or false"),
        Value::One(one) => Ok(vec![one.clone()]),
        Value::Many(many) if key.many => Ok(many.clone()),
        Value::Many(_) => wrong("takes one value, and no list"),
    }
}

/// Has the flag's own parser look at each value.
fn check(file: &File, setting: &Setting, run: &Command, values: &[String]) -> Result<(), Problem> {
    for value in values {
        let words = [format!("--{}={value}", setting.key)];
        let Err(error) = run.clone().no_binary_name(true).try_get_matches_from(words) else { continue };
        // Other kinds speak of other flags: that one is missing beside this, say.
        if matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
            let what = format!("`{}` cannot be `{value}`: {}", setting.key, reason(&error));
            return Err(file.wrong(setting.line, what));
        }
    }
    Ok(())
}

fn reason(error: &Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
            format!("it is one of {}", valid.join(", "))
        }
        _ => "a value is missing".to_owned(),
    }
}

fn unknown(file: &File, setting: &Setting, keys: &[Key]) -> Problem {
    let problem = file.wrong(setting.line, format!("there is no key `{}`", setting.key));
    let written = setting.key.replace('_', "-");
    let likeness = |key: &&Key| (strsim::jaro_winkler(&key.name, &written) * 1000.0) as u32;
    match keys.iter().max_by_key(likeness).filter(|key| f64::from(likeness(key)) >= ALIKE * 1000.0) {
        Some(near) => problem.with_hint(format!("did you mean `{}`?", near.name)),
        None => {
            let all: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
            problem.with_hint(format!("the keys are: {}", all.join(", ")))
        }
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
