//! DHCPINFORM and its answer (RFC 2131 3.4 and 4.4.3): bytes only.

use std::net::Ipv4Addr;

use super::options::{self, TFTP_ADDRESSES, TFTP_NAME, address};
use crate::service::locate::DhcpAnswer;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Fixed part of a message, up to the cookie.
const HEAD: usize = 236;
const SNAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;
const BOOT_REPLY: u8 = 2;
const INFORM: u8 = 8;
const ACK: u8 = 5;

const PAD: u8 = 0;
const OVERLOAD: u8 = 52;
const TYPE: u8 = 53;
const SERVER: u8 = 54;
const WANTED: u8 = 55;
const END: u8 = 255;

/// Asks what a client that has its address already should know.
pub(super) fn inform(xid: u32, own: Ipv4Addr, mac: [u8; 6]) -> Vec<u8> {
    let mut out = vec![0; HEAD];
    // A request over Ethernet with addresses of six bytes.
    out[..3].copy_from_slice(&[1, 1, 6]);
    out[4..8].copy_from_slice(&xid.to_be_bytes());
    out[12..16].copy_from_slice(&own.octets());
    out[28..34].copy_from_slice(&mac);
    out.extend(COOKIE);
    out.extend([TYPE, 1, INFORM, WANTED, 3, 1, TFTP_NAME, TFTP_ADDRESSES, END]);
    // Old servers drop what is shorter than a BOOTP message.
    out.resize(300.max(out.len()), PAD);
    out
}

/// The answer to `xid`; `None` when the bytes are anything else.
pub(super) fn read(bytes: &[u8], xid: u32, interface: &str) -> Option<DhcpAnswer> {
    let head = bytes.get(..HEAD)?;
    let options = bytes.get(HEAD..)?.strip_prefix(&COOKIE)?;
    if head.first() != Some(&BOOT_REPLY) || head.get(4..8)? != xid.to_be_bytes() {
        return None;
    }
    let mut found = Found::default();
    found.walk(options);
    // Long option lists go on in two fields of the head.
    let overload = found.overload;
    if overload & 1 != 0 {
        found.walk(head.get(FILE)?);
    }
    if overload & 2 != 0 {
        found.walk(head.get(SNAME)?);
    }
    if found.kind != Some(ACK) {
        return None;
    }
    let next = Ipv4Addr::from(<[u8; 4]>::try_from(head.get(20..24)?).ok()?);
    Some(DhcpAnswer {
        interface: interface.to_owned(),
        server: found.server,
        addresses: found.addresses,
        name: found.name,
        next_server: (!next.is_unspecified()).then_some(next),
    })
}

#[derive(Default)]
struct Found {
    kind: Option<u8>,
    overload: u8,
    server: Option<Ipv4Addr>,
    addresses: Vec<Ipv4Addr>,
    name: Option<String>,
}

impl Found {
    fn walk(&mut self, mut rest: &[u8]) {
        while let Some((code, after)) = rest.split_first() {
            match *code {
                PAD => rest = after,
                END => return,
                code => {
                    let Some((length, after)) = after.split_first() else { return };
                    let Some((value, after)) = after.split_at_checked(usize::from(*length)) else { return };
                    self.option(code, value);
                    rest = after;
                }
            }
        }
    }

    fn option(&mut self, code: u8, value: &[u8]) {
        match code {
            TYPE => self.kind = value.first().copied(),
            OVERLOAD => self.overload = value.first().copied().unwrap_or(0),
            SERVER => self.server = address(value),
            // Also in several options (RFC 3396).
            TFTP_ADDRESSES => self.addresses.extend(options::addresses(value)),
            TFTP_NAME => self.name = options::host(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn answer(xid: u32, options: &[u8]) -> Vec<u8> {
        let mut out = vec![0; HEAD];
        out[0] = BOOT_REPLY;
        out[4..8].copy_from_slice(&xid.to_be_bytes());
        out.extend(COOKIE);
        out.extend(options);
        out
    }

    #[test]
    fn the_question_is_that_of_the_rfc() {
        let bytes = inform(0x0102_0304, Ipv4Addr::new(192, 0, 2, 50), [2, 0, 0, 0, 0, 7]);
        assert_eq!(bytes[..8], [1, 1, 6, 0, 1, 2, 3, 4]);
        assert_eq!((&bytes[12..16], &bytes[28..34]), (&[192, 0, 2, 50][..], &[2, 0, 0, 0, 0, 7][..]));
        assert_eq!(bytes[236..249], [99, 130, 83, 99, 53, 1, 8, 55, 3, 1, 66, 150, 255]);
        assert_eq!(bytes.len(), 300);
    }

    #[test]
    fn several_addresses_and_a_name_are_read() {
        let bytes = answer(
            7,
            &[53, 1, 5, 54, 4, 192, 0, 2, 1, 0, 150, 8, 192, 0, 2, 10, 192, 0, 2, 11, 66, 4, b'c', b'm', b'e', 0, 255],
        );
        let read = read(&bytes, 7, "eth0").unwrap();
        assert_eq!(read.addresses, [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 11)]);
        assert_eq!((read.name.as_deref(), read.server), (Some("cme"), Some(Ipv4Addr::new(192, 0, 2, 1))));
    }

    #[test]
    fn options_go_on_in_the_head_when_it_says_so() {
        let mut bytes = answer(7, &[53, 1, 5, 52, 1, 1, 255]);
        bytes[108..115].copy_from_slice(&[150, 4, 192, 0, 2, 12, 255]);
        assert_eq!(read(&bytes, 7, "e").unwrap().addresses, [Ipv4Addr::new(192, 0, 2, 12)]);
    }

    #[test]
    fn other_messages_are_not_taken() {
        let ack = [53, 1, 5, 150, 4, 192, 0, 2, 10, 255];
        assert!(read(&answer(7, &ack), 7, "e").is_some());
        assert!(read(&answer(8, &ack), 7, "e").is_none(), "of somebody else");
        assert!(read(&answer(7, &[53, 1, 2, 255]), 7, "e").is_none(), "an offer");
        assert!(read(&inform(7, Ipv4Addr::LOCALHOST, [0; 6]), 7, "e").is_none(), "a question");
        let odd = read(&answer(7, &[53, 1, 5, 66, 3, b'a', b'/', b'b', 150, 9, 1]), 7, "e").unwrap();
        assert_eq!((odd.name, odd.addresses.len()), (None, 0), "no host name, and an option that is cut");
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(0_u8.., 0..600), is_marked in proptest::bool::ANY) {
            if is_marked && bytes.len() > 240 {
                bytes[0] = BOOT_REPLY;
                bytes[4..8].copy_from_slice(&7_u32.to_be_bytes());
                bytes[236..240].copy_from_slice(&COOKIE);
            }
            let _ = read(&bytes, 7, "e");
        }
    }
}
