//! Structures that programs hand in: LINECALLPARAMS and LINEFORWARDLIST, read without trust in their offsets.

use crate::layout::{call_params as at, forward};
use crate::number::Destination;
use crate::tapi::err;

/// LINEFORWARDMODE_UNCOND.
const UNCONDITIONAL: u32 = 1;
/// LINEFORWARDMODE_UNCONDINTERNAL and UNCONDEXTERNAL: only both together mean the same.
const UNCONDITIONAL_HALVES: u32 = 6;
/// Bits that are modes at all.
const KNOWN_MODES: u32 = 0x0003_FFFF;
/// LINEADDRESSMODE_ADDRESSID and LINEADDRESSMODE_DIALABLEADDR.
const ADDRESS_ID: u32 = 1;
const DIALABLE: u32 = 2;
/// LINECALLPARAMFLAGS_ONESTEPTRANSFER.
const ONE_STEP: u32 = 0x80;
/// Most entries that are looked at.
const MOST_ENTRIES: usize = 64;

/// What a program wishes for a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallParams {
    /// The address to call from.
    pub origin: Origin,
    /// Set up and dial in one step.
    pub one_step: bool,
    /// Where a call of one step goes.
    pub target: Option<Vec<u16>>,
    /// Data for the call.
    pub call_data: Vec<u8>,
    /// Media wanted; 0 when nothing was said.
    pub media_mode: u32,
    /// Bearer wanted; 0 when nothing was said.
    pub bearer_mode: u32,
}

/// Which address of the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// Any: the first.
    #[default]
    Any,
    /// By number of the address.
    Id(u32),
    /// By its telephone number.
    Number(Vec<u16>),
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let raw = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(raw.try_into().ok()?))
}

fn part(bytes: &[u8], size: u32, offset: u32) -> Option<&[u8]> {
    let begin = usize::try_from(offset).ok()?;
    bytes.get(begin..begin.checked_add(usize::try_from(size).ok()?)?)
}

fn pair(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let (size, offset) = (word(bytes, at)?, word(bytes, at + 4)?);
    if size == 0 { Some(&[]) } else { part(bytes, size, offset) }
}

/// UTF-16 up to its NUL.
fn units(bytes: &[u8]) -> Vec<u16> {
    let units = bytes.chunks_exact(2).filter_map(|two| Some(u16::from_le_bytes(two.try_into().ok()?)));
    units.take_while(|unit| *unit != 0).collect()
}

impl CallParams {
    /// Reads the structure; `bytes` is as long as its total size says.
    ///
    /// # Errors
    /// LINEERR_INVALCALLPARAMS when it points outside itself, or asks for what no call here has.
    pub fn read(bytes: &[u8]) -> Result<Self, i32> {
        let wrong = err::INVALCALLPARAMS;
        let get = |offset| word(bytes, offset).ok_or(wrong);
        let origin = match get(at::ADDRESS_MODE)? {
            ADDRESS_ID => Origin::Id(get(at::ADDRESS_ID)?),
            DIALABLE => Origin::Number(units(pair(bytes, at::ORIG_ADDRESS).ok_or(wrong)?)),
            _ => Origin::Any,
        };
        // The members up to the call data belong to version 2.0, which is the least that is negotiated.
        let target = units(pair(bytes, at::TARGET_ADDRESS).ok_or(wrong)?);
        Ok(Self {
            origin,
            one_step: get(at::CALL_PARAM_FLAGS)? & ONE_STEP != 0,
            target: (!target.is_empty()).then_some(target),
            call_data: pair(bytes, at::CALL_DATA).ok_or(wrong)?.to_vec(),
            media_mode: get(at::MEDIA_MODE)?,
            bearer_mode: get(at::BEARER_MODE)?,
        })
    }
}

/// What `lineForward` asks for. It replaces everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForwardList {
    /// Where all calls go.
    pub to: Option<String>,
    /// Ringing is off.
    pub do_not_disturb: bool,
}

