//! Passwords as references.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::Hidden;

/// Where a password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In a variable of the environment.
    Variable(String),
    /// In a file.
    File(PathBuf),
    /// In the file of settings itself.
    Here(Hidden),
}

/// Why a password cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// A key holds something else than a text.
    #[error("`{0}` is a text")]
    Type(&'static str),
    /// More than one place.
    #[error("name the password once: password_env, password_file or password")]
    Several,
    /// The variable is not set.
    #[error("the variable {0} is not set: set it to the password")]
    NoVariable(String),
    /// The file cannot be read.
    #[error("the file of the password, {path}, cannot be read: {detail}")]
    NoFile {
        /// Its path.
        path: String,
        /// What the system said.
        detail: String,
    },
}

impl SecretSource {
    /// The keys that name one.
    pub(super) const KEYS: [&'static str; 3] = ["password_env", "password_file", "password"];

    /// Takes the reference out of a section of a PBX.
    ///
    /// # Errors
    /// When it is no text, or there are several.
    pub(super) fn take(pbx: &mut Map<String, Value>, section: &str) -> Result<Option<Self>, SecretError> {
        let Some(section) = pbx.get_mut(section).and_then(Value::as_object_mut) else { return Ok(None) };
        let mut found = None;
        // All of them are taken out before one is judged: none is a setting of the section itself.
        let given = Self::KEYS.map(|key| (key, section.remove(key)));
        for (key, value) in given {
            let Some(value) = value else { continue };
            let Value::String(text) = value else { return Err(SecretError::Type(key)) };
            let source = match key {
                "password_env" => Self::Variable(text),
                "password_file" => Self::File(PathBuf::from(text)),
                _ => Self::Here(Hidden::new(text)),
            };
            if found.replace(source).is_some() {
                return Err(SecretError::Several);
            }
        }
        Ok(found)
    }

    /// The password itself.
    ///
    /// # Errors
    /// When the variable is not set or the file cannot be read.
    pub fn read(&self) -> Result<Hidden, SecretError> {
        match self {
            Self::Variable(name) => {
                let value = std::env::var(name).ok().filter(|value| !value.is_empty());
                value.map(Hidden::new).ok_or_else(|| SecretError::NoVariable(name.clone()))
            }
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(Hidden::new(text.trim_end_matches(['\r', '\n']))),
                Err(error) => Err(SecretError::NoFile { path: path.display().to_string(), detail: error.to_string() }),
            },
            Self::Here(text) => Ok(text.clone()),
        }
    }
}
