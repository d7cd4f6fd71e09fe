//! `diecast support`: what may be typed.

use clap::Args;
use std::path::PathBuf;

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Inside is what the server says of everything (states, events, alarms, metrics, its last log
lines), what is not well, and what this machine says of a server that runs here. Secrets are taken
out: tokens, passwords, keys, first-boot data. Have a look before you give it away: contents.txt in it
lists the rest. If the server does not answer, the archive has what could be had without it.
Of a hypervisor's side, `diecast-agent support FILE` makes the same there.

Examples:
  diecast support /tmp/diecast-support.tar.zst
  diecast support /tmp/diecast-support.tar.zst --redact-addresses
  tar --zstd -xOf /tmp/diecast-support.tar.zst diecast-support/remarks.txt"
)]
pub struct SupportArgs {
    /// The archive to make, .tar.zst; it must not exist
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Put stand-ins for addresses of networks and machines
    #[arg(long)]
    pub redact_addresses: bool,
}
