//! The six structures that the core writes, for every version, at every total size.

use super::*;
use crate::layout::{Structure, fixed_size};
use crate::tapi::err;

const VERSIONS: [u32; 4] = [0x2_0000, 0x2_0001, 0x2_0002, 0x3_0000];
/// What TAPI's memory holds before.
const PATTERN: u8 = 0x5A;
const PRESET: u32 = 0x5A5A_5A5A;

/// What is expected of a structure.
struct Shape {
    structure: Structure,
    /// Size and offset pairs that are filled.
    pairs: &'static [usize],
    /// Words that are TAPI's.
    owned: &'static [usize],
}

const DEV_CAPS: Shape = Shape { structure: Structure::DevCaps, pairs: &[12, 20, 32, 244], owned: &[0] };
const ADDRESS_CAPS: Shape = Shape { structure: Structure::AddressCaps, pairs: &[16, 196], owned: &[0] };
const CALL_INFO: Shape = Shape {
    structure: Structure::CallInfo,
    pairs: &[112, 120, 132, 140, 152, 160, 172, 180, 192, 200, 300],
    owned: &[0, 12, 60, 92, 96, 208, 212, 224, 228, 232, 236],
};
const CALL_STATUS: Shape = Shape { structure: Structure::CallStatus, pairs: &[], owned: &[0, 20] };
const DEV_STATUS: Shape = Shape { structure: Structure::DevStatus, pairs: &[], owned: &[0, 12, 16, 80, 84] };
const ADDRESS_STATUS: Shape = Shape { structure: Structure::AddressStatus, pairs: &[40], owned: &[0] };

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn text(bytes: &[u8], pair: usize) -> String {
    let (size, offset) = (word(bytes, pair) as usize, word(bytes, pair + 4) as usize);
    let units: Vec<u16> =
        bytes[offset..offset + size].chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
    assert_eq!(units.last(), Some(&0), "a text ends with NUL");
    String::from_utf16(&units[..units.len() - 1]).unwrap()
}

/// Writes a structure at every total size; gives it as it is with room for everything.
fn check(shape: &Shape, version: u32, write: impl Fn(&mut [u8]) -> Result<(), i32>) -> Vec<u8> {
    let at = |total: usize| {
        let mut bytes = vec![PATTERN; total];
        let outcome = write(&mut bytes);
        (bytes, outcome)
    };
    let name = format!("{:?} for version {version:#x}", shape.structure);
    let fixed = fixed_size(shape.structure, version);
    let (whole, outcome) = at(64 * 1024);
    assert_eq!(outcome, Ok(()), "{name}");
    let needed = word(&whole, 4) as usize;
    assert_eq!(word(&whole, 8) as usize, needed, "{name}: with room for everything, all of it is used");
    for total in 0..fixed {
        let (bytes, outcome) = at(total);
        assert_eq!(outcome, Err(err::STRUCTURETOOSMALL), "{name} with {total} bytes");
        assert!(bytes.iter().all(|byte| *byte == PATTERN), "{name}: a refusal writes nothing");
    }
    let mut parts_left_out = 0;
    for total in fixed..=needed + 1 {
        let (bytes, outcome) = at(total);
        assert_eq!(outcome, Ok(()), "{name} with {total} bytes");
        let used = word(&bytes, 8) as usize;
        assert_eq!(word(&bytes, 4) as usize, needed, "{name}: needed depends on the total size {total}");
        assert!((fixed..=total).contains(&used), "{name}: {used} bytes used of {total}");
        assert!(bytes[used..].iter().all(|byte| *byte == PATTERN), "{name}: written beyond the used size");
        let mut places = Vec::new();
        for pair in shape.pairs.iter().filter(|pair| **pair + 8 <= fixed) {
            let (size, offset) = (word(&bytes, *pair), word(&bytes, pair + 4));
            if (size, offset) == (PRESET, PRESET) {
                assert_eq!(word(&whole, *pair), PRESET, "{name}: a part at {pair} is only left out");
                continue;
            }
            let (size, offset) = (size as usize, offset as usize);
            if size == 0 {
                assert_eq!(offset, 0, "{name}: an offset without a size at {pair}");
                parts_left_out += usize::from(word(&whole, *pair) != 0);
                continue;
            }
            assert!(offset >= fixed && offset + size <= used && offset % 4 == 0, "{name}: {offset}+{size} at {pair}");
            let whole_offset = word(&whole, pair + 4) as usize;
            assert_eq!(size, word(&whole, *pair) as usize, "{name}: a part of a part at {pair}");
            assert_eq!(bytes[offset..offset + size], whole[whole_offset..whole_offset + size], "{name}: {pair}");
            places.push((offset, offset + size));
        }
        places.sort_unstable();
        assert!(places.windows(2).all(|two| two[0].1 <= two[1].0), "{name}: parts overlap");
        for owned in shape.owned {
            assert_eq!(word(&bytes, *owned), PRESET, "{name}: the word at {owned} is TAPI's");
        }
        if total >= needed {
            assert_eq!(used, needed, "{name}");
        }
    }
    assert_eq!(parts_left_out > 0, needed > fixed, "{name}: no size was too small for a part");
    whole
}

