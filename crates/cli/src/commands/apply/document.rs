//! The form of the file: what may be written in it, and in which words it is refused.

use diecast_api::operator::{
    host::{HostDefaultsBody, SetupBody},
    recreation::TermsBody,
};
use diecast_domain::{
    limit::{BadLimit, Limit},
    names::{PoolName, ProviderName, TemplateName},
    pattern::NamePattern,
    site::SiteLink,
    window::{BadWindow, DailyWindow},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is left out is left alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) provider: BTreeMap<ProviderName, ProviderWish>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) site: BTreeMap<String, SiteWish>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) template: BTreeMap<TemplateName, TemplateWish>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pool: BTreeMap<PoolName, PoolWish>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProviderWish {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage: Option<String>,
    /// Empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) site: Option<String>,
    /// All of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) networks: Option<BTreeMap<String, String>>,
    /// All of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<LimitWish>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scrub: Option<ScrubWish>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SiteWish {
    /// The limits of its links, by the site at the other end. A link is named at either end.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) links: BTreeMap<String, LimitWish>,
}

/// How what a provider holds is read back by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ScrubWish {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) every_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes_per_second: Option<u64>,
    /// `any` for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) window: Option<WindowWish>,
}

/// A window as it is stored, however it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct WindowWish(String);

impl TryFrom<String> for WindowWish {
    type Error = BadWindow;
    fn try_from(text: String) -> Result<Self, BadWindow> {
        if text == ANY_TIME { Ok(Self(text)) } else { Ok(Self(text.parse::<DailyWindow>()?.to_string())) }
    }
}

impl WindowWish {
    /// As the server tells of it.
    pub(super) fn of(window: Option<String>) -> Self {
        Self(window.unwrap_or_else(|| ANY_TIME.to_owned()))
    }

    /// As the server takes it.
    pub(super) fn asked(self) -> String {
        if self.0 == ANY_TIME { String::new() } else { self.0 }
    }
}

const ANY_TIME: &str = "any";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct TemplateWish {
    /// The whole list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) distribution: Option<Vec<ProviderName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keep: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<LimitWish>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) host_defaults: Option<HostDefaultsBody>,
}

/// A limit as it is stored, however it is written; `off` is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct LimitWish(pub(super) String);

impl TryFrom<String> for LimitWish {
    type Error = BadLimit;
    fn try_from(text: String) -> Result<Self, BadLimit> {
        Ok(Self::of(Limit::wish(&text)?.map(|limit| limit.to_string())))
    }
}

impl LimitWish {
    /// As the server tells of it.
    pub(super) fn of(limit: Option<String>) -> Self {
        Self(limit.unwrap_or_else(|| OFF.to_owned()))
    }
}

/// No limit.
pub(super) const OFF: &str = "off";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoolWish {
    pub(super) template: TemplateName,
    pub(super) pattern: NamePattern,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Both the least and the most, in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spare: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) full: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) placement: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cap: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) providers: Option<Vec<ProviderName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) replace_elsewhere_seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) weights: Option<BTreeMap<ProviderName, u32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) setup: Option<SetupBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) terms: Option<TermsBody>,
}

impl PoolWish {
    /// The least and the most, as far as they are said.
    pub(super) fn bounds(&self) -> (Option<u32>, Option<u32>) {
        (self.min.or(self.size), self.max.or(self.size))
    }
}

impl Document {
    /// Every link that is named, once; or what is said of one twice.
    pub(super) fn links(&self) -> Result<BTreeMap<SiteLink, LimitWish>, String> {
        let mut links: BTreeMap<SiteLink, LimitWish> = BTreeMap::new();
        for (site, wish) in &self.site {
            for (other, limit) in &wish.links {
                let Some(link) = SiteLink::new(site, other) else {
                    return Err(format!(
                        "site.{site}: a link joins two sites, and `{other}` is the same one"
                    ));
                };
                if links.insert(link, limit.clone()).is_some_and(|before| before != *limit) {
                    return Err(format!(
                        "site.{site}: the link with `{other}` has another limit in site.{other}"
                    ));
                }
            }
        }
        Ok(links)
    }
}

/// TOML, or JSON, which begins with a brace. What is wrong is said with its line.
pub(crate) fn parse(text: &str) -> Result<Document, String> {
    let document: Document = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or(&said).to_owned();
            format!("line {}: {what}", error.line())
        })?
    } else {
        toml::from_str(text).map_err(|error| match error.span() {
            Some(span) => format!("line {}: {}", line_of(text, span.start), error.message()),
            None => error.message().to_owned(),
        })?
    };
    for (name, pool) in &document.pool {
        if pool.size.is_some() && (pool.min.is_some() || pool.max.is_some()) {
            return Err(format!("pool.{name}: `size` is both `min` and `max`; write either"));
        }
    }
    document.links()?;
    Ok(document)
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}

const HEADING: &str =
    "# How Diecast is set: change it, then `diecast apply -f FILE`. What is left out is left alone.\n";

pub(crate) fn toml(document: &Document) -> String {
    let text = toml::to_string(document).expect("names, numbers and texts are always TOML");
    format!("{HEADING}\n{text}")
}

pub(crate) fn json(document: &Document) -> String {
    let text = serde_json::to_string_pretty(document).expect("names, numbers and texts are always JSON");
    format!("{text}\n")
}
