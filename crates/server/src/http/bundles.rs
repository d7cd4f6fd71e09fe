//! Routes of bundles: an operator's WebSocket and an agent's, with the use case between them.
//!
//! ```text
//!   operator ══► /api/v1/.../bundle ══ app::bundles ══ /agent/v1/bundles/{id} ◄══ agent
//! ```

use super::socket::{Ended, Spoken, carry};
use crate::{
    app::{
        App,
        bundles::Said,
        cx::{Cx, Origin},
        refused::Refused,
    },
    http::extract::{Asked, Named, Parts, Upgrade},
    picture::no_such,
    relay,
};
use axum::{
    extract::{
        State,
        ws::{Message, WebSocket},
    },
    response::Response,
};
use diecast_api::operator::bundle::{ExportBundle, ImportBundle};
use diecast_store::{Author, writing_as};
use std::future::pending;

/// Binary messages are bytes of the file, text is a word.
impl Spoken for Said {
    fn heard(message: Message) -> Option<Self> {
        match message {
            Message::Binary(bytes) => Some(Self::Bytes(bytes)),
            Message::Text(text) => serde_json::from_str(text.as_str()).ok().map(Self::Word),
            _ => None,
        }
    }

    fn said(self) -> Message {
        match self {
            Self::Bytes(bytes) => Message::Binary(bytes),
            Self::Word(word) => {
                Message::Text(serde_json::to_string(&word).expect("plain data is always JSON").into())
            }
        }
    }
}

/// Write a version into a bundle, as a WebSocket
///
/// The file comes as binary messages. Text messages are JSON, `{"said": ...}`: `progress` on the way, at the end
/// `done` with a `bundle`, or `refused` with a `problem`. `diecast bundle export` speaks it.
#[utoipa::path(get, path = "/templates/{name}/versions/{version}/bundle", tag = "templates",
    operation_id = "export_bundle",
    params(("name" = String, Path), ("version" = String, Path, description = "`3`, `v3` or a tag"), ExportBundle),
    responses((status = 101, description = "A WebSocket")))]
pub(super) async fn export(
    State(app): State<App>,
    cx: Cx,
    origin: Origin,
    Parts(parts): Parts<2>,
    Asked(asked): Asked<ExportBundle>,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let [name, version] = parts;
    let exporting = app.open_export(&cx, &name, &version, &asked).await?;
    let author = origin.author(cx.who(), cx.now);
    Ok(upgrade.on_upgrade(async move |socket| {
        let (near, far) = relay::pair();
        let (working, by) = (app.clone(), cx.clone());
        work(author, async move { working.export_bundle(by, exporting, far).await });
        until_shut_out(&app, cx, socket, near).await;
    }))
}

/// Read a version from a bundle, as a WebSocket
///
/// The file goes as binary messages, and then `{"said":"end"}`. Answers are text messages, JSON: `progress` on the
/// way, at the end `done` with a `bundle`, `planned` with a `plan` for a dry run, or `refused` with a `problem`.
/// `diecast bundle import` speaks it.
#[utoipa::path(get, path = "/bundles/import", tag = "templates", operation_id = "import_bundle",
    params(ImportBundle), responses((status = 101, description = "A WebSocket")))]
pub(super) async fn import(
    State(app): State<App>,
    cx: Cx,
    origin: Origin,
    Asked(asked): Asked<ImportBundle>,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    app.may_import(&cx)?;
    let author = origin.author(cx.who(), cx.now);
    Ok(upgrade.on_upgrade(async move |socket| {
        let (near, far) = relay::pair();
        let (working, by) = (app.clone(), cx.clone());
        work(author, async move { working.import_bundle(by, asked, far).await });
        until_shut_out(&app, cx, socket, near).await;
    }))
}

/// The other end of either, by the agent that is ordered to carry it.
pub(super) async fn carry_there(
    State(app): State<App>,
    cx: Cx,
    Named(id): Named,
    Upgrade(upgrade): Upgrade,
) -> Result<Response, Refused> {
    let id = id.parse().map_err(|_| no_such("bundle", &id))?;
    let end = app.answer_bundle(&cx, id)?;
    Ok(upgrade.on_upgrade(async move |socket| carry(&app, socket, end, pending()).await))
}

/// On a task of its own: what was given to its end is finished although the operator has gone.
fn work(author: Author, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(writing_as(author, work));
}

async fn until_shut_out(app: &App, cx: Cx, socket: WebSocket, near: relay::End<Said>) {
    let shut_out = async {
        app.shut_out(cx).await;
        Ended::ShutOut
    };
    carry(app, socket, near, shut_out).await;
}
