//! Services at work: from a decoded request to a change of the model and an answer.

use super::device::{DeviceRef, Watch};
use super::service::{Connection, Service};
use super::snapshot;
use super::xml::Element;
use crate::telephony::{Exchange, ForwardKind, LegState, Place, Refusal, Start};

/// The answer to a service that is not about the session itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done(Element),
    Refused(&'static str, &'static str),
    /// An error that a fault asks for: any category and value.
    Demanded(&'static str, String),
}

type Result<T> = std::result::Result<T, (&'static str, &'static str)>;

/// Executes a service for a session.
pub(crate) fn execute(exchange: &mut Exchange, watch: &Watch, name: &str, service: &Service) -> Outcome {
    match run(exchange, watch, service) {
        Ok(None) => Outcome::Done(Element::new(format!("{name}Response"))),
        Ok(Some(answer)) => Outcome::Done(answer),
        Err((category, value)) => Outcome::Refused(category, value),
    }
}

fn code(refusal: Refusal) -> (&'static str, &'static str) {
    refusal.code()
}

fn run(exchange: &mut Exchange, watch: &Watch, service: &Service) -> Result<Option<Element>> {
    let done = |result: std::result::Result<(), Refusal>| result.map(|()| None).map_err(code);
    match service {
        Service::SnapshotDevice { device } => {
            own(exchange, watch, device, "invalidDeviceID")?;
            Ok(Some(snapshot::device(exchange, watch)))
        }
        Service::SnapshotCall { call } => {
            let key = find(exchange, call)?;
            let call = exchange.calls.get(&key).ok_or(("operation", "invalidCallID"))?;
            Ok(Some(snapshot::call(exchange, watch, call)))
        }
        Service::MakeCall { calling, called, prompt } => {
            own(exchange, watch, calling, "invalidCallingDeviceID")?;
            let place = here(exchange, watch)?;
            let start = if *prompt { Start::Prompt } else { Start::OffHook };
            let key = exchange.make_call(place, &called.number, start).map_err(|refusal| match refusal {
                Refusal::OutOfService => ("systemResourceAvailibility", "callingDeviceOutOfService"),
                other => other.code(),
            })?;
            Ok(Some(answer_with(exchange, watch, "MakeCallResponse", "callingDevice", key, place)))
        }
        Service::Answer(connection) => {
            let (place, key) = mine(exchange, watch, connection)?;
            if !exchange.behaviour.answer_waiting && busy_elsewhere(exchange, place, key) {
                return Err(Refusal::ConnectedCallExists.code());
            }
            done(exchange.answer(place, key))
        }
        Service::Clear(connection) => clear(exchange, watch, connection),
        Service::Hold(connection) => {
            let (place, key) = mine(exchange, watch, connection)?;
            done(exchange.hold(place, key, "normal"))
        }
        Service::Retrieve(connection) => {
            let key = find(exchange, connection)?;
            let place = here(exchange, watch)?;
            done(exchange.retrieve(place, key, "normal"))
        }
        Service::Deflect(connection, to) => {
            let (place, key) = mine(exchange, watch, connection)?;
            done(exchange.deflect(place, key, &to.number))
        }
        Service::SingleStepTransfer(connection, to) => {
            let (place, key) = mine(exchange, watch, connection)?;
            let gcid = gcid(exchange, key);
            exchange.blind_transfer(place, key, &to.number).map_err(code)?;
            let moved = Element::new("transferredCall")
                .with(Element::leaf("callID", gcid))
                .with(Element::leaf("deviceID", watch.plain(exchange, &to.number)));
            Ok(Some(Element::new("SingleStepTransferCallResponse").with(moved)))
        }
        Service::SingleStepConference(connection, to) => {
            let (place, key) = mine(exchange, watch, connection)?;
            exchange.join(place, key, &to.number).map_err(code)?;
            Ok(Some(answer_with(exchange, watch, "SingleStepConferenceCallResponse", "conferencedCall", key, place)))
        }
        Service::Consult(connection, to) => {
            let (place, key) = mine(exchange, watch, connection)?;
            let second = exchange.consult(place, key, &to.number).map_err(code)?;
            let place = exchange.sibling(place, second).unwrap_or(place);
            Ok(Some(answer_with(exchange, watch, "ConsultationCallResponse", "initiatedCall", second, place)))
        }
        Service::Alternate { held, active } => {
            let (place, held, active) = pair(exchange, watch, held, active)?;
            done(exchange.alternate(place, held, active))
        }
        Service::Reconnect { active, held } => {
            let (place, held, active) = pair(exchange, watch, held, active)?;
            done(exchange.reconnect(place, active, held))
        }
        Service::Transfer { held, active } => {
            let (place, held, active) = pair(exchange, watch, held, active)?;
            let key = exchange.transfer(place, held, active).map_err(code)?;
            let to = exchange.calls.get(&key).and_then(|call| call.legs.last()).map(|leg| leg.party.clone());
            let moved = to.map(|party| watch.connection(exchange, "transferredCall", &gcid(exchange, key), &party));
            Ok(Some(Element::new("TransferCallResponse").and(moved)))
        }
        Service::Conference { held, active } => {
            let (place, held, active) = pair(exchange, watch, held, active)?;
            let key = exchange.conference(place, held, active).map_err(code)?;
            Ok(Some(answer_with(exchange, watch, "ConferenceCallResponse", "conferenceCall", key, place)))
        }
        Service::DialDigits(connection, digits) => {
            let (place, key) = mine(exchange, watch, connection)?;
            done(exchange.dial_digits(place, key, &digits.number))
        }
        Service::GenerateDigits(connection, digits) => {
            let (place, key) = mine(exchange, watch, connection)?;
            done(exchange.generate_digits(place, key, digits))
        }
        Service::SetForwarding { device, kind, on, to, rings } => {
            own(exchange, watch, device, "invalidDeviceID")?;
            let on = on.ok_or(("operation", "atLeastOneConditionalParameterNotProvided"))?;
            let kind = ForwardKind::of(kind).ok_or(("operation", "invalidForwardingType"))?;
            if kind != ForwardKind::All && !exchange.behaviour.all_forwarding_types {
                return Err(("operation", "invalidForwardingType"));
            }
            let to = to.as_ref().map(|to| to.number.as_str()).unwrap_or("");
            if on && to.is_empty() {
                return Err(("operation", "invalidForwardingDestination"));
            }
            // A ring is taken as five seconds.
            let seconds = rings.map(|rings| rings.saturating_mul(5));
            let result = exchange.set_forward(watch.dn, kind, if on { to } else { "" }, seconds);
            result.map(|()| None).map_err(|_| ("operation", "invalidForwardingDestination"))
        }
        Service::GetForwarding { device } => {
            own(exchange, watch, device, "invalidDeviceID")?;
            Ok(Some(forwarding(exchange, watch)))
        }
        Service::SetDoNotDisturb { device, on } => {
            own(exchange, watch, device, "invalidDeviceID")?;
            let on = on.ok_or(("operation", "atLeastOneConditionalParameterNotProvided"))?;
            let place = here(exchange, watch)?;
            done(exchange.set_dnd(place.phone, on))
        }
        Service::GetDoNotDisturb { device } => {
            own(exchange, watch, device, "invalidDeviceID")?;
            let place = here(exchange, watch)?;
            let on = exchange.phones.get(&place.phone).is_some_and(|state| state.dnd);
            Ok(Some(Element::new("GetDoNotDisturbResponse").with(Element::leaf("doNotDisturbOn", on.to_string()))))
        }
        _ => Err(("operation", "serviceNotSupported")),
    }
}

