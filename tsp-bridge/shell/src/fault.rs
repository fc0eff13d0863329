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
    /// In the writer, when it asks for a frame.
    Writer = 4,
}

#[cfg(feature = "fault-injection")]
mod switch {
    use std::sync::atomic::{AtomicU32, Ordering};

    /// The place in the low byte, how many panics are left in the others.
    static WANTED: AtomicU32 = AtomicU32::new(0);

    #[expect(clippy::panic, reason = "that is what it is for")]
    pub(crate) fn here(place: super::Place) {
        let one_less = |wanted: u32| (wanted & 0xFF == place as u32 && wanted >> 8 > 0).then(|| wanted - 0x100);
        if WANTED.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            panic!("asked for by a test");
        }
    }

    /// Asks for so many panics, one after the other.
    #[unsafe(no_mangle)]
    pub extern "system" fn LinegateFault(place: u32, times: u32) {
        WANTED.store(place | times << 8, Ordering::SeqCst);
    }
}

#[cfg(feature = "fault-injection")]
pub(crate) use switch::here;

/// Nothing.
#[cfg(not(feature = "fault-injection"))]
pub(crate) fn here(_place: Place) {}
