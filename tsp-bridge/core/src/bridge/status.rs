//! The structures that TAPI gets: capabilities and state of lines, addresses and calls (dossier 2.14).

use super::call::Role;
use super::query::line_name;
use super::requests::MAX_CALL_DATA;
use super::{Bridge, LinkState};
use crate::layout::{Structure, address_caps, address_status, call_info, call_status, dev_caps, dev_status};
use crate::params::forward_entries;
use crate::tapi::{
    addr_cap, addr_feature, addr_state, call_state, dev_state, disconnect, err, feature, feature2, info, line_feature,
    party,
};
use crate::writer::{Writer, utf16z};

/// What this provider is called.
const PRODUCT: &str = concat!("Linegate TAPI bridge ", env!("CARGO_PKG_VERSION"));
/// What it stands before.
const SWITCH: &str = "Cisco CallManager Express";
/// LINEMEDIAMODE_INTERACTIVEVOICE.
const VOICE: u32 = 4;
/// LINEBEARERMODE_VOICE.
const BEARER: u32 = 1;
/// STRINGFORMAT_ASCII: what providers say while they hand out UTF-16 (dossier 2.4).
const ASCII: u32 = 1;
/// LINEDEVCAPFLAGS_CALLHUB: the call id is the same on every line.
const CALL_HUB: u32 = 0x400;
/// TAPIPROTOCOL_PSTN, {831CE2D6-83B5-11d1-BB5C-00C04FB6809F}.
const PSTN: [u8; 16] = [0xD6, 0xE2, 0x1C, 0x83, 0xB5, 0x83, 0xD1, 0x11, 0xBB, 0x5C, 0x00, 0xC0, 0x4F, 0xB6, 0x80, 0x9F];
/// The class of a line device, with the empty one that ends the list.
const CLASSES: &str = "tapi/line";
/// Most parties of a conference that are counted on; the router may say no earlier.
const CONFERENCE_PARTIES: u32 = 8;
const TRANSFER_MODES: u32 = 1 | 2;

/// Every state that a call here can have.
const STATES: u32 = call_state::IDLE
    | call_state::OFFERING
    | call_state::ACCEPTED
    | call_state::DIALTONE
    | call_state::DIALING
    | call_state::RINGBACK
    | call_state::BUSY
    | call_state::CONNECTED
    | call_state::PROCEEDING
    | call_state::ONHOLD
    | call_state::CONFERENCED
    | call_state::ONHOLDPENDCONF
    | call_state::ONHOLDPENDTRANSFER
    | call_state::DISCONNECTED;

impl Bridge {
    /// `TSPI_lineGetDevCaps`.
    ///
    /// # Errors
    /// BADDEVICEID, STRUCTURETOOSMALL, INCOMPATIBLEAPIVERSION.
    pub fn dev_caps(&self, device: u32, version: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let index = self.by_device(device)?;
        let stored = self.stored(index).ok_or(err::BADDEVICEID)?;
        let mut writer = begin(bytes, Structure::DevCaps, version)?;
        writer.put(dev_caps::PERMANENT_LINE_ID, stored.permanent_id);
        writer.put(dev_caps::STRING_FORMAT, ASCII);
        // By id, and by the number that a call is to be made from.
        writer.put(dev_caps::ADDRESS_MODES, 1 | 2);
        writer.put(dev_caps::NUM_ADDRESSES, self.count_addresses(index));
        writer.put(dev_caps::BEARER_MODES, BEARER);
        writer.put(dev_caps::MAX_RATE, 64_000);
        writer.put(dev_caps::MEDIA_MODES, VOICE);
        // LINEDIGITMODE_DTMF.
        writer.put(dev_caps::GENERATE_DIGIT_MODES, 2);
        writer.put(dev_caps::DEV_CAP_FLAGS, if version >= 0x0003_0000 { CALL_HUB } else { 0 });
        writer.put(dev_caps::MAX_NUM_ACTIVE_CALLS, 2 * self.count_addresses(index));
        // LINEANSWERMODE_HOLD: the phone holds the active call when another one is answered.
        writer.put(dev_caps::ANSWER_MODE, 4);
        writer.put(dev_caps::RING_MODES, 1);
        let states = dev_state::RINGING
            | dev_state::CONNECTED
            | dev_state::DISCONNECTED
            | dev_state::INSERVICE
            | dev_state::OUTOFSERVICE
            | dev_state::NUMCALLS
            | dev_state::CAPSCHANGE
            | dev_state::REMOVED;
        writer.put(dev_caps::LINE_STATES, states);
        writer.put(dev_caps::LINE_FEATURES, LINE_FEATURES);
        writer.put_bytes(dev_caps::PERMANENT_LINE_GUID, &line_guid(&stored.line_id));
        // LINEADDRESSTYPE_PHONENUMBER.
        writer.put(dev_caps::ADDRESS_TYPES, 1);
        writer.put_bytes(dev_caps::PROTOCOL_GUID, &PSTN);
        writer.text(dev_caps::PROVIDER_INFO, PRODUCT);
        writer.text(dev_caps::SWITCH_INFO, SWITCH);
        writer.text(dev_caps::LINE_NAME, &line_name(stored));
        writer.part(dev_caps::DEVICE_CLASSES, &classes());
        writer.finish();
        Ok(())
    }

