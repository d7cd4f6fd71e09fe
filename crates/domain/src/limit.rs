//! Limits of bandwidth: how fast versions may travel, and when. Pure; agents follow them from their last
//! orders, with the server gone too.
//!
//! ```text
//!   `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`
//!      └ a part ─ the first whose window is open ─► at(now): the rate, and until when it holds
//!      provider's: all that it receives, and all that it sends      template's: each transfer of it
//!      site link's: all that crosses it, in each direction
//! ```
//!
//! Of several limits on one transfer the strictest holds.

mod link;
mod rate;

pub use link::{Claim, LinkLimit, WHOLE, divide};
pub use rate::{BadRate, RATE_MAX, RATE_MIN, Rate};

use crate::{
    digest::Digest,
    ids::ProviderId,
    names::{ProviderName, TemplateName},
    site::SiteLink,
    units::Timestamp,
    window::{BadWindow, DailyWindow},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// More parts than this nobody overlooks.
pub const PARTS_MAX: usize = 16;
/// The longest limit that is read.
pub const LENGTH_MAX: usize = 1000;
/// Openings and closings of windows that are looked through for the next change of the rate: a week of
/// all parts.
const CHANGES_MAX: usize = 2 * 7 * PARTS_MAX;
/// What takes a limit away, and in a part means: as fast as it goes.
const OFF: &str = "off";

/// How fast, and when. Written and stored as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// None: as fast as it goes.
    rate: Option<Rate>,
    /// None: whenever no part before it holds.
    window: Option<DailyWindow>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLimit {
    #[error(
        "`{text}` is no limit: write `100Mbit/s`, `off`, or parts by the time of the day, as in `2Mbit/s 08:00-18:00 Europe/Madrid; 100Mbit/s`"
    )]
    Malformed { text: String },
    #[error(transparent)]
    Rate(BadRate),
    #[error(transparent)]
    Window(BadWindow),
    #[error("`{text}` never holds: the part before it has no window and holds always")]
    Never { text: String },
    #[error("more than {PARTS_MAX} parts")]
    TooMany,
}

impl Limit {
    /// The same rate at any time.
    pub fn always(rate: Rate) -> Self {
        Self { parts: vec![Part { rate: Some(rate), window: None }] }
    }

    /// What was typed as a wish: `off` and nothing mean that there is to be no limit.
    pub fn wish(text: &str) -> Result<Option<Self>, BadLimit> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let limit: Self = text.parse()?;
        let limits = limit.parts.iter().any(|part| part.rate.is_some());
        Ok(limits.then_some(limit))
    }

    /// What holds at `now`.
    pub fn at(&self, now: Timestamp) -> Holding {
        let rate = self.rate(now);
        let mut at = now;
        for _ in 0..CHANGES_MAX {
            let windows = self.parts.iter().filter_map(|part| part.window.as_ref());
            let changes = windows.flat_map(|window| [window.opens(at), window.closes(at)]);
            let Some(next) = changes.flatten().min() else { break };
            if self.rate(next) != rate {
                return Holding { rate, until: Some(next) };
            }
            at = next;
        }
        Holding { rate, until: None }
    }

    fn rate(&self, now: Timestamp) -> Option<Rate> {
        let holds = |part: &&Part| part.window.as_ref().is_none_or(|window| window.is_open(now));
        self.parts.iter().find(holds)?.rate
    }

    /// `18:00 Europe/Madrid`, or `Mon 08:00 Europe/Madrid` if that is another day there than `now`.
    fn moment(&self, at: Timestamp, now: Timestamp) -> Option<String> {
        self.parts.iter().find_map(|part| part.window.as_ref())?.moment(at, now)
    }
}

impl FromStr for Limit {
    type Err = BadLimit;
    fn from_str(text: &str) -> Result<Self, BadLimit> {
        if text.len() > LENGTH_MAX {
            return Err(malformed(text));
        }
        let mut parts: Vec<Part> = Vec::new();
        for part in text.split(';').map(str::trim) {
            if parts.last().is_some_and(|before| before.window.is_none()) {
                return Err(BadLimit::Never { text: short(part) });
            }
            parts.push(part.parse()?);
        }
        if parts.len() > PARTS_MAX { Err(BadLimit::TooMany) } else { Ok(Self { parts }) }
    }
}

impl FromStr for Part {
    type Err = BadLimit;
    /// `2Mbit/s 08:00-18:00 Europe/Madrid`, `2 Mbit/s`, `off 22:00-06:00`.
    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let mut words = text.split_whitespace().peekable();
        let first = words.next().ok_or_else(|| malformed(text))?;
        let rate = if first.eq_ignore_ascii_case(OFF) {
            None
        } else {
            let is_bare = first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let is_unit = |word: &&str| is_bare && word.starts_with(char::is_alphabetic);
            let unit = words.next_if(is_unit).unwrap_or_default();
            Some(format!("{first}{unit}").parse().map_err(BadLimit::Rate)?)
        };
        let rest: Vec<_> = words.collect();
        let window = match rest.is_empty() {
            true => None,
            false => Some(rest.join(" ").parse().map_err(BadLimit::Window)?),
        };
        Ok(Self { rate, window })
    }
}

