//! The agent's file of settings, `/etc/diecast/agent.toml`: its keys are the flags of `diecast-agent run`.

use diecast_config::Source;

pub const SETTINGS: Source = Source { path: "/etc/diecast/agent.toml", within: None };

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::settings::AgentArgs;
    use clap::CommandFactory;
    use diecast_config::{apply, keys, shipped};

    const SHIPPED: &str = include_str!("../../../packaging/agent.toml");
    const PAGE: &str = include_str!("../../../docs/reference/configuration.md");

    #[test]
    fn the_shipped_file_and_the_reference_name_every_key_and_no_other() {
        let keys = keys(&AgentArgs::command(), &SETTINGS);
        let complaints = shipped::complaints(&keys, SHIPPED, PAGE, "## The agent: `agent.toml`");
        assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
    }

    #[test]
    fn every_example_in_the_shipped_file_can_be_taken_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agent.toml");
        for text in [SHIPPED.to_owned(), shipped::uncommented(SHIPPED)] {
            std::fs::write(&file, text).unwrap();
            apply(AgentArgs::command(), &SETTINGS, Some(&file)).unwrap();
        }
    }
}
