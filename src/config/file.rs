//! The configuration file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use super::{Hidden, Problem};
use crate::service::pbx::PbxSettings;

/// The file as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// See [`super::Settings::data_dir`].
    pub data_dir: Option<PathBuf>,
    /// See [`super::Settings::listen`].
    pub listen: Option<String>,
    /// See [`super::Settings::log`].
    pub log: Option<String>,
    /// See [`super::Settings::log_json`].
    pub log_json: bool,
    /// The log file.
    pub log_file: FileLogFile,
    /// The protocol trace.
    pub trace: FileTrace,
    /// Export to a capture server.
    pub hep: FileHep,
    /// Export of spans.
    pub otel: FileOtel,
    /// TLS.
    pub tls: FileTls,
    /// CORS.
    pub cors: FileCors,
    /// Retention.
    pub retention: FileRetention,
    /// PBXs to create at the first start.
    pub pbx: Vec<ReadPbx>,
}

/// A table `[[pbx]]`, or what is wrong with it: the rest of the file is read all the same.
#[derive(Debug, Clone)]
pub struct ReadPbx(Result<FilePbx, String>);

impl<'de> Deserialize<'de> for ReadPbx {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(FilePbx::deserialize(value).map_err(|error| error.to_string())))
    }
}

/// `[log_file]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileLogFile {
    /// Where it is; nowhere without it.
    pub path: Option<PathBuf>,
    /// JSON lines instead of text.
    pub json: bool,
    /// Size of one file.
    pub max_mib: Option<u32>,
    /// Full files that are kept.
    pub keep: Option<u32>,
}

/// `[trace]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileTrace {
    /// Room for each PBX.
    pub buffer_mib: Option<u32>,
}

/// `[hep]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileHep {
    /// Host and port of the server; nothing is exported without it.
    pub server: Option<String>,
    /// Number of this capture agent.
    pub capture_id: Option<u32>,
    /// The server's key.
    pub auth_key: Option<Hidden>,
}

/// `[otel]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileOtel {
    /// Address of the collector; nothing is exported without it.
    pub endpoint: Option<String>,
}

/// `[tls]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileTls {
    /// PEM chain.
    pub cert: Option<PathBuf>,
    /// PEM key.
    pub key: Option<PathBuf>,
    /// Make a certificate.
    pub self_signed: bool,
}

/// `[cors]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileCors {
    /// Exact origins.
    pub origins: Vec<String>,
}

/// `[retention]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileRetention {
    /// Days.
    pub days: Option<u32>,
    /// Events.
    pub events: Option<u64>,
    /// Days of finished calls.
    pub call_days: Option<u32>,
}

/// `[[pbx]]`: the settings of the API plus the secrets.
#[derive(Debug, Clone)]
pub struct FilePbx {
    /// Settings.
    pub settings: PbxSettings,
    /// Password of the XML API.
    pub axl_password: Option<Hidden>,
    /// Password of SIP digest.
    pub sip_password: Option<Hidden>,
}

impl<'de> Deserialize<'de> for FilePbx {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let mut value = serde_json::Value::deserialize(deserializer)?;
        let mut secret = |section: &str| -> Result<Option<Hidden>, D::Error> {
            let Some(table) = value.get_mut(section).and_then(serde_json::Value::as_object_mut) else {
                return Ok(None);
            };
            let direct = table.remove("password");
            let file = table.remove("password_file");
            let env = table.remove("password_env");
            let text = |value: Option<serde_json::Value>| value.and_then(|v| v.as_str().map(str::to_owned));
            if let Some(path) = text(file) {
                let content = std::fs::read_to_string(&path)
                    .map_err(|error| D::Error::custom(format!("{section}.password_file {path}: {error}")))?;
                return Ok(Some(Hidden::new(content.trim_end_matches(['\r', '\n']))));
            }
            if let Some(name) = text(env) {
                let content = std::env::var(&name)
                    .map_err(|_| D::Error::custom(format!("{section}.password_env: {name} is not set")))?;
                return Ok(Some(Hidden::new(content)));
            }
            Ok(text(direct).map(Hidden::new))
        };
        let axl_password = secret("axl")?;
        let sip_password = secret("sip")?;
        let settings: PbxSettings = serde_path_to_error::deserialize(value)
            .map_err(|error| D::Error::custom(format!("pbx.{}: {}", error.path(), error.inner())))?;
        Ok(Self { settings, axl_password, sip_password })
    }
}

/// Longest list of what is wrong with a file.
const MOST_PROBLEMS: usize = 50;