    /// `TSPI_lineGetAddressCaps`.
    ///
    /// # Errors
    /// BADDEVICEID, INVALADDRESSID, STRUCTURETOOSMALL, INCOMPATIBLEAPIVERSION.
    pub fn address_caps(&self, device: u32, address: u32, version: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let index = self.by_device(device)?;
        let stored = self.stored(index).ok_or(err::BADDEVICEID)?;
        if address >= self.count_addresses(index) {
            return Err(err::INVALADDRESSID);
        }
        let number = usize::try_from(address).ok().and_then(|at| stored.addresses.get(at));
        let number = number.map_or(stored.number.as_str(), |one| one.number.as_str());
        let mut writer = begin(bytes, Structure::AddressCaps, version)?;
        writer.put(address_caps::LINE_DEVICE_ID, device);
        writer.put(address_caps::ADDRESS_SHARING, if self.is_shared(number) { 8 } else { 1 });
        let states = addr_state::INUSEZERO
            | addr_state::INUSEONE
            | addr_state::INUSEMANY
            | addr_state::NUMCALLS
            | addr_state::FORWARD
            | addr_state::CAPSCHANGE;
        writer.put(address_caps::ADDRESS_STATES, states);
        let infos = info::APPSPECIFIC
            | info::CALLID
            | info::RELATEDCALLID
            | info::ORIGIN
            | info::REASON
            | info::CALLERID
            | info::CALLEDID
            | info::CONNECTEDID
            | info::REDIRECTIONID
            | info::REDIRECTINGID
            | info::CALLDATA;
        writer.put(address_caps::CALL_INFO_STATES, infos);
        let known = party::NAME | party::ADDRESS | party::UNKNOWN | party::UNAVAIL | party::BLOCKED;
        for flags in [
            address_caps::CALLER_ID_FLAGS,
            address_caps::CALLED_ID_FLAGS,
            address_caps::CONNECTED_ID_FLAGS,
            address_caps::REDIRECTION_ID_FLAGS,
            address_caps::REDIRECTING_ID_FLAGS,
        ] {
            writer.put(flags, known);
        }
        writer.put(address_caps::CALL_STATES, STATES);
        writer.put(address_caps::DIAL_TONE_MODES, 1);
        writer.put(address_caps::BUSY_MODES, 1);
        // LINESPECIALINFO_UNAVAIL, as the state is not used.
        writer.put(address_caps::SPECIAL_INFO, 0x10);
        let modes = disconnect::NORMAL
            | disconnect::UNKNOWN
            | disconnect::REJECT
            | disconnect::PICKUP
            | disconnect::FORWARDED
            | disconnect::BUSY
            | disconnect::NOANSWER
            | disconnect::BADADDRESS
            | disconnect::CONGESTION
            | disconnect::OUTOFORDER
            | disconnect::TEMPFAILURE;
        writer.put(address_caps::DISCONNECT_MODES, modes);
        writer.put(address_caps::MAX_NUM_ACTIVE_CALLS, 1);
        writer.put(address_caps::MAX_NUM_ON_HOLD_CALLS, 2);
        writer.put(address_caps::MAX_NUM_ON_HOLD_PENDING_CALLS, 1);
        writer.put(address_caps::MAX_NUM_CONFERENCE, CONFERENCE_PARTIES);
        writer.put(address_caps::MAX_NUM_TRANS_CONF, CONFERENCE_PARTIES);
        let flags = addr_cap::DIALED
            | addr_cap::ORIGOFFHOOK
            | addr_cap::AUTORECONNECT
            | addr_cap::TRANSFERHELD
            | addr_cap::TRANSFERMAKE
            | addr_cap::CONFERENCEHELD
            | addr_cap::CONFERENCEMAKE
            | addr_cap::PARTIALDIAL
            | addr_cap::FWDSTATUSVALID;
        writer.put(address_caps::ADDR_CAP_FLAGS, flags);
        writer.put(address_caps::CALL_FEATURES, CALL_FEATURES);
        // LINEREMOVEFROMCONF_ANY; who is taken out goes idle.
        writer.put(address_caps::REMOVE_FROM_CONF_CAPS, 3);
        writer.put(address_caps::REMOVE_FROM_CONF_STATE, call_state::IDLE);
        writer.put(address_caps::TRANSFER_MODES, TRANSFER_MODES);
        // LINEFORWARDMODE_UNCOND.
        writer.put(address_caps::FORWARD_MODES, 1);
        writer.put(address_caps::MAX_FORWARD_ENTRIES, 1);
        writer.put(address_caps::ADDRESS_FEATURES, ADDRESS_FEATURES);
        writer.put(address_caps::MAX_CALL_DATA_SIZE, u32::try_from(MAX_CALL_DATA).unwrap_or(0));
        let more = feature2::ONESTEPTRANSFER | feature2::TRANSFERNORM | feature2::TRANSFERCONF;
        writer.put(address_caps::CALL_FEATURES2, more);
        writer.put(address_caps::CONNECTED_MODES, 1);
        writer.put(address_caps::OFFERING_MODES, 1);
        writer.put(address_caps::AVAILABLE_MEDIA_MODES, VOICE);
        // Never empty: some programs cannot show a line without it.
        writer.text(address_caps::ADDRESS, number);
        writer.part(address_caps::DEVICE_CLASSES, &classes());
        writer.finish();
        Ok(())
    }

