//! The switches of the XML endpoint (dossier `axl-cme` 14.11): everything that differs between real routers, or is unknown about them.
//!
//! All knobs can be set while the twin runs, through `PUT /xml/knobs` of the control API. A missing field keeps its present value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The two forms of the XML interface inside the CSTA window of CME 8.0 to 12.5 (dossier 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// The form of the 2008 guide: keywords inside the names, objects directly under `response`.
    #[serde(rename = "2008")]
    Y2008,
    /// The form of CME 8.5 and later: `ISKeyword`, plural containers.
    #[serde(rename = "8.5")]
    V85,
}

/// How the envelope of a reply is bound to namespaces (dossier 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvelopeNamespace {
    /// The literal prefix `SOAP-ENV:` without a declaration, as in the vendor's samples.
    None,
    /// The prefix bound to the SOAP 1.1 envelope namespace.
    Soap,
    /// No prefix; `cisco_cme_xml_namespace` is the default namespace.
    CiscoDefault,
    /// The prefix `SOAP-ENV:` bound to `cisco_cme_xml_namespace`, which also is the default namespace.
    CiscoPrefix,
}

/// Whether replies carry `xsi:type` (dossier 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XsiType {
    /// As the samples of the dialect do: always in 2008, on `ISexecCLI` and `ISSaveConfig` only in 8.5.
    Vendor,
    /// On every reply.
    On,
    /// On no reply.
    Off,
}

/// What happens to a reply larger than `response size` (dossier 2.5 and 15, unknown 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowStyle {
    /// An `ISError` takes the place of the reply (the form that a working client relies on).
    IsError,
    /// The body is cut at the limit, in the middle of an element.
    Truncate,
    /// The limit is that of a fragment: the whole reply arrives in several chunks.
    Chunks,
}

/// What a client sees that sends more requests at once than `request outstanding` allows (dossier 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverloadStyle {
    /// HTTP 503.
    Status503,
    /// The TCP connection is reset before the first byte of a reply.
    Reset,
    /// An `ISError` with HTTP 200.
    IsError,
}

/// How the end of a reply body is told (dossier 2.4: undocumented, so all must be understood).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyFraming {
    /// The end of the connection is the end of the body.
    Close,
    /// A `Content-Length` header.
    ContentLength,
    /// `Transfer-Encoding: chunked`.
    Chunked,
    /// Chunked, each chunk with an extension.
    ChunkedExtensions,
}

/// How many children a device or extension record has (dossier 4.2, 4.3, 14.4, 14.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordProfile {
    /// The status children and the few that a client cannot do without.
    Lean,
    /// The status children and the configuration that a client may look at.
    Medium,
    /// Every child of the vendor's 8.5 record, in its order.
    Full,
}

/// The answer to `ISSaveConfig` (dossier 4.13).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaveResult {
    /// Written to memory.
    Success,
    /// Not written.
    Fail,
    /// Another terminal session is open; the router saves later.
    Delay,
}

/// Which spellings of the URL exist (dossier 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PathStyle {
    /// With and without a slash at the end.
    Both,
    /// `/ios_xml_app/cme` only.
    Plain,
    /// `/ios_xml_app/cme/` only.
    Slash,
}

/// A failure of the web server, whatever is asked (dossier 5 and 16).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpFailure {
    /// None: requests are answered.
    None,
    /// The connection is closed as soon as it is accepted.
    AcceptClose,
    /// 404: the `ixi` application is shut down.
    NotFound,
    /// 503 for every request.
    Status503,
    /// 302 to another host, which a client must not follow with credentials.
    Redirect,
    /// 200 with a web page of the router instead of XML.
    Html,
    /// 200 with an empty body.
    Empty,
    /// The connection closes in the middle of an element.
    HalfBody,
    /// `Content-Length` tells less than what follows.
    ShortLength,
    /// One byte of the reply every 200 ms.
    Drip,
    /// The request is read and never answered.
    Silent,
    /// 401 even for the right credentials.
    Unauthorized,
}

/// Deviations in the text of replies (dossier 2.8, 14.11).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XmlQuirks {
    /// An unescaped `&` in every URL, and in other texts that hold one.
    pub raw_ampersand: bool,
    /// Replies are ISO-8859-1 without telling; the names of the first ephone-dn get an `é` so that one such byte is there.
    pub latin1: bool,
    /// `<response>` is closed by `</request>`, as in the vendor's samples.
    pub mismatched_end_tag: bool,
    /// A UTF-8 byte order mark before everything.
    pub bom: bool,
    /// An XML declaration.
    pub declaration: bool,
    /// A line feed before everything (a parser that insists on the declaration at byte 0 stumbles).
    pub leading_newline: bool,
    /// Line feeds between objects and blanks around texts, as `response formatted` prints them.
    pub formatted: bool,
    /// Another capitalisation of the names that differ between editions (`ISDevUserName`, `firstname`, `lastname`).
    pub other_case: bool,
    /// An element that no guide knows in every record.
    pub unknown_element: bool,
}

