//! `diecast pool`: what may be typed.

use super::{
    WaitArgs, YesArgs, parse,
    terms::{SetupArgs, TermsArgs},
};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::names::{PoolName, ProviderName, TemplateName};
use std::time::Duration;

#[derive(Subcommand, Clone, Debug)]
pub enum PoolCommand {
    /// Keep a number of hosts of a template
    Create(Box<CreateArgs>),
    /// List pools
    List,
    /// Show one pool: its size, where its hosts are, what it is waiting for
    Show {
        /// Which one
        name: PoolName,
    },
    /// Change a pool; what is not given stays
    Set(Box<SetArgs>),
    /// Delete a pool with its hosts
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("amount").required(true).multiple(true))]
#[command(
    after_help = "Failed and missing hosts are replaced; surplus ones are removed only when nobody uses them.

Examples:
  diecast pool create desks --template win11 --size 20 --name 'desk-{nnn}' --wait
  diecast pool create flex --template win11 --min 10 --max 60 --spare 5 --name 'flex-{nnn}' --version production
  diecast pool create lab --template win11 --size 8 --name 'lab-{nn}' --cap 4 --replace-elsewhere 5m --dry-run"
)]
#[command(disable_version_flag = true)]
pub struct CreateArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: PoolName,
    /// The template of its hosts
    #[arg(long)]
    pub template: TemplateName,
    /// The pattern of its hosts' names, with one number in it: 'desk-{nnn}'
    #[arg(long = "name", id = "pattern", value_name = "PATTERN", value_parser = parse::name_pattern)]
    pub pattern: String,
    /// So many hosts, always
    #[arg(long, group = "amount", value_name = "N", conflicts_with_all = ["min", "max", "spare"])]
    pub size: Option<u32>,
    /// Never fewer than this
    #[arg(long, group = "amount", value_name = "N", requires = "max")]
    pub min: Option<u32>,
    /// Never more than this
    #[arg(long, group = "amount", value_name = "N", requires = "min")]
    pub max: Option<u32>,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// With disks of their own, instead of overlays on the template's
    #[arg(long)]
    pub full: bool,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

/// What `create` and `set` have in common.
#[derive(Args, Clone, Debug, Default)]
pub struct SettingsArgs {
    /// Hosts that stand ready and are used by nobody
    #[arg(long, value_name = "N")]
    pub spare: Option<u32>,
    /// Which version its hosts run: newest, a tag, or a number [default: newest]
    #[arg(long, value_parser = parse::version)]
    pub version: Option<String>,
    /// How its hosts are laid over the providers [default: spread, by free capacity]
    #[arg(long, value_parser = ["spread", "fill", "weights"])]
    pub placement: Option<String>,
    /// With `--placement weights`: a provider's share, kvm-a=3 (may be repeated)
    #[arg(long = "weight", value_delimiter = ',', value_name = "PROVIDER=N", value_parser = parse::weight)]
    pub weights: Vec<(String, u32)>,
    /// At most so many of its hosts on one provider; 0: no limit
    #[arg(long, value_name = "N")]
    pub cap: Option<u32>,
    /// Where (may be repeated, or with commas between) [default: wherever the template is]
    #[arg(long = "provider", value_delimiter = ',', value_name = "PROVIDER")]
    pub providers: Vec<ProviderName>,
    /// Make up elsewhere for a provider's hosts after it was silent for so long: 5m, 300; 0: never [default: never]
    #[arg(long, value_name = "TIME", value_parser = parse::seconds)]
    pub replace_elsewhere: Option<Duration>,
    #[command(flatten)]
    pub setup: SetupArgs,
    #[command(flatten)]
    pub terms: TermsArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast pool set desks --size 30 --wait
  diecast pool set desks --version production --dry-run
  diecast pool set desks --any-provider --cap 0")]
#[command(disable_version_flag = true)]
pub struct SetArgs {
    /// Which one
    pub name: PoolName,
    /// So many hosts, always
    #[arg(long, value_name = "N", conflicts_with_all = ["min", "max", "spare"])]
    pub size: Option<u32>,
    /// Never fewer than this
    #[arg(long, value_name = "N")]
    pub min: Option<u32>,
    /// Never more than this
    #[arg(long, value_name = "N")]
    pub max: Option<u32>,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Wherever the template is, instead of on the providers that were named
    #[arg(long, conflicts_with = "providers")]
    pub any_provider: bool,
    /// Its next hosts are linked, or have disks of their own
    #[arg(long, value_parser = ["linked", "full"])]
    pub kind: Option<String>,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast pool delete desks --dry-run
  diecast pool delete desks --keep-hosts --yes
  diecast pool delete desks --delete-data --yes --wait")]
pub struct DeleteArgs {
    /// Which one
    pub name: PoolName,
    /// Its hosts stay, as hosts of no pool
    #[arg(long, conflicts_with_all = ["delete_data", "keep_data"])]
    pub keep_hosts: bool,
    #[command(flatten)]
    pub data: super::host::DataArgs,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}
