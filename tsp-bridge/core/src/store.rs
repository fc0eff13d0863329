//! What outlives a run: which lines there are, in which order, with which permanent numbers (dossier 2.15).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::GatewayLine;

/// The lines of one provider, in the order in which they were first seen. The order never changes: programs remember
/// positions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// Address of the gateway that gave them last.
    #[serde(default)]
    pub gateway: String,
    /// The lines.
    #[serde(default)]
    pub lines: Vec<StoredLine>,
    /// Permanent numbers of other providers' lines on this machine: never given here. Who reads the store fills it.
    #[serde(skip)]
    pub taken: BTreeSet<u32>,
}

/// A line that was seen once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLine {
    /// The gateway's permanent number.
    pub tapi_id: u32,
    /// `dwPermanentLineID`.
    pub permanent_id: u32,
    /// The gateway's id.
    pub line_id: String,
    /// Number of the first button.
    pub number: String,
    /// Display name.
    pub name: String,
    /// Address ids in order; a button that is gone leaves its place.
    pub addresses: Vec<StoredAddress>,
    /// The gateway does not have it any more; its place stays, so that no other line moves.
    #[serde(default)]
    pub gone: bool,
}

/// An address id that was given once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredAddress {
    /// Its number.
    pub number: String,
    /// No button has it any more.
    #[serde(default)]
    pub gone: bool,
    /// Index of the button at the gateway.
    #[serde(default)]
    pub index: u32,
}

impl Store {
    /// Finds the line of the gateway, or gives it the next place. The second value says that it is new. The gateway's id
    /// tells, which no two gateways give: `tapi_id` 3 of another gateway is another line, and a gateway that moved to
    /// another address has the same lines.
    pub fn admit(&mut self, line: &GatewayLine, provider: u32) -> (usize, bool) {
        if let Some(place) = self.lines.iter().position(|stored| stored.line_id == line.id) {
            return (place, false);
        }
        let permanent_id = self.permanent_id(line.tapi_id, provider);
        self.lines.push(StoredLine {
            tapi_id: line.tapi_id,
            permanent_id,
            line_id: line.id.clone(),
            number: line.number.clone(),
            name: line.name.clone(),
            addresses: Vec::new(),
            gone: false,
        });
        (self.lines.len() - 1, true)
    }

    /// Provider in the high word, number of the line in the low one. A number beyond the word gets one that is free.
    fn permanent_id(&self, tapi_id: u32, provider: u32) -> u32 {
        let high = (provider & 0xFFFF) << 16;
        let is_free = |id: u32| !self.taken.contains(&id) && self.lines.iter().all(|line| line.permanent_id != id);
        let wanted = high | (tapi_id & 0xFFFF);
        if is_free(wanted) {
            return wanted;
        }
        (0..=0xFFFF_u32).rev().map(|low| high | low).find(|id| is_free(*id)).unwrap_or(wanted)
    }
}

impl StoredLine {
    /// Brings the addresses in line with the buttons; says whether anything changed.
    pub fn learn(&mut self, line: &GatewayLine) -> bool {
        let before = self.clone();
        self.number.clone_from(&line.number);
        self.name.clone_from(&line.name);
        self.gone = false;
        let numbers = line.numbers();
        let mut taken = vec![false; self.addresses.len()];
        let mut fresh = Vec::new();
        for (index, number) in numbers.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            // The first button is the line itself: it keeps address 0 also under another number.
            let place = if index == 0 {
                (!self.addresses.is_empty()).then_some(0)
            } else {
                (1..self.addresses.len()).find(|place| {
                    taken.get(*place) == Some(&false)
                        && self.addresses.get(*place).is_some_and(|address| address.number == *number)
                })
            };
            match place.and_then(|place| Some((self.addresses.get_mut(place)?, taken.get_mut(place)?))) {
                Some((address, taken)) => {
                    *taken = true;
                    *address = StoredAddress { number: number.clone(), gone: false, index };
                }
                None => fresh.push(StoredAddress { number: number.clone(), gone: false, index }),
            }
        }
        for (address, taken) in self.addresses.iter_mut().zip(&taken) {
            address.gone = !taken;
        }
        self.addresses.extend(fresh);
        *self != before
    }

    /// The address id of a button.
    pub fn address_of(&self, index: u32) -> u32 {
        let place = self.addresses.iter().position(|address| !address.gone && address.index == index);
        place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(tapi_id: u32, numbers: &[&str]) -> GatewayLine {
        let addresses: Vec<_> =
            numbers.iter().enumerate().map(|(index, number)| json!({"index": index, "number": number})).collect();
        serde_json::from_value(json!({
            "id": format!("line_{tapi_id}"), "tapi_id": tapi_id, "number": numbers[0], "addresses": addresses}))
        .unwrap()
    }

    #[test]
    fn order_and_numbers_stay_whatever_the_gateway_does() {
        let mut store = Store::default();
        for id in [5, 3, 70_000] {
            store.admit(&line(id, &["1"]), 2);
        }
        let ids: Vec<u32> = store.lines.iter().map(|line| line.permanent_id).collect();
        assert_eq!(ids, [0x2_0005, 0x2_0003, 0x2_0000 | (70_000 & 0xFFFF)]);
        assert_eq!(store.admit(&line(3, &["9"]), 7), (1, false), "another provider number changes nothing");
        store.admit(&line(3 + 0x1_0000, &["1"]), 2);
        assert_eq!(store.lines[3].permanent_id, 0x2_FFFF, "two lines never share a number");
        let elsewhere = GatewayLine { id: "line_of_another_gateway".to_owned(), ..line(3, &["1"]) };
        assert_eq!(store.admit(&elsewhere, 2), (4, true), "what another gateway has under a number is another line");
        store.taken.extend([0x2_0009, 0x2_FFFD]);
        store.admit(&line(9, &["1"]), 2);
        assert_eq!(store.lines[5].permanent_id, 0x2_FFFC, "nor with a line of another provider");
        store.taken.clear();
        let text = serde_json::to_string(&store).unwrap();
        assert_eq!(serde_json::from_str::<Store>(&text).unwrap(), store);
    }

    #[test]
    fn a_button_that_goes_leaves_its_place() {
        let mut store = Store::default();
        store.admit(&line(1, &["201", "204", "209"]), 1);
        let stored = &mut store.lines[0];
        assert!(stored.learn(&line(1, &["201", "204", "209"])));
        assert!(!stored.learn(&line(1, &["201", "204", "209"])));
        assert!(stored.learn(&line(1, &["201", "209", "210"])));
        let places: Vec<(&str, bool)> =
            stored.addresses.iter().map(|address| (address.number.as_str(), address.gone)).collect();
        assert_eq!(places, [("201", false), ("204", true), ("209", false), ("210", false)]);
        assert_eq!((stored.address_of(1), stored.address_of(2)), (2, 3));
        assert!(stored.learn(&line(1, &["301", "204"])));
        assert_eq!(stored.addresses[0].number, "301", "the first button is the line");
        assert!(!stored.addresses[1].gone && stored.addresses[2].gone);
    }
}
