//! The telephony service: through TAPI where it answers, through its list in the registry where not.

use std::ptr::{null, null_mut};

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

/// Adds a provider; `write` stores its settings under the number that it gets.
pub(crate) fn add_provider(write: impl Fn(u32) -> Result<(), MachineError>) -> Result<u32, MachineError> {
    // TAPI may start the provider at once: its settings are to be there by then.
    let expected = providers::next_id()?;
    write(expected)?;
    let settle = |id: u32| {
        if id != expected {
            write(id)?;
            let _ = std::fs::remove_file(files::settings_of(expected));
        }
        Ok(id)
    };
    if let Some(function) = tapi(c"lineAddProviderW") {
        // SAFETY: the export has this signature.
        let add = unsafe { std::mem::transmute::<unsafe extern "system" fn() -> isize, AddProvider>(function) };
        let (file, mut id) = (wide(providers::FILE_NAME), 0_u32);
        // SAFETY: the name ends with NUL; without a window nothing is shown.
        if unsafe { add(file.as_ptr(), null_mut(), &mut id) } == 0 && id != 0 {
            return settle(id);
        }
    }
    // The service cannot be asked: the list itself is its to read at its next start.
    match providers::add() {
        Ok(id) => settle(id),
        Err(error) => {
            let _ = std::fs::remove_file(files::settings_of(expected));
            Err(error)
        }
    }
}

/// Removes a provider.
pub(crate) fn remove_provider(id: u32) -> Result<(), MachineError> {
    if let Some(function) = tapi(c"lineRemoveProvider") {
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
