//! `SnapshotDevice` and `SnapshotCall`.

use super::device::Watch;
use super::xml::Element;
use crate::telephony::{Call, Exchange, Leg};

fn snapshot(root: &str, infos: Vec<Element>) -> Element {
    let data = Element { children: infos, ..Element::new("snapshotData") };
    Element::new(root).with(Element::new("crossRefIDorSnapshotData").with(data))
}

/// All calls of the watched device; the own state stands first in each.
pub(crate) fn device(exchange: &Exchange, watch: &Watch) -> Element {
    let own = |leg: &&Leg| {
        leg.party
            .place()
            .is_some_and(|place| place.dn == watch.dn && watch.phone.is_none_or(|phone| phone == place.phone))
    };
    let mut infos = Vec::new();
    for call in exchange.calls.values() {
        let Some(mine) = call.legs.iter().find(own) else { continue };
        let others: Vec<&Leg> = call.legs.iter().filter(|leg| *leg != mine).collect();
        let mut states =
            Element::new("compoundCallState").with(Element::leaf("localConnectionState", mine.state.word()));
        for other in &others {
            states = states.with(Element::leaf("localConnectionState", other.state.word()));
        }
        if others.is_empty() {
            states = states.with(Element::leaf("localConnectionState", "null"));
        }
        let endpoint = others.first().map(|other| {
            Element::new("endpointDevice").with(Element::leaf("deviceIdentifier", watch.device(exchange, &other.party)))
        });
        infos.push(
            Element::new("snapshotDeviceResponseInfo")
                .with(watch.connection(exchange, "connectionIdentifier", &call.gcid, &mine.party))
                .and(endpoint)
                .with(Element::new("localCallState").with(states)),
        );
    }
    snapshot("SnapshotDeviceResponse", infos)
}

/// All legs of one call.
pub(crate) fn call(exchange: &Exchange, watch: &Watch, call: &Call) -> Element {
    let device = |name: &str, id: String| Element::new(name).with(Element::leaf("deviceIdentifier", id));
    let info = |leg: &Leg| {
        Element::new("snapshotCallResponseInfo")
            .with(device("deviceOnCall", watch.device(exchange, &leg.party)))
            .with(watch.connection(exchange, "callIdentifier", &call.gcid, &leg.party))
            .with(Element::leaf("localConnectionInfo", leg.state.word()))
    };
    let called = if call.called.is_empty() {
        Element::new("calledDevice").with(Element::new("notKnown"))
    } else {
        device("calledDevice", watch.plain(exchange, &call.called))
    };
    snapshot("SnapshotCallResponse", call.legs.iter().map(info).collect())
        .with(device("callingDevice", watch.device(exchange, &call.calling)))
        .with(called)
}
