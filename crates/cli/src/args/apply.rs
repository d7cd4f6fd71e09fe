//! `diecast apply` and `diecast export`: what may be typed.

use super::{WaitArgs, YesArgs};
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The file is TOML, or JSON of the same shape. `diecast export` writes one to begin with. What it does not name
stays as it is; applied again, it finds nothing to change. Providers and templates must be there already.

  [provider.kvm-a]
  site = \"berlin\"
  networks = { corp = \"br20\" }
  limit = \"2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s\"

  [site.berlin.links]
  madrid = \"20Mbit/s\"

  [template.win11]
  distribution = [\"kvm-a\", \"kvm-b\"]
  keep = 5

  [pool.desks]
  template = \"win11\"
  pattern = \"desk-{nnn}\"
  size = 20

Examples:
  diecast apply -f site.toml --dry-run
  diecast apply -f site.toml --yes --wait
  diecast export | diecast apply -f -"
)]
pub struct ApplyArgs {
    /// The file; `-` for stdin
    #[arg(long, short, value_name = "FILE")]
    pub file: PathBuf,
    /// Also remove what the file does not name: pools, providers from the lists that it gives, and limits of
    /// links if it gives sites
    #[arg(long)]
    pub prune: bool,
    /// Print the difference and what would be done, and do nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    #[command(flatten)]
    pub yes: YesArgs,
    #[command(flatten)]
    pub wait: WaitArgs,
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  diecast export site.toml
  diecast export --json > site.json")]
pub struct ExportArgs {
    /// Where to write it; JSON if it ends in .json [default: stdout]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub yes: YesArgs,
}
