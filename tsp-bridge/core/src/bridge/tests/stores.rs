//! Lines that outlive a run, a move of the gateway, another filter and another gateway.

use super::*;
use crate::layout::dev_caps;

/// Permanent number and GUID of the devices from 0 on, as `lineGetDevCaps` has them.
fn identities(bridge: &Bridge) -> Vec<(u32, Vec<u8>)> {
    (0..bridge.line_count()).map(|device| identity(bridge, device)).collect()
}

fn identity(bridge: &Bridge, device: u32) -> (u32, Vec<u8>) {
    let mut bytes = vec![0; 4_096];
    bytes[..4].copy_from_slice(&4_096_u32.to_le_bytes());
    bridge.dev_caps(device, 0x3_0000, &mut bytes).expect("capabilities");
    let word = bytes[dev_caps::PERMANENT_LINE_ID..][..4].try_into().expect("four bytes");
    (u32::from_le_bytes(word), bytes[dev_caps::PERMANENT_LINE_GUID..][..16].to_vec())
}

/// The next start with a store.
fn started(store: &Store, gateway: &str, filter: &[&str]) -> Bridge {
    let line_filter = filter.iter().map(|part| (*part).to_owned()).collect();
    let settings = Settings { provider: 1, gateway: gateway.to_owned(), line_filter, ..Settings::default() };
    let mut bridge = Bridge::new(settings, store.clone());
    let count = bridge.line_count();
    bridge.init(0, count, Now { ms: 1_000, wall_ms: 1_700_000_000_000 });
    bridge
}

#[test]
fn a_gateway_at_another_address_has_the_lines_that_it_had() {
    let (mut kit, _) = Kit::new();
    let store = kit.bridge.take_store().expect("lines");
    let before = identities(&started(&store, "https://old:8443", &[]));
    assert_eq!(before.len(), 2);
    let mut moved = started(&store, "https://new:8443", &[]);
    assert_eq!(identities(&moved), before, "order, numbers and GUIDs");
    assert_eq!(moved.take_store().expect("the address is stored").gateway, "https://new:8443");
}

#[test]
fn a_filter_chooses_and_nothing_gets_another_number() {
    let (mut kit, _) = Kit::new();
    let store = kit.bridge.take_store().expect("lines");
    let before = identities(&started(&store, "https://gw", &[]));
    let narrow = started(&store, "https://gw", &["202"]);
    assert_eq!(identities(&narrow), before[1..]);
    assert_eq!(identities(&started(&store, "https://gw", &["20*", "30*"])), before, "and wider again");
}

#[test]
fn what_another_gateway_has_under_a_number_is_another_line() {
    let (mut kit, open) = Kit::new();
    let before = [identity(&kit.bridge, 100), identity(&kit.bridge, 101)];
    let (request, _) = kit.make_call(open, "202", 0x10);
    kit.told.clear();
    kit.bridge.link_closed("the settings have changed", kit.now);
    kit.bridge.move_to("https://other", Store::default(), kit.now);
    kit.drain();
    assert!(kit.result(request).is_some_and(|result| result != 0), "what the first one was asked is over");
    let other = |tapi_id, number: &str| with(line(tapi_id, number), json!({"id": format!("line_of_b_{number}")}));
    kit.snapshot(&[other(1, "201"), other(2, "202")], &[]);
    assert!(kit.told.contains(&Output::Remove { device: 101 }), "lines of the first one go: {:?}", kit.told);
    let after = [identity(&kit.bridge, 102), identity(&kit.bridge, 103)];
    for (one, other) in before.iter().zip(&after) {
        assert!(one.0 != other.0 && one.1 != other.1, "{one:x?} {other:x?}");
    }
    let store = kit.bridge.take_store().expect("lines");
    let stored: Vec<(&str, bool)> = store.lines.iter().map(|line| (line.line_id.as_str(), line.gone)).collect();
    let expected = [("line_201", true), ("line_202", true), ("line_of_b_201", false), ("line_of_b_202", false)];
    assert_eq!(stored, expected, "each line keeps its place");
    // Back at the first one, all is as it was.
    kit.bridge.link_closed("the settings have changed", kit.now);
    kit.bridge.move_to("https://gw", Store::default(), kit.now);
    kit.snapshot(&[line(1, "201"), line(2, "202")], &[]);
    let store = kit.bridge.take_store().expect("lines");
    assert_eq!(identities(&started(&store, "https://gw", &[]))[..2], before);
}
