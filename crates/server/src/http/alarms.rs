//! Routes of alarms.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Asked, Page},
};
use axum::{Json, extract::State};
use diecast_api::operator::alarm::AlarmList;

/// List what is not well now: the worst first
#[utoipa::path(get, path = "/alarms", tag = "alarms", operation_id = "list_alarms",
    params(Page), responses((status = 200, body = AlarmList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Asked(page): Asked<Page>,
) -> Result<Json<AlarmList>, Refused> {
    app.alarms(&cx, &page.into()).await.map(Json)
}
