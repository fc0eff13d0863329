//! Offsets of the members of TAPI's byte-packed structures, measured with the headers of mingw-w64, and the fixed sizes
//! of each version (dossier 2.5). The tests compare them with the structures of windows-sys.
#![expect(missing_docs, reason = "the names are those of tapi.h, where each is explained")]

/// Total, needed and used size stand at the head of every structure of variable size.
pub mod head {
    pub const TOTAL_SIZE: usize = 0;
    pub const NEEDED_SIZE: usize = 4;
    pub const USED_SIZE: usize = 8;
}

/// An entry of a LINEFORWARDLIST or of the forwarding in a LINEADDRESSSTATUS, before version 3.1.
pub mod forward {
    /// Bytes of an entry.
    pub const STRIDE: usize = 24;
    pub const FORWARD_MODE: usize = 0;
    pub const DEST_COUNTRY_CODE: usize = 12;
    pub const DEST_ADDRESS: usize = 16;
}

/// LINEDEVCAPS.
pub mod dev_caps {
    /// Size; the offset follows it.
    pub const PROVIDER_INFO: usize = 12;
    /// Size; the offset follows it.
    pub const SWITCH_INFO: usize = 20;
    pub const PERMANENT_LINE_ID: usize = 28;
    /// Size; the offset follows it.
    pub const LINE_NAME: usize = 32;
    pub const STRING_FORMAT: usize = 40;
    pub const ADDRESS_MODES: usize = 44;
    pub const NUM_ADDRESSES: usize = 48;
    pub const BEARER_MODES: usize = 52;
    pub const MAX_RATE: usize = 56;
    pub const MEDIA_MODES: usize = 60;
    pub const GENERATE_TONE_MODES: usize = 64;
    pub const GENERATE_TONE_MAX_NUM_FREQ: usize = 68;
    pub const GENERATE_DIGIT_MODES: usize = 72;
    pub const MONITOR_TONE_MAX_NUM_FREQ: usize = 76;
    pub const MONITOR_TONE_MAX_NUM_ENTRIES: usize = 80;
    pub const MONITOR_DIGIT_MODES: usize = 84;
    pub const GATHER_DIGITS_MIN_TIMEOUT: usize = 88;
    pub const GATHER_DIGITS_MAX_TIMEOUT: usize = 92;
    pub const MED_CTL_DIGIT_MAX_LIST_SIZE: usize = 96;
    pub const MED_CTL_MEDIA_MAX_LIST_SIZE: usize = 100;
    pub const MED_CTL_TONE_MAX_LIST_SIZE: usize = 104;
    pub const MED_CTL_CALL_STATE_MAX_LIST_SIZE: usize = 108;
    pub const DEV_CAP_FLAGS: usize = 112;
    pub const MAX_NUM_ACTIVE_CALLS: usize = 116;
    pub const ANSWER_MODE: usize = 120;
    pub const RING_MODES: usize = 124;
    pub const LINE_STATES: usize = 128;
    pub const UUI_ACCEPT_SIZE: usize = 132;
    pub const UUI_ANSWER_SIZE: usize = 136;
    pub const UUI_MAKE_CALL_SIZE: usize = 140;
    pub const UUI_DROP_SIZE: usize = 144;
    pub const UUI_SEND_USER_USER_INFO_SIZE: usize = 148;
    pub const UUI_CALL_INFO_SIZE: usize = 152;
    pub const MIN_DIAL_PARAMS: usize = 156;
    pub const MAX_DIAL_PARAMS: usize = 172;
    pub const DEFAULT_DIAL_PARAMS: usize = 188;
    pub const NUM_TERMINALS: usize = 204;
    /// Size; the offset follows it.
    pub const TERMINAL_CAPS: usize = 208;
    pub const TERMINAL_TEXT_ENTRY_SIZE: usize = 216;
    /// Size; the offset follows it.
    pub const TERMINAL_TEXT: usize = 220;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 228;
    pub const LINE_FEATURES: usize = 236;
    pub const SETTABLE_DEV_STATUS: usize = 240;
    /// Size; the offset follows it.
    pub const DEVICE_CLASSES: usize = 244;
    pub const PERMANENT_LINE_GUID: usize = 252;
    pub const ADDRESS_TYPES: usize = 268;
    pub const PROTOCOL_GUID: usize = 272;
    pub const AVAILABLE_TRACKING: usize = 288;
}

