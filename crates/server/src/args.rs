//! What one types after `diecast server`.

use crate::settings::ServerSettings;
use clap::{Args, Subcommand, ValueEnum};
use diecast_domain::code::{Code, Problem};
use std::{net::SocketAddr, path::PathBuf};

/// Where the server keeps everything, unless told otherwise.
const DATA: &str = "/var/lib/diecast";
/// Every address of the machine.
const LISTEN: &str = "0.0.0.0:7443";

/// Run the server, or look after it.
#[derive(Clone, Debug, Args)]
pub struct ServerArgs {
    /// The file of settings; a flag or a variable of the same meaning is above it
    /// [default: /etc/diecast/server.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "DIECAST_CONFIG")]
    pub config: Option<PathBuf>,
    #[command(subcommand)]
    pub command: ServerCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum ServerCommand {
    /// Run the server
    Run(RunArgs),
    /// Set the password of an administrator: a given one, or a drawn one, which is printed; beside a
    /// server that runs, or without
    Password(PasswordArgs),
    /// Write everything the server knows into one encrypted file, while it runs
    Backup(BackupArgs),
    /// Make a server from a backup, in an empty folder
    Restore(RestoreArgs),
}

#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The address to listen at
    #[arg(long, value_name = "ADDR", default_value = LISTEN, env = "DIECAST_LISTEN")]
    pub listen: SocketAddr,
    /// A name or address by which agents and operators reach this server; the first one is told to
    /// agents. May be repeated
    #[arg(long = "name", value_name = "HOST_OR_IP", env = "DIECAST_NAME", value_delimiter = ',')]
    pub names: Vec<String>,
    /// A certificate of your own for the server, PEM, with those above it
    #[arg(long, value_name = "FILE", env = "DIECAST_CERTIFICATE")]
    pub certificate: Option<PathBuf>,
    /// The key of that certificate, PEM
    #[arg(long, value_name = "FILE", env = "DIECAST_KEY")]
    pub key: Option<PathBuf>,
    /// Serve the metrics, and nothing else, at this address too: in plain HTTP and without a token, so only
    /// to this machine
    #[arg(long, value_name = "ADDR", env = "DIECAST_METRICS_LISTEN", value_parser = loopback)]
    pub metrics_listen: Option<SocketAddr>,
    /// How the log is written to stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Human, env = "DIECAST_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// The directory whose scripts notifications may run; without it they run none
    #[arg(long, value_name = "DIR", env = "DIECAST_NOTIFICATION_SCRIPTS")]
    pub notification_scripts: Option<PathBuf>,
    /// At the first start draw no password to show, because what this says is kept in a log: set one
    /// with `diecast server password`
    #[arg(long)]
    pub no_password: bool,
}

#[derive(Clone, Debug, Args)]
pub struct PlaceArgs {
    /// The folder that holds everything the server keeps
    #[arg(long, value_name = "DIR", default_value = DATA, env = "DIECAST_DATA")]
    pub data: PathBuf,
    /// The database, as `sqlite:FILE`; by default `diecast.db` in the data folder
    #[arg(long, value_name = "URL", env = "DIECAST_DATABASE")]
    pub database: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct PasswordArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Whose password
    #[arg(long, default_value = crate::first::ADMINISTRATOR)]
    pub user: String,
    /// A file that holds the new password, or - for stdin; it goes before DIECAST_ADMIN_PASSWORD
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The passphrase can also be given in DIECAST_BACKUP_PASSPHRASE. Keep it apart from the backups.

Examples:
  diecast server backup /srv/backup/diecast-1.backup --passphrase-file /root/passphrase
  diecast server backup /srv/backup/diecast-1.backup --recipient age1...")]
pub struct BackupArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The file to write
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Encrypt with the passphrase in this file
    #[arg(long, value_name = "FILE", conflicts_with = "recipient")]
    pub passphrase_file: Option<PathBuf>,
    /// Encrypt for whoever has the key to this public key of age. May be repeated
    #[arg(long, value_name = "AGE1...")]
    pub recipient: Vec<String>,
    /// Write over a file of that name
    #[arg(long)]
    pub replace: bool,
    #[arg(from_global)]
    pub json: bool,
}

#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The passphrase can also be given in DIECAST_BACKUP_PASSPHRASE.

Examples:
  diecast server restore --check diecast-1.backup --passphrase-file passphrase
  diecast server restore diecast-1.backup --identity key.txt --data /var/lib/diecast")]
pub struct RestoreArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The backup
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Open it with the passphrase in this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Open it with the keys in this file, as `age-keygen` writes it
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,
    /// Read all of it, say what is in it, and restore nothing
    #[arg(long)]
    pub check: bool,
    #[arg(from_global)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

impl RunArgs {
    /// What was typed, as what it means.
    pub fn settings(self) -> Result<ServerSettings, Problem> {
        let certificate = match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (certificate, _) => {
                let (given, missing) =
                    if certificate.is_some() { ("certificate", "key") } else { ("key", "certificate") };
                let cause = format!("a `{given}` is given for the server, and no `{missing}`");
                return Err(Problem::new(Code::S0003, cause).with_hint("give both, or neither"));
            }
        };
        Ok(ServerSettings {
            data: self.place.data,
            database: self.place.database,
            listen: self.listen,
            names: self.names,
            certificate,
            admin_password: std::env::var(crate::first::PASSWORD_VARIABLE).ok(),
            show_password: !self.no_password,
            notification_scripts: self.notification_scripts,
            metrics_listen: self.metrics_listen,
        })
    }
}

/// An address that only this machine reaches.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write an address and a port: 127.0.0.1:9187".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("nobody asks for a token there, so it must be of this machine: 127.0.0.1:9187; from others, scrape \
         /metrics at the server's own address with a token"
        .to_owned())
}
