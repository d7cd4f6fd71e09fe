//! `diecast recovery`: what may be typed.

use super::{WaitArgs, YesArgs};
use clap::{Args, Subcommand};
use diecast_domain::names::ProviderName;

#[derive(Subcommand, Clone, Debug)]
pub enum RecoveryCommand {
    /// Show what differs between the backup that was restored and what the providers hold
    Show,
    /// Take over what providers hold and the backup does not know: versions, hosts, providers; nothing
    /// is copied
    Adopt(AdoptArgs),
    /// Let everything go on: what is wished for is done again, deletions too
    Finish(FinishArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast recovery adopt --all --wait
  diecast recovery adopt kvm-a kvm-b")]
pub struct AdoptArgs {
    /// Whose things
    #[arg(value_name = "PROVIDER", required_unless_present = "all", conflicts_with = "all")]
    pub providers: Vec<ProviderName>,
    /// Everybody's
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
pub struct FinishArgs {
    #[command(flatten)]
    pub yes: YesArgs,
}
