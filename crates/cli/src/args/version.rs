//! `diecast version`: what may be typed.

use super::{
    WaitArgs, YesArgs, parse,
    terms::{RecreateArgs, TermsArgs},
};
use clap::{Args, Subcommand};
use diecast_domain::{names::TemplateName, template::Tag};

#[derive(Subcommand, Clone, Debug)]
pub enum VersionCommand {
    /// List the versions of a template, newest first
    List {
        /// Which template
        name: TemplateName,
    },
    #[command(disable_version_flag = true)]
    /// Show one version: what is new in it, where it is held, why it is kept
    Show {
        /// Which template
        name: TemplateName,
        /// Which version: 2, v2 or a tag
        #[arg(value_parser = parse::version)]
        version: String,
    },
    /// Give a version a tag; if another version has it, it moves
    Tag(TagArgs),
    /// Take a tag away
    Untag(TagArgs),
    /// Make a version the current one: roll back, or forward again
    Activate(Box<ActivateArgs>),
    /// Delete a version everywhere, if nothing depends on it
    Delete(DeleteArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Pools may follow a tag: when it moves, their hosts are outdated. A version with a tag is kept.

Examples:
  diecast version tag win11 v2 production
  diecast version untag win11 v2 production"
)]
#[command(disable_version_flag = true)]
pub struct TagArgs {
    /// Which template
    pub name: TemplateName,
    /// Which version: 2, v2 or a tag it has
    #[arg(value_parser = parse::version)]
    pub version: String,
    /// The tag: production, pre-production, or your own
    pub tag: Tag,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "It is there at once where it is still held; elsewhere it is distributed like a new one. Then the question of
the hosts is asked as after maintenance.

Examples:
  diecast version activate win11 v1
  diecast version activate win11 production --recreate now --if-unavailable proceed --wait
  diecast version activate win11 v1 --dry-run"
)]
#[command(disable_version_flag = true)]
pub struct ActivateArgs {
    /// Which template
    pub name: TemplateName,
    /// Which version: 1, v1 or a tag
    #[arg(value_parser = parse::version)]
    pub version: String,
    #[command(flatten)]
    pub recreate: RecreateArgs,
    #[command(flatten)]
    pub terms: TermsArgs,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast version delete win11 v1 --dry-run
  diecast version delete win11 v1 --yes --wait")]
#[command(disable_version_flag = true)]
pub struct DeleteArgs {
    /// Which template
    pub name: TemplateName,
    /// Which version: 1, v1 or a tag
    #[arg(value_parser = parse::version)]
    pub version: String,
    /// Print what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}
