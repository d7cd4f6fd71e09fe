//! The agent's file of settings, `/etc/diecast/agent.toml`: its keys are the flags of `diecast-agent run`.

use diecast_config::Source;

pub const SETTINGS: Source = Source { path: "/etc/diecast/agent.toml", within: None };
