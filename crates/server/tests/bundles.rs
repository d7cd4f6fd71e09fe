//! Bundles: written by an agent into an operator's hands, and read from them, with the server between.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_api::bundle::Word;
use diecast_domain::{
    bundle::{BundleAct, BundleOrder, Header, Since},
    code::{Code, Problem},
    digest::Digest,
    replica::Phase,
    template::VersionSize,
    units::{ByteCount, Timestamp},
};
use diecast_transfer::{
    bundle::{Asked, PIECE_BYTES, write},
    depot::{Depot, Holding},
    manifest::Manifest,
    progress::Progress,
    publish::{DiskInput, PublishInput, publish},
    spool::Spool,
};
use futures::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, Upgraded, header};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::client::generate_key, protocol::Role},
};
use world::{Agent, World, problem, profile};

type Socket = WebSocketStream<Upgraded>;

/// A bundle of a small version, really written, and its manifest.
fn bundle(content: &str, number: u32, since: Option<Digest>) -> (Vec<u8>, Arc<Manifest>) {
    let folder = TempDir::new().unwrap();
    let mut bytes = content.as_bytes().repeat(1 + (900 << 10) / content.len());
    bytes.truncate(900 << 10);
    std::fs::write(folder.path().join("disk0.raw"), bytes).unwrap();
    let disk = DiskInput { name: "disk0".to_owned(), path: folder.path().join("disk0.raw") };
    let profile = serde_json::to_vec(&profile()).unwrap();
    let input = PublishInput { disks: vec![disk], nvram: None, profile };
    let spool = Arc::new(Spool::open(&folder.path().join("spool")).unwrap());
    let (progress, cancel) = (Progress::default(), Default::default());
    let manifest = Arc::new(publish(input, &spool, &progress, &cancel).unwrap());
    let depot = Depot::default();
    let dir = folder.path().to_owned();
    depot.hold(Holding {
        manifest: manifest.clone(),
        dir,
        spool: Some(spool),
        arriving: None,
        seeds: Vec::new(),
    });
    let digest = manifest.digest();
    let header = Header {
        template: "win11".parse().unwrap(),
        number,
        digest,
        size: VersionSize::default(),
        carried: ByteCount::ZERO,
        since: since.map(|digest| Since { number: number - 1, digest }),
        note: Some("November's updates".to_owned()),
        author: "somebody far away".to_owned(),
        created_at: Timestamp(1_760_000_000_000),
        parent: number.checked_sub(1).filter(|parent| *parent > 0),
        new_bytes: None,
        tags: ["production".parse().unwrap()].into(),
        warnings: Vec::new(),
    };
    let give = |asked: Asked<'_>| match asked {
        Asked::Frame(frame) => depot.frame(&digest, frame),
        Asked::Leaves(ordinals) => depot.leaves(&digest, ordinals),
    };
    let mut file = Vec::new();
    let out = |bytes: bytes::Bytes| {
        file.extend_from_slice(&bytes);
        Ok(())
    };
    write(&manifest, None, header, give, out, &progress, &cancel).unwrap();
    (file, manifest)
}

fn upgrade(request: RequestBuilder) -> RequestBuilder {
    request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
}

async fn open(request: RequestBuilder) -> Socket {
    let answer = upgrade(request).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS, "{}", answer.text().await.unwrap());
    WebSocketStream::from_raw_socket(answer.upgrade().await.unwrap(), Role::Client, None).await
}

async fn refused(request: RequestBuilder) -> (StatusCode, Value) {
    problem(upgrade(request).send().await.unwrap()).await
}

/// The next word; bytes before it go into `bytes`. None: it is over.
async fn word(socket: &mut Socket, bytes: &mut Vec<u8>) -> Option<Word> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Binary(more))) => bytes.extend_from_slice(&more),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
        }
    }
}

async fn say(socket: &mut Socket, word: &Word) {
    socket.send(Message::text(serde_json::to_string(word).unwrap())).await.unwrap();
}

async fn give(socket: &mut Socket, file: &[u8]) {
    for piece in file.chunks(PIECE_BYTES) {
        socket.send(Message::binary(piece.to_vec())).await.unwrap();
    }
    say(socket, &Word::End).await;
}

