//! Bundles: written by the server, and read by it, each over a WebSocket. What is said there is
//! [`crate::bundle`]'s.

use super::{Client, ClientError, screen::Screen};
use crate::operator::bundle::{ExportBundle, ImportBundle};

impl Client {
    /// A version's bundle, as it is written.
    pub async fn export_bundle(
        &self,
        template: &str,
        version: &str,
        asked: &ExportBundle,
    ) -> Result<Screen, ClientError> {
        self.socket(self.get(&["templates", template, "versions", version, "bundle"]).query(asked)).await
    }

    /// Takes a bundle.
    pub async fn import_bundle(&self, asked: &ImportBundle) -> Result<Screen, ClientError> {
        self.socket(self.get(&["bundles", "import"]).query(asked)).await
    }
}
