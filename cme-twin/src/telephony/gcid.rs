//! Global call identifiers: a version-1 UUID in four groups of eight digits. The last group, part of the node, is constant for a router.

use std::time::{SystemTime, UNIX_EPOCH};

/// The source of identifiers of one boot of the router.
#[derive(Debug)]
pub(crate) struct Gcids {
    node: [u8; 6],
    clock: u16,
    last: u64,
}

impl Gcids {
    pub(crate) fn new(seed: u64) -> Self {
        let bytes = seed.to_be_bytes();
        let clock = u16::from_be_bytes([bytes[0], bytes[1]]) & 0x3FFF;
        Self { node: [0x00, bytes[3], 0x00, 0xC0, bytes[6], bytes[7]], clock, last: 0 }
    }

    /// A new identifier. `simple` gives the decimal identifier of a leg, as without `gcid`.
    pub(crate) fn next(&mut self, now: SystemTime) -> String {
        // 100 ns ticks since 1582-10-15, never the same one twice.
        let unix = now.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() / 100);
        let ticks = u64::try_from(unix).unwrap_or(0).wrapping_add(0x01B2_1DD2_1381_4000).max(self.last + 1);
        self.last = ticks;
        let (low, rest) = (ticks & 0xFFFF_FFFF, ticks >> 32);
        let (mid, high) = (rest & 0xFFFF, (rest >> 16) & 0x0FFF | 0x1000);
        let n = self.node;
        let clock = self.clock | 0x8000;
        format!(
            "{low:08X}-{mid:04X}{high:04X}-{clock:04X}{:02X}{:02X}-{:02X}{:02X}{:02X}{:02X}",
            n[0], n[1], n[2], n[3], n[4], n[5]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_regrouped_version_1_uuids() {
        let mut gcids = Gcids::new(0x1234_5678_9ABC_DEF0);
        let now = SystemTime::now();
        let (one, two) = (gcids.next(now), gcids.next(now));
        assert_ne!(one, two);
        let groups: Vec<&str> = one.split('-').collect();
        assert!(groups.len() == 4 && groups.iter().all(|g| g.len() == 8));
        let text: String = one.replace('-', "");
        let version = uuid::Uuid::parse_str(&text).ok().map(|u| u.get_version_num());
        assert_eq!(version, Some(1));
        assert_eq!(one.rsplit('-').next(), two.rsplit('-').next());
    }
}
