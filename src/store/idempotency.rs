//! First answers of commands with an `Idempotency-Key` (api.md, "Conventions"): kept for 24 h, restarts included.

use sqlx::Row as _;

use super::{Store, StoreError};
use crate::domain::{Timestamp, TokenId};

const KEPT_MS: i64 = 24 * 3600 * 1000;

/// The answer that a key got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// Status code.
    pub status: u16,
    /// Headers to repeat, as JSON.
    pub headers: String,
    /// Body.
    pub body: Vec<u8>,
}

/// What a key means now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It is new and ours.
    Fresh,
    /// It was answered with the same body.
    Answered(StoredAnswer),
    /// It came with another body.
    OtherBody,
    /// The first one is still under way, or the process died over it.
    Running,
}

impl Store {
    /// Claims a key for a request.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_key(
        &self,
        token: &TokenId,
        key: &str,
        body_hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query("delete from idempotency where created_at < ?1")
            .bind(now.unix_ms() - KEPT_MS)
            .execute(&mut *writer)
            .await?;
        let done = sqlx::query(
            "insert into idempotency (token_id, key, body_hash, created_at) values (?1, ?2, ?3, ?4) \
             on conflict do nothing",
        )
        .bind(token.as_str())
        .bind(key)
        .bind(body_hash.as_slice())
        .bind(now.unix_ms())
        .execute(&mut *writer)
        .await?;
        if done.rows_affected() == 1 {
            return Ok(Claim::Fresh);
        }
        let row =
            sqlx::query("select body_hash, status, headers, body from idempotency where token_id = ?1 and key = ?2")
                .bind(token.as_str())
                .bind(key)
                .fetch_one(&mut *writer)
                .await?;
        if row.get::<Vec<u8>, _>(0) != body_hash.as_slice() {
            return Ok(Claim::OtherBody);
        }
        Ok(match row.get::<Option<u16>, _>(1) {
            None => Claim::Running,
            Some(status) => Claim::Answered(StoredAnswer {
                status,
                headers: row.get::<Option<String>, _>(2).unwrap_or_default(),
                body: row.get::<Option<Vec<u8>>, _>(3).unwrap_or_default(),
            }),
        })
    }

    /// Keeps the answer of a claimed key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn answer_key(&self, token: &TokenId, key: &str, answer: &StoredAnswer) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query("update idempotency set status = ?3, headers = ?4, body = ?5 where token_id = ?1 and key = ?2")
            .bind(token.as_str())
            .bind(key)
            .bind(answer.status)
            .bind(&answer.headers)
            .bind(&answer.body)
            .execute(&mut *writer)
            .await?;
        Ok(())
    }

    /// Gives a key back: the request changed nothing and may be tried again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_key(&self, token: &TokenId, key: &str) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query("delete from idempotency where token_id = ?1 and key = ?2 and status is null")
            .bind(token.as_str())
            .bind(key)
            .execute(&mut *writer)
            .await?;
        Ok(())
    }
}
