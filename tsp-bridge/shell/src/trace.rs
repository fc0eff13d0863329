//! Arguments of exports as the log shows them at its loudest.

use std::fmt::{Display, Formatter, Result};

use linegate_tsp_core::trace::Text;

use crate::memory;

/// Something that TAPI hands in.
pub(crate) trait Argument: Copy {
    /// Writes it as people read it.
    fn show(self, f: &mut Formatter<'_>) -> Result;
}

/// An argument on its way into the log.
pub(crate) struct Shown<T>(pub(crate) T);

impl<T: Argument> Display for Shown<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        self.0.show(f)
    }
}

impl Argument for u32 {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        // Small ones count something; others are versions and bits.
        if self < 0x1_0000 { write!(f, "{self}") } else { write!(f, "{self:#X}") }
    }
}

impl Argument for usize {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{self:#X}")
    }
}

impl Argument for *const u16 {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        // SAFETY: TAPI gives texts that end with NUL, and they stand until the function returns.
        Text(unsafe { memory::text(self) }).fmt(f)
    }
}

impl Argument for *const u8 {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{self:p}")
    }
}

impl<T> Argument for *mut T {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{self:p}")
    }
}

/// A function of TAPI.
impl<F: Copy> Argument for Option<F> {
    fn show(self, f: &mut Formatter<'_>) -> Result {
        f.write_str(if self.is_some() { "given" } else { "none" })
    }
}
