//! The trace as a capture file (pcap): SIP messages in TCP segments under made-up headers, so that Wireshark shows them.
//!
//! What the gateway saw is messages, not packets: sequence numbers count what is in the file, and checksums are right.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use super::ladder::{Selected, Wire};

/// Octets of a message in one segment.
const SEGMENT: usize = 1400;
const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 1];
const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// PSH and ACK.
const FLAGS: u8 = 0x18;

/// Writes the SIP messages among the entries; the others are left out.
pub(super) fn write(entries: &[Selected]) -> Vec<u8> {
    let mut out = Vec::new();
    // Microseconds, version 2.4, no correction, no accuracy, whole packets, Ethernet.
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    // The next sequence number of the gateway and of the router.
    let mut flows: HashMap<u64, (u32, u32)> = HashMap::new();
    for wire in entries.iter().filter_map(Selected::wire) {
        let next = flows.entry(wire.flow).or_insert((1, 1));
        for part in wire.bytes.chunks(SEGMENT) {
            let (seq, ack) = if wire.is_sent { (next.0, next.1) } else { (next.1, next.0) };
            record(&mut out, &wire, seq, ack, part);
            let moved = if wire.is_sent { &mut next.0 } else { &mut next.1 };
            *moved = moved.wrapping_add(u32::try_from(part.len()).unwrap_or(0));
        }
    }
    out
}

fn record(out: &mut Vec<u8>, wire: &Wire<'_>, seq: u32, ack: u32, payload: &[u8]) {
    let (from, to) =
        if wire.is_sent { (wire.ends.local, wire.ends.remote) } else { (wire.ends.remote, wire.ends.local) };
    let packet = packet(from, to, seq, ack, payload);
    let (source, target) = if wire.is_sent { (GATEWAY, ROUTER) } else { (ROUTER, GATEWAY) };
    let length = u32::try_from(packet.len() + 14).unwrap_or(u32::MAX);
    let seconds = u32::try_from(wire.at_us / 1_000_000).unwrap_or(u32::MAX);
    let micros = u32::try_from(wire.at_us % 1_000_000).unwrap_or(0);
    for word in [seconds, micros, length, length] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out.extend_from_slice(&target);
    out.extend_from_slice(&source);
    let is_v4 = packet.first().is_some_and(|first| first >> 4 == 4);
    out.extend_from_slice(if is_v4 { &[0x08, 0x00] } else { &[0x86, 0xdd] });
    out.extend_from_slice(&packet);
}

/// An IP packet with one TCP segment.
fn packet(from: SocketAddr, to: SocketAddr, seq: u32, ack: u32, payload: &[u8]) -> Vec<u8> {
    let mut tcp = Vec::with_capacity(payload.len() + 20);
    tcp.extend_from_slice(&from.port().to_be_bytes());
    tcp.extend_from_slice(&to.port().to_be_bytes());
    tcp.extend_from_slice(&seq.to_be_bytes());
    tcp.extend_from_slice(&ack.to_be_bytes());
    // Five words of head, a wide window, checksum to come, nothing urgent.
    tcp.extend_from_slice(&[0x50, FLAGS, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend_from_slice(payload);
    let length = u16::try_from(tcp.len()).unwrap_or(u16::MAX);
    let (mut ip, pseudo) = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut ip = vec![0x45, 0];
            ip.extend_from_slice(&(length + 20).to_be_bytes());
            // No identification, not to be cut, 64 hops, TCP, checksum to come.
            ip.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
            ip.extend_from_slice(&from.octets());
            ip.extend_from_slice(&to.octets());
            let sum = checksum(&[&ip]);
            put(&mut ip, 10, sum);
            (ip, [&from.octets()[..], &to.octets()].concat())
        }
        (from, to) => {
            let six = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend_from_slice(&length.to_be_bytes());
            ip.extend_from_slice(&[6, 64]);
            ip.extend_from_slice(&six(from).octets());
            ip.extend_from_slice(&six(to).octets());
            (ip, [six(from).octets(), six(to).octets()].concat())
        }
    };
    let sum = checksum(&[&pseudo, &[0, 6], &length.to_be_bytes(), &tcp]);
    put(&mut tcp, 16, sum);
    ip.extend_from_slice(&tcp);
    ip
}

fn put(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}

/// The sum of RFC 1071 over parts, each but the last of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            let high = pair.first().copied().unwrap_or(0);
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u32::from(u16::from_be_bytes([high, low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_head_of_a_packet_is_that_of_the_standards() {
        let packet = packet("192.0.2.10:5060".parse().unwrap(), "192.0.2.20:50000".parse().unwrap(), 1, 2, b"INFO");
        // An independent sum: over a packet with its checksum it is zero.
        assert_eq!(checksum(&[&packet[..20]]), 0);
        assert_eq!(checksum(&[&packet[12..20], &[0, 6, 0, 24], &packet[20..]]), 0);
        let shown: String = packet.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(shown, "4500002c000040004006b6adc000020ac000021413c4c35000000001000000025018ffffc4f40000494e464f");
    }

    #[test]
    fn version_6_has_no_checksum_of_its_own() {
        let packet = packet("[2001:db8::1]:5060".parse().unwrap(), "[2001:db8::2]:5070".parse().unwrap(), 1, 1, b"x");
        assert_eq!((packet[0] >> 4, packet[6], packet.len()), (6, 6, 61));
        assert_eq!(checksum(&[&packet[8..40], &[0, 6, 0, 21], &packet[40..]]), 0);
    }

    #[test]
    fn an_empty_trace_is_an_empty_file() {
        let file = write(&[]);
        assert_eq!(file.len(), 24);
        assert_eq!(&file[..8], &[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
    }
}
