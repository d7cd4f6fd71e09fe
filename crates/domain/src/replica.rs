//! The life of a replica: one version as held by one provider.
//!
//! ```text
//! Absent ─► Queued ─► Preflight ─► Transferring ─► Verifying ─► Registering ─► Ready
//!    ▲         ▲          │              │            │    ▲         │           │
//!    │         │          ▼              ▼            ▼    │         ▼           ▼
//! Removing     └──────────────────── Failed ◄─────────┴────┼─────────┘       Damaged
//!  (from any)                                              └── or a restart ─────┘
//! ```
//!
//! `Registering` is entered only when every byte matched the manifest, and `Ready` only from
//! `Registering`: there is no other way there. This module decides and performs nothing; the agent
//! carries it out. How many replicas there should be is not known here: that is `plan`.

use crate::{
    code::Problem,
    digest::Digest,
    ids::ProviderId,
    units::{ByteCount, BytesPerSecond, Timestamp, percent},
};
use serde::{Deserialize, Serialize};

/// What is happening to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", remote = "Self")]
pub enum Phase {
    Absent,
    Queued,
    Preflight,
    Transferring,
    Verifying,
    Registering,
    Ready,
    Failed,
    Damaged,
    Removing,
}

crate::careful_words!(Phase, Phase::Queued);

/// What can happen to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Assigned,
    Started,
    PreflightPassed,
    /// Every leaf is in its place.
    Filled,
    /// The whole was read back and every byte matched.
    Matched,
    /// Some byte did not match.
    Mismatched,
    Registered,
    /// This attempt is over, without success.
    GaveUp,
    RemovalOrdered,
    Removed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a replica that is {from:?} cannot take {event:?}")]
pub struct Illegal {
    pub from: Phase,
    pub event: Event,
}

impl Phase {
    pub const ALL: [Self; 10] = [
        Self::Absent,
        Self::Queued,
        Self::Preflight,
        Self::Transferring,
        Self::Verifying,
        Self::Registering,
        Self::Ready,
        Self::Failed,
        Self::Damaged,
        Self::Removing,
    ];

    /// The phase after `event`, or why there is none.
    pub fn on(self, event: Event) -> Result<Self, Illegal> {
        use Event::*;
        use Phase::*;
        match (self, event) {
            (Removing, Removed) => Ok(Absent),
            (_, RemovalOrdered) => Ok(Removing),
            (Absent | Failed | Queued, Assigned) => Ok(Queued),
            (Queued | Failed, Started) => Ok(Preflight),
            (Preflight, PreflightPassed) => Ok(Transferring),
            // What was found damaged is mended where it is, by the same transfer.
            (Damaged, Started) => Ok(Transferring),
            (Transferring, Filled) => Ok(Verifying),
            (Verifying, Matched) => Ok(Registering),
            (Verifying, Mismatched) => Ok(Damaged),
            // A whole that proves intact again, after a restart or by request.
            (Ready, Mismatched) => Ok(Damaged),
            (Ready, Matched) => Ok(Registering),
            (Registering, Registered) => Ok(Ready),
            (Queued | Preflight | Transferring | Verifying | Registering | Damaged, GaveUp) => Ok(Failed),
            (from, event) => Err(Illegal { from, event }),
        }
    }

    /// Work is queued or running; waiting for a retry is not.
    pub const fn is_moving(self) -> bool {
        use Phase::*;
        matches!(self, Queued | Preflight | Transferring | Verifying | Registering | Removing | Damaged)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Queued => "queued",
            Self::Preflight => "preflight",
            Self::Transferring => "transferring",
            Self::Verifying => "verifying",
            Self::Registering => "registering",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Damaged => "damaged",
            Self::Removing => "removing",
        }
    }
}

/// How far a piece of work is, in bytes that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    pub done: ByteCount,
    pub total: ByteCount,
    /// Really received over the network.
    pub network: ByteCount,
    /// Of what is done: taken from what was on the provider already.
    #[serde(default)]
    pub local: ByteCount,
    /// What did not cross the network because differences came instead of frames.
    #[serde(default)]
    pub by_difference: ByteCount,
    pub rate: BytesPerSecond,
    /// None while it cannot be told.
    pub seconds_left: Option<u64>,
}

impl Progress {
    pub fn percent(&self) -> f64 {
        if self.total == ByteCount::ZERO { 0.0 } else { percent(self.done, self.total) }
    }
}

/// What one source of a transfer has given so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    pub provider: ProviderId,
    /// Over the network, as it came.
    pub received: ByteCount,
    /// Lately.
    pub rate: BytesPerSecond,
    /// As the gateway of the site it brought less than the link carries: it is not waited for any more.
    #[serde(default)]
    pub held_up: bool,
}

/// What an agent says of one replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaReport {
    pub digest: Digest,
    pub phase: Phase,
    /// The attempt this is about.
    pub attempt: u32,
    pub progress: Progress,
    /// When every byte was last read and matched. `Ready` without it is not believed.
    pub verified_at: Option<Timestamp>,
    pub problem: Option<Problem>,
    /// Every frame can be had from its depot, although its own files may not be complete: what was
    /// just published there is in its spool and in the files of the version it was derived from.
    #[serde(default)]
    pub serves: bool,
    /// It lies under its final name and is not known to be whole: changed, damaged, or being mended. Or what
    /// was damaged of it last, and is mended.
    #[serde(default)]
    pub damage: Option<crate::damage::Damage>,
    /// Who gave what is being transferred; empty otherwise.
    #[serde(default)]
    pub sources: Vec<SourceReport>,
}

impl ReplicaReport {
    /// The one place that says whether a replica may be called `Ready`.
    pub const fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready) && self.verified_at.is_some()
    }

    /// It can give every frame: it holds the version whole and verified, or made it and serves it from what
    /// it was made of.
    pub const fn has_whole(&self) -> bool {
        let verified = matches!(self.phase, Phase::Registering | Phase::Ready) && self.verified_at.is_some();
        verified || self.serves
    }

    /// It gives what it has by now, while it receives the version itself. What is being verified lies there
    /// complete.
    pub const fn gives_what_it_has(&self) -> bool {
        matches!(self.phase, Phase::Preflight | Phase::Transferring | Phase::Verifying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 10] = [
        Event::Assigned,
        Event::Started,
        Event::PreflightPassed,
        Event::Filled,
        Event::Matched,
        Event::Mismatched,
        Event::Registered,
        Event::GaveUp,
        Event::RemovalOrdered,
        Event::Removed,
    ];

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for phase in Phase::ALL {
            for event in EVENTS {
                if let Ok(next) = phase.on(event) {
                    table.push_str(&format!("{phase:?} + {event:?} -> {next:?}\n"));
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn ready_is_reached_only_through_a_match_of_every_byte() {
        for phase in Phase::ALL {
            for event in EVENTS {
                match phase.on(event) {
                    Ok(Phase::Ready) => {
                        assert_eq!((phase, event), (Phase::Registering, Event::Registered))
                    }
                    Ok(Phase::Registering) => assert_eq!(event, Event::Matched),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn removal_is_possible_from_everywhere() {
        for phase in Phase::ALL {
            assert_eq!(phase.on(Event::RemovalOrdered), Ok(Phase::Removing));
        }
    }
}
