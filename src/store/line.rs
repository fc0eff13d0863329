//! Line rows: what is kept of a line; what it does now is the link's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::meta::next_tapi_id;
use super::pbx::exists;
use super::{Store, StoreError, WRITING};
use crate::domain::{LineId, LineKind, LineSource, PbxId, Timestamp};

/// The parts of a line that are kept as one text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineBody {
    /// Display name.
    pub name: String,
    /// A person named a line of the PBX: loads keep the name.
    #[serde(default)]
    pub has_own_name: bool,
    /// Phone or user.
    pub kind: LineKind,
    /// Who entered it.
    pub source: LineSource,
    /// Whether it is monitored.
    pub enabled: bool,
    /// Numbers of further buttons.
    pub buttons: Vec<String>,
    /// Labels of programs.
    pub labels: BTreeMap<String, String>,
    /// Since when the PBX does not know it.
    pub missing_since: Option<Timestamp>,
    /// Whether a phone was registered at the last look.
    #[serde(default)]
    pub in_service: Option<bool>,
    /// `cti watch` at the last load.
    #[serde(default)]
    pub cti_watch: Option<bool>,
    /// `cti notify` at the last load.
    #[serde(default)]
    pub cti_notify: Option<bool>,
    /// The phone that a mobility user was logged in at.
    #[serde(default)]
    pub host_mac: Option<String>,
    /// The mobility user whose line it is: another number is the same person's.
    #[serde(default)]
    pub user: Option<String>,
}

/// A line as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    /// Id.
    pub id: LineId,
    /// Permanent number for TAPI; 0 until it is stored.
    pub tapi_id: u32,
    /// PBX.
    pub pbx_id: PbxId,
    /// Number of the first button.
    pub number: String,
    /// MAC of the phone.
    pub device_id: Option<String>,
    /// The rest.
    pub body: LineBody,
    /// Rises with each change.
    pub version: i64,
}

impl Store {
    /// All lines of a PBX, by TAPI number.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn lines(&self, pbx: &PbxId) -> Result<Vec<LineRow>, StoreError> {
        sqlx::query(
            "select id, tapi_id, pbx_id, number, device_id, body, version from line where pbx_id = ?1 order by tapi_id",
        )
        .bind(pbx.as_str())
        .fetch_all(&self.inner.readers)
        .await?
        .iter()
        .map(read)
        .collect()
    }

    /// Writes lines, all or none: new ones (with `tapi_id` 0) get their number, which is filled in.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a number and device are taken by another line.
    pub async fn write_lines(&self, rows: &mut [LineRow]) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITING).await?;
        let mut numbers = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            numbers.push(write(&mut transaction, row).await?);
        }
        transaction.commit().await?;
        // Only now: a number of a write that failed is given to another line.
        for (row, number) in rows.iter_mut().zip(numbers) {
            row.tapi_id = number;
        }
        Ok(())
    }

    /// Deletes a line; its TAPI number is never given again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_line(&self, id: &LineId) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query("delete from line where id = ?1").bind(id.as_str()).execute(&mut *writer).await?;
        Ok(())
    }
}

async fn write(connection: &mut SqliteConnection, row: &LineRow) -> Result<u32, StoreError> {
    let tapi_id = match row.tapi_id {
        0 => next_tapi_id(&mut *connection).await?,
        known => known,
    };
    let body = serde_json::to_string(&row.body).map_err(|error| StoreError::Row {
        table: "line",
        id: row.id.to_string(),
        detail: error.to_string(),
    })?;
    sqlx::query(
        "insert into line (id, tapi_id, pbx_id, number, device_id, body, version) values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         on conflict (id) do update set number = excluded.number, device_id = excluded.device_id, \
         body = excluded.body, version = excluded.version",
    )
    .bind(row.id.as_str())
    .bind(tapi_id)
    .bind(row.pbx_id.as_str())
    .bind(&row.number)
    .bind(&row.device_id)
    .bind(body)
    .bind(row.version)
    .execute(connection)
    .await
    .map_err(exists)?;
    Ok(tapi_id)
}

fn read(row: &SqliteRow) -> Result<LineRow, StoreError> {
    let id: String = row.get("id");
    let broken = |detail: String| StoreError::Row { table: "line", id: id.clone(), detail };
    Ok(LineRow {
        id: LineId::parse(&id).map_err(|error| broken(error.to_string()))?,
        tapi_id: row.get("tapi_id"),
        pbx_id: PbxId::parse(row.get("pbx_id")).map_err(|error| broken(error.to_string()))?,
        number: row.get("number"),
        device_id: row.get("device_id"),
        body: serde_json::from_str(row.get("body")).map_err(|error| broken(error.to_string()))?,
        version: row.get("version"),
    })
}
