//! The description of the operators' API: what every operation has in common is said once, here.

use diecast_api::{
    operator::event::ChangedView,
    problem::{MEDIA_TYPE, ProblemDetails},
};
use serde_json::{Value, json};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Diecast",
        description = "Keeps golden virtual-machine templates identical on many hypervisors.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemDetails, ChangedView)),
    modifiers(&BearerToken),
)]
struct Head;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

pub(super) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The whole document, from what the routes say of themselves: every operation needs a token unless
/// it says otherwise, and every one may answer problem details.
pub(crate) fn complete(document: utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).expect("a description is always JSON");
    let problem = json!({
        "description": "It was refused, or failed",
        "content": { MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/ProblemDetails" } } },
    });
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, path) in paths {
        for (_, operation) in path.as_object_mut().into_iter().flatten() {
            let Some(operation) = operation.as_object_mut() else { continue };
            operation.entry("security").or_insert_with(|| json!([{ "token": [] }]));
            operation["responses"]["default"] = problem.clone();
        }
    }
    document
}
