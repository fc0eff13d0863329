//! Enrolments: codes by which machines fetch tokens of their own. Only their hashes are stored.

use ring::rand::{SecureRandom as _, SystemRandom};
use sha2::{Digest as _, Sha256};
use sqlx::Connection as _;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::token::{Scope, TokenRow, insert_token, join_lines, split_lines};
use super::{Secret, SecretError, Store, StoreError, WRITING};
use crate::domain::{EnrolmentId, LineId, Timestamp};

/// Digits of a code: none that a person takes for another (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How every code begins, so that one is known when it is seen in a wrong place.
const PREFIX: &str = "LGE";
/// Groups of five digits: 125 random bits.
const GROUPS: usize = 5;

/// An enrolment as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRow {
    /// Id.
    pub id: EnrolmentId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the code.
    pub hash: [u8; 32],
    /// The highest scope of its tokens.
    pub scope: Scope,
    /// The lines that its tokens may see; `None` means all.
    pub lines: Option<Vec<LineId>>,
    /// How many tokens it may give.
    pub uses: u32,
    /// How many it gave.
    pub used: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl EnrolmentRow {
    /// Whether it gives a token now.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.used < self.uses && now < self.expires_at
    }
}

/// A new code, made to be read aloud and typed: `LGE-` and five groups of five digits.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_code() -> Result<Secret, SecretError> {
    let mut bytes = [0_u8; GROUPS * 5];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretError::Random)?;
    let mut code = PREFIX.to_owned();
    for group in bytes.chunks(5) {
        code.push('-');
        // 256 is a multiple of 32: every digit is as likely as any other.
        code.extend(group.iter().map(|byte| char::from(DIGITS[usize::from(byte % 32)])));
    }
    Ok(Secret::new(code))
}

/// SHA-256 of a code as people write it: small letters, other separators and look-alikes are the same code.
pub fn hash_code(code: &str) -> [u8; 32] {
    let read: String = code
        .chars()
        .filter(|character| !matches!(character, '-' | ' '))
        .map(|character| match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    Sha256::digest(read.as_bytes()).into()
}

const COLUMNS: &str = "id, name, hash, scopes, lines, uses, used, created_at, expires_at";

impl Store {
    /// All enrolments, oldest first.
    ///
    /// # Errors
    /// When a row cannot be read.
    pub async fn enrolments(&self) -> Result<Vec<EnrolmentRow>, StoreError> {
        let text = sqlx::AssertSqlSafe(format!("select {COLUMNS} from enrolment order by id"));
        sqlx::query(text).fetch_all(&self.inner.readers).await?.iter().map(read).collect()
    }

    /// The enrolment with this hash.
    ///
    /// # Errors
    /// When the row cannot be read.
    pub async fn enrolment_by_hash(&self, hash: &[u8; 32]) -> Result<Option<EnrolmentRow>, StoreError> {
        let text = sqlx::AssertSqlSafe(format!("select {COLUMNS} from enrolment where hash = ?1"));
        let row = sqlx::query(text).bind(hash.as_slice()).fetch_optional(&self.inner.readers).await?;
        row.as_ref().map(read).transpose()
    }

    /// Adds an enrolment.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when its hash is taken.
    pub async fn insert_enrolment(&self, row: &EnrolmentRow) -> Result<(), StoreError> {
        let mut writer = self.writer().await?;
        sqlx::query(
            "insert into enrolment (id, name, hash, scopes, lines, uses, used, created_at, expires_at) \
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(row.id.as_str())
        .bind(&row.name)
        .bind(row.hash.as_slice())
        .bind(row.scope.as_str())
        .bind(join_lines(row.lines.as_deref()))
        .bind(row.uses)
        .bind(row.used)
        .bind(row.created_at.unix_ms())
        .bind(row.expires_at.unix_ms())
        .execute(&mut *writer)
        .await
        .map_err(super::pbx::exists)?;
        Ok(())
    }

    /// Takes a code back; the tokens that it gave stay. `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_enrolment(&self, id: &EnrolmentId) -> Result<bool, StoreError> {
        let mut writer = self.writer().await?;
        let done = sqlx::query("delete from enrolment where id = ?1").bind(id.as_str()).execute(&mut *writer).await?;
        Ok(done.rows_affected() > 0)
    }

    /// Uses an enrolment up by one and adds the token that this gives: both or neither, also when the process is killed.
    /// `false` when the enrolment gives nothing (any more) at `now`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn enrol(&self, id: &EnrolmentId, token: &TokenRow, now: Timestamp) -> Result<bool, StoreError> {
        let mut writer = self.writer().await?;
        let mut transaction = writer.begin_with(WRITING).await?;
        let counted =
            sqlx::query("update enrolment set used = used + 1 where id = ?1 and used < uses and expires_at > ?2")
                .bind(id.as_str())
                .bind(now.unix_ms())
                .execute(&mut *transaction)
                .await?;
        if counted.rows_affected() == 0 {
            return Ok(false);
        }
        insert_token(&mut transaction, token).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

fn read(row: &SqliteRow) -> Result<EnrolmentRow, StoreError> {
    let id: String = row.get("id");
    let broken = |detail: &str| StoreError::Row { table: "enrolment", id: id.clone(), detail: detail.to_owned() };
    Ok(EnrolmentRow {
        id: EnrolmentId::parse(&id).map_err(|_| broken("its id"))?,
        name: row.get("name"),
        hash: row.get::<Vec<u8>, _>("hash").try_into().map_err(|_| broken("its hash"))?,
        scope: Scope::parse(row.get("scopes")).ok_or_else(|| broken("its scope"))?,
        lines: split_lines(row.get("lines")).map_err(|_| broken("a line id"))?,
        uses: row.get("uses"),
        used: row.get("used"),
        created_at: Timestamp::from_unix_ms(row.get("created_at")),
        expires_at: Timestamp::from_unix_ms(row.get("expires_at")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_code_is_the_same_however_a_person_writes_it() {
        let code = new_code().unwrap();
        let written = code.expose();
        assert_eq!((written.len(), &written[..4]), (33 - 4 + 4, "LGE-"));
        assert_ne!(new_code().unwrap().expose(), written);
        let hash = hash_code(written);
        for other in
            [written.to_lowercase(), written.replace('-', " "), written.replace('-', ""), format!(" {written} ")]
        {
            assert_eq!(hash_code(&other), hash, "{other}");
        }
        assert_eq!(hash_code("LGE-O0I1L"), hash_code("lge 00111"));
        assert_ne!(hash_code("LGE-00111"), hash_code("LGE-00110"));
    }
}