/// 201 with two buttons, forwarded and undisturbed, in a call that was forwarded to it and carries data.
fn busy_line(version: u32) -> (Kit, u32, u32) {
    let (mut kit, line) = Kit::new();
    kit.bridge.close(line).unwrap();
    let line = kit.bridge.open(100, 0x77, version, kit.now).unwrap();
    kit.bridge.set_media_detection(line, 4, kit.now).unwrap();
    kit.pass(300);
    let forwarding = json!({"unconditional": "0301234"});
    kit.event(
        "line.updated",
        with(
            super::line(1, "201"),
            json!({
                "name": "Anna Berg", "do_not_disturb": true, "forwarding": forwarding,
                "addresses": [{"index": 0, "number": "201", "forwarding": forwarding}, {"index": 1, "number": "204"}],
            }),
        ),
    );
    let told = json!({
        "direction": "inbound", "reason": "forwarded_busy", "address": 1,
        "caller": {"number": "0307777", "name": "Ümläut & Söhne"}, "called": {"number": "204", "name": "Büro"},
        "connected": {"number": "0307777", "name": "Ümläut & Söhne"}, "redirecting": {"number": "208", "name": "Chef"},
    });
    kit.updated(with(call("c1", "offering"), told.clone()));
    let (handle, _) = kit.offered();
    kit.updated(with(call("c1", "connected"), told));
    let request = kit.request();
    kit.bridge.set_call_data(request, handle, &[7; 33], kit.now).unwrap();
    kit.bridge.set_app_specific(handle, 4711, kit.now).unwrap();
    kit.drain();
    (kit, line, handle)
}

#[test]
fn every_structure_is_right_for_every_version_at_every_size() {
    for version in VERSIONS {
        let (kit, line, call) = busy_line(version);
        let bridge = &kit.bridge;
        let caps = check(&DEV_CAPS, version, |bytes| bridge.dev_caps(100, version, bytes));
        assert_eq!((text(&caps, 32).as_str(), word(&caps, 48)), ("201 Anna Berg", 2));
        for (address, number) in [(0, "201"), (1, "204")] {
            let caps = check(&ADDRESS_CAPS, version, |bytes| bridge.address_caps(100, address, version, bytes));
            assert_eq!(text(&caps, 16), number);
        }
        let info = check(&CALL_INFO, version, |bytes| bridge.call_info(call, bytes));
        let shown: Vec<String> = CALL_INFO.pairs[..10].iter().map(|pair| text(&info, *pair)).collect();
        let far = ["0307777", "Ümläut & Söhne"];
        let here = ["204", "Büro"];
        assert_eq!(shown, [far, here, far, here, ["208", "Chef"]].concat());
        assert_eq!((word(&info, 36), word(&info, 300)), (4711, 33), "app specific, size of the call data");
        let status = check(&CALL_STATUS, version, |bytes| bridge.call_status(call, bytes));
        assert_eq!(word(&status, 12), call_state::CONNECTED);
        let status = check(&DEV_STATUS, version, |bytes| bridge.dev_status(line, bytes));
        assert_eq!((word(&status, 20), word(&status, 56)), (1, 1 | 4));
        let status = check(&ADDRESS_STATUS, version, |bytes| bridge.address_status(line, 0, bytes));
        assert_eq!(word(&status, 36), 2, "do not disturb, and forwarding");
        // The second entry's destination stands behind both, counted from the head of the structure.
        assert_eq!(text(&status, fixed_size(Structure::AddressStatus, version) + 24 + 16), "0301234");
        let status = check(&ADDRESS_STATUS, version, |bytes| bridge.address_status(line, 1, bytes));
        // The second button is not forwarded; do not disturb is of the phone.
        assert_eq!((word(&status, 16), word(&status, 36)), (1, 1), "calls, entries");
    }
}

#[test]
fn members_that_a_version_does_not_have_are_not_written() {
    // Capabilities grew twice, the information about a call once: what came later would lie in the variable part.
    let (kit, _, call) = busy_line(0x2_0000);
    let mut bytes = vec![PATTERN; 252];
    kit.bridge.dev_caps(100, 0x2_0000, &mut bytes).unwrap();
    assert_eq!(word(&bytes, 8), 252);
    let mut bytes = vec![PATTERN; 324];
    kit.bridge.call_info(call, &mut bytes).unwrap();
    assert_eq!(word(&bytes, 8), 324);
    assert_eq!(kit.bridge.dev_caps(100, 0x1_0004, &mut [0; 4096]), Err(err::INCOMPATIBLEAPIVERSION));
}
