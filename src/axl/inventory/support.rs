//! Whether a router can be used at all: the version window of sections 1, 8 and 8.5.

use std::fmt;

use super::Inventory;

/// A CME version: `8.6`, `12.6`, `4.0(0)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the dot.
    pub major: u16,
    /// After the dot.
    pub minor: u16,
}

impl Version {
    /// Reads the beginning of a version text; `None` when it does not begin with a number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = |text: &str| -> String { text.chars().take_while(char::is_ascii_digit).collect() };
        let major = digits(text);
        let rest = text.get(major.len()..)?;
        let minor = rest.strip_prefix('.').map(digits).filter(|minor| !minor.is_empty());
        let minor = minor.map_or(Some(0), |minor| minor.parse().ok())?;
        Some(Self { major: major.parse().ok()?, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What can be done with a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// 8.0 up to, not including, 12.6.
    Full(Version),
    /// The version could not be read: allowed.
    Unknown,
    /// 12.6 and later: lines and registration can be read, calls cannot be controlled.
    InventoryOnly {
        /// One sentence.
        sentence: String,
    },
    /// Nothing: too old, or not CME.
    Refused {
        /// One sentence.
        sentence: String,
    },
}

const FIRST: Version = Version { major: 8, minor: 0 };
const GONE: Version = Version { major: 12, minor: 6 };

impl Inventory {
    /// The router's version, when it was told.
    pub fn version(&self) -> Option<Version> {
        let global = self.global.as_ref()?;
        Version::parse(global.version.as_deref()?)
    }

    /// The version gate (section 1, 8) and the SRST check (section 16).
    pub fn support(&self) -> Support {
        let mode = self.global.as_ref().and_then(|global| global.mode.as_deref()).unwrap_or_default();
        // `ITS` is what CME calls itself; a 2008 router might say so in plain words.
        if !mode.is_empty() && !mode.eq_ignore_ascii_case("ITS") && !mode.eq_ignore_ascii_case("CME") {
            let sentence = format!("the router runs in mode {mode} (SRST, a fallback of another system), not as CME");
            return Support::Refused { sentence };
        }
        match self.version() {
            None => Support::Unknown,
            Some(version) if version < FIRST => {
                Support::Refused { sentence: format!("CME {version} has no CTI; it came with 8.0") }
            }
            Some(version) if version >= GONE => Support::InventoryOnly {
                sentence: format!(
                    "Cisco removed CTI from CME 12.6 on: this is {version}, its lines can be shown but not controlled"
                ),
            },
            Some(version) => Support::Full(version),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::axl::record::Global;

    fn router(mode: &str, version: &str) -> Support {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let global = Global { mode: text(mode), version: text(version), ..Global::default() };
        Inventory { global: Some(global), ..Inventory::default() }.support()
    }

    #[test]
    fn the_window_is_8_0_to_12_6() {
        for good in ["8.0", "8.6", "9.1", "10.5", "11.7", "12.5", "12.3(1)"] {
            assert!(matches!(router("ITS", good), Support::Full(_)), "{good}");
        }
        for old in ["4.0(0)", "7.2", "7"] {
            assert!(matches!(router("ITS", old), Support::Refused { .. }), "{old}");
        }
        for new in ["12.6", "14.1"] {
            assert!(matches!(router("its", new), Support::InventoryOnly { .. }), "{new}");
        }
        assert_eq!(router("ITS", ""), Support::Unknown);
        assert_eq!(router("ITS", "unknown"), Support::Unknown);
        assert_eq!(Inventory::default().support(), Support::Unknown);
        assert!(matches!(router("SRST", "8.6"), Support::Refused { .. }));
    }
}
