//! What TAPI asks and gets at once.

use super::call::{Party, Phase, Role, features_of, redirection_of};
use super::{Bridge, LinkState};
use crate::number::{Destination, bare};
use crate::store::StoredLine;
use crate::tapi::{call_state, err, feature, feature2};

/// The versions that are spoken: 2.0, 2.1, 2.2 and 3.0.
const VERSIONS: [u32; 4] = [0x0003_0000, 0x0002_0002, 0x0002_0001, 0x0002_0000];
/// LINEADDRESSMODE_DIALABLEADDR.
const DIALABLE: u32 = 2;
/// LINECALLSELECT_LINE, ADDRESS and CALL.
const SELECT_LINE: u32 = 1;
const SELECT_ADDRESS: u32 = 2;
const SELECT_CALL: u32 = 4;

/// The highest version between two that is spoken here.
///
/// # Errors
/// INCOMPATIBLEAPIVERSION.
pub fn negotiate(low: u32, high: u32) -> Result<u32, i32> {
    VERSIONS.into_iter().find(|version| (low..=high).contains(version)).ok_or(err::INCOMPATIBLEAPIVERSION)
}

/// The address of a line with a number, in whatever notation.
pub(super) fn address_with(line: &StoredLine, number: &str) -> Option<u32> {
    let wanted = bare(number);
    let same = line.addresses.iter().position(|address| !address.gone && bare(&address.number) == wanted);
    same.and_then(|place| u32::try_from(place).ok())
}

/// What the line dialog shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceText {
    /// Number and name.
    pub name: String,
    /// The phone.
    pub device: String,
    /// Whether it can be used, and why not.
    pub status: String,
}

impl Bridge {
    /// `TSPI_lineGetNumAddressIDs`.
    ///
    /// # Errors
    /// INVALLINEHANDLE.
    pub fn address_count(&self, line: u32) -> Result<u32, i32> {
        Ok(self.count_addresses(self.by_handle(line)?))
    }

    pub(super) fn count_addresses(&self, index: usize) -> u32 {
        let count = self.stored(index).map_or(1, |stored| stored.addresses.len().max(1));
        u32::try_from(count).unwrap_or(1)
    }

    /// `TSPI_lineGetAddressID`.
    ///
    /// # Errors
    /// INVALADDRESSMODE, INVALADDRESS.
    pub fn address_id(&self, line: u32, mode: u32, address: &[u16]) -> Result<u32, i32> {
        let index = self.by_handle(line)?;
        if mode != DIALABLE {
            return Err(err::INVALADDRESSMODE);
        }
        let number = Destination::parse_complete(Some(address)).map_err(|_| err::INVALADDRESS)?;
        self.stored(index).and_then(|stored| address_with(stored, &number)).ok_or(err::INVALADDRESS)
    }

    /// `TSPI_lineGetCallAddressID`.
    ///
    /// # Errors
    /// INVALCALLHANDLE.
    pub fn call_address(&self, handle: u32) -> Result<u32, i32> {
        Ok(self.call(handle)?.address)
    }

    /// `TSPI_lineGetCallIDs`: address, call and related call.
    ///
    /// # Errors
    /// INVALCALLHANDLE.
    pub fn call_ids(&self, handle: u32) -> Result<(u32, u32, u32), i32> {
        let call = self.call(handle)?;
        Ok((call.address, call.call_id, self.related_call_id(handle)))
    }

    pub(super) fn related_call_id(&self, handle: u32) -> u32 {
        let Some(call) = self.calls.get(&handle) else { return 0 };
        if let Role::Member { parent, .. } = call.role {
            return self.calls.get(&parent).map_or(0, |parent| parent.call_id);
        }
        let by_handle = call.consultation_of.and_then(|original| self.calls.get(&original));
        if let Some(original) = by_handle {
            return original.call_id;
        }
        let of = call.view.as_ref().and_then(|view| view.consultation_of.as_deref());
        let original = of.and_then(|id| self.known.get(id));
        original.and_then(|known| self.call_ids.get(&known.call.conversation_id).copied()).unwrap_or(0)
    }

    /// The device behind `TSPI_lineGetID`, for the class `tapi/line`.
    ///
    /// # Errors
    /// The LINEERR of whichever handle is wrong; INVALCALLSELECT.
    pub fn device_for(&self, line: u32, address: u32, call: u32, select: u32) -> Result<u32, i32> {
        let index = match select {
            SELECT_LINE => self.by_handle(line)?,
            SELECT_ADDRESS => {
                let index = self.by_handle(line)?;
                if address >= self.count_addresses(index) {
                    return Err(err::INVALADDRESSID);
                }
                index
            }
            SELECT_CALL => self.call(call)?.line,
            _ => return Err(err::INVALCALLSELECT),
        };
        self.lines.get(index).and_then(|line| line.device).ok_or(err::NODEVICE)
    }

    /// Version that was negotiated for the line of a call.
    pub fn call_version(&self, handle: u32) -> u32 {
        let index = self.calls.get(&handle).map(|call| call.line);
        let open = index.and_then(|index| self.lines.get(index)).and_then(|line| line.open.as_ref());
        open.map_or(0x0002_0000, |open| open.version)
    }

