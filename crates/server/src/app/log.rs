//! What the server said of itself lately. It names what others do, so it is for administrators.

use crate::{
    app::{App, authorise::Action, cx::Cx, refused::Refused},
    log,
};

impl App {
    pub(crate) fn last_log_lines(&self, cx: &Cx) -> Result<String, Refused> {
        cx.may(Action::Administer)?;
        Ok(log::last_lines())
    }
}
