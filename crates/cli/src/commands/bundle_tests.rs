//! Files there and back, against a server that says what the test wants.

use crate::{
    args::{ClientCommand, Globals},
    commands::{Context, asked, bundle::show},
    failure::conclude,
    printer::Captured,
};
use axum::{
    Router,
    extract::ws::{Message, WebSocket, WebSocketUpgrade},
    routing::any,
};
use clap::Parser;
use diecast_api::{
    bundle::{Doing, PIECE_BYTES, Word},
    client::{Client, Connection},
    operator::bundle::BundleView,
};
use diecast_domain::{
    bundle::{Header, MAGIC, Since},
    code::{Code, Problem},
    digest::Digest,
    template::VersionSize,
    units::{ByteCount, Timestamp},
};
use std::{fs, path::Path, sync::mpsc};
use tempfile::TempDir;

#[derive(Parser)]
#[command(name = "diecast")]
struct Whole {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: ClientCommand,
}

fn view(new: bool) -> BundleView {
    BundleView {
        template: "win11".into(),
        version: 4,
        digest: format!("blake3:{}", "4e".repeat(32)),
        since: Some(3),
        provider: new.then(|| "kvm-x".into()),
        carried_bytes: 300 << 20,
        new,
    }
}

fn header() -> Header {
    Header {
        template: "win11".parse().unwrap(),
        number: 4,
        digest: Digest::from_bytes([0x4e; 32]),
        size: VersionSize {
            virtual_bytes: ByteCount::gib(60),
            data_bytes: ByteCount::gib(20),
            packed_bytes: ByteCount::gib(9),
        },
        carried: ByteCount::mib(300),
        since: Some(Since { number: 3, digest: Digest::from_bytes([0x3d; 32]) }),
        note: Some("November's updates".into()),
        author: "admin".into(),
        created_at: Timestamp(1_760_000_000_000),
        parent: Some(3),
        new_bytes: None,
        tags: ["production".parse().unwrap()].into(),
        warnings: Vec::new(),
    }
}

fn text(word: &Word) -> Message {
    Message::Text(serde_json::to_string(word).unwrap().into())
}

/// Exit code, stdout, stderr.
async fn typed(line: &str, router: Router) -> (u8, String, String) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let Whole { globals, command } = Whole::try_parse_from(line.split_whitespace()).unwrap();
    let Captured { mut printer, data, talk } = Captured::new(globals.json);
    let client = Client::new(&Connection { url, ..Connection::default() }).unwrap();
    let outcome = asked(&mut Context { client, printer: &mut printer }, command).await;
    let code = conclude(outcome, &mut printer);
    (code, data.text(), talk.text())
}

fn exporting(words: Vec<Message>) -> Router {
    let answer = move |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(async move |mut socket: WebSocket| {
            for word in words {
                socket.send(word).await.unwrap();
            }
        })
    };
    Router::new().route("/api/v1/templates/win11/versions/4/bundle", any(answer))
}

#[tokio::test]
async fn an_export_has_its_name_when_it_is_whole_and_else_there_is_none() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.bundle");
    let line = format!("diecast bundle export win11 {} --version v4 --since 3", file.display());
    let progress = Word::Progress { doing: Doing::Writing, done: 50, total: 100 };
    let whole = vec![
        Message::Binary(b"bun".as_slice().into()),
        text(&progress),
        Message::Binary(b"dle".as_slice().into()),
        text(&Word::Done { bundle: view(true) }),
    ];
    let (code, data, talk) = typed(&line, exporting(whole)).await;
    assert_eq!((code, fs::read(&file).unwrap().as_slice()), (0, b"bundle".as_slice()), "{talk}");
    let shown = data.replace(folder.path().to_str().unwrap(), "DIR");
    assert!(
        shown.starts_with("DIR/a.bundle has v4 of win11, what is new since v3 (6 B)\nblake3:4e4e"),
        "{shown}"
    );
    assert!(talk.contains("writing: 50 % of 100 B"), "{talk}");
    let (code, _, talk) = typed(&line, exporting(Vec::new())).await;
    assert_eq!(code, 1);
    assert!(talk.contains("is there already") && talk.contains("--force"), "{talk}");

    let damaged = Problem::new(Code::T0008, "a byte rotted");
    let refused = vec![Message::Binary(b"bun".as_slice().into()), text(&Word::Refused { problem: damaged })];
    let (code, _, talk) = typed(&format!("{line} --force"), exporting(refused)).await;
    assert!(code == 1 && talk.contains("T0008"), "{talk}");
    let cut = vec![Message::Binary(b"bun".as_slice().into())];
    let (code, _, talk) = typed(&format!("{line} --force"), exporting(cut)).await;
    assert!(code == 1 && talk.contains("T0024"), "{talk}");
    assert_eq!(fs::read(&file).unwrap(), b"bundle", "the one that was whole is still there");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing beside it");
}

