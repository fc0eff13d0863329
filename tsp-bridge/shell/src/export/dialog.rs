//! Exports of the dialog side. With no window they are silent: a roll-out shows nothing.

use linegate_tsp_core::tapi::err;
use linegate_tsp_machine::files;
use windows_sys::Win32::Foundation::HWND;

use super::export_dialog;
use crate::ui;

/// The way from a dialog to the running provider.
type Callback = unsafe extern "system" fn(usize, u32, *mut u8, u32) -> i32;

/// TUISPIDLL_OBJECT_LINEID and TUISPIDLL_OBJECT_PROVIDERID.
const OBJECT_LINE: u32 = 1;
const OBJECT_PROVIDER: u32 = 3;

/// Tells the running provider that its settings have changed.
fn tell_provider(callback: Option<Callback>, provider: u32) {
    if let Some(callback) = callback {
        let mut nothing = [0_u8; 4];
        // SAFETY: TAPI's function, for as long as the dialog runs. A provider that is not running reads them anyway.
        unsafe { callback(provider as usize, OBJECT_PROVIDER, nothing.as_mut_ptr(), 4) };
    }
}

export_dialog! {
    /// The settings of a provider.
    fn TUISPI_providerConfig(callback: Option<Callback>, owner: HWND, provider: u32) {
        if owner.is_null() {
            return Ok(0);
        }
        if ui::settings::show(owner, provider) {
            tell_provider(callback, provider);
        }
        Ok(0)
    }
}

export_dialog! {
    /// A provider is added: its settings are asked for. Without a window the installer has given them.
    fn TUISPI_providerInstall(callback: Option<Callback>, owner: HWND, provider: u32) {
        if owner.is_null() {
            return Ok(0);
        }
        if !ui::settings::show(owner, provider) {
            return Err(err::OPERATIONFAILED);
        }
        tell_provider(callback, provider);
        Ok(0)
    }
}

export_dialog! {
    /// A provider is removed: its settings go with it. Its lines stay stored, so that they keep their permanent numbers
    /// when it is added anew.
    fn TUISPI_providerRemove(_callback: Option<Callback>, _owner: HWND, provider: u32) {
        let path = files::settings_of(provider);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(0),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(_) => Err(err::OPERATIONFAILED),
        }
    }
}

export_dialog! {
    /// Shows a line: number, phone, whether it works, and why not.
    fn TUISPI_lineConfigDialog(callback: Option<Callback>, device: u32, owner: HWND, device_class: *const u16) {
        super::line::device_class_of(device_class)?;
        if owner.is_null() {
            return Ok(0);
        }
        let callback = callback.ok_or(err::INVALPOINTER)?;
        let mut block = vec![0_u8; ui::DEVICE_TEXT_BYTES];
        let size = u32::try_from(block.len()).unwrap_or(0);
        // SAFETY: TAPI copies the block to the provider and back.
        let result = unsafe { callback(device as usize, OBJECT_LINE, block.as_mut_ptr(), size) };
        if result != 0 {
            return Err(result);
        }
        let text = ui::read_device_text(&block);
        let phone = if text.device.is_empty() { "none (extension mobility)" } else { &text.device };
        let message = format!(
            "{}\n\nPhone: {phone}\nStatus: {}\n\nNothing is set here: lines are managed at the gateway.",
            text.name, text.status
        );
        ui::settings::inform(owner, &message);
        Ok(0)
    }
}

export_dialog! {
    /// Nothing of a line is configured by programs: the block comes back as it is.
    fn TUISPI_lineConfigDialogEdit(
        _callback: Option<Callback>,
        _device: u32,
        _owner: HWND,
        device_class: *const u16,
        _config: *const u8,
        _size: u32,
        out: *mut u8,
    ) {
        super::line::device_config(out, device_class)
    }
}

export_dialog! {
    /// No dialog is begun by the service.
    fn TUISPI_providerGenericDialog(
        _callback: Option<Callback>,
        _dialog: u32,
        _params: *mut u8,
        _size: u32,
        _event: usize,
    ) {
        Err(err::OPERATIONUNAVAIL)
    }
}

export_dialog! {
    /// No dialog is begun by the service.
    fn TUISPI_providerGenericDialogData(_dialog: u32, _params: *mut u8, _size: u32) {
        Err(err::OPERATIONUNAVAIL)
    }
}
