//! DHCP as a way to find the router: options 150 and 66 (dossier `axl-cme` 12). Each system has its own way behind one port:
//! Linux asks by itself, macOS and Windows own port 68 and are asked.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(target_os = "macos", all(test, unix)))]
mod macos;
#[cfg(target_os = "linux")]
mod message;
#[cfg(any(target_os = "linux", target_os = "macos", windows, test))]
mod options;
#[cfg(any(target_os = "macos", test))]
mod scutil;
#[cfg(windows)]
mod windows;

use std::sync::Arc;

use crate::service::locate::DhcpPort;

/// The way to ask that this system has.
pub fn port() -> Option<Arc<dyn DhcpPort>> {
    #[cfg(target_os = "linux")]
    return Some(Arc::new(linux::Inform));
    #[cfg(target_os = "macos")]
    return Some(Arc::new(macos::Leases::default()));
    #[cfg(windows)]
    return Some(Arc::new(windows::Client));
    #[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
    return None;
}
