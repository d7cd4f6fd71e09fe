//! Sites, and the links between them.

use super::limit::LimitedView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /api/v1/sites`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SiteList {
    pub items: Vec<SiteView>,
    pub next: Option<String>,
}

/// Where providers stand together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteView {
    /// `-` for those providers that name no site.
    pub name: String,
    pub providers: Vec<String>,
    /// Its links that have a limit, and those that something crosses now.
    pub links: Vec<SiteLinkView>,
}

/// The link of one site with another, as seen from that one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteLinkView {
    pub site: String,
    pub other: String,
    /// What may cross it in each direction: `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`.
    #[serde(default)]
    pub limit: Option<String>,
    /// What that means now.
    #[serde(default)]
    pub limited: Option<LimitedView>,
    /// What comes of versions from the other site, lately.
    pub receiving_bytes_per_second: u64,
    /// What goes of versions to the other site, lately.
    pub sending_bytes_per_second: u64,
}

/// `PUT /api/v1/sites/{name}/links/{other}`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetSiteLink {
    /// What may cross the link in each direction: `100Mbit/s`, `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`;
    /// `off` takes the limit away.
    pub limit: String,
}
