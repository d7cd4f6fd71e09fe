//! Routes of machines.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::extract::{Asked, Named, Page},
};
use axum::{Json, extract::State};
use diecast_api::operator::vm::VmList;

/// List the machines that a provider runs, managed or not
#[utoipa::path(get, path = "/providers/{name}/vms", tag = "providers", operation_id = "list_vms",
    params(("name" = String, Path), Page), responses((status = 200, body = VmList)))]
pub(super) async fn list(
    State(app): State<App>,
    cx: Cx,
    Named(name): Named,
    Asked(page): Asked<Page>,
) -> Result<Json<VmList>, Refused> {
    app.vms(&cx, &name, &page.into()).await.map(Json)
}