/// What the server says at last to who gives it that.
async fn answer(world: &World, query: &str, file: &[u8]) -> Word {
    let mut operator = import(world, query).await;
    // It may be refused before its end.
    for piece in file.chunks(PIECE_BYTES) {
        let _ = operator.send(Message::binary(piece.to_vec())).await;
    }
    let _ = operator.send(Message::text(serde_json::to_string(&Word::End).unwrap())).await;
    word(&mut operator, &mut Vec::new()).await.expect("it is said how it ended")
}

fn cause(word: Word) -> Problem {
    match word {
        Word::Refused { problem } => problem,
        other => panic!("{other:?} is no refusal"),
    }
}

async fn import(world: &World, query: &str) -> Socket {
    open(world.ask(Method::GET, &format!("/bundles/import{query}"))).await
}

fn dial(agent: &Agent, order: &BundleOrder) -> RequestBuilder {
    agent.request(Method::GET, &format!("{}/{}", diecast_api::agent::BUNDLES, order.id))
}

/// The agent's end of the bundle that it is told of now.
async fn dialled(agent: &mut Agent) -> (Socket, BundleAct) {
    loop {
        let told = agent.told("a bundle", |told| !told.orders.bundles.is_empty()).await;
        let order = told.orders.bundles[0].clone();
        let answer = upgrade(dial(agent, &order)).send().await.unwrap();
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let stream = answer.upgrade().await.unwrap();
            return (WebSocketStream::from_raw_socket(stream, Role::Client, None).await, order.act);
        }
        // One that has just ended may stand in the orders for a moment still.
        agent.told("another, or none", |told| told.orders.bundles.iter().all(|it| it.id != order.id)).await;
    }
}

