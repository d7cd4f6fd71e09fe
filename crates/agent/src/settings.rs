//! What is typed after `diecast-agent`, and what it means.

use clap::{Args, Parser, Subcommand, ValueEnum};
use diecast_domain::units::ByteCount;
use std::{net::SocketAddr, path::PathBuf};

/// Where the agent keeps its things unless told otherwise.
const DATA_DEFAULT: &str = "/var/lib/diecast-agent";

/// Looks after one provider: brings templates to its storage, verifies them, makes hosts of them.
#[derive(Debug, Parser)]
#[command(name = "diecast-agent", version, about, long_about = None)]
pub struct AgentArgs {
    /// The file of settings; a flag or a variable of the same meaning is above it
    /// [default: /etc/diecast/agent.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "DIECAST_AGENT_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: AgentCommand,
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Enrol with the server, once. `diecast provider add` prints this line.
    Join(JoinArgs),
    /// Look after the provider, until stopped.
    Run(RunArgs),
    /// Show who this agent is and what it holds.
    Status(StatusArgs),
    /// The server has another address: write it down, once it answers there.
    SetServer(SetServerArgs),
    /// Gather what helps to find a fault on this machine into one archive, without secrets.
    Support(SupportArgs),
    /// Print the completions for a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder.
    #[command(hide = true)]
    ManPages(ManPagesArgs),
}

#[derive(Debug, Args)]
pub struct DataArg {
    /// The agent's own folder.
    #[arg(long, value_name = "DIR", env = "DIECAST_AGENT_DATA", default_value = DATA_DEFAULT)]
    pub data: PathBuf,
}

#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The server's address, such as https://diecast.example:7443.
    #[arg(long, value_name = "URL")]
    pub server: String,
    /// SHA-256 fingerprint of the server's CA, which makes the first contact safe.
    #[arg(long, value_name = "HEX")]
    pub ca_fingerprint: String,
    /// The one-time token.
    #[arg(long, env = "DIECAST_JOIN_TOKEN", hide_env_values = true)]
    pub token: String,
    /// Then start the agent: its service if there is one, else here, until stopped.
    #[arg(long)]
    pub start: bool,
    #[command(flatten)]
    pub data: DataArg,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManPagesArgs {
    pub folder: PathBuf,
}

#[derive(Debug, Args)]
pub struct SetServerArgs {
    /// The server's new address, such as https://diecast.example:7443.
    #[arg(value_name = "URL")]
    pub url: String,
    /// Write it down although the server does not answer there yet.
    #[arg(long)]
    pub unchecked: bool,
    #[command(flatten)]
    pub data: DataArg,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub data: DataArg,
}

#[derive(Debug, Args)]
pub struct SupportArgs {
    /// The archive to make, .tar.zst; it must not exist.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Put stand-ins for addresses of networks and machines.
    #[arg(long)]
    pub redact_addresses: bool,
    #[command(flatten)]
    pub data: DataArg,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub data: DataArg,
    /// Where peers fetch from.
    #[arg(long, value_name = "ADDR", env = "DIECAST_AGENT_LISTEN", default_value = "0.0.0.0:7444")]
    pub listen: SocketAddr,
    /// Addresses to tell peers, as HOST:PORT; found out if none is given. May be repeated.
    #[arg(long, value_name = "HOST:PORT", env = "DIECAST_AGENT_ADVERTISE", value_delimiter = ',')]
    pub advertise: Vec<String>,
    /// Free space to leave for the hosts' overlays, such as 20GiB. The larger of 5 % and 10 GiB if not given.
    #[arg(long, value_name = "SIZE", env = "DIECAST_AGENT_FLOOR", value_parser = parse_size)]
    pub floor: Option<ByteCount>,
    /// A folder that disk images may be imported from, besides the storage pool. May be repeated.
    #[arg(long, value_name = "DIR", env = "DIECAST_AGENT_IMPORT_DIR", value_delimiter = ',')]
    pub import_dir: Vec<PathBuf>,
    /// The folder that has the kernel with which guests' disks are trimmed: boot/vmlinuz-* and lib/modules.
    #[arg(long, value_name = "DIR", env = "DIECAST_AGENT_KERNEL_ROOT", default_value = "/")]
    pub kernel_root: PathBuf,
    /// How the log is written to stderr.
    #[arg(long, value_enum, default_value_t = LogFormat::Human, env = "DIECAST_AGENT_LOG_FORMAT")]
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

/// What tasks need to know of all that.
#[derive(Clone, Debug, Default)]
pub struct AgentSettings {
    pub floor: Option<ByteCount>,
    pub import_dirs: Vec<PathBuf>,
    pub kernel_root: PathBuf,
}

/// `512MiB`, `20GiB`, `1TiB`, or plain bytes.
pub fn parse_size(text: &str) -> Result<ByteCount, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "B" => 0,
        "KiB" | "K" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        "TiB" | "T" => 40,
        _ => return Err(format!("`{text}` is not a size: write it like 512MiB or 20GiB")),
    };
    let count: u64 =
        digits.parse().map_err(|_| format!("`{text}` is not a size: write it like 512MiB or 20GiB"))?;
    count.checked_mul(1 << unit).map(ByteCount).ok_or_else(|| format!("`{text}` is more than any disk holds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        AgentArgs::command().debug_assert();
    }

    #[test]
    fn sizes_carry_their_unit() {
        assert_eq!(parse_size("64MiB"), Ok(ByteCount::mib(64)));
        assert_eq!(parse_size("20G"), Ok(ByteCount::gib(20)));
        assert_eq!(parse_size("4096"), Ok(ByteCount(4096)));
        for bad in ["", "GiB", "1.5GiB", "10 parsecs", "99999999999TiB", "-1"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
