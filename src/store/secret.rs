//! Secrets at rest: AES-256-GCM with a key from the environment or a file of the data folder.

use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{StoreError, write_private};

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Why a secret cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The key is not 32 bytes in base64.
    #[error("the key of the secrets must be 32 bytes in base64; make one with `openssl rand -base64 32`")]
    Key,
    /// Another key wrote it.
    #[error(
        "a stored secret cannot be read with this key: give the key that it was written with (LINEGATE_SECRET_KEY or the \
         file secret.key of the data folder)"
    )]
    WrongKey,
    /// The system has no randomness.
    #[error("the system gives no random numbers")]
    Random,
}

pub(super) struct Vault {
    key: LessSafeKey,
    random: SystemRandom,
}

impl Vault {
    pub(super) fn open(folder: &Path, given: Option<&str>) -> Result<Self, StoreError> {
        let random = SystemRandom::new();
        let path = folder.join("secret.key");
        let text = match given {
            Some(text) => text.to_owned(),
            None if path.exists() => {
                std::fs::read_to_string(&path).map_err(|source| StoreError::Folder { path: path.clone(), source })?
            }
            None => {
                let mut bytes = [0_u8; 32];
                random.fill(&mut bytes).map_err(|_| SecretError::Random)?;
                let text = STANDARD.encode(bytes);
                write_private(&path, &text)?;
                text
            }
        };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| SecretError::Key)?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SecretError::Key)?;
        Ok(Self { key: LessSafeKey::new(key), random })
    }

    /// Encrypts for one place: what is moved elsewhere cannot be read there.
    pub(super) fn seal(&self, place: &str, secret: &Secret) -> Result<Vec<u8>, SecretError> {
        let mut nonce = [0_u8; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| SecretError::Random)?;
        let mut sealed = secret.expose().as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place.as_bytes()), &mut sealed)
            .map_err(|_| SecretError::Key)?;
        let mut out = nonce.to_vec();
        out.append(&mut sealed);
        Ok(out)
    }

    pub(super) fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Secret, SecretError> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(SecretError::WrongKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SecretError::WrongKey)?;
        let mut body = body.to_vec();
        let plain =
            self.key.open_in_place(nonce, Aad::from(place.as_bytes()), &mut body).map_err(|_| SecretError::WrongKey)?;
        String::from_utf8(plain.to_vec()).map(Secret).map_err(|_| SecretError::WrongKey)
    }
}