impl ForwardList {
    /// Reads the list; an empty one cancels everything.
    ///
    /// # Errors
    /// LINEERR_INVALPARAM for modes that the router has not, for more than one forwarding, and for offsets outside the
    /// list; LINEERR_INVALADDRESS for a number that cannot be dialled.
    pub fn read(bytes: &[u8]) -> Result<Self, i32> {
        let wrong = err::INVALPARAM;
        let count = word(bytes, 4).and_then(|count| usize::try_from(count).ok()).ok_or(wrong)?;
        if count == 0 {
            return Ok(Self::default());
        }
        if count > MOST_ENTRIES {
            return Err(wrong);
        }
        let stride = stride(bytes, count).ok_or(wrong)?;
        let mut list = Self::default();
        let mut internal_and_external = 0;
        let mut several = 0;
        for index in 0..count {
            let entry = 8 + index * stride;
            let mode = word(bytes, entry + forward::FORWARD_MODE).ok_or(wrong)?;
            if mode == 0 || mode & !KNOWN_MODES != 0 {
                return Err(wrong);
            }
            let size = word(bytes, entry + forward::DEST_ADDRESS).ok_or(wrong)?;
            let offset = word(bytes, entry + forward::DEST_ADDRESS + 4).ok_or(wrong)?;
            let text = if size == 0 { Vec::new() } else { units(part(bytes, size, offset).ok_or(wrong)?) };
            match mode {
                UNCONDITIONAL => several += 1,
                half if half & !UNCONDITIONAL_HALVES == 0 => internal_and_external |= half,
                _ => return Err(wrong),
            }
            if text.is_empty() {
                list.do_not_disturb = true;
            } else {
                let to = Destination::parse_complete(Some(&text)).map_err(|_| err::INVALADDRESS)?;
                if list.to.as_ref().is_some_and(|other| *other != to) {
                    return Err(wrong);
                }
                list.to = Some(to);
            }
        }
        let halves = internal_and_external;
        // More than one entry is only understood as the two halves of one.
        if several > 1 || (several == 1 && halves != 0) || (halves != 0 && halves != UNCONDITIONAL_HALVES) {
            return Err(wrong);
        }
        Ok(list)
    }
}

/// Bytes of an entry: 24, but programs of version 3.1 write 32 (dossier 2.5, open point). The texts begin after the last
/// entry, and a mode is a single bit of a few.
fn stride(bytes: &[u8], count: usize) -> Option<usize> {
    let fits = |stride: usize| {
        let end = 8 + stride * count;
        end <= bytes.len()
            && (0..count).all(|index| {
                let entry = 8 + index * stride;
                let Some(mode) = word(bytes, entry) else { return false };
                let texts = [entry + 4, entry + 16];
                let inside = texts.iter().all(|at| match (word(bytes, *at), word(bytes, at + 4)) {
                    (Some(0), Some(_)) => true,
                    (Some(size), Some(offset)) => {
                        usize::try_from(offset).is_ok_and(|offset| offset >= end) && part(bytes, size, offset).is_some()
                    }
                    _ => false,
                });
                mode != 0 && mode & !KNOWN_MODES == 0 && inside
            })
    };
    [24, 32].into_iter().find(|stride| fits(*stride)).or_else(|| {
        // Neither fits: the caller finds out what is wrong with the plain one.
        (8 + 24 * count <= bytes.len()).then_some(24)
    })
}

