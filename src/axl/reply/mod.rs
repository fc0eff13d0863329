//! One reply, read leniently (sections 3.1, 4, 5): whatever records it holds, wherever they stand.

use crate::axl::dialect::Charset;
use crate::axl::fields;
use crate::axl::record::{
    CliResult, Device, Extension, ExtensionTemplate, Global, RouterError, SaveResult, SessionServer, SipGlobal,
    UserKind, UserProfile,
};
use crate::axl::xml::{self, Node, XmlFault};

/// Largest reply that is read, in bytes (section 2.6).
pub const MAX_REPLY: usize = 1024 * 1024;

/// What a reply holds. `xsi:type` is ignored: the elements say what they are (section 3.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// `ISError` or a SOAP fault.
    pub error: Option<RouterError>,
    /// `ISGlobal`, or the 2008 form without it.
    pub global: Option<Global>,
    /// `ISSipGlobal`, or the 2008 form without it.
    pub sip_global: Option<SipGlobal>,
    /// `ISDevice` records.
    pub devices: Vec<Device>,
    /// `ISExtension` records.
    pub extensions: Vec<Extension>,
    /// `ISExtensionTemplate` records.
    pub templates: Vec<ExtensionTemplate>,
    /// `ISUserProfile` records.
    pub user_profiles: Vec<UserProfile>,
    /// `ISSessionServer` records.
    pub session_servers: Vec<SessionServer>,
    /// `ISuser`.
    pub user: Option<UserKind>,
    /// Result of `ISexecCLI`, wrapped or not.
    pub cli: Option<CliResult>,
    /// Result of `ISSaveConfig`.
    pub save: Option<SaveResult>,
    /// A plural container (`ISDevices`, ...) was there: the 8.5+ form, even if it was empty.
    pub container: bool,
    /// `response` held no element at all.
    pub empty: bool,
    /// `response` was closed while elements in it were open: for a list, some of it may be missing.
    pub torn: bool,
    /// Records without a usable tag, which were left out.
    pub bad_records: u32,
}

/// Why a reply says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyFault {
    /// No byte of content.
    #[error("the reply is empty")]
    Empty,
    /// A page for people: the address is that of a web server, not of the XML application.
    #[error("the reply is a web page, not the CME XML application")]
    Html,
    /// Neither HTML nor XML of this interface.
    #[error("the reply is not a message of the CME XML application")]
    NotCme,
    /// It ends before `</response>`: the router's `response size` is too small for it (section 2.5).
    #[error("the reply ends in the middle")]
    Cut,
    /// More than [`MAX_REPLY`] bytes.
    #[error("the reply is larger than 1 MiB")]
    TooLarge,
    /// A DOCTYPE: refused, never expanded.
    #[error("the reply holds a document type definition, which is refused")]
    Doctype,
    /// Deeper than 32 elements.
    #[error("the reply is nested too deeply")]
    TooDeep,
}

impl Reply {
    /// Reads a reply.
    ///
    /// # Errors
    /// [`ReplyFault`]; an `ISError` is no fault but [`Reply::error`].
    pub fn read(body: &[u8], charset: Charset) -> Result<Self, ReplyFault> {
        if body.len() > MAX_REPLY {
            return Err(ReplyFault::TooLarge);
        }
        let text = xml::decode(body, charset);
        if text.is_empty() {
            return Err(ReplyFault::Empty);
        }
        if looks_like_html(&text) {
            return Err(ReplyFault::Html);
        }
        if !text.starts_with('<') {
            return Err(ReplyFault::NotCme);
        }
        let document = xml::parse(&text).map_err(|fault| match fault {
            XmlFault::Doctype => ReplyFault::Doctype,
            XmlFault::TooDeep => ReplyFault::TooDeep,
        })?;
        if document.top.child("html").is_some() {
            return Err(ReplyFault::Html);
        }
        if document.cut {
            return Err(ReplyFault::Cut);
        }
        let Some(payload) = payload(&document.top) else {
            return Err(ReplyFault::NotCme);
        };
        let mut reply = Self { torn: document.torn, empty: payload.children.is_empty(), ..Self::default() };
        reply.take_bare(payload);
        reply.take_children(payload);
        Ok(reply)
    }

