//! The envelope of replies (dossier 3.1), and the replies that are not records: errors, `ISexecCLI`, `ISSaveConfig`.

use super::element::Body;
use super::{Dialect, EnvelopeNamespace, SaveResult, XmlKnobs, XsiType};

/// Codes of `ISError`. Real ones are unknown (dossier 14.9, 15): a client must not depend on them.
pub(crate) mod code {
    pub(crate) const TOO_LARGE: u32 = 1;
    pub(crate) const UNKNOWN_REQUEST: u32 = 2;
    pub(crate) const BAD_SELECTOR: u32 = 3;
    pub(crate) const NOT_XML: u32 = 4;
    pub(crate) const BUSY: u32 = 5;
}

/// What `ISexecCLI` came to: 0 and an empty text, or the index of the failing line (from 1) and the router's words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CliResult {
    pub(crate) line: usize,
    pub(crate) error: String,
}

/// An `ISError` reply (dossier 14.9).
pub(crate) fn error(knobs: &XmlKnobs, code: u32, text: &str) -> Vec<u8> {
    envelope(knobs, None, |b| {
        b.node("ISError", |b| {
            b.number("ISErrorCode", code);
            b.leaf("ISErrorMsg", text);
        });
    })
}

/// The reply to `ISexecCLI` (dossier 4.12, 14.8).
pub(crate) fn cli(knobs: &XmlKnobs, result: &CliResult) -> Vec<u8> {
    let wrapped = knobs.wrapped_cli && knobs.dialect == Dialect::V85;
    let kind = match knobs.xsi_type {
        XsiType::Off => None,
        XsiType::Vendor if wrapped => None,
        XsiType::Vendor | XsiType::On => Some("ISexecCLIResponse"),
    };
    let fill = |b: &mut Body| {
        b.number("ISexecCLIResponse", result.line);
        b.leaf("ISexecCLIError", &result.error);
    };
    envelope(knobs, kind, |b| if wrapped { b.node("ISexecCLIResult", fill) } else { fill(b) })
}

/// The reply to `ISSaveConfig` (dossier 4.13, 14.8; the blank in the type is the vendor's).
pub(crate) fn save(knobs: &XmlKnobs, result: SaveResult) -> Vec<u8> {
    let kind = if knobs.xsi_type == XsiType::Off { None } else { Some(" ISSaveConfig") };
    let word = match result {
        SaveResult::Success => "success",
        SaveResult::Fail => "fail",
        SaveResult::Delay => "delay",
    };
    envelope(knobs, kind, |b| b.leaf("ISSaveConfigResult", word))
}

/// The reply to `ISupdateUser` and the key phone requests of the 2008 guide, which a gateway must never send: refused.
pub(crate) fn refused_update(knobs: &XmlKnobs, request: &str) -> Vec<u8> {
    wrap(knobs, request, |b| {
        b.leaf("ISsetResult", "false");
        b.leaf("ISsetError", "this simulator does not change users");
    })
}

/// A reply to `request` whose children `fill` writes.
pub(crate) fn wrap(knobs: &XmlKnobs, request: &str, fill: impl FnOnce(&mut Body)) -> Vec<u8> {
    let typed = match knobs.xsi_type {
        XsiType::On => true,
        XsiType::Vendor => knobs.dialect == Dialect::Y2008,
        XsiType::Off => false,
    };
    let kind = format!("{request}Response");
    envelope(knobs, typed.then_some(kind.as_str()), fill)
}

fn envelope(knobs: &XmlKnobs, kind: Option<&str>, fill: impl FnOnce(&mut Body)) -> Vec<u8> {
    let quirks = &knobs.quirks;
    let mut b = Body::new(quirks);
    if quirks.bom {
        b.raw("\u{feff}");
    }
    if quirks.leading_newline {
        b.raw("\n");
    }
    if quirks.declaration {
        b.raw("<?xml version=\"1.0\"?>");
    }
    let (prefix, binding) = match knobs.envelope_namespace {
        EnvelopeNamespace::None => ("SOAP-ENV:", ""),
        EnvelopeNamespace::Soap => ("SOAP-ENV:", " xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\""),
        EnvelopeNamespace::CiscoDefault => ("", " xmlns=\"cisco_cme_xml_namespace\""),
        EnvelopeNamespace::CiscoPrefix => {
            ("SOAP-ENV:", " xmlns:SOAP-ENV=\"cisco_cme_xml_namespace\" xmlns=\"cisco_cme_xml_namespace\"")
        }
    };
    b.raw(&format!("<{prefix}Envelope{binding}><{prefix}Body><axl><response"));
    if let Some(kind) = kind {
        b.raw(&format!(" xsi:type=\"{kind}\""));
    }
    b.raw(">");
    fill(&mut b);
    b.raw(if b.quirks().mismatched_end_tag { "</request>" } else { "</response>" });
    b.raw(&format!("</axl></{prefix}Body></{prefix}Envelope>"));
    b.into_bytes()
}
