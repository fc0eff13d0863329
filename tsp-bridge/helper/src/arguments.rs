//! The command line.

use std::collections::BTreeMap;

/// Options with a value, and those without.
const VALUES: [&str; 12] = [
    "msi",
    "gateway",
    "token",
    "token-file",
    "enroll",
    "fingerprint",
    "ca-file",
    "lines",
    "log-level",
    "log-dir",
    "provider",
    "line",
];
const FLAGS: [&str; 8] = ["allow-plain", "outlook", "quiet", "json", "all", "remove", "undoable", "list-only"];

/// The order of an MSI's properties in `--msi`, with bars between them. A folder may end in a backslash, which would take
/// the closing quotation mark with it: it does not stand at the end.
const MSI: [&str; 9] =
    ["gateway", "token", "token-file", "fingerprint", "ca-file", "lines", "log-level", "log-dir", "enroll"];

/// What was given.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    values: BTreeMap<String, String>,
    flags: Vec<String>,
    words: Vec<String>,
}

/// What is wrong with it.
#[derive(Debug)]
pub(crate) struct UsageError(pub(crate) String);

impl Arguments {
    pub(crate) fn read(words: &[String]) -> Result<Self, UsageError> {
        let mut read = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let Some(name) = word.strip_prefix("--") else {
                read.words.push(word.clone());
                continue;
            };
            let (name, inline) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (name, None),
            };
            if FLAGS.contains(&name) && inline.is_none() {
                read.flags.push(name.to_owned());
            } else if VALUES.contains(&name) {
                let value = match inline {
                    Some(value) => value,
                    None => rest.next().cloned().ok_or_else(|| UsageError(format!("--{name} needs a value")))?,
                };
                // An MSI has room for a short command line only, and hands over empty properties: they mean "not given".
                if name == "msi" {
                    for (name, value) in MSI.iter().zip(value.split('|')).filter(|(_, value)| !value.is_empty()) {
                        read.values.insert((*name).to_owned(), value.to_owned());
                    }
                } else if !value.is_empty() {
                    read.values.insert(name.to_owned(), value);
                }
            } else {
                return Err(UsageError(format!("there is no option --{name}")));
            }
        }
        Ok(read)
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        self.words.first().map(String::as_str)
    }

    /// `--provider`.
    pub(crate) fn provider(&self) -> Result<Option<u32>, UsageError> {
        let parse = |text: &str| text.parse().map_err(|_| UsageError(format!("--provider is a number, not {text}")));
        self.value("provider").map(parse).transpose()
    }
}
