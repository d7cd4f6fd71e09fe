//! `diecast maintenance`: what may be typed.

use super::{
    WaitArgs, YesArgs, parse,
    terms::{RecreateArgs, TermsArgs},
};
use clap::{Args, Subcommand};
use diecast_domain::names::{ProviderName, TemplateName};
use std::{net::SocketAddr, time::Duration};

#[derive(Subcommand, Clone, Debug)]
pub enum MaintenanceCommand {
    /// Open a working copy of the current version, to change it
    Enter(EnterArgs),
    /// Show the working copy: where it is, who opened it, its power and addresses
    Show {
        /// Which template
        name: TemplateName,
    },
    /// Bring the working copy's screen here, for a VNC viewer
    Console(ConsoleArgs),
    /// Start the working copy's machine, if it was shut down or removed
    Start(StartArgs),
    /// Shut the working copy down and publish what changed as a new version
    Leave(Box<LeaveArgs>),
    /// Throw the working copy away; nothing changes
    Cancel(CancelArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The current version goes on serving hosts and other providers. One working copy at a time.

Examples:
  diecast maintenance enter win11 --wait
  diecast maintenance enter win11 --provider kvm-b --dry-run"
)]
pub struct EnterArgs {
    /// Which template
    pub name: TemplateName,
    /// Where to open it [default: where the template was made, else wherever it is Ready]
    #[arg(long)]
    pub provider: Option<ProviderName>,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The screen comes through the server; no port is opened on the provider. Only programs on this machine
reach it here, one at a time, until Ctrl-C.

Examples:
  diecast maintenance console win11
  diecast maintenance console win11 --viewer
  diecast maintenance console win11 --listen 127.0.0.1:5910"
)]
pub struct ConsoleArgs {
    /// Which template
    pub name: TemplateName,
    /// Where viewers find it here, on this machine only [default: the first free port from 127.0.0.1:5901 on]
    #[arg(long, value_name = "ADDRESS", value_parser = parse::loopback)]
    pub listen: Option<SocketAddr>,
    /// Start a viewer too: remote-viewer, vncviewer or vinagre, whichever there is
    #[arg(long)]
    pub viewer: bool,
}

#[derive(Args, Clone, Debug)]
pub struct StartArgs {
    /// Which template
    pub name: TemplateName,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "On a terminal it stays until the new version is published, and then asks whether the hosts are to be
recreated. Elsewhere it returns at once and recreates nothing, unless --recreate says so; `--recreate now`
stays until it is known whether every provider answers: if one does not, nothing is recreated and the exit
code is 1, unless --if-unavailable decides.

Examples:
  diecast maintenance leave win11 --note 'January patches'
  diecast maintenance leave win11 --recreate at=22:00 --wave 1,10%,100% --deadline 6h
  diecast maintenance leave win11 --recreate now --if-unavailable proceed --wait
  diecast maintenance leave win11 --dry-run"
)]
pub struct LeaveArgs {
    /// Which template
    pub name: TemplateName,
    /// What was changed, for the list of versions
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    #[command(flatten)]
    pub recreate: RecreateArgs,
    #[command(flatten)]
    pub terms: TermsArgs,
    /// How long the guest has to shut down: 3m, 90s [default: 3m, with --force 20s]
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub shutdown_timeout: Option<Duration>,
    /// Switch off a guest that has not shut down by then
    #[arg(long)]
    pub force: bool,
    /// First give back what the guest's file systems do not use, so that what was deleted costs nothing
    #[arg(long)]
    pub trim: bool,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast maintenance cancel win11
  diecast maintenance cancel win11 --forget --yes    # its provider is dead for good")]
pub struct CancelArgs {
    /// Which template
    pub name: TemplateName,
    /// Its provider is dead: give the working copy up without an answer
    #[arg(long)]
    pub forget: bool,
    #[command(flatten)]
    pub yes: YesArgs,
}
