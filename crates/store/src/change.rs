//! Writing: one change at a time, all of it or nothing.

use crate::{StoreError, View, error::doing, ledger::Ledger};
use std::ops::{Deref, DerefMut};

/// The write transaction. It reads what a [`View`] reads, its own changes included. Dropped without
/// [`commit`](Self::commit), nothing happened.
pub struct Change {
    view: View,
    /// What goes into the audit trail, if this change has an author.
    pub(crate) ledger: Option<Ledger>,
}

impl Change {
    pub(crate) fn new(view: View) -> Self {
        Self { view, ledger: Ledger::begin() }
    }

    /// Makes it so: on the disk when this returns, together with who did it.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if let Some(ledger) = self.ledger.take() {
            for entry in ledger.entries() {
                self.add_audit(&entry).await?;
            }
        }
        fail::fail_point!("store::before-commit", |_| std::process::abort());
        self.view.into_transaction().commit().await.map_err(doing("commit a change"))?;
        fail::fail_point!("store::after-commit", |_| std::process::abort());
        Ok(())
    }
}

impl Deref for Change {
    type Target = View;
    fn deref(&self) -> &View {
        &self.view
    }
}

impl DerefMut for Change {
    fn deref_mut(&mut self) -> &mut View {
        &mut self.view
    }
}
