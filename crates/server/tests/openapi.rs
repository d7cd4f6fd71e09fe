//! The description of the API: the file that is checked in is what is served.
#![allow(clippy::unwrap_used)]

mod world;

use std::path::Path;

/// Set it to write the file anew.
const UPDATE: &str = "UPDATE_OPENAPI";

#[test]
fn the_description_checked_in_is_the_one_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/operator.json");
    let now = diecast_server::openapi();
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == now, "openapi/operator.json is not what the server says; run the tests with {UPDATE}=1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served_to_everybody() {
    let world = world::World::start().await;
    let url = format!("{}/api/v1/openapi.json", world.url);
    let served = world.http.get(url).send().await.unwrap().text().await.unwrap();
    assert_eq!(served, diecast_server::openapi());
    let document: serde_json::Value = serde_json::from_str(&served).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
}
