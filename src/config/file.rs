//! The configuration file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

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
    pub pbx: Vec<FilePbx>,
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

impl FileConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read or is not what it should be; the position is named.
    pub fn read(path: &Path) -> Result<Self, Vec<Problem>> {
        let origin = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| vec![Problem::new(&origin, error.to_string())])?;
        Self::parse(&text, &origin)
    }

    fn parse(text: &str, origin: &str) -> Result<Self, Vec<Problem>> {
        let config: Self = toml::from_str(text)
            .map_err(|error| vec![Problem::new(origin, error.message().to_owned() + &place(text, &error))])?;
        let problems: Vec<_> = config
            .pbx
            .iter()
            .flat_map(|pbx| {
                pbx.settings.problems().into_iter().map(|problem| {
                    Problem::new(format!("{origin}: pbx {}{}", pbx.settings.name, problem.pointer), problem.detail)
                })
            })
            .collect();
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
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
        let config = FileConfig::parse(
            "[[pbx]]\nname = \"hq\"\nhost = \"192.0.2.10\"\n[pbx.axl]\nusername = \"ctigw\"\npassword = \"canary\"\n",
            "test",
        )
        .unwrap();
        let pbx = &config.pbx[0];
        assert_eq!(pbx.axl_password.as_ref().unwrap().expose(), "canary");
        assert!(!format!("{pbx:?}").contains("canary"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let problems = FileConfig::parse("listen = \"127.0.0.1:1\"\nlisten_on = 1\n", "test").unwrap_err();
        assert!(problems[0].detail.contains("listen_on"), "{problems:?}");
        assert!(problems[0].detail.contains("line 2"), "{problems:?}");
    }
}
