//! `diecast version`: what may be typed.

use clap::Subcommand;
use diecast_domain::names::TemplateName;

#[derive(Subcommand, Clone, Debug)]
pub enum VersionCommand {
    /// List the versions of a template, newest first
    List {
        /// Which template
        name: TemplateName,
    },
}
