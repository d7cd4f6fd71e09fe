//! The agent from start to stop: everything is put together here, and nothing is decided.

use crate::{
    board::Board,
    console,
    data::{self, DataDir},
    depot::{self, Depots},
    finding::Finding,
    join::{self, Credentials},
    paces, recovery, renew, scrub,
    server::Server,
    session,
    settings::{AgentSettings, RunArgs},
    storage, survey, watch,
    worker::{self, Site, own_trouble},
};
use diecast_domain::{
    code::{Code, Problem},
    ids::{ProviderId, SessionId},
};
use diecast_identity::{ClientCertificates, Peer, Timeouts, TlsListenerSettings, depot_client, listen};
use diecast_transfer::wire::FrameClient;
use std::{
    collections::HashMap,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};
use tokio::task::JoinSet;

/// Credentials that a renewal replaces while everything runs.
pub type Shared = Arc<RwLock<Credentials>>;

/// Runs until the process is told to stop.
pub async fn run(args: RunArgs) -> Result<(), Problem> {
    let data = DataDir::open(&args.data.data)?;
    let _lock = data.lock()?;
    let credentials = join::load(&data)?;
    let provider = credentials.identity.provider;
    let board = Arc::new(Board::default());
    recall(&board, &data)?;

    let depots = Arc::new(Depots::default());
    let tls = TlsListenerSettings::new(
        credentials.keyed.clone(),
        credentials.ca.clone(),
        ClientCertificates::Required,
    );
    let listener = listen(args.listen, tls).await.map_err(|error| {
        Problem::new(Code::S0002, format!("peers cannot be served on {}: {error}", args.listen))
    })?;
    let reloader = listener.reloader();
    let port = listener.address().map_or(args.listen.port(), |address| address.port());
    board.know().addresses = if args.advertise.is_empty() {
        own_addresses(&credentials.identity.server, args.listen, port)
    } else {
        args.advertise.clone()
    };
    let routes = depot::routes(depots.clone(), board.clone(), data.clone());
    let service = routes.into_make_service_with_connect_info::<Peer>();
    // What the agent is nothing without: if one of these ends, by a panic, so does the agent, and is
    // started anew, rather than go on reporting what nobody looks at any more.
    let mut vital = JoinSet::new();
    vital.spawn(async move {
        let ended = axum::serve(listener, service).await;
        tracing::error!("the depot stopped serving: {ended:?}");
    });

    let server = Server::new(&credentials.identity.server, &credentials.ca, &credentials.keyed)?;
    let reporting = server.separate(&credentials.ca, &credentials.keyed)?;
    let name = credentials.identity.name.clone();
    tracing::info!(provider = %name, server = %credentials.identity.server, "the agent of {name} begins");
    let life = SessionId::from_uuid(uuid::Uuid::now_v7());
    let reporter = session::report(board.clone(), reporting.clone(), provider, life)
        .map_err(|error| own_trouble(&error.into()))?;
    vital.spawn(async move { drop(reporter.await) });
    let shared: Shared = Arc::new(RwLock::new(credentials));
    let frames = Arc::new(frame_client(shared.clone()));
    vital.spawn(renew::renew(data.clone(), shared, vec![server.clone(), reporting], reloader));
    vital.spawn(session::follow_assignment(board.clone(), data.clone(), server.clone(), provider, life));
    let (driver, driven) = tokio::sync::watch::channel(None);
    vital.spawn(recovery::hand_over(board.clone(), data.clone(), server.clone()));
    vital.spawn(watch::watch(board.clone(), data.clone(), driver));
    vital.spawn(scrub::run(board.clone(), data.clone(), depots.clone()));
    vital.spawn(paces::follow(board.clone()));
    vital.spawn(console::follow(board.clone(), server.clone(), driven.clone()));

    board.know().floor = args.floor;
    let settings = Arc::new(AgentSettings {
        floor: args.floor,
        import_dirs: args.import_dir,
        kernel_root: args.kernel_root,
    });
    let make_site = {
        let (board, data, depots) = (board.clone(), data.clone(), depots.clone());
        move |hypervisor, provider_settings, storage: PathBuf| Site {
            board: board.clone(),
            data: data.clone(),
            settings: settings.clone(),
            provider,
            name: name.clone(),
            hypervisor,
            provider_settings,
            storage,
            server: server.clone(),
            frames: frames.clone(),
            depots: depots.clone(),
        }
    };
    tokio::select! {
        () = worker::run(board, data, depots, driven, make_site) => Ok(()),
        Some(ended) = vital.join_next() => {
            let cause = format!("a part of the agent ended unexpectedly: {ended:?}");
            Err(Problem::new(Code::S0004, cause))
        }
        () = told_to_stop() => {
            tracing::info!("stopping; transfers go on from here at the next start");
            Ok(())
        }
    }
}

