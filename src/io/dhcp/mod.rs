//! DHCP as a way to find the router: options 150 and 66 (dossier `axl-cme` 12).

#[cfg(target_os = "linux")]
mod linux;
mod message;

use std::sync::Arc;

use crate::service::locate::DhcpPort;

/// The way to ask that this system has.
pub fn port() -> Option<Arc<dyn DhcpPort>> {
    #[cfg(target_os = "linux")]
    return Some(Arc::new(linux::Inform));
    // macOS and Windows own port 68 and have interfaces of their own for this; they are not used yet.
    #[cfg(not(target_os = "linux"))]
    return None;
}