/// LINEADDRESSCAPS.
pub mod address_caps {
    pub const LINE_DEVICE_ID: usize = 12;
    /// Size; the offset follows it.
    pub const ADDRESS: usize = 16;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 24;
    pub const ADDRESS_SHARING: usize = 32;
    pub const ADDRESS_STATES: usize = 36;
    pub const CALL_INFO_STATES: usize = 40;
    pub const CALLER_ID_FLAGS: usize = 44;
    pub const CALLED_ID_FLAGS: usize = 48;
    pub const CONNECTED_ID_FLAGS: usize = 52;
    pub const REDIRECTION_ID_FLAGS: usize = 56;
    pub const REDIRECTING_ID_FLAGS: usize = 60;
    pub const CALL_STATES: usize = 64;
    pub const DIAL_TONE_MODES: usize = 68;
    pub const BUSY_MODES: usize = 72;
    pub const SPECIAL_INFO: usize = 76;
    pub const DISCONNECT_MODES: usize = 80;
    pub const MAX_NUM_ACTIVE_CALLS: usize = 84;
    pub const MAX_NUM_ON_HOLD_CALLS: usize = 88;
    pub const MAX_NUM_ON_HOLD_PENDING_CALLS: usize = 92;
    pub const MAX_NUM_CONFERENCE: usize = 96;
    pub const MAX_NUM_TRANS_CONF: usize = 100;
    pub const ADDR_CAP_FLAGS: usize = 104;
    pub const CALL_FEATURES: usize = 108;
    pub const REMOVE_FROM_CONF_CAPS: usize = 112;
    pub const REMOVE_FROM_CONF_STATE: usize = 116;
    pub const TRANSFER_MODES: usize = 120;
    pub const PARK_MODES: usize = 124;
    pub const FORWARD_MODES: usize = 128;
    pub const MAX_FORWARD_ENTRIES: usize = 132;
    pub const MAX_SPECIFIC_ENTRIES: usize = 136;
    pub const MIN_FWD_NUM_RINGS: usize = 140;
    pub const MAX_FWD_NUM_RINGS: usize = 144;
    pub const MAX_CALL_COMPLETIONS: usize = 148;
    pub const CALL_COMPLETION_CONDS: usize = 152;
    pub const CALL_COMPLETION_MODES: usize = 156;
    pub const NUM_COMPLETION_MESSAGES: usize = 160;
    pub const COMPLETION_MSG_TEXT_ENTRY_SIZE: usize = 164;
    /// Size; the offset follows it.
    pub const COMPLETION_MSG_TEXT: usize = 168;
    pub const ADDRESS_FEATURES: usize = 176;
    pub const PREDICTIVE_AUTO_TRANSFER_STATES: usize = 180;
    pub const NUM_CALL_TREATMENTS: usize = 184;
    /// Size; the offset follows it.
    pub const CALL_TREATMENT_LIST: usize = 188;
    /// Size; the offset follows it.
    pub const DEVICE_CLASSES: usize = 196;
    pub const MAX_CALL_DATA_SIZE: usize = 204;
    pub const CALL_FEATURES2: usize = 208;
    pub const MAX_NO_ANSWER_TIMEOUT: usize = 212;
    pub const CONNECTED_MODES: usize = 216;
    pub const OFFERING_MODES: usize = 220;
    pub const AVAILABLE_MEDIA_MODES: usize = 224;
}

