//! Sockets and clients: the adapters around the sans-IO cores.

pub mod axl_http;
pub mod dhcp;
pub mod hep;
pub mod sip_tcp;
