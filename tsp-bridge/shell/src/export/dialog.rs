//! Exports of the dialog side. With no window they are silent: a roll-out shows nothing.

use linegate_tsp_core::tapi::err;

use super::export_dialog;

export_dialog! {
    /// No dialog is begun by the service.
    fn TUISPI_providerGenericDialog(_callback: usize, _dialog: u32, _params: *mut u8, _size: u32, _event: usize) {
        Err(err::OPERATIONUNAVAIL)
    }
}

export_dialog! {
    /// No dialog is begun by the service.
    fn TUISPI_providerGenericDialogData(_dialog: u32, _params: *mut u8, _size: u32) {
        Err(err::OPERATIONUNAVAIL)
    }
}
