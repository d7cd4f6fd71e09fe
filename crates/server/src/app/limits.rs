//! Limits of bandwidth: as they are wished for, and as they are shown.

use crate::app::refused::Refused;
use diecast_api::operator::limit::LimitedView;
use diecast_domain::{
    limit::{Limit, Limited, LimitedBy},
    units::Timestamp,
};

/// What is to hold; what is left out stays as it was.
pub(super) fn wish(asked: Option<&str>, before: Option<Limit>) -> Result<Option<Limit>, Refused> {
    let Some(asked) = asked else { return Ok(before) };
    Limit::wish(asked).map_err(|bad| Refused::malformed(format!("`limit`: {bad}")))
}

/// What a limit means now; nothing while it lets things go as fast as they go.
pub(super) fn view(by: LimitedBy, limit: Option<&Limit>, now: Timestamp) -> Option<LimitedView> {
    Limited::now(by, limit?, now).as_ref().map(LimitedView::from)
}
