//! Pointers of TAPI. NULL and sizes are checked; beyond that TAPI is trusted, as no one can check more.

use linegate_tsp_core::tapi::err;

/// Longest text that is read: far beyond every number and class name.
const LONGEST: usize = 8 * 1024;

/// UTF-16 up to its NUL; `None` for NULL.
///
/// # Safety
/// A pointer that is not NULL points to units that end with NUL.
pub(crate) unsafe fn text<'a>(pointer: *const u16) -> Option<&'a [u16]> {
    if pointer.is_null() {
        return None;
    }
    let mut length = 0;
    // SAFETY: no unit after the NUL is looked at.
    while length < LONGEST && unsafe { pointer.add(length).read_unaligned() } != 0 {
        length += 1;
    }
    // SAFETY: these units were just read; TAPI's strings are aligned as every allocation is.
    Some(unsafe { std::slice::from_raw_parts(pointer, length) })
}

/// A structure of TAPI as bytes; its first word is its length.
///
/// # Errors
/// INVALPOINTER for NULL.
///
/// # Safety
/// A pointer that is not NULL points to as many bytes as its first word says, which nobody else touches meanwhile.
pub(crate) unsafe fn structure<'a>(pointer: *mut u8) -> Result<&'a mut [u8], i32> {
    if pointer.is_null() {
        return Err(err::INVALPOINTER);
    }
    // SAFETY: the head of every such structure is its total size.
    let total = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
    // SAFETY: as promised by the caller.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer, total) })
}

/// The same, to be read; `None` for NULL.
///
/// # Safety
/// As [`structure`].
pub(crate) unsafe fn input<'a>(pointer: *const u8) -> Option<&'a [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: as promised by the caller.
    unsafe {
        let total = pointer.cast::<u32>().read_unaligned() as usize;
        Some(std::slice::from_raw_parts(pointer, total))
    }
}

/// Writes a value where TAPI wants it.
///
/// # Errors
/// INVALPOINTER for NULL.
///
/// # Safety
/// A pointer that is not NULL may be written.
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T) -> Result<(), i32> {
    if pointer.is_null() {
        return Err(err::INVALPOINTER);
    }
    // SAFETY: as promised by the caller.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}
