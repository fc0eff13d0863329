//! Panics on demand, for the conformance tests. Without the feature `fault-injection` none of it exists.

/// Where a panic may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Place {
    /// In an export.
    Export = 1,
    /// In the dispatcher, before it calls TAPI.
    Dispatcher = 2,
    /// In the reader, when a frame came.
    Reader = 3,
}

#[cfg(feature = "fault-injection")]
mod switch {
    use std::sync::atomic::{AtomicU32, Ordering};

    static WANTED: AtomicU32 = AtomicU32::new(0);

    #[expect(clippy::panic, reason = "that is what it is for")]
    pub(crate) fn here(place: super::Place) {
        if WANTED.compare_exchange(place as u32, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            panic!("asked for by a test");
        }
    }

    /// Asks for one panic.
    #[unsafe(no_mangle)]
    pub extern "system" fn LinegateFault(place: u32) {
        WANTED.store(place, Ordering::SeqCst);
    }
}

#[cfg(feature = "fault-injection")]
pub(crate) use switch::here;

/// Nothing.
#[cfg(not(feature = "fault-injection"))]
pub(crate) fn here(_place: Place) {}
