//! `diecast recreation`: what may be typed.

use super::YesArgs;
use clap::{Args, Subcommand};
use diecast_domain::{ids::RecreationId, names::TemplateName};

#[derive(Subcommand, Clone, Debug)]
pub enum RecreationCommand {
    /// List recreations, newest first
    List(ListArgs),
    /// Show one: its wave, and each host with what it waits for
    Show(ShowArgs),
    /// Go on without the providers that do not answer; their hosts follow when they return
    Proceed {
        /// Which one
        id: RecreationId,
    },
    /// Begin no further host; those begun are finished
    Cancel(CancelArgs),
}

#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only recreations of this template's hosts
    #[arg(long)]
    pub template: Option<TemplateName>,
    /// Only those that are not over
    #[arg(long)]
    pub running: bool,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "With --watch the exit code is 0 if it ends well and 1 if it stops or is cancelled; with --watch --json
every change is a line on stdout.

Examples:
  diecast recreation show 0190a5b2-0000-7000-8000-000000000001 --watch"
)]
pub struct ShowArgs {
    /// Which one
    pub id: RecreationId,
    /// Stay, and show progress until it is over
    #[arg(long)]
    pub watch: bool,
}

#[derive(Args, Clone, Debug)]
pub struct CancelArgs {
    /// Which one
    pub id: RecreationId,
    #[command(flatten)]
    pub yes: YesArgs,
}
