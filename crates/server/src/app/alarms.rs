//! Alarms: what is not well now.

use crate::{
    app::{App, authorise::Action, cx::Cx, page, refused::Refused},
    notify,
};
use diecast_api::operator::alarm::AlarmList;
use std::cmp::Reverse;

impl App {
    pub(crate) async fn alarms(&self, cx: &Cx, ask: &page::Ask) -> Result<AlarmList, Refused> {
        cx.may(Action::Read)?;
        let mut all = self.store().view().await?.alarms().await?;
        all.sort_by(|a, b| a.key.cmp(&b.key));
        let (mut page, next) = ask.cut(all, |alarm| alarm.key.clone())?;
        page.sort_by_key(|alarm| (Reverse(alarm.severity), alarm.since));
        Ok(AlarmList { items: page.iter().map(notify::view).collect(), next })
    }
}
