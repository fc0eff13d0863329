//! TAPI's list of providers in the registry, for the time when the telephony service cannot be asked.

use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::ERROR_SUCCESS;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, KEY_WRITE, REG_DWORD, REG_SZ, RegCloseKey, RegCreateKeyExW,
    RegDeleteValueW, RegOpenKeyExW, RegQueryValueExW, RegSetValueExW,
};

use crate::MachineError;
use crate::text::{narrow, wide};

const PATH: &str = "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Telephony\\Providers";
/// File name of the provider.
pub const FILE_NAME: &str = "linegate.tsp";

/// A provider in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// `dwPermanentProviderID`.
    pub id: u32,
    /// Its file.
    pub file: String,
}

impl Provider {
    /// Whether it is one of ours: the file name counts, whatever folder stands before it.
    pub fn is_ours(&self) -> bool {
        self.file.rsplit(['\\', '/']).next().is_some_and(|name| name.eq_ignore_ascii_case(FILE_NAME))
    }
}

struct Key(HKEY);

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the key is open and ours.
        unsafe { RegCloseKey(self.0) };
    }
}

impl Key {
    fn open(may_write: bool) -> Result<Option<Self>, MachineError> {
        let path = wide(PATH);
        let mut key: HKEY = null_mut();
        // TAPI of a 64-bit Windows reads the 64-bit view, whoever asks.
        let rights = if may_write { KEY_READ | KEY_WRITE } else { KEY_READ } | KEY_WOW64_64KEY;
        // SAFETY: the path ends with NUL, the key is written by Windows.
        let code = unsafe {
            if may_write {
                RegCreateKeyExW(HKEY_LOCAL_MACHINE, path.as_ptr(), 0, null(), 0, rights, null(), &mut key, null_mut())
            } else {
                RegOpenKeyExW(HKEY_LOCAL_MACHINE, path.as_ptr(), 0, rights, &mut key)
            }
        };
        match code {
            ERROR_SUCCESS => Ok(Some(Self(key))),
            2 if !may_write => Ok(None),
            code => Err(MachineError::Windows { what: "opening TAPI's list of providers", code }),
        }
    }

    fn number(&self, name: &str) -> Option<u32> {
        let name = wide(name);
        let (mut kind, mut value, mut size) = (0, 0_u32, 4);
        // SAFETY: the value has room for the four bytes that `size` announces.
        let code =
            unsafe { RegQueryValueExW(self.0, name.as_ptr(), null(), &mut kind, (&raw mut value).cast(), &mut size) };
        (code == ERROR_SUCCESS && kind == REG_DWORD && size == 4).then_some(value)
    }

    fn text(&self, name: &str) -> Option<String> {
        let name = wide(name);
        let mut units = [0_u16; 520];
        let (mut kind, mut size) = (0, 1_038);
        // SAFETY: the buffer is one unit longer than `size` announces.
        let code =
            unsafe { RegQueryValueExW(self.0, name.as_ptr(), null(), &mut kind, units.as_mut_ptr().cast(), &mut size) };
        (code == ERROR_SUCCESS && kind != REG_DWORD).then(|| narrow(&units))
    }

    fn set_number(&self, name: &str, value: u32) -> Result<(), MachineError> {
        self.set(name, REG_DWORD, &value.to_le_bytes())
    }

    fn set_text(&self, name: &str, value: &str) -> Result<(), MachineError> {
        let bytes: Vec<u8> = wide(value).into_iter().flat_map(u16::to_le_bytes).collect();
        self.set(name, REG_SZ, &bytes)
    }

    fn set(&self, name: &str, kind: u32, bytes: &[u8]) -> Result<(), MachineError> {
        let name = wide(name);
        let size = u32::try_from(bytes.len()).unwrap_or(0);
        // SAFETY: the bytes live and are as many as is said.
        match unsafe { RegSetValueExW(self.0, name.as_ptr(), 0, kind, bytes.as_ptr(), size) } {
            ERROR_SUCCESS => Ok(()),
            code => Err(MachineError::Windows { what: "writing TAPI's list of providers", code }),
        }
    }

    fn delete(&self, name: &str) {
        let name = wide(name);
        // SAFETY: the name ends with NUL. A value that is not there needs no deletion.
        unsafe { RegDeleteValueW(self.0, name.as_ptr()) };
    }

    fn list(&self) -> Vec<Provider> {
        let count = self.number("NumProviders").unwrap_or(0).min(1_000);
        (0..count)
            .filter_map(|place| {
                let id = self.number(&format!("ProviderID{place}"))?;
                let file = self.text(&format!("ProviderFilename{place}"))?;
                Some(Provider { id, file })
            })
            .collect()
    }
}

/// All providers of this machine.
///
/// # Errors
/// What Windows says.
pub fn list() -> Result<Vec<Provider>, MachineError> {
    Ok(Key::open(false)?.map(|key| key.list()).unwrap_or_default())
}

/// The permanent id that the next provider will get.
///
/// # Errors
/// What Windows says.
pub fn next_id() -> Result<u32, MachineError> {
    let Some(key) = Key::open(false)? else { return Ok(1) };
    let highest = key.list().iter().map(|provider| provider.id).max().unwrap_or(0);
    // An id is never given twice, also after a removal.
    Ok(key.number("NextProviderID").unwrap_or(1).max(highest + 1))
}

/// Adds one of ours; gives its permanent id.
///
/// # Errors
/// What Windows says.
pub fn add() -> Result<u32, MachineError> {
    let Some(key) = Key::open(true)? else {
        return Err(MachineError::Windows { what: "opening TAPI's list of providers", code: 2 });
    };
    let id = next_id()?;
    let place = key.list().len();
    key.set_number(&format!("ProviderID{place}"), id)?;
    key.set_text(&format!("ProviderFilename{place}"), FILE_NAME)?;
    key.set_number("NextProviderID", id + 1)?;
    key.set_number("NumProviders", u32::try_from(place + 1).unwrap_or(u32::MAX))?;
    Ok(id)
}

/// Takes one out; the others close up, as TAPI expects them without a gap. Says whether it was there.
///
/// # Errors
/// What Windows says.
pub fn remove(id: u32) -> Result<bool, MachineError> {
    let Some(key) = Key::open(true)? else { return Ok(false) };
    let known = key.list();
    let left: Vec<&Provider> = known.iter().filter(|provider| provider.id != id).collect();
    if left.len() == known.len() {
        return Ok(false);
    }
    for (place, provider) in left.iter().enumerate() {
        key.set_number(&format!("ProviderID{place}"), provider.id)?;
        key.set_text(&format!("ProviderFilename{place}"), &provider.file)?;
    }
    key.set_number("NumProviders", u32::try_from(left.len()).unwrap_or(0))?;
    for place in left.len()..known.len() {
        key.delete(&format!("ProviderID{place}"));
        key.delete(&format!("ProviderFilename{place}"));
    }
    Ok(true)
}