    fn is_shared(&self, number: &str) -> bool {
        let with = |line: &&crate::store::StoredLine| {
            !line.gone && line.addresses.iter().any(|address| !address.gone && address.number == number)
        };
        self.store.lines.iter().filter(with).count() > 1
    }

    /// `TSPI_lineGetLineDevStatus`.
    ///
    /// # Errors
    /// INVALLINEHANDLE, STRUCTURETOOSMALL.
    pub fn dev_status(&self, line: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let index = self.by_handle(line)?;
        let open = self.lines.get(index).and_then(|line| line.open.as_ref()).ok_or(err::INVALLINEHANDLE)?;
        let is_in_service = self.is_in_service(index);
        let (active, held, pending) = self.count_calls(index, None);
        let mut writer = begin(bytes, Structure::DevStatus, open.version)?;
        writer.put(dev_status::NUM_ACTIVE_CALLS, active);
        writer.put(dev_status::NUM_ON_HOLD_CALLS, held);
        writer.put(dev_status::NUM_ON_HOLD_PEND_CALLS, pending);
        writer.put(dev_status::LINE_FEATURES, self.line_features(index));
        writer.put(dev_status::RING_MODE, u32::from(self.rings(index)));
        writer.put(dev_status::SIGNAL_LEVEL, 0xFFFF);
        writer.put(dev_status::BATTERY_LEVEL, 0xFFFF);
        // LINEROAMMODE_UNAVAIL.
        writer.put(dev_status::ROAM_MODE, 2);
        let connected = u32::from(self.link == LinkState::Up);
        writer.put(dev_status::DEV_STATUS_FLAGS, connected | if is_in_service { 4 } else { 0 });
        writer.put(dev_status::AVAILABLE_MEDIA_MODES, if is_in_service { VOICE } else { 0 });
        writer.finish();
        Ok(())
    }

    fn rings(&self, index: usize) -> bool {
        let rings = |state| matches!(state, call_state::OFFERING | call_state::ACCEPTED);
        self.calls.values().any(|call| call.line == index && call.counts() && rings(call.state))
    }

    fn line_features(&self, index: usize) -> u32 {
        if !self.is_in_service(index) {
            return 0;
        }
        let Some(view) = self.lines.get(index).and_then(|line| line.view.as_ref()) else { return 0 };
        let mut bits = 0;
        if (0..self.count_addresses(index)).any(|address| self.may_dial(index, address)) {
            bits |= line_feature::MAKECALL;
        }
        if view.allows("forward") {
            bits |= line_feature::FORWARD | line_feature::FORWARDFWD | line_feature::FORWARDDND;
        }
        bits
    }

    /// Whether a call can be made at an address, as far as that is known: the gateway tells it of the first button.
    fn may_dial(&self, index: usize, address: u32) -> bool {
        let view = self.lines.get(index).and_then(|line| line.view.as_ref());
        self.is_in_service(index)
            && self.button_of(index, address).is_some()
            && (address > 0 || view.is_some_and(|view| view.allows("dial")))
    }

