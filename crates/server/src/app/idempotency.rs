//! A create that is repeated under its key is done once: the key is written in the same change.

use crate::app::{cx::Cx, refused::Refused};
use diecast_domain::code::Code;
use diecast_store::{Change, Remembered};

/// The longest key: a UUID, and much more.
pub(crate) const KEY_LENGTH_MAX: usize = 200;

/// A creating request's key, with the digest of the request itself.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) request: String,
}

/// What the key made before, if it is a repetition.
pub(crate) async fn repeated(
    change: &mut Change,
    cx: &Cx,
    key: Option<&Key>,
) -> Result<Option<String>, Refused> {
    let Some(key) = key else { return Ok(None) };
    match change.remembered(&cx.who(), &key.name).await? {
        Some(before) if before.request == key.request => Ok(Some(before.result)),
        Some(_) => {
            Err(Refused::new(Code::A0011, format!("the key `{}` was used for another request", key.name)))
        }
        None => Ok(None),
    }
}

/// Remembers what the key made, by name.
pub(crate) async fn remember(
    change: &mut Change,
    cx: &Cx,
    key: Option<&Key>,
    result: &str,
) -> Result<(), Refused> {
    let Some(key) = key else { return Ok(()) };
    let what = Remembered { request: key.request.clone(), result: result.to_owned() };
    Ok(change.remember(&cx.who(), &key.name, &what, cx.now).await?)
}
