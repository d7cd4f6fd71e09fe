//! On whose behalf the present task writes. Every [`Change`](crate::Change) asks here when it begins, so a
//! use case cannot forget to say it: who recognises a request says it once, for all that follows from it.

use diecast_domain::units::Timestamp;
use std::future::Future;

/// A person, a token, or whoever has the server's own console. Agents and the server itself are none:
/// what they write is no change of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    pub who: String,
    /// The address of the caller, or `console`.
    pub from: String,
    /// The id of the request, as the log has it.
    pub request: Option<String>,
    /// What was called: `PATCH /api/v1/providers/kvm-a`
    pub call: String,
    pub at: Timestamp,
}

tokio::task_local! {
    static AUTHOR: Author;
}

/// Whatever `work` writes is written in the audit trail as `author`'s. Not what it spawns.
pub async fn writing_as<F: Future>(author: Author, work: F) -> F::Output {
    AUTHOR.scope(author, work).await
}

pub(crate) fn present() -> Option<Author> {
    AUTHOR.try_with(Clone::clone).ok()
}
