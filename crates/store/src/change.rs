//! Writing: one change at a time, all of it or nothing.

use crate::{StoreError, View, error::doing};
use std::ops::{Deref, DerefMut};

/// The write transaction. It reads what a [`View`] reads, its own changes included. Dropped without
/// [`commit`](Self::commit), nothing happened.
pub struct Change {
    view: View,
}

impl Change {
    pub(crate) const fn new(view: View) -> Self {
        Self { view }
    }

    /// Makes it so: on the disk when this returns.
    pub async fn commit(self) -> Result<(), StoreError> {
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
