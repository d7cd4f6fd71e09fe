//! Routes of agents: enrolling, renewing, asking for the assignment, reporting.

use crate::{
    app::{App, agents::agent, cx::Cx, refused::Refused},
    http::extract::{Asked, Said},
};
use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use diecast_api::agent::{Enrolled, Enrolment, Renewal};
use diecast_domain::{code::Code, generation::Generation, ids::SessionId, report::Report};
use diecast_identity::Peer;
use serde::Deserialize;

pub(super) async fn enrol(
    State(app): State<App>,
    Said(asked): Said<Enrolment>,
) -> Result<Json<Enrolled>, Refused> {
    app.enrol(&asked).await.map(Json)
}

pub(super) async fn renew(
    State(app): State<App>,
    cx: Cx,
    ConnectInfo(peer): ConnectInfo<Peer>,
    Said(asked): Said<Renewal>,
) -> Result<Json<Enrolled>, Refused> {
    let provider = agent(&cx)?;
    let identity = peer.identity.ok_or_else(|| Refused::new(Code::P0012, "no certificate was shown"))?;
    app.renew(&cx, &identity, provider, &asked).await.map(Json)
}

#[derive(Debug, Deserialize)]
pub(super) struct After {
    after: Option<String>,
    session: Option<SessionId>,
}

impl After {
    /// `EPOCH.NUMBER`
    fn generation(&self) -> Result<Option<Generation>, Refused> {
        let Some(text) = &self.after else { return Ok(None) };
        let refused = |_| Refused::malformed("`after` is a generation of the form EPOCH.NUMBER");
        text.parse().map(Some).map_err(refused)
    }
}

pub(super) async fn assignment(
    State(app): State<App>,
    cx: Cx,
    Asked(after): Asked<After>,
) -> Result<Response, Refused> {
    Ok(match app.assignment(&cx, after.generation()?, after.session).await? {
        Some(assignment) => Json(assignment).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

pub(super) async fn report(
    State(app): State<App>,
    cx: Cx,
    Said(report): Said<Report>,
) -> Result<StatusCode, Refused> {
    app.report(&cx, report).await?;
    Ok(StatusCode::NO_CONTENT)
}
