//! The functions of the provider, looked up by name as the telephony service does.

use std::ffi::CString;
use std::sync::OnceLock;

use linegate_tsp_machine::text::wide;
use windows_sys::Win32::Foundation::{FreeLibrary, HMODULE};
use windows_sys::Win32::System::LibraryLoader::{GetProcAddress, LoadLibraryW};

/// Names of the manual's section 7, and what the dossier adds.
pub const SECTION_7: &[&str] = &[
    "TSPI_lineMakeCall",
    "TSPI_lineDrop",
    "TSPI_lineAnswer",
    "TSPI_lineHold",
    "TSPI_lineUnhold",
    "TSPI_lineRedirect",
    "TSPI_lineBlindTransfer",
    "TSPI_lineSetupTransfer",
    "TSPI_lineSwapHold",
    "TSPI_lineCompleteTransfer",
    "TSPI_lineAddToConference",
    "TSPI_lineRemoveFromConference",
    "TSPI_lineDial",
    "TSPI_lineForward",
    "TSPI_lineGetAddressStatus",
    "TSPI_lineSendUserUserInfo",
    "TSPI_lineClose",
    "TSPI_lineCloseCall",
    "TSPI_lineConditionalMediaDetection",
    "TSPI_lineDevSpecific",
    "TSPI_lineDevSpecificFeature",
    "TSPI_lineGetDevConfig",
    "TSPI_lineSetDevConfig",
    "TSPI_lineGetAddressCaps",
    "TSPI_lineGetAddressID",
    "TSPI_lineGetCallAddressID",
    "TSPI_lineGetCallInfo",
    "TSPI_lineGetCallStatus",
    "TSPI_lineGetDevCaps",
    "TSPI_lineGetExtensionID",
    "TSPI_lineGetIcon",
    "TSPI_lineGetID",
    "TSPI_lineGetNumAddressIDs",
    "TSPI_lineNegotiateExtVersion",
    "TSPI_lineNegotiateTSPIVersion",
    "TSPI_lineOpen",
    "TSPI_lineSelectExtVersion",
    "TSPI_lineSetDefaultMediaDetection",
    "TSPI_lineSetStatusMessages",
    "TSPI_lineSetAppSpecific",
    "TSPI_lineSetCallData",
    "TSPI_providerCreateLineDevice",
    "TSPI_providerEnumDevices",
    "TSPI_providerFreeDialogInstance",
    "TSPI_providerGenericDialogData",
    "TSPI_providerInit",
    "TSPI_providerShutdown",
    "TSPI_providerUIIdentify",
    "TSPI_lineGetCallIDs",
    "TUISPI_lineConfigDialog",
    "TUISPI_lineConfigDialogEdit",
    "TUISPI_providerConfig",
    "TUISPI_providerInstall",
    "TUISPI_providerRemove",
    "TUISPI_providerGenericDialog",
    "TUISPI_providerGenericDialogData",
];
pub const EXTRAS: &[&str] = &[
    "TSPI_lineGetLineDevStatus",
    "TSPI_lineAccept",
    "TSPI_lineGenerateDigits",
    "TSPI_lineMonitorMedia",
    "TSPI_lineSetMediaMode",
    "TSPI_providerInstall",
    "TSPI_providerConfig",
    "TSPI_providerRemove",
];

pub type LineEvent = unsafe extern "system" fn(usize, usize, u32, usize, usize, usize);
pub type Completion = unsafe extern "system" fn(u32, i32);

macro_rules! functions {
    ($($field:ident: $name:literal ($($argument:ty),*);)+) => {
        /// The provider's functions.
        #[derive(Clone, Copy)]
        pub struct Api { $(pub $field: unsafe extern "system" fn($($argument),*) -> i32),+ }

        /// The names of all of them.
        pub const NAMES: &[&str] = &[$($name),+];

        impl Api {
            /// Looks all of them up.
            pub fn of(module: HMODULE) -> Self {
                Self { $($field: {
                    let address = address(module, $name).unwrap_or_else(|| panic!(concat!($name, " is missing")));
                    // SAFETY: the export has this signature.
                    unsafe { std::mem::transmute::<usize, unsafe extern "system" fn($($argument),*) -> i32>(address) }
                }),+ }
            }
        }
    };
}

