//! One packet of HEP version 3, the form in which capture servers (Homer and others) take messages. No sockets here.
//!
//! `HEP3`, the length of the whole, then chunks: vendor (0: those of the standard), type, length with these six octets,
//! value. All numbers are big endian.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

/// Vendor of the chunks that everybody knows.
const GENERIC: u16 = 0;
/// The lengths have 16 bits.
const MOST: usize = u16::MAX as usize;
/// What surrounds a payload takes no more than this, with the longest key.
const AROUND: usize = 512;
/// The longest key.
pub const KEY_LIMIT: usize = 128;

/// A message as it went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// Who got it.
    pub to: SocketAddr,
    /// When, in microseconds of Unix time.
    pub at_us: u64,
    /// The SIP message.
    pub payload: Bytes,
}

/// Who captures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Agent {
    /// Number of this capture agent.
    pub id: u32,
    /// What the server wants to know before it takes anything.
    pub key: Option<String>,
}

/// Writes a packet; a payload that is too long is cut, as a capture would cut it.
pub fn encode(agent: &Agent, packet: &Packet) -> Vec<u8> {
    let payload = packet.payload.get(..MOST - AROUND).unwrap_or(&packet.payload);
    let mut out = Vec::with_capacity(payload.len() + AROUND);
    out.extend_from_slice(b"HEP3\0\0");
    let (from, to) = (packet.from.ip().to_canonical(), packet.to.ip().to_canonical());
    let is_v4 = from.is_ipv4() && to.is_ipv4();
    chunk(&mut out, 1, &[if is_v4 { 2 } else { 10 }]);
    // TCP.
    chunk(&mut out, 2, &[6]);
    for (of, ip) in [(0, from), (1, to)] {
        match ip {
            IpAddr::V4(ip) if is_v4 => chunk(&mut out, 3 + of, &ip.octets()),
            IpAddr::V4(ip) => chunk(&mut out, 5 + of, &ip.to_ipv6_mapped().octets()),
            IpAddr::V6(ip) => chunk(&mut out, 5 + of, &ip.octets()),
        }
    }
    chunk(&mut out, 7, &packet.from.port().to_be_bytes());
    chunk(&mut out, 8, &packet.to.port().to_be_bytes());
    let seconds = u32::try_from(packet.at_us / 1_000_000).unwrap_or(u32::MAX);
    let micros = u32::try_from(packet.at_us % 1_000_000).unwrap_or(0);
    chunk(&mut out, 9, &seconds.to_be_bytes());
    chunk(&mut out, 10, &micros.to_be_bytes());
    // SIP.
    chunk(&mut out, 11, &[1]);
    chunk(&mut out, 12, &agent.id.to_be_bytes());
    if let Some(key) = &agent.key {
        chunk(&mut out, 14, key.as_bytes().get(..KEY_LIMIT).unwrap_or(key.as_bytes()));
    }
    chunk(&mut out, 15, payload);
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(4..6) {
        place.copy_from_slice(&length);
    }
    out
}

fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&GENERIC.to_be_bytes());
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&u16::try_from(value.len() + 6).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;
    use std::net::Ipv6Addr;

    use proptest::prelude::*;

    use super::*;

    /// A reader that shares nothing with the writer.
    fn chunks(packet: &[u8]) -> HashMap<u16, Vec<u8>> {
        assert_eq!(&packet[..4], b"HEP3");
        let length = usize::from(packet[4]) << 8 | usize::from(packet[5]);
        assert_eq!(length, packet.len(), "the length is that of the whole");
        let mut found = HashMap::new();
        let mut rest = &packet[6..];
        while !rest.is_empty() {
            assert_eq!(&rest[..2], &[0, 0], "a generic chunk");
            let length = usize::from(rest[4]) << 8 | usize::from(rest[5]);
            let before = found.insert(u16::from(rest[2]) << 8 | u16::from(rest[3]), rest[6..length].to_vec());
            assert!(before.is_none(), "each chunk once");
            rest = &rest[length..];
        }
        found
    }

    #[test]
    fn the_octets_are_those_of_the_description() {
        let agent = Agent { id: 0x0102_0304, key: Some("key".to_owned()) };
        let packet = Packet {
            from: "192.0.2.10:5060".parse().unwrap(),
            to: "192.0.2.20:5070".parse().unwrap(),
            at_us: 1_700_000_000_123_456,
            payload: Bytes::from_static(b"OPTIONS"),
        };
        let shown: String = encode(&agent, &packet).iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(
            shown,
            "484550330073000000010007020000000200070600000003000ac000020a00000004000ac000021400000007000813c40000\
             0008000813ce00000009000a6553f1000000000a000a0001e2400000000b0007010000000c000a010203040000000e00096b\
             65790000000f000d4f5054494f4e53"
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            v6 in any::<bool>(), host in any::<[u8; 16]>(), from_port in any::<u16>(), to_port in any::<u16>(),
            at_us in 0_u64..4_000_000_000_000_000, id in any::<u32>(), key in proptest::option::of("[a-z]{0,200}"),
            payload in proptest::collection::vec(any::<u8>(), 0..70_000),
        ) {
            let from: IpAddr = if v6 { Ipv6Addr::from(host).into() } else { [host[0], host[1], host[2], host[3]].into() };
            let to: IpAddr = if v6 { Ipv6Addr::LOCALHOST.into() } else { [127, 0, 0, 1].into() };
            let packet = Packet {
                from: SocketAddr::new(from, from_port), to: SocketAddr::new(to, to_port), at_us, payload: payload.clone().into(),
            };
            let read = chunks(&encode(&Agent { id, key: key.clone() }, &packet));
            prop_assert_eq!(&read[&7], &from_port.to_be_bytes());
            prop_assert_eq!(&read[&8], &to_port.to_be_bytes());
            prop_assert_eq!(&read[&12], &id.to_be_bytes());
            let number = |of: u16| u64::from(u32::from_be_bytes(read[&of].clone().try_into().unwrap()));
            prop_assert_eq!(number(9) * 1_000_000 + number(10), at_us);
            prop_assert_eq!(read.get(&14).map(Vec::len), key.map(|key| key.len().min(KEY_LIMIT)));
            prop_assert!(payload.starts_with(&read[&15]) && read[&15].len() == payload.len().min(MOST - AROUND));
            match read[&1][0] {
                2 => prop_assert_eq!(read[&3].len() + read[&4].len(), 8),
                _ => prop_assert_eq!(read[&5].len() + read[&6].len(), 32),
            }
        }
    }
}
