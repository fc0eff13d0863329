//! Reading of requests: as tolerant as the router is known to be, with a note for everything that the vendor's form does not have.

use quick_xml::Reader;
use quick_xml::events::Event;

/// A request as read from a body (dossier 3.1): its name and its parameters in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Request {
    /// Name of the first element inside `request`, for example `ISgetDevice`.
    pub(crate) name: String,
    /// Parameters (element name, text) in order.
    pub(crate) parameters: Vec<(String, String)>,
    /// The root is literally `SOAP-ENV:Envelope`.
    pub(crate) literal_root: bool,
    /// What a careful reader would object to; each a rule and a sentence. The router answers all the same.
    pub(crate) remarks: Vec<(&'static str, String)>,
}

impl Request {
    /// The text of a parameter, whatever the case of its name (spellings differ between editions, dossier 2.8).
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str())
    }
}

/// Reads a request.
///
/// # Errors
/// A sentence when the body is not XML or holds no request.
pub(crate) fn parse(body: &[u8]) -> Result<Request, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the request is not UTF-8".to_owned())?;
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut request = Request::default();
    let mut path: Vec<String> = Vec::new();
    let mut base: Option<usize> = None;
    let mut declared_type: Option<String> = None;
    let mut value = String::new();
    loop {
        match reader.read_event() {
            Err(error) => return Err(format!("the request is not well-formed XML: {error}")),
            Ok(Event::Eof) if path.is_empty() => break,
            Ok(Event::Eof) => return Err("the request ends before its last element is closed".to_owned()),
            Ok(Event::DocType(_)) => return Err("a request has no DOCTYPE".to_owned()),
            Ok(Event::Start(start)) => {
                let full = start.name().as_ref().to_owned();
                let local = start.local_name().as_ref().to_owned();
                if path.len() > 16 {
                    return Err("the request is nested too deeply".to_owned());
                }
                if path.is_empty() {
                    request.literal_root = full == "SOAP-ENV:Envelope";
                    if local != "Envelope" {
                        request
                            .remarks
                            .push(("xml_no_envelope", format!("the root is <{full}>, not <SOAP-ENV:Envelope>")));
                    }
                }
                if base.is_none() && local == "request" {
                    base = Some(path.len());
                    let kind = start.attributes().flatten().find(|a| a.key.local_name().as_ref() == "type");
                    declared_type = kind.map(|a| a.value.into_owned());
                    let parents: Vec<&str> = path.iter().map(String::as_str).collect();
                    if !parents.is_empty() && parents != ["Envelope", "Body", "axl"] {
                        request
                            .remarks
                            .push(("xml_envelope_order", format!("<request> stands in {}", parents.join("/"))));
                    }
                }
                path.push(local);
                value.clear();
                if base.is_some_and(|base| path.len() == base + 2) {
                    if !request.name.is_empty() {
                        request.remarks.push(("xml_two_requests", "more than one request in one body".to_owned()));
                    } else {
                        request.name = path.last().cloned().unwrap_or_default();
                    }
                }
            }
            Ok(Event::End(_)) => {
                if base.is_some_and(|base| path.len() == base + 3) {
                    let name = path.last().cloned().unwrap_or_default();
                    request.parameters.push((name, value.trim().to_owned()));
                }
                value.clear();
                path.pop();
            }
            Ok(Event::Text(text)) => value.push_str(&text),
            Ok(Event::CData(text)) => value.push_str(&text),
            Ok(Event::GeneralRef(reference)) => value.push(resolve(&reference)?),
            Ok(Event::Decl(_) | Event::Comment(_) | Event::PI(_)) => {}
            #[allow(unreachable_patterns, reason = "the event enum may grow")]
            Ok(_) => {}
        }
    }
    if request.name.is_empty() {
        return Err("there is no request inside <request>".to_owned());
    }
    if let Some(kind) = declared_type.filter(|kind| kind.trim() != request.name) {
        request.remarks.push(("xml_type", format!("xsi:type is `{kind}` on a request <{}>", request.name)));
    }
    Ok(request)
}

fn resolve(name: &str) -> Result<char, String> {
    let numeric = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    let found = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => match other.strip_prefix("#x").or_else(|| other.strip_prefix("#X")) {
            Some(digits) => numeric(digits, 16),
            None => other.strip_prefix('#').and_then(|digits| numeric(digits, 10)),
        },
    };
    found.ok_or_else(|| format!("the request has an unknown entity &{name};"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_vendor_form_is_read_without_a_remark() {
        let request = parse(
            br#"<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><request xsi:type="ISgetDevice"><ISgetDevice><ISKeyword>allTag</ISKeyword></ISgetDevice></request></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>"#,
        )
        .unwrap();
        assert_eq!(request.name, "ISgetDevice");
        assert_eq!(request.parameter("iskeyword"), Some("allTag"));
        assert!(request.literal_root);
        assert!(request.remarks.is_empty(), "{:?}", request.remarks);
    }

    #[test]
    fn other_clients_forms_are_read() {
        let declared = br#"<?xml version="1.0"?><SOAP-ENV:Envelope xmlns="cisco_cme_xml_namespace"><Body><axl><request><ISexecCLI><CLI>name "A &amp; B&#33;"</CLI><CLI>x</CLI></ISexecCLI></request></axl></Body></SOAP-ENV:Envelope>"#;
        let request = parse(declared).unwrap();
        assert_eq!(
            request.parameters,
            [("CLI".to_owned(), "name \"A & B!\"".to_owned()), ("CLI".to_owned(), "x".to_owned())]
        );
        let bare = parse(b"<request><ISgetVoiceRegGlobal/></request>").unwrap();
        assert_eq!((bare.name.as_str(), bare.literal_root), ("ISgetVoiceRegGlobal", false));
        assert_eq!(bare.remarks[0].0, "xml_no_envelope");
    }

    #[test]
    fn what_is_no_request_is_refused_in_a_sentence() {
        for body in
            ["", "hello", "<a><b></a>", "<!DOCTYPE a><a/>", "<Envelope><Body/></Envelope>", "<request>&evil;</request>"]
        {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
        #[test]
        fn no_text_makes_it_panic(text in "(<|>|/|&|;|#|request|IS|[a-z\" =!?-]){0,60}") {
            let _ = parse(text.as_bytes());
        }
    }
}
