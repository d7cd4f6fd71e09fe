//! The command tree: what may be typed, each word of it explained.

pub mod alarm;
pub mod apply;
pub mod audit;
pub mod bundle;
pub mod distribution;
pub mod event;
pub mod host;
pub mod maintenance;
pub mod moment;
pub mod notification;
pub(crate) mod parse;
pub mod pool;
pub mod provider;
pub mod recovery;
pub mod recreation;
pub mod schedule;
pub mod session;
pub mod site;
pub mod support;
pub mod template;
pub mod terms;
pub mod token;
pub mod version;
pub mod vm;

use clap::{Args, Subcommand};
use diecast_domain::code::Code;
use std::{path::PathBuf, time::Duration};

/// What every command takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Globals {
    /// Print JSON on stdout: one document, or one a line for streams
    #[arg(long, global = true)]
    pub json: bool,
    /// The server's address, such as https://diecast.example:7443 [default: of the stored login]
    #[arg(long, global = true, env = "DIECAST_URL", hide_env_values = true, help_heading = "Server")]
    pub url: Option<String>,
    /// A file with the CA to trust, PEM [default: of the stored login, else the system's]
    #[arg(
        long,
        global = true,
        env = "DIECAST_CA",
        hide_env_values = true,
        value_name = "FILE",
        help_heading = "Server"
    )]
    pub ca: Option<PathBuf>,
}

/// Everything but `diecast server`.
#[derive(Subcommand, Clone, Debug)]
pub enum ClientCommand {
    /// Sign in and remember it for the commands that follow
    Login(session::LoginArgs),
    /// Sign out, and forget the stored login
    Logout,
    /// Hypervisors that hold templates and run hosts
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Where providers stand, and what may cross between
    #[command(subcommand)]
    Site(site::SiteCommand),
    /// Machines that a provider runs, managed or not
    #[command(subcommand)]
    Vm(vm::VmCommand),
    /// Golden machines: create, look at, change, delete
    #[command(subcommand)]
    Template(template::TemplateCommand),
    /// Which providers hold a template, and how that stands
    #[command(subcommand)]
    Distribution(distribution::DistributionCommand),
    /// The published contents of a template
    #[command(subcommand)]
    Version(version::VersionCommand),
    /// Change a template: its working copy
    #[command(subcommand)]
    Maintenance(maintenance::MaintenanceCommand),
    /// Machines deployed from templates
    #[command(subcommand)]
    Host(host::HostCommand),
    /// Hosts moved to another version, in waves
    #[command(subcommand)]
    Recreation(recreation::RecreationCommand),
    /// After a restore: what differs, and taking it over
    #[command(subcommand)]
    Recovery(recovery::RecoveryCommand),
    /// Sets of hosts kept at a size
    #[command(subcommand)]
    Pool(pool::PoolCommand),
    /// Hosts recreated, started or stopped at a time, or again and again
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// What is not well now
    #[command(subcommand)]
    Alarm(alarm::AlarmCommand),
    /// Who is told of what is not well: by webhook, e-mail or script
    #[command(subcommand)]
    Notification(notification::NotificationCommand),
    /// Make it as a file says: providers' settings, templates' lists, pools
    Apply(apply::ApplyArgs),
    /// Write down how it is set, in the form that `apply` takes
    Export(apply::ExportArgs),
    /// Versions in files, for places that no network reaches
    #[command(subcommand)]
    Bundle(bundle::BundleCommand),
    /// What happened, and what happens now
    #[command(subcommand)]
    Event(event::EventCommand),
    /// Tokens: with which scripts and dashboards are let in
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Who changed what, when, from where
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Gather what helps to find a fault into one archive, without secrets
    Support(support::SupportArgs),
    /// Explain an error code; needs no server
    Explain(ExplainArgs),
    /// Print the completions for a shell
    Completions(CompletionsArgs),
}

#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// The code, as errors print it: T0001; without one, all are listed
    pub code: Option<Code>,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast completions bash > /etc/bash_completion.d/diecast
  diecast completions zsh > ~/.zfunc/_diecast")]
pub struct CompletionsArgs {
    /// The shell they are for
    pub shell: clap_complete::Shell,
}

/// For commands that work follows.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct WaitArgs {
    /// Stay until the work has ended, with progress on stderr; exit 1 if it ends badly
    #[arg(long)]
    pub wait: bool,
    /// Wait no longer than this: 90s, 10m, 2h, or plain seconds; the work goes on
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = parse::duration)]
    pub timeout: Option<Duration>,
}

/// For commands that destroy.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct YesArgs {
    /// Do it without asking; needed where nobody can be asked
    #[arg(long, short)]
    pub yes: bool,
}

#[cfg(test)]
mod tests;
