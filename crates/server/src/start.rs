//! Starting and stopping: everything that must be there before the first request, in order.

use crate::{
    app::App,
    backup, first, http,
    notify::{self, Notifier},
    reconcile,
    settings::{self, ServerSettings},
};
use anyhow::Context;
use diecast_domain::{
    code::{Code, Problem},
    units::Timestamp,
};
use diecast_identity::{
    ClientCertificates, KeyedCertificate, Peer, Reloader, TlsListener, TlsListenerSettings, expires_at,
    install_crypto_provider,
};
use diecast_store::Store;
use std::{
    fs,
    io::{self, ErrorKind},
    net::SocketAddr,
    path::Path,
    time::{Duration, SystemTime},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How often the server makes itself a new certificate: long before the old one is over.
const CERTIFICATE_RENEWAL: Duration = Duration::from_secs(24 * 3600);
/// How long requests under way may take after the server was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A server that runs.
pub struct Running {
    /// Where it listens, with the port that the system chose.
    pub address: SocketAddr,
    /// Its certificate authority, PEM.
    pub ca_pem: String,
    /// The administrator's password, if this start drew one. It was shown, and is kept nowhere.
    pub password: Option<String>,
    app: App,
    serving: JoinHandle<std::io::Result<()>>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a server. Returns when it takes requests.
pub async fn start(settings: ServerSettings) -> Result<Running, Problem> {
    install_crypto_provider();
    settings::prepare_folder(&settings.data)?;
    backup::sweep(&settings.data);
    let database = settings::database_path(&settings.data, settings.database.as_deref())?;
    let store = Store::open(&database).await.map_err(|error| error.problem())?;
    // Before anything is made: a first start that finds its port taken has left nothing behind.
    let tcp = TcpListener::bind(settings.listen).await;
    let tcp = tcp.map_err(|error| cannot_listen(settings.listen, &error))?;
    let metrics = match settings.metrics_listen {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| cannot_listen(at, &error))?),
        None => None,
    };
    let installation =
        first::installation(&store, settings.admin_password.as_deref()).await.map_err(unforeseen)?;
    // At once: whatever else may fail, it is not shown a second time.
    if let Some(password) = &installation.password {
        first::show(password, settings.show_password);
    }
    let authority = installation.authority;
    let ca_pem = authority.certificate_pem();
    write_ca(&settings.data, &ca_pem)?;
    let host_name = settings::host_name();
    let names = settings::certificate_names(&settings, host_name.as_deref());
    let certificate = match &settings.certificate {
        Some((certificate, key)) => given(certificate, key)?,
        None => authority.sign_server(&names).map_err(|error| {
            Problem::new(Code::A0001, format!("the server's certificate could not be made: {error}"))
                .with_hint("correct the names given with `--name`")
        })?,
    };
    let certificate_ends_at =
        settings.certificate.as_ref().and_then(|_| timestamp(expires_at(&certificate.certificate_pem).ok()?));
    let tls = TlsListenerSettings::new(certificate, ca_pem.clone(), ClientCertificates::Optional);
    let listener = TlsListener::new(tcp, tls).map_err(|error| {
        Problem::new(Code::S0003, format!("the server's certificate cannot be used: {error}"))
            .with_hint("check the files given with `--certificate` and `--key`")
    })?;
    let address = listener.address().context("asking for the address").map_err(unforeseen)?;
    let reloader = listener.reloader();
    let url = settings::url(&settings, address, host_name.as_deref());
    let authority_ends_at = timestamp(authority.expires_at());
    let notifier =
        Notifier::new(settings.notification_scripts.clone(), certificate_ends_at, authority_ends_at);
    let app =
        App::new(store, authority, url.clone(), notifier).await.map_err(|error| unforeseen(error.into()))?;
    let mut stopping = app.stopping();
    let service = http::router(app.clone()).into_make_service_with_connect_info::<Peer>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        let _ = stopping.wait_for(|stop| *stop).await;
    });
    let serving = tokio::spawn(serving.into_future());
    let mut tasks = vec![
        tokio::spawn(reconcile::run(app.clone())),
        tokio::spawn(notify::run(app.clone())),
        tokio::spawn(app.clone().sweep_audit()),
    ];
    if let Some(listener) = metrics {
        let metrics = axum::serve(listener, http::metrics::alone(app.clone())).into_future();
        tasks.push(tokio::spawn(async move { drop(metrics.await) }));
    }
    if settings.certificate.is_none() {
        tasks.push(tokio::spawn(renew_certificate(app.clone(), names, reloader)));
    }
    tracing::info!(%address, url, data = %settings.data.display(), "the server listens");
    Ok(Running { address, ca_pem, password: installation.password, app, serving, tasks })
}

impl Running {
    /// Stops taking requests, lets those under way end, and closes the database.
    pub async fn stop(self) {
        self.app.stop();
        let aborted = self.serving.abort_handle();
        if tokio::time::timeout(STOP_PATIENCE, self.serving).await.is_err() {
            aborted.abort();
        }
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        self.app.store().close().await;
    }

    /// Ends when serving ends, which it does not by itself.
    pub(crate) async fn ended(&mut self) -> Problem {
        let outcome = (&mut self.serving).await;
        unforeseen(anyhow::anyhow!("serving ended: {outcome:?}"))
    }
}

async fn renew_certificate(app: App, names: Vec<String>, reloader: Reloader) {
    loop {
        tokio::time::sleep(CERTIFICATE_RENEWAL).await;
        let renewed = app.authority().sign_server(&names).map_err(anyhow::Error::new);
        if let Err(error) = renewed.and_then(|it| reloader.replace(&it).map_err(anyhow::Error::new)) {
            tracing::error!(error = format!("{error:#}"), "the server's certificate could not be renewed");
        }
    }
}

/// What agents and operators are to trust, for them to copy.
fn write_ca(data: &Path, pem: &str) -> Result<(), Problem> {
    let path = data.join("ca.pem");
    if fs::read_to_string(&path).is_ok_and(|there| there == pem) {
        return Ok(());
    }
    let under = data.join("ca.pem.new");
    let written = fs::write(&under, pem)
        .and_then(|()| fs::File::open(&under)?.sync_all())
        .and_then(|()| fs::rename(&under, &path))
        .and_then(|()| fs::File::open(data)?.sync_all());
    written.map_err(|error| {
        Problem::new(Code::S0003, format!("{} could not be written: {error}", path.display()))
    })
}

fn given(certificate: &Path, key: &Path) -> Result<KeyedCertificate, Problem> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| {
            Problem::new(Code::S0003, format!("{} could not be read: {error}", path.display()))
                .with_hint("check the files given with `--certificate` and `--key`")
        })
    };
    Ok(KeyedCertificate { certificate_pem: read(certificate)?, key_pem: read(key)? })
}

fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Problem {
    if error.kind() == ErrorKind::AddrInUse {
        return Problem::new(Code::S0002, format!("another process listens at {address}"));
    }
    Problem::new(Code::S0002, format!("the server cannot listen at {address}: {error}"))
        .with_hint("choose another address with `--listen`")
}

/// What an administrator is told of an error that nobody foresaw; of one that somebody did, what they said.
pub(crate) fn unforeseen(error: anyhow::Error) -> Problem {
    error.downcast().unwrap_or_else(|error| Problem::new(Code::S0004, format!("{error:#}")))
}
