//! Opening the database: looked at before it is touched, so that what cannot be read stays as it was.

use crate::{
    Change, StoreError, View,
    error::doing,
    lock::{self, Lock},
    migrate,
};
use diecast_domain::code::{Code, Problem};
use sqlx::{
    Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Pictures that may be looked at together: more would only wait for the same two processors.
const READERS_MAX: u32 = 8;
/// Patience with a backup tool that holds the file for a moment.
pub(crate) const BUSY_MAX: Duration = Duration::from_secs(10);
/// A process that has died keeps its lock until its last thread is gone: whoever starts it anew at once
/// waits for that.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// The first bytes of every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The database. Cheap to clone; the lock is held until the last clone is gone.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
    _lock: Option<Arc<Lock>>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} cannot be used", .path.display())]
    Folder {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("another process uses {}", .path.display())]
    InUse { path: PathBuf },
    #[error("{} is not a database, or is damaged: {finding}", .path.display())]
    Corrupt { path: PathBuf, finding: String },
    #[error("{} cannot be read as a database", .path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: sqlx::Error,
    },
    #[error("{} has schema {found}, and this release knows {known}", .path.display())]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{} could not be copied into {}", .path.display(), .into.display())]
    Copy {
        path: PathBuf,
        into: PathBuf,
        #[source]
        source: sqlx::Error,
    },
}

impl OpenError {
    /// As an administrator reads it.
    pub fn problem(&self) -> Problem {
        let code = match self {
            Self::Folder { .. } => Code::S0003,
            Self::InUse { .. } => Code::S0006,
            Self::Corrupt { .. } | Self::Unreadable { .. } => Code::S0001,
            Self::Newer { .. } => Code::S0005,
            Self::Copy { .. } => Code::B0005,
        };
        let source = std::error::Error::source(self).map(|source| format!(": {source}"));
        Problem::new(code, format!("{self}{}", source.unwrap_or_default()))
    }
}

impl Store {
    /// Opens the database at `path`, made if it is not there, and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let folder = |source| OpenError::Folder { path: path.to_owned(), source };
        let given_up = Instant::now() + LOCK_PATIENCE;
        let lock = loop {
            match lock::take(&path.with_extension("lock")).map_err(folder)? {
                Some(lock) => break lock,
                None if Instant::now() >= given_up => {
                    return Err(OpenError::InUse { path: path.to_owned() });
                }
                None => tokio::time::sleep(LOCK_PAUSE).await,
            }
        };
        let length = create(path).map_err(folder)?;
        if length > 0 {
            examine(path).await?;
        }
        Self::connect(path, Some(Arc::new(lock))).await
    }

    async fn connect(path: &Path, lock: Option<Arc<Lock>>) -> Result<Self, OpenError> {
        let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_MAX);
        // Where the disk is full SQLite takes a change back by itself. Its connection then still counts one
        // as begun, for ever: it is replaced.
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
        let writer = writer.connect_with(options.clone());
        let writer = writer.await.map_err(unreadable)?;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(unreadable)?;
        migrate::run(&mut transaction).await.map_err(unreadable)?;
        transaction.commit().await.map_err(unreadable)?;
        let readers = SqlitePoolOptions::new().max_connections(READERS_MAX);
        let readers = readers.connect_with(options.pragma("query_only", "ON")).await.map_err(unreadable)?;
        Ok(Self { writer, readers, _lock: lock })
    }

    /// Opens a database that is there and of this very schema, beside the process that has the lock:
    /// for one small change from the command line.
    pub async fn open_beside(path: &Path) -> Result<Self, OpenError> {
        let missing = |source| OpenError::Folder { path: path.to_owned(), source };
        File::open(path).map_err(missing)?;
        examine(path).await?;
        Self::connect(path, None).await
    }

    pub async fn view(&self) -> Result<View, StoreError> {
        self.readers.begin().await.map(View::new).map_err(doing("begin to read"))
    }

    /// Waits for its turn: there is one writer.
    pub async fn change(&self) -> Result<Change, StoreError> {
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await;
        transaction.map(|it| Change::new(View::new(it))).map_err(doing("begin a change"))
    }

    /// Ends every connection. What is in the log is moved into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the file if it is not there, for its owner alone. Returns its length.
fn create(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    Ok(file.metadata()?.len())
}

/// Looks at a database without writing to it: is it one, whole, and not of a newer release? Gives its schema.
pub(crate) async fn examine(path: &Path) -> Result<Option<i64>, OpenError> {
    let corrupt = |finding: &str| OpenError::Corrupt { path: path.to_owned(), finding: finding.into() };
    let unreadable = |source| OpenError::Unreadable { path: path.to_owned(), source };
    let mut head = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if read.is_err() || head != *MAGIC {
        return Err(corrupt("it does not begin as one"));
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(BUSY_MAX);
    let mut db = SqliteConnection::connect_with(&options).await.map_err(unreadable)?;
    let found: String =
        sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut db).await.map_err(unreadable)?;
    if found != "ok" {
        return Err(corrupt(&found));
    }
    let version = migrate::found(&mut db).await.map_err(unreadable)?;
    db.close().await.map_err(unreadable)?;
    match version {
        Some(found) if found > migrate::VERSION => {
            Err(OpenError::Newer { path: path.to_owned(), found, known: migrate::VERSION })
        }
        schema => Ok(schema),
    }
}
