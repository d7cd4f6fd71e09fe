//! What a package brings beside the program: manual pages and completions, made from the command line itself.

use crate::settings::AgentArgs;
use clap::CommandFactory;
use diecast_domain::code::{Code, Problem};
use std::path::Path;

/// To stdout.
pub fn completions(shell: clap_complete::Shell) -> Result<(), Problem> {
    clap_complete::generate(shell, &mut AgentArgs::command(), "diecast-agent", &mut std::io::stdout());
    Ok(())
}

/// One page for each command.
pub fn pages(folder: &Path) -> Result<(), Problem> {
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(AgentArgs::command(), folder));
    written.map_err(|error| {
        Problem::new(Code::S0003, format!("{} cannot be written to: {error}", folder.display()))
            .with_hint("name a folder that you may write to")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn every_command_has_its_page() {
        let folder = tempfile::tempdir().unwrap();
        super::pages(folder.path()).unwrap();
        for page in
            ["diecast-agent.1", "diecast-agent-join.1", "diecast-agent-run.1", "diecast-agent-status.1"]
        {
            assert!(std::fs::read_to_string(folder.path().join(page)).unwrap().contains(".TH"), "{page}");
        }
    }
}
