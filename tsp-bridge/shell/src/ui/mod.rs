//! The dialogs. They run in programs, not in the telephony service: no thread, nothing pinned, nothing left behind.

pub(crate) mod settings;
mod template;

use linegate_tsp_core::bridge::DeviceText;
use linegate_tsp_machine::text::wide;

/// Bytes of the block that carries the text of a line between the processes.
pub(crate) const DEVICE_TEXT_BYTES: usize = 2_048;

/// Writes name, device and status, each with its NUL; `None` when there is no room.
pub(crate) fn write_device_text(text: &DeviceText, block: &mut [u8]) -> Option<()> {
    let units = [&text.name, &text.device, &text.status].into_iter().flat_map(|part| wide(part));
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    block.get_mut(..bytes.len())?.copy_from_slice(&bytes);
    Some(())
}

/// Reads them back.
pub(crate) fn read_device_text(block: &[u8]) -> DeviceText {
    let units: Vec<u16> =
        block.chunks_exact(2).filter_map(|two| Some(u16::from_le_bytes(two.try_into().ok()?))).collect();
    let mut parts = units.split(|unit| *unit == 0).map(String::from_utf16_lossy);
    let mut next = || parts.next().unwrap_or_default();
    DeviceText { name: next(), device: next(), status: next() }
}
