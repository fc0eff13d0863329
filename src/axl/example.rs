//! The example system of section 14 as a router without sockets, with the knobs of section 14.11: test support.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;

use super::load::{FaultKind, Input, Load, LoadError, Output, TransportFault};
use super::{Inventory, LineRecord};

macro_rules! corpus {
    ($($name:ident = $file:literal),* $(,)?) => {
        $(pub(super) const $name: &str = include_str!(concat!("../../tests/corpus/axl/", $file, ".xml"));)*
        /// Every message of the corpus.
        pub(super) const CORPUS: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

corpus! {
    GLOBAL = "global", DEVICE_ALLTAG = "device_alltag", DEVICE_ALL = "device_all",
    DEVICE_1 = "device_1", DEVICE_2 = "device_2", DEVICE_3 = "device_3_logged_out",
    DEVICE_3_IN = "device_3_logged_in", DEVICE_4 = "device_4", DEVICE_5 = "device_5",
    EXTENSION_ALLTAG = "extension_alltag", EXTENSION_ALL = "extension_all",
    EXTENSION_1 = "extension_1", EXTENSION_2 = "extension_2", EXTENSION_3 = "extension_3",
    EXTENSION_4 = "extension_4", EXTENSION_5 = "extension_5", EXTENSION_6 = "extension_6",
    EXTENSION_7 = "extension_7", EXTENSION_8 = "extension_8", TEMPLATE_15 = "template_15",
    PROFILE_ALLTAG = "user_profile_alltag", PROFILE_ALL = "user_profile_all",
    PROFILE_IN = "user_profile_logged_in", USER = "user", SESSION_SERVER = "session_server",
    SIP_GLOBAL = "sip_global", CLI_OK = "cli_ok", CLI_OK_WRAPPED = "cli_ok_wrapped", CLI_FAILED = "cli_failed",
    SAVE_DELAY = "save_delay", ERROR = "error", OLD_DEVICE_1 = "2008_device_1", OLD_EVENTS = "2008_events",
}

pub(super) const EMPTY: &str =
    "<SOAP-ENV:Envelope><SOAP-ENV:Body><axl><response></response></axl></SOAP-ENV:Body></SOAP-ENV:Envelope>";

/// How a reply above `response size` looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflow {
    Error,
    Truncated,
    Empty,
    Timeout,
}

/// The router.
#[derive(Debug, Clone)]
pub(super) struct Router {
    /// 2008: keywords in the name element, no plural containers, no user profiles.
    pub(super) classic: bool,
    /// Bytes that fit into one reply.
    pub(super) limit: usize,
    pub(super) overflow: Overflow,
    /// `eli` is logged in at phone 3.
    pub(super) logged_in: bool,
    /// Requests (name element and selector) that get another answer.
    pub(super) instead: Vec<(String, String)>,
    /// What was asked, in order.
    pub(super) asked: Vec<String>,
}

impl Router {
    pub(super) fn new() -> Self {
        Self {
            classic: false,
            limit: usize::MAX,
            overflow: Overflow::Error,
            logged_in: false,
            instead: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// Answers one request.
    pub(super) fn answer(&mut self, body: &[u8]) -> Input {
        let text = std::str::from_utf8(body).unwrap();
        let start = text.find("<IS").unwrap();
        let end = text.find("</request>").unwrap();
        let asked = text[start..end].to_owned();
        self.asked.push(asked.clone());
        let given = self.instead.iter().find(|(request, _)| asked.contains(request.as_str()));
        let reply = match given {
            Some((_, reply)) => reply.clone(),
            None => self.reply(&asked),
        };
        if reply.len() <= self.limit {
            return ok(&reply);
        }
        match self.overflow {
            Overflow::Error => ok(ERROR),
            Overflow::Truncated => ok(&reply[..self.limit]),
            Overflow::Empty => ok(""),
            Overflow::Timeout => timeout(),
        }
    }

    fn reply(&self, asked: &str) -> String {
        let (name, rest) = asked[1..].split_once('>').unwrap();
        let value = |tag: &str| -> Option<String> {
            let open = format!("<{tag}>");
            let at = rest.find(&open)? + open.len();
            Some(rest[at..rest[at..].find('<')? + at].to_owned())
        };
        let keyword = |element: &str| -> Option<String> {
            if self.classic { value(element).filter(|text| text.starts_with("all")) } else { value("ISKeyword") }
        };
        let third = if self.logged_in { DEVICE_3_IN } else { DEVICE_3 };
        let reply = match name {
            "ISgetGlobal" => GLOBAL.to_owned(),
            "ISgetDevice" => match (keyword("ISDevName").as_deref(), value("ISDevID").as_deref()) {
                (Some("all"), _) => {
                    let old = element(DEVICE_3, "ISDevice");
                    DEVICE_ALL.replace(old, element(third, "ISDevice"))
                }
                (Some("allTag"), _) => DEVICE_ALLTAG.to_owned(),
                (_, Some("1")) => DEVICE_1.to_owned(),
                (_, Some("2")) => DEVICE_2.to_owned(),
                (_, Some("3")) => third.to_owned(),
                (_, Some("4")) => DEVICE_4.to_owned(),
                (_, Some("5")) => DEVICE_5.to_owned(),
                (_, Some(_)) => EMPTY.to_owned(),
                _ => ERROR.to_owned(),
            },
            "ISgetExtension" => match (keyword("ISExtNumber").as_deref(), value("ISExtID").as_deref()) {
                (Some("all"), _) => EXTENSION_ALL.to_owned(),
                (Some("allTag"), _) => EXTENSION_ALLTAG.to_owned(),
                (_, Some(tag)) => {
                    let file = format!("extension_{tag}");
                    let found = CORPUS.iter().find(|(name, _)| *name == file);
                    found.map_or(EMPTY, |(_, text)| text).to_owned()
                }
                _ => ERROR.to_owned(),
            },
            "ISgetUserProfile" if !self.classic => match (keyword("-").as_deref(), value("ISUserProfileID")) {
                (Some("allTag"), _) => PROFILE_ALLTAG.to_owned(),
                _ if self.logged_in => PROFILE_IN.to_owned(),
                _ => PROFILE_ALL.to_owned(),
            },
            "ISgetExtensionTemplate" if !self.classic => TEMPLATE_15.to_owned(),
            "ISgetSessionServer" => SESSION_SERVER.to_owned(),
            "ISgetVoiceRegGlobal" => SIP_GLOBAL.to_owned(),
            _ => ERROR.to_owned(),
        };
        if self.classic { classic(&reply) } else { reply }
    }
}

/// The 2008 form of a reply: no plural containers.
fn classic(reply: &str) -> String {
    let mut out = reply.to_owned();
    for container in ["ISDevices", "ISExtensions", "ISSessionServers", "ISDevLineButtons", "ISGlobal"] {
        out = out.replace(&format!("<{container}>"), "").replace(&format!("</{container}>"), "");
    }
    out
}

/// An element with its tags.
pub(super) fn element<'a>(text: &'a str, name: &str) -> &'a str {
    let start = text.find(&format!("<{name}>")).unwrap();
    let close = format!("</{name}>");
    &text[start..text.find(&close).unwrap() + close.len()]
}

pub(super) fn ok(body: &str) -> Input {
    Input::Reply { status: 200, body: Bytes::copy_from_slice(body.as_bytes()) }
}

pub(super) fn timeout() -> Input {
    Input::TransportFailed(TransportFault::new(FaultKind::Timeout, "no answer in time", ""))
}

/// Runs a load to its end.
pub(super) fn run(load: &mut Load, router: &mut Router) -> Result<Box<Inventory>, LoadError> {
    for _ in 0..10_000 {
        match load.poll() {
            Some(Output::Post { body, .. }) => load.handle(router.answer(&body)),
            Some(Output::Progress { .. }) => {}
            Some(Output::Done(inventory)) => return Ok(inventory),
            Some(Output::Failed(error)) => return Err(error),
            None => panic!("the load waits for nothing"),
        }
    }
    panic!("the load does not end");
}

/// A line as the import and export format of the product has it.
pub(super) fn row(line: &LineRecord) -> String {
    let mut fields = vec![line.number.clone(), line.name.clone(), line.device_id.clone().unwrap_or_default()];
    fields.extend(line.buttons.iter().cloned());
    fields.join(";")
}

/// The rows of section 14.1.
pub(super) const ROWS: [&str; 5] = [
    "201;Anna Berg;00AA11BB0001;204",
    "202;Ben Cole;00AA11BB0002;204",
    "207;Gus Hart;00AA11BB0004",
    "208;Ida Jung;00AA11BB0005;203",
    "205;Eli Frank;;203",
];
