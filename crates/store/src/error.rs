//! Why a query failed.

use serde::de::DeserializeOwned;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database could not {what}")]
    Sql {
        what: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("a row of `{table}` cannot be understood")]
    Decode {
        table: &'static str,
        #[source]
        source: serde_json::Error,
    },
}

/// What SQLite calls it when the disk is full.
const FULL: &str = "13";

impl StoreError {
    /// Whether space is all that is missing.
    pub fn is_full(&self) -> bool {
        let Self::Sql { source: sqlx::Error::Database(error), .. } = self else { return false };
        error.code().is_some_and(|code| code == FULL)
    }
}

/// For `map_err`: says what was being done.
pub(crate) fn doing(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError::Sql { what, source }
}

pub(crate) fn decode<T: DeserializeOwned>(table: &'static str, body: &str) -> Result<T, StoreError> {
    serde_json::from_str(body).map_err(|source| StoreError::Decode { table, source })
}

pub(crate) fn decode_all<T: DeserializeOwned>(
    table: &'static str,
    bodies: Vec<String>,
) -> Result<Vec<T>, StoreError> {
    bodies.iter().map(|body| decode(table, body)).collect()
}

/// Plain data as JSON.
pub(crate) fn encode<T: serde::Serialize>(record: &T) -> String {
    serde_json::to_string(record).expect("plain data with string keys is always JSON")
}
