//! Which few of many are named to one of them: the next one in a ring, so that each is named to somebody and a
//! way leads from everybody to everybody, and others by a hash, so that the way is short and one loss cuts nothing.

use crate::{digest::Digest, ids::ProviderId};

/// Where somebody stands in the ring.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Peer {
    key: u64,
    pub id: ProviderId,
}

impl Peer {
    pub(super) fn new(digest: &Digest, id: ProviderId) -> Self {
        Self { key: key(digest, id), id }
    }

    /// `count` of `peers`, of whom one is the next behind it in the ring.
    pub(super) fn chooses<'a>(
        self,
        peers: impl Iterator<Item = &'a Self> + Clone,
        count: usize,
    ) -> Vec<ProviderId> {
        let peers = peers.filter(move |peer| peer.id != self.id);
        let next = peers.clone().min_by_key(|peer| (**peer < self, **peer)).map(|peer| peer.id);
        let mut chosen = self.closest(peers, count);
        if let Some(next) = next.filter(|next| !chosen.contains(next)) {
            chosen.truncate(count - 1);
            chosen.push(next);
        }
        chosen
    }

    /// Those of `peers` that the hash of both puts first.
    pub(super) fn closest<'a>(
        self,
        peers: impl IntoIterator<Item = &'a Self>,
        count: usize,
    ) -> Vec<ProviderId> {
        closest(self.key, peers.into_iter().filter(|peer| peer.id != self.id), count)
    }
}

/// Those of `peers` that the hash of each and `salt` puts first: another choice for every salt, the same one each
/// time, and whoever joins or leaves is in few of them.
pub(super) fn closest<'a>(
    salt: u64,
    peers: impl IntoIterator<Item = &'a Peer>,
    count: usize,
) -> Vec<ProviderId> {
    let mut best: Vec<(u64, ProviderId)> = Vec::with_capacity(count + 1);
    for peer in peers {
        let found = (mixed(salt.rotate_left(32) ^ peer.key), peer.id);
        if best.len() == count && best.last().is_none_or(|last| found >= *last) {
            continue;
        }
        best.insert(best.partition_point(|it| *it < found), found);
        best.truncate(count);
    }
    best.into_iter().map(|(_, id)| id).collect()
}

fn key(digest: &Digest, id: ProviderId) -> u64 {
    let id = id.as_uuid().as_u128();
    let version = digest.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    mixed(mixed(version ^ (id >> 64) as u64) ^ id as u64)
}

/// Spreads the bits of a number: the finish of SplitMix64. Nobody gains by foreseeing it.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
