//! Which reports are believed: the newest of the newest session.

use crate::{ids::SessionId, provider::SILENCE_MAX, report::Report, units::Timestamp};

/// Former sessions that are remembered, so that their late reports are known as such.
const FORMER_MAX: usize = 4;

/// What is remembered of one agent's calls. Lost with the server's memory, without harm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// The session that is believed, its highest sequence, and when that was heard.
    current: Option<(SessionId, u64, Timestamp)>,
    former: Vec<SessionId>,
}

/// What to do with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heed {
    /// Believe it.
    Fresh,
    /// It was sent before one that was heard already: drop it.
    Late,
    /// A session that another one replaced speaks again. Once, it is a letter that was long under
    /// way; again and again, two agents use one identity. Drop it, and name it if it goes on.
    Rival,
}

impl Hearing {
    pub fn heard(&self) -> Option<Timestamp> {
        self.current.map(|(.., at)| at)
    }

    /// Whether `session` was replaced by one that is alive: it is told nothing more.
    pub fn is_replaced(&self, session: SessionId, now: Timestamp) -> bool {
        self.current.is_some_and(|(_, _, at)| now.since(at) < SILENCE_MAX) && self.former.contains(&session)
    }

    /// Judges `report` and remembers it. A restarted agent has a new session, which is believed at
    /// once; a former one is believed again only when the current one has fallen silent.
    pub fn heed(&mut self, report: &Report, now: Timestamp) -> Heed {
        if let Some((session, sequence, at)) = self.current
            && session == report.session
        {
            if report.sequence <= sequence {
                return Heed::Late;
            }
            self.current = Some((session, report.sequence, now.max(at)));
            return Heed::Fresh;
        }
        if let Some((session, _, at)) = self.current {
            if self.former.contains(&report.session) && now.since(at) < SILENCE_MAX {
                return Heed::Rival;
            }
            self.former.retain(|former| *former != report.session);
            self.former.push(session);
            if self.former.len() > FORMER_MAX {
                self.former.remove(0);
            }
        }
        self.current = Some((report.session, report.sequence, now));
        Heed::Fresh
    }
}
