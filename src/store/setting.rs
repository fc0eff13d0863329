//! Small things that the gateway learns, by key.

use sqlx::Row as _;

use super::{Store, StoreError};

impl Store {
    /// A learned value.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query("select value from setting where key = ?1")
            .bind(key)
            .fetch_optional(&self.inner.readers)
            .await?
            .map(|row| row.get(0)))
    }

    /// Remembers a value, or forgets it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remember(&self, key: &str, value: Option<&str>) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        match value {
            Some(value) => {
                sqlx::query(
                    "insert into setting (key, value) values (?1, ?2) \
                     on conflict (key) do update set value = excluded.value",
                )
                .bind(key)
                .bind(value)
                .execute(&mut *writer)
                .await?
            }
            None => sqlx::query("delete from setting where key = ?1").bind(key).execute(&mut *writer).await?,
        };
        Ok(())
    }
}
