//! Who asks for what, told once: a transfer of many gigabytes is one line in this log, and its name is the
//! assignment that the asking agent works by, which stands in that agent's log and in the server's.

use axum::http::HeaderMap;
use diecast_domain::{digest::Digest, generation::Generation, ids::ProviderId};
use diecast_transfer::wire::ASSIGNMENT_HEADER;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Transfers that are remembered: more than are ever served at a time. One that is forgotten costs a line.
const REMEMBERED_MAX: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<VecDeque<(ProviderId, Option<Generation>, Digest)>>);

impl Asked {
    /// Logs the first request of a transfer.
    pub(super) fn note(&self, reader: ProviderId, assignment: Option<Generation>, version: Digest) {
        let this = (reader, assignment, version);
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lately.contains(&this) {
            return;
        }
        lately.truncate(REMEMBERED_MAX - 1);
        lately.push_front(this);
        drop(lately);
        let assignment = assignment.map(tracing::field::display);
        tracing::info!(assignment, peer = %reader, version = %version, "a peer fetches a version from here");
    }
}

/// By which of its assignments the peer asks, if it says so in the form that agents do.
pub(super) fn assignment(headers: &HeaderMap) -> Option<Generation> {
    headers.get(ASSIGNMENT_HEADER)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_a_generation_is_taken_from_a_peer_into_the_log() {
        let said = |text: &'static str| {
            let headers = [(ASSIGNMENT_HEADER.parse().unwrap(), HeaderValue::from_static(text))];
            assignment(&headers.into_iter().collect())
        };
        assert_eq!(said("2.41"), Some(Generation { epoch: 2, number: 41 }));
        for text in ["", "2", "2.", "two.1", "2.41 x", "-1.2", "99999999999999999999.1"] {
            assert_eq!(said(text), None, "{text}");
        }
        assert_eq!(assignment(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_remembered_of_transfers_is_bounded() {
        let asked = Asked::default();
        for number in 0..1000 {
            let reader = ProviderId::from_uuid(uuid::Uuid::from_u128(number));
            asked.note(reader, None, Digest::from_bytes([7; 32]));
        }
        assert_eq!(asked.0.lock().unwrap().len(), REMEMBERED_MAX);
    }
}
