//! Screens: an operator's end and an agent's end, joined by the server.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    assignment::{Assignment, ConsoleOrder},
    provider::Power,
};
use futures::{SinkExt, StreamExt};
use reqwest::{Method, RequestBuilder, StatusCode, Upgraded, header};
use serde_json::{Value, json};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::client::generate_key,
        protocol::{CloseFrame, Role},
    },
};
use world::{Agent, World, problem};

const CONSOLE: &str = "/api/v1/templates/win11/maintenance/console";

type Socket = WebSocketStream<Upgraded>;

fn upgrade(request: RequestBuilder) -> RequestBuilder {
    request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, generate_key())
}

async fn open(request: RequestBuilder) -> Socket {
    let answer = upgrade(request).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    WebSocketStream::from_raw_socket(answer.upgrade().await.unwrap(), Role::Client, None).await
}

async fn refused(request: RequestBuilder) -> (StatusCode, Value) {
    problem(upgrade(request).send().await.unwrap()).await
}

/// The next thing that was said, pings apart.
async fn said(socket: &mut Socket) -> Message {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            other => return other,
        }
    }
}

async fn farewell(socket: &mut Socket) -> CloseFrame {
    match said(socket).await {
        Message::Close(Some(frame)) => frame,
        other => panic!("{other:?} is no farewell"),
    }
}

async fn world() -> (World, [Agent; 2]) {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    world.distribute("win11", &mut agents).await;
    world.post("/templates/win11/maintenance", json!({})).await;
    agents[0].make_working_copy().await;
    let path = "/templates/win11/maintenance";
    world.until(path, "it has a screen", |it| it["console"] == true).await;
    (world, agents)
}

fn operator(world: &World) -> RequestBuilder {
    world.http.get(format!("{}{CONSOLE}", world.url)).bearer_auth(&world.token)
}

async fn ordered(agent: &mut Agent) -> ConsoleOrder {
    agent.told("a screen", |told| !told.orders.consoles.is_empty()).await.orders.consoles[0].clone()
}

/// Opens the other end of the screen that is wanted now. One whose viewer has gone may stand in the orders
/// for a moment still: it is refused, and the next is tried, as agents do.
async fn answer(agent: &mut Agent) -> Socket {
    loop {
        let order = ordered(agent).await;
        let answer = upgrade(dial(agent, &order)).send().await.unwrap();
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            return WebSocketStream::from_raw_socket(answer.upgrade().await.unwrap(), Role::Client, None)
                .await;
        }
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
        let stale = |told: &Assignment| told.orders.consoles.iter().all(|it| it.id != order.id);
        agent.told("another screen, or none", stale).await;
    }
}

