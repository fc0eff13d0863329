//! Requests of TAPI about a line, and data of calls.

use serde_json::{Value, json};

use super::answers::Ask;
use super::requests::{Accepted, MAX_CALL_DATA};
use super::{Act, Bridge, LinkState, Now};
use crate::params::{CallParams, ForwardList};
use crate::tapi::{err, info};

/// Media modes that may be asked to be detected: UNKNOWN, INTERACTIVEVOICE, AUTOMATEDVOICE.
const MEDIA: u32 = 0x2 | 0x4 | 0x8;
/// LINEDEVSTATE bits that exist, and LINEADDRESSSTATE bits.
const LINE_STATES: u32 = 0x01FF_FFFF;
const ADDRESS_STATES: u32 = 0x1FF;

impl Bridge {
    /// `TSPI_lineForward`: replaces forwarding and do not disturb of one address or all.
    ///
    /// # Errors
    /// INVALADDRESSID, INVALPARAM, INVALADDRESS; RESOURCEUNAVAIL without a link.
    pub fn forward(
        &mut self,
        request: u32,
        line: u32,
        address: Option<u32>,
        list: Option<&[u8]>,
        now: Now,
    ) -> Accepted {
        let index = self.by_handle(line)?;
        let wanted = list.map(ForwardList::read).transpose()?.unwrap_or_default();
        let stored = self.stored(index).ok_or(err::INVALLINEHANDLE)?;
        let all = || {
            stored.addresses.iter().zip(0_u32..).filter(|(one, _)| !one.gone).map(|(one, id)| (id, one.index)).collect()
        };
        let addresses: Vec<(u32, u32)> = match address {
            None => all(),
            Some(id) => vec![(id, self.button_of(index, id).ok_or(err::INVALADDRESSID)?)],
        };
        if self.link != LinkState::Up {
            return Err(err::RESOURCEUNAVAIL);
        }
        let view = self.lines.get(index).and_then(|line| line.view.as_ref()).ok_or(err::INVALLINESTATE)?;
        if !view.allows("forward") {
            return Err(err::INVALLINESTATE);
        }
        let (id, is_quiet) = (view.id.clone(), view.do_not_disturb);
        self.note_request(request, line, &[]);
        for (address, button) in addresses {
            let path = format!("/api/v1/lines/{id}/forwarding?address={button}");
            let ask = Ask { method: "PUT", path, body: json!({"unconditional": wanted.to}) };
            self.command(Some(request), Act::Forwarding { line: index, address }, index, 0, &ask, now);
        }
        if wanted.do_not_disturb != is_quiet {
            let path = format!("/api/v1/lines/{id}/do-not-disturb");
            let ask = Ask { method: "PUT", path, body: json!({"enabled": wanted.do_not_disturb}) };
            self.command(Some(request), Act::DoNotDisturb { line: index }, index, 0, &ask, now);
        }
        Ok(())
    }

    /// `TSPI_lineSetDefaultMediaDetection`.
    ///
    /// # Errors
    /// INVALMEDIAMODE for media that no call here has.
    pub fn set_media_detection(&mut self, line: u32, modes: u32, now: Now) -> Accepted {
        let index = self.by_handle(line)?;
        if modes & !MEDIA != 0 {
            return Err(err::INVALMEDIAMODE);
        }
        if let Some(open) = self.lines.get_mut(index).and_then(|line| line.open.as_mut()) {
            open.media_modes = modes;
        }
        self.settle(line, now);
        Ok(())
    }

    /// `TSPI_lineConditionalMediaDetection`: whether a call of these parameters could be made.
    ///
    /// # Errors
    /// INVALMEDIAMODE, INVALBEARERMODE; RESOURCEUNAVAIL out of service.
    pub fn conditional_media_detection(&self, line: u32, modes: u32, params: Option<&[u8]>) -> Accepted {
        let index = self.by_handle(line)?;
        if modes & !MEDIA != 0 {
            return Err(err::INVALMEDIAMODE);
        }
        let params = params.map(CallParams::read).transpose()?.unwrap_or_default();
        self.check_media(&params)?;
        self.origin_address(index, &params.origin)?;
        if self.link == LinkState::Up && !self.is_in_service(index) || self.link == LinkState::Down {
            return Err(err::RESOURCEUNAVAIL);
        }
        Ok(())
    }

