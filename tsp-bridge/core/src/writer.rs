//! Writes a structure of variable size into memory of TAPI (dossier 2.5): never beyond its total size, never a part of
//! a part, never a member that the negotiated version does not know.

use crate::layout::{Structure, fixed_size, head};

/// A structure being written.
///
/// What TAPI owns is left alone: the total size, and every member that nobody writes.
pub struct Writer<'a> {
    bytes: &'a mut [u8],
    fixed: usize,
    used: usize,
    needed: usize,
}

/// The structure does not even hold its fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooSmall;

impl<'a> Writer<'a> {
    /// Begins to write; `bytes` is the whole structure, as long as its total size says.
    ///
    /// # Errors
    /// When the fixed part does not fit.
    pub fn new(bytes: &'a mut [u8], structure: Structure, version: u32) -> Result<Self, TooSmall> {
        let fixed = fixed_size(structure, version);
        if bytes.len() < fixed {
            return Err(TooSmall);
        }
        Ok(Self { bytes, fixed, used: fixed, needed: fixed })
    }

    /// Writes a member; one that this version does not have is left out.
    pub fn put(&mut self, offset: usize, value: u32) {
        if offset + 4 <= self.fixed
            && let Some(place) = self.bytes.get_mut(offset..offset + 4)
        {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Writes bytes of the fixed part, such as a GUID.
    pub fn put_bytes(&mut self, offset: usize, value: &[u8]) {
        if offset + value.len() <= self.fixed
            && let Some(place) = self.bytes.get_mut(offset..offset + value.len())
        {
            place.copy_from_slice(value);
        }
    }

    /// Appends a part whose size and offset stand at `pair`; gives its offset when it fits.
    pub fn part(&mut self, pair: usize, part: &[u8]) -> Option<usize> {
        if pair + 8 > self.fixed {
            return None;
        }
        if part.is_empty() {
            self.put(pair, 0);
            self.put(pair + 4, 0);
            return None;
        }
        // Every part begins at a multiple of four (dossier 2.5, rule 7).
        self.needed = self.needed.next_multiple_of(4) + part.len();
        let begin = self.used.next_multiple_of(4);
        let place = self.bytes.get_mut(begin..begin.saturating_add(part.len()));
        // What does not fit is left out whole; a smaller part after it may still fit.
        let (Some(place), Ok(size), Ok(offset)) = (place, u32::try_from(part.len()), u32::try_from(begin)) else {
            self.put(pair, 0);
            self.put(pair + 4, 0);
            return None;
        };
        place.copy_from_slice(part);
        self.used = begin + part.len();
        self.put(pair, size);
        self.put(pair + 4, offset);
        Some(begin)
    }

    /// Appends a text as UTF-16 with its NUL.
    pub fn text(&mut self, pair: usize, text: &str) -> Option<usize> {
        self.part(pair, &utf16z(text))
    }

    /// Writes the needed and the used size.
    pub fn finish(mut self) {
        let needed = u32::try_from(self.needed).unwrap_or(u32::MAX);
        let used = u32::try_from(self.used).unwrap_or(u32::MAX);
        self.put(head::NEEDED_SIZE, needed);
        self.put(head::USED_SIZE, used);
    }
}

/// A text as TAPI wants it: UTF-16 with NUL, sizes in bytes.
pub fn utf16z(text: &str) -> Vec<u8> {
    // A NUL within would end the text early for every reader.
    text.encode_utf16().filter(|unit| *unit != 0).chain([0]).flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use proptest::prelude::*;

    use super::*;
    use crate::layout::dev_caps;

    fn word(bytes: &[u8], offset: usize) -> u32 {
        u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
    }

    proptest! {
        #[test]
        fn nothing_is_written_beyond_the_total_size(
            version in prop::sample::select(vec![0x0002_0000_u32, 0x0002_0001, 0x0002_0002, 0x0003_0000]),
            spare in 0_usize..200,
            texts in prop::collection::vec("\\PC{0,20}", 3),
        ) {
            let fixed = fixed_size(Structure::DevCaps, version);
            let total = fixed + spare;
            let mut memory = vec![0xA5_u8; total + 64];
            {
                let mut writer = Writer::new(&mut memory[..total], Structure::DevCaps, version).unwrap();
                writer.text(dev_caps::PROVIDER_INFO, &texts[0]);
                writer.text(dev_caps::SWITCH_INFO, &texts[1]);
                writer.text(dev_caps::LINE_NAME, &texts[2]);
                writer.put(dev_caps::AVAILABLE_TRACKING, 7);
                writer.finish();
            }
            prop_assert!(memory[total..].iter().all(|byte| *byte == 0xA5));
            prop_assert_eq!(word(&memory, 0), 0xA5A5_A5A5, "the total size is TAPI's");
            let (needed, used) = (word(&memory, 4) as usize, word(&memory, 8) as usize);
            prop_assert!(used <= total && used <= needed);
            let whole: usize = texts.iter().fold(fixed, |sum, text| sum.next_multiple_of(4) + utf16z(text).len());
            prop_assert_eq!(needed, whole, "needed does not depend on what fits");
            for (pair, text) in [dev_caps::PROVIDER_INFO, dev_caps::SWITCH_INFO, dev_caps::LINE_NAME].iter().zip(&texts) {
                let (size, offset) = (word(&memory, *pair) as usize, word(&memory, pair + 4) as usize);
                if size == 0 {
                    prop_assert_eq!(offset, 0);
                } else {
                    prop_assert!(offset >= fixed && offset + size <= used);
                    prop_assert_eq!(&memory[offset..offset + size], &utf16z(text)[..], "a part is whole");
                }
            }
            if version >= 0x0003_0000 {
                prop_assert_eq!(word(&memory, dev_caps::AVAILABLE_TRACKING), 7);
            }
        }
    }

    #[test]
    fn a_structure_without_room_for_its_fixed_part_is_refused() {
        let mut memory = [0_u8; 251];
        assert!(Writer::new(&mut memory, Structure::DevCaps, 0x0002_0000).is_err());
        assert_eq!(utf16z("a\0b"), [97, 0, 98, 0, 0, 0]);
    }
}
