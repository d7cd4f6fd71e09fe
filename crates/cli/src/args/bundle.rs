//! `diecast bundle`: what may be typed.

use super::{WaitArgs, parse};
use clap::{ArgGroup, Args, Subcommand};
use diecast_domain::names::{ProviderName, TemplateName};
use std::path::PathBuf;

#[derive(Subcommand, Clone, Debug)]
pub enum BundleCommand {
    /// Write a version into a file, whole or only what is new since another
    Export(ExportArgs),
    /// Read versions from files, and distribute them
    Import(ImportArgs),
    /// Show what a bundle has; needs no server
    Show {
        /// The file
        file: PathBuf,
    },
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The file has the version's content, compressed, its number, note and tags, and digests of all of it. It is written
under another name first, and has its own only when it is whole.

Examples:
  diecast bundle export win11 /media/stick/win11-v4.bundle
  diecast bundle export win11 /media/stick/win11-v3-v4.bundle --since v3
  diecast bundle export win11 win11-v2.bundle --version v2"
)]
#[command(disable_version_flag = true)]
pub struct ExportArgs {
    /// Which template
    pub name: TemplateName,
    /// The file to write
    pub file: PathBuf,
    /// Which version: 2, v2 or a tag [default: the current one]
    #[arg(long, value_name = "VERSION", value_parser = parse::version)]
    pub version: Option<String>,
    /// Leave out what this version has: whoever imports it must hold that already
    #[arg(long, value_name = "VERSION", value_parser = parse::version)]
    pub since: Option<String>,
    /// The provider that reads it [default: one that holds it]
    #[arg(long)]
    pub provider: Option<ProviderName>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("list"))]
#[command(
    after_help = "A template that there is gets the version, and its list is brought it as usual. One that there is not is made, with
--provider and those of --to or --to-all on its list. Every byte is checked on its way and read back by the provider before the
version exists. The same file again is nothing to do; one that broke off goes on.

Examples:
  diecast bundle import win11-v4.bundle --provider kvm-x --to kvm-y,kvm-z --wait
  diecast bundle import win11-v3-v4.bundle win11-v4-v5.bundle
  diecast bundle import win11-v4.bundle --template win11-copy --provider kvm-x --dry-run"
)]
pub struct ImportArgs {
    /// The files, in the order of their versions
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What to call the template here [default: as where it comes from]
    #[arg(long, value_name = "NAME")]
    pub template: Option<TemplateName>,
    /// The provider that unpacks it [default: one on the list that has most of it]
    #[arg(long)]
    pub provider: Option<ProviderName>,
    /// Providers that shall hold a new template, with commas between
    #[arg(long, group = "list", value_delimiter = ',', value_name = "PROVIDER")]
    pub to: Vec<ProviderName>,
    /// All providers that there are now shall hold a new template
    #[arg(long, group = "list")]
    pub to_all: bool,
    /// Print what would be done, by the files' beginnings, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}