fn dial(agent: &Agent, order: &ConsoleOrder) -> RequestBuilder {
    agent.request(Method::GET, &format!("{}/{}", diecast_api::agent::CONSOLES, order.id))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_is_carried_both_ways_until_either_end_is_over() {
    let (world, mut agents) = world().await;
    let mut viewer = open(operator(&world)).await;
    let order = ordered(&mut agents[0]).await;
    assert_eq!(order.machine, agents[0].said.working_copies[0].id.as_uuid());
    let (status, said_of_it) = refused(dial(&agents[1], &order)).await;
    assert_eq!((status, said_of_it["code"].as_str()), (StatusCode::FORBIDDEN, Some("A0003")));
    let mut screen = open(dial(&agents[0], &order)).await;
    screen.send(Message::binary(b"RFB 003.008\n".to_vec())).await.unwrap();
    assert_eq!(said(&mut viewer).await, Message::binary(b"RFB 003.008\n".to_vec()));
    let many = vec![7_u8; 300 << 10];
    for _ in 0..40 {
        // Far more than is kept on the way: each end is read while the other writes.
        screen.send(Message::binary(many.clone())).await.unwrap();
        assert_eq!(said(&mut viewer).await.len(), many.len());
        viewer.send(Message::binary(b"key".to_vec())).await.unwrap();
        assert_eq!(said(&mut screen).await, Message::binary(b"key".to_vec()));
    }
    let (status, _) = refused(dial(&agents[0], &order)).await;
    assert_eq!(status, StatusCode::CONFLICT, "it is shown once");
    viewer.close(None).await.unwrap();
    farewell(&mut screen).await;
    agents[0].told("no screen", |told| told.orders.consoles.is_empty()).await;
    let (status, _) = refused(dial(&agents[0], &order)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let mut viewer = open(operator(&world)).await;
    let order = ordered(&mut agents[0]).await;
    let mut screen = open(dial(&agents[0], &order)).await;
    screen.close(None).await.unwrap();
    assert_eq!(u16::from(farewell(&mut viewer).await.code), 1000);
    agents[0].told("no screen", |told| told.orders.consoles.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_offers_its_token_as_a_protocol_and_gets_another_one_back() {
    let (world, mut agents) = world().await;
    let url = format!("{}{CONSOLE}", world.url);
    let offers = |protocols: String| {
        upgrade(world.http.get(&url)).header(header::SEC_WEBSOCKET_PROTOCOL, protocols).send()
    };
    let answer = offers(format!("diecast, bearer.{}", world.token)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(answer.headers()[header::SEC_WEBSOCKET_PROTOCOL], "diecast");
    let answer = offers(format!("binary, bearer.{}", world.token)).await.unwrap();
    assert_eq!(answer.headers()[header::SEC_WEBSOCKET_PROTOCOL], "binary");
    let (status, _) = problem(offers("diecast, bearer.dcs_wrong".to_owned()).await.unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let (status, _) = refused(world.http.get(&url)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let protocols = format!("diecast, bearer.{}", world.token);
    let elsewhere = world.http.get(format!("{}/api/v1/hosts", world.url));
    let elsewhere = elsewhere.header(header::SEC_WEBSOCKET_PROTOCOL, protocols).send().await.unwrap();
    assert_eq!(elsewhere.status(), StatusCode::UNAUTHORIZED, "it is no WebSocket");
    let (status, _) = problem(operator(&world).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
    ordered(&mut agents[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_screen_is_told_when_none_comes() {
    let (world, mut agents) = world().await;
    let mut viewer = open(operator(&world)).await;
    ordered(&mut agents[0]).await;
    let frame = farewell(&mut viewer).await;
    assert!(frame.reason.starts_with("P0001: kvm-a"), "{frame:?}");
    agents[0].told("no screen", |told| told.orders.consoles.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_off_has_no_screen_and_nothing_but_bytes_is_taken() {
    let (world, mut agents) = world().await;
    let mut viewer = open(operator(&world)).await;
    viewer.send(Message::text("hello")).await.unwrap();
    assert_eq!(u16::from(farewell(&mut viewer).await.code), 1003);
    let mut viewer = open(operator(&world)).await;
    let mut screen = answer(&mut agents[0]).await;
    let too_much = viewer.send(Message::binary(vec![0_u8; 2 << 20])).await;
    let over = farewell_or_broken(&mut screen).await;
    assert!(over, "{too_much:?}");
    agents[0].said.working_copies[0].power = Some(Power::Off);
    agents[0].report().await;
    let path = "/templates/win11/maintenance";
    world.until(path, "it has no screen", |it| it["console"] == false).await;
    let (_, said) = refused(operator(&world)).await;
    assert_eq!(said["code"], "M0008");
}

async fn farewell_or_broken(socket: &mut Socket) -> bool {
    loop {
        match socket.next().await {
            None | Some(Err(_) | Ok(Message::Close(_))) => return true,
            Some(Ok(Message::Binary(_))) => return false,
            Some(Ok(_)) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_is_closed_when_who_looks_at_it_signs_out() {
    let (world, mut agents) = world().await;
    let mut viewer = open(operator(&world)).await;
    let order = ordered(&mut agents[0]).await;
    let _screen = open(dial(&agents[0], &order)).await;
    world.delete("/session").await;
    let frame = farewell(&mut viewer).await;
    assert!(frame.reason.starts_with("A0002"), "{frame:?}");
    agents[0].told("no screen", |told| told.orders.consoles.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_closes_every_screen() {
    let (mut world, mut agents) = world().await;
    let mut viewer = open(operator(&world)).await;
    let order = ordered(&mut agents[0]).await;
    let mut screen = open(dial(&agents[0], &order)).await;
    world.server.take().unwrap().stop().await;
    assert!(farewell_or_broken(&mut viewer).await && farewell_or_broken(&mut screen).await);
}
