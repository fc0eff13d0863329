//! Events as a monitor gets them: element order of the schema, names of the dossier's section 7.

use super::device::Watch;
use super::xml::Element;
use crate::behaviour::{LocalInfo, SharedStyle};
use crate::telephony::{Event, Exchange, Happening, LegState, Moved, Party, Route};

/// The event as this watch sees it, or nothing.
pub(crate) fn encode(
    event: &Event,
    watch: &Watch,
    xref: &str,
    exchange: &Exchange,
    with_local: bool,
) -> Option<Element> {
    let own = local_state(event, watch, exchange)?;
    let mut writer = Writer { event, watch, exchange, own, with_local, root: Element::default() };
    writer.write(xref);
    Some(writer.root)
}

/// State of the watched device's connection after the event; the outer `None` = the watch does not see the event.
fn local_state(event: &Event, watch: &Watch, exchange: &Exchange) -> Option<Option<LegState>> {
    let exact = event.seen.iter().find(|seen| seen.place.dn == watch.dn && Some(seen.place.phone) == watch.phone);
    if let Some(seen) = exact {
        return Some(seen.state);
    }
    let mut same = event.seen.iter().filter(|seen| seen.place.dn == watch.dn);
    let first = same.clone().next()?;
    if first.place.phone == 0 {
        return Some(None);
    }
    let others = || exchange.phones_with(watch.dn);
    match (&event.what, watch.phone) {
        (Happening::Forwarding { .. }, _) => Some(None),
        // A number without a phone of its own is out of service when no phone is left, and back with the first one.
        (Happening::OutOfService { .. }, None) => others().is_empty().then_some(None),
        (Happening::BackInService { .. }, None) => (others().len() == 1).then_some(None),
        (_, None) => Some(same.find_map(|seen| seen.state)),
        (
            Happening::DoNotDisturb { .. } | Happening::OutOfService { .. } | Happening::BackInService { .. },
            Some(_),
        ) => None,
        // Another phone with this number rings or is passive: that is for its own monitor.
        (Happening::Delivered { .. } | Happening::Bridged { .. }, Some(_)) => None,
        (_, Some(_)) => (exchange.behaviour.shared != SharedStyle::Hidden).then_some(None),
    }
}

struct Writer<'a> {
    event: &'a Event,
    watch: &'a Watch,
    exchange: &'a Exchange,
    own: Option<LegState>,
    with_local: bool,
    root: Element,
}

