//! The schema: files of `migrations/`, embedded, applied in order, each in one transaction.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{StoreError, WRITING};

const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_base.sql")),
    (2, include_str!("../../migrations/0002_journal.sql")),
    (3, include_str!("../../migrations/0003_finished_calls.sql")),
    (4, include_str!("../../migrations/0004_number_rules.sql")),
];

pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: i64 = sqlx::query("pragma user_version").fetch_one(&mut *connection).await?.get(0);
    let known = MIGRATIONS.last().map_or(0, |(version, _)| *version);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, text) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        let mut transaction = connection.begin_with(WRITING).await?;
        sqlx::raw_sql(*text).execute(&mut *transaction).await?;
        // The pragma takes no parameters; the number is ours.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("pragma user_version = {version}")))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
    }
    Ok(())
}
