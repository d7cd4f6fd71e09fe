//! How fast versions may come to this provider and leave it: the limits of the last orders, followed by the
//! clock, with the server gone too.

use crate::board::Board;
use diecast_domain::{
    digest::Digest,
    ids::ProviderId,
    limit::{Limits, LinkLimit},
    units::Timestamp,
};
use diecast_transfer::pace::{LinkPaces, Pace, Pacer};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

/// How soon a window that opens or closes, and a limit that was changed, are noticed.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// What all transfers of an agent share.
#[derive(Debug, Default)]
pub struct Paces {
    receiving: Arc<Pacer>,
    sending: Arc<Pacer>,
    transfers: Mutex<BTreeMap<Digest, Arc<Pacer>>>,
    /// Our shares of limited site links, by the site beyond.
    links: Mutex<BTreeMap<String, Arc<Pacer>>>,
    fetchings: Mutex<Vec<Known>>,
    /// Whoever fetches from here now: each has its share.
    readers: Mutex<BTreeMap<ProviderId, Weak<Pace>>>,
}

/// How fast one version may come.
#[derive(Debug)]
pub struct Fetching {
    pub pace: Arc<Pace>,
    /// By source, from beyond limited site links.
    pub links: Arc<LinkPaces>,
}

/// A fetching that goes on for as long as somebody follows its links.
#[derive(Debug)]
struct Known {
    own: Arc<Pacer>,
    /// It stands in each link's line once, whomever it asks beyond.
    lines: BTreeMap<String, Arc<Pace>>,
    links: Weak<LinkPaces>,
}

impl Paces {
    /// Keeps to `limits` from now on, in what is under way too.
    pub fn follow(&self, limits: &Limits, now: Timestamp) {
        let of_provider = limits.of_provider(now).map(|rate| rate.bytes_per_second());
        if of_provider != self.receiving.rate() {
            let limit = of_provider.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
            tracing::info!(limit, "the limit on what is received, and on what is sent, is another now");
        }
        self.receiving.set(of_provider);
        self.sending.set(of_provider);
        let mut transfers = lock(&self.transfers);
        transfers.retain(|_, pacer| Arc::strong_count(pacer) > 1);
        for (digest, pacer) in transfers.iter() {
            pacer.set(limits.of_transfer(digest, now).map(|rate| rate.bytes_per_second()));
        }
        drop(transfers);
        self.follow_links(limits, now);
    }

    fn follow_links(&self, limits: &Limits, now: Timestamp) {
        let mut links = lock(&self.links);
        links.retain(|site, pacer| {
            let is_told = limits.links.iter().any(|link| link.site == *site);
            if !is_told {
                // Its limit was taken away; who had a share and lost it was told that first.
                pacer.set(None);
            }
            is_told
        });
        for link in &limits.links {
            let pacer = links.entry(link.site.clone()).or_default();
            let (rate, site) = (link.rate(now), link.site.as_str());
            if rate != pacer.rate() {
                let limit = rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
                tracing::info!(limit, site, "what may come over the link to {site} is another rate now");
            }
            pacer.set(rate);
        }
        let mut fetchings = lock(&self.fetchings);
        fetchings.retain(|known| known.links.strong_count() > 0);
        for Known { own, lines, links: told } in fetchings.iter_mut() {
            lines.retain(|site, _| links.contains_key(site));
            for (site, link) in
                links.iter().filter(|(site, _)| !lines.contains_key(*site)).collect::<Vec<_>>()
            {
                let by = vec![own.clone(), link.clone(), self.receiving.clone()];
                lines.insert(site.clone(), Arc::new(Pace::new(by)));
            }
            let over = |link: &LinkLimit| {
                let line = lines[&link.site].clone();
                link.sources.iter().map(move |source| (*source, line.clone())).collect::<Vec<_>>()
            };
            let by_source: BTreeMap<_, _> = limits.links.iter().flat_map(over).collect();
            told.upgrade().iter().for_each(|told| told.set(by_source.clone()));
        }
    }

    /// What holds back the fetching of a version.
    pub fn of_transfer(&self, digest: Digest, limits: &Limits, now: Timestamp) -> Fetching {
        let own = lock(&self.transfers).entry(digest).or_default().clone();
        let links = Arc::new(LinkPaces::default());
        let known = Known { own: own.clone(), lines: BTreeMap::new(), links: Arc::downgrade(&links) };
        lock(&self.fetchings).push(known);
        self.follow(limits, now);
        Fetching { pace: Arc::new(Pace::new(vec![own, self.receiving.clone()])), links }
    }

