//! What this machine is called.

use windows_sys::Win32::System::SystemInformation::{ComputerNamePhysicalDnsHostname, GetComputerNameExW};

use crate::text::narrow;

/// The name of the machine in the network, as long as a token's name may be.
pub fn of_machine() -> String {
    let mut units = [0_u16; 256];
    let mut size = 256;
    // SAFETY: the buffer has as many units as is said.
    let done = unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, units.as_mut_ptr(), &mut size) };
    let name: String = if done == 0 { String::new() } else { narrow(&units) };
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(64).collect();
    if name.trim().is_empty() { "a Windows machine".to_owned() } else { name }
}
