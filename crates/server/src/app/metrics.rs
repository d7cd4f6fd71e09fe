//! How everything stands, in numbers, for a program that watches.

use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    metrics,
};

impl App {
    pub(crate) async fn metrics_for(&self, cx: &Cx) -> Result<String, Refused> {
        cx.may(Action::Read)?;
        self.metrics_text().await
    }

    /// For whom the door itself lets in: the loopback listener has no other lock.
    pub(crate) async fn metrics_text(&self) -> Result<String, Refused> {
        let picture = self.picture().await?;
        Ok(metrics::text(&picture, self.counted(), self.live().started))
    }
}
