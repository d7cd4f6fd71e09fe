//! `diecast audit`: what may be typed.

use super::moment::{self, Moment};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// List who changed what, the newest first
    List(ListArgs),
    /// Write the audit trail into a file, a line of JSON an entry, the oldest first
    Export(ExportArgs),
    /// Show for how long the audit trail is kept
    Show,
    /// Keep the audit trail for longer, or not as long
    Set(SetArgs),
}

#[derive(Args, Clone, Debug, Default)]
pub struct WhichArgs {
    /// Only since then: 2h ago, today's 22:00, or 2026-01-31T22:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment::past)]
    pub since: Option<Moment>,
    /// Only until then
    #[arg(long, value_name = "TIME", value_parser = moment::past)]
    pub until: Option<Moment>,
    /// Only what they did: admin, token:ci, console
    #[arg(long, value_name = "WHO")]
    pub who: Option<String>,
    /// Only what was done to this kind of thing: provider, template, member, host, token, session, ...
    #[arg(long, value_name = "OBJECT")]
    pub object: Option<String>,
    /// Only what was done to the thing of this name
    #[arg(long)]
    pub name: Option<String>,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Below each entry stands what it changed. The whole records, before and after, are in --json.

Examples:
  diecast audit list --since 24h
  diecast audit list --who token:ci --object template
  diecast audit list --object provider --name kvm-a --json | jq '.items[0].before'"
)]
pub struct ListArgs {
    #[command(flatten)]
    pub which: WhichArgs,
    /// At most this many, the newest
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast audit export audit.jsonl
  diecast audit export - --since 2026-01-01T00:00:00Z | gzip > audit.jsonl.gz")]
pub struct ExportArgs {
    /// The file to make, or - for stdout
    pub file: PathBuf,
    #[command(flatten)]
    pub which: WhichArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:
  diecast audit set --keep 730d")]
pub struct SetArgs {
    /// For how long entries are kept: 400d
    #[arg(long, value_name = "DAYS", value_parser = days)]
    pub keep: u32,
}

fn days(text: &str) -> Result<u32, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number.parse().map_err(|_| format!("`{text}` is no number of days: write 400d"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_for_whole_days() {
        assert_eq!((days("400d"), days("30")), (Ok(400), Ok(30)));
        assert!(days("a year").is_err() && days("-1d").is_err() && days("12h").is_err());
    }
}