functions! {
    negotiate: "TSPI_lineNegotiateTSPIVersion" (u32, u32, u32, *mut u32);
    enumerate: "TSPI_providerEnumDevices" (u32, *mut u32, *mut u32, usize, LineEvent, usize);
    init: "TSPI_providerInit" (u32, u32, u32, u32, usize, usize, Completion, *mut u32);
    shutdown: "TSPI_providerShutdown" (u32, u32);
    create_line: "TSPI_providerCreateLineDevice" (usize, u32);
    ui_identify: "TSPI_providerUIIdentify" (*mut u16);
    generic_data: "TSPI_providerGenericDialogData" (usize, u32, *mut u8, u32);
    free_dialog: "TSPI_providerFreeDialogInstance" (usize);
    dev_caps: "TSPI_lineGetDevCaps" (u32, u32, u32, *mut u8);
    address_caps: "TSPI_lineGetAddressCaps" (u32, u32, u32, u32, *mut u8);
    open: "TSPI_lineOpen" (u32, usize, *mut usize, u32, LineEvent);
    close: "TSPI_lineClose" (usize);
    address_count: "TSPI_lineGetNumAddressIDs" (usize, *mut u32);
    address_id: "TSPI_lineGetAddressID" (usize, *mut u32, u32, *const u16, u32);
    address_status: "TSPI_lineGetAddressStatus" (usize, u32, *mut u8);
    dev_status: "TSPI_lineGetLineDevStatus" (usize, *mut u8);
    status_messages: "TSPI_lineSetStatusMessages" (usize, u32, u32);
    media_detection: "TSPI_lineSetDefaultMediaDetection" (usize, u32);
    conditional: "TSPI_lineConditionalMediaDetection" (usize, u32, *const u8);
    negotiate_ext: "TSPI_lineNegotiateExtVersion" (u32, u32, u32, u32, *mut u32);
    select_ext: "TSPI_lineSelectExtVersion" (usize, u32);
    extension_id: "TSPI_lineGetExtensionID" (u32, u32, *mut u8);
    get_id: "TSPI_lineGetID" (usize, u32, usize, u32, *mut u8, *const u16, usize);
    icon: "TSPI_lineGetIcon" (u32, *const u16, *mut usize);
    dev_config: "TSPI_lineGetDevConfig" (u32, *mut u8, *const u16);
    set_dev_config: "TSPI_lineSetDevConfig" (u32, *const u8, u32, *const u16);
    make_call: "TSPI_lineMakeCall" (u32, usize, usize, *mut usize, *const u16, u32, *const u8);
    dial: "TSPI_lineDial" (u32, usize, *const u16, u32);
    accept: "TSPI_lineAccept" (u32, usize, *const u8, u32);
    answer: "TSPI_lineAnswer" (u32, usize, *const u8, u32);
    drop_call: "TSPI_lineDrop" (u32, usize, *const u8, u32);
    hold: "TSPI_lineHold" (u32, usize);
    unhold: "TSPI_lineUnhold" (u32, usize);
    swap: "TSPI_lineSwapHold" (u32, usize, usize);
    redirect: "TSPI_lineRedirect" (u32, usize, *const u16, u32);
    blind: "TSPI_lineBlindTransfer" (u32, usize, *const u16, u32);
    setup_transfer: "TSPI_lineSetupTransfer" (u32, usize, usize, *mut usize, *const u8);
    complete_transfer: "TSPI_lineCompleteTransfer" (u32, usize, usize, usize, *mut usize, u32);
    add_to_conference: "TSPI_lineAddToConference" (u32, usize, usize);
    remove_from_conference: "TSPI_lineRemoveFromConference" (u32, usize);
    forward: "TSPI_lineForward" (u32, usize, u32, u32, *const u8, u32, usize, *mut usize, *const u8);
    user_info: "TSPI_lineSendUserUserInfo" (u32, usize, *const u8, u32);
    dev_specific: "TSPI_lineDevSpecific" (u32, usize, u32, usize, *mut u8, u32);
    dev_feature: "TSPI_lineDevSpecificFeature" (u32, usize, u32, *mut u8, u32);
    generate_digits: "TSPI_lineGenerateDigits" (usize, u32, u32, *const u16, u32);
    monitor_media: "TSPI_lineMonitorMedia" (usize, u32);
    set_media: "TSPI_lineSetMediaMode" (usize, u32);
    call_data: "TSPI_lineSetCallData" (u32, usize, *const u8, u32);
    app_specific: "TSPI_lineSetAppSpecific" (usize, u32);
    call_info: "TSPI_lineGetCallInfo" (usize, *mut u8);
    call_status: "TSPI_lineGetCallStatus" (usize, *mut u8);
    call_address: "TSPI_lineGetCallAddressID" (usize, *mut u32);
    call_ids: "TSPI_lineGetCallIDs" (usize, *mut u32, *mut u32, *mut u32);
    close_call: "TSPI_lineCloseCall" (usize);
    create_phone: "TSPI_providerCreatePhoneDevice" (usize, u32);
    old_install: "TSPI_providerInstall" (usize, u32);
    old_config: "TSPI_providerConfig" (usize, u32);
    old_remove: "TSPI_providerRemove" (usize, u32);
    ui_install: "TUISPI_providerInstall" (usize, usize, u32);
    ui_config: "TUISPI_providerConfig" (usize, usize, u32);
    ui_remove: "TUISPI_providerRemove" (usize, usize, u32);
    ui_line: "TUISPI_lineConfigDialog" (usize, u32, usize, *const u16);
    ui_line_edit: "TUISPI_lineConfigDialogEdit" (usize, u32, usize, *const u16, *const u8, u32, *mut u8);
    ui_generic: "TUISPI_providerGenericDialog" (usize, u32, *mut u8, u32, usize);
    ui_generic_data: "TUISPI_providerGenericDialogData" (u32, *mut u8, u32);
}

/// The address of a name.
pub fn address(module: HMODULE, name: &str) -> Option<usize> {
    let name = CString::new(name).unwrap();
    // SAFETY: the name ends with NUL.
    unsafe { GetProcAddress(module, name.as_ptr().cast()) }.map(|found| found as usize)
}

/// Loads a module.
pub fn load(path: &str) -> HMODULE {
    let path = wide(path);
    // SAFETY: the path ends with NUL.
    let module = unsafe { LoadLibraryW(path.as_ptr()) };
    assert!(!module.is_null(), "the provider cannot be loaded: {}", std::io::Error::last_os_error());
    module
}

/// Lets a module go.
pub fn free(module: HMODULE) {
    // SAFETY: it was loaded.
    unsafe { FreeLibrary(module) };
}

static API: OnceLock<Api> = OnceLock::new();
static MODULE: OnceLock<usize> = OnceLock::new();

/// Loads the provider under test.
pub fn start(path: &str) {
    let module = load(path);
    MODULE.set(module as usize).unwrap();
    assert!(API.set(Api::of(module)).is_ok());
}

/// The provider under test.
pub fn tsp() -> &'static Api {
    API.get().expect("the provider is loaded")
}

/// Its module.
pub fn module() -> HMODULE {
    *MODULE.get().expect("the provider is loaded") as HMODULE
}
