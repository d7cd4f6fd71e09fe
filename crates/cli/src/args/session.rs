//! `diecast login`: what may be typed.

use clap::Args;
use diecast_identity::Fingerprint;

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The password is asked for without echo. Without a terminal it is taken from DIECAST_PASSWORD, or is
the first line of stdin.

Examples:
  diecast login --url https://diecast.example:7443 --ca ca.pem
  diecast login --url https://10.0.0.5:7443 --ca-fingerprint 3f9a...
  export DIECAST_TOKEN=$(diecast login --print-token)"
)]
pub struct LoginArgs {
    /// Who signs in
    #[arg(long, default_value = "admin")]
    pub user: String,
    /// Trust the CA with this SHA-256 instead of one in a file; it is fetched and stored
    #[arg(long, value_name = "SHA256")]
    pub ca_fingerprint: Option<Fingerprint>,
    /// Print the token instead of storing it, for use as DIECAST_TOKEN
    #[arg(long)]
    pub print_token: bool,
}
