//! The switches of section 15: what nobody documents about the interface, each with its most defensible choice.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All switches of section 15. Serialised names are those of the table without the `axl.` prefix; the groups
/// `lines`, `em`, `check` and `apply` are objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// How lists are read (section 15, 1).
    pub list_mode: ListMode,
    /// Form of the envelope of requests (section 15, 3).
    pub envelope: Envelope,
    /// Path of the URL (section 15, 4).
    pub path: String,
    /// Credentials are sent with the first request, without waiting for a 401 (section 15, 5).
    pub auth_preemptive: bool,
    /// Meaning of button mode words that the rules of section 8.2 do not cover, by normalised word
    /// (upper case, `_` for `-` and blank); it wins over those rules (section 15, 6).
    pub button_mode_map: BTreeMap<String, ButtonKind>,
    /// Character set of replies (section 15, 17).
    pub charset: Charset,
    /// Requests at the same time, 1 to 10 (section 15, 18). This implementation sends one at a time.
    pub max_parallel: u8,
    /// Use of the event requests of 2008 (section 15, 19).
    pub events: Events,
    /// Whether `ISgetGlobal` is asked at all (section 15, 24).
    pub read_global: bool,
    /// What counts as a line.
    pub lines: LinesDialect,
    /// Extension mobility.
    pub em: EmDialect,
    /// The CSTA check.
    pub check: CheckDialect,
    /// Pushing configuration.
    pub apply: ApplyDialect,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            list_mode: ListMode::Auto,
            envelope: Envelope::Vendor,
            path: "/ios_xml_app/cme".to_owned(),
            auth_preemptive: true,
            button_mode_map: BTreeMap::new(),
            charset: Charset::Auto,
            max_parallel: 1,
            events: Events::Off,
            read_global: true,
            lines: LinesDialect::default(),
            em: EmDialect::default(),
            check: CheckDialect::default(),
            apply: ApplyDialect::default(),
        }
    }
}

/// How lists are read (section 15, 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListMode {
    /// `all` first, tag by tag when that does not work.
    #[default]
    Auto,
    /// `all` only; a list that does not fit fails the load.
    All,
    /// `allTag`, then one request for each object.
    ByTag,
}

/// Form of the request envelope (section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// Literal prefixes without declarations, `xsi:type` present: the vendor's own samples.
    #[default]
    Vendor,
    /// Prefixes declared.
    Declared,
    /// No `xsi:type`.
    Plain,
}

/// Character set of replies (section 2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Charset {
    /// UTF-8; Windows-1252 for a whole reply that is not UTF-8.
    #[default]
    Auto,
    /// UTF-8; what is not becomes U+FFFD.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1252, which holds ISO-8859-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// Use of the event requests of the 2008 guide (section 4.14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Events {
    /// Never.
    #[default]
    Off,
    /// Asked once; never again after an error.
    Probe,
    /// Always.
    On,
}

/// What a line button is for (section 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// Usable for calls: normal, silent, beep, feature ring.
    Line,
    /// Lamp of a shared line.
    Monitor,
    /// Lamp of a whole phone.
    Watch,
    /// Overlay, overlay with call waiting, expansion of one.
    Overlay,
}

/// Group `lines` of section 15.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinesDialect {
    /// Overlay members count as addresses (section 15, 7).
    pub include_overlay: bool,
    /// Monitor and watch buttons count as addresses (section 15, 7).
    pub include_monitor: bool,
    /// Phones with the same first number become one line (section 15, 20).
    pub merge_same_number: bool,
    /// Phones without a MAC become lines without device id (section 15, 21).
    pub include_no_mac: bool,
}

/// Where extension mobility is recognised (section 15, 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmDetect {
    /// The phone's record.
    Device,
    /// The user profile's record.
    Profile,
    /// Both; the phone's record wins.
    #[default]
    Both,
}

/// Whether user profiles are read (section 15, 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmLoad {
    /// Tried; a router without that request has no mobility lines.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// Group `em` of section 15.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmDialect {
    /// Where mobility is recognised.
    pub detect: EmDetect,
    /// Whether user profiles are read.
    pub load: EmLoad,
}

/// Group `check` of section 15.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckDialect {
    /// A dn has a cti flag when its template has it (section 15, 10).
    pub cti_from_template: bool,
}

impl Default for CheckDialect {
    fn default() -> Self {
        Self { cti_from_template: true }
    }
}

/// Group `apply` of section 15.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApplyDialect {
    /// Most lines of one `ISexecCLI` (section 15, 13).
    pub max_lines: usize,
    /// An `exit` ends each block (section 15, 13).
    pub use_exit: bool,
}

impl Default for ApplyDialect {
    fn default() -> Self {
        Self { max_lines: 20, use_exit: false }
    }
}

impl Dialect {
    /// What a button mode word means: the map, then the substring rules of section 8.2.
    pub fn button_kind(&self, word: &str) -> ButtonKind {
        let word = normalise_mode(word);
        if let Some(kind) = self.button_mode_map.get(&word) {
            return *kind;
        }
        if word.contains("MONITOR") {
            ButtonKind::Monitor
        } else if word.contains("WATCH") {
            ButtonKind::Watch
        } else if word.contains("OVERLAY") || word.contains("CW") || word.contains("EXP") {
            ButtonKind::Overlay
        } else {
            ButtonKind::Line
        }
    }
}

fn normalise_mode(word: &str) -> String {
    word.trim().chars().map(|c| if c == '-' || c.is_whitespace() { '_' } else { c.to_ascii_uppercase() }).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn mode_words_follow_the_substring_rules_and_the_map_wins() {
        let mut dialect = Dialect::default();
        for (word, kind) in [
            ("Normal", ButtonKind::Line),
            ("SILENT_RING", ButtonKind::Line),
            ("", ButtonKind::Line),
            ("monitor-ring", ButtonKind::Monitor),
            ("watch", ButtonKind::Watch),
            ("cw-overlay", ButtonKind::Overlay),
            ("EXPANSION", ButtonKind::Overlay),
        ] {
            assert_eq!(dialect.button_kind(word), kind, "{word}");
        }
        dialect.button_mode_map.insert("ODD_ONE".to_owned(), ButtonKind::Monitor);
        assert_eq!(dialect.button_kind("odd one"), ButtonKind::Monitor);
    }

    #[test]
    fn the_names_of_the_table_are_the_names_of_the_settings() {
        let text = r#"{"list_mode":"by_tag","envelope":"plain","charset":"windows-1252","max_parallel":2,
            "events":"probe","read_global":false,"button_mode_map":{"X":"overlay"},"auth_preemptive":false,
            "path":"/ios_xml_app/cme/","lines":{"include_overlay":true},"em":{"detect":"device","load":"off"},
            "check":{"cti_from_template":false},"apply":{"max_lines":5,"use_exit":true}}"#;
        let dialect: Dialect = serde_json::from_str(text).unwrap();
        assert_eq!(dialect.list_mode, ListMode::ByTag);
        assert_eq!(dialect.charset, Charset::Windows1252);
        let back: Dialect = serde_json::from_str(&serde_json::to_string(&dialect).unwrap()).unwrap();
        assert_eq!(back, dialect);
        assert_eq!(serde_json::from_str::<Dialect>("{}").unwrap(), Dialect::default());
        assert!(serde_json::from_str::<Dialect>(r#"{"list_moda":"all"}"#).is_err());
    }
}
