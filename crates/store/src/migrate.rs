//! The schema, and how an older one becomes the present one: each step once, all in one change.

use sqlx::SqliteConnection;

/// Append only: a step that was released is never edited.
const STEPS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_rolling_out.sql"),
    include_str!("../migrations/0003_years.sql"),
    include_str!("../migrations/0004_site_links.sql"),
];

/// The version of the schema that this release writes.
pub const VERSION: i64 = STEPS.len() as i64;

/// The version that is there; none in a database that is empty.
pub(crate) async fn found(db: &mut SqliteConnection) -> sqlx::Result<Option<i64>> {
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master").fetch_one(&mut *db).await?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT version FROM diecast_schema").fetch_one(db).await.map(Some)
}

/// Runs the steps that are missing. To be called within a transaction.
pub(crate) async fn run(db: &mut SqliteConnection) -> sqlx::Result<()> {
    let found = found(&mut *db).await?;
    if found.is_none() {
        sqlx::raw_sql("CREATE TABLE diecast_schema (version BIGINT NOT NULL)").execute(&mut *db).await?;
        sqlx::query("INSERT INTO diecast_schema (version) VALUES (0)").execute(&mut *db).await?;
    }
    let done = usize::try_from(found.unwrap_or(0)).unwrap_or(0);
    for step in STEPS.iter().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *db).await?;
    }
    sqlx::query("UPDATE diecast_schema SET version = $1").bind(VERSION).execute(db).await?;
    Ok(())
}
