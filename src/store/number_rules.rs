//! Number rules: versions of one document a PBX.

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _};

use super::{Store, StoreError, WRITING};
use crate::domain::{PbxId, Timestamp};

/// Versions that are kept for undo.
const KEPT: i64 = 100;

/// One version of the number rules of a PBX.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberRulesRow {
    /// The PBX.
    pub pbx_id: PbxId,
    /// Rises by one with each change.
    pub version: i64,
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it: the name of a token.
    pub actor: String,
    /// The document, JSON.
    pub body: String,
}

impl Store {
    /// The newest rules of a PBX; `None` when it never had any.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn number_rules(&self, pbx: &PbxId) -> Result<Option<NumberRulesRow>, StoreError> {
        let row = sqlx::query(
            "select version, at, actor, body from number_rules where pbx_id = ?1 order by version desc limit 1",
        )
        .bind(pbx.as_str())
        .fetch_optional(&self.inner.readers)
        .await?;
        Ok(row.map(|row| read(pbx, &row)))
    }

    /// All kept versions, newest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn number_rules_versions(&self, pbx: &PbxId) -> Result<Vec<NumberRulesRow>, StoreError> {
        let rows =
            sqlx::query("select version, at, actor, body from number_rules where pbx_id = ?1 order by version desc")
                .bind(pbx.as_str())
                .fetch_all(&self.inner.readers)
                .await?;
        Ok(rows.iter().map(|row| read(pbx, row)).collect())
    }

    /// Writes the version after the newest one.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when the newest one is not the one before.
    pub async fn insert_number_rules(&self, row: &NumberRulesRow) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITING).await?;
        let newest: i64 = sqlx::query("select coalesce(max(version), 0) from number_rules where pbx_id = ?1")
            .bind(row.pbx_id.as_str())
            .fetch_one(&mut *transaction)
            .await?
            .get(0);
        if newest + 1 != row.version {
            return Err(StoreError::Changed);
        }
        sqlx::query("insert into number_rules (pbx_id, version, at, actor, body) values (?1, ?2, ?3, ?4, ?5)")
            .bind(row.pbx_id.as_str())
            .bind(row.version)
            .bind(row.at.unix_ms())
            .bind(&row.actor)
            .bind(&row.body)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from number_rules where pbx_id = ?1 and version <= ?2")
            .bind(row.pbx_id.as_str())
            .bind(row.version - KEPT)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

fn read(pbx: &PbxId, row: &SqliteRow) -> NumberRulesRow {
    NumberRulesRow {
        pbx_id: pbx.clone(),
        version: row.get(0),
        at: Timestamp::from_unix_ms(row.get(1)),
        actor: row.get(2),
        body: row.get(3),
    }
}
