//! What changed without being an event: progress, addresses, free space. Derived from reports as they
//! come in, by name, so that a page which looks at something knows when to read it again.

use crate::{live::Agent, picture::Picture};
use diecast_api::operator::event::ChangedView;
use diecast_domain::{host::Host, ids::ProviderId, report::Report};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hash,
};

/// Names of one kind in a message. Of more, it says that all may have changed.
const NAMES_MAX: usize = 200;
/// Stands for every name.
const ALL: &str = "*";

/// Names, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) templates: BTreeSet<String>,
    pub(crate) providers: BTreeSet<String>,
    pub(crate) hosts: BTreeSet<String>,
    pub(crate) pools: BTreeSet<String>,
    pub(crate) recreations: BTreeSet<String>,
}

impl Changed {
    /// For who missed what there was.
    pub(crate) fn everything() -> Self {
        let all = || BTreeSet::from([ALL.to_owned()]);
        Self { templates: all(), providers: all(), hosts: all(), pools: all(), recreations: all() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.templates.extend(other.templates);
        self.providers.extend(other.providers);
        self.hosts.extend(other.hosts);
        self.pools.extend(other.pools);
        self.recreations.extend(other.recreations);
    }

    pub(crate) fn view(self) -> ChangedView {
        ChangedView {
            templates: names(self.templates),
            providers: names(self.providers),
            hosts: names(self.hosts),
            pools: names(self.pools),
            recreations: names(self.recreations),
        }
    }

    /// Takes in what `after` says differently from `before`.
    pub(crate) fn compare(&mut self, picture: &Picture, name: &str, before: &Report, after: &Report) {
        let (session, sequence) = (before.session, before.sequence);
        let (traffic, scrub) = (before.traffic, before.scrub);
        if *before == (Report { session, sequence, traffic, scrub, ..after.clone() }) {
            return;
        }
        self.providers.insert(name.to_owned());
        let replicas = differing(&before.replicas, &after.replicas, |it| it.digest);
        for version in picture.versions.iter().filter(|it| replicas.contains(&it.digest)) {
            let record = picture.templates.get(&version.template);
            self.templates.extend(record.map(|it| it.name.to_string()));
        }
        let publications = differing(&before.publications, &after.publications, |it| it.id);
        let copies = differing(&before.working_copies, &after.working_copies, |it| it.id);
        for record in picture.templates.values() {
            let publishes = record.publication.as_ref().is_some_and(|it| publications.contains(&it.id));
            let maintained = record.maintenance.as_ref().is_some_and(|it| copies.contains(&it.id));
            if publishes || maintained {
                self.templates.insert(record.name.to_string());
            }
        }
        let hosts = differing(&before.hosts, &after.hosts, |it| it.id);
        for host in picture.world.hosts.iter().filter(|host| hosts.contains(&host.id)) {
            self.add_host(picture, host);
        }
    }

    fn add_host(&mut self, picture: &Picture, host: &Host) {
        self.hosts.insert(host.name.to_string());
        let template = picture.templates.get(&host.template);
        self.templates.extend(template.map(|it| it.name.to_string()));
        let pools = picture.world.pools.iter().filter(|pool| host.pool == Some(pool.id));
        self.pools.extend(pools.map(|pool| pool.name.to_string()));
        let recreations = picture.world.recreations.iter();
        let moving = recreations.filter(|it| it.hosts.contains_key(&host.id));
        self.recreations.extend(moving.map(|it| it.id.to_string()));
    }

    /// What a pass may have moved on that wrote something.
    pub(crate) fn add_moving(&mut self, picture: &Picture) {
        self.recreations.extend(picture.world.recreations.iter().map(|it| it.id.to_string()));
        self.pools.extend(picture.world.pools.iter().map(|it| it.name.to_string()));
    }
}

/// What differs between what each agent said when last asked for and what it says now.
pub(crate) fn since(picture: &Picture, noted: &BTreeMap<ProviderId, Agent>) -> Changed {
    let mut changed = Changed::default();
    for (id, agent) in &picture.agents {
        let before = noted.get(id).and_then(|agent| agent.report.as_ref());
        let (Some(before), Some(after)) = (before, &agent.report) else { continue };
        let Some(record) = picture.providers.get(id) else { continue };
        if !std::sync::Arc::ptr_eq(before, after) {
            changed.compare(picture, record.name.as_str(), before, after);
        }
    }
    changed
}

/// Of which things two lists say something different.
fn differing<T: PartialEq, K: Ord + Hash + Copy>(
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> K,
) -> BTreeSet<K> {
    let old: BTreeMap<K, &T> = before.iter().map(|it| (key(it), it)).collect();
    let new: BTreeMap<K, &T> = after.iter().map(|it| (key(it), it)).collect();
    let keys = old.keys().chain(new.keys());
    keys.filter(|key| old.get(*key) != new.get(*key)).copied().collect()
}

fn names(set: BTreeSet<String>) -> Vec<String> {
    if set.len() > NAMES_MAX || set.contains(ALL) {
        return vec![ALL.to_owned()];
    }
    set.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_become_all_of_them() {
        let few = Changed { hosts: ["b", "a"].map(str::to_owned).into(), ..Changed::default() };
        assert_eq!(few.view().hosts, ["a", "b"]);
        let many = Changed { hosts: (0..=NAMES_MAX).map(|n| n.to_string()).collect(), ..Changed::default() };
        assert_eq!(many.view().hosts, ["*"]);
        assert_eq!(Changed::everything().view().pools, ["*"]);
    }

    #[test]
    fn what_came_went_or_differs_is_told() {
        let found = differing(&[(1, 'a'), (2, 'b'), (3, 'c')], &[(2, 'b'), (3, 'd'), (4, 'e')], |it| it.0);
        assert_eq!(found, BTreeSet::from([1, 3, 4]));
    }
}