/// Writes the list that says which forwarding is on; offsets count from the start of the enclosing structure.
pub fn forward_entries(to: Option<&str>, do_not_disturb: bool, start: usize) -> (Vec<u8>, u32) {
    let mut texts = Vec::new();
    let mut entries: Vec<Option<&str>> = Vec::new();
    // Do not disturb stands first: it is what a caller meets.
    if do_not_disturb {
        entries.push(None);
    }
    if to.is_some() {
        entries.push(to);
    }
    let count = entries.len();
    let mut out = Vec::new();
    for entry in entries {
        let (size, offset) = match entry {
            Some(number) => {
                let text = crate::writer::utf16z(number);
                let offset = start + count * forward::STRIDE + texts.len();
                let size = text.len();
                texts.extend_from_slice(&text);
                (size, offset)
            }
            None => (0, 0),
        };
        let mut raw = [0_u8; forward::STRIDE];
        let mut put = |at: usize, value: usize| {
            if let (Some(place), Ok(value)) = (raw.get_mut(at..at + 4), u32::try_from(value)) {
                place.copy_from_slice(&value.to_le_bytes());
            }
        };
        put(forward::FORWARD_MODE, 1);
        put(forward::DEST_ADDRESS, size);
        put(forward::DEST_ADDRESS + 4, offset);
        out.extend_from_slice(&raw);
    }
    out.extend_from_slice(&texts);
    (out, u32::try_from(count).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::writer::utf16z;

    /// A list with a stride of one's own.
    fn list(entries: &[(u32, &str)], stride: usize) -> Vec<u8> {
        let mut bytes = vec![0_u8; 8 + entries.len() * stride];
        for (index, (mode, text)) in entries.iter().enumerate() {
            let at = 8 + index * stride;
            bytes[at..at + 4].copy_from_slice(&mode.to_le_bytes());
            if !text.is_empty() {
                let offset = bytes.len() as u32;
                let text = utf16z(text);
                bytes[at + 16..at + 20].copy_from_slice(&(text.len() as u32).to_le_bytes());
                bytes[at + 20..at + 24].copy_from_slice(&offset.to_le_bytes());
                bytes.extend_from_slice(&text);
            }
        }
        let total = bytes.len() as u32;
        bytes[0..4].copy_from_slice(&total.to_le_bytes());
        bytes[4..8].copy_from_slice(&(entries.len() as u32).to_le_bytes());
        bytes
    }

    #[test]
    fn both_strides_are_read() {
        for stride in [24, 32] {
            let wanted = ForwardList { to: Some("208".to_owned()), do_not_disturb: false };
            assert_eq!(ForwardList::read(&list(&[(1, "208")], stride)), Ok(wanted.clone()), "{stride}");
            assert_eq!(ForwardList::read(&list(&[(2, "208"), (4, "208")], stride)), Ok(wanted), "{stride}");
            let quiet = ForwardList { to: None, do_not_disturb: true };
            assert_eq!(ForwardList::read(&list(&[(1, "")], stride)), Ok(quiet), "{stride}");
        }
        assert_eq!(ForwardList::read(&list(&[], 24)), Ok(ForwardList::default()));
    }

    #[test]
    fn what_the_router_cannot_do_is_refused() {
        for entries in [
            &[(0x10, "208")][..],
            &[(0, "208")],
            &[(0x8000_0000, "208")],
            &[(2, "208")],
            &[(1, "208"), (1, "209")],
            &[(2, "208"), (4, "209")],
        ] {
            assert_eq!(ForwardList::read(&list(entries, 24)), Err(err::INVALPARAM), "{entries:?}");
        }
        assert_eq!(ForwardList::read(&list(&[(1, "Anna")], 24)), Err(err::INVALADDRESS));
        let mut outside = list(&[(1, "208")], 24);
        outside[28..32].copy_from_slice(&4096_u32.to_le_bytes());
        assert_eq!(ForwardList::read(&outside), Err(err::INVALPARAM));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let (entries, count) = forward_entries(Some("208"), true, 64);
        assert_eq!(count, 2);
        assert_eq!(entries.len(), 48 + 8);
        assert_eq!(word(&entries, 24 + 20), Some(64 + 48));
        assert_eq!(forward_entries(None, false, 64), (Vec::new(), 0));
    }

    #[test]
    fn wishes_for_a_call_are_read() {
        let mut bytes = vec![0_u8; 176];
        let total = 176 + 8;
        bytes[0..4].copy_from_slice(&(total as u32).to_le_bytes());
        bytes[20..24].copy_from_slice(&0x80_u32.to_le_bytes());
        bytes[24..28].copy_from_slice(&1_u32.to_le_bytes());
        bytes[28..32].copy_from_slice(&1_u32.to_le_bytes());
        bytes[116..120].copy_from_slice(&8_u32.to_le_bytes());
        bytes[120..124].copy_from_slice(&176_u32.to_le_bytes());
        bytes.extend_from_slice(&utf16z("208"));
        let read = CallParams::read(&bytes).unwrap();
        assert_eq!((read.origin, read.one_step), (Origin::Id(1), true));
        assert_eq!(read.target.unwrap(), "208".encode_utf16().collect::<Vec<_>>());
        bytes[120..124].copy_from_slice(&9000_u32.to_le_bytes());
        assert_eq!(CallParams::read(&bytes), Err(err::INVALCALLPARAMS));
        assert_eq!(CallParams::read(&bytes[..100]), Err(err::INVALCALLPARAMS));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = CallParams::read(&bytes);
            let _ = ForwardList::read(&bytes);
        }
    }
}