    /// What holds back all that one peer fetches from here.
    pub fn of_reader(&self, reader: ProviderId) -> Arc<Pace> {
        let mut readers = lock(&self.readers);
        readers.retain(|_, pace| pace.strong_count() > 0);
        if let Some(pace) = readers.get(&reader).and_then(Weak::upgrade) {
            return pace;
        }
        let pace = Arc::new(Pace::new(vec![self.sending.clone()]));
        readers.insert(reader, Arc::downgrade(&pace));
        pace
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each is changed in one step: a panic elsewhere leaves none half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs for as long as the agent does.
pub async fn follow(board: Arc<Board>) {
    loop {
        board.paces.follow(&limits(&board), crate::clock::now());
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// What the last orders say of limits.
pub fn limits(board: &Board) -> Limits {
    let known = board.know();
    known.assignment.as_ref().map(|told| told.orders.limits.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use diecast_domain::{
        limit::{TransferLimit, WHOLE},
        units::BytesPerSecond,
    };

    fn at(hour: i64) -> Timestamp {
        Timestamp(hour * 3_600_000)
    }

    fn limits(provider: Option<&str>, transfer: Option<&str>) -> Limits {
        let digest = Digest::from_bytes([1; 32]);
        let transfer = transfer.map(|text| TransferLimit { digest, limit: text.parse().unwrap() });
        Limits {
            provider: provider.map(|text| text.parse().unwrap()),
            transfers: transfer.into_iter().collect(),
            links: Vec::new(),
        }
    }

    const MB: Option<BytesPerSecond> = Some(BytesPerSecond(1_000_000));

    #[test]
    fn what_is_under_way_keeps_to_what_the_orders_and_the_clock_say_now() {
        let paces = Paces::default();
        let none = Limits::default();
        let one = paces.of_transfer(Digest::from_bytes([1; 32]), &none, at(0)).pace;
        let two = paces.of_transfer(Digest::from_bytes([2; 32]), &none, at(0)).pace;
        assert_eq!((one.rate(), two.rate()), (None, None));

        let office = limits(Some("1MB/s 08:00-18:00; off"), None);
        paces.follow(&office, at(9));
        assert_eq!((one.rate(), two.rate()), (MB, MB));
        paces.follow(&office, at(18));
        assert_eq!((one.rate(), two.rate()), (None, None));

        paces.follow(&limits(Some("5MB/s"), Some("1MB/s")), at(19));
        assert_eq!((one.rate(), two.rate()), (MB, Some(BytesPerSecond(5_000_000))));
        paces.follow(&none, at(19));
        assert_eq!((one.rate(), two.rate()), (None, None));
    }

    fn source(number: u128) -> ProviderId {
        ProviderId::from_uuid(uuid::Uuid::from_u128(number))
    }

    /// A limit of 2 MB/s on the link to madrid by day, with a share of it, for what comes from source 1.
    fn link(share: u32) -> Limits {
        let link = LinkLimit {
            site: "madrid".into(),
            sources: vec![source(1)],
            limit: "2MB/s 08:00-18:00; off".parse().unwrap(),
            share,
            held: 0,
        };
        Limits { links: vec![link], ..Limits::default() }
    }

    #[test]
    fn what_comes_over_a_link_keeps_to_the_share_of_it_and_what_is_near_does_not() {
        let paces = Paces::default();
        let none = Limits::default();
        let one = paces.of_transfer(Digest::from_bytes([1; 32]), &none, at(0));
        assert!(one.links.of(source(1)).is_none());
        paces.follow(&link(WHOLE / 2), at(9));
        let two = paces.of_transfer(Digest::from_bytes([2; 32]), &link(WHOLE / 2), at(9));
        let rate = |fetching: &Fetching| fetching.links.of(source(1)).and_then(|pace| pace.rate());
        assert_eq!((rate(&one), rate(&two)), (MB, MB));
        assert!(one.pace.rate().is_none() && one.links.of(source(2)).is_none());
        let line = one.links.of(source(1)).unwrap();
        paces.follow(&link(WHOLE), at(9));
        assert_eq!(line.rate(), Some(BytesPerSecond(2_000_000)), "what waits hears of it");
        paces.follow(&link(0), at(9));
        assert!(line.is_closed() && two.links.of(source(1)).unwrap().is_closed());
        paces.follow(&link(0), at(18));
        assert!(!line.is_limited(), "without a limit nobody needs a share");
        paces.follow(&link(WHOLE), at(9));
        assert!(line.is_limited());
        paces.follow(&none, at(9));
        assert!(one.links.of(source(1)).is_none() && !line.is_limited());
    }

    #[test]
    fn whoever_begins_is_held_back_from_its_first_byte() {
        let told = limits(None, Some("1MB/s"));
        let fetching = Paces::default().of_transfer(Digest::from_bytes([1; 32]), &told, at(0));
        assert_eq!(fetching.pace.rate(), MB);
    }

    #[test]
    fn a_template_holds_back_what_is_received_and_a_provider_also_what_is_sent() {
        let paces = Paces::default();
        let reader = ProviderId::from_uuid(uuid::Uuid::from_u128(7));
        paces.follow(&limits(None, Some("1MB/s")), at(0));
        let pace = paces.of_reader(reader);
        assert_eq!(pace.rate(), None);
        paces.follow(&limits(Some("1MB/s"), None), at(0));
        assert_eq!(pace.rate(), MB);
        assert!(Arc::ptr_eq(&pace, &paces.of_reader(reader)), "all that one peer fetches has one share");
    }
}
