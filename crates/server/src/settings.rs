//! How a server is to run, and what follows from it: its folder, its database, its names.

use diecast_domain::code::{Code, Problem};
use rustls::pki_types::ServerName;
use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

#[derive(Clone)]
pub struct ServerSettings {
    pub data: PathBuf,
    /// `sqlite:FILE`
    pub database: Option<String>,
    pub listen: SocketAddr,
    /// By which it is reached; the first one is told to agents.
    pub names: Vec<String>,
    /// A certificate of one's own and its key.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// For the administrator that a first start makes; drawn and shown if there is none.
    pub admin_password: Option<String>,
    /// Whether one that was drawn is shown; else one is to be set with `diecast server password`.
    pub show_password: bool,
    /// The one directory whose scripts notifications may run.
    pub notification_scripts: Option<PathBuf>,
    /// Where the metrics are served without a token.
    pub metrics_listen: Option<SocketAddr>,
}

/// The database of a server.
pub(crate) fn database_path(data: &Path, url: Option<&str>) -> Result<PathBuf, Problem> {
    let Some(url) = url else { return Ok(data.join("diecast.db")) };
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    match path {
        Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
        _ => Err(Problem::new(
            Code::S0001,
            "the database must be `sqlite:FILE`; no other kind is supported yet",
        )
        .with_hint("pass `--database sqlite:/path/to/file`, or leave it out")),
    }
}

/// Makes the data folder if it is not there, for its owner alone.
pub(crate) fn prepare_folder(data: &Path) -> Result<(), Problem> {
    let unusable = |error: std::io::Error| {
        Problem::new(Code::S0003, format!("{} cannot be used: {error}", data.display()))
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(unusable)?;
    let probe = data.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(unusable)?;
    let mode = fs::metadata(data).map_err(unusable)?.mode();
    if mode & 0o002 != 0 {
        tracing::warn!(path = %data.display(), "everybody may write to the data folder");
    }
    Ok(())
}

/// Every name that the server's own certificate should carry.
pub(crate) fn certificate_names(settings: &ServerSettings, host_name: Option<&str>) -> Vec<String> {
    let mut names = settings.names.clone();
    if !settings.listen.ip().is_unspecified() {
        names.push(settings.listen.ip().to_string());
    }
    // A machine's name may be one that no certificate can carry.
    names.extend(host_name.filter(|name| ServerName::try_from(*name).is_ok()).map(str::to_owned));
    names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Where agents are told to go.
pub(crate) fn url(settings: &ServerSettings, bound: SocketAddr, host_name: Option<&str>) -> String {
    let ip = Some(bound.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let name = settings.names.first().cloned().or(ip);
    let name = name.or_else(|| host_name.map(str::to_owned)).unwrap_or_else(|| "localhost".to_owned());
    let name = if name.contains(':') { format!("[{name}]") } else { name };
    format!("https://{name}:{}", bound.port())
}

/// What this machine calls itself.
pub(crate) fn host_name() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(listen: &str, names: &[&str]) -> ServerSettings {
        ServerSettings {
            data: "/nowhere".into(),
            database: None,
            listen: listen.parse().unwrap(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            certificate: None,
            admin_password: None,
            show_password: true,
            notification_scripts: None,
            metrics_listen: None,
        }
    }

    #[test]
    fn agents_are_told_the_name_given_or_the_best_one_known() {
        let told = |listen: &str, names: &[&str]| {
            url(&settings(listen, names), listen.parse().unwrap(), Some("here"))
        };
        assert_eq!(told("0.0.0.0:7443", &["diecast.example", "10.0.0.1"]), "https://diecast.example:7443");
        assert_eq!(told("10.0.0.1:1", &[]), "https://10.0.0.1:1");
        assert_eq!(told("0.0.0.0:1", &[]), "https://here:1");
        assert_eq!(told("0.0.0.0:1", &["fd00::1"]), "https://[fd00::1]:1");
    }

    #[test]
    fn the_certificate_carries_every_name_once() {
        let names = certificate_names(&settings("127.0.0.1:1", &["localhost"]), Some("a_b host"));
        assert_eq!(names, ["localhost", "127.0.0.1", "::1"]);
    }

    #[test]
    fn a_database_of_another_kind_is_refused() {
        let data = Path::new("/data");
        assert_eq!(database_path(data, None).unwrap(), Path::new("/data/diecast.db"));
        assert_eq!(database_path(data, Some("sqlite:///x.db")).unwrap(), Path::new("/x.db"));
        assert_eq!(database_path(data, Some("postgres://x")).unwrap_err().code, Code::S0001);
    }
}
