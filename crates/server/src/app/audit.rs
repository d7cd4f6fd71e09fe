//! The audit trail: what was changed is written into it by the store itself, with each change.

use crate::app::App;
use diecast_domain::code::Problem;
use diecast_store::{AuditEntry, Author, StoreError};

impl App {
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
}
