//! Which state of a resource somebody has seen: the digest of its record, not of what is live about
//! it. A provider's free space changes every second; that is no reason to refuse a change.

use crate::app::refused::Refused;
use diecast_domain::code::Code;
use serde::Serialize;

/// A resource as it is shown, with its tag.
#[derive(Clone, Debug)]
pub(crate) struct Tagged<T> {
    pub(crate) etag: String,
    pub(crate) value: T,
}

pub(crate) fn of<T: Serialize + ?Sized>(record: &T) -> String {
    let text = serde_json::to_vec(record).expect("plain data with string keys is always JSON");
    format!("\"{}\"", &blake3::hash(&text).to_hex()[..24])
}

/// Refuses unless `if_match` is absent, `*`, or names the state that is there.
pub(crate) fn check<T: Serialize + ?Sized>(
    if_match: Option<&str>,
    record: &T,
    what: &str,
) -> Result<(), Refused> {
    let Some(wanted) = if_match else { return Ok(()) };
    let there = of(record);
    if wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag == there) {
        return Ok(());
    }
    Err(Refused::new(Code::A0006, format!("{what} has changed since it was read")))
}