/// Takes so many bytes of a file, says that, and tells what came.
fn importing(most: usize, answer: Word, came: mpsc::Sender<Vec<u8>>) -> Router {
    let take = move |upgrade: WebSocketUpgrade| async move {
        upgrade.on_upgrade(async move |mut socket: WebSocket| {
            let mut bytes = Vec::new();
            while let Some(Ok(message)) = socket.recv().await {
                match message {
                    Message::Binary(more) => bytes.extend_from_slice(&more),
                    Message::Text(word) => {
                        assert_eq!(serde_json::from_str::<Word>(&word).unwrap(), Word::End);
                        break;
                    }
                    _ => {}
                }
                if bytes.len() >= most {
                    break;
                }
            }
            let _ = came.send(bytes);
            socket.send(text(&answer)).await.unwrap();
            while let Some(Ok(_)) = socket.recv().await {}
        })
    };
    Router::new().route("/api/v1/bundles/import", any(take))
}

#[tokio::test]
async fn an_import_gives_all_of_a_file_and_says_what_became_of_it() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.bundle");
    let content: Vec<u8> = (0..3 * PIECE_BYTES + 5).map(|at| at as u8).collect();
    fs::write(&file, &content).unwrap();
    let line = format!("diecast bundle import {} --provider kvm-x --to kvm-y", file.display());
    let (sender, came) = mpsc::channel();
    let done = Word::Done { bundle: view(true) };
    let (code, data, talk) = typed(&line, importing(usize::MAX, done, sender.clone())).await;
    assert!(code == 0 && came.recv().unwrap() == content, "{talk}");
    let last = talk.lines().last().unwrap().replace(folder.path().to_str().unwrap(), "DIR");
    assert_eq!(last, "DIR/a.bundle: win11 has v4 now, by kvm-x");
    for word in ["win11", "v4", "v3", "300 MiB", "kvm-x", "imported"] {
        assert!(data.contains(word), "no {word}: {data}");
    }
    let (code, data, _) = typed(
        &format!("{line} --json"),
        importing(usize::MAX, Word::Done { bundle: view(false) }, sender.clone()),
    )
    .await;
    let document: serde_json::Value = serde_json::from_str(&data).unwrap();
    assert_eq!((code, &document["items"][0]["new"]), (0, &false.into()));
    let refused = Word::Refused { problem: Problem::new(Code::T0022, "v3 is not here") };
    let (code, _, talk) = typed(&line, importing(9, refused, sender)).await;
    assert!(code == 1 && talk.contains("T0022") && talk.contains("v3 is not here"), "{talk}");
}

fn shown(file: &Path) -> Result<String, String> {
    let Captured { mut printer, data, .. } = Captured::new(false);
    show(&mut printer, file).map(|()| data.text()).map_err(|failure| failure.details().code)
}

#[test]
fn a_bundle_says_what_it_has_without_a_server() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a.bundle");
    let header = serde_json::to_vec(&header()).unwrap();
    let length = (header.len() as u32).to_le_bytes();
    let whole = [MAGIC.as_slice(), &length, &header, &[0; 5000]].concat();
    fs::write(&file, &whole).unwrap();
    let text = shown(&file).unwrap();
    for word in ["win11", "v4", "v3 (blake3:3d3d", "300 MiB of 20.0 GiB", "production", "November's updates"]
    {
        assert!(text.contains(word), "no {word}: {text}");
    }
    for (bytes, code) in [(&whole[..100], "T0020"), (b"DCBNDL02", "T0021"), (b"PK", "T0020"), (b"", "T0020")]
    {
        fs::write(&file, bytes).unwrap();
        assert_eq!(shown(&file), Err(code.to_owned()));
    }
}
