//! Requests of section 4 and their bytes: exactly the vendor's form, or one of the two others of section 3.1.

use bytes::Bytes;

use super::dialect::Envelope;

/// A request of the catalogue (section 4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `ISgetGlobal`.
    Global,
    /// `ISgetDevice`.
    Device(Select),
    /// `ISgetExtension`.
    Extension(Select),
    /// `ISgetExtensionTemplate`.
    ExtensionTemplate(Select),
    /// `ISgetUser` for one name.
    User(String),
    /// `ISgetUserProfile`.
    UserProfile(Select),
    /// `ISgetSessionServer`.
    SessionServer(Select),
    /// `ISgetVoiceRegGlobal`.
    VoiceRegGlobal,
    /// `ISexecCLI`; made by [`Request::exec_cli`].
    ExecCli(CliLines),
    /// `ISSaveConfig`.
    SaveConfig,
}

/// The one selector of a get-request (section 3.2: never two).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Select {
    /// By tag.
    Id(u32),
    /// By name or number.
    Name(String),
    /// 8.5 and later: `ISKeyword`.
    Keyword(Keyword),
    /// 2008: the keyword as the value of the name element.
    NameKeyword(Keyword),
}

/// Keywords of lists (section 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// Every object, whole.
    All,
    /// Every object, its tag only.
    AllTag,
    /// A free tag.
    Available,
    /// 2008: registered phones.
    AllRegistered,
    /// 2008: unregistered phones.
    AllUnregistered,
}

impl Keyword {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AllTag => "allTag",
            Self::Available => "available",
            Self::AllRegistered => "allRegistered",
            Self::AllUnregistered => "allUnregistered",
        }
    }
}

/// Lines of one `ISexecCLI`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliLines(Vec<String>);

impl CliLines {
    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Why CLI lines are not sent (section 4.12).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CliRefused {
    /// Nothing to execute.
    #[error("there is no line to execute")]
    Empty,
    /// More lines than one request may carry.
    #[error("{lines} lines are more than the {max} that one request may carry")]
    TooMany {
        /// Lines given.
        lines: usize,
        /// Lines allowed.
        max: usize,
    },
    /// More than 4 kB of text.
    #[error("the lines hold {0} bytes, more than 4096")]
    TooLong(usize),
    /// A line that is empty or holds a control character.
    #[error("line {0} is empty or holds a line break or another control character")]
    BadLine(usize),
}

const CLI_BYTES: usize = 4096;

impl Request {
    /// An `ISexecCLI` with at most `max_lines` lines; each request starts in global configuration mode, so a
    /// request carries one configuration block.
    ///
    /// # Errors
    /// [`CliRefused`] when a limit of section 4.12 is exceeded or a line could break out of its element.
    pub fn exec_cli(lines: Vec<String>, max_lines: usize) -> Result<Self, CliRefused> {
        if lines.is_empty() {
            return Err(CliRefused::Empty);
        }
        if lines.len() > max_lines {
            return Err(CliRefused::TooMany { lines: lines.len(), max: max_lines });
        }
        if let Some(at) = lines.iter().position(|line| line.trim().is_empty() || line.chars().any(char::is_control)) {
            return Err(CliRefused::BadLine(at + 1));
        }
        let bytes = lines.iter().map(String::len).sum();
        if bytes > CLI_BYTES {
            return Err(CliRefused::TooLong(bytes));
        }
        Ok(Self::ExecCli(CliLines(lines)))
    }

