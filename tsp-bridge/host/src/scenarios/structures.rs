//! Structures of variable size at every total size.

use linegate_tsp_core::layout::{Structure, fixed_size};
use linegate_tsp_core::tapi::err;

use crate::api::tsp;
use crate::service::{Block, Service, V2_0, V3_0, dev_status_flags, talk, wide};

const VERSIONS: [u32; 4] = [0x2_0000, 0x2_0001, 0x2_0002, 0x3_0000];

/// What is expected of a structure.
struct Shape<'a> {
    name: &'a str,
    structure: Structure,
    version: u32,
    /// Size and offset pairs that the provider fills.
    pairs: &'a [usize],
    /// Words that belong to TAPI.
    owned: &'a [usize],
}

fn check(shape: &Shape<'_>, mut call: impl FnMut(*mut u8) -> i32) {
    const PATTERN: u8 = 0x5A;
    const PRESET: u32 = 0x5A5A_5A5A;
    let name = shape.name;
    let fixed = fixed_size(shape.structure, shape.version);
    let mut whole = Block::filled(64 * 1024, PATTERN);
    assert_eq!(call(whole.pointer()), 0, "{name}");
    whole.check();
    let needed = whole.word(4) as usize;
    assert!(needed >= fixed, "{name}: {needed} < {fixed}");
    for total in (fixed..=needed + 1).chain([4_096]) {
        let mut block = Block::filled(total, PATTERN);
        assert_eq!(call(block.pointer()), 0, "{name} with {total} bytes");
        block.check();
        assert_eq!(block.word(4) as usize, needed, "{name}: the needed size depends on the total size {total}");
        let used = block.word(8) as usize;
        assert!(used >= fixed && used <= total, "{name}: {used} bytes used of {total}");
        let mut places: Vec<(usize, usize)> = Vec::new();
        for pair in shape.pairs.iter().filter(|pair| **pair + 8 <= fixed) {
            let (size, offset) = (block.word(*pair), block.word(pair + 4));
            if size == PRESET && offset == PRESET {
                // Left as TAPI preset it: there is no such part.
                continue;
            }
            let (size, offset) = (size as usize, offset as usize);
            if size == 0 {
                assert_eq!(offset, 0, "{name}: an offset without a size at {pair}");
                continue;
            }
            assert!(offset >= fixed && offset + size <= used, "{name}: part at {pair} is {offset}+{size}, used {used}");
            assert_eq!(offset % 4, 0, "{name}: part at {pair} is not aligned");
            let (was, whole_size) = (whole.part(*pair).unwrap(), whole.word(*pair) as usize);
            assert_eq!(size, whole_size, "{name}: a part of a part at {pair}");
            assert_eq!(&block.bytes()[offset..offset + size], was, "{name}: part at {pair}");
            places.push((offset, offset + size));
        }
        places.sort_unstable();
        assert!(places.windows(2).all(|two| two[0].1 <= two[1].0), "{name}: parts overlap");
        for owned in shape.owned.iter().filter(|owned| **owned + 4 <= fixed) {
            assert_eq!(block.word(*owned), PRESET, "{name}: the word at {owned} belongs to TAPI");
        }
        if total >= needed {
            assert_eq!(used, needed, "{name}");
        }
    }
    // Without room for the fixed part.
    let mut small = Block::filled(fixed - 1, PATTERN);
    assert_eq!(call(small.pointer()), err::STRUCTURETOOSMALL, "{name}");
    small.check();
}

pub fn c06_device_capabilities_at_every_size() {
    let service = Service::ready();
    let device = service.device("201");
    for version in VERSIONS {
        let shape = Shape {
            name: "LINEDEVCAPS",
            structure: Structure::DevCaps,
            version,
            pairs: &[12, 20, 32, 244],
            owned: &[],
        };
        check(&shape, |pointer| unsafe { (tsp().dev_caps)(device, version, 0, pointer) });
    }
    let mut block = Block::new(4096);
    assert_eq!(unsafe { (tsp().dev_caps)(device, V3_0, 0, block.pointer()) }, 0);
    assert_eq!(block.text(32), "201 Anna Berg");
    assert_eq!((block.word(48), block.word(60)), (2, 4), "addresses, media");
    assert_eq!(block.word(112) & 0x20, 0, "CLOSEDROP is never announced");
    let classes = block.part(244).unwrap();
    assert!(classes.ends_with(&[0, 0, 0, 0]), "a list of classes ends with two NULs");
    // A member that a version does not know is not written: it would lie in the variable part.
    let mut old = Block::filled(252, 0x5A);
    assert_eq!(unsafe { (tsp().dev_caps)(device, V2_0, 0, old.pointer()) }, 0);
    old.check();
    assert_eq!(unsafe { (tsp().dev_caps)(device, 0x1_0004, 0, block.pointer()) }, err::INCOMPATIBLEAPIVERSION);
}

