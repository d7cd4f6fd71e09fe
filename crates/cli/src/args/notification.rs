//! `diecast notification`: what may be typed.

use super::{YesArgs, parse};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::{
    alarm::{AlarmKind, Severity},
    names::NotificationName,
};
use std::{path::PathBuf, time::Duration};

#[derive(Subcommand, Clone, Debug)]
pub enum NotificationCommand {
    /// Have people told of what is not well: by webhook, e-mail or a script on the server
    Add(Box<AddArgs>),
    /// List notifications: whom they tell, of what, and how the sending stands
    List,
    /// Show one notification
    Show {
        /// Which one
        name: NotificationName,
    },
    /// Change what is named; the rest stays
    Set(Box<SetArgs>),
    /// Send a test message now, and say what came of it; exit 1 if it was not taken
    Test {
        /// Which one
        name: NotificationName,
    },
    /// Let it tell again: what stands then is told
    Enable {
        /// Which one
        name: NotificationName,
    },
    /// Let it rest; it is kept
    Disable {
        /// Which one
        name: NotificationName,
    },
    /// Remove a notification
    Remove(RemoveArgs),
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("way").required(true))]
#[command(after_help = "Secrets are read from files, so that no list of processes and no history shows them.

Kinds: distribution-failed, provider-lost, replica-damaged, last-copy-damaged, storage-low, recreation-stopped,
certificate-expiring, agent-outdated, notification-failed.

Examples:
  diecast notification add ops --webhook https://hooks.example/diecast --secret-file secret
  diecast notification add night --email ops@example.org --smtp mail.example:587 --from diecast@example.org \\
      --user diecast --password-file password
  diecast notification add pager --script page-somebody --kind provider-lost,last-copy-damaged")]
pub struct AddArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: NotificationName,
    /// Post messages to this address, as signed JSON
    #[arg(long, group = "way", value_name = "URL")]
    pub webhook: Option<String>,
    /// Mail messages to this address (may be repeated, or with commas between)
    #[arg(long, group = "way", value_name = "ADDRESS", value_delimiter = ',', requires_all = ["smtp", "from"])]
    pub email: Vec<String>,
    /// Hand messages to this script, in the directory that the server's configuration names
    #[arg(long, group = "way", value_name = "NAME")]
    pub script: Option<String>,
    #[command(flatten)]
    pub way: WayArgs,
    #[command(flatten)]
    pub terms: TermsArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast notification set night --password-file password
  diecast notification set ops --group 1m --quiet 1h")]
pub struct SetArgs {
    /// Which one
    pub name: NotificationName,
    /// Post messages to this address
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// Mail messages to these addresses, in place of those before
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub email: Vec<String>,
    /// Hand messages to this script
    #[arg(long, value_name = "NAME")]
    pub script: Option<String>,
    #[command(flatten)]
    pub way: WayArgs,
    #[command(flatten)]
    pub terms: TermsArgs,
}

#[derive(Args, Clone, Debug, Default)]
pub struct WayArgs {
    /// With --webhook: a file with the key of the signature [default for a new one: drawn, and shown once]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["email", "script"])]
    pub secret_file: Option<PathBuf>,
    /// With --email: the mail server, HOST or HOST:PORT [default port: 587, 465 with --tls tls, 25 with --tls none]
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["webhook", "script"])]
    pub smtp: Option<String>,
    /// With --email: the address that messages come from
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["webhook", "script"])]
    pub from: Option<String>,
    /// With --email: who signs in to the mail server; an empty one: nobody
    #[arg(long, value_name = "USER", conflicts_with_all = ["webhook", "script"])]
    pub user: Option<String>,
    /// With --email: a file with the password
    #[arg(long, value_name = "FILE", conflicts_with_all = ["webhook", "script"])]
    pub password_file: Option<PathBuf>,
    /// With --email: how the connection is secured [default: starttls]
    #[arg(long, value_name = "HOW", value_parser = ["starttls", "tls", "none"], conflicts_with_all = ["webhook", "script"])]
    pub tls: Option<String>,
    /// A file with the authorities to trust, PEM, in place of the system's (the server-wide flag --ca is another);
    /// an empty file: the system's again
    #[arg(long, value_name = "FILE", conflicts_with = "script")]
    pub trust: Option<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Of what, and how often")]
pub struct TermsArgs {
    /// Only of these kinds (may be repeated, or with commas between); `all`: of every kind
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    pub kinds: Vec<String>,
    /// Only of what is at least so bad: warning (everything) or critical [default: warning]
    #[arg(long, value_parser = severity)]
    pub severity: Option<String>,
    /// What comes up within this time goes out as one message [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub group: Option<Duration>,
    /// What comes and goes again and again is told once in this time [default: 15m]
    #[arg(long, value_name = "TIME", value_parser = parse::duration)]
    pub quiet: Option<Duration>,
}

#[derive(Args, Clone, Debug)]
pub struct RemoveArgs {
    /// Which one
    pub name: NotificationName,
    #[command(flatten)]
    pub yes: YesArgs,
}

/// Stands for every kind.
pub const ALL_KINDS: &str = "all";

fn kind(text: &str) -> Result<String, String> {
    if text == ALL_KINDS {
        return Ok(text.to_owned());
    }
    text.parse::<AlarmKind>().map(|kind| kind.to_string()).map_err(|error| error.to_string())
}

fn severity(text: &str) -> Result<String, String> {
    text.parse::<Severity>().map(|it| it.as_str().to_owned()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_kind() {
        let help = AddArgs::augment_args(clap::Command::new("add")).render_long_help().to_string();
        for kind in AlarmKind::ALL {
            assert!(help.contains(kind.as_str()), "{kind} is not in the help");
        }
    }
}
