//! `dialplan-pattern <tag> <pattern> extension-length <n>`: the long form of an extension.

use serde::{Deserialize, Serialize};

/// One pattern. Its last dots stand for the digits of the extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialplanPattern {
    /// For example `+4930555...`.
    pub pattern: String,
    /// Length of the extensions it is for.
    pub extension_length: usize,
}

impl DialplanPattern {
    /// The long form of an extension.
    pub(crate) fn expand(&self, extension: &str) -> Option<String> {
        let prefix = self.pattern.trim_end_matches('.');
        (extension.len() == self.extension_length && self.pattern.len() == prefix.len() + extension.len())
            .then(|| format!("{prefix}{extension}"))
    }

    /// The extension of a long form.
    pub(crate) fn extension<'a>(&self, number: &'a str) -> Option<&'a str> {
        let rest = number.strip_prefix(self.pattern.trim_end_matches('.'))?;
        (rest.len() == self.extension_length).then_some(rest)
    }
}