fn malformed(text: &str) -> BadLimit {
    BadLimit::Malformed { text: short(text) }
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Part { rate, window }) in self.parts.iter().enumerate() {
            f.write_str(if number > 0 { "; " } else { "" })?;
            match rate {
                Some(rate) => write!(f, "{rate}")?,
                None => f.write_str(OFF)?,
            }
            if let Some(window) = window {
                write!(f, " {window}")?;
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Limit {
    type Error = BadLimit;
    fn try_from(text: String) -> Result<Self, BadLimit> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

/// What a limit says at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// None: as fast as it goes.
    pub rate: Option<Rate>,
    /// When that changes; None: as far as can be seen, never.
    pub until: Option<Timestamp>,
}

/// What one agent is told of limits. More kinds may join: what an agent does not know it leaves alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// On all that it receives, and as much again on all that it sends.
    #[serde(default)]
    pub provider: Option<Limit>,
    /// On what it receives of single versions.
    #[serde(default)]
    pub transfers: Vec<TransferLimit>,
    /// On what it receives from beyond site links, beside that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkLimit>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferLimit {
    pub digest: Digest,
    pub limit: Limit,
}

impl Limits {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The rate of a provider's traffic in each direction.
    pub fn of_provider(&self, now: Timestamp) -> Option<Rate> {
        self.provider.as_ref().and_then(|limit| limit.at(now).rate)
    }

    /// The rate of one transfer beside that: the strictest, if several templates are of this content.
    pub fn of_transfer(&self, digest: &Digest, now: Timestamp) -> Option<Rate> {
        let of_it = self.transfers.iter().filter(|it| it.digest == *digest);
        of_it.filter_map(|it| it.limit.at(now).rate).min()
    }

    /// The limited link that this source stands beyond.
    pub fn link_to(&self, source: ProviderId) -> Option<&LinkLimit> {
        self.links.iter().find(|link| link.sources.contains(&source))
    }
}

/// Whose limit it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitedBy {
    /// The provider that receives.
    Provider(ProviderName),
    Template(TemplateName),
    /// All whom it may ask, together.
    Sources(Vec<ProviderName>),
    /// The links that all of it crosses: what its site's gateway may have of them.
    Links(Vec<SiteLink>),
}

impl fmt::Display for LimitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider(name) => write!(f, "provider {name}"),
            Self::Template(name) => write!(f, "template {name}"),
            Self::Sources(names) => {
                let names: Vec<_> = names.iter().map(ProviderName::as_str).collect();
                let what = if names.len() == 1 { "its source" } else { "its sources" };
                write!(f, "{what} {}", names.join(" and "))
            }
            Self::Links(links) => {
                let names: Vec<_> = links.iter().map(ToString::to_string).collect();
                let what = if names.len() == 1 { "site link" } else { "site links" };
                write!(f, "{what} {}", names.join(" and "))
            }
        }
    }
}

/// A transfer may not go faster now, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limited {
    pub rate: Rate,
    pub by: LimitedBy,
    pub until: Option<Timestamp>,
    /// `until` as people read it, in the time of the limit's own zone.
    moment: Option<String>,
}

impl Limited {
    /// What `limit` means now; none if it leaves things as fast as they go.
    pub fn now(by: LimitedBy, limit: &Limit, now: Timestamp) -> Option<Self> {
        let Holding { rate, until } = limit.at(now);
        let moment = until.and_then(|until| limit.moment(until, now));
        Some(Self { rate: rate?, by, until, moment })
    }

    /// What may come from sources that are limited, all of them, together. It holds until the first changes.
    pub fn sources(all: Vec<Self>) -> Option<Self> {
        let rate = all.iter().map(|it| it.rate).reduce(Rate::plus)?;
        let names = |by: &LimitedBy| match by {
            LimitedBy::Provider(name) => Some(name.clone()),
            LimitedBy::Template(_) | LimitedBy::Sources(_) | LimitedBy::Links(_) => None,
        };
        let by = LimitedBy::Sources(all.iter().filter_map(|it| names(&it.by)).collect());
        Some(Self { rate, by, ..Self::first_to_change(all)? })
    }

    /// The same of shares of links.
    pub fn links(all: Vec<Self>) -> Option<Self> {
        let rate = all.iter().map(|it| it.rate).reduce(Rate::plus)?;
        let links = |by: &LimitedBy| match by {
            LimitedBy::Links(links) => links.clone(),
            LimitedBy::Provider(_) | LimitedBy::Template(_) | LimitedBy::Sources(_) => Vec::new(),
        };
        let by = LimitedBy::Links(all.iter().flat_map(|it| links(&it.by)).collect());
        Some(Self { rate, by, ..Self::first_to_change(all)? })
    }

    fn first_to_change(all: Vec<Self>) -> Option<Self> {
        all.into_iter().min_by_key(|it| (it.until.is_none(), it.until))
    }

    /// The part of it that somebody may have.
    #[must_use]
    pub fn part(self, share: u32, whole: u32) -> Self {
        Self { rate: self.rate.part(share, whole), ..self }
    }

    /// The one that is felt; the first, of equal ones.
    pub fn strictest(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        all.into_iter().min_by_key(|it| it.rate)
    }
}

/// `limited to 2 Mbit/s by provider kvm-b until 18:00 Europe/Madrid`
impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limited to {} by {}", self.rate.spoken(), self.by)?;
        self.moment.iter().try_for_each(|moment| write!(f, " until {moment}"))
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
