//! A copy of the database as of one moment, made while somebody writes to it.

use crate::open::{BUSY_MAX, OpenError, examine};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path};

/// What was copied.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub schema: i64,
    /// The certificate of the server's authority, by which one server is told from another; none before
    /// its first start.
    pub authority: Option<String>,
}

/// Copies the database at `path` into the new file `into`, whole and for its owner alone. The process that
/// has the database goes on as if nothing was; no schema is changed, here or there.
pub async fn snapshot(path: &Path, into: &Path) -> Result<Snapshot, OpenError> {
    let missing = |source| OpenError::Folder { path: path.to_owned(), source };
    std::fs::File::open(path).map_err(missing)?;
    let schema = examine(path).await?.unwrap_or(0);
    // SQLite fills a file that is there and empty; made by itself it would be readable by everybody.
    let target = OpenOptions::new().create_new(true).write(true).mode(0o600).open(into);
    target.map_err(|source| OpenError::Folder { path: into.to_owned(), source })?;
    let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(BUSY_MAX);
    let mut db = SqliteConnection::connect_with(&options).await.map_err(unreadable)?;
    let copied = sqlx::query("VACUUM INTO $1").bind(into.to_string_lossy()).execute(&mut db).await;
    copied.map_err(|source| OpenError::Copy { path: path.to_owned(), into: into.to_owned(), source })?;
    let found = sqlx::query_scalar("SELECT value FROM settings WHERE name = 'ca-certificate'");
    let authority = found.fetch_optional(&mut db).await.map_err(unreadable)?;
    db.close().await.map_err(unreadable)?;
    Ok(Snapshot { schema, authority })
}
