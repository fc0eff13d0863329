//! The telephony service: through TAPI where it answers, through its list in the registry where not.

use std::fs;
use std::ptr::{null, null_mut};

use linegate_tsp_machine::config::Config;
use linegate_tsp_machine::text::wide;
use linegate_tsp_machine::{MachineError, files, providers};
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW, LoadLibraryW,
};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, QueryServiceStatus, SC_MANAGER_CONNECT, SERVICE_QUERY_STATUS,
    SERVICE_RUNNING, SERVICE_STATUS, SERVICE_STOPPED,
};

type AddProvider = unsafe extern "system" fn(*const u16, *mut core::ffi::c_void, *mut u32) -> i32;
type RemoveProvider = unsafe extern "system" fn(u32, *mut core::ffi::c_void) -> i32;

/// State of the telephony service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped,
    Other,
    Missing,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Other => "starting or stopping",
            Self::Missing => "missing",
        }
    }
}

/// Asks the service manager.
pub(crate) fn state() -> State {
    let name = wide("TapiSrv");
    // SAFETY: handles are closed; the status is written by Windows.
    unsafe {
        let manager = OpenSCManagerW(null(), null(), SC_MANAGER_CONNECT);
        if manager.is_null() {
            return State::Missing;
        }
        let service = OpenServiceW(manager, name.as_ptr(), SERVICE_QUERY_STATUS);
        let mut status: SERVICE_STATUS = std::mem::zeroed();
        let found = if service.is_null() {
            State::Missing
        } else if QueryServiceStatus(service, &mut status) == 0 {
            State::Other
        } else {
            match status.dwCurrentState {
                SERVICE_RUNNING => State::Running,
                SERVICE_STOPPED => State::Stopped,
                _ => State::Other,
            }
        };
        if !service.is_null() {
            CloseServiceHandle(service);
        }
        CloseServiceHandle(manager);
        found
    }
}

fn tapi(name: &core::ffi::CStr) -> Option<unsafe extern "system" fn() -> isize> {
    let library = wide("tapi32.dll");
    // SAFETY: the library of the system; the name ends with NUL.
    unsafe {
        let mut module = LoadLibraryExW(library.as_ptr(), null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32);
        if module.is_null() {
            // Windows 7 without update KB2533623 does not know the flag.
            module = LoadLibraryW(library.as_ptr());
        }
        if module.is_null() { None } else { GetProcAddress(module, name.as_ptr().cast()) }
    }
}

/// Adds a provider with its settings; `old` is the number that it had when TAPI's list has lost it.
pub(crate) fn add_provider(config: &Config, old: Option<u32>) -> Result<u32, MachineError> {
    // TAPI may start the provider at once: its settings are to be there by then. Nobody's are stored under this number.
    let expected = providers::reserve()?;
    let store = files::settings_of(expected);
    config.write(expected)?;
    let id = match ask_tapi() {
        Some(id) => id,
        // The service cannot be asked: the list itself is its to read at its next start.
        None => match providers::add(expected) {
            Ok(()) => expected,
            Err(error) => {
                let _ = fs::remove_file(&store);
                return Err(error);
            }
        },
    };
    let rename = |from: u32, to: u32| {
        let (from, to) = (files::settings_of(from), files::settings_of(to));
        fs::rename(&from, &to).map_err(|cause| MachineError::File { path: to.display().to_string(), cause })
    };
    if id != expected {
        // TAPI counts otherwise. What another one has stored under this number is not ours to lose.
        if old != Some(id) && files::settings_of(id).exists() {
            rename(id, providers::next_id()?)?;
        }
        rename(expected, id)?;
    }
    if let Some(old) = old.filter(|old| *old != id) {
        let _ = fs::remove_file(files::settings_of(old));
    }
    Ok(id)
}

/// Has TAPI add our file to its list; gives the number, when it does.
fn ask_tapi() -> Option<u32> {
    let function = tapi(c"lineAddProviderW")?;
    // SAFETY: the export has this signature.
    let add = unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, AddProvider>(function) };
    let (file, mut id) = (wide(providers::FILE_NAME), 0_u32);
    // SAFETY: the name ends with NUL; without a window nothing is shown.
    let result = unsafe { add(file.as_ptr(), null_mut(), &mut id) };
    (result == 0 && id != 0).then_some(id)
}

/// Removes a provider. `list_only`, and when the telephony service does not run, TAPI is not asked: asking starts the
/// service, and that would have the provider's file open when it is about to be removed.
pub(crate) fn remove_provider(id: u32, list_only: bool) -> Result<(), MachineError> {
    let may_ask = !list_only && state() != State::Stopped;
    if let Some(function) = may_ask.then(|| tapi(c"lineRemoveProvider")).flatten() {
        // SAFETY: the export has this signature.
        let remove = unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, RemoveProvider>(function) };
        // SAFETY: without a window nothing is shown.
        if unsafe { remove(id, null_mut()) } == 0 {
            return Ok(());
        }
    }
    providers::remove(id)?;
    Ok(())
}
