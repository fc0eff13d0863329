//! What a use case answers when it does not do what was asked.
//!
//! The caller gets a stable code, a sentence and a hint; what the PBX said is kept as data. Status codes of HTTP
//! belong to the API and nowhere else.

use std::fmt;

use crate::domain::CommandId;

/// Why a request was not carried out: the stable machine words of the API (`code` in a problem body).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The thing named does not exist, or the caller may not see it.
    NotFound,
    /// A value in the request is wrong; `fields` names it.
    InvalidValue,
    /// The request holds a field that does not exist.
    UnknownField,
    /// The number cannot be dialled.
    InvalidNumber,
    /// The state of the call or the line does not allow it now.
    NotAllowedNow,
    /// It clashes with something that exists already.
    Conflict,
    /// The resource changed since the caller read it (`If-Match`).
    PreconditionFailed,
    /// The PBX cannot do this.
    NotSupportedByPbx,
    /// The PBX refused; `csta_error` or `sip_status` say how.
    PbxRefused,
    /// The PBX cannot be reached at its address.
    PbxUnreachable,
    /// The PBX rejected our user name or password.
    PbxCredentialsRejected,
    /// The link to the PBX is down at the moment.
    PbxUnavailable,
    /// The PBX did not answer in time; what it did is not known yet.
    PbxTimeout,
    /// The PBX accepted and nothing happened.
    AcceptedNoEffect,
    /// This system, or this process, cannot do it.
    NotAvailableHere,
    /// Our own storage failed: nothing was changed.
    StorageFailed,
    /// The gateway is stopping.
    ShuttingDown,
}

impl Code {
    /// The word used in problem bodies and in `command.failed` events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::InvalidValue => "invalid_value",
            Self::UnknownField => "unknown_field",
            Self::InvalidNumber => "invalid_number",
            Self::NotAllowedNow => "not_allowed_now",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::NotSupportedByPbx => "not_supported_by_pbx",
            Self::PbxRefused => "pbx_refused",
            Self::PbxUnreachable => "pbx_unreachable",
            Self::PbxCredentialsRejected => "pbx_credentials_rejected",
            Self::PbxUnavailable => "pbx_unavailable",
            Self::PbxTimeout => "pbx_timeout",
            Self::AcceptedNoEffect => "accepted_no_effect",
            Self::NotAvailableHere => "not_available_here",
            Self::StorageFailed => "storage_failed",
            Self::ShuttingDown => "shutting_down",
        }
    }
}

/// A wrong field of a request: where and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body.
    pub pointer: String,
    /// What is wrong, in one sentence.
    pub detail: String,
    /// The line of a text body instead of a pointer, from 1.
    pub line: Option<usize>,
}

/// What the PBX said in CSTA words (`CSTAErrorCode`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CstaError {
    /// The child of `CSTAErrorCode`, for example `operation`.
    pub category: String,
    /// Its value, for example `invalidCalledDeviceID`.
    pub value: String,
}

/// A refusal of a use case. `Display` gives the sentence for the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The stable word.
    pub code: Code,
    /// One sentence that says what is wrong.
    pub detail: String,
    /// One sentence that says what to do; empty when there is nothing to say.
    pub hint: String,
    /// Whether asking again is safe and may help.
    pub can_retry: bool,
    /// Seconds after which asking again makes sense.
    pub retry_after_s: Option<u32>,
    /// The fields that are wrong.
    pub fields: Vec<FieldError>,
    /// The CSTA error of the PBX.
    pub csta_error: Option<CstaError>,
    /// The SIP status of the PBX.
    pub sip_status: Option<u16>,
    /// The command this answers, when one was made.
    pub command_id: Option<CommandId>,
}

impl ServiceError {
    /// A refusal with a sentence; the rest is added by the `with_` functions.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            hint: String::new(),
            can_retry: false,
            retry_after_s: None,
            fields: Vec::new(),
            csta_error: None,
            sip_status: None,
            command_id: None,
        }
    }

    /// Adds what the caller can do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// Says that asking again is safe, after `seconds` when given.
    #[must_use]
    pub fn retryable(mut self, seconds: Option<u32>) -> Self {
        self.can_retry = true;
        self.retry_after_s = seconds;
        self
    }

    /// Names a wrong field of the request body.
    #[must_use]
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.fields.push(FieldError { pointer: pointer.into(), detail: detail.into(), line: None });
        self
    }

    /// Names a wrong line of a text body.
    #[must_use]
    pub fn with_line(mut self, line: usize, detail: impl Into<String>) -> Self {
        self.fields.push(FieldError { pointer: String::new(), detail: detail.into(), line: Some(line) });
        self
    }

    /// Adds what the PBX said in CSTA.
    #[must_use]
    pub fn with_csta(mut self, category: impl Into<String>, value: impl Into<String>) -> Self {
        self.csta_error = Some(CstaError { category: category.into(), value: value.into() });
        self
    }

    /// Adds the SIP status of the PBX.
    #[must_use]
    pub fn with_sip_status(mut self, status: u16) -> Self {
        self.sip_status = Some(status);
        self
    }

    /// Names the command that failed.
    #[must_use]
    pub fn with_command(mut self, command: CommandId) -> Self {
        self.command_id = Some(command);
        self
    }

    /// The usual refusal for something that does not exist or is not visible: both look the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("There is no such {what}."))
            .with_hint(format!("List the {what}s that this token can see and use one of those ids."))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ServiceError {}
