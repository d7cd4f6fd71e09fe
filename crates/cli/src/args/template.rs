//! `diecast template`: what may be typed.

use super::{WaitArgs, YesArgs, parse, terms::HostDefaultsArgs};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::names::{ProviderName, TemplateName};

#[derive(Subcommand, Clone, Debug)]
pub enum TemplateCommand {
    /// Publish a golden machine and distribute it
    Create(Box<CreateArgs>),
    /// List templates
    List,
    /// Show one template: version, size, hardware, distribution
    Show {
        /// Which one
        name: TemplateName,
    },
    /// Change a template; what is not given stays
    Set(Box<SetArgs>),
    /// Delete a template with all its versions, from every provider
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("source").required(true), group = ArgGroup::new("list"))]
#[command(
    after_help = "The machine must be shut off; it is read and left as it was. The provider it is on joins the
distribution list, the others are given with --to, --to-all or --selector and may be changed later.

Examples:
  diecast template create win11 --provider kvm-a --vm golden --to kvm-b,kvm-c --trim --wait
  diecast template create win11 --provider kvm-a --vm golden --selector tier=prod --concurrency 4
  diecast template create deb12 --provider kvm-a --image /srv/deb12.qcow2 --to-all --dry-run"
)]
pub struct CreateArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: TemplateName,
    /// The provider that has the machine or the image
    #[arg(long)]
    pub provider: ProviderName,
    /// The machine to publish, by its name on the provider
    #[arg(long, group = "source")]
    pub vm: Option<String>,
    /// A disk image to publish (raw, qcow2, vmdk, vhdx), by its path on the provider's machine
    #[arg(long, group = "source", value_name = "FILE", value_parser = parse::remote_path)]
    pub image: Option<String>,
    /// First give back what the guest's file systems do not use; the machine itself is left as it is
    #[arg(long)]
    pub trim: bool,
    /// Providers that shall hold it, with commas between
    #[arg(long, group = "list", value_delimiter = ',', value_name = "PROVIDER")]
    pub to: Vec<ProviderName>,
    /// All providers that there are now
    #[arg(long, group = "list")]
    pub to_all: bool,
    /// Providers that carry this label now (may be repeated: all of them)
    #[arg(long, group = "list", value_delimiter = ',', value_name = "KEY=VALUE", value_parser = parse::full_pair)]
    pub selector: Vec<(String, String)>,
    /// How many providers may receive it at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: Option<u32>,
    /// How fast each transfer of it may go: 100Mbit/s, 12MB/s, off, or by the time of the day
    #[arg(long, value_name = "LIMIT", value_parser = parse::limit)]
    pub limit: Option<String>,
    /// A note on the first version
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    #[command(flatten)]
    pub hosts: HostDefaultsArgs,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args([
    "host_kind", "host_name", "preparation", "user_data", "unattend", "data_disk", "ready_when",
]))]
#[command(after_help = "Examples:
  diecast template set win11 --concurrency 4
  diecast template set win11 --limit '10Mbit/s 08:00-18:00 Europe/Madrid; off'
  diecast template set win11 --host-name 'desk-{nnn}' --host-kind full --ready-when address
  diecast template set win11 --keep 3 --dry-run    # shows which versions it would delete")]
pub struct SetArgs {
    /// Which one
    pub name: TemplateName,
    /// How many providers may receive it at a time
    #[arg(long, group = "change", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub concurrency: Option<u32>,
    /// How many of the newest versions are kept; those in use or with a tag stay in any case; 0: all
    #[arg(long, group = "change", value_name = "N")]
    pub keep: Option<u32>,
    /// How fast each transfer of it may go: 100Mbit/s, 12MB/s, off, or by the time of the day
    #[arg(long, group = "change", value_name = "LIMIT", value_parser = parse::limit)]
    pub limit: Option<String>,
    #[command(flatten)]
    pub hosts: HostDefaultsArgs,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Args, Clone, Debug)]
pub struct DeleteArgs {
    /// Which one
    pub name: TemplateName,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}
