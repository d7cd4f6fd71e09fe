//! `diecast alarm`: what may be typed.

use clap::Subcommand;

#[derive(Subcommand, Clone, Debug)]
pub enum AlarmCommand {
    /// List what is not well now: since when, why, and what to do; the worst first
    #[command(after_help = "Examples:
  diecast alarm list
  diecast alarm list --json | jq -e '.items == []'     # for a check: fails while something is not well")]
    List,
}
