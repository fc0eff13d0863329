//! Who may read the folder of the bridge.

use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{GetLastError, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{DACL_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, SetFileSecurityW};

use crate::MachineError;
use crate::text::wide;

/// The system and administrators do everything; the account of the telephony service reads settings and writes lines
/// and log. Nobody else: the token is sealed for the machine, not for a person.
const FOLDER: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;NS)";

/// Gives the folder its rights.
///
/// # Errors
/// What Windows says.
pub fn protect(folder: &Path) -> Result<(), MachineError> {
    let (rights, path) = (wide(FOLDER), wide(&folder.display().to_string()));
    let mut descriptor = null_mut();
    // SAFETY: both texts end with NUL; the descriptor is freed below.
    unsafe {
        let made = ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rights.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        );
        if made == 0 {
            return Err(MachineError::Windows { what: "reading the rights", code: GetLastError() });
        }
        let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
        let done = SetFileSecurityW(path.as_ptr(), what, descriptor);
        let code = GetLastError();
        LocalFree(descriptor.cast());
        if done == 0 {
            return Err(MachineError::Windows { what: "setting the rights of the folder", code });
        }
    }
    Ok(())
}