/// Takes a bundle as an agent does, as far as the server can see. What came.
async fn unpack(agent: &mut Agent, manifest: &Manifest) -> Vec<u8> {
    let (mut socket, act) = dialled(agent).await;
    assert_eq!(act, BundleAct::Import { digest: manifest.digest() });
    let mut came = Vec::new();
    assert_eq!(word(&mut socket, &mut came).await, Some(Word::End));
    assert!(agent.put_manifest(manifest).await.status().is_success());
    agent.hold(manifest.digest(), Phase::Registering);
    agent.report().await;
    say(&mut socket, &Word::Carried { data: 5 }).await;
    assert_eq!(word(&mut socket, &mut came).await, None);
    came
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_into_a_bundle_with_its_history() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let manifest = world.distribute("win11", &mut agents).await;
    let path = "/templates/win11/versions/v1/bundle";
    let (status, said) = refused(world.ask(Method::GET, &format!("{path}?since=1"))).await;
    assert_eq!((status, &said["code"]), (StatusCode::BAD_REQUEST, &json!("A0001")));
    let (status, _) = refused(world.ask(Method::GET, "/templates/win11/versions/v9/bundle")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let mut operator = open(world.ask(Method::GET, &format!("{path}?provider=kvm-b"))).await;
    let told = agents[1].told("a bundle", |told| !told.orders.bundles.is_empty()).await;
    let (status, _) = refused(dial(&agents[0], &told.orders.bundles[0])).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "it is of another provider");
    let (mut socket, act) = dialled(&mut agents[1]).await;
    let BundleAct::Export { header } = act else { panic!("{act:?}") };
    assert_eq!((header.number, header.digest, header.since), (1, manifest.digest(), None));
    assert_eq!(agents[1].get_manifest(manifest.digest()).await.status(), StatusCode::OK);
    let many = vec![7_u8; PIECE_BYTES];
    for done in 0..40 {
        // Far more than is kept on the way.
        socket.send(Message::binary(many.clone())).await.unwrap();
        let doing = diecast_api::bundle::Doing::Writing;
        say(&mut socket, &Word::Progress { doing, done, total: 40 }).await;
        let mut came = Vec::new();
        let said = word(&mut operator, &mut came).await.unwrap();
        assert!(came == many && matches!(said, Word::Progress { done: said, .. } if said == done));
    }
    say(&mut socket, &Word::Carried { data: 99 }).await;
    let Some(Word::Done { bundle }) = word(&mut operator, &mut Vec::new()).await else { panic!() };
    assert_eq!((bundle.version, bundle.carried_bytes, bundle.provider.as_deref()), (1, 99, Some("kvm-b")));
    let events = world.get("/events/history?kind=bundle.exported").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hangs_up_ends_an_export_for_the_other() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    let export = || open(world.ask(Method::GET, "/templates/win11/versions/v1/bundle"));
    let mut operator = export().await;
    let (socket, _) = dialled(&mut agents[0]).await;
    drop(socket);
    let said = cause(word(&mut operator, &mut Vec::new()).await.unwrap());
    assert_eq!(said.code, Code::T0024);
    assert!(said.cause.contains("kvm-a"), "{}", said.cause);
    let mut operator = export().await;
    let (mut socket, _) = dialled(&mut agents[0]).await;
    let damaged = Problem::new(Code::T0008, "it rotted");
    say(&mut socket, &Word::Refused { problem: damaged.clone() }).await;
    assert_eq!(cause(word(&mut operator, &mut Vec::new()).await.unwrap()), damaged);
    let operator = export().await;
    let (mut socket, _) = dialled(&mut agents[0]).await;
    drop(operator);
    assert_eq!(word(&mut socket, &mut Vec::new()).await, None);
    agents[0].told("no bundle any more", |told| told.orders.bundles.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bundle_brings_becomes_a_version_with_its_history_and_is_distributed() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-x").await, world.join("kvm-y").await];
    let (file, manifest) = bundle("the golden machine of site A", 4, None);
    let (asked, unpacked) =
        tokio::join!(answer(&world, "?provider=kvm-x&to=kvm-y", &file), unpack(&mut agents[0], &manifest),);
    assert!(unpacked == file, "every byte is passed on");
    let Word::Done { bundle: view } = asked else { panic!("{asked:?}") };
    assert_eq!((view.version, view.new, view.provider.as_deref()), (4, true, Some("kvm-x")));
    assert_eq!(view.digest, manifest.digest().to_string());
    let versions = world.get("/templates/win11/versions").await;
    let version = &versions["items"][0];
    assert_eq!(version["number"], 4);
    assert_eq!(version["note"], "November's updates");
    assert_eq!(version["author"], "somebody far away");
    assert_eq!(version["created_at"], "2025-10-09T08:53:20Z");
    assert_eq!((&version["parent"], &version["tags"]), (&json!(3), &json!(["production"])));
    assert_eq!(version["current"], true);
    for agent in &mut agents {
        let told = agent.told("to hold it", |told| told.orders.replica(&manifest.digest()).is_some()).await;
        assert_eq!(told.orders.replica(&manifest.digest()).unwrap().version.number, 4);
        assert_eq!(agent.get_manifest(manifest.digest()).await.status(), StatusCode::OK);
        agent.hold(manifest.digest(), Phase::Ready);
        agent.report().await;
    }
    world.until("/templates/win11/distribution", "everybody holds it", |it| it["distribution"] == "OK").await;

    let again = answer(&world, "?provider=kvm-x&to=kvm-y", &file).await;
    let Word::Done { bundle: view } = again else { panic!("{again:?}") };
    assert_eq!((view.new, view.provider), (false, None), "there is nothing to do");

    // The next comes to whoever holds what it builds on; a tag stays where it is.
    let (next, newer) = bundle("the golden machine of site A, patched", 5, Some(manifest.digest()));
    let planned = answer(&world, "?dry_run=true", &next).await;
    let Word::Planned { plan } = planned else { panic!("{planned:?}") };
    assert_eq!(plan.steps[1], "make it v5 of `win11`, and the current version");
    let (asked, _) = tokio::join!(answer(&world, "", &next), unpack(&mut agents[0], &newer));
    assert!(matches!(asked, Word::Done { bundle } if bundle.new && bundle.since == Some(4)));
    let versions = world.get("/templates/win11/versions").await;
    assert_eq!((&versions["items"][0]["number"], &versions["items"][0]["tags"]), (&json!(5), &json!([])));
    assert_eq!(versions["items"][1]["tags"], json!(["production"]));

    let (other, _) = bundle("another machine of that name", 5, None);
    let said = cause(answer(&world, "", &other).await);
    assert_eq!(
        (said.code, said.cause.as_str()),
        (Code::T0023, "v5 of template `win11` is other content here")
    );
    let trail = world.get("/audit?object=template").await;
    assert!(trail.to_string().contains("/api/v1/bundles/import"), "{trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_or_breaks_off_leaves_nothing() {
    let world = World::start().await;
    let mut agent = world.join("kvm-x").await;
    let (file, manifest) = bundle("the golden machine of site A", 4, None);
    let said = cause(answer(&world, "", &file).await);
    assert!(said.hint.contains("--provider"), "{said:?}");
    assert_eq!(cause(answer(&world, "?provider=kvm-x", b"PK\x03\x04").await).code, Code::T0020);
    assert_eq!(cause(answer(&world, "?provider=kvm-x", b"DCBNDL07 and more").await).code, Code::T0021);
    assert_eq!(cause(answer(&world, "?provider=kvm-x", &file[..500]).await).code, Code::T0020);
    assert_eq!(cause(answer(&world, "?provider=kvm-q", &file).await).code, Code::A0004);

    // Its agent finds that it is wrong, or has no room.
    let refusing = async {
        let (mut socket, _) = dialled(&mut agent).await;
        say(&mut socket, &Word::Refused { problem: Problem::new(Code::T0003, "no room") }).await;
        word(&mut socket, &mut Vec::new()).await
    };
    let (said, _) = tokio::join!(answer(&world, "?provider=kvm-x", &file), refusing);
    assert_eq!(cause(said).code, Code::T0003);
    // It says so and is gone at once, while far more is on its way to it than it takes.
    let mut long = file.clone();
    long.resize(64 * PIECE_BYTES, 0);
    let gone = async {
        let (mut socket, _) = dialled(&mut agent).await;
        say(&mut socket, &Word::Refused { problem: Problem::new(Code::T0003, "no room") }).await;
    };
    let (said, ()) = tokio::join!(answer(&world, "?provider=kvm-x", &long), gone);
    assert_eq!(cause(said).code, Code::T0003);
    // Its agent dies.
    let dying = async { drop(dialled(&mut agent).await) };
    let (said, ()) = tokio::join!(answer(&world, "?provider=kvm-x", &file), dying);
    assert_eq!(cause(said).code, Code::T0024);
    // It says that it is done, and has handed over no manifest.
    let hasty = async {
        let (mut socket, _) = dialled(&mut agent).await;
        say(&mut socket, &Word::Carried { data: 1 }).await;
        word(&mut socket, &mut Vec::new()).await
    };
    let (said, _) = tokio::join!(answer(&world, "?provider=kvm-x", &file), hasty);
    assert_eq!(cause(said).code, Code::T0024);
    // The operator goes in the middle.
    let mut operator = import(&world, "?provider=kvm-x").await;
    operator.send(Message::binary(file[..file.len() - 9].to_vec())).await.unwrap();
    let (mut socket, _) = dialled(&mut agent).await;
    drop(operator);
    assert_eq!(word(&mut socket, &mut Vec::new()).await, None);
    agent.told("no bundle any more", |told| told.orders.bundles.is_empty()).await;
    assert_eq!(agent.put_manifest(&manifest).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(world.get("/templates").await["items"], json!([]));

    // The operator goes at the end: what was given is taken on all the same.
    let mut operator = import(&world, "?provider=kvm-x").await;
    give(&mut operator, &file).await;
    let (mut socket, _) = dialled(&mut agent).await;
    assert_eq!(word(&mut socket, &mut Vec::new()).await, Some(Word::End));
    drop(operator);
    assert!(agent.put_manifest(&manifest).await.status().is_success());
    agent.hold(manifest.digest(), Phase::Registering);
    agent.report().await;
    say(&mut socket, &Word::Carried { data: 5 }).await;
    world.until("/templates", "it is there", |it| it["items"][0]["version"] == 4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_neither_writes_bundles_nor_reads_them() {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await];
    world.distribute("win11", &mut agents).await;
    let token = world.post("/tokens", json!({"name": "wall", "role": "viewer"})).await;
    let token = token["token"].as_str().unwrap();
    for path in ["/templates/win11/versions/1/bundle", "/bundles/import?provider=kvm-a"] {
        let request = world.http.get(format!("{}/api/v1{path}", world.url)).bearer_auth(token);
        let (status, said) = refused(request).await;
        assert_eq!((status, &said["code"]), (StatusCode::FORBIDDEN, &json!("A0003")), "{path}");
    }
}
