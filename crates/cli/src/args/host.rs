//! `diecast host`: what may be typed.

use super::{
    WaitArgs, YesArgs,
    moment::{Moment, moment},
    parse,
    terms::{IfUnavailable, SetupArgs, TermsArgs},
};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::{
    names::{HostName, PoolName, ProviderName, TemplateName},
    pattern::HOSTS_PER_REQUEST_MAX,
};

#[derive(Subcommand, Clone, Debug)]
pub enum HostCommand {
    /// Deploy hosts from a template
    Create(Box<CreateArgs>),
    /// List hosts
    List(ListArgs),
    /// Show one host
    Show {
        /// Which one
        #[arg(value_name = "HOST")]
        name: HostName,
    },
    /// Start hosts
    Start(StartArgs),
    /// Stop hosts: the guest is asked to shut down
    Stop(StopArgs),
    /// Give hosts new disks, from the version that they should run; name and addresses stay
    Recreate(Box<RecreateArgs>),
    /// Delete hosts with their disks
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Names are made from the pattern, the lowest free numbers first: desk-{nnn} gives desk-001, desk-002. Without
--provider the hosts are spread over every provider where the template is Ready. With --wait it stays until each
host is ready: its guest agent answers, or what --ready-when says.

Examples:
  diecast host create --template win11 --count 10 --name 'desk-{nnn}' --wait
  diecast host create --template win11 --provider kvm-a --provider kvm-b --count 4 --name 'lab-{nn}'
  diecast host create --template win11 --count 2 --name 'solo-{nn}' --full --dry-run
  diecast host create --template deb12 --count 3 --name 'web-{nn}' --user-data web.yaml --data-disk 20GiB
  diecast host create --template win11 --count 1 --name 'old-{nn}' --version v1"
)]
#[command(disable_version_flag = true)]
pub struct CreateArgs {
    /// The template to deploy from
    #[arg(long)]
    pub template: TemplateName,
    /// Where (may be repeated, or with commas between) [default: wherever it is Ready]
    #[arg(long = "provider", value_delimiter = ',', value_name = "PROVIDER")]
    pub providers: Vec<ProviderName>,
    /// How many
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(HOSTS_PER_REQUEST_MAX)))]
    pub count: u32,
    /// The pattern of their names, with one number in it: 'desk-{nnn}' [default: the template's]
    #[arg(long, value_name = "PATTERN", value_parser = parse::name_pattern)]
    pub name: Option<String>,
    /// Give them whole disks of their own, instead of overlays on the template's
    #[arg(long)]
    pub full: bool,
    /// Give them overlays, where the template says otherwise
    #[arg(long, conflicts_with = "full")]
    pub linked: bool,
    /// Which version: a number or a tag [default: the current one]
    #[arg(long, value_parser = parse::version)]
    pub version: Option<String>,
    #[command(flatten)]
    pub setup: SetupArgs,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
pub struct ListArgs {
    /// Only hosts of this template
    #[arg(long)]
    pub template: Option<TemplateName>,
    /// Only hosts on this provider
    #[arg(long)]
    pub provider: Option<ProviderName>,
    /// Only hosts of this pool
    #[arg(long)]
    pub pool: Option<PoolName>,
    /// Only hosts that should run another version
    #[arg(long)]
    pub outdated: bool,
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("which").required(true), disable_version_flag = true)]
#[command(
    after_help = "What is on a host's own disks is gone; name, UUID, MAC addresses and its data disk stay. Each wave must come
up well before the next; too many failures roll the wave back. Hosts in use wait until they are free, or until
--deadline. If a provider does not answer, it is asked what to do; where nobody can be asked, nothing is
recreated and the exit code is 1, unless --if-unavailable decides.

Examples:
  diecast host recreate --template win11 --outdated --wave 1,10%,100% --deadline 22:00 --wait
  diecast host recreate --pool desks --outdated --at 03:00 --yes
  diecast host recreate desk-001 desk-002 --version v1
  diecast host recreate --template win11 --outdated --dry-run"
)]
pub struct RecreateArgs {
    /// Which hosts, whether outdated or not
    #[arg(group = "which", value_name = "HOST")]
    pub names: Vec<HostName>,
    /// The outdated hosts of this template
    #[arg(long, group = "which", requires = "outdated")]
    pub template: Option<TemplateName>,
    /// The outdated hosts of this pool
    #[arg(long, group = "which", requires = "outdated")]
    pub pool: Option<PoolName>,
    /// Said with --template or --pool: only hosts that should run another version
    #[arg(long, conflicts_with = "names")]
    pub outdated: bool,
    /// To which version: a number or a tag [default: the one that each should run]
    #[arg(long, value_parser = parse::version)]
    pub version: Option<String>,
    /// When to begin: 22:00, 2h or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Moment>,
    /// What to do if a provider with hosts to recreate does not answer
    #[arg(long, value_enum, default_value_t = IfUnavailable::Ask, value_name = "WHAT")]
    pub if_unavailable: IfUnavailable,
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}

/// What becomes of data disks when their hosts are deleted. Nothing is said by default: then a host with one is
/// refused.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct DataArgs {
    /// Delete their data disks too; there is no way back
    #[arg(long)]
    pub delete_data: bool,
    /// Keep their data disks on the providers
    #[arg(long, conflicts_with = "delete_data")]
    pub keep_data: bool,
}

impl DataArgs {
    pub(crate) fn wish(self) -> Option<bool> {
        (self.delete_data || self.keep_data).then_some(self.delete_data)
    }
}

#[derive(Args, Clone, Debug)]
pub struct StartArgs {
    /// Which hosts
    #[arg(required = true, value_name = "HOST")]
    pub names: Vec<HostName>,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast host stop desk-001 desk-002 --wait
  diecast host stop desk-001 --force")]
pub struct StopArgs {
    /// Which hosts
    #[arg(required = true, value_name = "HOST")]
    pub names: Vec<HostName>,
    /// Cut the power instead of asking the guest
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast host delete desk-001 desk-002
  diecast host delete desk-001 --yes --wait
  diecast host delete desk-001 --keep-data")]
pub struct DeleteArgs {
    /// Which hosts
    #[arg(required = true, value_name = "HOST")]
    pub names: Vec<HostName>,
    #[command(flatten)]
    pub data: DataArgs,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}
