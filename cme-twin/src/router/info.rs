//! INFO from clients: a service request each.

use super::{Purpose, Router};
use crate::csta::{self, Element, Outcome, Service};
use crate::fault::EventOrder;
use crate::sip::{Message, check, compose};

/// How a device is written.
fn form_of(device: &str) -> &'static str {
    match device {
        _ if device.starts_with("sip:") => "sip",
        _ if !device.starts_with("tel:") => "bare",
        _ if device.contains(";device=") => "device",
        _ => "tel",
    }
}

impl Router {
    pub(super) fn info(&mut self, conn: u64, message: &Message) {
        let Some(key) = self.session_of(message) else {
            return self.reply(conn, message, 481, |_| {});
        };
        if !self.in_order(conn, message, key) {
            return;
        }
        let read = self.read;
        let early = self.sessions.get_mut(&key).is_some_and(|session| {
            let same = std::mem::replace(&mut session.last_read, read) == read;
            same || session.answering > 0
        });
        if early {
            self.violations.add("csta.outstanding", "a second service while one is not answered", &message.raw);
        }
        if self.sessions.get(&key).is_some_and(|session| session.unacknowledged) {
            self.violations.add("sip.ack", "a service before the ACK", &message.raw);
        }
        if !check::is_csta(message) {
            return self.reply(conn, message, 415, |draft| draft.add("Accept", compose::CSTA_TYPE));
        }
        let root = match csta::parse(&message.body) {
            Ok(root) => root,
            Err(text) => {
                self.violations.add("csta.xml", text, &message.raw);
                return self.reply(conn, message, 400, |_| {});
            }
        };
        for (rule, text) in csta::remarks(&root, &self.faults.namespace) {
            self.violations.add(rule, text, &message.raw);
        }
        *self.requests.services.entry(root.name.clone()).or_default() += 1;
        let outcome = self.serve(key, &root);
        let (answer, refused) = match outcome {
            Outcome::Done(answer) => (self.spoiled(&root.name, answer), false),
            Outcome::Refused(category, value) => (csta::error(category, value), true),
            Outcome::Demanded(category, value) => (csta::error(category, &value), true),
        };
        if self.faults.event_order == EventOrder::Before {
            self.flush_events();
        }
        let text = self.style().write(&answer);
        let kind = self.faults.content_type.clone();
        let status = if refused && self.faults.error_status != 0 { self.faults.error_status } else { 200 };
        let separate = self.faults.separate_response;
        self.reply_as(conn, message, status, None, Some(key), |draft| {
            if !separate {
                draft.csta(text.clone(), &kind);
            }
        });
        if separate {
            self.ask(key, Purpose::Event, "INFO", Some((text, kind)), false);
        }
        self.flush_events();
    }

    fn serve(&mut self, key: u64, root: &Element) -> Outcome {
        let name = root.name.as_str();
        if self.faults.services_off.iter().any(|off| off == name) {
            return Outcome::Refused("operation", "serviceNotSupported");
        }
        if let Some(wanted) = self.faults.errors.get(name) {
            let (category, value) = wanted.split_once('/').unwrap_or((wanted, ""));
            return Outcome::Demanded(known_category(category), value.to_owned());
        }
        if let Some(called) = root.value("calledDirectoryNumber").or_else(|| root.value("consultedDevice")) {
            let form = if called.starts_with("tel:") { "tel" } else { "bare" };
            if !called.is_empty() && !self.faults.number_form.is_empty() && self.faults.number_form != form {
                return Outcome::Refused("operation", "invalidCalledDeviceID");
            }
        }
        let monitored = root.child("monitorObject").and_then(|object| object.value("deviceObject"));
        if monitored
            .is_some_and(|device| !self.faults.device_form.is_empty() && self.faults.device_form != form_of(device))
        {
            return Outcome::Refused("operation", "invalidMonitorObject");
        }
        let Some(watch) = self.sessions.get(&key).map(|session| session.watch.clone()) else {
            return Outcome::Refused("operation", "generic");
        };
        match Service::read(root) {
            Service::RequestSystemStatus => {
                let status =
                    if self.faults.system_status.is_empty() { "normal" } else { self.faults.system_status.as_str() };
                Outcome::Done(Element::new("RequestSystemStatusResponse").with(Element::leaf("systemStatus", status)))
            }
            Service::SystemStatus => Outcome::Done(Element::new("SystemStatusResponse")),
            Service::GetFeatures => Outcome::Done(csta::features(self.behaviour(), &self.faults.services_off)),
            Service::MonitorStart { object } => {
                let right = object.is_some_and(|device| csta::is_own(&self.exchange, &watch, &device));
                if !right {
                    return Outcome::Refused("operation", "invalidMonitorObject");
                }
                let filtered = filter(root);
                let calls = self.exchange.calls.values().any(|call| {
                    call.legs.iter().any(|leg| {
                        leg.party
                            .place()
                            .is_some_and(|p| p.dn == watch.dn && watch.phone.is_none_or(|one| one == p.phone))
                    })
                });
                let Some(xref) = self.start_monitor(key, filtered) else {
                    return Outcome::Refused("operation", "generic");
                };
                let mut answer = Element::new("MonitorStartResponse").with(Element::leaf("monitorCrossRefID", xref));
                if self.behaviour().monitor_existing_calls {
                    answer = answer.with(Element::leaf("monitorExistingCalls", calls.to_string()));
                }
                Outcome::Done(answer)
            }
            Service::MonitorStop { xref } => {
                let Some(session) = self.sessions.get_mut(&key) else {
                    return Outcome::Refused("operation", "generic");
                };
                let before = session.monitors.len();
                session.monitors.retain(|monitor| monitor.xref != xref);
                if session.monitors.len() == before {
                    return Outcome::Refused("operation", "invalidMonitorCrossRefID");
                }
                Outcome::Done(Element::new("MonitorStopResponse"))
            }
            service => csta::execute(&mut self.exchange, &watch, name, &service),
        }
    }

    /// Faults in the content of a positive answer.
    fn spoiled(&self, name: &str, mut answer: Element) -> Element {
        if name == "MakeCall" && self.faults.no_call_id {
            for child in &mut answer.children {
                child.children.retain(|part| part.name != "callID");
            }
        }
        if self.faults.own_state_last {
            turn_states(&mut answer);
        }
        if self.faults.wrong_response {
            answer.name = "GetLastNumberDialedResponse".to_owned();
        }
        answer
    }
}

/// Names in the filter that are true: those events are not wanted.
fn filter(root: &Element) -> Vec<String> {
    let groups = root.child("requestedMonitorFilter").map(|filter| filter.children.as_slice()).unwrap_or_default();
    let leaves = groups.iter().flat_map(|group| &group.children);
    leaves.filter(|leaf| matches!(leaf.text.trim(), "true" | "1")).map(|leaf| leaf.name.clone()).collect()
}

const CATEGORIES: [&str; 9] = [
    "operation",
    "stateIncompatibility",
    "systemResourceAvailibility",
    "subscribedResourceAvailability",
    "performanceManagement",
    "security",
    "privateData",
    "privateErrorCode",
    "unspecified",
];

fn known_category(name: &str) -> &'static str {
    CATEGORIES.iter().find(|known| **known == name).copied().unwrap_or("operation")
}

fn turn_states(element: &mut Element) {
    if element.name == "compoundCallState" {
        element.children.reverse();
    }
    element.children.iter_mut().for_each(turn_states);
}
