//! `diecast host`: what may be typed.

use super::{WaitArgs, YesArgs, parse};
use clap::{Args, Subcommand};
use diecast_domain::{
    names::{HostName, ProviderName, TemplateName},
    pattern::HOSTS_PER_REQUEST_MAX,
};

#[derive(Subcommand, Clone, Debug)]
pub enum HostCommand {
    /// Deploy hosts from a template
    Create(CreateArgs),
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
    /// Delete hosts with their disks
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Names are made from the pattern, the lowest free numbers first: desk-{nnn} gives desk-001, desk-002. Without
--provider the hosts are spread over every provider where the template is Ready. With --wait it stays until the
guest agent of each host answers.

Examples:
  diecast host create --template win11 --count 10 --name 'desk-{nnn}' --wait
  diecast host create --template win11 --provider kvm-a --provider kvm-b --count 4 --name 'lab-{n}'
  diecast host create --template win11 --count 2 --name 'solo-{nn}' --full --dry-run"
)]
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
    /// The pattern of their names, with one number in it: 'desk-{nnn}'
    #[arg(long, value_name = "PATTERN", value_parser = parse::name_pattern)]
    pub name: String,
    /// Give them whole disks of their own, instead of overlays on the template's
    #[arg(long)]
    pub full: bool,
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
  diecast host delete desk-001 --yes --wait")]
pub struct DeleteArgs {
    /// Which hosts
    #[arg(required = true, value_name = "HOST")]
    pub names: Vec<HostName>,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}