/// Whether a device of a request is that of the session.
pub(crate) fn is_own(exchange: &Exchange, watch: &Watch, device: &DeviceRef) -> bool {
    own(exchange, watch, device, "").is_ok()
}

/// The device of a request must be that of the session.
fn own(exchange: &Exchange, watch: &Watch, device: &DeviceRef, value: &'static str) -> Result<()> {
    let number = exchange.system.dn_of(&device.number) == Some(watch.dn);
    let phone = device.mac.as_deref().map(|mac| exchange.system.phone_of(mac));
    let right = match (phone, watch.phone) {
        (None, _) => true,
        (Some(named), Some(phone)) => named == Some(phone),
        (Some(named), None) => named.is_some_and(|phone| exchange.lines(phone).contains(&watch.dn)),
    };
    if number && right { Ok(()) } else { Err(("operation", value)) }
}

fn here(exchange: &Exchange, watch: &Watch) -> Result<Place> {
    watch.place(exchange).ok_or(Refusal::OutOfService.code())
}

fn find(exchange: &Exchange, connection: &Connection) -> Result<u64> {
    exchange.call_of(&connection.call).ok_or(("operation", "invalidCallID"))
}

/// The place and call of a connection that must be the session's own.
fn mine(exchange: &Exchange, watch: &Watch, connection: &Connection) -> Result<(Place, u64)> {
    let key = find(exchange, connection)?;
    if let Some(device) = &connection.device {
        own(exchange, watch, device, "invalidConnectionID")?;
    }
    let place = here(exchange, watch)?;
    exchange.state_at(key, place).ok_or(("operation", "invalidConnectionID"))?;
    Ok((place, key))
}

