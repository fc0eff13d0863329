//! The configuration commands that `ISexecCLI` runs (dossier 4.12, 10.1): from text to [`Setting`]s, with the sub-modes of IOS and its error texts.
//!
//! A list starts in global configuration mode. A line that the present sub-mode does not know is tried in its parents, as the IOS parser does, so
//! that no `exit` is needed. A `no` in front takes a setting back.

/// One change of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Nothing that the model shows: the line is known and accepted.
    Accepted,
    CtiShutdown(bool),
    CtiBasicMode(bool),
    SuppressConversion(bool),
    Gcid(bool),
    /// Longest and shortest registration in seconds; `None` = registrar off.
    Registrar(Option<(u32, u32)>),
    SipMode(&'static str),
    AuthenticateRegister(bool),
    SessionServer {
        tag: u32,
        present: bool,
    },
    SessionCtiAware {
        tag: u32,
        on: bool,
    },
    SessionRegisterId {
        tag: u32,
        name: String,
    },
    SessionKeepalive {
        tag: u32,
        seconds: u32,
    },
    Dn {
        tag: u32,
        channels: Option<u32>,
        present: bool,
    },
    DnWatch {
        tag: u32,
        on: bool,
    },
    DnNotify {
        tag: u32,
        on: bool,
    },
    DnNumber {
        tag: u32,
        primary: String,
        secondary: String,
    },
    DnName {
        tag: u32,
        name: String,
    },
    DnLabel {
        tag: u32,
        label: String,
    },
    DnDescription {
        tag: u32,
        text: String,
    },
    DnTemplate {
        tag: u32,
        template: u32,
    },
    DnForwardAll {
        tag: u32,
        number: String,
    },
    DnForwardBusy {
        tag: u32,
        number: String,
    },
    DnForwardNoAnswer {
        tag: u32,
        number: String,
        timeout: u32,
    },
    Template {
        tag: u32,
        present: bool,
    },
    TemplateWatch {
        tag: u32,
        on: bool,
    },
    TemplateNotify {
        tag: u32,
        on: bool,
    },
    Phone {
        tag: u32,
        present: bool,
    },
    PhoneDescription {
        tag: u32,
        text: String,
    },
    PhoneRestart {
        tag: u32,
    },
    NameOrder {
        last_name_first: bool,
    },
    XmlUser {
        name: String,
        password: String,
        level: u8,
    },
    Login {
        user: String,
        phone: u32,
    },
    Logout {
        user: String,
    },
}

/// The sub-mode in which a line is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Mode {
    #[default]
    Global,
    VoiceService,
    VoiceServiceSip,
    VoiceRegister,
    SessionServer(u32),
    Dn(u32),
    DnTemplate(u32),
    Phone(u32),
    Telephony,
    /// `ixi transport http`, `ixi application cme`.
    Ixi,
    /// A mode whose lines the model does not look at.
    Other,
}

impl Mode {
    fn parent(self) -> Option<Self> {
        match self {
            Self::Global => None,
            Self::VoiceServiceSip => Some(Self::VoiceService),
            _ => Some(Self::Global),
        }
    }
}

/// What the parser needs to know about the router.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// The `cti` commands exist (until CME 12.5).
    pub(crate) cti: bool,
    /// Privilege level of the XML user.
    pub(crate) level: u8,
    /// Highest tag of an ephone-dn, an ephone, a session server.
    pub(crate) max_dn: u32,
    pub(crate) max_ephones: u32,
    pub(crate) max_sessions: u32,
}

const INVALID: &str = " % Invalid input detected at '^' marker.";
const INCOMPLETE: &str = " % Incomplete command.";
const RANGE: &str = " % Invalid range";

type Parsed = Result<(Setting, Option<Mode>), &'static str>;

