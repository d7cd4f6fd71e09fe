//! The archive is made of a server with a fault, and of one that is not there.

use super::*;
use crate::printer::Captured;
use axum::{Json, Router, routing::get};
use std::{collections::BTreeMap, io::Read, path::Path};

/// Everything that a server could let slip.
const PLANTED: [&str; 5] = ["geheim-1", "geheim-2", "geheim-3", "dct_abcdefgh0123456789", "geheim-5"];

fn read(path: &Path) -> BTreeMap<String, String> {
    let packed = zstd::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut archive = tar::Archive::new(packed);
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (entry.path().unwrap().display().to_string(), text)
    });
    files.collect()
}

async fn serve(router: Router) -> Globals {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Globals { url: Some(url), ..Globals::default() }
}

#[tokio::test]
async fn an_archive_tells_what_is_wrong_and_holds_no_secret() {
    let hosts = json!({"next": null, "items": [{
        "name": "desk-1", "setup": {"user_data": PLANTED[0], "unattend": PLANTED[1]},
        "problem": {"code": "H0001", "cause": format!("password={} was refused", PLANTED[2]), "hint": "look"},
    }]});
    let templates = json!({"items": [{"name": "win11"}], "next": null});
    let log = format!("{{\"message\":\"used {}\"}}\nAuthorization: Bearer {}\n", PLANTED[3], PLANTED[4]);
    let server = Router::new()
        .route("/api/v1/hosts", get(async || Json(hosts)))
        .route("/api/v1/templates", get(async || Json(templates)))
        .route("/api/v1/templates/win11/versions", get(async || Json(json!({"items": []}))))
        .route("/api/v1/log", get(async || log))
        .route("/metrics", get(async || "diecast_build_info 1\n"));
    let globals = serve(server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("support.tar.zst");
    let mut captured = Captured::new(false);
    let args = SupportArgs { file: file.clone(), redact_addresses: true };
    run(&globals, args.clone(), &mut captured.printer).await.unwrap();
    let files = read(&file);
    for (name, text) in &files {
        for secret in PLANTED {
            assert!(!text.contains(secret), "{secret} in {name}");
        }
    }
    let remarks = &files["diecast-support/remarks.txt"];
    assert!(remarks.contains("desk-1: H0001 password=[removed] was refused"), "{remarks}");
    let contents = &files["diecast-support/contents.txt"];
    for listed in
        ["hosts.json", "templates/win11/versions.json", "server.log", "metrics.txt", "pools: not there"]
    {
        assert!(contents.contains(listed), "{listed}\n{contents}");
    }
    assert!(captured.data.text().contains("server.log"), "what is inside is told");

    let again = run(&globals, args, &mut captured.printer).await.unwrap_err();
    assert!(again.details().detail.contains("exists"), "{again:?}");
}

#[tokio::test]
async fn without_the_server_there_is_an_archive_of_the_rest() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let globals = Globals { url: Some(url), ..Globals::default() };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("support.tar.zst");
    let mut captured = Captured::new(true);
    let args = SupportArgs { file: file.clone(), redact_addresses: false };
    run(&globals, args, &mut captured.printer).await.unwrap();
    let files = read(&file);
    assert!(files["diecast-support/contents.txt"].contains("session: not there"));
    assert!(files.contains_key("diecast-support/machine/uname.txt"));
    assert!(captured.talk.text().contains("without the server's side"));
}
