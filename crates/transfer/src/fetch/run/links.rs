//! What the limits of links between sites mean for a transfer: over such a link as much is asked for as comes in
//! time, and through the gateway alone.

use super::Run;
use crate::pace::Pace;
use diecast_domain::{
    code::{Code, Problem},
    ids::ProviderId,
    provider::Source,
};
use std::sync::Arc;

impl Run {
    /// Nothing may come here over a site link because of its limit, and a peer still tells what comes to it:
    /// what is missing comes through another provider of this site, in its time.
    pub(super) fn waits_behind_a_link(&self) -> bool {
        let listed = self.sources.listed();
        let is_closed = |source: &Arc<Source>| self.pace_over_link(source).is_some_and(|it| it.is_closed());
        listed.iter().any(is_closed) && self.talks.hears_somebody(listed)
    }

    pub(super) fn pace_over_link(&self, source: &Source) -> Option<Arc<Pace>> {
        self.site.order.links.of(source.provider)
    }

    /// What this source gives is slow because of a limit, not by itself.
    pub(super) fn is_held_back(&self, source: &Source) -> bool {
        let over_link = self.pace_over_link(source);
        self.site.order.pace.is_limited() || over_link.is_some_and(|pace| pace.is_limited())
    }

    /// Whether another frame may be asked for from there: over a limited link as many as arrive in time.
    pub(super) fn has_room(&self, source: &Source) -> bool {
        let Some(pace) = self.pace_over_link(source).filter(|pace| pace.is_limited()) else { return true };
        let shares =
            |id: &ProviderId| self.site.order.links.of(*id).is_some_and(|other| Arc::ptr_eq(&other, &pace));
        let from = self.flying.values().flat_map(|flight| &flight.from);
        !pace.is_closed() && from.filter(|(id, _)| shares(id)).count() < pace.frames_max()
    }

    /// Lets go of what was asked for over a link by whose limit nothing may come here any more: somebody else
    /// of this site brings it now.
    pub(super) fn leave_closed_links(&mut self) {
        let links = &self.site.order.links;
        let is_closed = |id: &ProviderId| links.of(*id).is_some_and(|pace| pace.is_closed());
        let mut left = Vec::new();
        for (number, flight) in &mut self.flying {
            flight.from.extract_if(.., |(id, _)| is_closed(id)).for_each(|(_, token)| token.cancel());
            if flight.from.is_empty() {
                left.push(*number);
            }
        }
        for number in left {
            self.flying.remove(&number);
            self.queue.put_back(number);
        }
    }

    /// The gateway brings less than the link carries: the server chooses another one, and the administrator is told.
    pub(super) fn tell_of_gateway(&self) {
        let mut listed = self.sources.listed().iter();
        let gateway = listed.find(|source| Some(source.provider) == self.gateway.who());
        let Some(Source { provider, name, .. }) = gateway.map(Arc::as_ref) else { return };
        let progress = &self.site.order.progress;
        progress.held_up_by(*provider);
        let cause =
            format!("{name}, the gateway, brings less than the site's link carries: it is not waited for");
        progress.notice(Problem::new(Code::T0016, cause));
    }

    /// A link with a limit is the gateway's alone.
    pub(super) fn may_cross_freely(&self) -> bool {
        let mut reserve = self.sources.listed().iter().filter(|source| source.reserve);
        reserve.all(|source| self.pace_over_link(source).is_none_or(|pace| !pace.is_limited()))
    }
}
