//! `diecast vm`: what may be typed.

use clap::Subcommand;
use diecast_domain::names::ProviderName;

#[derive(Subcommand, Clone, Debug)]
pub enum VmCommand {
    /// List the machines of a provider, and whether a template can be made from each
    List {
        /// Whose machines
        #[arg(long)]
        provider: ProviderName,
    },
}
