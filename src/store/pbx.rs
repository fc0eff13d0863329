//! PBX rows.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Secret, Store, StoreError};
use crate::domain::PbxId;
use crate::service::pbx::PbxSettings;

/// A PBX as it is stored.
#[derive(Debug, Clone)]
pub struct PbxRow {
    /// Id.
    pub id: PbxId,
    /// Settings.
    pub settings: PbxSettings,
    /// Password of the XML API.
    pub axl_password: Option<Secret>,
    /// Password of SIP digest.
    pub sip_password: Option<Secret>,
    /// Rises with each change; part of the ETag.
    pub version: i64,
}

impl Store {
    /// All PBXs, oldest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn pbxs(&self) -> Result<Vec<PbxRow>, StoreError> {
        sqlx::query("select id, settings, axl_password, sip_password, version from pbx order by id")
            .fetch_all(&self.inner.readers)
            .await?
            .iter()
            .map(|row| self.read_pbx(row))
            .collect()
    }

    fn read_pbx(&self, row: &SqliteRow) -> Result<PbxRow, StoreError> {
        let id: String = row.get(0);
        let broken = |detail: String| StoreError::Row { table: "pbx", id: id.clone(), detail };
        let secret = |column: &str| -> Result<Option<Secret>, StoreError> {
            match row.get::<Option<Vec<u8>>, _>(column) {
                Some(sealed) => Ok(Some(self.inner.vault.unseal(&format!("pbx/{id}/{column}"), &sealed)?)),
                None => Ok(None),
            }
        };
        Ok(PbxRow {
            id: PbxId::parse(&id).map_err(|error| broken(error.to_string()))?,
            settings: serde_json::from_str(row.get("settings")).map_err(|error| broken(error.to_string()))?,
            axl_password: secret("axl_password")?,
            sip_password: secret("sip_password")?,
            version: row.get("version"),
        })
    }

    /// Adds a PBX.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when another one has its name.
    pub async fn insert_pbx(&self, row: &PbxRow) -> Result<(), StoreError> {
        let (axl, sip) = self.seal_pbx(row)?;
        let settings = settings_text(row)?;
        let mut writer = self.writer().await?;
        sqlx::query(
            "insert into pbx (id, name, settings, axl_password, sip_password, version) values (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(row.id.as_str())
        .bind(&row.settings.name)
        .bind(settings)
        .bind(axl)
        .bind(sip)
        .bind(row.version)
        .execute(&mut *writer)
        .await
        .map_err(exists)?;
        Ok(())
    }

    /// Replaces a PBX whose version is one less than the row's.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it was changed meanwhile, [`StoreError::Exists`] when another one has its name.
    pub async fn update_pbx(&self, row: &PbxRow) -> Result<(), StoreError> {
        let (axl, sip) = self.seal_pbx(row)?;
        let settings = settings_text(row)?;
        let mut writer = self.writer().await?;
        let done = sqlx::query(
            "update pbx set name = ?2, settings = ?3, axl_password = ?4, sip_password = ?5, version = ?6 \
             where id = ?1 and version = ?6 - 1",
        )
        .bind(row.id.as_str())
        .bind(&row.settings.name)
        .bind(settings)
        .bind(axl)
        .bind(sip)
        .bind(row.version)
        .execute(&mut *writer)
        .await
        .map_err(exists)?;
        if done.rows_affected() == 0 {
            return Err(StoreError::Changed);
        }
        Ok(())
    }

    /// Deletes a PBX with its lines.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_pbx(&self, id: &PbxId) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query("delete from pbx where id = ?1").bind(id.as_str()).execute(&mut *writer).await?;
        Ok(())
    }

    #[expect(clippy::type_complexity, reason = "two optional blobs")]
    fn seal_pbx(&self, row: &PbxRow) -> Result<(Option<Vec<u8>>, Option<Vec<u8>>), StoreError> {
        let seal = |column: &str, secret: Option<&Secret>| {
            secret.map(|secret| self.inner.vault.seal(&format!("pbx/{}/{column}", row.id), secret)).transpose()
        };
        Ok((seal("axl_password", row.axl_password.as_ref())?, seal("sip_password", row.sip_password.as_ref())?))
    }
}

fn settings_text(row: &PbxRow) -> Result<String, StoreError> {
    serde_json::to_string(&row.settings).map_err(|error| StoreError::Row {
        table: "pbx",
        id: row.id.to_string(),
        detail: error.to_string(),
    })
}

/// A broken uniqueness is the caller's to explain.
pub(super) fn exists(error: sqlx::Error) -> StoreError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => StoreError::Exists,
        _ => StoreError::Sql(error),
    }
}
