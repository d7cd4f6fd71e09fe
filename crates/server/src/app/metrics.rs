//! How everything stands, in numbers, for a program that watches.

use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    clock, metrics,
    picture::Picture,
};

impl App {
    pub(crate) async fn metrics_for(&self, cx: &Cx) -> Result<String, Refused> {
        cx.may(Action::Read)?;
        self.metrics_text().await
    }

    /// For whom the door itself lets in: the loopback listener has no other lock.
    pub(crate) async fn metrics_text(&self) -> Result<String, Refused> {
        let mut view = self.store().view().await?;
        let picture = Picture::take(&mut view, self.live(), clock::now()).await?;
        let alarms = view.alarms().await?;
        Ok(metrics::text(&picture, &alarms, self.counted(), self.live().started))
    }
}
