//! Whether the gateway shows what really is at the phones.

use std::collections::BTreeSet;

use cme_twin::{CallTruth, LegState, LegTruth, Role};
use serde_json::Value;

use super::{GLANCE, House, PATIENCE, text};

impl House {
    /// Waits until the gateway's calls are those at the phones.
    pub(crate) async fn settle_calls(&mut self) {
        self.settles_calls().await.unwrap_or_else(|difference| panic!("{difference}"));
    }

    /// As [`House::settle_calls`]; tells the difference when there stays one.
    pub(crate) async fn settles_calls(&mut self) -> Result<(), String> {
        let began = tokio::time::Instant::now();
        loop {
            let (shown, real) = (self.shown().await, self.real().await);
            if shown == real {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("the gateway shows {shown:#?}\nbut the phones have {real:#?}"));
            }
            tokio::time::sleep(GLANCE).await;
        }
        // The stream is read up to what the API shows now.
        self.drain().await;
        Ok(())
    }

    /// Reads the stream up to the present position.
    pub(crate) async fn drain(&mut self) {
        self.stream.catch_up(&self.gateway.client).await;
    }

    /// One entry for each call that the gateway shows: number, phone, call, state.
    async fn shown(&self) -> BTreeSet<String> {
        let lines = self.lines().await;
        let calls = self.client().list(&format!("/calls?pbx={}", self.pbx)).await.unwrap();
        let entry = |call: &Value| {
            let line = lines.iter().find(|line| line["id"] == call["line_id"]).unwrap();
            let at = usize::try_from(call["address"].as_u64().unwrap()).unwrap();
            let number = text(&line["addresses"][at], "/number");
            let parties = call["participants"].as_array().unwrap().iter();
            let is_in = call["state"] != "offering";
            let others = parties.filter(|party| is_in && party["state"] != "left").map(|party| text(party, "/raw"));
            format!(
                "{number} {} {} {}{}",
                text(line, "/device_id"),
                text(call, "/pbx_call_id"),
                class(text(call, "/state")),
                with(others.collect())
            )
        };
        let mut found: BTreeSet<String> = calls.iter().map(entry).collect();
        for line in &lines {
            let used = line["addresses"].as_array().unwrap().iter().filter(|address| address["remote_in_use"] == true);
            found.extend(used.map(|address| elsewhere(text(address, "/number"), text(line, "/device_id"))));
        }
        found
    }

    /// One entry for each connection at a monitored address.
    async fn real(&self) -> BTreeSet<String> {
        let truth = self.twin.truth();
        let mut found = BTreeSet::new();
        for line in self.lines().await {
            let device = text(&line, "/device_id");
            for address in line["addresses"].as_array().unwrap() {
                if address["monitor"]["state"] != "active" {
                    continue;
                }
                let number = text(address, "/number");
                for call in &truth.calls {
                    // A leg that fails at the called end is no call there.
                    let is_call = |leg: &LegTruth| leg.state != LegState::Fail || leg.role == Role::Calling;
                    let own = call
                        .legs
                        .iter()
                        .filter(|leg| leg.number == number && (device.is_empty() || leg.mac == device) && is_call(leg));
                    found.extend(own.map(|leg| {
                        // Who rings is in no conference yet: not every event tells a ringing phone who is in it.
                        let is_in = call.conference && leg.state != LegState::Alerting;
                        let others = call.legs.iter().filter(|other| is_in && *other != leg);
                        let others = with(others.map(|leg| leg.number.as_str()).collect());
                        format!("{number} {device} {} {}{others}", call.gcid, state(call, leg))
                    }));
                    let is_here = call.legs.iter().any(|leg| leg.number == number && leg.mac == device);
                    let is_there = |leg: &LegTruth| {
                        let talks = matches!(leg.state, LegState::Initiated | LegState::Connected | LegState::Hold);
                        leg.number == number && leg.mac != device && talks
                    };
                    if !device.is_empty() && !is_here && call.legs.iter().any(is_there) {
                        found.insert(elsewhere(number, device));
                    }
                }
            }
        }
        found
    }
}

/// The others of a conference.
fn with(mut numbers: Vec<&str>) -> String {
    numbers.sort_unstable();
    if numbers.is_empty() { String::new() } else { format!(" with {}", numbers.join(" ")) }
}

fn elsewhere(number: &str, device: &str) -> String {
    format!("{number} {device} is in use elsewhere")
}

fn state(call: &CallTruth, own: &LegTruth) -> &'static str {
    let others: Vec<&LegTruth> = call.legs.iter().filter(|leg| *leg != own).collect();
    let any = |state: LegState| others.iter().any(|leg| leg.state == state);
    match own.state {
        LegState::Initiated => "outgoing",
        LegState::Alerting => "offering",
        LegState::Hold => "on_hold",
        LegState::Fail => "failed",
        LegState::Connected if any(LegState::Fail) => "failed",
        LegState::Connected if call.conference => "conferenced",
        LegState::Connected if any(LegState::Connected) => "connected",
        LegState::Connected if any(LegState::Hold) => "remote_held",
        LegState::Connected if own.role == Role::Calling || any(LegState::Alerting) => "outgoing",
        LegState::Connected => "connected",
    }
}

/// States that the truth does not tell apart.
fn class(state: &str) -> &str {
    match state {
        "dial_tone" | "dialing" | "proceeding" | "ringback" => "outgoing",
        "busy" => "failed",
        other => other,
    }
}
