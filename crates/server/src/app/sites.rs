//! Sites: who stands where, and what may cross the links between them.

use crate::{
    app::{App, authorise::Action, cx::Cx, limits, page, refused::Refused},
    picture::Picture,
};
use diecast_api::operator::site::{SetSiteLink, SiteLinkView, SiteList, SiteView};
use diecast_domain::{
    code::Code,
    limit::LimitedBy,
    replica::Phase,
    site::{SiteLink, UNNAMED},
};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes a second that come from one site into another.
type Flows<'a> = BTreeMap<(&'a str, &'a str), u64>;

impl App {
    pub(crate) async fn sites(&self, cx: &Cx, ask: &page::Ask) -> Result<SiteList, Refused> {
        cx.may(Action::Read)?;
        let picture = self.picture().await?;
        let flows = flows(&picture);
        let (names, next) = ask.cut(known(&picture).into_iter().collect(), |name| (*name).to_owned())?;
        Ok(SiteList { items: names.into_iter().map(|name| view(&picture, &flows, name)).collect(), next })
    }

    /// Sets what may cross the link of two sites, in each direction.
    pub(crate) async fn set_site_link(
        &self,
        cx: &Cx,
        [site, other]: &[String; 2],
        asked: &SetSiteLink,
    ) -> Result<SiteLinkView, Refused> {
        cx.may(Action::ChangeProviders)?;
        let (mut change, mut picture) = self.begin().await?;
        let known = known(&picture);
        for name in [site, other] {
            if !known.contains(name.as_str()) {
                return Err(Refused::new(Code::A0004, no_such_site(name, &known)));
            }
        }
        let Some(link) = SiteLink::new(site, other) else {
            return Err(Refused::malformed(format!("a link joins two sites, and `{site}` is one")));
        };
        let before = picture.world.links.get(&link).cloned();
        let limit = limits::wish(Some(asked.limit.as_str()), before.clone())?;
        if limit != before {
            change.put_site_link(&link, limit.as_ref()).await?;
            let sentence = match &limit {
                Some(limit) => format!("what crosses the site link {link} is limited: {limit}"),
                None => format!("what crosses the site link {link} is limited no more"),
            };
            let event = cx.event("site.changed", "site", &link.to_string(), sentence);
            self.finish(change, vec![event]).await?;
        }
        match limit {
            Some(limit) => picture.world.links.insert(link, limit),
            None => picture.world.links.remove(&link),
        };
        Ok(link_view(&picture, &flows(&picture), site, other))
    }
}

/// A site is where a provider says that it stands. One whose link has a limit is remembered when its last
/// provider leaves, so that the limit holds for the next.
fn known(picture: &Picture) -> BTreeSet<&str> {
    let stood_in = picture.world.providers.values().map(|there| there.site());
    stood_in.chain(picture.world.links.keys().flat_map(SiteLink::sites)).collect()
}

fn no_such_site(name: &str, known: &BTreeSet<&str>) -> String {
    let shown: String = name.chars().take(80).collect();
    if known.is_empty() {
        return format!("there is no site `{shown}`: no provider stands anywhere yet");
    }
    let quoted = |name: &&str| match *name {
        UNNAMED => format!("`{UNNAMED}` (where providers stand that name no site)"),
        name => format!("`{name}`"),
    };
    let names: Vec<_> = known.iter().map(quoted).collect();
    format!("there is no site `{shown}`: there is {}", names.join(", "))
}

/// What receivers say of their sources, by where both stand.
fn flows(picture: &Picture) -> Flows<'_> {
    let world = &picture.world;
    let mut flows = Flows::new();
    let moving = world
        .replicas
        .iter()
        .filter(|((id, _), report)| report.phase == Phase::Transferring && world.answers(*id));
    for ((receiver, _), report) in moving {
        let here = world.site_of(*receiver);
        for source in &report.sources {
            let from = world.site_of(source.provider);
            if from != here {
                *flows.entry((from, here)).or_default() += source.rate.0;
            }
        }
    }
    flows
}

fn view(picture: &Picture, flows: &Flows<'_>, name: &str) -> SiteView {
    let world = &picture.world;
    let here = world.providers.values().filter(|there| there.site() == name);
    let mut providers: Vec<_> = here.map(|there| there.name.to_string()).collect();
    providers.sort();
    let limited = world.links.keys().filter_map(|link| link.beyond(name));
    let crossed = flows.iter().filter(|(_, rate)| **rate > 0).filter_map(|((from, to), _)| match name {
        _ if name == *from => Some(*to),
        _ if name == *to => Some(*from),
        _ => None,
    });
    let others: BTreeSet<&str> = limited.chain(crossed).collect();
    let links = others.into_iter().map(|other| link_view(picture, flows, name, other)).collect();
    SiteView { name: name.to_owned(), providers, links }
}

fn link_view(picture: &Picture, flows: &Flows<'_>, site: &str, other: &str) -> SiteLinkView {
    let limit = picture.world.link_limit(site, other);
    let by = SiteLink::new(site, other).map(|link| LimitedBy::Links(vec![link]));
    let rate = |from, to| flows.get(&(from, to)).copied().unwrap_or_default();
    SiteLinkView {
        site: site.to_owned(),
        other: other.to_owned(),
        limit: limit.map(ToString::to_string),
        limited: by.and_then(|by| limits::view(by, limit, picture.now)),
        receiving_bytes_per_second: rate(other, site),
        sending_bytes_per_second: rate(site, other),
    }
}