/// All switches of the XML endpoint. The default is an 8.5 router with `response size 64` and `request outstanding 1` in the vendor's literal form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct XmlKnobs {
    /// Which form of the interface is spoken.
    pub dialect: Dialect,
    /// Namespaces of replies.
    pub envelope_namespace: EnvelopeNamespace,
    /// `xsi:type` on replies.
    pub xsi_type: XsiType,
    /// The server understands only requests whose root is literally `SOAP-ENV:Envelope` (dossier 3.1, unknown 3); others get an `ISError`.
    pub strict_envelope: bool,
    /// `response size` in kB (1 to 64; larger values are taken, for tests). 0 = no limit.
    pub response_size: u32,
    /// What happens above `response_size`.
    pub overflow: OverflowStyle,
    /// `request outstanding` (1 to 10).
    pub outstanding: u32,
    /// What a client sees above `outstanding`.
    pub overload: OverloadStyle,
    /// `request timeout` in seconds (0 = none): a request that takes longer gets its connection closed.
    pub request_timeout: u32,
    /// The realm of the 401 answer.
    pub realm: String,
    /// The 401 answer carries a challenge (`WWW-Authenticate`).
    pub challenge: bool,
    /// How the end of a body is told.
    pub framing: BodyFraming,
    /// How large the records are.
    pub profile: RecordProfile,
    /// Time from a complete request to the first byte of the reply, in milliseconds.
    pub latency_ms: u64,
    /// The version string told in `ISVersion`; empty = that of the system.
    pub version: String,
    /// The `cti` commands and the `cti` nodes exist (false from CME 12.6, dossier 1.8).
    pub cti_commands: bool,
    /// `ISExtension/cti` includes the flags of the ephone-dn-template (dossier 15, unknown 10).
    pub cti_includes_template: bool,
    /// The word of `CurrentPhoneType` for a user who is logged in on an SCCP phone (an invented word, dossier 14.6).
    pub current_phone_type: String,
    /// Words of `ISDevLineButtonMode` that replace the default ones; keys: `normal`, `silent`, `beep`, `feature`, `monitor`, `watch`, `overlay`, `cw-overlay`, `expansion`.
    pub button_words: BTreeMap<String, String>,
    /// `ISexecCLI` answers inside `ISexecCLIResult` (the table of the 8.5 guide) instead of directly (its sample).
    pub wrapped_cli: bool,
    /// The answer to `ISSaveConfig`.
    pub save: SaveResult,
    /// The keyword `all` gives an `ISError` for every kind of object.
    pub refuse_all: bool,
    /// The keyword `allTag` gives an `ISError`, so that only probing tags is left.
    pub refuse_all_tag: bool,
    /// Requests that this router does not know, by name (answered with an `ISError`).
    pub unknown_requests: Vec<String>,
    /// The event requests of the 2008 guide exist in dialect 8.5 too (dossier 4.14).
    pub event_requests: bool,
    /// Spellings of the URL.
    pub path: PathStyle,
    /// A failure of the web server.
    pub failure: HttpFailure,
    /// For how many requests `failure` lasts; 0 = until it is set to `none`.
    pub failure_count: u32,
    /// A failure of the web server for requests that change something (`ISexecCLI`, `ISSaveConfig`) only. `half-body`, `empty` and the like come after
    /// the lines were executed, the others before.
    pub failure_of_changes: HttpFailure,
    /// Deviations in the text.
    pub quirks: XmlQuirks,
}

impl Default for XmlKnobs {
    fn default() -> Self {
        Self {
            dialect: Dialect::V85,
            envelope_namespace: EnvelopeNamespace::None,
            xsi_type: XsiType::Vendor,
            strict_envelope: false,
            response_size: 64,
            overflow: OverflowStyle::IsError,
            outstanding: 1,
            overload: OverloadStyle::Status503,
            request_timeout: 0,
            realm: "level_15_access".to_owned(),
            challenge: true,
            framing: BodyFraming::Close,
            profile: RecordProfile::Medium,
            latency_ms: 0,
            version: String::new(),
            cti_commands: true,
            cti_includes_template: false,
            current_phone_type: "SCCP".to_owned(),
            button_words: BTreeMap::new(),
            wrapped_cli: false,
            save: SaveResult::Success,
            refuse_all: false,
            refuse_all_tag: false,
            unknown_requests: Vec::new(),
            event_requests: false,
            path: PathStyle::Both,
            failure: HttpFailure::None,
            failure_count: 0,
            failure_of_changes: HttpFailure::None,
            quirks: XmlQuirks::default(),
        }
    }
}

impl XmlKnobs {
    /// Says what is wrong with these values, in one sentence, or nothing.
    ///
    /// # Errors
    /// A sentence when a value is outside the range that IOS allows.
    pub fn check(&self) -> Result<(), String> {
        if self.outstanding == 0 || self.outstanding > 10 {
            return Err(format!("`outstanding` is {}; IOS allows 1 to 10.", self.outstanding));
        }
        if self.request_timeout > 60 {
            return Err(format!("`request_timeout` is {} s; IOS allows 0 to 60.", self.request_timeout));
        }
        if self.latency_ms > 600_000 {
            return Err(format!("`latency_ms` is {}; at most 600000 is useful.", self.latency_ms));
        }
        if let Some(word) = self.button_words.keys().find(|key| !BUTTON_KEYS.contains(&key.as_str())) {
            return Err(format!("`button_words` has the unknown key `{word}`; known are {}.", BUTTON_KEYS.join(", ")));
        }
        Ok(())
    }
}

/// Keys of [`XmlKnobs::button_words`].
pub(crate) const BUTTON_KEYS: [&str; 9] =
    ["normal", "silent", "beep", "feature", "monitor", "watch", "overlay", "cw-overlay", "expansion"];
