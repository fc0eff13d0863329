//! Device identifiers: `tel:<number>;device=<MAC>` for the own line, `tel:<number>` for everybody else.

use super::xml::Element;
use crate::system::plain_mac;
use crate::telephony::{Exchange, Party, Place};

/// What a session monitors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) dn: u32,
    /// The phone whose MAC the session named; `None` for a session with a bare number.
    pub(crate) phone: Option<u32>,
    /// The number as the client wrote it; the own device is named like that.
    pub(crate) number: String,
}

impl Watch {
    /// Where services of this session act now.
    pub(crate) fn place(&self, exchange: &Exchange) -> Option<Place> {
        let phone = self.phone.or_else(|| exchange.phones_with(self.dn).first().copied())?;
        exchange.lines(phone).contains(&self.dn).then_some(Place { dn: self.dn, phone })
    }

    /// The identifier of a party as this session reads it.
    pub(crate) fn device(&self, exchange: &Exchange, party: &Party) -> String {
        let number = match party {
            Party::Line { dn, .. } if *dn == self.dn => self.number.clone(),
            other => exchange.system.promoted(&exchange.number(other)),
        };
        match (party, self.mac(exchange, party)) {
            (_, Some(mac)) => format!("tel:{number};device={mac}"),
            _ => format!("tel:{number}"),
        }
    }

    fn mac(&self, exchange: &Exchange, party: &Party) -> Option<String> {
        let named = self.phone.is_some() || exchange.behaviour.bare_session_device;
        let place = party.place().filter(|place| place.dn == self.dn && named && !exchange.system.basic_mode)?;
        exchange.system.phones.get(&place.phone).map(|phone| phone.mac.clone())
    }

    /// The identifier of a number, never with a device.
    pub(crate) fn plain(&self, exchange: &Exchange, number: &str) -> String {
        if exchange.system.dn_of(number) == Some(self.dn) {
            return format!("tel:{}", self.number);
        }
        format!("tel:{}", exchange.system.promoted(number))
    }

    /// `<name><callID/><deviceID/></name>`.
    pub(crate) fn connection(&self, exchange: &Exchange, name: &str, gcid: &str, party: &Party) -> Element {
        Element::new(name)
            .with(Element::leaf("callID", gcid))
            .with(Element::leaf("deviceID", self.device(exchange, party)))
    }
}

/// A device identifier of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DeviceRef {
    pub(crate) number: String,
    pub(crate) mac: Option<String>,
}

impl DeviceRef {
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim();
        let bare = ["tel:", "sips:", "sip:"].iter().find_map(|scheme| {
            let head = text.get(..scheme.len())?;
            head.eq_ignore_ascii_case(scheme).then(|| text.get(scheme.len()..).unwrap_or(""))
        });
        let mut parts = bare.unwrap_or(text).split(';');
        let user = parts.next().unwrap_or("").split('@').next().unwrap_or("");
        let number = user.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let mac = parts.find_map(|part| part.trim().strip_prefix("device=")).map(plain_mac);
        Self { number, mac }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_in_every_spelling() {
        let read = |text: &str| DeviceRef::parse(text);
        assert_eq!(read(" tel:211;device=SEP0A1B2C3D4E5F ").mac.as_deref(), Some("0A1B2C3D4E5F"));
        assert_eq!(read("TEL:+49 (30) 55-5").number, "+4930555");
        assert_eq!(read("sip:211@192.0.2.10").number, "211");
        assert_eq!(read("211").number, "211");
        assert_eq!(read("").number, "");
    }
}
