//! What a file may say, who is heard above it, and how a slip in it is told.

#![allow(clippy::unwrap_used)]

use super::*;
use clap::{Args, Subcommand, ValueEnum};
use diecast_domain::code::Code;
use std::net::SocketAddr;

const SOURCE: Source = Source { path: "/nowhere/at/all.toml", within: None };

#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    command: Sub,
}

#[derive(Debug, Subcommand)]
enum Sub {
    Run(Run),
    Password(Place),
}

#[derive(Debug, Args)]
struct Run {
    #[command(flatten)]
    place: Place,
    #[arg(long, default_value = "0.0.0.0:1", env = "CONFIG_TEST_LISTEN")]
    listen: SocketAddr,
    #[arg(long, env = "CONFIG_TEST_NAME", value_delimiter = ',')]
    name: Vec<String>,
    #[arg(long, env = "CONFIG_TEST_KEY", requires = "listen")]
    key: Option<String>,
    #[arg(long, env = "CONFIG_TEST_FORMAT", value_enum, default_value = "human")]
    log_format: Format,
    #[arg(long, env = "CONFIG_TEST_KEEP", default_value_t = 7)]
    backup_keep: u32,
    #[arg(long, env = "CONFIG_TEST_QUIET")]
    quiet: bool,
    /// No setting: it has no variable.
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Args)]
struct Place {
    #[arg(long, default_value = "/var", env = "CONFIG_TEST_DATA")]
    data: String,
}

#[derive(Clone, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

fn parsed(text: &str, words: &[&str]) -> Result<Program, Problem> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    use clap::CommandFactory;
    let command = apply(Program::command(), &SOURCE, Some(file.path()))?;
    let matches = command.try_get_matches_from([&["program"], words].concat()).unwrap();
    Ok(clap::FromArgMatches::from_arg_matches(&matches).unwrap())
}

fn run(text: &str, words: &[&str]) -> Run {
    match parsed(text, &[&["run"], words].concat()).unwrap().command {
        Sub::Run(run) => run,
        Sub::Password(_) => unreachable!("`run` was typed"),
    }
}

fn refused(text: &str) -> Problem {
    let problem = parsed(text, &["run"]).unwrap_err();
    assert_eq!(problem.code, Code::S0007);
    problem
}

#[test]
fn a_file_sets_what_no_flag_sets() {
    let text = "listen = '127.0.0.1:5'\nname = ['a', 'b']\nkey = 'k'\nquiet = true\nlog-format = 'json'\n[backup]\nkeep = 3";
    let set = run(text, &[]);
    assert_eq!(
        (set.listen.to_string().as_str(), set.name.as_slice()),
        ("127.0.0.1:5", &["a".into(), "b".into()][..])
    );
    assert_eq!((set.key.as_deref(), set.quiet, set.log_format), (Some("k"), true, Format::Json));
    assert_eq!((set.backup_keep, set.place.data.as_str(), set.once), (3, "/var", false));
    let set = run(text, &["--listen", "127.0.0.1:6", "--name", "c"]);
    assert_eq!((set.listen.port(), set.name), (6, vec!["c".to_owned()]), "a flag is above the file");
}

#[test]
fn commands_beside_run_follow_the_file_where_they_share_a_setting() {
    let program = parsed("data = '/srv'", &["password"]).unwrap();
    assert!(matches!(program.command, Sub::Password(place) if place.data == "/srv"));
}

#[test]
fn a_slip_is_named_with_its_line_and_what_was_meant() {
    let problem = refused("# one\n\nlisten = '1.2.3.4:5'\nlistne = '1.2.3.4:5'\n");
    assert!(problem.cause.contains("line 4") && problem.cause.contains("`listne`"), "{problem}");
    assert_eq!(problem.hint, "did you mean `listen`?");
    assert_eq!(refused("log_format = 'json'").hint, "did you mean `log-format`?");
    assert!(
        refused("utterly-else = 1").hint.contains("listen, name, key"),
        "{}",
        refused("utterly-else = 1").hint
    );
    assert!(refused("once = true").cause.contains("no key `once`"));
    assert!(refused("[backup]\nkept = 1").cause.contains("line 2: there is no key `backup-kept`"));
}

#[test]
fn a_value_that_cannot_be_is_told_by_the_flags_own_parser() {
    for (text, said) in [
        ("listen = 'here'", "line 1: `listen` cannot be `here`: invalid socket address syntax"),
        ("\nlog-format = 'jsn'", "line 2: `log-format` cannot be `jsn`: it is one of human, json"),
        ("backup-keep = -1", "`backup-keep` cannot be `-1`"),
        ("quiet = 'yes'", "`quiet` is `true` or `false`"),
        ("data = true", "`data` cannot be true or false"),
        ("data = ['a', 'b']", "`data` takes one value"),
        ("data = 2020-01-01", "`data` cannot be a datetime"),
        ("data = 'a'\ndata = 'b'", "line 2: duplicate key"),
        ("backup-keep = 1\n[backup]\nkeep = 2", "line 3: `backup-keep` is set on line 1 already"),
        ("data = 'a", "line 1: "),
        ("data", "line 1: "),
    ] {
        let problem = refused(text);
        assert!(problem.cause.contains(said), "{text:?}: {}", problem.cause);
    }
}

#[test]
fn a_file_that_is_not_there_says_nothing_unless_it_was_asked_for() {
    use clap::CommandFactory;
    assert!(apply(Program::command(), &SOURCE, None).is_ok());
    let problem = apply(Program::command(), &SOURCE, Some(Path::new(SOURCE.path))).unwrap_err();
    assert!(problem.cause.contains(SOURCE.path), "{problem}");
}
