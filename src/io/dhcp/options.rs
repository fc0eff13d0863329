//! The values of the two options that name a router to phones.

use std::net::Ipv4Addr;

/// A name of the TFTP server (RFC 2132).
pub(super) const TFTP_NAME: u8 = 66;
/// Addresses of TFTP servers (RFC 5859).
pub(super) const TFTP_ADDRESSES: u8 = 150;

/// One or more addresses; what is left over is dropped.
pub(super) fn addresses(value: &[u8]) -> impl Iterator<Item = Ipv4Addr> + '_ {
    value.chunks_exact(4).filter_map(address)
}

pub(super) fn address(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

/// A host name or an address as text; `None` for what cannot be either.
pub(super) fn host(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let name = text.trim_end_matches('\0').trim();
    let is_sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c));
    is_sound.then(|| name.to_owned())
}
