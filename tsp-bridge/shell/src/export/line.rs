//! Exports about lines.

use linegate_tsp_core::layout::{Structure, var_string};
use linegate_tsp_core::tapi::err;
use linegate_tsp_core::writer::Writer;
use linegate_tsp_machine::text::narrow;

use super::export;
use crate::instance::{Instance, LineEvent};
use crate::{memory, table};
use std::sync::Arc;

/// STRINGFORMAT_BINARY.
const BINARY: u32 = 4;
/// What `TSPI_lineGetDevConfig` hands out and takes back: nothing of a line is configured by programs.
const DEVICE_CONFIG: &[u8] = b"LGT1";
/// Device classes of others, which no line here has.
const OTHER_CLASSES: [&str; 9] =
    ["comm", "comm/datamodem", "wave/in", "wave/out", "wave/in/out", "midi/in", "midi/out", "ndis", "tapi/phone"];

/// An open line: the instance and its handle.
pub(super) fn line(handle: usize) -> Result<(Arc<Instance>, u32), i32> {
    let instance = table::by_handle(handle).ok_or(err::INVALLINEHANDLE)?;
    let handle = u32::try_from(handle).map_err(|_| err::INVALLINEHANDLE)?;
    if !instance.bridge().has_line(handle) {
        return Err(err::INVALLINEHANDLE);
    }
    Ok((instance, handle))
}

/// Checks the class of a device; only `tapi/line` has something to give.
pub(super) fn device_class_of(pointer: *const u16) -> Result<(), i32> {
    // SAFETY: TAPI gives texts that end with NUL.
    let units = unsafe { memory::text(pointer) }.ok_or(err::INVALPOINTER)?;
    let name = narrow(units).to_ascii_lowercase();
    match name.as_str() {
        "tapi/line" => Ok(()),
        other if OTHER_CLASSES.contains(&other) => Err(err::NODEVICE),
        _ => Err(err::INVALDEVICECLASS),
    }
}

/// Writes a VARSTRING of binary content.
fn binary(pointer: *mut u8, content: &[u8]) -> Result<i32, i32> {
    // SAFETY: TAPI gives as many bytes as the structure says.
    let bytes = unsafe { memory::structure(pointer)? };
    let mut writer = Writer::new(bytes, Structure::VarString, 0x0002_0000).map_err(|_| err::STRUCTURETOOSMALL)?;
    writer.put(var_string::STRING_FORMAT, BINARY);
    writer.part(var_string::STRING, content);
    writer.finish();
    Ok(0)
}

export! {
    /// Capabilities of a line.
    fn TSPI_lineGetDevCaps(device: u32, version: u32, _extension: u32, caps: *mut u8) {
        let instance = table::by_device(device)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(caps)? };
        instance.bridge().dev_caps(device, version, bytes)?;
        Ok(0)
    }
}

export! {
    /// Capabilities of an address.
    fn TSPI_lineGetAddressCaps(device: u32, address: u32, version: u32, _extension: u32, caps: *mut u8) {
        let instance = table::by_device(device)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(caps)? };
        instance.bridge().address_caps(device, address, version, bytes)?;
        Ok(0)
    }
}

export! {
    /// Opens a line; it works whatever the link to the gateway does.
    fn TSPI_lineOpen(device: u32, ht_line: usize, handle: *mut usize, version: u32, event: Option<LineEvent>) {
        let event = event.ok_or(err::INVALPOINTER)?;
        if handle.is_null() {
            return Err(err::INVALPOINTER);
        }
        linegate_tsp_core::bridge::negotiate(version, version)?;
        let instance = table::by_device(device)?;
        let line = instance.with(|bridge, now| {
            let line = bridge.open(device, ht_line, version, now)?;
            // Before the core is free again: the dispatcher must find the function.
            instance.remember(line, event);
            Ok::<u32, i32>(line)
        })?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(handle, line as usize)? };
        Ok(0)
    }
}

export! {
    /// Closes a line: every request is completed before it returns, and nothing is heard of it after.
    fn TSPI_lineClose(handle: usize) {
        let (instance, line) = line(handle)?;
        let ended = instance.with(|bridge, _| bridge.close(line))?;
        instance.complete_now(&ended);
        instance.await_landing(line, 0);
        instance.forget(line);
        Ok(0)
    }
}

export! {
    /// How many addresses a line has.
    fn TSPI_lineGetNumAddressIDs(handle: usize, count: *mut u32) {
        let (instance, line) = line(handle)?;
        let addresses = instance.bridge().address_count(line)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(count, addresses)? };
        Ok(0)
    }
}

export! {
    /// The address with a number.
    fn TSPI_lineGetAddressID(handle: usize, address: *mut u32, mode: u32, number: *const u16, size: u32) {
        let (instance, line) = line(handle)?;
        // SAFETY: TAPI gives a text that ends with NUL.
        let units = unsafe { memory::text(number) }.ok_or(err::INVALPOINTER)?;
        // The size counts bytes, with or without the NUL.
        let units = units.get(..units.len().min(size as usize / 2)).unwrap_or(units);
        let found = instance.bridge().address_id(line, mode, units)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(address, found)? };
        Ok(0)
    }
}

export! {
    /// State of an address.
    fn TSPI_lineGetAddressStatus(handle: usize, address: u32, status: *mut u8) {
        let (instance, line) = line(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(status)? };
        instance.bridge().address_status(line, address, bytes)?;
        Ok(0)
    }
}

