//! `GetCSTAFeaturesResponse`: what this release says it can do.

use super::xml::Element;
use crate::behaviour::Behaviour;

/// The answer. `off` are services that are switched off.
pub(crate) fn features(behaviour: &Behaviour, off: &[String]) -> Element {
    let plain = |name: &str| (name.to_owned(), Vec::new());
    let with = |name: &str, flags: &[(&str, bool)]| {
        (name.to_owned(), flags.iter().map(|(flag, on)| ((*flag).to_owned(), *on)).collect::<Vec<_>>())
    };
    let group = |name: &str, items: Vec<(String, Vec<(String, bool)>)>| {
        let mut group = Element::new(name);
        for (item, flags) in items.into_iter().filter(|(item, _)| !off.iter().any(|service| switched(service, item))) {
            let flags = flags.into_iter().map(|(flag, on)| Element::leaf(flag, on.to_string()));
            group = group.with(Element { children: flags.collect(), ..Element::new(item) });
        }
        group
    };
    let mut control = vec![
        plain("alternateCall"),
        plain("answerCall"),
        with(
            "clearConnection",
            &[
                ("alerting", behaviour.clear_alerting),
                ("connected", true),
                ("fail", true),
                ("initiated", true),
                ("hold", true),
            ],
        ),
        plain("conferenceCall"),
        plain("consultationCall"),
        with("deflectCall", &[("alerting", true), ("connected", false), ("hold", false)]),
        plain("dialDigits"),
        plain("holdCall"),
        with("makeCall", &[("autoOriginatePrompt", true), ("autoOriginateDoNotPrompt", true), ("multiStage", true)]),
        plain("reconnectCall"),
        plain("retrieveCall"),
        plain("singleStepTransfer"),
        with("transferCall", &[("activeCallConnected", true), ("heldCallHold", true)]),
    ];
    if behaviour.single_step_conference {
        control.insert(control.len() - 2, plain("singleStepConference"));
    }
    let forwarding = with(
        "setForwarding",
        &[
            ("forwardingTypeImmediate", true),
            ("forwardingTypeBusy", behaviour.all_forwarding_types),
            ("forwardingTypeNoAns", behaviour.all_forwarding_types),
        ],
    );
    let services = Element::new("supportedServices")
        .with(group("capExchangeServList", vec![plain("getCSTAFeatures")]))
        .with(group("systemStatServList", vec![plain("requestSystemStatus")]))
        .with(group(
            "monitoringServList",
            vec![with("monitorStart", &[("monitorTypeDevice", true)]), plain("monitorStop")],
        ))
        .with(group("snapshotServList", vec![plain("snapshotCall"), plain("snapshotDevice")]))
        .with(group("callControlServList", control))
        .with(group("callAssociatedServList", vec![plain("generateDigits")]))
        .with(group(
            "logicalServList",
            vec![plain("getDoNotDisturb"), plain("getForwarding"), plain("setDoNotDisturb"), forwarding],
        ));
    let mut events = vec!["conferenced", "connectionCleared", "delivered"];
    if behaviour.digits_dialed {
        events.push("digitsDialed");
    }
    events.extend(["diverted", "established"]);
    if behaviour.busy_detection {
        events.push("failed");
    }
    events.extend(["held", "netwReached", "originated", "retrieved"]);
    if behaviour.service_initiated {
        events.push("serviceInitiated");
    }
    events.push("transferred");
    let mut supported = Element::new("supportedEvents")
        .with(group("callControlEvtsList", events.into_iter().map(plain).collect()))
        .with(group("logicalEvtsList", vec![plain("doNotDisturb"), plain("forwarding")]));
    if behaviour.service_events {
        supported = supported.with(group("deviceMaintEvtsList", vec![plain("backInService"), plain("outOfService")]));
    }
    Element::new("GetCSTAFeaturesResponse").with(services).with(supported)
}

/// Whether the service named like its request is this item of a list.
fn switched(service: &str, item: &str) -> bool {
    service.eq_ignore_ascii_case(item)
        || service.strip_suffix("Call").is_some_and(|short| short.eq_ignore_ascii_case(item))
}
