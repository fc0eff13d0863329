//! The whole truth about the router at one moment, for tests and people.

use serde::Serialize;

use crate::router::Router;
use crate::telephony::{LegState, Party, Role};

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegTruth {
    /// Its number.
    pub number: String,
    /// MAC of its phone; empty for the trunk, or when no phone is meant.
    pub mac: String,
    /// Its state.
    pub state: LegState,
    /// What it is in the call.
    pub role: Role,
    /// It is beyond the trunk.
    pub outside: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallTruth {
    /// Its global call identifier.
    pub gcid: String,
    /// The calling number.
    pub calling: String,
    /// The number that was called last.
    pub called: String,
    /// It is a conference.
    pub conference: bool,
    /// Its ends.
    pub legs: Vec<LegTruth>,
}

/// A phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhoneTruth {
    /// Its ephone tag.
    pub tag: u32,
    /// Its MAC.
    pub mac: String,
    /// It is registered.
    pub registered: bool,
    /// Do not disturb.
    pub dnd: bool,
    /// Who is logged in; empty = nobody.
    pub user: String,
    /// Its numbers in the order of buttons.
    pub numbers: Vec<String>,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineTruth {
    /// Its ephone-dn tag.
    pub dn: u32,
    /// Its number.
    pub number: String,
    /// `call-forward all`; empty = off.
    pub forward_all: String,
    /// `call-forward busy`; empty = off.
    pub forward_busy: String,
    /// `call-forward noan`; empty = off.
    pub forward_no_answer: String,
    /// A phone is registered, or `cti notify` holds it up.
    pub up: bool,
}

/// A CSTA session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionTruth {
    /// Its number.
    pub number: String,
    /// User part of the client's From.
    pub user: String,
    /// SIP Call-ID.
    pub call_id: String,
    /// The client acknowledged it.
    pub acknowledged: bool,
    /// Cross references of its monitors.
    pub monitors: Vec<String>,
    /// Seconds between refreshes that were agreed; 0 = none.
    pub session_expires: u32,
}

/// A registration of a session server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegistrationTruth {
    /// Its register-id.
    pub id: String,
    /// Contact of the client.
    pub contact: String,
    /// Its reference identifier.
    pub reference: String,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Truth {
    /// Calls, oldest first.
    pub calls: Vec<CallTruth>,
    /// Phones by tag.
    pub phones: Vec<PhoneTruth>,
    /// Lines by tag.
    pub lines: Vec<LineTruth>,
    /// CSTA sessions, oldest first.
    pub sessions: Vec<SessionTruth>,
    /// Registrations of session servers.
    pub registrations: Vec<RegistrationTruth>,
    /// Open SIP connections.
    pub connections: usize,
    /// Uptime of the router in seconds.
    pub uptime: u64,
    /// `cti shutdown`.
    pub cti_shutdown: bool,
}

impl Truth {
    /// The call with this identifier.
    #[must_use]
    pub fn call(&self, gcid: &str) -> Option<&CallTruth> {
        self.calls.iter().find(|call| call.gcid == gcid)
    }

    /// Calls in which a number takes part.
    pub fn calls_of<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a CallTruth> {
        self.calls.iter().filter(move |call| call.legs.iter().any(|leg| leg.number == number))
    }

    /// How many monitors are active.
    #[must_use]
    pub fn monitors(&self) -> usize {
        self.sessions.iter().map(|session| session.monitors.len()).sum()
    }
}

/// Looks at the router.
pub(crate) fn look(router: &Router) -> Truth {
    let exchange = &router.exchange;
    let mac = |party: &Party| {
        party.place().and_then(|place| exchange.system.phones.get(&place.phone)).map(|phone| phone.mac.clone())
    };
    let leg = |leg: &crate::telephony::Leg| LegTruth {
        number: exchange.number(&leg.party),
        mac: mac(&leg.party).unwrap_or_default(),
        state: leg.state,
        role: leg.role,
        outside: matches!(leg.party, Party::Outside(_)),
    };
    let call = |call: &crate::telephony::Call| CallTruth {
        gcid: call.gcid.clone(),
        calling: exchange.number(&call.calling),
        called: call.called.clone(),
        conference: call.conference,
        legs: call.legs.iter().map(leg).collect(),
    };
    let number = |dn: &u32| exchange.system.dns.get(dn).map(|dn| dn.number.clone()).unwrap_or_default();
    Truth {
        calls: exchange.calls.values().map(call).collect(),
        phones: exchange
            .phones
            .iter()
            .map(|(tag, state)| PhoneTruth {
                tag: *tag,
                mac: exchange.system.phones.get(tag).map(|phone| phone.mac.clone()).unwrap_or_default(),
                registered: state.registered,
                dnd: state.dnd,
                user: exchange
                    .system
                    .user_profiles
                    .get(&state.profile)
                    .map(|user| user.user.clone())
                    .unwrap_or_default(),
                numbers: exchange.lines(*tag).iter().map(number).collect(),
            })
            .collect(),
        lines: exchange
            .system
            .dns
            .iter()
            .map(|(tag, dn)| LineTruth {
                dn: *tag,
                number: dn.number.clone(),
                forward_all: dn.forward_all.clone(),
                forward_busy: dn.forward_busy.clone(),
                forward_no_answer: dn.forward_no_answer.clone(),
                up: exchange.is_up(*tag),
            })
            .collect(),
        sessions: router
            .sessions
            .values()
            .map(|session| SessionTruth {
                number: session.watch.number.clone(),
                user: session.user.clone(),
                call_id: session.call_id.clone(),
                acknowledged: !session.unacknowledged,
                monitors: session.monitors.iter().map(|monitor| monitor.xref.clone()).collect(),
                session_expires: session.interval,
            })
            .collect(),
        registrations: router
            .bindings
            .iter()
            .map(|(id, binding)| RegistrationTruth {
                id: id.clone(),
                contact: binding.contact.clone(),
                reference: binding.reference.clone(),
            })
            .collect(),
        connections: router.connections.len(),
        uptime: exchange.uptime(),
        cti_shutdown: exchange.system.cti_shutdown,
    }
}