impl Writer<'_> {
    fn write(&mut self, xref: &str) {
        let (root, connection, subject) = names(&self.event.what);
        self.root = Element::new(root).with(Element::leaf("monitorCrossRefID", xref));
        match &self.event.what {
            Happening::Initiated { at }
            | Happening::Held { at }
            | Happening::Retrieved { at }
            | Happening::Bridged { at } => {
                self.head(connection, subject, at);
                self.tail();
            }
            Happening::Cleared { at } => {
                self.head(connection, subject, at);
                self.tail();
            }
            Happening::Originated { at, called } => {
                self.head(connection, subject, at);
                let called = called.as_deref().map(|number| self.watch.plain(self.exchange, number));
                self.push(subject_of("calledDevice", called));
                self.tail();
            }
            Happening::Digits { at, digits } => {
                self.head(connection, subject, at);
                self.push(Element::leaf("dialingSequence", digits.clone()));
                self.tail();
            }
            Happening::Delivered { at, route }
            | Happening::Established { at, route }
            | Happening::Failed { at, route } => {
                self.head(connection, subject, at);
                self.route(route, at);
                self.tail();
            }
            Happening::Reached { at, route } => {
                self.connection(connection, &self.event.gcid, at);
                self.push(subject_of(subject, None));
                self.route(route, at);
                self.tail();
            }
            Happening::Diverted { at, to, route } => {
                self.head(connection, subject, at);
                self.push(subject_of("newDestination", Some(self.watch.plain(self.exchange, to))));
                self.route(route, at);
                self.tail();
            }
            Happening::Transferred { by, secondary, to, moved } => {
                self.merge(by, secondary.as_deref());
                self.push(subject_of(subject, Some(self.device(by))));
                self.push(subject_of("transferredToDevice", Some(self.device(to))));
                self.moved("transferredConnections", moved);
                self.tail();
            }
            Happening::Conferenced { by, secondary, added, moved } => {
                self.merge(by, secondary.as_deref());
                self.push(subject_of(subject, Some(self.device(by))));
                self.push(subject_of("addedParty", Some(self.device(added))));
                self.moved("conferenceConnections", moved);
                self.tail();
            }
            Happening::Forwarding { kind, on, to, .. } => {
                self.push(subject_of("device", Some(format!("tel:{}", self.watch.number))));
                self.push(Element::leaf("forwardingType", *kind));
                self.push(Element::leaf("forwardStatus", on.to_string()));
                if !to.is_empty() {
                    self.push(Element::leaf("forwardTo", self.watch.plain(self.exchange, to)));
                }
            }
            Happening::DoNotDisturb { on, .. } => {
                self.push(subject_of("device", Some(format!("tel:{}", self.watch.number))));
                self.push(Element::leaf("doNotDisturbOn", on.to_string()));
            }
            Happening::OutOfService { place } | Happening::BackInService { place } => {
                self.push(subject_of("device", Some(self.device(&(*place).into()))));
                self.push(Element::leaf("cause", self.event.cause));
            }
        }
    }

    fn push(&mut self, child: Element) {
        self.root.children.push(child);
    }

    fn device(&self, party: &Party) -> String {
        self.watch.device(self.exchange, party)
    }

    fn connection(&mut self, name: &str, gcid: &str, party: &Party) {
        let element = self.watch.connection(self.exchange, name, gcid, party);
        self.push(element);
    }

    fn head(&mut self, connection: &str, subject: &str, at: &Party) {
        self.connection(connection, &self.event.gcid, at);
        self.push(subject_of(subject, Some(self.device(at))));
    }

    /// `callingDevice`, `calledDevice`, `lastRedirectionDevice`.
    fn route(&mut self, route: &Route, at: &Party) {
        let behaviour = &self.exchange.behaviour;
        let unknown = matches!(&route.calling, Party::Outside(number) if number.is_empty());
        self.push(subject_of("callingDevice", (!unknown).then(|| self.device(&route.calling))));
        let incoming = at.dn() == Some(self.watch.dn) && route.calling.dn() != Some(self.watch.dn);
        let told = behaviour.called_on_incoming || !incoming;
        let called = (told && !route.called.is_empty()).then(|| self.watch.plain(self.exchange, &route.called));
        self.push(subject_of("calledDevice", called));
        let redirection = match &route.redirected {
            None => Element::new("notRequired"),
            Some(_) if !behaviour.redirecting => Element::new("notKnown"),
            Some(number) => Element::leaf("numberDialed", self.watch.plain(self.exchange, number)),
        };
        self.push(Element::new("lastRedirectionDevice").with(redirection));
    }

    fn merge(&mut self, by: &Party, secondary: Option<&str>) {
        self.connection("primaryOldCall", &self.event.gcid, by);
        if let Some(secondary) = secondary {
            self.connection("secondaryOldCall", secondary, by);
        }
    }

    fn moved(&mut self, name: &str, moved: &[Moved]) {
        let mut list = Element::new(name);
        for one in moved {
            let new = self.watch.connection(self.exchange, "newConnection", &one.new, &one.party);
            let old = self.watch.connection(self.exchange, "oldConnection", &one.old, &one.party);
            list = list.with(Element::new("connectionListItem").with(new).with(old));
        }
        self.push(list);
    }

    fn tail(&mut self) {
        if self.with_local {
            self.push(Element::leaf("localConnectionInfo", self.local()));
        }
        self.push(Element::leaf("cause", self.event.cause));
    }

    fn local(&self) -> &'static str {
        let named = match &self.event.what {
            // The trace shows `fail` at a caller whose own connection has not failed.
            Happening::Failed { .. } => return "fail",
            Happening::Initiated { .. } => "initiated",
            Happening::Delivered { .. } => "alerting",
            Happening::Held { .. } => "hold",
            Happening::Cleared { .. }
            | Happening::Diverted { .. }
            | Happening::Transferred { .. }
            | Happening::Bridged { .. } => "null",
            _ => "connected",
        };
        match self.exchange.behaviour.local_info {
            LocalInfo::Named => named,
            LocalInfo::Own => self.own.map_or("null", LegState::word),
        }
    }
}

/// `<name><deviceIdentifier/></name>`, or `notKnown`.
fn subject_of(name: &str, device: Option<String>) -> Element {
    let inner = match device {
        Some(device) => Element::leaf("deviceIdentifier", device),
        None => Element::new("notKnown"),
    };
    Element::new(name).with(inner)
}

/// Names of the root, the connection and the subject.
fn names(what: &Happening) -> (&'static str, &'static str, &'static str) {
    match what {
        Happening::Initiated { .. } => ("ServiceInitiatedEvent", "initiatedConnection", "initiatingDevice"),
        Happening::Originated { .. } => ("OriginatedEvent", "originatedConnection", "callingDevice"),
        Happening::Digits { .. } => ("DigitsDialedEvent", "dialingConnection", "dialingDevice"),
        Happening::Delivered { .. } => ("DeliveredEvent", "connection", "alertingDevice"),
        Happening::Reached { .. } => ("NetworkReachedEvent", "outboundConnection", "networkInterfaceUsed"),
        Happening::Established { .. } => ("EstablishedEvent", "establishedConnection", "answeringDevice"),
        Happening::Held { .. } => ("HeldEvent", "heldConnection", "holdingDevice"),
        Happening::Retrieved { .. } => ("RetrievedEvent", "retrievedConnection", "retrievingDevice"),
        Happening::Diverted { .. } => ("DivertedEvent", "connection", "divertingDevice"),
        Happening::Transferred { .. } => ("TransferedEvent", "primaryOldCall", "transferringDevice"),
        Happening::Conferenced { .. } => ("ConferencedEvent", "primaryOldCall", "conferencingDevice"),
        Happening::Cleared { .. } => ("ConnectionClearedEvent", "droppedConnection", "releasingDevice"),
        Happening::Failed { .. } => ("FailedEvent", "failedConnection", "failingDevice"),
        Happening::Bridged { .. } => ("BridgedEvent", "bridgedConnection", "bridgedAppearance"),
        Happening::Forwarding { .. } => ("ForwardingEvent", "", "device"),
        Happening::DoNotDisturb { .. } => ("DoNotDisturbEvent", "", "device"),
        Happening::OutOfService { .. } => ("OutOfServiceEvent", "", "device"),
        Happening::BackInService { .. } => ("BackInServiceEvent", "", "device"),
    }
}