    /// Calls that are active, held, and held for a consultation.
    fn count_calls(&self, index: usize, address: Option<u32>) -> (u32, u32, u32) {
        let mut counts = (0, 0, 0);
        let mine = self.calls.values().filter(|call| {
            call.line == index && call.counts() && address.is_none_or(|address| call.address == address)
        });
        for call in mine {
            match call.state {
                call_state::ONHOLD => counts.1 += 1,
                call_state::ONHOLDPENDTRANSFER | call_state::ONHOLDPENDCONF => counts.2 += 1,
                call_state::IDLE | call_state::UNKNOWN => {}
                _ => counts.0 += 1,
            }
        }
        counts
    }

    /// `TSPI_lineGetAddressStatus`.
    ///
    /// # Errors
    /// INVALLINEHANDLE, INVALADDRESSID, STRUCTURETOOSMALL.
    pub fn address_status(&self, line: u32, address: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let index = self.by_handle(line)?;
        let known = self.lines.get(index).ok_or(err::INVALLINEHANDLE)?;
        let version = known.open.as_ref().map_or(0x0002_0000, |open| open.version);
        if address >= self.count_addresses(index) {
            return Err(err::INVALADDRESSID);
        }
        let is_there = self.button_of(index, address).is_some();
        let (active, held, pending) = self.count_calls(index, Some(address));
        let forwarding = usize::try_from(address).ok().and_then(|at| known.forwarding.get(at)).cloned().flatten();
        let is_quiet = known.do_not_disturb;
        // The texts stand behind the entries, and the entries begin where the first part does.
        let start = crate::layout::fixed_size(Structure::AddressStatus, version);
        let (entries, count) = forward_entries(forwarding.as_deref(), is_quiet, start);
        let mut writer = begin(bytes, Structure::AddressStatus, version)?;
        writer.put(address_status::NUM_IN_USE, u32::from(active + held + pending > 0));
        writer.put(address_status::NUM_ACTIVE_CALLS, active);
        writer.put(address_status::NUM_ON_HOLD_CALLS, held);
        writer.put(address_status::NUM_ON_HOLD_PEND_CALLS, pending);
        let features = self.line_features(index);
        let mut bits = 0;
        if self.may_dial(index, address) {
            bits |= addr_feature::MAKECALL;
        }
        if features & line_feature::FORWARD != 0 && is_there {
            bits |= addr_feature::FORWARD | addr_feature::FORWARDFWD | addr_feature::FORWARDDND;
        }
        writer.put(address_status::ADDRESS_FEATURES, bits);
        let is_whole = writer.part(address_status::FORWARD, &entries).is_some();
        writer.put(address_status::FORWARD_NUM_ENTRIES, if is_whole { count } else { 0 });
        writer.finish();
        Ok(())
    }

    /// `TSPI_lineGetCallStatus`.
    ///
    /// # Errors
    /// INVALCALLHANDLE, STRUCTURETOOSMALL.
    pub fn call_status(&self, handle: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let call = self.call(handle)?;
        let (bits, more) = self.features(handle);
        let mut writer = begin(bytes, Structure::CallStatus, self.call_version(handle))?;
        writer.put(call_status::CALL_STATE, call.state);
        writer.put(call_status::CALL_STATE_MODE, call.mode);
        writer.put(call_status::CALL_FEATURES, bits);
        writer.put(call_status::CALL_FEATURES2, more);
        writer.put_bytes(call_status::STATE_ENTRY_TIME, &system_time(call.since_wall_ms));
        writer.finish();
        Ok(())
    }

