//! One-time acts: begun here, carried out by agents, looked up until they are old.

use crate::{
    app::{
        App,
        authorise::Action,
        cx::Cx,
        etag::{self, Tagged},
        refused::Refused,
    },
    picture::{Picture, no_such},
};
use diecast_api::{
    operator::operation::{CheckLineView, OperationView},
    time::rfc3339,
};
use diecast_domain::{
    assignment::{Act, Operation},
    ids::{OperationId, ProviderId},
    report::Outcome,
    units::Timestamp,
};
use diecast_store::{Change, OperationRecord, OperationState};
use uuid::Uuid;

impl App {
    pub(crate) async fn operation(&self, cx: &Cx, id: &str) -> Result<Tagged<OperationView>, Refused> {
        cx.may(Action::Read)?;
        let unknown = || no_such("operation", id);
        let parsed: OperationId = id.parse().map_err(|_| unknown())?;
        let mut view = self.store().view().await?;
        let record = view.operation(parsed).await?.ok_or_else(unknown)?;
        drop(view);
        let picture = self.picture().await?;
        Ok(Tagged { etag: etag::of(&record), value: self::view(&picture, &record) })
    }

    pub(crate) async fn check_provider(&self, cx: &Cx, name: &str) -> Result<OperationView, Refused> {
        cx.may(Action::Operate)?;
        let (mut change, picture) = self.begin().await?;
        let provider = picture.provider_named(name)?;
        picture.must_answer(provider)?;
        let record = begin(&mut change, cx, provider.id, Act::CheckProvider, None).await?;
        let event = cx.event("provider.check", "provider", name, format!("a check of {name} was asked for"));
        self.finish(change, vec![event]).await?;
        Ok(self::view(&picture, &record))
    }
}

/// Writes down an act to be carried out once.
pub(crate) async fn begin(
    change: &mut Change,
    cx: &Cx,
    provider: ProviderId,
    act: Act,
    object: Option<String>,
) -> Result<OperationRecord, Refused> {
    let record = draw(provider, act, object, cx.who(), cx.now);
    change.add_operation(&record).await?;
    Ok(record)
}

/// An act that waits, with an identity of its own.
pub(crate) fn draw(
    provider: ProviderId,
    act: Act,
    object: Option<String>,
    author: String,
    now: Timestamp,
) -> OperationRecord {
    OperationRecord {
        operation: Operation { id: OperationId::from_uuid(Uuid::now_v7()), act },
        provider,
        object,
        state: OperationState::Waiting,
        created_at: now,
        author,
    }
}

pub(crate) fn view(picture: &Picture, record: &OperationRecord) -> OperationView {
    let id = record.operation.id;
    let runs = picture.report(record.provider).is_some_and(|report| {
        report.operations.iter().any(|it| it.id == id && it.outcome == Outcome::Running)
    });
    let (state, lines, problem) = match &record.state {
        OperationState::Waiting if runs => ("running", Vec::new(), None),
        OperationState::Waiting => ("queued", Vec::new(), None),
        OperationState::Done { lines } => ("done", lines.clone(), None),
        OperationState::Failed { problem } => ("failed", Vec::new(), Some(problem)),
    };
    let kind = match record.operation.act {
        Act::StartHost { .. } | Act::StartWorkingCopy { .. } => "start",
        Act::StopHost { .. } => "stop",
        Act::VerifyReplica { .. } => "verify",
        Act::CheckProvider => "check",
    };
    OperationView {
        id: id.to_string(),
        kind: kind.to_owned(),
        provider: picture.provider_name(record.provider),
        object: record.object.clone(),
        state: state.to_owned(),
        created_at: rfc3339(record.created_at),
        lines: lines
            .into_iter()
            .map(|line| CheckLineView { name: line.name, ok: line.ok, detail: line.detail, hint: line.hint })
            .collect(),
        problem: problem.map(Into::into),
    }
}