    /// Whether a handle is an open line.
    pub fn has_line(&self, handle: u32) -> bool {
        self.open_line(handle).is_some()
    }

    /// Whether a handle is a call.
    pub fn has_call(&self, handle: u32) -> bool {
        self.call(handle).is_ok()
    }

    /// `dwCallFeatures` and `dwCallFeatures2` now.
    pub(super) fn features(&self, handle: u32) -> (u32, u32) {
        let Some(call) = self.calls.get(&handle) else { return (0, 0) };
        if call.is_over() || call.phase != Phase::Told || call.is_merging || self.link != LinkState::Up {
            return (0, 0);
        }
        if let Role::Member { parent, .. } = &call.role {
            let may = self.calls.get(parent).and_then(|parent| parent.view.as_ref());
            let may = may.is_some_and(|view| view.allows("remove_from_conference"));
            return if may { (feature::REMOVEFROMCONF | feature::DROP, 0) } else { (0, 0) };
        }
        let Some(view) = &call.view else { return (0, 0) };
        let (mut bits, mut more) = features_of(view, call.state);
        if call.state == call_state::ONHOLDPENDTRANSFER || call.state == call_state::ONHOLDPENDCONF {
            let consult = call.holds_for.and_then(|consult| self.calls.get(&consult));
            if consult.and_then(|consult| consult.view.as_ref()).is_some_and(|view| view.allows("drop")) {
                bits |= feature::UNHOLD;
            }
        }
        // Two calls are brought together in two ways; TAPI sees which by its second word.
        if more & (feature2::TRANSFERNORM | feature2::TRANSFERCONF) == 0 {
            bits &= !feature::COMPLETETRANSF;
        }
        if call.role == Role::Parent {
            // A conference is not transferred as a whole.
            bits &= !(feature::COMPLETETRANSF | feature::BLINDTRANSFER);
            more &= !(feature2::TRANSFERNORM | feature2::TRANSFERCONF);
        }
        (bits, more)
    }

    /// The five parties of LINECALLINFO: caller, called, connected, redirection, redirecting.
    pub(super) fn parties(&self, handle: u32) -> [Party; 5] {
        let Some(view) = self.calls.get(&handle).and_then(|call| call.view.as_ref()) else {
            return [Party::none(), Party::none(), Party::none(), Party::none(), Party::none()];
        };
        let (redirecting, redirection) = redirection_of(view);
        [Party::of(&view.caller), Party::of(&view.called), Party::of(&view.connected), redirection, redirecting]
    }

    /// What the line dialog shows.
    ///
    /// # Errors
    /// BADDEVICEID.
    pub fn device_text(&self, device: u32) -> Result<DeviceText, i32> {
        let index = self.by_device(device)?;
        let stored = self.stored(index).ok_or(err::BADDEVICEID)?;
        let view = self.lines.get(index).and_then(|line| line.view.as_ref());
        let status = match (self.link, view) {
            _ if self.has_failed => {
                "The bridge failed too often and gave up (see its log). Restart the telephony service.".to_owned()
            }
            (LinkState::Starting, _) => "The gateway has not been reached yet.".to_owned(),
            (LinkState::Down, _) if self.link_reason.is_empty() => "The gateway cannot be reached.".to_owned(),
            (LinkState::Down, _) => format!("The gateway cannot be reached: {}", self.link_reason),
            (LinkState::Up, None) => "The gateway does not have this line any more.".to_owned(),
            (LinkState::Up, Some(view)) if view.is_in_service() => "In service.".to_owned(),
            (LinkState::Up, Some(view)) => {
                let why = view.monitor.reason.clone().or_else(|| view.monitor.code.clone()).unwrap_or_default();
                let what =
                    if view.status == "in_service" { "Its calls cannot be seen" } else { "No phone is registered" };
                if why.is_empty() { format!("{what}.") } else { format!("{what}: {why}") }
            }
        };
        Ok(DeviceText {
            name: line_name(stored),
            device: view.and_then(|view| view.device_id.clone()).unwrap_or_default(),
            status,
        })
    }

    /// `dwPermanentLineID`, number and name of every line, in order.
    pub fn line_list(&self) -> Vec<(u32, String, bool)> {
        (0..self.lines.len())
            .filter_map(|index| {
                let stored = self.stored(index)?;
                Some((stored.permanent_id, line_name(stored), self.is_in_service(index)))
            })
            .collect()
    }
}

/// "201 Anna Berg": clients show it, and some take the number from it.
pub(super) fn line_name(stored: &StoredLine) -> String {
    if stored.name.is_empty() { stored.number.clone() } else { format!("{} {}", stored.number, stored.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_taken() {
        assert_eq!(negotiate(0x1_0003, 0x3_0001), Ok(0x3_0000));
        assert_eq!(negotiate(0x2_0000, 0x2_0000), Ok(0x2_0000));
        assert_eq!(negotiate(0x2_0000, 0x2_0002), Ok(0x2_0002));
        for (low, high) in [(0x1_0003, 0x1_0004), (0x4_0000, 0x5_0000), (0x3_0000, 0x2_0000)] {
            assert_eq!(negotiate(low, high), Err(err::INCOMPATIBLEAPIVERSION));
        }
    }
}
