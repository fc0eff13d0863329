//! Exports about calls.

use std::sync::Arc;

use linegate_tsp_core::tapi::err;

use super::export;
use super::line::line;
use crate::instance::Instance;
use crate::{memory, table};

/// A call: the instance and its handle.
pub(super) fn call(handle: usize) -> Result<(Arc<Instance>, u32), i32> {
    let instance = table::by_handle(handle).ok_or(err::INVALCALLHANDLE)?;
    let handle = u32::try_from(handle).map_err(|_| err::INVALCALLHANDLE)?;
    if !instance.bridge().has_call(handle) {
        return Err(err::INVALCALLHANDLE);
    }
    Ok((instance, handle))
}

export! {
    /// Makes a call. It exists when the request is completed.
    fn TSPI_lineMakeCall(
        request: u32,
        handle: usize,
        ht_call: usize,
        out: *mut usize,
        destination: *const u16,
        _country: u32,
        params: *const u8,
    ) {
        let (instance, line) = line(handle)?;
        if out.is_null() {
            return Err(err::INVALPOINTER);
        }
        // SAFETY: TAPI gives a text that ends with NUL, and as many bytes as the structure says.
        let (destination, params) = unsafe { (memory::text(destination), memory::input(params)) };
        // The handle is written before the core is free again: an event may come on another thread at once.
        instance.with(|bridge, now| {
            let call = bridge.make_call(request, line, ht_call, destination, params, now)?;
            // SAFETY: TAPI's own variable.
            unsafe { memory::put(out, call as usize) }
        })?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Dials in a call that has a dial tone.
    fn TSPI_lineDial(request: u32, handle: usize, destination: *const u16, _country: u32) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives a text that ends with NUL.
        let destination = unsafe { memory::text(destination) };
        instance.with(|bridge, now| bridge.dial(request, call, destination, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Says that the ring was seen.
    fn TSPI_lineAccept(request: u32, handle: usize, _info: *const u8, _size: u32) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.accept(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Takes a call.
    fn TSPI_lineAnswer(request: u32, handle: usize, _info: *const u8, _size: u32) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.answer_call(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Hangs up.
    fn TSPI_lineDrop(request: u32, handle: usize, _info: *const u8, _size: u32) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.drop_call(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Puts on hold.
    fn TSPI_lineHold(request: u32, handle: usize) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.hold(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Takes from hold.
    fn TSPI_lineUnhold(request: u32, handle: usize) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.unhold(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Changes between two calls.
    fn TSPI_lineSwapHold(request: u32, active: usize, held: usize) {
        let (instance, active) = call(active)?;
        let (_, held) = call(held)?;
        instance.with(|bridge, now| bridge.swap_hold(request, active, held, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Sends a ringing call on.
    fn TSPI_lineRedirect(request: u32, handle: usize, destination: *const u16, _country: u32) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives a text that ends with NUL.
        let destination = unsafe { memory::text(destination) };
        instance.with(|bridge, now| bridge.redirect(request, call, destination, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Transfers without asking.
    fn TSPI_lineBlindTransfer(request: u32, handle: usize, destination: *const u16, _country: u32) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives a text that ends with NUL.
        let destination = unsafe { memory::text(destination) };
        instance.with(|bridge, now| bridge.blind_transfer(request, call, destination, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Holds a call and begins a consultation.
    fn TSPI_lineSetupTransfer(request: u32, handle: usize, ht_consult: usize, out: *mut usize, params: *const u8) {
        let (instance, original) = call(handle)?;
        if out.is_null() {
            return Err(err::INVALPOINTER);
        }
        // SAFETY: TAPI gives as many bytes as the structure says.
        let params = unsafe { memory::input(params) };
        instance.with(|bridge, now| {
            let consult = bridge.setup_transfer(request, original, ht_consult, params, now)?;
            // SAFETY: TAPI's own variable.
            unsafe { memory::put(out, consult as usize) }
        })?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Brings two calls together: as a transfer, or as a conference.
    fn TSPI_lineCompleteTransfer(
        request: u32,
        handle: usize,
        consult: usize,
        ht_conference: usize,
        out: *mut usize,
        mode: u32,
    ) {
        /// LINETRANSFERMODE_CONFERENCE.
        const CONFERENCE: u32 = 2;
        let (instance, original) = call(handle)?;
        let (_, consult) = call(consult).map_err(|_| err::INVALCONSULTCALLHANDLE)?;
        if mode == CONFERENCE && out.is_null() {
            return Err(err::INVALPOINTER);
        }
        instance.with(|bridge, now| {
            let made = bridge.complete_transfer(request, original, consult, ht_conference, mode, now)?;
            match made {
                // SAFETY: TAPI's own variable.
                Some(conference) => unsafe { memory::put(out, conference as usize) },
                None => Ok(()),
            }
        })?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Adds a call to a conference.
    fn TSPI_lineAddToConference(request: u32, conference: usize, consult: usize) {
        let (instance, conference) = call(conference).map_err(|_| err::INVALCONFCALLHANDLE)?;
        let (_, consult) = call(consult).map_err(|_| err::INVALCONSULTCALLHANDLE)?;
        instance.with(|bridge, now| bridge.add_to_conference(request, conference, consult, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// Takes a call out of its conference.
    fn TSPI_lineRemoveFromConference(request: u32, handle: usize) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.remove_from_conference(request, call, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// The router carries no such information.
    fn TSPI_lineSendUserUserInfo(_request: u32, handle: usize, _info: *const u8, _size: u32) {
        call(handle)?;
        Err(err::OPERATIONUNAVAIL)
    }
}

export! {
    /// Sends tones.
    fn TSPI_lineGenerateDigits(handle: usize, end_to_end: u32, mode: u32, digits: *const u16, _duration: u32) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives a text that ends with NUL.
        let digits = unsafe { memory::text(digits) };
        instance.with(|bridge, now| bridge.generate_digits(call, end_to_end, mode, digits, now))?;
        Ok(0)
    }
}

export! {
    /// The gateway hears no media.
    fn TSPI_lineMonitorMedia(handle: usize, _modes: u32) {
        call(handle)?;
        Err(err::OPERATIONUNAVAIL)
    }
}

export! {
    /// Every call here is a voice call, and stays one.
    fn TSPI_lineSetMediaMode(handle: usize, modes: u32) {
        /// UNKNOWN, INTERACTIVEVOICE and AUTOMATEDVOICE.
        const VOICE: u32 = 0x2 | 0x4 | 0x8;
        call(handle)?;
        if modes & !VOICE == 0 { Ok(0) } else { Err(err::INVALMEDIAMODE) }
    }
}

export! {
    /// Data of programs for a call.
    fn TSPI_lineSetCallData(request: u32, handle: usize, data: *const u8, size: u32) {
        let (instance, call) = call(handle)?;
        if data.is_null() && size != 0 {
            return Err(err::INVALPOINTER);
        }
        if size as usize > linegate_tsp_core::bridge::MAX_CALL_DATA {
            return Err(err::INVALPARAM);
        }
        // SAFETY: TAPI gives as many bytes as it says.
        let bytes = if size == 0 { &[][..] } else { unsafe { std::slice::from_raw_parts(data, size as usize) } };
        instance.with(|bridge, now| bridge.set_call_data(request, call, bytes, now))?;
        Ok(request.cast_signed())
    }
}

export! {
    /// A number of programs for a call.
    fn TSPI_lineSetAppSpecific(handle: usize, value: u32) {
        let (instance, call) = call(handle)?;
        instance.with(|bridge, now| bridge.set_app_specific(call, value, now))?;
        Ok(0)
    }
}

export! {
    /// What is known of a call.
    fn TSPI_lineGetCallInfo(handle: usize, info: *mut u8) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(info)? };
        instance.bridge().call_info(call, bytes)?;
        Ok(0)
    }
}

export! {
    /// State of a call, and what may be asked of it.
    fn TSPI_lineGetCallStatus(handle: usize, status: *mut u8) {
        let (instance, call) = call(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(status)? };
        instance.bridge().call_status(call, bytes)?;
        Ok(0)
    }
}

export! {
    /// The address that a call is on.
    fn TSPI_lineGetCallAddressID(handle: usize, address: *mut u32) {
        let (instance, call) = call(handle)?;
        let found = instance.bridge().call_address(call)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(address, found)? };
        Ok(0)
    }
}

export! {
    /// Address, call id and related call id.
    fn TSPI_lineGetCallIDs(handle: usize, address: *mut u32, id: *mut u32, related: *mut u32) {
        let (instance, call) = call(handle)?;
        let found = instance.bridge().call_ids(call)?;
        // SAFETY: TAPI's own variables.
        unsafe {
            memory::put(address, found.0)?;
            memory::put(id, found.1)?;
            memory::put(related, found.2)?;
        }
        Ok(0)
    }
}

export! {
    /// The last program let go: what was asked for on the call is completed before it returns. The call itself goes on.
    fn TSPI_lineCloseCall(handle: usize) {
        let (instance, call) = call(handle)?;
        let ended = instance.with(|bridge, _| bridge.close_call(call))?;
        instance.complete_now(&ended);
        instance.await_landing(0, call);
        Ok(0)
    }
}
