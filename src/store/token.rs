//! Tokens: only their hashes are stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::{Secret, SecretError, Store, StoreError, write_private};
use crate::domain::{EnrolmentId, IdError, LineId, Timestamp, TokenId};

/// What a token may do; each includes the ones before it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Look.
    Read,
    /// Act on calls.
    Control,
    /// Configure.
    Admin,
}

impl Scope {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::Read, Self::Control, Self::Admin].into_iter().find(|scope| scope.as_str() == text)
    }
}

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Id.
    pub id: TokenId,
    /// Who or what uses it.
    pub name: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// The highest scope.
    pub scope: Scope,
    /// The lines it may see; `None` means all.
    pub lines: Option<Vec<LineId>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The enrolment that gave it.
    pub enrolment_id: Option<EnrolmentId>,
}

/// SHA-256 of a token's secret.
pub fn hash_token(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// A new secret: 256 random bits.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_secret() -> Result<Secret, SecretError> {
    let mut bytes = [0_u8; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(Secret::new(format!("lg_{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// The bootstrap admin token: the given one, or the one of the file `admin-token`, or a new one written there.
/// Gives the secret and, when it stands in the file, its path.
///
/// # Errors
/// When the file cannot be read or written.
pub fn admin_token(store: &Store, given: Option<&str>) -> Result<(Secret, Option<std::path::PathBuf>), StoreError> {
    if let Some(given) = given {
        return Ok((Secret::new(given), None));
    }
    let path = store.folder().join("admin-token");
    if let Ok(text) = std::fs::read_to_string(&path)
        && !text.trim().is_empty()
    {
        return Ok((Secret::new(text.trim()), Some(path)));
    }
    let secret = new_secret()?;
    write_private(&path, &format!("{}\n", secret.expose()))?;
    Ok((secret, Some(path)))
}

impl Store {
    /// All tokens, oldest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        sqlx::query("select id, name, hash, scopes, lines, created_at, expires_at, enrolment_id from token order by id")
            .fetch_all(&self.inner.readers)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// The token with this hash.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub async fn token_by_hash(&self, hash: &[u8; 32]) -> Result<Option<TokenRow>, StoreError> {
        sqlx::query(
            "select id, name, hash, scopes, lines, created_at, expires_at, enrolment_id from token where hash = ?1",
        )
        .bind(hash.as_slice())
        .fetch_optional(&self.inner.readers)
        .await?
        .as_ref()
        .map(read)
        .transpose()
    }

    /// Adds a token.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when its hash is taken.
    pub async fn insert_token(&self, row: &TokenRow) -> Result<(), StoreError> {
        insert_token(&mut *self.writer().await?, row).await
    }

    /// Ends a token. `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_token(&self, id: &TokenId) -> Result<bool, StoreError> {
        let mut writer = self.writer().await?;
        let done = sqlx::query("delete from token where id = ?1").bind(id.as_str()).execute(&mut *writer).await?;
        Ok(done.rows_affected() > 0)
    }
}

pub(super) async fn insert_token(connection: &mut SqliteConnection, row: &TokenRow) -> Result<(), StoreError> {
    sqlx::query(
        "insert into token (id, name, hash, scopes, lines, created_at, expires_at, enrolment_id) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )
    .bind(row.id.as_str())
    .bind(&row.name)
    .bind(row.hash.as_slice())
    .bind(row.scope.as_str())
    .bind(join_lines(row.lines.as_deref()))
    .bind(row.created_at.unix_ms())
    .bind(row.expires_at.map(Timestamp::unix_ms))
    .bind(row.enrolment_id.as_ref().map(EnrolmentId::as_str))
    .execute(connection)
    .await
    .map_err(super::pbx::exists)?;
    Ok(())
}

/// The lines of a credential as one column.
pub(super) fn join_lines(lines: Option<&[LineId]>) -> Option<String> {
    lines.map(|lines| lines.iter().map(|line| line.as_str()).collect::<Vec<_>>().join(","))
}

/// The column of [`join_lines`] as lines.
pub(super) fn split_lines(text: Option<String>) -> Result<Option<Vec<LineId>>, IdError> {
    text.map(|text| text.split(',').filter(|part| !part.is_empty()).map(LineId::parse).collect()).transpose()
}

fn read(row: &SqliteRow) -> Result<TokenRow, StoreError> {
    let id: String = row.get("id");
    let broken = |detail: &str| StoreError::Row { table: "token", id: id.clone(), detail: detail.to_owned() };
    Ok(TokenRow {
        id: TokenId::parse(&id).map_err(|_| broken("its id"))?,
        name: row.get("name"),
        hash: row.get::<Vec<u8>, _>("hash").try_into().map_err(|_| broken("its hash"))?,
        scope: Scope::parse(row.get("scopes")).ok_or_else(|| broken("its scope"))?,
        lines: split_lines(row.get("lines")).map_err(|_| broken("a line id"))?,
        created_at: Timestamp::from_unix_ms(row.get("created_at")),
        expires_at: row.get::<Option<i64>, _>("expires_at").map(Timestamp::from_unix_ms),
        enrolment_id: row
            .get::<Option<String>, _>("enrolment_id")
            .map(|text| EnrolmentId::parse(&text))
            .transpose()
            .map_err(|_| broken("its enrolment"))?,
    })
}
