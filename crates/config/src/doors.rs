//! The doors of this crate: the file of settings, which somebody wrote by hand. See `diecast_domain::doors`.

use crate::{Source, apply::with_file, file::File};
use clap::{Arg, ArgAction, Command, value_parser};
use diecast_domain::{
    code::Code,
    doors::{Door, texts},
};
use std::net::SocketAddr;

pub const DOORS: &[Door] = &[SETTINGS];

/// A program with a setting of each kind.
fn program() -> Command {
    let setting = |name: &'static str| Arg::new(name).long(name).env(name);
    let listen = setting("listen").value_parser(value_parser!(SocketAddr));
    let keep = setting("backup-keep").value_parser(value_parser!(u32).range(1..));
    let names = setting("name").action(ArgAction::Append).value_delimiter(',');
    let quiet = setting("quiet").action(ArgAction::SetTrue);
    Command::new("program").subcommand(Command::new("run").args([listen, keep, names, quiet]))
}

pub const SETTINGS: Door = Door {
    name: "settings",
    seeds: || {
        texts(&[
            "# A comment\nlisten = \"0.0.0.0:7443\"\nname = [\"a\", \"b\"]\nquiet = true\n\n[backup]\nkeep = 7\n",
            "listn = 1\n",
            "backup-keep = \"\"\"\n7\"\"\"\n",
        ])
    },
    knock: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let file = File::of(text);
        for setting in file.settings().unwrap_or_default() {
            assert!((1..=text.split('\n').count()).contains(&setting.line), "{setting:?}");
        }
        let source = Source { path: "", within: None };
        if let Err(problem) = with_file(program(), &source, &file) {
            assert_eq!(problem.code, Code::S0007);
            assert!(problem.cause.starts_with("a.toml, line "), "{problem}");
        }
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_door_is_begun_with_is_let_in() {
        let text = String::from_utf8((SETTINGS.seeds)().remove(0)).unwrap();
        assert_eq!(File::of(&text).settings().unwrap().len(), 4);
        assert!(with_file(program(), &Source { path: "", within: None }, &File::of(&text)).is_ok());
    }

    diecast_domain::no_door_gives_way!(DOORS, 2000);
}
