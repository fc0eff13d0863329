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
    CloseServiceHandle, OpenSCManagerW, OpenServiceW, QUERY_SERVICE_CONFIGW, QueryServiceConfigW, QueryServiceStatus,
    SC_HANDLE, SC_MANAGER_CONNECT, SERVICE_DISABLED, SERVICE_QUERY_CONFIG, SERVICE_QUERY_STATUS, SERVICE_RUNNING,
    SERVICE_STATUS, SERVICE_STOPPED,
};

type AddProvider = unsafe extern "system" fn(*const u16, *mut core::ffi::c_void, *mut u32) -> i32;
type RemoveProvider = unsafe extern "system" fn(u32, *mut core::ffi::c_void) -> i32;

/// How a disabled service is made to start again with the first program that needs it.
const ENABLE: &str = "As an administrator: sc config TapiSrv start= demand";
/// The longest answer that QueryServiceConfigW gives, in words of 8 bytes.
const LONGEST_CONFIG: usize = 8 * 1024 / 8;

/// State of the telephony service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped,
    /// No program can start it any more. `runs`: it was started before, and this is its last time.
    Disabled {
        runs: bool,
    },
    Other,
    Missing,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Disabled { .. } => "disabled",
            Self::Other => "starting or stopping",
            Self::Missing => "missing",
        }
    }

    /// Whether nothing of it runs, and asking TAPI would start it, or fail.
    pub(crate) fn is_stopped(self) -> bool {
        matches!(self, Self::Stopped | Self::Disabled { runs: false })
    }

    /// What keeps every program from its lines, and what to do about it.
    pub(crate) fn problem(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Disabled { runs: true } => {
                Some(("the telephony service is disabled; it runs until it is stopped, or Windows is", ENABLE))
            }
            Self::Disabled { runs: false } => {
                Some(("the telephony service is disabled: no program gets a line", ENABLE))
            }
            _ => None,
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
        let mut service = OpenServiceW(manager, name.as_ptr(), SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG);
        if service.is_null() {
            // Who may not see how it is started may see whether it runs.
            service = OpenServiceW(manager, name.as_ptr(), SERVICE_QUERY_STATUS);
        }
        let mut status: SERVICE_STATUS = std::mem::zeroed();
        let found = if service.is_null() {
            State::Missing
        } else if QueryServiceStatus(service, &mut status) == 0 {
            State::Other
        } else {
            match status.dwCurrentState {
                state @ (SERVICE_RUNNING | SERVICE_STOPPED) if is_disabled(service) => {
                    State::Disabled { runs: state == SERVICE_RUNNING }
                }
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

/// Whether Windows refuses to start a service.
///
/// # Safety
/// The handle is one of an open service.
unsafe fn is_disabled(service: SC_HANDLE) -> bool {
    // Words, so that the structure at its beginning lies as it must.
    let mut answer = [0_u64; LONGEST_CONFIG];
    let config = answer.as_mut_ptr().cast::<QUERY_SERVICE_CONFIGW>();
    let (size, mut needed) = (u32::try_from(size_of_val(&answer)).unwrap_or(0), 0);
    // SAFETY: Windows writes at most `size` bytes, and the structure is its first part.
    unsafe { QueryServiceConfigW(service, config, size, &mut needed) != 0 && (*config).dwStartType == SERVICE_DISABLED }
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
    let may_ask = !list_only && !state().is_stopped();
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
