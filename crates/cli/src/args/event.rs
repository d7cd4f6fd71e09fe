//! `diecast event`: what may be typed.

use super::moment::{self, Moment};
use clap::{Args, Subcommand};

/// What events are about.
const OBJECTS: [&str; 13] = [
    "administrator",
    "audit",
    "host",
    "notification",
    "pool",
    "provider",
    "recovery",
    "recreation",
    "schedule",
    "server",
    "site",
    "template",
    "token",
];

#[derive(Subcommand, Clone, Debug)]
pub enum EventCommand {
    /// List what happened; with --follow, also what happens from now on
    List(ListArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The oldest of those shown comes first. With --follow --json every event is a line on stdout.

Examples:
  diecast event list --since 2h
  diecast event list --object template --name win11
  diecast event list --kind replica.failed --since 2026-01-31T22:00 --json
  diecast event list --kind provider --follow
  diecast event list --follow --json | jq -r .message"
)]
pub struct ListArgs {
    /// Only events about this kind of thing
    #[arg(long, value_name = "OBJECT", value_parser = OBJECTS)]
    pub object: Option<String>,
    /// Only events about the thing of this name
    #[arg(long)]
    pub name: Option<String>,
    /// Only events of this kind: replica.failed, or replica for all that begin so
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Only what this user did; `diecast` did what nobody asked for at that moment
    #[arg(long, value_name = "USER")]
    pub actor: Option<String>,
    /// Only since then: 2h ago, today's 22:00, or 2026-01-31T22:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment::past)]
    pub since: Option<Moment>,
    /// At most this many, the newest
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Stay, and print events as they happen
    #[arg(long, short)]
    pub follow: bool,
}
