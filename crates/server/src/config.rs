//! The server's file of settings, `/etc/diecast/server.toml`: its keys are the flags of `diecast server run`.

use diecast_config::Source;

pub const SETTINGS: Source = Source { path: "/etc/diecast/server.toml", within: Some("server") };