pub fn c07_every_other_structure_at_every_size() {
    let service = Service::ready();
    let device = service.device("201");
    for version in VERSIONS {
        for address in 0..2 {
            let shape = Shape {
                name: "LINEADDRESSCAPS",
                structure: Structure::AddressCaps,
                version,
                pairs: &[16, 196],
                owned: &[],
            };
            check(&shape, |pointer| unsafe { (tsp().address_caps)(device, address, version, 0, pointer) });
        }
        for address in [2, 99, u32::MAX] {
            let mut block = Block::new(4096);
            let result = unsafe { (tsp().address_caps)(device, address, version, 0, block.pointer()) };
            assert_eq!(result, err::INVALADDRESSID);
        }
    }
    let open = service.line("201");
    let forward = forward_list(&[(1, "208")]);
    crate::service::succeed("lineForward", |request| unsafe {
        (tsp().forward)(request, open.hd, 0, 0, forward.as_ptr(), 5, 0, &mut 1, std::ptr::null())
    });
    let made = talk(open, "202");
    let data = [7_u8; 33];
    crate::service::succeed("lineSetCallData", |request| unsafe {
        (tsp().call_data)(request, made.hd, data.as_ptr(), 33)
    });
    let version = V3_0;
    let shape = |name, structure, pairs, owned| Shape { name, structure, version, pairs, owned };
    check(
        &shape(
            "LINECALLINFO",
            Structure::CallInfo,
            &[112, 120, 132, 140, 152, 160, 172, 180, 192, 200, 300],
            &[12, 60, 92, 96, 208, 212, 224, 228, 232, 236],
        ),
        |pointer| unsafe { (tsp().call_info)(made.hd, pointer) },
    );
    check(&shape("LINECALLSTATUS", Structure::CallStatus, &[], &[20]), |pointer| unsafe {
        (tsp().call_status)(made.hd, pointer)
    });
    check(&shape("LINEDEVSTATUS", Structure::DevStatus, &[], &[12, 16, 80, 84]), |pointer| unsafe {
        (tsp().dev_status)(open.hd, pointer)
    });
    check(&shape("LINEADDRESSSTATUS", Structure::AddressStatus, &[40], &[]), |pointer| unsafe {
        (tsp().address_status)(open.hd, 0, pointer)
    });
    let class = wide("tapi/line");
    check(&shape("VARSTRING of lineGetID", Structure::VarString, &[16], &[]), |pointer| unsafe {
        (tsp().get_id)(open.hd, 0, 0, 1, pointer, class.as_ptr(), usize::MAX)
    });
    check(&shape("VARSTRING of lineGetDevConfig", Structure::VarString, &[16], &[]), |pointer| unsafe {
        (tsp().dev_config)(device, pointer, class.as_ptr())
    });
    let mut id = Block::new(64);
    let upper = wide("TAPI/Line");
    unsafe {
        assert_eq!((tsp().get_id)(open.hd, 1, 0, 2, id.pointer(), upper.as_ptr(), 0), 0);
        assert_eq!(id.part(16).unwrap(), device.to_le_bytes());
        assert_eq!((tsp().get_id)(open.hd, 0, made.hd, 4, id.pointer(), upper.as_ptr(), 0), 0);
        assert_eq!((tsp().get_id)(open.hd, 9, 0, 2, id.pointer(), upper.as_ptr(), 0), err::INVALADDRESSID);
        assert_eq!((tsp().get_id)(open.hd, 0, 0, 1, id.pointer(), wide("wave/in").as_ptr(), 0), err::NODEVICE);
        assert_eq!((tsp().get_id)(open.hd, 0, 0, 1, id.pointer(), wide("kettle").as_ptr(), 0), err::INVALDEVICECLASS);
        let mut config = Block::new(64);
        assert_eq!((tsp().dev_config)(device, config.pointer(), class.as_ptr()), 0);
        let blob = config.part(16).unwrap().to_vec();
        assert_eq!((tsp().set_dev_config)(device, blob.as_ptr(), blob.len() as u32, class.as_ptr()), 0);
        assert_eq!((tsp().set_dev_config)(device, [1_u8, 2].as_ptr(), 2, class.as_ptr()), err::INVALPARAM);
        let mut address = 0;
        let number = wide("204");
        assert_eq!((tsp().address_id)(open.hd, &mut address, 2, number.as_ptr(), 8), 0);
        assert_eq!(address, 1);
        assert_eq!((tsp().address_id)(open.hd, &mut address, 1, number.as_ptr(), 8), err::INVALADDRESSMODE);
        assert_eq!((tsp().address_id)(open.hd, &mut address, 2, wide("999").as_ptr(), 8), err::INVALADDRESS);
    }
    assert_eq!(dev_status_flags(open), 1 | 4, "connected and in service");
    let info = crate::service::call_info(made.hd);
    assert_eq!((info.text(112), info.text(132), info.text(152)), ("201".into(), "202".into(), "202".into()));
    assert_eq!(info.part(300).unwrap(), data);
    assert_eq!((info.word(16), info.word(20), info.word(32)), (device, 0, 4), "device, address, media");
}

/// A LINEFORWARDLIST.
pub fn forward_list(entries: &[(u32, &str)]) -> Vec<u8> {
    forward_list_with(entries, 24)
}

pub fn forward_list_with(entries: &[(u32, &str)], stride: usize) -> Vec<u8> {
    let mut bytes = vec![0_u8; 8 + entries.len() * stride];
    for (index, (mode, text)) in entries.iter().enumerate() {
        let at = 8 + index * stride;
        bytes[at..at + 4].copy_from_slice(&mode.to_le_bytes());
        if !text.is_empty() {
            let offset = bytes.len() as u32;
            let text: Vec<u8> = wide(text).into_iter().flat_map(u16::to_le_bytes).collect();
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
