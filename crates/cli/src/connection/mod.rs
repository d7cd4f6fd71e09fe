//! Which server, whom to trust, as whom: flags, above the environment, above the stored login.

mod fingerprint;
mod store;

pub(crate) use fingerprint::ca_with_fingerprint;
pub(crate) use store::{Login, Store};

use crate::{Failure, args::Globals};
use diecast_api::client::{Connection, Token};
use std::path::Path;

/// The token's place in the environment. There is no flag for it: command lines are seen by others.
pub(crate) const TOKEN_VARIABLE: &str = "DIECAST_TOKEN";

/// What was typed and what is stored, as one connection.
pub(crate) fn resolve(globals: &Globals) -> Result<Connection, Failure> {
    let token = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty()).map(Token);
    let given = globals.ca.as_deref().map(read_ca).transpose()?;
    let stored = Store::standard()?.load()?;
    merge(globals.url.as_deref(), given, token, stored)
}

/// A stored token or CA belongs to the server it came from, and is shown to no other.
fn merge(
    url: Option<&str>,
    ca: Option<String>,
    token: Option<Token>,
    stored: Option<Login>,
) -> Result<Connection, Failure> {
    let wanted = url.map(normal);
    let stored = stored.filter(|login| wanted.as_ref().is_none_or(|url| *url == normal(&login.url)));
    let Some(url) = wanted.or_else(|| stored.as_ref().map(|login| normal(&login.url))) else {
        return Err(Failure::usage(
            "no server is named",
            "sign in with `diecast login --url URL`, or set DIECAST_URL and DIECAST_TOKEN",
        ));
    };
    Ok(Connection {
        url,
        ca: ca.or_else(|| stored.as_ref().and_then(|login| login.ca.clone())),
        token: token.or_else(|| stored.map(|login| Token(login.token))),
    })
}

pub(crate) fn normal(url: &str) -> String {
    url.trim().trim_end_matches('/').to_ascii_lowercase()
}

/// The CA in a file. It is small: a file that is not is not one.
pub(crate) fn read_ca(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|source| Failure::local(format!("the CA file {} cannot be read", path.display()), source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            url: "https://a:1".into(),
            user: "admin".into(),
            token: "stored".into(),
            ca: Some("CA of a".into()),
        }
    }

    #[test]
    fn what_is_typed_goes_above_what_is_stored() {
        let merged =
            merge(Some("https://A:1/"), Some("CA".into()), Some(Token("t".into())), Some(login())).unwrap();
        assert_eq!((merged.url.as_str(), merged.ca.as_deref()), ("https://a:1", Some("CA")));
        assert_eq!(merged.token, Some(Token("t".into())));
        let merged = merge(None, None, None, Some(login())).unwrap();
        assert_eq!((merged.url.as_str(), merged.ca.as_deref()), ("https://a:1", Some("CA of a")));
        assert_eq!(merged.token, Some(Token("stored".into())));
    }

    #[test]
    fn a_stored_token_is_shown_to_no_other_server() {
        let merged = merge(Some("https://b:1"), None, None, Some(login())).unwrap();
        assert_eq!((merged.ca, merged.token), (None, None));
    }

    #[test]
    fn no_server_at_all_is_wrong_usage() {
        assert_eq!(merge(None, None, None, None).unwrap_err().exit_code(), 2);
    }
}