/// LINECALLINFO.
pub mod call_info {
    pub const LINE: usize = 12;
    pub const LINE_DEVICE_ID: usize = 16;
    pub const ADDRESS_ID: usize = 20;
    pub const BEARER_MODE: usize = 24;
    pub const RATE: usize = 28;
    pub const MEDIA_MODE: usize = 32;
    pub const APP_SPECIFIC: usize = 36;
    pub const CALL_ID: usize = 40;
    pub const RELATED_CALL_ID: usize = 44;
    pub const CALL_PARAM_FLAGS: usize = 48;
    pub const CALL_STATES: usize = 52;
    pub const MONITOR_DIGIT_MODES: usize = 56;
    pub const MONITOR_MEDIA_MODES: usize = 60;
    pub const DIAL_PARAMS: usize = 64;
    pub const ORIGIN: usize = 80;
    pub const REASON: usize = 84;
    pub const COMPLETION_ID: usize = 88;
    pub const NUM_OWNERS: usize = 92;
    pub const NUM_MONITORS: usize = 96;
    pub const COUNTRY_CODE: usize = 100;
    pub const TRUNK: usize = 104;
    pub const CALLER_ID_FLAGS: usize = 108;
    /// Size; the offset follows it.
    pub const CALLER_ID: usize = 112;
    /// Size; the offset follows it.
    pub const CALLER_ID_NAME: usize = 120;
    pub const CALLED_ID_FLAGS: usize = 128;
    /// Size; the offset follows it.
    pub const CALLED_ID: usize = 132;
    /// Size; the offset follows it.
    pub const CALLED_ID_NAME: usize = 140;
    pub const CONNECTED_ID_FLAGS: usize = 148;
    /// Size; the offset follows it.
    pub const CONNECTED_ID: usize = 152;
    /// Size; the offset follows it.
    pub const CONNECTED_ID_NAME: usize = 160;
    pub const REDIRECTION_ID_FLAGS: usize = 168;
    /// Size; the offset follows it.
    pub const REDIRECTION_ID: usize = 172;
    /// Size; the offset follows it.
    pub const REDIRECTION_ID_NAME: usize = 180;
    pub const REDIRECTING_ID_FLAGS: usize = 188;
    /// Size; the offset follows it.
    pub const REDIRECTING_ID: usize = 192;
    /// Size; the offset follows it.
    pub const REDIRECTING_ID_NAME: usize = 200;
    /// Size; the offset follows it.
    pub const APP_NAME: usize = 208;
    /// Size; the offset follows it.
    pub const DISPLAYABLE_ADDRESS: usize = 216;
    /// Size; the offset follows it.
    pub const CALLED_PARTY: usize = 224;
    /// Size; the offset follows it.
    pub const COMMENT: usize = 232;
    /// Size; the offset follows it.
    pub const DISPLAY: usize = 240;
    /// Size; the offset follows it.
    pub const USER_USER_INFO: usize = 248;
    /// Size; the offset follows it.
    pub const HIGH_LEVEL_COMP: usize = 256;
    /// Size; the offset follows it.
    pub const LOW_LEVEL_COMP: usize = 264;
    /// Size; the offset follows it.
    pub const CHARGING_INFO: usize = 272;
    /// Size; the offset follows it.
    pub const TERMINAL_MODES: usize = 280;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 288;
    pub const CALL_TREATMENT: usize = 296;
    /// Size; the offset follows it.
    pub const CALL_DATA: usize = 300;
    /// Size; the offset follows it.
    pub const SENDING_FLOWSPEC: usize = 308;
    /// Size; the offset follows it.
    pub const RECEIVING_FLOWSPEC: usize = 316;
    pub const CALLER_ID_ADDRESS_TYPE: usize = 324;
    pub const CALLED_ID_ADDRESS_TYPE: usize = 328;
    pub const CONNECTED_ID_ADDRESS_TYPE: usize = 332;
    pub const REDIRECTION_ID_ADDRESS_TYPE: usize = 336;
    pub const REDIRECTING_ID_ADDRESS_TYPE: usize = 340;
}

/// LINECALLSTATUS.
pub mod call_status {
    pub const CALL_STATE: usize = 12;
    pub const CALL_STATE_MODE: usize = 16;
    pub const CALL_PRIVILEGE: usize = 20;
    pub const CALL_FEATURES: usize = 24;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 28;
    pub const CALL_FEATURES2: usize = 36;
    pub const STATE_ENTRY_TIME: usize = 40;
}

/// LINEDEVSTATUS.
pub mod dev_status {
    pub const NUM_OPENS: usize = 12;
    pub const OPEN_MEDIA_MODES: usize = 16;
    pub const NUM_ACTIVE_CALLS: usize = 20;
    pub const NUM_ON_HOLD_CALLS: usize = 24;
    pub const NUM_ON_HOLD_PEND_CALLS: usize = 28;
    pub const LINE_FEATURES: usize = 32;
    pub const NUM_CALL_COMPLETIONS: usize = 36;
    pub const RING_MODE: usize = 40;
    pub const SIGNAL_LEVEL: usize = 44;
    pub const BATTERY_LEVEL: usize = 48;
    pub const ROAM_MODE: usize = 52;
    pub const DEV_STATUS_FLAGS: usize = 56;
    /// Size; the offset follows it.
    pub const TERMINAL_MODES: usize = 60;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 68;
    pub const AVAILABLE_MEDIA_MODES: usize = 76;
    /// Size; the offset follows it.
    pub const APP_INFO: usize = 80;
}

