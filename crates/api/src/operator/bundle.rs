//! Bundles: a version written into a file, and read from one. Both travel over a WebSocket: see
//! [`crate::bundle`].

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// `GET /api/v1/templates/{name}/versions/{version}/bundle`, upgraded to a WebSocket.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportBundle {
    /// Leave out what this version has: `3`, `v3` or a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The provider that writes it; without one, some that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

/// `GET /api/v1/bundles/import`, upgraded to a WebSocket.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportBundle {
    /// The template that gets the version, made if there is none; without one, that of the bundle's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The provider that unpacks it. A new template has it on its list; one that there is, already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Providers that shall hold a new template, with commas between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// All providers that there are now shall hold a new template.
    #[serde(default)]
    pub to_all: bool,
    /// Answer what would be done, by the file's beginning alone, and do nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A bundle that was written or read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BundleView {
    pub template: String,
    pub version: u32,
    pub digest: String,
    /// What the file has is only what this version has not.
    pub since: Option<u32>,
    /// Who wrote or unpacked it; absent if there was nothing to do.
    pub provider: Option<String>,
    /// Data of the leaves in the file.
    pub carried_bytes: u64,
    /// Of an import: the template has a version that it had not.
    pub new: bool,
}
