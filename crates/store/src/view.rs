//! Reading: one consistent picture of everything.

use sqlx::{Sqlite, SqliteConnection, Transaction};

/// A read transaction. Dropping it ends it.
pub struct View {
    transaction: Transaction<'static, Sqlite>,
}

impl View {
    pub(crate) const fn new(transaction: Transaction<'static, Sqlite>) -> Self {
        Self { transaction }
    }

    pub(crate) fn db(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    pub(crate) fn into_transaction(self) -> Transaction<'static, Sqlite> {
        self.transaction
    }
}