fn pair(exchange: &Exchange, watch: &Watch, held: &Connection, active: &Connection) -> Result<(Place, u64, u64)> {
    let held = exchange.call_of(&held.call).ok_or(("operation", "invalidHeldCallID"))?;
    let active = exchange.call_of(&active.call).ok_or(("operation", "invalidActiveCallID"))?;
    Ok((here(exchange, watch)?, held, active))
}

fn clear(exchange: &mut Exchange, watch: &Watch, connection: &Connection) -> Result<Option<Element>> {
    let key = find(exchange, connection)?;
    if let Some(device) = connection.device.as_ref().filter(|device| !is_own(exchange, watch, device)) {
        let place = here(exchange, watch)?;
        return exchange.remove_party(place, key, &device.number).map(|()| None).map_err(code);
    }
    let (place, key) = mine(exchange, watch, connection)?;
    if exchange.state_at(key, place) == Some(LegState::Alerting) && !exchange.behaviour.clear_alerting {
        return Err(Refusal::WrongState.code());
    }
    exchange.clear(place, key).map(|()| None).map_err(code)
}

fn busy_elsewhere(exchange: &Exchange, place: Place, key: u64) -> bool {
    let lines = exchange.lines(place.phone).into_iter().map(|dn| Place { dn, phone: place.phone });
    lines.into_iter().any(|other| exchange.calls_at(other, &[LegState::Connected]).iter().any(|one| *one != key))
}

fn gcid(exchange: &Exchange, key: u64) -> String {
    exchange.calls.get(&key).map(|call| call.gcid.clone()).unwrap_or_default()
}

fn answer_with(exchange: &Exchange, watch: &Watch, root: &str, name: &str, key: u64, place: Place) -> Element {
    Element::new(root).with(watch.connection(exchange, name, &gcid(exchange, key), &place.into()))
}

fn forwarding(exchange: &Exchange, watch: &Watch) -> Element {
    let mut list = Element::new("forwardingList");
    for kind in [ForwardKind::All, ForwardKind::Busy, ForwardKind::NoAnswer] {
        let target = exchange.forward(watch.dn, kind);
        if target.is_none() && kind != ForwardKind::All {
            continue;
        }
        let mut item = Element::new("forwardListItem")
            .with(Element::leaf("forwardingType", kind.word()))
            .with(Element::leaf("forwardStatus", target.is_some().to_string()));
        if let Some(number) = target {
            item = item.with(Element::leaf("forwardDN", watch.plain(exchange, number)));
        }
        if kind == ForwardKind::NoAnswer {
            let seconds = exchange.system.dns.get(&watch.dn).map_or(0, |dn| dn.forward_no_answer_timeout);
            item = item.with(Element::leaf("ringCount", (seconds / 5).clamp(1, 100).to_string()));
        }
        list = list.with(item);
    }
    Element::new("GetForwardingResponse").with(list)
}
