//! The audit trail: read, exported, kept for a time. What was changed is written into it by the store
//! itself, with each change; only what was refused is written here.

use crate::app::{
    App,
    authorise::Action,
    cx::Cx,
    etag::{self, Tagged},
    page,
    refused::Refused,
};
use diecast_api::{
    operator::audit::{AuditEntryView, AuditList, AuditSettings},
    time::{instant, rfc3339},
};
use diecast_domain::{code::Problem, units::Timestamp};
use diecast_store::{AuditEntry, AuditFilter, Author, StoreError};
use std::{ops::RangeInclusive, time::Duration};

/// For how many days it may be kept: not so short that nobody can look into what happened on Friday,
/// and ten years.
const DAYS: RangeInclusive<u32> = 7..=3660;
/// Between two times that what is too old is forgotten.
const SWEEP: Duration = Duration::from_secs(3600);
const DAY_SECONDS: u64 = 24 * 3600;

/// What is asked for, as it was written.
pub(crate) struct Wanted {
    pub(crate) since: Option<String>,
    pub(crate) until: Option<String>,
    pub(crate) who: Option<String>,
    pub(crate) object: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) order: Option<String>,
}

impl App {
    pub(crate) async fn audit(&self, cx: &Cx, wanted: Wanted, ask: &page::Ask) -> Result<AuditList, Refused> {
        cx.may(Action::Administer)?;
        let limit = ask.limit()?;
        let after = ask.after.as_deref().map(str::parse::<i64>).transpose();
        let after = after.map_err(|_| Refused::malformed("`after` is the number of an entry"))?;
        let newest = match wanted.order.as_deref() {
            None | Some("newest") => true,
            Some("oldest") => false,
            Some(_) => return Err(Refused::malformed("`order` is `newest` or `oldest`")),
        };
        let mut view = self.store().view().await?;
        // What is too old is not shown, even if it is not swept yet.
        let kept = Timestamp(cx.now.0.saturating_sub(millis(view.audit_life().await?)));
        let since = moment("since", wanted.since.as_deref())?.map_or(kept, |since| since.max(kept));
        let filter = AuditFilter {
            since: Some(since),
            until: moment("until", wanted.until.as_deref())?,
            who: wanted.who,
            object: wanted.object,
            name: wanted.name,
        };
        let mut found = if newest {
            view.audit_newest(&filter, after.unwrap_or(i64::MAX), limit + 1).await?
        } else {
            view.audit_oldest(&filter, after.unwrap_or(0), limit + 1).await?
        };
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
        Ok(AuditList { items: found.into_iter().map(|(id, entry)| self::view(id, entry)).collect(), next })
    }

    pub(crate) async fn audit_settings(&self, cx: &Cx) -> Result<Tagged<AuditSettings>, Refused> {
        cx.may(Action::Administer)?;
        let life = self.store().view().await?.audit_life().await?;
        Ok(tagged(days(life)))
    }

    pub(crate) async fn change_audit_settings(
        &self,
        cx: &Cx,
        asked: &AuditSettings,
        if_match: Option<&str>,
    ) -> Result<Tagged<AuditSettings>, Refused> {
        cx.may(Action::Administer)?;
        if !DAYS.contains(&asked.days) {
            let (least, most) = DAYS.into_inner();
            let cause = format!("the audit trail is kept for {least} to {most} days, not {}", asked.days);
            return Err(Refused::malformed(cause));
        }
        let mut change = self.store().change().await?;
        let before = days(change.audit_life().await?);
        etag::check(if_match, &AuditSettings { days: before }, "how long the audit trail is kept")?;
        if before != asked.days {
            change.put_audit_days(asked.days).await?;
            let sentence = format!("the audit trail is kept for {} days, no longer for {before}", asked.days);
            self.finish(change, vec![cx.event("audit.settings", "audit", "settings", sentence)]).await?;
        }
        Ok(tagged(asked.days))
    }

    /// Writes down what somebody was not let do. That it cannot be written stops nobody's answer.
    pub(crate) async fn note_refusal(&self, author: &Author, problem: &Problem) {
        let entry = AuditEntry {
            at: author.at,
            who: author.who.clone(),
            from: author.from.clone(),
            request: author.request.clone(),
            call: author.call.clone(),
            action: "server.refused".to_owned(),
            object: "server".to_owned(),
            name: String::new(),
            message: problem.cause.clone(),
            before: None,
            after: None,
            refused: Some(problem.code),
        };
        if let Err(error) = self.write_audit(&entry).await {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "a refusal could not be written into the audit trail");
        }
    }

    async fn write_audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut change = self.store().change().await?;
        change.add_audit(entry).await?;
        change.commit().await
    }

    /// Forgets, now and again, what is older than it is kept.
    pub(crate) async fn sweep_audit(self) {
        loop {
            let swept = async {
                let mut change = self.store().change().await?;
                let gone = change.sweep_audit(crate::clock::now()).await?;
                change.commit().await?;
                Ok::<_, StoreError>(gone)
            };
            match swept.await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "old entries of the audit trail were forgotten"),
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    tracing::error!(error, "old entries of the audit trail could not be forgotten");
                }
            }
            tokio::time::sleep(SWEEP).await;
        }
    }
}

fn tagged(days: u32) -> Tagged<AuditSettings> {
    let value = AuditSettings { days };
    Tagged { etag: etag::of(&value), value }
}

fn days(life: Duration) -> u32 {
    u32::try_from(life.as_secs() / DAY_SECONDS).unwrap_or(u32::MAX)
}

fn millis(life: Duration) -> i64 {
    i64::try_from(life.as_millis()).unwrap_or(i64::MAX)
}

fn moment(what: &str, text: Option<&str>) -> Result<Option<Timestamp>, Refused> {
    let read =
        |text| instant(text).ok_or_else(|| Refused::malformed(format!("`{what}` is a time by RFC 3339")));
    text.map(read).transpose()
}

fn view(id: i64, entry: AuditEntry) -> AuditEntryView {
    AuditEntryView {
        id,
        at: rfc3339(entry.at),
        who: entry.who,
        from: entry.from,
        request: entry.request,
        call: entry.call,
        action: entry.action,
        object: entry.object,
        name: entry.name,
        message: entry.message,
        before: entry.before,
        after: entry.after,
        refused: entry.refused.map(|code| code.to_string()),
    }
}
