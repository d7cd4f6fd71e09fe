//! `diecast token`: what may be typed.

use super::{
    YesArgs,
    moment::{Moment, moment},
};
use clap::{Args, Subcommand};
use diecast_domain::{names::TokenName, role::Role};
use std::fmt;

#[derive(Subcommand, Clone, Debug)]
pub enum TokenCommand {
    /// Make a token for a script, a dashboard, a pipeline; it is printed once
    Create(CreateArgs),
    /// List tokens: what each may do, until when, when and from where it was used last
    List,
    /// Revoke a token: from here on it opens nothing
    Revoke(RevokeArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The token alone goes to stdout, and is kept nowhere: put it where the script finds it, \
readable by that script alone.

Examples:
  diecast token create grafana --expires never > /etc/prometheus/diecast.token
  diecast token create ci --role administrator --expires 30d
  DIECAST_TOKEN=$(cat token) DIECAST_URL=https://diecast:7443 diecast host list"
)]
pub struct CreateArgs {
    /// What to call it: lower-case letters, digits and hyphens
    pub name: TokenName,
    /// What it may do: a viewer looks and changes nothing
    #[arg(long, default_value = "viewer", value_parser = ["administrator", "viewer"])]
    role: String,
    /// When it ends: 90d, 12h, 2027-01-31T22:00:00Z, or never
    #[arg(long, value_name = "TIME", default_value = "90d", value_parser = expiry)]
    pub expires: Expiry,
}

impl CreateArgs {
    pub fn role(&self) -> Role {
        self.role.parse().unwrap_or(Role::Viewer)
    }
}

#[derive(Args, Clone, Debug)]
pub struct RevokeArgs {
    /// Which one
    pub name: TokenName,
    #[command(flatten)]
    pub yes: YesArgs,
}

/// The end of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    Never,
    At(Moment),
}

/// As the API takes it.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::At(at) => at.fmt(f),
        }
    }
}

fn expiry(text: &str) -> Result<Expiry, String> {
    if text == "never" {
        return Ok(Expiry::Never);
    }
    // Days are what one counts in here; as hours they are a span like any other.
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok());
    let span = days.map(|days| format!("{}h", u64::from(days) * 24));
    let at = moment(span.as_deref().unwrap_or(text));
    at.map(Expiry::At)
        .map_err(|_| format!("`{text}` is no end of a token: write 90d, 12h, 2027-01-31T22:00:00Z or never"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_in_days_at_a_time_or_never() {
        assert_eq!(expiry("never"), Ok(Expiry::Never));
        assert_eq!(expiry("2027-01-31T22:00:00Z").unwrap().to_string(), "2027-01-31T22:00:00Z");
        let Expiry::At(Moment(at)) = expiry("2d").unwrap() else { panic!("it ends") };
        let hours = (at - jiff::Timestamp::now()).total(jiff::Unit::Hour).unwrap();
        assert!((47.9..=48.0).contains(&hours), "{hours}");
        for bad in ["", "soon", "-1d", "90000000d", "d", "90"] {
            assert!(expiry(bad).is_err(), "{bad}");
        }
    }
}
