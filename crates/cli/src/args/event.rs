//! `diecast event`: what may be typed.

use clap::{Args, Subcommand};

#[derive(Subcommand, Clone, Debug)]
pub enum EventCommand {
    /// List what happened; with --follow, also what happens from now on
    List(ListArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "With --follow --json every event is a line on stdout.

Examples:
  diecast event list --object template --name win11
  diecast event list --follow --json | jq -r .message")]
pub struct ListArgs {
    /// Only events about this kind of thing
    #[arg(long, value_parser = ["provider", "template", "host", "server"])]
    pub object: Option<String>,
    /// Only events about the thing of this name
    #[arg(long)]
    pub name: Option<String>,
    /// At most this many, the newest
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
    /// Stay, and print events as they happen
    #[arg(long, short)]
    pub follow: bool,
}