    /// Whether records of some kind are there.
    pub fn has_records(&self) -> bool {
        !self.devices.is_empty()
            || !self.extensions.is_empty()
            || !self.templates.is_empty()
            || !self.user_profiles.is_empty()
            || !self.session_servers.is_empty()
    }

    /// Records of 2008 whose children stand directly under `response`.
    fn take_bare(&mut self, payload: &Node) {
        let has = |name: &str| payload.child(name).is_some();
        if has("isauthmode") || has("isauthmodes") || has("ismaxpool") {
            self.sip_global = Some(fields::sip_global(payload));
        } else if has("isversion") || has("ismode") || has("ismaxephone") {
            self.global = Some(fields::global(payload));
        }
        if has("isdevid") && has("isdevname") {
            self.devices.extend(fields::device(payload));
        }
        if has("isextid") && has("isextnumber") {
            self.extensions.extend(fields::extension(payload));
        }
        if has("isusertype") {
            self.user = fields::user_kind(payload);
        }
    }

    fn take_children(&mut self, node: &Node) {
        for child in &node.children {
            match child.name.as_str() {
                "iserror" | "fault" => self.error = Some(fields::router_error(child)),
                "isglobal" => self.global = Some(fields::global(child)),
                "issipglobal" => self.sip_global = Some(fields::sip_global(child)),
                "isdevice" => keep(&mut self.devices, fields::device(child), &mut self.bad_records),
                "isextension" => keep(&mut self.extensions, fields::extension(child), &mut self.bad_records),
                "isextensiontemplate" => keep(&mut self.templates, fields::template(child), &mut self.bad_records),
                "isuserprofile" => keep(&mut self.user_profiles, fields::user_profile(child), &mut self.bad_records),
                "issessionserver" => {
                    keep(&mut self.session_servers, fields::session_server(child), &mut self.bad_records);
                }
                "isuser" => self.user = fields::user_kind(child),
                "isexeccliresponse" => {
                    // A result that is no number leaves `cli` empty: the state of the router is then unknown.
                    if let Ok(line) = child.text.parse::<u32>() {
                        let message = node.text_of("isexecclierror").unwrap_or_default().to_owned();
                        self.cli = Some(CliResult { failed_line: (line != 0).then_some(line), message });
                    }
                }
                "issaveconfigresult" => self.save = Some(fields::save_result(&child.text)),
                "isdevices" | "isextensions" | "isextensiontemplates" | "isuserprofiles" | "issessionservers" => {
                    self.container = true;
                    self.take_children(child);
                }
                // Any other wrapper is looked through.
                _ => self.take_children(child),
            }
        }
    }
}

fn keep<T>(list: &mut Vec<T>, record: Option<T>, bad: &mut u32) {
    match record {
        Some(record) => list.push(record),
        None => *bad = bad.saturating_add(1),
    }
}

fn looks_like_html(text: &str) -> bool {
    let head: String = text.chars().take(64).collect::<String>().to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html") || head.starts_with("<head")
}

/// The element whose children are the answer: `response` under any wrapper, or whatever holds an `IS...` element.
fn payload(top: &Node) -> Option<&Node> {
    response(top).or_else(|| bare(top))
}

fn response(node: &Node) -> Option<&Node> {
    node.child("response").or_else(|| node.children.iter().find_map(response))
}

fn bare(node: &Node) -> Option<&Node> {
    let answers = |child: &Node| child.name.starts_with("is") || child.name == "fault";
    if node.children.iter().any(answers) {
        return Some(node);
    }
    node.children.iter().find_map(bare)
}

#[cfg(test)]
mod tests;