export! {
    /// State of a line.
    fn TSPI_lineGetLineDevStatus(handle: usize, status: *mut u8) {
        let (instance, line) = line(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let bytes = unsafe { memory::structure(status)? };
        instance.bridge().dev_status(line, bytes)?;
        Ok(0)
    }
}

export! {
    /// What the programs want to hear.
    fn TSPI_lineSetStatusMessages(handle: usize, line_states: u32, address_states: u32) {
        let (instance, line) = line(handle)?;
        instance.with(|bridge, now| bridge.set_status_messages(line, line_states, address_states, now))?;
        Ok(0)
    }
}

export! {
    /// Which media the programs take calls of; 0 while there are only monitors.
    fn TSPI_lineSetDefaultMediaDetection(handle: usize, modes: u32) {
        let (instance, line) = line(handle)?;
        instance.with(|bridge, now| bridge.set_media_detection(line, modes, now))?;
        Ok(0)
    }
}

export! {
    /// Whether a call like that could be made.
    fn TSPI_lineConditionalMediaDetection(handle: usize, modes: u32, params: *const u8) {
        let (instance, line) = line(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let params = unsafe { memory::input(params) };
        instance.bridge().conditional_media_detection(line, modes, params)?;
        Ok(0)
    }
}

export! {
    /// There are no extensions.
    fn TSPI_lineNegotiateExtVersion(device: u32, _version: u32, _low: u32, _high: u32, _extension: *mut u32) {
        table::by_device(device)?;
        Err(err::INCOMPATIBLEEXTVERSION)
    }
}

export! {
    /// There are no extensions; 0 takes back a choice, which is always right.
    fn TSPI_lineSelectExtVersion(handle: usize, extension: u32) {
        line(handle)?;
        if extension == 0 { Ok(0) } else { Err(err::INVALEXTVERSION) }
    }
}

export! {
    /// There are no extensions: 16 bytes of zero.
    fn TSPI_lineGetExtensionID(device: u32, _version: u32, extension: *mut [u8; 16]) {
        table::by_device(device)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(extension, [0; 16])? };
        Ok(0)
    }
}

export! {
    /// The device of a class behind a line, an address or a call.
    fn TSPI_lineGetID(
        handle: usize,
        address: u32,
        call: usize,
        select: u32,
        id: *mut u8,
        device_class: *const u16,
        _process: usize,
    ) {
        /// LINECALLSELECT_CALL.
        const CALL: u32 = 4;
        device_class_of(device_class)?;
        let (instance, call_handle) = if select == CALL {
            super::call::call(call)?
        } else {
            let (instance, _) = line(handle)?;
            (instance, 0)
        };
        let line = u32::try_from(handle).unwrap_or(0);
        let device = instance.bridge().device_for(line, address, call_handle, select)?;
        binary(id, &device.to_le_bytes())
    }
}

export! {
    /// TAPI's own icon will do.
    fn TSPI_lineGetIcon(device: u32, _class: *const u16, icon: *mut usize) {
        table::by_device(device)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(icon, 0)? };
        Ok(0)
    }
}

export! {
    /// A small block that can be given back.
    fn TSPI_lineGetDevConfig(device: u32, config: *mut u8, device_class: *const u16) {
        table::by_device(device)?;
        device_class_of(device_class)?;
        binary(config, DEVICE_CONFIG)
    }
}

export! {
    /// Takes the block back.
    fn TSPI_lineSetDevConfig(device: u32, config: *const u8, size: u32, device_class: *const u16) {
        table::by_device(device)?;
        device_class_of(device_class)?;
        if config.is_null() {
            return Err(err::INVALPOINTER);
        }
        // SAFETY: TAPI gives as many bytes as it says.
        let given = unsafe { std::slice::from_raw_parts(config, size as usize) };
        if given == DEVICE_CONFIG { Ok(0) } else { Err(err::INVALPARAM) }
    }
}

export! {
    /// Forwarding and do not disturb.
    fn TSPI_lineForward(
        request: u32,
        handle: usize,
        all: u32,
        address: u32,
        list: *const u8,
        _rings: u32,
        _ht_consult: usize,
        consult: *mut usize,
        _params: *const u8,
    ) {
        let (instance, line) = line(handle)?;
        // SAFETY: TAPI gives as many bytes as the structure says.
        let list = unsafe { memory::input(list) };
        let address = if all != 0 { None } else { Some(address) };
        instance.with(|bridge, now| bridge.forward(request, line, address, list, now))?;
        if !consult.is_null() {
            // SAFETY: TAPI's own variable. No consultation call is ever made for it.
            unsafe { memory::put(consult, 0)? };
        }
        Ok(request.cast_signed())
    }
}

export! {
    /// There are no extensions.
    fn TSPI_lineDevSpecific(
        _request: u32,
        handle: usize,
        _address: u32,
        _call: usize,
        _params: *mut u8,
        _size: u32,
    ) {
        line(handle)?;
        Err(err::OPERATIONUNAVAIL)
    }
}

export! {
    /// There are no extensions.
    fn TSPI_lineDevSpecificFeature(_request: u32, handle: usize, _feature: u32, _params: *mut u8, _size: u32) {
        line(handle)?;
        Err(err::OPERATIONUNAVAIL)
    }
}

/// The configuration that the dialog gives back unchanged.
pub(super) fn device_config(out: *mut u8, device_class: *const u16) -> Result<i32, i32> {
    device_class_of(device_class)?;
    binary(out, DEVICE_CONFIG)
}
