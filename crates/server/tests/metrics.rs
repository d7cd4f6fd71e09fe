//! What Prometheus is told, by whom it may be asked, and that the alerts and the dashboard ask for what there is.
#![allow(clippy::unwrap_used)]

mod world;

use diecast_domain::{
    replica::{Phase, Progress},
    report::Traffic,
    units::{ByteCount, BytesPerSecond},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};
use world::World;

fn monitoring(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../monitoring").join(file)
}

/// `promtool` must be there: `scripts/install-packages` brings it.
fn promtool(args: &[&str], file: Option<&str>, stdin: &str) {
    let mut command = Command::new("promtool");
    command.args(args).current_dir(monitoring(""));
    command.args(file).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool is installed by scripts/install-packages");
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {args:?}: {}", String::from_utf8_lossy(&said));
}

async fn scrape(world: &World, token: &str) -> reqwest::Response {
    world.http.get(format!("{}/metrics", world.url)).bearer_auth(token).send().await.unwrap()
}

async fn metrics(world: &World) -> String {
    let answer = scrape(world, &world.token).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    answer.text().await.unwrap()
}

/// A server with a distributed template, a provider that is behind, and traffic.
async fn busy() -> (World, String) {
    let world = World::start().await;
    let mut agents = [world.join("kvm-a").await, world.join("kvm-b").await];
    let manifest = world.publish("win11", &mut agents).await;
    agents[0].hold(manifest.digest(), Phase::Ready);
    agents[0].said.traffic = Traffic { sent: ByteCount(7), verified: ByteCount(9), ..Traffic::default() };
    agents[0].report().await;
    agents[1].hold(manifest.digest(), Phase::Transferring);
    agents[1].said.replicas[0].progress = Progress { rate: BytesPerSecond(5000), ..Progress::default() };
    agents[1].said.traffic.received = ByteCount(1 << 40);
    agents[1].report().await;
    let path = "/templates/win11/distribution";
    world.until(path, "one is ready", |it| it["summary"]["ready"] == 1).await;
    let text = metrics(&world).await;
    (world, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_true_and_in_the_form_that_prometheus_checks() {
    let (_world, text) = busy().await;
    for line in [
        r#"diecast_provider_available{provider="kvm-a"} 1"#,
        r#"diecast_providers{state="Available"} 2"#,
        r#"diecast_providers{state="Not available"} 0"#,
        r#"diecast_replicas{template="win11",state="Ready"} 1"#,
        r#"diecast_replicas{template="win11",state="Needs update"} 1"#,
        r#"diecast_replica_phases{phase="transferring"} 1"#,
        r#"diecast_replica_phases{phase="damaged"} 0"#,
        r#"diecast_traffic_bytes_total{provider="kvm-b",kind="received"} 1099511627776"#,
        r#"diecast_traffic_bytes_total{provider="kvm-a",kind="sent"} 7"#,
        r#"diecast_transfer_rate_bytes_per_second{provider="kvm-b"} 5000"#,
        r#"diecast_alarms{kind="provider-lost"} 0"#,
        r#"diecast_events_total{kind="provider.joined"} 2"#,
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    for begin in [
        r#"diecast_agent_silence_seconds{provider="kvm-a"} "#,
        r#"diecast_replica_oldest_verification_age_seconds{provider="kvm-a"} "#,
        r#"diecast_http_requests_total{audience="agent",method="POST",code="2xx"} "#,
        r#"diecast_reconcile_duration_seconds_bucket{le="+Inf"} "#,
        r#"diecast_storage_free_bytes{provider="kvm-a"} "#,
    ] {
        assert!(text.lines().any(|there| there.starts_with(begin)), "{begin}\n{text}");
    }
    promtool(&["check", "metrics"], None, &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_and_dashboard_ask_for_what_there_is() {
    let (_world, text) = busy().await;
    promtool(&["check", "rules"], Some("alerts.yml"), "");
    promtool(&["test", "rules"], Some("alerts_test.yml"), "");
    promtool(&["check", "config", "--syntax-only"], Some("prometheus.yml"), "");
    let there: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let known = |name: &str| {
        let whole = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        there.contains(name) || whole.is_some_and(|whole| there.contains(whole))
    };
    let mut asked = 0;
    for file in ["alerts.yml", "grafana-dashboard.json"] {
        let said = std::fs::read_to_string(monitoring(file)).unwrap();
        let words = said.split(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
        for name in words.filter(|word| word.starts_with("diecast_") || word.starts_with("process_")) {
            assert!(known(name), "{file} asks for {name}, which is not told");
            asked += 1;
        }
    }
    assert!(asked > 20, "only {asked}");

    // Each query of the dashboard is one that Prometheus understands.
    let dashboard: Value =
        serde_json::from_slice(&std::fs::read(monitoring("grafana-dashboard.json")).unwrap()).unwrap();
    let mut queries = Vec::new();
    gather(&dashboard, &mut queries);
    assert!(queries.len() > 10, "{queries:?}");
    let rules: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(number, query)| {
            let query = query.replace("$__rate_interval", "5m").replace("$provider", "kvm-a");
            json!({"record": format!("dashboard:query{number}"), "expr": query})
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    let groups = json!({"groups": [{"name": "dashboard", "rules": rules}]});
    std::fs::write(&file, groups.to_string()).unwrap();
    promtool(&["check", "rules"], file.to_str(), "");
}

fn gather(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            queries.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| gather(value, queries));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, queries)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_whoever_may_read_and_for_nobody_else() {
    let world = World::start().await;
    let bare = world.http.get(format!("{}/metrics", world.url)).send().await.unwrap();
    let (status, said) = world::problem(bare).await;
    assert_eq!((status, said["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("A0002")));
    let agent = world.join("kvm-a").await;
    let by_certificate = agent.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(by_certificate.status(), StatusCode::UNAUTHORIZED, "an agent's certificate opens no door");
    let made = world.post("/tokens", json!({"name": "prometheus", "role": "viewer"})).await;
    let token = made["token"].as_str().unwrap();
    assert_eq!(scrape(&world, token).await.status(), StatusCode::OK);
    // The log names what others did: it is for administrators.
    let log = |token: String| world.http.get(format!("{}/api/v1/log", world.url)).bearer_auth(token).send();
    assert_eq!(log(token.to_owned()).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(log(world.token.clone()).await.unwrap().status(), StatusCode::OK);
    assert_eq!(world.delete("/tokens/prometheus").await, Value::Null);
    assert_eq!(scrape(&world, token).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_this_machine_metrics_may_be_had_without_a_token_and_nothing_else() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap();
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let settings = diecast_server::ServerSettings { metrics_listen: Some(at), ..world::settings(&folder) };
    let server = diecast_server::start(settings).await.unwrap();
    let get = async |path: &str| reqwest::get(format!("http://{at}{path}")).await.unwrap();
    let told = get("/metrics").await;
    assert_eq!(told.status(), StatusCode::OK);
    assert!(told.text().await.unwrap().contains("diecast_build_info"));
    for path in ["/", "/api/v1/providers", "/healthz"] {
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_listed_from_their_newest_end_by_kind_actor_and_time() {
    let world = World::start().await;
    for name in ["kvm-a", "kvm-b", "kvm-c"] {
        world.join(name).await;
    }
    let joined = "/events/history?kind=provider.joined";
    world.until(joined, "all have joined", |it| it["items"].as_array().unwrap().len() == 3).await;
    let ids = |list: &Value| -> Vec<i64> {
        list["items"].as_array().unwrap().iter().map(|event| event["id"].as_i64().unwrap()).collect()
    };
    let all = ids(&world.get("/events/history").await);
    let newest = world.get("/events/history?order=newest&limit=2").await;
    assert_eq!(ids(&newest), [all[all.len() - 1], all[all.len() - 2]]);
    let next = newest["next"].as_str().unwrap();
    let more = world.get(&format!("/events/history?order=newest&limit=1&after={next}")).await;
    assert_eq!(ids(&more), [all[all.len() - 3]]);
    let of_admin = world.get("/events/history?kind=provider&actor=admin").await;
    let by_admin = of_admin["items"].as_array().unwrap();
    assert!(!by_admin.is_empty() && by_admin.iter().all(|event| event["actor"] == "admin"));
    assert!(ids(&world.get("/events/history?kind=prov").await).is_empty(), "a kind is a whole word");
    assert!(ids(&world.get("/events/history?since=2999-01-01T00:00:00Z&order=newest").await).is_empty());
    assert_eq!(ids(&world.get("/events/history?since=2020-01-01T00:00:00Z").await), all);
    for bad in ["since=yesterday", "order=middle", "after=first"] {
        let (status, _) = world.refused(Method::GET, &format!("/events/history?{bad}"), json!({})).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
    }
}