    /// Name of the request element, which is also its `xsi:type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Global => "ISgetGlobal",
            Self::Device(_) => "ISgetDevice",
            Self::Extension(_) => "ISgetExtension",
            Self::ExtensionTemplate(_) => "ISgetExtensionTemplate",
            Self::User(_) => "ISgetUser",
            Self::UserProfile(_) => "ISgetUserProfile",
            Self::SessionServer(_) => "ISgetSessionServer",
            Self::VoiceRegGlobal => "ISgetVoiceRegGlobal",
            Self::ExecCli(_) => "ISexecCLI",
            Self::SaveConfig => "ISSaveConfig",
        }
    }

    /// What it asks, for people.
    pub fn about(&self) -> &'static str {
        match self {
            Self::Global => "the system settings",
            Self::Device(_) => "the phones",
            Self::Extension(_) => "the directory numbers",
            Self::ExtensionTemplate(_) => "the templates of directory numbers",
            Self::User(_) => "a user",
            Self::UserProfile(_) => "the extension mobility users",
            Self::SessionServer(_) => "the session servers",
            Self::VoiceRegGlobal => "the SIP settings",
            Self::ExecCli(_) => "configuration lines",
            Self::SaveConfig => "saving the configuration",
        }
    }

    /// Whether it changes nothing on the router and may be repeated.
    pub fn is_read(&self) -> bool {
        !matches!(self, Self::ExecCli(_) | Self::SaveConfig)
    }

    /// The body to POST.
    pub fn body(&self, envelope: Envelope) -> Bytes {
        let name = self.name();
        let mut out = String::with_capacity(256);
        out.push_str("<SOAP-ENV:Envelope");
        if envelope == Envelope::Declared {
            out.push_str(
                " xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"",
            );
        }
        out.push_str("><SOAP-ENV:Body><axl><request");
        if envelope != Envelope::Plain {
            out.push_str(" xsi:type=\"");
            out.push_str(name);
            out.push('"');
        }
        out.push('>');
        open(&mut out, name);
        match self {
            Self::Global | Self::VoiceRegGlobal | Self::SaveConfig => {}
            Self::Device(select) => selector(&mut out, select, "ISDevID", "ISDevName"),
            Self::Extension(select) => selector(&mut out, select, "ISExtID", "ISExtNumber"),
            Self::ExtensionTemplate(select) => selector(&mut out, select, "ISExtTemplateID", "ISExtTemplateName"),
            Self::UserProfile(select) => selector(&mut out, select, "ISUserProfileID", "ISuserID"),
            Self::SessionServer(select) => selector(&mut out, select, "ISSessionServerID", "ISSessionServerName"),
            Self::User(user) => leaf(&mut out, "ISuserID", user),
            Self::ExecCli(lines) => lines.0.iter().for_each(|line| leaf(&mut out, "CLI", line)),
        }
        close(&mut out, name);
        out.push_str("</request></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>");
        Bytes::from(out)
    }
}

fn open(out: &mut String, name: &str) {
    out.push('<');
    out.push_str(name);
    out.push('>');
}

fn close(out: &mut String, name: &str) {
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn leaf(out: &mut String, name: &str, text: &str) {
    open(out, name);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A control character has no place in XML 1.0 and could end a CLI line early.
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    close(out, name);
}

fn selector(out: &mut String, select: &Select, id: &str, name: &str) {
    match select {
        Select::Id(tag) => leaf(out, id, &tag.to_string()),
        Select::Name(text) => leaf(out, name, text),
        Select::Keyword(keyword) => leaf(out, "ISKeyword", keyword.word()),
        Select::NameKeyword(keyword) => leaf(out, name, keyword.word()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn vendor(request: &Request) -> String {
        String::from_utf8(request.body(Envelope::Vendor).to_vec()).unwrap()
    }

    #[test]
    fn vendor_form_is_byte_for_byte_that_of_section_14() {
        let all_tag = vendor(&Request::Device(Select::Keyword(Keyword::AllTag)));
        assert_eq!(
            all_tag,
            "<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><request xsi:type=\"ISgetDevice\"><ISgetDevice>\
             <ISKeyword>allTag</ISKeyword></ISgetDevice></request></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>"
        );
        assert_eq!(all_tag.len(), 179);
        assert!(vendor(&Request::Global).contains("<request xsi:type=\"ISgetGlobal\"><ISgetGlobal></ISgetGlobal>"));
        assert!(vendor(&Request::SaveConfig).contains("<ISSaveConfig></ISSaveConfig>"));
        assert!(
            vendor(&Request::Device(Select::NameKeyword(Keyword::AllRegistered)))
                .contains("<ISgetDevice><ISDevName>allRegistered</ISDevName></ISgetDevice>")
        );
        assert!(vendor(&Request::Device(Select::Id(1))).contains("<ISDevID>1</ISDevID>"));
    }

    #[test]
    fn the_two_other_envelopes_differ_only_in_attributes() {
        let plain = String::from_utf8(Request::Global.body(Envelope::Plain).to_vec()).unwrap();
        assert!(plain.contains("<axl><request><ISgetGlobal>"));
        let declared = String::from_utf8(Request::Global.body(Envelope::Declared).to_vec()).unwrap();
        assert!(declared.starts_with(
            "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><SOAP-ENV:Body>"
        ));
    }

    #[test]
    fn cli_lines_are_escaped_and_cannot_break_out() {
        let request = Request::exec_cli(vec!["ephone-dn 7".into(), "name a & <b>".into()], 20).unwrap();
        assert!(vendor(&request).contains("<CLI>ephone-dn 7</CLI><CLI>name a &amp; &lt;b&gt;</CLI>"));
        assert!(!request.is_read());
        assert_eq!(Request::exec_cli(vec!["a\nb".into()], 20), Err(CliRefused::BadLine(1)));
        assert_eq!(Request::exec_cli(vec![], 20), Err(CliRefused::Empty));
        assert!(matches!(Request::exec_cli(vec!["a".into(); 21], 20), Err(CliRefused::TooMany { .. })));
        assert!(matches!(Request::exec_cli(vec!["a".repeat(5000)], 20), Err(CliRefused::TooLong(5000))));
    }
}