/// What an earlier life left on the disk.
fn recall(board: &Board, data: &DataDir) -> Result<(), Problem> {
    let mut known = board.know();
    known.assignment = data::read_json(&data.file("assignment.json")).map_err(|error| own_trouble(&error))?;
    let consoles = known.assignment.iter().flat_map(|told| told.orders.consoles.clone());
    board.consoles.send_replace(consoles.collect());
    known.former = recovery::recall(data).map_err(|error| own_trouble(&error))?;
    known.storage = storage::recall(data);
    for id in data.names("published") {
        if let Ok(Some(published)) = data::read_json(&data.published(id)) {
            known.published.insert(id, published);
        }
    }
    for version in data.names("damaged") {
        if let Ok(Some(finding)) = data::read_json(&data.damaged(&version)) {
            let finding: Finding = finding;
            let kept = if finding.mended { &mut known.mended } else { &mut known.damaged };
            kept.insert(version, finding);
        }
    }
    for id in data.names("operations") {
        if let Ok(Some(outcome)) = data::read_json(&data.operation(id)) {
            known.operations.insert(id, outcome);
        }
    }
    drop(known);
    drop(survey::survey(board, data));
    Ok(())
}

/// One client for each peer, since each must prove to be the one meant.
fn frame_client(shared: Shared) -> FrameClient {
    type Made = HashMap<ProviderId, (String, reqwest::Client)>;
    let made: Mutex<Made> = Mutex::default();
    FrameClient::new(move |peer| {
        let own = shared.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((certificate, client)) = made.get(&peer)
            && *certificate == own.keyed.certificate_pem
        {
            return client.clone();
        }
        let timeouts =
            Timeouts { connect: diecast_transfer::limits::CONNECT_TIMEOUT, read: None, total: None };
        let client = depot_client(&own.ca, &own.keyed, peer, timeouts)
            .expect("the same certificates made the depot's listener");
        made.insert(peer, (own.keyed.certificate_pem, client.clone()));
        client
    })
}

/// The addresses by which peers may find us: first the one that leads to the server.
fn own_addresses(server: &str, listen: SocketAddr, port: u16) -> Vec<String> {
    if !listen.ip().is_unspecified() {
        return vec![SocketAddr::new(listen.ip(), port).to_string()];
    }
    let authority = server.trim_start_matches("https://");
    let target = if authority.rsplit(':').next().is_some_and(|last| last.parse::<u16>().is_ok()) {
        authority.to_owned()
    } else {
        format!("{authority}:443")
    };
    // No packet is sent: connecting a datagram socket only chooses the way.
    let toward = |local: &str| {
        let socket = UdpSocket::bind(local).ok()?;
        socket.connect(&target).ok()?;
        socket.local_addr().ok()
    };
    let found = toward("0.0.0.0:0").or_else(|| toward("[::]:0"));
    found.map(|address| SocketAddr::new(address.ip(), port).to_string()).into_iter().collect()
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
