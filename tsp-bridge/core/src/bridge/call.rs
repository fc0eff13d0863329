//! A call as TAPI knows it.

use crate::model::{GatewayCall, GatewayParty};
use crate::tapi::{call_state, disconnect, feature, feature2, info, origin, party, reason};

/// How far TAPI knows a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request makes it; until it is completed, TAPI hears nothing of the call.
    Tentative,
    /// LINE_NEWCALL is on its way, for the so-manieth time.
    Announcing(u32),
    /// TAPI has its handle.
    Told,
    /// The request that made it failed; only CloseCall is left.
    Void,
    /// A conference that TAPI let go of, or never took: kept for its members, whose end it tells.
    Closed,
}

/// What a call is to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// A call between two.
    Plain,
    /// A conference; it carries the gateway's call.
    Parent,
    /// One of a conference's others, found by its number.
    Member {
        /// The conference.
        parent: u32,
        /// Its number, as the router has it.
        number: String,
        /// The gateway has listed it: when it does no more, it has left.
        is_listed: bool,
    },
}

/// A call as TAPI knows it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) handle: u32,
    pub(super) line: usize,
    /// TAPI's handle; 0 while unknown.
    pub(super) ht: usize,
    pub(super) phase: Phase,
    pub(super) role: Role,
    /// The gateway's call, once it is known.
    pub(super) id: Option<String>,
    /// The reference under which we asked for it.
    pub(super) client_ref: Option<String>,
    /// The call that this one is a consultation of, and the other way round.
    pub(super) consultation_of: Option<u32>,
    /// It was held for a consultation that was set up through TAPI.
    pub(super) holds_for: Option<u32>,
    /// What the gateway last said; it stays readable after the end.
    pub(super) view: Option<GatewayCall>,
    pub(super) state: u32,
    pub(super) mode: u32,
    pub(super) since_wall_ms: u64,
    /// State and mode that TAPI heard last.
    pub(super) shown: Option<(u32, u32)>,
    /// Parts of the information that changed since TAPI heard.
    pub(super) dirty: u32,
    /// Digits of a partial number that have not gone to the gateway.
    pub(super) digits: String,
    /// Digits went to the gateway, and it has not refused them: the dial tone is over.
    pub(super) is_dialing: bool,
    pub(super) is_accepted: bool,
    /// The gateway merged it into another call; what that means, the other call tells.
    pub(super) is_merging: bool,
    /// LINE_NEWCALL is in TAPI's hands.
    pub(super) is_offered: bool,
    pub(super) app_specific: u32,
    pub(super) call_data: Vec<u8>,
    pub(super) address: u32,
    pub(super) call_id: u32,
    pub(super) created_ms: u64,
}

impl Call {
    pub(super) fn is_over(&self) -> bool {
        self.state == call_state::IDLE || self.phase == Phase::Void
    }

    /// Whether it counts as a call of the line.
    pub(super) fn counts(&self) -> bool {
        self.phase == Phase::Told && !self.is_over() && !matches!(self.role, Role::Member { .. })
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.state, call_state::ONHOLD | call_state::ONHOLDPENDTRANSFER | call_state::ONHOLDPENDCONF)
    }

    /// Origin, for LINECALLINFO.
    pub(super) fn origin(&self) -> u32 {
        let Some(view) = &self.view else { return origin::OUTBOUND };
        if self.role == Role::Parent {
            return origin::CONFERENCE;
        }
        match (view.is_inbound(), view.internal) {
            (false, _) => origin::OUTBOUND,
            (true, true) => origin::INTERNAL,
            (true, false) => origin::EXTERNAL,
        }
    }

    /// Reason, for LINECALLINFO.
    pub(super) fn reason(&self) -> u32 {
        reason_of(self.view.as_ref().map_or("direct", |view| &view.reason))
    }
}

/// A party for LINECALLINFO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// LINECALLPARTYID bits.
    pub flags: u32,
    /// Number, empty for none.
    pub number: String,
    /// Name, empty for none.
    pub name: String,
}

impl Party {
    /// A party that may yet become known.
    pub(super) fn of(source: &GatewayParty) -> Self {
        let number = source.number.clone().or_else(|| source.raw.clone()).unwrap_or_default();
        let name = source.name.clone().unwrap_or_default();
        let mut flags = 0;
        if !number.is_empty() {
            flags |= party::ADDRESS;
        }
        if !name.is_empty() {
            flags |= party::NAME;
        }
        if flags == 0 {
            flags = if source.presentation == "restricted" { party::BLOCKED } else { party::UNKNOWN };
        }
        Self { flags, number, name }
    }

    /// A party that this call will never have.
    pub(super) fn none() -> Self {
        Self { flags: party::UNAVAIL, ..Self::default() }
    }
}

/// Who sent a call on, and whom it was sent to: the line that has it now. Without a number nobody did.
pub(super) fn redirection_of(call: &GatewayCall) -> (Party, Party) {
    let redirecting = Party::of(&call.redirecting);
    if redirecting.number.is_empty() {
        return (Party::none(), Party::none());
    }
    (redirecting, Party::of(&call.called))
}