    /// `TSPI_lineSetStatusMessages`.
    ///
    /// # Errors
    /// INVALLINESTATE and INVALADDRESSSTATE for bits that do not exist.
    pub fn set_status_messages(&mut self, line: u32, line_states: u32, address_states: u32, now: Now) -> Accepted {
        let index = self.by_handle(line)?;
        if line_states & !LINE_STATES != 0 {
            return Err(err::INVALLINESTATE);
        }
        if address_states & !ADDRESS_STATES != 0 {
            return Err(err::INVALADDRESSSTATE);
        }
        if let Some(open) = self.lines.get_mut(index).and_then(|line| line.open.as_mut()) {
            open.line_states = line_states;
            open.address_states = address_states;
        }
        self.settle(line, now);
        Ok(())
    }

    /// `TSPI_lineSetAppSpecific`.
    ///
    /// # Errors
    /// INVALCALLHANDLE; INVALCALLSTATE for a call that is over.
    pub fn set_app_specific(&mut self, handle: u32, value: u32, now: Now) -> Accepted {
        self.is_alive()?;
        self.call(handle)?;
        let call = self.calls.get_mut(&handle).ok_or(err::INVALCALLHANDLE)?;
        if call.is_over() {
            return Err(err::INVALCALLSTATE);
        }
        call.app_specific = value;
        call.dirty |= info::APPSPECIFIC;
        let data = call.call_data.clone();
        self.emit(handle);
        self.send_data(None, handle, value, &data, now);
        Ok(())
    }

    /// `TSPI_lineSetCallData`.
    ///
    /// # Errors
    /// INVALPARAM for more than [`MAX_CALL_DATA`] bytes; INVALCALLSTATE for a call that is over.
    pub fn set_call_data(&mut self, request: u32, handle: u32, data: &[u8], now: Now) -> Accepted {
        self.is_alive()?;
        self.call(handle)?;
        let call = self.calls.get_mut(&handle).ok_or(err::INVALCALLHANDLE)?;
        if data.len() > MAX_CALL_DATA {
            return Err(err::INVALPARAM);
        }
        if call.is_over() || call.phase == super::call::Phase::Tentative {
            return Err(err::INVALCALLSTATE);
        }
        call.call_data = data.to_vec();
        call.dirty |= info::CALLDATA;
        let (value, line) = (call.app_specific, call.line);
        if self.link != LinkState::Up || self.call(handle)?.id.is_none() {
            // It is kept here at least; members of a conference have no call of their own at the gateway.
            self.at_once(request, handle)?;
            self.emit(handle);
            return Ok(());
        }
        let line_handle = self.line_handle(line);
        self.note_request(request, line_handle, &[handle]);
        self.send_data(Some(request), handle, value, data, now);
        self.emit(handle);
        Ok(())
    }

    /// The gateway keeps the data with the call: it follows a transfer and is in the journal.
    fn send_data(&mut self, request: Option<u32>, handle: u32, value: u32, data: &[u8], now: Now) {
        let Some(call) = self.calls.get(&handle) else { return };
        let (Some(id), line) = (call.id.clone(), call.line) else { return };
        if self.link != LinkState::Up {
            return;
        }
        let body = json!({"data": super::provider::patch_data(value, data)});
        let ask = Ask { method: "PATCH", path: format!("/api/v1/calls/{id}"), body };
        self.command(request, Act::Data, line, handle, &ask, now);
    }
}

/// `null` for "nothing" in a merge patch.
pub(super) fn or_null(value: Option<Value>) -> Value {
    value.unwrap_or(Value::Null)
}
