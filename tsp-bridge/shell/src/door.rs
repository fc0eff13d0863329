//! The door that every export is: a panic behind it becomes an error, and the trace tells who came and what they got.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use linegate_tsp_core::tapi::err;
use linegate_tsp_core::trace::Outcome;
use linegate_tsp_machine::log;
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};

/// Runs the work behind an export.
pub(crate) fn enter(name: &str, arguments: std::fmt::Arguments<'_>, work: impl FnOnce() -> Result<i32, i32>) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        crate::fault::here(crate::fault::Place::Export);
        work()
    }));
    let result = match outcome {
        Ok(Ok(result) | Err(result)) => result,
        Err(_) => {
            // The hook has written where.
            log!(Error, "{name} panicked and answers with an error");
            err::OPERATIONFAILED
        }
    };
    // It looks at arguments once more: whatever happens there, the result stands.
    let written = catch_unwind(AssertUnwindSafe(|| log!(Trace, "{name}({arguments}) = {}", Outcome(result))));
    if written.is_err() {
        log!(Error, "{name} could not be traced");
    }
    result
}

/// Stays in the process for ever: std leaks a thread-local slot at every unloading, and its destructors do not survive
/// it (dossier 1.1). Only the telephony service does this; programs that load the dialogs stay clean.
pub(crate) fn pin() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mut module = std::ptr::null_mut();
        let here = pin as fn() as *const u16;
        // SAFETY: with FROM_ADDRESS the name is any address of the module.
        unsafe {
            GetModuleHandleExW(
                GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                here,
                &mut module,
            );
        }
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
            log!(Error, "panic at {place}");
        }));
    });
}