    /// `TSPI_lineGetCallInfo`.
    ///
    /// # Errors
    /// INVALCALLHANDLE, STRUCTURETOOSMALL.
    pub fn call_info(&self, handle: u32, bytes: &mut [u8]) -> Result<(), i32> {
        let call = self.call(handle)?;
        let device = self.lines.get(call.line).and_then(|line| line.device).unwrap_or(0);
        let version = self.call_version(handle);
        let mut writer = begin(bytes, Structure::CallInfo, version)?;
        writer.put(call_info::LINE_DEVICE_ID, device);
        writer.put(call_info::ADDRESS_ID, call.address);
        writer.put(call_info::BEARER_MODE, BEARER);
        writer.put(call_info::RATE, 64_000);
        writer.put(call_info::MEDIA_MODE, VOICE);
        writer.put(call_info::APP_SPECIFIC, call.app_specific);
        writer.put(call_info::CALL_ID, call.call_id);
        writer.put(call_info::RELATED_CALL_ID, self.related_call_id(handle));
        writer.put(call_info::CALL_STATES, STATES);
        writer.put(call_info::ORIGIN, call.origin());
        writer.put(call_info::REASON, call.reason());
        writer.put(call_info::TRUNK, u32::MAX);
        let parties = self.parties(handle);
        let places = [
            call_info::CALLER_ID_FLAGS,
            call_info::CALLED_ID_FLAGS,
            call_info::CONNECTED_ID_FLAGS,
            call_info::REDIRECTION_ID_FLAGS,
            call_info::REDIRECTING_ID_FLAGS,
        ];
        for (place, party) in places.into_iter().zip(&parties) {
            writer.put(place, party.flags);
            if !party.number.is_empty() {
                writer.text(place + 4, &party.number);
            }
            if !party.name.is_empty() {
                writer.text(place + 12, &party.name);
            }
        }
        for kind in [
            call_info::CALLER_ID_ADDRESS_TYPE,
            call_info::CALLED_ID_ADDRESS_TYPE,
            call_info::CONNECTED_ID_ADDRESS_TYPE,
            call_info::REDIRECTION_ID_ADDRESS_TYPE,
            call_info::REDIRECTING_ID_ADDRESS_TYPE,
        ] {
            writer.put(kind, 1);
        }
        writer.part(call_info::CALL_DATA, &call.call_data);
        writer.finish();
        Ok(())
    }

    /// The state of a call and of its role, for tests and traces.
    pub fn call_summary(&self, handle: u32) -> Option<(u32, u32, bool)> {
        let call = self.call(handle).ok()?;
        Some((call.state, call.mode, call.role == Role::Parent))
    }
}

const LINE_FEATURES: u32 =
    line_feature::MAKECALL | line_feature::FORWARD | line_feature::FORWARDFWD | line_feature::FORWARDDND;
const ADDRESS_FEATURES: u32 =
    addr_feature::MAKECALL | addr_feature::FORWARD | addr_feature::FORWARDFWD | addr_feature::FORWARDDND;
const CALL_FEATURES: u32 = feature::ACCEPT
    | feature::ADDTOCONF
    | feature::ANSWER
    | feature::BLINDTRANSFER
    | feature::COMPLETETRANSF
    | feature::DIAL
    | feature::DROP
    | feature::GENERATEDIGITS
    | feature::HOLD
    | feature::REDIRECT
    | feature::REMOVEFROMCONF
    | feature::SETUPTRANSFER
    | feature::SWAPHOLD
    | feature::UNHOLD
    | feature::SETCALLDATA;

fn begin(bytes: &mut [u8], structure: Structure, version: u32) -> Result<Writer<'_>, i32> {
    if super::query::negotiate(version, version).is_err() {
        return Err(err::INCOMPATIBLEAPIVERSION);
    }
    Writer::new(bytes, structure, version).map_err(|_| err::STRUCTURETOOSMALL)
}

/// A list of class names ends with an empty one.
fn classes() -> Vec<u8> {
    let mut list = utf16z(CLASSES);
    list.extend_from_slice(&[0, 0]);
    list
}

/// A GUID that belongs to a line of a gateway for ever, in the byte order of Windows.
/// The gateway's id of the line is unique in the world; its address may change.
fn line_guid(line_id: &str) -> [u8; 16] {
    let name = format!("linegate-line:{line_id}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, name.as_bytes()).to_bytes_le()
}

/// SYSTEMTIME, UTC.
fn system_time(wall_ms: u64) -> [u8; 16] {
    let days = wall_ms / 86_400_000;
    let rest = wall_ms % 86_400_000;
    // Civil date from days since 1970, by eras of 400 years that begin in March.
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let weekday = (days + 4) % 7;
    let parts = [year, month, weekday, day, rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000];
    let mut out = [0_u8; 16];
    for (place, part) in out.chunks_exact_mut(2).zip(parts) {
        place.copy_from_slice(&u16::try_from(part).unwrap_or(0).to_le_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_becomes_a_system_time() {
        let words = |ms| -> Vec<u16> {
            system_time(ms).chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect()
        };
        assert_eq!(words(0), [1970, 1, 4, 1, 0, 0, 0, 0]);
        assert_eq!(words(951_782_400_000), [2000, 2, 2, 29, 0, 0, 0, 0]);
        assert_eq!(words(1_795_650_799_123), [2026, 11, 3, 25, 23, 53, 19, 123]);
    }

    #[test]
    fn a_line_keeps_its_guid() {
        assert_eq!(line_guid("line_7"), line_guid("line_7"));
        assert_ne!(line_guid("line_7"), line_guid("line_8"));
    }
}
