//! The schema: files of `migrations/`, embedded, applied in order, all that are missing in one transaction. An upgrade that
//! breaks off leaves the schema that the release before works with.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{StoreError, WRITING};

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_base.sql")),
    (2, include_str!("../../migrations/0002_journal.sql")),
    (3, include_str!("../../migrations/0003_finished_calls.sql")),
    (4, include_str!("../../migrations/0004_number_rules.sql")),
    (5, include_str!("../../migrations/0005_enrolments.sql")),
];

/// The schema of a database; 0 when it is empty.
pub(super) async fn found(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query("pragma user_version").fetch_one(connection).await?.get(0))
}

/// The schema that this release knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let (found, known) = (found(connection).await?, known());
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if found == known {
        return Ok(());
    }
    let mut transaction = connection.begin_with(WRITING).await?;
    for (_, text) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        sqlx::raw_sql(*text).execute(&mut *transaction).await?;
    }
    // The pragma takes no parameters; the number is ours.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("pragma user_version = {known}"))).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}
