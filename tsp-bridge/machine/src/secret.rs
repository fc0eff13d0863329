//! The token at rest: sealed by Windows for this machine (DPAPI). Who may read the file, the folder's rights say.

use std::ptr::{null, null_mut};

use data_encoding::BASE64;
use windows_sys::Win32::Foundation::{GetLastError, LocalFree};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_LOCAL_MACHINE, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};

use crate::MachineError;

/// Mixed into the seal, so that no other program's blob is taken for a token.
const PURPOSE: &[u8] = b"linegate-tapi-token";

fn blob(bytes: &[u8]) -> CRYPT_INTEGER_BLOB {
    CRYPT_INTEGER_BLOB { cbData: u32::try_from(bytes.len()).unwrap_or(0), pbData: bytes.as_ptr().cast_mut() }
}

/// Takes what Windows allocated.
///
/// # Safety
/// `out` was filled by DPAPI.
unsafe fn take(out: CRYPT_INTEGER_BLOB) -> Vec<u8> {
    if out.pbData.is_null() {
        return Vec::new();
    }
    // SAFETY: DPAPI gives `cbData` bytes at `pbData`, which are ours to free.
    unsafe {
        let bytes = std::slice::from_raw_parts(out.pbData, out.cbData as usize).to_vec();
        LocalFree(out.pbData.cast());
        bytes
    }
}

/// Seals a token.
///
/// # Errors
/// What Windows says.
pub fn seal(token: &str) -> Result<String, MachineError> {
    let (data, purpose) = (blob(token.as_bytes()), blob(PURPOSE));
    let mut out = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };
    let flags = CRYPTPROTECT_LOCAL_MACHINE | CRYPTPROTECT_UI_FORBIDDEN;
    // SAFETY: the blobs point to living bytes of their length, which DPAPI only reads.
    let done = unsafe { CryptProtectData(&data, null(), &purpose, null(), null(), flags, &mut out) };
    if done == 0 {
        // SAFETY: no arguments.
        return Err(MachineError::Windows { what: "sealing the token", code: unsafe { GetLastError() } });
    }
    // SAFETY: DPAPI filled it.
    Ok(BASE64.encode(&unsafe { take(out) }))
}

/// Opens a sealed token.
///
/// # Errors
/// When it was sealed on another machine, or is none.
pub fn open(sealed: &str) -> Result<String, MachineError> {
    let wrong = MachineError::Windows { what: "opening the token", code: 13 };
    let Ok(bytes) = BASE64.decode(sealed.as_bytes()) else { return Err(wrong) };
    let (data, purpose) = (blob(&bytes), blob(PURPOSE));
    let mut out = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };
    // SAFETY: the blobs point to living bytes of their length, which DPAPI only reads.
    let done =
        unsafe { CryptUnprotectData(&data, null_mut(), &purpose, null(), null(), CRYPTPROTECT_UI_FORBIDDEN, &mut out) };
    if done == 0 {
        // SAFETY: no arguments.
        return Err(MachineError::Windows { what: "opening the token", code: unsafe { GetLastError() } });
    }
    // SAFETY: DPAPI filled it.
    String::from_utf8(unsafe { take(out) }).map_err(|_| wrong)
}