/// Reads one line in `mode` and moves `mode` to the sub-mode in which the next line is read.
///
/// # Errors
/// The words of the router.
pub(crate) fn parse(line: &str, mode: &mut Mode, dialect: Dialect) -> Result<Setting, &'static str> {
    let owned = words(line);
    let all: Vec<&str> = owned.iter().map(String::as_str).collect();
    let Some(first) = all.first().copied() else { return Ok(Setting::Accepted) };
    if first.starts_with('!') {
        return Ok(Setting::Accepted);
    }
    // Configuration commands are those of level 15 (dossier 2.3).
    if dialect.level < 15 {
        return Err(INVALID);
    }
    match first {
        "exit" => {
            *mode = mode.parent().unwrap_or_default();
            return Ok(Setting::Accepted);
        }
        "end" => {
            *mode = Mode::Global;
            return Ok(Setting::Accepted);
        }
        _ => {}
    }
    let (on, rest) = if first == "no" { (false, all.get(1..).unwrap_or_default()) } else { (true, all.as_slice()) };
    if rest.is_empty() {
        return Err(INCOMPLETE);
    }
    if !dialect.cti && rest.iter().any(|word| *word == "cti" || *word == "cti-aware") {
        return Err(INVALID);
    }
    let mut scope = *mode;
    loop {
        match in_mode(scope, on, rest, dialect) {
            Ok((setting, next)) => {
                *mode = next.unwrap_or(scope);
                return Ok(setting);
            }
            Err(INVALID) => match scope.parent() {
                Some(parent) => scope = parent,
                None => return Err(INVALID),
            },
            Err(text) => return Err(text),
        }
    }
}

fn in_mode(mode: Mode, on: bool, rest: &[&str], dialect: Dialect) -> Parsed {
    match mode {
        Mode::Global => global(on, rest, dialect),
        Mode::VoiceService => voice_service(on, rest),
        Mode::VoiceServiceSip => voice_service_sip(on, rest),
        Mode::VoiceRegister => voice_register(on, rest),
        Mode::SessionServer(tag) => session_server(tag, on, rest),
        Mode::Dn(tag) => dn(tag, on, rest),
        Mode::DnTemplate(tag) => dn_template(tag, on, rest),
        Mode::Phone(tag) => phone(tag, on, rest),
        Mode::Telephony => telephony(on, rest),
        Mode::Ixi => ixi(rest),
        Mode::Other => Err(INVALID),
    }
}

fn set(setting: Setting) -> Parsed {
    Ok((setting, None))
}

fn enter(setting: Setting, mode: Mode) -> Parsed {
    Ok((setting, Some(mode)))
}

fn global(on: bool, rest: &[&str], dialect: Dialect) -> Parsed {
    match *rest {
        ["voice", "service", "voip"] => enter(Setting::Accepted, Mode::VoiceService),
        ["voice", "register", "global"] => enter(Setting::Accepted, Mode::VoiceRegister),
        ["voice", "register", "session-server", tag] => {
            let tag = number(tag, 1, dialect.max_sessions)?;
            let next = if on { Mode::SessionServer(tag) } else { Mode::Global };
            enter(Setting::SessionServer { tag, present: on }, next)
        }
        ["ephone-dn", tag] => {
            let tag = number(tag, 1, dialect.max_dn)?;
            enter(Setting::Dn { tag, channels: None, present: on }, if on { Mode::Dn(tag) } else { Mode::Global })
        }
        ["ephone-dn", tag, line] => {
            let tag = number(tag, 1, dialect.max_dn)?;
            let channels = match line {
                "dual-line" => 2,
                "octo-line" => 8,
                _ => return Err(INVALID),
            };
            enter(
                Setting::Dn { tag, channels: Some(channels), present: on },
                if on { Mode::Dn(tag) } else { Mode::Global },
            )
        }
        ["ephone-dn-template", tag] => {
            let tag = number(tag, 1, 20)?;
            enter(Setting::Template { tag, present: on }, if on { Mode::DnTemplate(tag) } else { Mode::Global })
        }
        ["ephone", tag] => {
            let tag = number(tag, 1, dialect.max_ephones)?;
            enter(Setting::Phone { tag, present: on }, if on { Mode::Phone(tag) } else { Mode::Global })
        }
        ["emadmin", "login", user, tag] if on => {
            set(Setting::Login { user: user.to_owned(), phone: number(tag, 1, dialect.max_ephones)? })
        }
        ["emadmin", "logout", user] if on => set(Setting::Logout { user: user.to_owned() }),
        ["telephony-service"] => enter(Setting::Accepted, Mode::Telephony),
        ["ixi", "transport", "http"] | ["ixi", "application", "cme"] => enter(Setting::Accepted, Mode::Ixi),
        ["sip-ua"] | ["presence"] | ["voice", "class", ..] | ["voice", "translation-rule", _] => {
            enter(Setting::Accepted, Mode::Other)
        }
        ["dial-peer", "voice", _, _] | ["voice-port", ..] | ["ephone-hunt", ..] | ["vm-integration"] => {
            enter(Setting::Accepted, Mode::Other)
        }
        ["presence", "enable"] | ["ip", "http", ..] | ["hostname", _] => set(Setting::Accepted),
        ["ephone-dn" | "ephone" | "ephone-dn-template" | "voice" | "emadmin"] => Err(INCOMPLETE),
        ["voice", "register"] | ["voice", "register", "session-server"] | ["voice", "service"] | ["dial-peer", ..] => {
            Err(INCOMPLETE)
        }
        _ => Err(INVALID),
    }
}

