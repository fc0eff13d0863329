//! Calls and callbacks as people read them: names instead of numbers, for the log at its loudest.

use std::fmt::{Display, Formatter, Result};

use crate::tapi::{addr_state, call_state, dev_state, disconnect, err, info, msg};

/// Longest text that is shown.
const SHOWN: usize = 80;

/// A result of a function, or what a request was completed with.
#[derive(Debug, Clone, Copy)]
pub struct Outcome(pub i32);

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.0 {
            0 => f.write_str("0"),
            request if request > 0 => write!(f, "request {request}"),
            error => match name(err::NAMES, error) {
                Some(name) => write!(f, "{name} ({:#010X})", error.cast_unsigned()),
                None => write!(f, "LINEERR {:#010X}", error.cast_unsigned()),
            },
        }
    }
}

/// A message with its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Message {
    /// Its number.
    pub message: u32,
    /// Its parameters.
    pub params: [usize; 3],
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let [first, second, third] = self.params;
        let word = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        match name(msg::NAMES, self.message) {
            Some(name) => f.write_str(name)?,
            None => write!(f, "message {}", self.message)?,
        }
        match self.message {
            msg::CALLSTATE => {
                write!(f, ", {}, ", Bits(call_state::NAMES, word(first)))?;
                match word(first) {
                    call_state::DISCONNECTED => write!(f, "{}", Bits(disconnect::NAMES, word(second)))?,
                    call_state::CONFERENCED => write!(f, "parent {second:#X}")?,
                    _ => write!(f, "mode {second:#X}")?,
                }
                write!(f, ", media {third:#X}")
            }
            msg::CALLINFO => write!(f, ", {}", Bits(info::NAMES, word(first))),
            msg::LINEDEVSTATE => write!(f, ", {}, {second:#X}, {third:#X}", Bits(dev_state::NAMES, word(first))),
            msg::ADDRESSSTATE => write!(f, ", address {first}, {}", Bits(addr_state::NAMES, word(second))),
            _ => write!(f, ", {first:#X}, {second:#X}, {third:#X}"),
        }
    }
}

/// A text of TAPI, or NULL. Signs that would break the line are shown as they are written in programs.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub Option<&'a [u16]>);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Some(units) = self.0 else { return f.write_str("NULL") };
        let shown = String::from_utf16_lossy(units.get(..SHOWN).unwrap_or(units));
        write!(f, "{shown:?}")?;
        if units.len() > SHOWN { write!(f, " and {} more", units.len() - SHOWN) } else { Ok(()) }
    }
}

/// A word of bits, each by its name.
struct Bits(&'static [(u32, &'static str)], u32);

impl Display for Bits {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut rest = self.1;
        let mut between = "";
        for (bit, name) in self.0 {
            if rest & bit != 0 {
                write!(f, "{between}{name}")?;
                rest &= !bit;
                between = "|";
            }
        }
        if rest != 0 || self.1 == 0 { write!(f, "{between}{rest:#X}") } else { Ok(()) }
    }
}

fn name<T: PartialEq + Copy>(names: &[(T, &'static str)], wanted: T) -> Option<&'static str> {
    names.iter().find(|(value, _)| *value == wanted).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: u32, params: [usize; 3]) -> String {
        Message { message, params }.to_string()
    }

    #[test]
    fn results_have_their_names() {
        assert_eq!(Outcome(0).to_string(), "0");
        assert_eq!(Outcome(7).to_string(), "request 7");
        assert_eq!(Outcome(err::CALLUNAVAIL).to_string(), "LINEERR_CALLUNAVAIL (0x80000005)");
        assert_eq!(Outcome(-5).to_string(), "LINEERR 0xFFFFFFFB");
    }

    #[test]
    fn messages_are_shown_with_what_their_parameters_mean() {
        let connected = shown(msg::CALLSTATE, [call_state::CONNECTED as usize, 1, 4]);
        assert_eq!(connected, "LINE_CALLSTATE, LINECALLSTATE_CONNECTED, mode 0x1, media 0x4");
        let busy = shown(msg::CALLSTATE, [call_state::DISCONNECTED as usize, disconnect::BUSY as usize, 4]);
        assert_eq!(busy, "LINE_CALLSTATE, LINECALLSTATE_DISCONNECTED, LINEDISCONNECTMODE_BUSY, media 0x4");
        let member = shown(msg::CALLSTATE, [call_state::CONFERENCED as usize, 0xABC, 4]);
        assert_eq!(member, "LINE_CALLSTATE, LINECALLSTATE_CONFERENCED, parent 0xABC, media 0x4");
        let both = (info::CALLERID | info::CALLEDID) as usize;
        assert_eq!(
            shown(msg::CALLINFO, [both, 0, 0]),
            "LINE_CALLINFO, LINECALLINFOSTATE_CALLERID|LINECALLINFOSTATE_CALLEDID"
        );
        assert_eq!(
            shown(msg::LINEDEVSTATE, [dev_state::OUTOFSERVICE as usize, 0, 0]),
            "LINE_LINEDEVSTATE, LINEDEVSTATE_OUTOFSERVICE, 0x0, 0x0"
        );
        let forwarded = shown(msg::ADDRESSSTATE, [1, addr_state::FORWARD as usize, 0]);
        assert_eq!(forwarded, "LINE_ADDRESSSTATE, address 1, LINEADDRESSSTATE_FORWARD");
        assert_eq!(shown(msg::GENERATE, [1, 5, 0]), "LINE_GENERATE, 0x1, 0x5, 0x0");
        assert_eq!(shown(999, [1, 2, 3]), "message 999, 0x1, 0x2, 0x3");
        assert_eq!(shown(msg::CALLINFO, [0x8000_0000, 0, 0]), "LINE_CALLINFO, 0x80000000");
    }

    #[test]
    fn texts_stay_on_their_line() {
        let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
        assert_eq!(Text(None).to_string(), "NULL");
        assert_eq!(Text(Some(&units("030 555"))).to_string(), "\"030 555\"");
        assert_eq!(Text(Some(&units("a\r\nb"))).to_string(), "\"a\\r\\nb\"");
        assert_eq!(Text(Some(&[0x32, 0xD800])).to_string(), "\"2\u{FFFD}\"");
        let long = Text(Some(&units(&"1".repeat(100)))).to_string();
        assert!(long.ends_with("1\" and 20 more"), "{long}");
    }
}
