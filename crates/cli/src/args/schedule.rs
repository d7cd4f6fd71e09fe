//! `diecast schedule`: what may be typed.

use super::{
    YesArgs,
    moment::{Moment, moment},
    terms::TermsArgs,
};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::names::{HostName, PoolName, ScheduleName, TemplateName};

#[derive(Subcommand, Clone, Debug)]
pub enum ScheduleCommand {
    /// Recreate, start or stop hosts at a time, or again and again
    Create(Box<CreateArgs>),
    /// List schedules: what runs next, and what came of it last
    List,
    /// Show one schedule
    Show {
        /// Which one
        name: ScheduleName,
    },
    /// Let it run again
    Enable {
        /// Which one
        name: ScheduleName,
    },
    /// Let it rest; it is kept
    Disable {
        /// Which one
        name: ScheduleName,
    },
    /// Delete a schedule; hosts stay as they are
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    group = ArgGroup::new("action").required(true),
    group = ArgGroup::new("selection").required(true),
    group = ArgGroup::new("when").required(true)
)]
#[command(
    after_help = "A time that is missed by more than a quarter of an hour, because the server was down, is passed over.

Examples:
  diecast schedule create patch-night --recreate --template win11 --cron '0 3 * * SAT' --zone Europe/Madrid
  diecast schedule create morning --start --pool desks --cron '30 7 * * MON-FRI' --zone Europe/Madrid
  diecast schedule create tonight --stop --host desk-001,desk-002 --at 22:00"
)]
pub struct CreateArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: ScheduleName,
    /// Move outdated hosts to the version they should have
    #[arg(long, group = "action")]
    pub recreate: bool,
    /// Start hosts
    #[arg(long, group = "action")]
    pub start: bool,
    /// Stop hosts: the guest is asked to shut down
    #[arg(long, group = "action")]
    pub stop: bool,
    /// The hosts of this template
    #[arg(long, group = "selection")]
    pub template: Option<TemplateName>,
    /// The hosts of this pool
    #[arg(long, group = "selection")]
    pub pool: Option<PoolName>,
    /// These hosts (may be repeated, or with commas between)
    #[arg(long = "host", group = "selection", value_delimiter = ',', value_name = "HOST")]
    pub hosts: Vec<HostName>,
    /// Once, at this time: 22:00, 2h or RFC 3339
    #[arg(long, group = "when", value_name = "TIME", value_parser = moment)]
    pub at: Option<Moment>,
    /// Again and again: minute, hour, day, month, weekday
    #[arg(long, group = "when", value_name = "EXPRESSION")]
    pub cron: Option<String>,
    /// The time zone of `--cron` [default: UTC]
    #[arg(long, value_name = "ZONE", conflicts_with = "at")]
    pub zone: Option<String>,
    /// With --stop: cut the power instead of asking the guest
    #[arg(long, conflicts_with_all = ["recreate", "start"])]
    pub force: bool,
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Print what it would do and when, and make nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Which one
    pub name: ScheduleName,
    #[command(flatten)]
    pub yes: YesArgs,
}