/// LINEADDRESSSTATUS.
pub mod address_status {
    pub const NUM_IN_USE: usize = 12;
    pub const NUM_ACTIVE_CALLS: usize = 16;
    pub const NUM_ON_HOLD_CALLS: usize = 20;
    pub const NUM_ON_HOLD_PEND_CALLS: usize = 24;
    pub const ADDRESS_FEATURES: usize = 28;
    pub const NUM_RINGS_NO_ANSWER: usize = 32;
    pub const FORWARD_NUM_ENTRIES: usize = 36;
    /// Size; the offset follows it.
    pub const FORWARD: usize = 40;
    /// Size; the offset follows it.
    pub const TERMINAL_MODES: usize = 48;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 56;
}

/// LINECALLPARAMS.
pub mod call_params {
    pub const BEARER_MODE: usize = 4;
    pub const MIN_RATE: usize = 8;
    pub const MAX_RATE: usize = 12;
    pub const MEDIA_MODE: usize = 16;
    pub const CALL_PARAM_FLAGS: usize = 20;
    pub const ADDRESS_MODE: usize = 24;
    pub const ADDRESS_ID: usize = 28;
    pub const DIAL_PARAMS: usize = 32;
    /// Size; the offset follows it.
    pub const ORIG_ADDRESS: usize = 48;
    /// Size; the offset follows it.
    pub const DISPLAYABLE_ADDRESS: usize = 56;
    /// Size; the offset follows it.
    pub const CALLED_PARTY: usize = 64;
    /// Size; the offset follows it.
    pub const COMMENT: usize = 72;
    /// Size; the offset follows it.
    pub const USER_USER_INFO: usize = 80;
    /// Size; the offset follows it.
    pub const HIGH_LEVEL_COMP: usize = 88;
    /// Size; the offset follows it.
    pub const LOW_LEVEL_COMP: usize = 96;
    /// Size; the offset follows it.
    pub const DEV_SPECIFIC: usize = 104;
    pub const PREDICTIVE_AUTO_TRANSFER_STATES: usize = 112;
    /// Size; the offset follows it.
    pub const TARGET_ADDRESS: usize = 116;
    /// Size; the offset follows it.
    pub const SENDING_FLOWSPEC: usize = 124;
    /// Size; the offset follows it.
    pub const RECEIVING_FLOWSPEC: usize = 132;
    /// Size; the offset follows it.
    pub const DEVICE_CLASS: usize = 140;
    /// Size; the offset follows it.
    pub const DEVICE_CONFIG: usize = 148;
    /// Size; the offset follows it.
    pub const CALL_DATA: usize = 156;
    pub const NO_ANSWER_TIMEOUT: usize = 164;
    /// Size; the offset follows it.
    pub const CALLING_PARTY_ID: usize = 168;
    pub const ADDRESS_TYPE: usize = 176;
}

/// VARSTRING.
pub mod var_string {
    pub const STRING_FORMAT: usize = 12;
    /// Size; the offset follows it.
    pub const STRING: usize = 16;
}

/// Fixed size of a structure in a version of TAPI.
pub fn fixed_size(structure: Structure, version: u32) -> usize {
    match structure {
        Structure::DevCaps if version >= 0x0003_0000 => 292,
        Structure::DevCaps if version >= 0x0002_0002 => 268,
        Structure::DevCaps => 252,
        Structure::AddressCaps => 228,
        Structure::CallInfo if version >= 0x0003_0000 => 344,
        Structure::CallInfo => 324,
        Structure::CallStatus => 56,
        Structure::DevStatus => 88,
        Structure::AddressStatus => 64,
        Structure::VarString => 24,
    }
}

/// A structure that is written for TAPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structure {
    /// LINEDEVCAPS.
    DevCaps,
    /// LINEADDRESSCAPS.
    AddressCaps,
    /// LINECALLINFO.
    CallInfo,
    /// LINECALLSTATUS.
    CallStatus,
    /// LINEDEVSTATUS.
    DevStatus,
    /// LINEADDRESSSTATUS.
    AddressStatus,
    /// VARSTRING.
    VarString,
}
