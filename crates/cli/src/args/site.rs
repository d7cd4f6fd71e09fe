//! `diecast site`: what may be typed.

use super::parse;
use clap::{Args, Subcommand};

#[derive(Subcommand, Clone, Debug)]
pub enum SiteCommand {
    /// List sites, who stands there, and the links between them with their limits
    List,
    /// Limit what crosses the link of two sites, in each direction
    Limit(LimitArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "All transfers that cross the link share the limit. A provider's site is set with `diecast provider set NAME --site SITE`;
those that name none stand in the site `-`.

Examples:
  diecast site limit madrid berlin 20Mbit/s
  diecast site limit madrid berlin '2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s'
  diecast site limit madrid berlin --none"
)]
pub struct LimitArgs {
    /// One of the sites
    pub site: String,
    /// The other one
    pub other: String,
    /// 100Mbit/s, 12MB/s, or by the time of the day, as in '2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s'
    #[arg(value_name = "RATE", num_args = 1.., required_unless_present = "none", conflicts_with = "none")]
    pub rate: Vec<String>,
    /// Take the limit away
    #[arg(long)]
    pub none: bool,
}

impl LimitArgs {
    /// As the server takes it: the words of an unquoted limit belong together.
    pub fn limit(&self) -> Result<String, String> {
        if self.none { Ok("off".to_owned()) } else { parse::limit(&self.rate.join(" ")) }
    }
}
