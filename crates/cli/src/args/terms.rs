//! What several commands take that move hosts to a version, or say what hosts are like.

use super::{
    moment::{Moment, moment},
    parse,
};
use clap::{Args, ValueEnum};
use std::{fmt, path::PathBuf, time::Duration};

/// How a recreation is to go.
#[derive(Args, Clone, Debug, Default)]
pub struct TermsArgs {
    /// How far each wave reaches: 1,10%,50%,100%; or so many hosts at a time: 5 [default: 1,10%,50%,100%]
    #[arg(help_heading = "Recreation", long = "wave", value_name = "WAVES", value_parser = parse::waves)]
    pub waves: Option<String>,
    /// Wait for hosts in use until then: 22:00, 2h or RFC 3339 [default: until they are free]
    #[arg(help_heading = "Recreation", long, value_name = "TIME", value_parser = moment)]
    pub deadline: Option<Moment>,
    /// Failures in one wave that are borne; more roll it back [default: 10 % of the wave]
    #[arg(help_heading = "Recreation", long = "max-failures", value_name = "N")]
    pub failures_max: Option<u32>,
    /// How long a recreated host has to show that it is well: 10m, 90s [default: 10m]
    #[arg(help_heading = "Recreation", long = "health-timeout", value_name = "TIME", value_parser = parse::seconds)]
    pub health: Option<Duration>,
}

/// When hosts are recreated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recreate {
    Now,
    Later,
    At(Moment),
}

/// As the API takes it.
impl fmt::Display for Recreate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => f.write_str("now"),
            Self::Later => f.write_str("later"),
            Self::At(moment) => moment.fmt(f),
        }
    }
}

/// `now`, `later`, `at=22:00`
pub(crate) fn recreate(text: &str) -> Result<Recreate, String> {
    match text.split_once('=') {
        Some(("at", time)) => moment(time).map(Recreate::At),
        None if text == "now" => Ok(Recreate::Now),
        None if text == "later" => Ok(Recreate::Later),
        _ => Err(format!("`{text}` is none of now, later and at=TIME")),
    }
}

/// What to do if a provider with hosts to recreate does not answer.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfUnavailable {
    /// Ask; where nobody can be asked, recreate nothing and exit 1
    #[default]
    Ask,
    /// Go on with those that answer; the others' hosts follow when they return
    Proceed,
    /// Recreate nothing
    Later,
}

impl IfUnavailable {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Proceed => "proceed",
            Self::Later => "later",
        }
    }
}

/// The answer to the question, given beforehand.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct RecreateArgs {
    /// Whether the hosts are recreated: now, later or at=TIME [default: asked; later where nobody can be asked]
    #[arg(help_heading = "Recreation", long, value_name = "WHEN", value_parser = recreate)]
    pub recreate: Option<Recreate>,
    /// What to do if a provider with hosts to recreate does not answer
    #[arg(help_heading = "Recreation", long, value_enum, default_value_t = IfUnavailable::Ask, value_name = "WHAT")]
    pub if_unavailable: IfUnavailable,
}

/// What hosts of a template are like where nobody says otherwise.
#[derive(Args, Clone, Debug, Default)]
pub struct HostDefaultsArgs {
    /// Hosts stand on the template's disks (linked), or have their own (full) [default: linked]
    #[arg(help_heading = "Hosts made of it, unless said otherwise", long, value_name = "KIND", value_parser = ["linked", "full"])]
    pub host_kind: Option<String>,
    /// The pattern of their names: 'desk-{nnn}'; '' for none
    #[arg(help_heading = "Hosts made of it, unless said otherwise", long, value_name = "PATTERN", value_parser = parse::name_pattern_or_none)]
    pub host_name: Option<String>,
    #[command(flatten)]
    pub setup: SetupArgs,
}

/// What hosts are like beside their version.
#[derive(Args, Clone, Debug, Default)]
pub struct SetupArgs {
    /// How a guest learns who it is [default: cloud-init]
    #[arg(help_heading = "Guest", long, value_parser = ["cloud-init", "sysprep", "none"])]
    pub preparation: Option<String>,
    /// For cloud-init: a file with user data of one's own
    #[arg(help_heading = "Guest", long, value_name = "FILE", conflicts_with = "unattend")]
    pub user_data: Option<PathBuf>,
    /// For sysprep: an unattend.xml, in which {name} becomes the host's name
    #[arg(help_heading = "Guest", long, value_name = "FILE")]
    pub unattend: Option<PathBuf>,
    /// A second disk of this size that recreation leaves alone: 20GiB
    #[arg(help_heading = "Guest", long, value_name = "SIZE", value_parser = parse::size)]
    pub data_disk: Option<u64>,
    /// What must be seen before a host counts as Ready [default: guest-agent]
    #[arg(help_heading = "Guest", long, value_name = "WHAT", value_parser = ["running", "address", "guest-agent"])]
    pub ready_when: Option<String>,
}