/// State and mode for a word of the gateway.
pub(super) fn state_of(call: &GatewayCall) -> (u32, u32) {
    match call.state.as_str() {
        "dial_tone" => (call_state::DIALTONE, 1),
        "dialing" => (call_state::DIALING, 0),
        "proceeding" => (call_state::PROCEEDING, 0),
        "ringback" => (call_state::RINGBACK, 0),
        // The own phone rings before it dials: still on the way out.
        "offering" if !call.is_inbound() => (call_state::DIALING, 0),
        "offering" => (call_state::OFFERING, 1),
        "connected" | "remote_held" | "conferenced" => (call_state::CONNECTED, 1),
        "on_hold" => (call_state::ONHOLD, 0),
        "busy" => (call_state::BUSY, 1),
        "failed" => (call_state::DISCONNECTED, disconnect_of(call.cause.as_deref().unwrap_or("unknown"))),
        "ended" => (call_state::IDLE, 0),
        _ => (call_state::UNKNOWN, 0),
    }
}

/// Why a call ended.
pub(super) fn disconnect_of(cause: &str) -> u32 {
    match cause {
        "normal" | "transferred" | "merged" | "caller_gave_up" => disconnect::NORMAL,
        "rejected" => disconnect::REJECT,
        "busy" => disconnect::BUSY,
        "no_answer" => disconnect::NOANSWER,
        "answered_elsewhere" => disconnect::PICKUP,
        "forwarded" | "redirected" => disconnect::FORWARDED,
        "invalid_number" => disconnect::BADADDRESS,
        "congestion" => disconnect::CONGESTION,
        "out_of_service" => disconnect::OUTOFORDER,
        "pbx_restart" => disconnect::TEMPFAILURE,
        _ => disconnect::UNKNOWN,
    }
}

fn reason_of(word: &str) -> u32 {
    match word {
        "direct" | "consultation" | "conference" => reason::DIRECT,
        "forwarded_unconditional" => reason::FWDUNCOND,
        "forwarded_busy" => reason::FWDBUSY,
        "forwarded_no_answer" => reason::FWDNOANSWER,
        "redirected" => reason::REDIRECT,
        "transferred" => reason::TRANSFER,
        "pickup" => reason::PICKUP,
        "recall" => reason::REMINDER,
        _ => reason::UNKNOWN,
    }
}

/// Which parts of LINECALLINFO differ between two views.
pub(super) fn info_changes(before: &GatewayCall, after: &GatewayCall) -> u32 {
    let mut bits = 0;
    let mut mark = |differs: bool, bit: u32| {
        if differs {
            bits |= bit;
        }
    };
    mark(before.caller != after.caller, info::CALLERID);
    mark(before.called != after.called, info::CALLEDID);
    mark(before.connected != after.connected, info::CONNECTEDID);
    mark(redirection_of(before).1 != redirection_of(after).1, info::REDIRECTIONID);
    mark(before.redirecting != after.redirecting, info::REDIRECTINGID);
    mark(before.reason != after.reason, info::REASON);
    mark(before.direction != after.direction || before.internal != after.internal, info::ORIGIN);
    mark(before.consultation_of != after.consultation_of, info::RELATEDCALLID);
    mark(before.conversation_id != after.conversation_id, info::CALLID);
    bits
}

/// The features of a plain call: exactly what the gateway allows, in TAPI's words.
pub(super) fn features_of(call: &GatewayCall, state: u32) -> (u32, u32) {
    let mut bits = 0;
    let mut more = 0;
    for action in &call.allowed_actions {
        bits |= match action.as_str() {
            "answer" => feature::ANSWER | feature::ACCEPT,
            "drop" => feature::DROP,
            "hold" => feature::HOLD,
            "retrieve" => feature::UNHOLD,
            "redirect" => feature::REDIRECT,
            "blind_transfer" => feature::BLINDTRANSFER,
            "consult" => {
                more |= feature2::ONESTEPTRANSFER;
                feature::SETUPTRANSFER
            }
            "dial" => feature::DIAL,
            "digits" => feature::GENERATEDIGITS,
            "swap" => feature::SWAPHOLD,
            "complete_transfer" => {
                more |= feature2::TRANSFERNORM;
                feature::COMPLETETRANSF
            }
            "complete_conference" => {
                more |= feature2::TRANSFERCONF;
                feature::COMPLETETRANSF
            }
            "add_to_conference" => feature::ADDTOCONF,
            _ => 0,
        };
    }
    if state != call_state::OFFERING {
        bits &= !feature::ACCEPT;
    }
    // The gateway sends on held calls, too; TAPI knows these two for connected ones only.
    if state != call_state::CONNECTED {
        bits &= !(feature::BLINDTRANSFER | feature::SETUPTRANSFER);
        more &= !feature2::ONESTEPTRANSFER;
    }
    (bits | feature::SETCALLDATA, more)
}
