//! DHCP options from the DHCP client of Windows (`DhcpRequestParams` of dhcpcsvc.dll). The gateway itself forbids foreign
//! calls, so they stand here, behind one safe function. Elsewhere the crate is empty.
#![cfg(windows)]

use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, NO_ERROR};
use windows_sys::Win32::NetworkManagement::Dhcp::{
    DHCPAPI_PARAMS, DHCPCAPI_PARAMS_ARRAY, DHCPCAPI_REQUEST_SYNCHRONOUS, DhcpCApiCleanup, DhcpCApiInitialize,
    DhcpRequestParams,
};

/// Bytes for the answer at first, and at most.
const ROOM: u32 = 1024;
const MOST: u32 = 64 * 1024;

/// Asks the DHCP client for options of an adapter (`{GUID}`); it asks the server when it does not know them. Options that
/// the server does not give are left out. This blocks until there is an answer.
///
/// # Errors
/// What Windows says, for instance when the adapter does not use DHCP.
pub fn options(adapter: &str, wanted: &[u8]) -> io::Result<Vec<(u8, Vec<u8>)>> {
    let session = Session::open()?;
    let adapter: Vec<u16> = adapter.encode_utf16().chain([0]).collect();
    let mut room = ROOM;
    loop {
        match session.request(&adapter, wanted, room) {
            Err(Refusal::MoreRoom(needed)) if needed > room && needed <= MOST => room = needed,
            Err(Refusal::MoreRoom(_)) => return Err(io::Error::from(io::ErrorKind::OutOfMemory)),
            Err(Refusal::Code(code)) => return Err(io::Error::from_raw_os_error(code.cast_signed())),
            Ok(found) => return Ok(found),
        }
    }
}

enum Refusal {
    MoreRoom(u32),
    Code(u32),
}

/// The DHCP client, opened.
struct Session;

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: it takes no arguments, and a `Session` exists only after the initialisation.
        #[expect(unsafe_code, reason = "a call of Windows")]
        unsafe {
            DhcpCApiCleanup();
        }
    }
}

impl Session {
    fn open() -> io::Result<Self> {
        let mut version = 0;
        // SAFETY: the pointer is that of a live u32, which the call only writes.
        #[expect(unsafe_code, reason = "a call of Windows")]
        let code = unsafe { DhcpCApiInitialize(&raw mut version) };
        if code == NO_ERROR { Ok(Self) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
    }

    fn request(&self, adapter: &[u16], wanted: &[u8], room: u32) -> Result<Vec<(u8, Vec<u8>)>, Refusal> {
        let mut params: Vec<DHCPAPI_PARAMS> = wanted
            .iter()
            .map(|option| DHCPAPI_PARAMS { OptionId: u32::from(*option), ..DHCPAPI_PARAMS::default() })
            .collect();
        let count = u32::try_from(params.len()).map_err(|_| Refusal::Code(ERROR_MORE_DATA))?;
        let mut buffer = vec![0_u8; usize::try_from(room).unwrap_or_default()];
        let mut size = room;
        // SAFETY: `adapter` ends with a zero; `params` has `count` elements and `buffer` `size` bytes, and both outlive the
        // call; nothing is sent, no class is named, and a request that does not persist needs no name.
        #[expect(unsafe_code, reason = "a call of Windows")]
        let code = unsafe {
            DhcpRequestParams(
                DHCPCAPI_REQUEST_SYNCHRONOUS,
                null_mut(),
                adapter.as_ptr(),
                null_mut(),
                DHCPCAPI_PARAMS_ARRAY::default(),
                DHCPCAPI_PARAMS_ARRAY { nParams: count, Params: params.as_mut_ptr() },
                buffer.as_mut_ptr(),
                &raw mut size,
                null_mut(),
            )
        };
        match code {
            NO_ERROR => {}
            ERROR_MORE_DATA => return Err(Refusal::MoreRoom(size)),
            code => return Err(Refusal::Code(code)),
        }
        // The values stand in our buffer; what points anywhere else is not followed.
        let start = buffer.as_ptr().addr();
        let value = |param: &DHCPAPI_PARAMS| {
            let at = param.Data.addr().checked_sub(start)?;
            let length = usize::try_from(param.nBytesData).ok()?;
            buffer.get(at..at.checked_add(length)?).map(<[u8]>::to_vec).filter(|value| !value.is_empty())
        };
        let found = wanted.iter().zip(&params).filter_map(|(option, param)| Some((*option, value(param)?)));
        Ok(found.collect())
    }
}
