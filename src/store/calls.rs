//! The calls that lived when the last run ended.

use std::collections::HashMap;

use sqlx::Row as _;

use super::{Store, StoreError};
use crate::domain::{Call, CallId, CallLife};

impl Store {
    /// The last states of living calls; one that cannot be read is left out and told in the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_calls(&self) -> Result<Vec<Call>, StoreError> {
        let rows = sqlx::query("select id, body from live_call order by id").fetch_all(&self.inner.readers).await?;
        Ok(rows
            .iter()
            .filter_map(|row| match serde_json::from_str(row.get(1)) {
                Ok(call) => Some(call),
                Err(error) => {
                    tracing::warn!(call.id = row.get::<&str, _>(0), %error, "a stored call cannot be read");
                    None
                }
            })
            .collect())
    }

    /// What the living calls have been through; what cannot be read is not known.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn live_lives(&self) -> Result<HashMap<CallId, CallLife>, StoreError> {
        let rows = sqlx::query("select id, life from live_call").fetch_all(&self.inner.readers).await?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            Some((CallId::parse(row.get(0)).ok()?, serde_json::from_str(row.get(1)).unwrap_or_default()))
        };
        Ok(rows.iter().filter_map(read).collect())
    }
}
