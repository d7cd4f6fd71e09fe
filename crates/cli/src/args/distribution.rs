//! `diecast distribution`: what may be typed.

use super::WaitArgs;
use clap::{Args, Subcommand};
use diecast_domain::names::{ProviderName, TemplateName};

#[derive(Subcommand, Clone, Debug)]
pub enum DistributionCommand {
    /// Add providers to the list of a template
    Add(AddArgs),
    /// Take providers off the list, and the template off them
    Remove(RemoveArgs),
    /// Show how the distribution stands, provider by provider
    Show(ShowArgs),
    /// Try again at once where it failed, instead of at the next automatic attempt
    Retry(SomeProvidersArgs),
    /// Read every byte again and compare it with the manifest; what is damaged is mended from a peer
    Verify(SomeProvidersArgs),
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast distribution add win11 kvm-d kvm-e --wait
  diecast distribution add win11 kvm-d --dry-run")]
pub struct AddArgs {
    /// Which template
    pub name: TemplateName,
    /// Which providers
    #[arg(required = true, value_name = "PROVIDER")]
    pub providers: Vec<ProviderName>,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A provider whose hosts depend on the template refuses; with --when-free it is drained instead: no new
hosts, and the template goes when the last host is gone.

Examples:
  diecast distribution remove win11 kvm-d
  diecast distribution remove win11 kvm-d --when-free --wait --timeout 2h"
)]
pub struct RemoveArgs {
    /// Which template
    pub name: TemplateName,
    /// Which providers
    #[arg(required = true, value_name = "PROVIDER")]
    pub providers: Vec<ProviderName>,
    /// Wait for the hosts that depend on it, instead of refusing
    #[arg(long)]
    pub when_free: bool,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "With --watch the exit code is 0 if it ends OK and 1 if it ends failed; with --watch --json every change is
a line on stdout.

Examples:
  diecast distribution show win11
  diecast distribution show win11 --watch
  diecast distribution show win11 --json | jq -r '.providers[] | select(.state != \"Ready\") | .provider'"
)]
pub struct ShowArgs {
    /// Which template
    pub name: TemplateName,
    /// Stay, and show progress until nothing moves any more
    #[arg(long)]
    pub watch: bool,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast distribution retry win11
  diecast distribution retry win11 kvm-c --wait
  diecast distribution verify win11 --wait")]
pub struct SomeProvidersArgs {
    /// Which template
    pub name: TemplateName,
    /// Which providers [default: all on the list that it applies to]
    #[arg(value_name = "PROVIDER")]
    pub providers: Vec<ProviderName>,
    #[command(flatten)]
    pub wait: WaitArgs,
}
