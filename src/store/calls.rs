//! The calls that lived when the last run ended.

use sqlx::Row as _;

use super::{Store, StoreError};
use crate::domain::Call;

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
}
