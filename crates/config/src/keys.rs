//! What can be set: the flags of `run` that have a variable.

use crate::{RUN, Source};
use clap::{Arg, ArgAction, Command};

/// The flag that names the file itself.
const FILE_FLAG: &str = "config";

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As the file has it; behind two dashes it is the flag.
    pub name: String,
    pub variable: String,
    /// Without a file and all else.
    pub defaults: Vec<String>,
    /// What it is, in a sentence.
    pub help: String,
    /// Whether it can be given more than once, and so is a list.
    pub many: bool,
    /// Whether it is true or false.
    pub switch: bool,
}

/// Everything that can be set, in the order of the flags.
pub fn keys(command: &Command, source: &Source) -> Vec<Key> {
    let run = group(command, source).and_then(|group| group.find_subcommand(RUN));
    run.into_iter().flat_map(Command::get_arguments).filter_map(key).collect()
}

/// The command that holds `run`.
pub(crate) fn group<'c>(command: &'c Command, source: &Source) -> Option<&'c Command> {
    source.within.map_or(Some(command), |name| command.find_subcommand(name))
}

/// None if it is no setting.
pub(crate) fn key(arg: &Arg) -> Option<Key> {
    let name = arg.get_long().filter(|name| *name != FILE_FLAG)?;
    Some(Key {
        name: name.to_owned(),
        variable: arg.get_env()?.to_str()?.to_owned(),
        defaults: arg
            .get_default_values()
            .iter()
            .filter_map(|value| value.to_str().map(str::to_owned))
            .collect(),
        help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
        many: matches!(arg.get_action(), ArgAction::Append),
        switch: matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse),
    })
}