impl FileConfig {
    /// Reads a file: what of it can be used, and everything that cannot, with its place.
    pub fn read(path: &Path) -> (Self, Vec<Problem>) {
        let origin = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &origin),
            Err(error) => (Self::default(), vec![Problem::new(&origin, error.to_string())]),
        }
    }

    fn parse(text: &str, origin: &str) -> (Self, Vec<Problem>) {
        let mut text = text.to_owned();
        let mut mistakes = Vec::new();
        let config = loop {
            let error = match toml::from_str::<Self>(&text) {
                Ok(config) => break config,
                Err(error) => error,
            };
            let at = error.span().map_or(0, |span| span.start);
            mistakes.push((at, Problem::new(origin, error.message().to_owned() + &place(&text, &error))));
            // The reader stops at the first mistake: it is put out of the way, and what follows is read.
            match without(&text, at) {
                Some(rest) if mistakes.len() < MOST_PROBLEMS => text = rest,
                _ => break Self::default(),
            }
        };
        mistakes.sort_by_key(|(at, _)| *at);
        let mut problems: Vec<Problem> = mistakes.into_iter().map(|(_, problem)| problem).collect();
        problems.extend(config.pbx_problems(origin));
        (config, problems)
    }

    fn pbx_problems(&self, origin: &str) -> Vec<Problem> {
        let problems = self.pbx.iter().enumerate().flat_map(|(at, pbx)| match &pbx.0 {
            Ok(pbx) => {
                let of = format!("{origin}: pbx {}", pbx.settings.name);
                let problems = pbx.settings.problems().into_iter();
                problems.map(|problem| Problem::new(format!("{of}{}", problem.pointer), problem.detail)).collect()
            }
            Err(detail) => vec![Problem::new(format!("{origin}: pbx number {}", at + 1), detail.clone())],
        });
        problems.collect()
    }

    /// The PBXs that can be used.
    pub fn pbxs(self) -> Vec<FilePbx> {
        self.pbx.into_iter().filter_map(|pbx| pbx.0.ok()).collect()
    }
}

/// The text with blanks in the place of the key and value that a position lies in, or of the whole table when it has none;
/// `None` when that leaves no TOML.
fn without(text: &str, at: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let (start, end) = entry_at(text, table.get_ref(), at)?;
    let blank = text.get(start..end)?.chars().map(|c| if c == '\n' { "\n" } else { " " }.repeat(c.len_utf8()));
    let rest = format!("{}{}{}", text.get(..start)?, blank.collect::<String>(), text.get(end..)?);
    DeTable::parse(&rest).is_ok().then_some(rest)
}

/// Where the innermost entry begins and ends that a position lies in.
fn entry_at(text: &str, table: &DeTable<'_>, at: usize) -> Option<(usize, usize)> {
    let line_of = |at: usize| text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    for (key, value) in table.iter() {
        let is_key = key.span().contains(&at);
        let inner = match value.get_ref() {
            // An inline table is one value.
            DeValue::Table(inner) if !text.get(value.span()).is_some_and(|text| text.starts_with('{')) => inner,
            _ if is_key || value.span().contains(&at) => return Some((line_of(key.span().start), value.span().end)),
            _ => continue,
        };
        if let Some(found) = entry_at(text, inner, at) {
            return Some(found);
        }
        if is_key {
            // A table that does not exist goes with all that is in it.
            let start = line_of(key.span().start);
            let end = text.get(start..)?.match_indices("\n[").next().map_or(text.len(), |(found, _)| start + found);
            return Some((start, end));
        }
    }
    None
}

/// The line where a text is wrong.
pub(super) fn place(text: &str, error: &toml::de::Error) -> String {
    match error.span() {
        Some(span) => {
            let line = text.get(..span.start).unwrap_or(text).matches('\n').count() + 1;
            format!(" (line {line})")
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pbx_of_the_file_keeps_its_password_apart() {
        let (config, problems) = FileConfig::parse(
            "[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.10\"\n[pbx.axl]\nusername = \"ctigw\"\npassword = \"canary\"\n",
            "test",
        );
        assert_eq!(problems, []);
        let pbx = &config.pbxs()[0];
        assert_eq!(pbx.axl_password.as_ref().unwrap().expose(), "canary");
        assert!(!format!("{pbx:?}").contains("canary"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let problems = FileConfig::parse("listen = \"127.0.0.1:1\"\nlisten_on = 1\n", "test").1;
        assert!(problems[0].detail.contains("listen_on"), "{problems:?}");
        assert!(problems[0].detail.contains("line 2"), "{problems:?}");
    }

    #[test]
    fn one_mistake_hides_no_other() {
        let text = "log_json = \"perhaps\"\nlisten = 5\ntls.cert = 1\nretention = { days = \"x\", events = \"y\" }\n\
            [log_file]\nkeep = -1 # few\nmax_mib = \"ten\"\n[unknown]\nkey = 1\n[unknown.deep]\nkey = 2\n[cors]\norigins = \"x\"\n\
            [[pbx]]\nname = \"hq\"\nhost = \"not a host\"\n[[pbx]]\nname = 7\nhost = \"192.0.2.1\"\n[hep]\nserver = \"h:1\"\n";
        let (config, problems) = FileConfig::parse(text, "test");
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for part in [
            "(line 1)",
            "(line 2)",
            "(line 3)",
            "(line 4)",
            "(line 6)",
            "(line 7)",
            "(line 8)",
            "(line 10)",
            "(line 13)",
            "pbx hq/host",
            "pbx number 2: pbx.name",
        ] {
            assert_eq!(told.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {told:#?}");
        }
        assert_eq!(config.hep.server.as_deref(), Some("h:1"), "what is good is read");
    }

    #[test]
    fn what_is_no_toml_is_one_problem() {
        let problems = FileConfig::parse("listen = \nlog = 5\n", "test").1;
        assert!(problems.len() == 1 && problems[0].detail.contains("(line 1)"), "{problems:?}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_read_for_ever(text in "(\\[|\\]|\\{|\\}|=|\\.|\"|'|,|#|\n| |pbx|tls|cert|listen|log_file|keep|1|é){0,40}") {
            let (_, problems) = FileConfig::parse(&text, "test");
            proptest::prop_assert!(problems.len() <= MOST_PROBLEMS);
        }
    }
}
