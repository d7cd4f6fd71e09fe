//! How it is set on the server, and the same in the form of a file.

use super::document::{
    Document, LimitWish, PoolWish, ProviderWish, ScrubWish, SiteWish, TemplateWish, WindowWish,
};
use crate::Failure;
use diecast_api::{
    client::{Client, all},
    operator::{
        pool::PoolView, provider::ProviderView, recreation::TermsBody, site::SiteView, template::TemplateView,
    },
};
use diecast_domain::{
    distribution::Distribution, names::ProviderName, site::SiteLink, template::TemplateStatus,
};
use std::collections::BTreeMap;

#[derive(Default)]
pub(super) struct There {
    pub(super) providers: BTreeMap<String, ProviderView>,
    pub(super) templates: BTreeMap<String, TemplateView>,
    /// Of each template that was asked for: who is on its list. Who is on the way off is not.
    pub(super) lists: BTreeMap<String, Vec<String>>,
    pub(super) pools: BTreeMap<String, PoolView>,
    pub(super) sites: BTreeMap<String, SiteView>,
}

impl There {
    /// With the lists of the templates that a file gives lists for.
    pub(super) async fn named_in(client: &Client, document: &Document) -> Result<Self, Failure> {
        let mut there = Self::without_lists(client).await?;
        let listed = document.template.iter().filter(|(_, wish)| wish.distribution.is_some());
        for (name, _) in listed.filter(|(name, _)| there.templates.contains_key(name.as_str())) {
            there.lists.insert(name.to_string(), members(client, name.as_str()).await?);
        }
        Ok(there)
    }

    pub(super) async fn whole(client: &Client) -> Result<Self, Failure> {
        let mut there = Self::without_lists(client).await?;
        for name in there.templates.keys() {
            there.lists.insert(name.clone(), members(client, name).await?);
        }
        Ok(there)
    }

    /// What is on its way to be gone is gone.
    async fn without_lists(client: &Client) -> Result<Self, Failure> {
        let providers = all(async |page| client.providers(page).await).await?.items;
        let templates = all(async |page| client.templates(page).await).await?.items;
        let pools = all(async |page| client.pools(page).await).await?.items;
        let sites = all(async |page| client.sites(page).await).await?.items;
        let deleting = TemplateStatus::Deleting.as_str();
        Ok(Self {
            providers: providers.into_iter().map(|it| (it.name.clone(), it)).collect(),
            templates: templates
                .into_iter()
                .filter(|it| it.status != deleting)
                .map(|it| (it.name.clone(), it))
                .collect(),
            lists: BTreeMap::new(),
            pools: pools
                .into_iter()
                .filter(|it| it.status != deleting)
                .map(|it| (it.name.clone(), it))
                .collect(),
            sites: sites.into_iter().map(|it| (it.name.clone(), it)).collect(),
        })
    }

    /// The limits of links between sites.
    pub(super) fn links(&self) -> BTreeMap<SiteLink, String> {
        let links = self.sites.values().flat_map(|site| &site.links);
        links.filter_map(|it| Some((SiteLink::new(&it.site, &it.other)?, it.limit.clone()?))).collect()
    }

    /// Each link at the one of its sites that comes first.
    fn sites(&self) -> BTreeMap<String, SiteWish> {
        let mut sites: BTreeMap<String, SiteWish> = BTreeMap::new();
        for (link, limit) in self.links() {
            let [site, other] = link.sites().map(str::to_owned);
            sites.entry(site).or_default().links.insert(other, LimitWish::of(Some(limit)));
        }
        sites
    }

    /// As a file that asks for exactly this.
    pub(super) fn document(&self) -> Document {
        fn named<N: std::str::FromStr + Ord, V, W>(
            all: &BTreeMap<String, V>,
            wish: impl Fn(&V) -> W,
        ) -> BTreeMap<N, W> {
            all.iter().filter_map(|(name, value)| Some((name.parse().ok()?, wish(value)))).collect()
        }
        Document {
            provider: named(&self.providers, provider),
            site: self.sites(),
            template: named(&self.templates, |it| TemplateWish {
                distribution: self.lists.get(&it.name).map(|list| names(list)),
                ..template(it)
            }),
            pool: self
                .pools
                .iter()
                .filter_map(|(name, it)| Some((name.parse().ok()?, short(pool(it)?))))
                .collect(),
        }
    }
}

async fn members(client: &Client, template: &str) -> Result<Vec<String>, Failure> {
    let rows = client.distribution(template).await?.providers;
    let leaving = Distribution::RemovingProvider.as_str();
    let mut members: Vec<_> =
        rows.into_iter().filter(|row| row.progress != leaving).map(|row| row.provider).collect();
    members.sort();
    Ok(members)
}

fn names(texts: &[String]) -> Vec<ProviderName> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

pub(super) fn provider(it: &ProviderView) -> ProviderWish {
    ProviderWish {
        uri: Some(it.uri.clone()),
        storage: Some(it.storage.clone()),
        site: Some(it.site.clone().unwrap_or_default()),
        networks: Some(it.networks.clone()),
        labels: Some(it.labels.clone()),
        limit: Some(LimitWish::of(it.limit.clone())),
        scrub: it.scrub.as_ref().map(|scrub| ScrubWish {
            on: Some(scrub.on),
            every_seconds: Some(scrub.every_seconds),
            bytes_per_second: Some(scrub.bytes_per_second),
            window: Some(WindowWish::of(scrub.window.clone())),
        }),
    }
}

pub(super) fn template(it: &TemplateView) -> TemplateWish {
    TemplateWish {
        distribution: None,
        concurrency: Some(it.concurrency),
        keep: Some(it.keep),
        limit: Some(LimitWish::of(it.limit.clone())),
        host_defaults: Some(it.host_defaults.clone()).filter(|it| *it != Default::default()),
    }
}

/// All of it, with the bounds apart. None if its names are of a newer release's kind.
pub(super) fn pool(it: &PoolView) -> Option<PoolWish> {
    Some(PoolWish {
        template: it.template.parse().ok()?,
        pattern: it.pattern.parse().ok()?,
        version: Some(it.follows.clone()),
        size: None,
        min: Some(it.min),
        max: Some(it.max),
        spare: Some(it.spare),
        full: Some(it.kind == "full"),
        placement: Some(it.placement.clone()),
        cap: Some(it.cap.unwrap_or_default()),
        providers: Some(names(&it.providers)),
        replace_elsewhere_seconds: Some(it.replace_elsewhere_seconds.unwrap_or_default()),
        weights: Some(
            it.weights.iter().filter_map(|(name, weight)| Some((name.parse().ok()?, *weight))).collect(),
        ),
        setup: Some(it.setup.clone()),
        terms: Some(it.terms.clone()),
    })
}

/// Without what says nothing: a file for people.
fn short(wish: PoolWish) -> PoolWish {
    let same = wish.min == wish.max;
    // A deadline is of one recreation, and soon in the past.
    let terms = wish.terms.map(|terms| TermsBody { deadline: None, ..terms });
    PoolWish {
        size: wish.min.filter(|_| same),
        min: wish.min.filter(|_| !same),
        max: wish.max.filter(|_| !same),
        cap: wish.cap.filter(|cap| *cap > 0),
        replace_elsewhere_seconds: wish.replace_elsewhere_seconds.filter(|seconds| *seconds > 0),
        providers: wish.providers.filter(|list| !list.is_empty()),
        weights: wish.weights.filter(|weights| !weights.is_empty()),
        terms: terms.filter(|terms| *terms != TermsBody::default()),
        setup: wish.setup.filter(|setup| *setup != Default::default()),
        ..wish
    }
}
