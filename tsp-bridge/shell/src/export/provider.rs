//! Exports about the provider as a whole.

use linegate_tsp_core::bridge::negotiate;
use linegate_tsp_core::tapi::err;
use linegate_tsp_machine::text::wide;

use super::export;
use crate::instance::{Completion, Instance, LineEvent};
use crate::{memory, table, ui};

/// `INITIALIZE_NEGOTIATION`: no device in particular.
const EVERY_DEVICE: u32 = u32::MAX;
/// TUISPIDLL_OBJECT_LINEID and TUISPIDLL_OBJECT_PROVIDERID.
const OBJECT_LINE: u32 = 1;
const OBJECT_PROVIDER: u32 = 3;
/// Units that TAPI gives for the path of the dialog module.
const MAX_PATH: usize = 260;

export! {
    /// The highest version that both know.
    fn TSPI_lineNegotiateTSPIVersion(device: u32, low: u32, high: u32, version: *mut u32) {
        if device != EVERY_DEVICE {
            table::by_device(device)?;
        }
        if version.is_null() {
            return Err(err::INVALPOINTER);
        }
        let common = negotiate(low, high)?;
        // SAFETY: TAPI's own variable.
        unsafe { memory::put(version, common)? };
        Ok(0)
    }
}

export! {
    /// How many lines there are, from the disk: the gateway need not be there.
    fn TSPI_providerEnumDevices(
        provider: u32,
        lines: *mut u32,
        phones: *mut u32,
        h_provider: usize,
        line_create: Option<LineEvent>,
        _phone_create: usize,
    ) {
        let line_create = line_create.ok_or(err::INVALPOINTER)?;
        if lines.is_null() || phones.is_null() {
            return Err(err::INVALPOINTER);
        }
        let instance = match table::by_provider(provider) {
            Some(instance) if instance.bridge().is_initialized() => instance,
            _ => {
                // What an earlier enumeration left without an initialisation is read anew.
                table::leave(provider);
                table::enter(|slot| Instance::new(provider, slot, h_provider, line_create))?
            }
        };
        let count = instance.bridge().line_count();
        // SAFETY: TAPI's own variables.
        unsafe {
            memory::put(lines, count)?;
            memory::put(phones, 0)?;
        }
        Ok(0)
    }
}

export! {
    /// The threads start; the answer does not wait for the gateway.
    fn TSPI_providerInit(
        version: u32,
        provider: u32,
        line_base: u32,
        _phone_base: u32,
        lines: usize,
        _phones: usize,
        completion: Option<Completion>,
        options: *mut u32,
    ) {
        negotiate(version, version)?;
        let completion = completion.ok_or(err::INVALPOINTER)?;
        let instance = table::by_provider(provider).ok_or(err::OPERATIONFAILED)?;
        if !options.is_null() {
            // SAFETY: TAPI's own variable. No option: any thread may enter at any time.
            unsafe { memory::put(options, 0)? };
        }
        if instance.bridge().is_initialized() {
            return Ok(0);
        }
        let lines = u32::try_from(lines).unwrap_or(u32::MAX);
        instance.start(completion, line_base, lines).map_err(|_| err::RESOURCEUNAVAIL)?;
        Ok(0)
    }
}

export! {
    /// Everything ends, in time.
    fn TSPI_providerShutdown(_version: u32, provider: u32) {
        if let Some(instance) = table::leave(provider) {
            instance.shut_down();
        }
        Ok(0)
    }
}

export! {
    /// TAPI took a line that came later.
    fn TSPI_providerCreateLineDevice(temporary: usize, device: u32) {
        let temporary = u32::try_from(temporary).map_err(|_| err::BADDEVICEID)?;
        let taken = table::all()
            .into_iter()
            .any(|instance| instance.with(|bridge, _| bridge.create_line_device(temporary, device)).is_ok());
        if taken { Ok(0) } else { Err(err::BADDEVICEID) }
    }
}

export! {
    /// There are no phone devices.
    fn TSPI_providerCreatePhoneDevice(_temporary: usize, _device: u32) {
        Err(err::OPERATIONUNAVAIL)
    }
}

export! {
    /// The module with the dialogs is this one; by its bare name each width finds its own.
    fn TSPI_providerUIIdentify(path: *mut u16) {
        if path.is_null() {
            return Err(err::INVALPOINTER);
        }
        let name = wide(linegate_tsp_machine::providers::FILE_NAME);
        if name.len() > MAX_PATH {
            return Err(err::OPERATIONFAILED);
        }
        // SAFETY: TAPI gives room for MAX_PATH units.
        unsafe { std::ptr::copy_nonoverlapping(name.as_ptr(), path, name.len()) };
        Ok(0)
    }
}

export! {
    /// What the dialogs want to know from the running provider, or tell it.
    fn TSPI_providerGenericDialogData(object: usize, kind: u32, data: *mut u8, size: u32) {
        match kind {
            OBJECT_PROVIDER => {
                let provider = u32::try_from(object).map_err(|_| err::INVALPARAM)?;
                let instance = table::by_provider(provider).ok_or(err::INVALPARAM)?;
                // What failed for good stays so until the service starts it anew, with the new settings then.
                if !instance.bridge().has_failed() {
                    instance.reload();
                }
                Ok(0)
            }
            OBJECT_LINE => {
                if data.is_null() {
                    return Err(err::INVALPOINTER);
                }
                let device = u32::try_from(object).map_err(|_| err::BADDEVICEID)?;
                let text = table::by_device(device)?.bridge().device_text(device)?;
                // SAFETY: TAPI copies the block between the processes; it has the size that it says.
                let block = unsafe { std::slice::from_raw_parts_mut(data, size as usize) };
                ui::write_device_text(&text, block).ok_or(err::STRUCTURETOOSMALL)?;
                Ok(0)
            }
            _ => Err(err::INVALPARAM),
        }
    }
}

export! {
    /// No dialog is ever begun from here.
    fn TSPI_providerFreeDialogInstance(_dialog: usize) {
        Ok(0)
    }
}

export! {
    /// Never called since TAPI 2; that it exists lets the control panel offer the button.
    fn TSPI_providerInstall(_window: usize, _provider: u32) {
        Ok(0)
    }
}

export! {
    /// As [`TSPI_providerInstall`].
    fn TSPI_providerConfig(_window: usize, _provider: u32) {
        Ok(0)
    }
}

export! {
    /// As [`TSPI_providerInstall`].
    fn TSPI_providerRemove(_window: usize, _provider: u32) {
        Ok(0)
    }
}
