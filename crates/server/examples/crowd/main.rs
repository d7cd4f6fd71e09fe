//! A crowd: a real server in this process, and agents that enrol and report as real ones would, but hold
//! no byte. For looking at the console, and for its tests in a browser.
//!
//! `cargo run -p diecast-server --example crowd -- PROVIDERS [PORT]` prints one line of JSON with the server's
//! address and the administrator's password, and then takes these on standard input, one a line:
//!
//! ```text
//! silence NAME    the agent stops calling            wake NAME   it calls again
//! fail NAME       its transfers fail                 heal NAME   they go on
//! slow NAME       its transfers take minutes         restart     the server stops and starts again
//! full NAME       its storage has nothing free       bare NAME   it has no networks
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod life;
#[path = "../../tests/world/mod.rs"]
mod world;

use life::Mood;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, BufReader};
use world::{Agent, World};

/// How the agents are at the moment, by name.
type Moods = Arc<Mutex<BTreeMap<String, Mood>>>;

/// Three sites, so that the drawing of who fetches from whom has something to draw.
const SITES: [&str; 3] = ["bilbao", "madrid", "sevilla"];
/// How long a stopped server stays away: long enough to be seen.
const AWAY: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u16>().expect("a number"));
    let (providers, port) = (arguments.next().unwrap_or(6), arguments.next().unwrap_or(0));
    let folder = tempfile::TempDir::new().unwrap();
    let mut settings = world::settings(&folder);
    settings.listen = ([127, 0, 0, 1], port).into();
    let server = diecast_server::start(settings.clone()).await.unwrap();
    settings.listen = server.address;
    let url = format!("https://{}", server.address);
    let ca = server.ca_pem.clone();
    let http = diecast_identity::reqwest_client(&ca, None, diecast_identity::Timeouts::default()).unwrap();
    let mut world = World { folder, server: Some(server), url, ca, http, token: String::new() };
    world.sign_in().await;
    let moods = Moods::default();
    for number in 1..=providers {
        let name = format!("kvm-{number:02}");
        let site = SITES[usize::from(number) % SITES.len()];
        let labels = serde_json::json!({"rack": number.to_string()});
        let body = serde_json::json!({"name": name, "site": site, "labels": labels});
        let join = world.post("/providers", body).await;
        let agent = Agent::enrol(&world, join["token"].as_str().unwrap()).await;
        tokio::spawn(life::live(agent, moods.clone()));
    }
    println!("{}", serde_json::json!({"url": world.url, "user": "admin", "password": world::PASSWORD}));
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (word, name) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        let feel = |mood| {
            moods.lock().unwrap().insert(name.to_owned(), mood);
        };
        match word {
            "silence" => feel(Mood::Silent),
            "fail" => feel(Mood::Failing),
            "slow" => feel(Mood::Slow),
            "full" => feel(Mood::Full),
            "bare" => feel(Mood::Bare),
            "wake" | "heal" => feel(Mood::Well),
            "join" => {
                // The token of a provider that the console added.
                let agent = Agent::enrol(&world, name).await;
                tokio::spawn(life::live(agent, moods.clone()));
            }
            "restart" => {
                world.server.take().unwrap().stop().await;
                tokio::time::sleep(AWAY).await;
                world.server = Some(diecast_server::start(settings.clone()).await.unwrap());
            }
            _ => {}
        }
        println!("done: {line}");
    }
    world.server.take().unwrap().stop().await;
}