fn voice_service(on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["cti", "shutdown"] => set(Setting::CtiShutdown(on)),
        ["cti", "csta", "mode", "basic"] => set(Setting::CtiBasicMode(on)),
        ["cti", "message", "device-id", "suppress-conversion"] => set(Setting::SuppressConversion(on)),
        ["cti", "timeout", "make-call-prompt", ..] | ["callmonitor"] => set(Setting::Accepted),
        ["gcid"] => set(Setting::Gcid(on)),
        ["allow-connections", "sip" | "h323", "to", "sip" | "h323"] => set(Setting::Accepted),
        ["supplementary-service", ..] => set(Setting::Accepted),
        ["sip"] => enter(Setting::Accepted, Mode::VoiceServiceSip),
        ["cti"] | ["cti", "csta"] | ["cti", "csta", "mode"] | ["allow-connections", ..] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn voice_service_sip(on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["registrar", "server"] => set(Setting::Registrar(on.then_some((3600, 60)))),
        ["registrar", "server", "expires", "max", max, "min", min] => {
            let range = (number(max, 600, 86_400)?, number(min, 60, 3600)?);
            set(Setting::Registrar(on.then_some(range)))
        }
        ["registrar", "server", "expires", "max", max] => {
            set(Setting::Registrar(on.then_some((number(max, 600, 86_400)?, 60))))
        }
        ["min-se" | "session" | "bind" | "header-passing", ..] => set(Setting::Accepted),
        ["registrar", ..] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn voice_register(on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["mode", "cme"] => set(Setting::SipMode(if on { "cme" } else { "srst" })),
        ["authenticate", "register"] => set(Setting::AuthenticateRegister(on)),
        ["authenticate", "ood-refer" | "presence"] | ["authenticate", "realm", _] => set(Setting::Accepted),
        ["source-address" | "max-dn" | "max-pool" | "timezone" | "tftp-path" | "create", ..] => set(Setting::Accepted),
        ["mode"] | ["authenticate"] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn session_server(tag: u32, on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["cti-aware"] => set(Setting::SessionCtiAware { tag, on }),
        ["register-id", name] if on && name.len() > 30 => Err(RANGE),
        ["register-id", name] if on => set(Setting::SessionRegisterId { tag, name: name.to_owned() }),
        ["register-id", ..] if !on => set(Setting::SessionRegisterId { tag, name: String::new() }),
        ["keepalive", seconds] if on => set(Setting::SessionKeepalive { tag, seconds: number(seconds, 60, 3600)? }),
        ["keepalive", ..] if !on => set(Setting::SessionKeepalive { tag, seconds: 300 }),
        ["register-id" | "keepalive"] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn dn(tag: u32, on: bool, rest: &[&str]) -> Parsed {
    let text = |given: &[&str]| if on { given.join(" ") } else { String::new() };
    match *rest {
        ["cti", "watch"] => set(Setting::DnWatch { tag, on }),
        ["cti", "notify"] => set(Setting::DnNotify { tag, on }),
        ["number", primary] if on => dn_number(tag, primary, ""),
        ["number", primary, "secondary", secondary] if on => dn_number(tag, primary, secondary),
        ["number", primary, "no-reg", ..] if on => dn_number(tag, primary, ""),
        ["call-forward", "all", ..] if !on => set(Setting::DnForwardAll { tag, number: String::new() }),
        ["call-forward", "all", target] => set(Setting::DnForwardAll { tag, number: target.to_owned() }),
        ["call-forward", "busy", ..] if !on => set(Setting::DnForwardBusy { tag, number: String::new() }),
        ["call-forward", "busy", target, ..] => set(Setting::DnForwardBusy { tag, number: target.to_owned() }),
        ["call-forward", "noan", ..] if !on => {
            set(Setting::DnForwardNoAnswer { tag, number: String::new(), timeout: 0 })
        }
        ["call-forward", "noan", target, "timeout", seconds] => {
            set(Setting::DnForwardNoAnswer { tag, number: target.to_owned(), timeout: number(seconds, 3, 60_000)? })
        }
        ["name", ref name @ ..] if !on || !name.is_empty() => dn_name(tag, text(name)),
        ["label", ref label @ ..] if !on || !label.is_empty() => set(Setting::DnLabel { tag, label: text(label) }),
        ["description", ref words @ ..] if !on || !words.is_empty() => {
            set(Setting::DnDescription { tag, text: text(words) })
        }
        ["ephone-dn-template", template] => {
            set(Setting::DnTemplate { tag, template: if on { number(template, 1, 20)? } else { 0 } })
        }
        ["ephone-dn-template"] if !on => set(Setting::DnTemplate { tag, template: 0 }),
        [
            "session-server" | "huntstop" | "preference" | "mobility" | "pickup-group" | "corlist" | "call-waiting",
            ..,
        ] => set(Setting::Accepted),
        ["allow", "watch"] => set(Setting::Accepted),
        ["cti" | "number" | "call-forward" | "name" | "label" | "description" | "ephone-dn-template", ..] => {
            Err(INCOMPLETE)
        }
        _ => Err(INVALID),
    }
}

fn dn_number(tag: u32, primary: &str, secondary: &str) -> Parsed {
    if primary.len() > 16 || secondary.len() > 16 {
        return Err(" % number is longer than 16 characters");
    }
    set(Setting::DnNumber { tag, primary: primary.to_owned(), secondary: secondary.to_owned() })
}

fn dn_name(tag: u32, name: String) -> Parsed {
    // `&` is refused; of the special characters only comma and percent are taken (dossier 2.8).
    if name.contains('&') { Err(INVALID) } else { set(Setting::DnName { tag, name }) }
}

fn dn_template(tag: u32, on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["cti", "watch"] => set(Setting::TemplateWatch { tag, on }),
        ["cti", "notify"] => set(Setting::TemplateNotify { tag, on }),
        ["description" | "allow" | "call-forward" | "huntstop", ..] => set(Setting::Accepted),
        ["cti"] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn phone(tag: u32, on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["description", ref words @ ..] => {
            set(Setting::PhoneDescription { tag, text: if on { words.join(" ") } else { String::new() } })
        }
        ["restart" | "reset"] if on => set(Setting::PhoneRestart { tag }),
        ["speed-dial" | "fastdial" | "username" | "type" | "codec" | "keepalive" | "privacy" | "dnd", ..] => {
            set(Setting::Accepted)
        }
        // It asks whether the present configuration shall be replaced, and nobody can answer through this interface (dossier 4.12).
        ["logout-profile", _] if on => Err(" % This command needs a confirmation"),
        _ => Err(INVALID),
    }
}

/// The twin's own switches say how the XML interface works: here the words are only checked.
fn ixi(rest: &[&str]) -> Parsed {
    match *rest {
        ["shutdown"] => set(Setting::Accepted),
        ["response", "size", kilobytes] => number(kilobytes, 1, 64).and_then(|_| set(Setting::Accepted)),
        ["request", "outstanding", count] => number(count, 1, 10).and_then(|_| set(Setting::Accepted)),
        ["request" | "response", "timeout", _] => set(Setting::Accepted),
        _ => Err(INVALID),
    }
}

fn telephony(on: bool, rest: &[&str]) -> Parsed {
    match *rest {
        ["directory", "last-name-first"] => set(Setting::NameOrder { last_name_first: on }),
        ["directory", "first-name-first"] => set(Setting::NameOrder { last_name_first: !on }),
        ["xml", "user", name, "password", password, level] if on => {
            if name.len() > 19 || password.len() > 19 {
                return Err(INVALID);
            }
            let level = u8::try_from(number(level, 0, 15)?).unwrap_or(15);
            set(Setting::XmlUser { name: name.to_owned(), password: password.to_owned(), level })
        }
        [
            "max-ephones" | "max-dn" | "ip" | "keepalive" | "system" | "timeouts" | "transfer-system" | "log" | "url",
            ..,
        ] => set(Setting::Accepted),
        ["create", "cnf-files"] | ["shutdown"] => set(Setting::Accepted),
        ["directory"] | ["xml", ..] => Err(INCOMPLETE),
        _ => Err(INVALID),
    }
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, &'static str> {
    match text.parse::<u32>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        Ok(_) => Err(RANGE),
        Err(_) => Err(" % Invalid input detected at '^' marker."),
    }
}

/// Words of a line; a text in quotes is one word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    const ROUTER: Dialect = Dialect { cti: true, level: 15, max_dn: 20, max_ephones: 10, max_sessions: 8 };

    fn run(lines: &[&str], dialect: Dialect) -> Result<Vec<Setting>, (usize, &'static str)> {
        let mut mode = Mode::default();
        let each =
            lines.iter().enumerate().map(|(at, line)| parse(line, &mut mode, dialect).map_err(|text| (at + 1, text)));
        each.filter(|one| *one != Ok(Setting::Accepted)).collect()
    }

    #[test]
    fn the_blocks_of_the_set_up_are_understood() {
        let b1 = [
            "voice service voip",
            "allow-connections sip to sip",
            "no cti shutdown",
            "gcid",
            "no cti csta mode basic",
            "sip",
            "registrar server expires max 1800 min 60",
        ];
        assert_eq!(
            run(&b1, ROUTER).unwrap(),
            [
                Setting::CtiShutdown(false),
                Setting::Gcid(true),
                Setting::CtiBasicMode(false),
                Setting::Registrar(Some((1800, 60)))
            ]
        );
        let b2 = ["voice register global", "mode cme", "authenticate register"];
        assert_eq!(run(&b2, ROUTER).unwrap(), [Setting::SipMode("cme"), Setting::AuthenticateRegister(true)]);
        let b3 = ["voice register session-server 2", "cti-aware", "register-id ss_ecsta", "keepalive 600"];
        assert_eq!(run(&b3, ROUTER).unwrap().len(), 4);
    }

    #[test]
    fn no_exit_is_needed_between_blocks() {
        let lines = ["ephone-dn 7", "cti watch", "ephone-dn 3", "no cti notify", "voice service voip", "sip", "gcid"];
        assert_eq!(
            run(&lines, ROUTER).unwrap(),
            [
                Setting::Dn { tag: 7, channels: None, present: true },
                Setting::DnWatch { tag: 7, on: true },
                Setting::Dn { tag: 3, channels: None, present: true },
                Setting::DnNotify { tag: 3, on: false },
                Setting::Gcid(true),
            ]
        );
    }

    #[test]
    fn the_failing_line_is_told() {
        let later = Dialect { cti: false, ..ROUTER };
        assert_eq!(run(&["ephone-dn 7", "cti watch"], later), Err((2, INVALID)));
        assert_eq!(run(&["ephone-dn 7", "cti watch"], Dialect { level: 1, ..ROUTER }), Err((1, INVALID)));
        assert_eq!(run(&["ephone-dn 21"], ROUTER), Err((1, RANGE)));
        assert_eq!(run(&["ephone-dn 1", "cti"], ROUTER), Err((2, INCOMPLETE)));
        assert_eq!(run(&["cti watch"], ROUTER), Err((1, INVALID)));
        assert_eq!(run(&["show version"], ROUTER), Err((1, INVALID)));
        assert!(run(&["ephone 3", "logout-profile 1"], ROUTER).is_err());
    }

    #[test]
    fn texts_in_quotes_are_one_word() {
        assert_eq!(words(r#"label "Front  Desk" x"#), ["label", "Front  Desk", "x"]);
        assert_eq!(
            run(&["ephone-dn 4", "name Front Desk"], ROUTER).unwrap()[1],
            Setting::DnName { tag: 4, name: "Front Desk".to_owned() }
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(lines in proptest::collection::vec("(no |cti |sip|ephone-dn |ephone |voice |[0-9a-z\" ]){0,8}", 0..6)) {
            let mut mode = Mode::default();
            for line in &lines {
                let _ = parse(line, &mut mode, ROUTER);
            }
        }
    }
}
