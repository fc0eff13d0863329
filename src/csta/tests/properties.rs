//! Properties of the decoder.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{CALL_A, OWN, connection, event, subject};
use crate::csta::{decode, fuzzing};

/// The parts of an event, each a child of its root.
fn parts() -> Vec<String> {
    vec![
        "<monitorCrossRefID>00000052</monitorCrossRefID>".to_owned(),
        connection("connection", CALL_A, OWN),
        subject("alertingDevice", OWN),
        subject("callingDevice", "tel:211"),
        subject("calledDevice", "tel:233"),
        "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>".to_owned(),
        "<localConnectionInfo>alerting</localConnectionInfo>".to_owned(),
        "<cause>newCall</cause>".to_owned(),
        "<extensions><privateData><string>AB</string></privateData></extensions>".to_owned(),
        "<unheard><of/></unheard>".to_owned(),
    ]
}

proptest! {
    #[test]
    fn the_order_of_children_does_not_matter(order in Just(parts()).prop_shuffle(), blank in "[ \t\r\n]{0,3}") {
        let expected = event(&format!("<DeliveredEvent>{}</DeliveredEvent>", parts().concat()));
        prop_assert_eq!(event(&format!("<DeliveredEvent>{blank}{}</DeliveredEvent>", order.join(&blank))), expected);
    }

    #[test]
    fn no_bytes_break_the_decoder(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzzing::message(&data);
        fuzzing::device_id(&data);
    }

    #[test]
    fn nothing_that_looks_like_xml_breaks_the_decoder(text in "(<[/!?]?[a-zA-Z:]{0,20}( a=['\"]?x)?/?>|&[#a-z0-9]{0,6};?|[a-z \u{e9}]|\\]\\]>|<!\\[CDATA\\[){0,40}") {
        fuzzing::message(text.as_bytes());
        fuzzing::message(format!("<DeliveredEvent>{text}</DeliveredEvent>").as_bytes());
    }

    #[test]
    fn no_damage_to_an_event_breaks_the_decoder(damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..8), end in any::<Index>()) {
        let mut data = format!("<DeliveredEvent>{}</DeliveredEvent>", parts().concat()).into_bytes();
        for (at, byte) in damage {
            let at = at.index(data.len());
            data[at] = byte;
        }
        fuzzing::message(&data);
        fuzzing::message(&data[..end.index(data.len())]);
    }

    #[test]
    fn owned_and_borrowed_say_the_same(order in Just(parts()).prop_shuffle()) {
        let text = format!("<DeliveredEvent>{}</DeliveredEvent>", order.concat());
        let borrowed = decode(text.as_bytes()).unwrap();
        prop_assert_eq!(borrowed.clone().into_owned(), borrowed);
    }

    #[test]
    fn no_bytes_break_the_exchange(data in proptest::collection::vec(any::<u8>(), 0..600)) {
        fuzzing::exchange(std::time::Instant::now(), &data);
    }
}
