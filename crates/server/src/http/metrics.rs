//! The metrics: behind a bearer token of any role here, and without one at an address of this machine
//! alone, if the server was told to listen there.

use crate::{
    app::{App, cx::Cx, refused::Refused},
    http::outside,
    metrics::MEDIA_TYPE,
};
use axum::{
    Router,
    extract::State,
    http::header,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};

/// Where scrapers look by themselves.
pub(super) const PATH: &str = "/metrics";

pub(super) async fn show(State(app): State<App>, cx: Cx) -> Result<Response, Refused> {
    app.metrics_for(&cx).await.map(text)
}

/// Nothing but the metrics, to whoever can connect.
pub(crate) fn alone(app: App) -> Router {
    let show = async |State(app): State<App>| app.metrics_text().await.map(text);
    Router::new()
        .route(PATH, get(show))
        .layer(from_fn_with_state(app.clone(), outside::dress))
        .with_state(app)
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], text).into_response()
}
