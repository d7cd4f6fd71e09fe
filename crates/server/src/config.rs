//! The server's file of settings, `/etc/diecast/server.toml`: its keys are the flags of `diecast server run`.

use diecast_config::Source;

pub const SETTINGS: Source = Source { path: "/etc/diecast/server.toml", within: Some("server") };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ServerArgs;
    use clap::{Args, Command};
    use diecast_config::{apply, keys, shipped};

    const SHIPPED: &str = include_str!("../../../packaging/server.toml");
    const PAGE: &str = include_str!("../../../docs/reference/configuration.md");

    fn command() -> Command {
        Command::new("diecast").subcommand(ServerArgs::augment_args(Command::new("server")))
    }

    #[test]
    fn the_shipped_file_and_the_reference_name_every_key_and_no_other() {
        let complaints =
            shipped::complaints(&keys(&command(), &SETTINGS), SHIPPED, PAGE, "## The server: `server.toml`");
        assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    }

    #[test]
    fn every_example_in_the_shipped_file_can_be_taken_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("server.toml");
        for text in [SHIPPED.to_owned(), shipped::uncommented(SHIPPED)] {
            std::fs::write(&file, text).unwrap();
            apply(command(), &SETTINGS, Some(&file)).unwrap();
        }
    }
}
