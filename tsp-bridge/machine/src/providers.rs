//! TAPI's list of providers in the registry, for the time when the telephony service cannot be asked.

use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, KEY_WRITE, REG_DWORD, REG_SZ, RegCloseKey, RegCreateKeyExW,
    RegDeleteValueW, RegOpenKeyExW, RegQueryValueExW, RegSetValueExW,
};

use crate::text::{narrow, wide};
use crate::{MachineError, files};

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

    /// How many there are, those included that cannot be read.
    fn count(&self) -> u32 {
        self.number("NumProviders").unwrap_or(0).min(1_000)
    }

    fn at(&self, place: u32) -> Option<Provider> {
        let id = self.number(&format!("ProviderID{place}"))?;
        let file = self.text(&format!("ProviderFilename{place}"))?;
        Some(Provider { id, file })
    }

    fn list(&self) -> Vec<Provider> {
        (0..self.count()).filter_map(|place| self.at(place)).collect()
    }

    /// Copies a value as it is, whatever it holds; one that is missing is missing then.
    fn copy(&self, from: &str, to: &str) -> Result<(), MachineError> {
        let name = wide(from);
        let mut bytes = [0_u8; 4_096];
        let (mut kind, mut size) = (0, 4_096);
        // SAFETY: the buffer has the size that is said.
        let code = unsafe { RegQueryValueExW(self.0, name.as_ptr(), null(), &mut kind, bytes.as_mut_ptr(), &mut size) };
        match (code, bytes.get(..size as usize)) {
            (ERROR_SUCCESS, Some(bytes)) => self.set(to, kind, bytes),
            (ERROR_FILE_NOT_FOUND, _) => {
                self.delete(to);
                Ok(())
            }
            (code, _) => Err(MachineError::Windows { what: "reading TAPI's list of providers", code }),
        }
    }
}

/// All providers of this machine.
///
/// # Errors
/// What Windows says.
pub fn list() -> Result<Vec<Provider>, MachineError> {
    Ok(Key::open(false)?.map(|key| key.list()).unwrap_or_default())
}

/// The permanent id that the next provider will get. An id is never given twice: not after a removal, and not when settings
/// are stored under it that TAPI's list has lost.
///
/// # Errors
/// What Windows says.
pub fn next_id() -> Result<u32, MachineError> {
    let stored = files::configured().into_iter().max().unwrap_or(0).saturating_add(1);
    let Some(key) = Key::open(false)? else { return Ok(stored) };
    let listed = key.list().iter().map(|provider| provider.id).max().unwrap_or(0).saturating_add(1);
    Ok(key.number("NextProviderID").unwrap_or(1).max(listed).max(stored))
}

/// [`next_id`], and whoever adds the next provider, TAPI itself or [`add`], gives it.
///
/// # Errors
/// What Windows says.
pub fn reserve() -> Result<u32, MachineError> {
    let id = next_id()?;
    if let Some(key) = Key::open(true)?
        && key.number("NextProviderID") != Some(id)
    {
        key.set_number("NextProviderID", id)?;
    }
    Ok(id)
}

/// Adds one of ours under an id that [`reserve`] gave.
///
/// # Errors
/// What Windows says.
pub fn add(id: u32) -> Result<(), MachineError> {
    let Some(key) = Key::open(true)? else {
        return Err(MachineError::Windows { what: "opening TAPI's list of providers", code: 2 });
    };
    // After the last one also when that cannot be read: it is somebody's.
    let place = key.count();
    key.set_number(&format!("ProviderID{place}"), id)?;
    key.set_text(&format!("ProviderFilename{place}"), FILE_NAME)?;
    key.set_number("NextProviderID", id.saturating_add(1))?;
    key.set_number("NumProviders", place + 1)
}

/// Takes one out; the others close up, as TAPI expects them without a gap. Says whether it was there.
///
/// # Errors
/// What Windows says.
pub fn remove(id: u32) -> Result<bool, MachineError> {
    let Some(key) = Key::open(true)? else { return Ok(false) };
    let count = key.count();
    let Some(gap) = (0..count).find(|place| key.at(*place).is_some_and(|provider| provider.id == id)) else {
        return Ok(false);
    };
    let last = count - 1;
    let names = ["ProviderID", "ProviderFilename"];
    for place in gap..last {
        for name in names {
            key.copy(&format!("{name}{}", place + 1), &format!("{name}{place}"))?;
        }
    }
    key.set_number("NumProviders", last)?;
    for name in names {
        key.delete(&format!("{name}{last}"));
    }
    Ok(true)
}
