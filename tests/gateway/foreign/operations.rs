//! The sixteen operations of the documents (dossier 15a), each from idle phones to idle phones.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::lane::Lane;
use crate::kit::{PATIENCE, text};

/// As many for each lane.
pub(super) const OPERATIONS: [&str; 20] = [
    "dial",
    "dial without a number",
    "dial in parts",
    "dial a busy number",
    "hang up",
    "answer a waiting call",
    "hold and retrieve",
    "redirect",
    "blind transfer",
    "blind transfer of a held call",
    "complete as transfer",
    "complete as transfer while it rings",
    "set up transfer without a number",
    "swap",
    "complete as conference",
    "add to a conference",
    "remove from a conference",
    "abort a consultation",
    "send digits",
    "forwarding and do not disturb",
];

impl Lane<'_> {
    pub(super) async fn operate(&mut self, operation: &str) {
        match operation {
            "dial" => self.dials().await,
            "dial without a number" => self.dials_without_a_number().await,
            "dial in parts" => self.dials_in_parts().await,
            "dial a busy number" => self.dials_a_busy_number().await,
            "hang up" => self.hangs_up().await,
            "answer a waiting call" => self.answers_a_waiting_call().await,
            "hold and retrieve" => self.holds_and_retrieves().await,
            "redirect" => self.redirects().await,
            "blind transfer" => self.transfers_blind(false).await,
            "blind transfer of a held call" => self.transfers_blind(true).await,
            "complete as transfer" => self.transfers().await,
            "complete as transfer while it rings" => self.transfers_while_it_rings().await,
            "set up transfer without a number" => self.sets_up_without_a_number().await,
            "swap" => self.swaps().await,
            "complete as conference" => self.confers().await,
            "add to a conference" => self.adds_to_a_conference().await,
            "remove from a conference" => self.removes_from_a_conference().await,
            "abort a consultation" => self.aborts().await,
            "send digits" => self.sends_digits().await,
            "forwarding and do not disturb" => self.sets_features().await,
            other => panic!("no operation {other}"),
        }
        self.clear().await;
    }

    async fn dials(&mut self) {
        self.dial(0, &self.phones[1].clone()).await;
        self.has(0, "ringback").await;
        self.has(1, "offering").await;
        if self.is_over().await {
            return;
        }
        self.person("answer", 1).await;
        self.has(1, "connected").await;
        let call = self.has(0, "connected").await;
        assert_eq!(text(&call, "/called/raw"), self.number(1), "{call:#}");
        self.act(&call, "drop", json!({})).await;
        self.idle(1).await;
        // Over a trunk nothing rings; the far end answers some time. Each lane has its own far end.
        let outside = format!("0{}555", self.number(0));
        self.dial(0, &outside).await;
        // Where that was not told, no snapshot tells it from dialling.
        if self.site.loses_events() {
            self.settle("a trunk call").await;
        } else {
            self.has(0, "proceeding").await;
        }
        self.site.tell(&format!("lift {outside}")).await;
        let call = self.has(0, "connected").await;
        assert_eq!(text(&call, "/called/raw"), outside, "{call:#}");
    }

    async fn dials_without_a_number(&mut self) {
        let made = self.dial(0, "").await;
        let tone = self.has(0, "dial_tone").await;
        assert_eq!(made["id"], tone["id"]);
        if self.is_over().await {
            return;
        }
        let digits = self.number(1).to_owned();
        self.act(&tone, "dial", json!({"digits": digits})).await;
        let ringing = self.has(1, "offering").await;
        let call = self.has(0, "ringback").await;
        assert_eq!(text(&call, "/called/raw"), digits, "{call:#}");
        // Where digits cannot be dialled, the call in dial tone is replaced.
        assert_eq!(call["id"] == made["id"], self.site.quirk != "few_services", "{call:#}");
        self.act(&ringing, "answer", json!({})).await;
        self.has(0, "connected").await;
    }

    async fn dials_in_parts(&mut self) {
        self.dial(0, "").await;
        let tone = self.has(0, "dial_tone").await;
        let digits = self.number(1).to_owned();
        // Where they cannot be dialled at all, they are one number at once.
        let (first, last) = digits.split_at(if self.site.quirk == "few_services" { digits.len() } else { 2 });
        self.act(&tone, "dial", json!({"digits": first})).await;
        if self.is_over().await {
            return;
        }
        if !last.is_empty() {
            self.act(&tone, "dial", json!({"digits": last})).await;
        }
        let ringing = self.has(1, "offering").await;
        self.has(0, "ringback").await;
        self.act(&ringing, "answer", json!({})).await;
        self.has(0, "connected").await;
    }

    async fn dials_a_busy_number(&mut self) {
        let busy = self.number(1).to_owned();
        self.site.tell(&format!("busy {busy} on")).await;
        let made = self.dial(0, &busy).await;
        let call = self.has(0, "busy").await;
        assert_eq!(made["id"], call["id"]);
        self.site.tell(&format!("busy {busy} off")).await;
        if self.is_over().await {
            return;
        }
        self.act(&call, "drop", json!({})).await;
        self.idle(0).await;
    }

    async fn hangs_up(&mut self) {
        let rejects = self.site.quirk != "few_services";
        self.dial(0, &self.phones[1].clone()).await;
        let ringing = self.has(1, "offering").await;
        if rejects {
            self.act(&ringing, "drop", json!({})).await;
        } else {
            let call = self.has(0, "ringback").await;
            self.act(&call, "drop", json!({})).await;
        }
        self.idle(0).await;
        self.idle(1).await;
        self.talk(0, 1).await;
        if self.is_over().await {
            return;
        }
        let call = self.has(1, "connected").await;
        self.act(&call, "drop", json!({})).await;
        self.idle(0).await;
    }

    async fn answers_a_waiting_call(&mut self) {
        self.talk(0, 1).await;
        self.dial(2, &self.phones[1].clone()).await;
        let waiting = self.has(1, "offering").await;
        self.act(&waiting, "answer", json!({})).await;
        self.has(1, "on_hold").await;
        self.has(1, "connected").await;
        self.has(0, "remote_held").await;
        self.has(2, "connected").await;
        if self.is_over().await {
            return;
        }
        let active = self.has(1, "connected").await;
        self.act(&active, "drop", json!({})).await;
        self.idle(2).await;
    }

    async fn holds_and_retrieves(&mut self) {
        let call = self.talk(0, 1).await;
        self.act(&call, "hold", json!({})).await;
        self.has(0, "on_hold").await;
        let other = self.has(1, "remote_held").await;
        // Both hold, then one after the other takes it back.
        self.act(&other, "hold", json!({})).await;
        self.has(1, "on_hold").await;
        if self.is_over().await {
            return;
        }
        self.act(&call, "retrieve", json!({})).await;
        self.has(0, "remote_held").await;
        self.act(&other, "retrieve", json!({})).await;
        self.has(0, "connected").await;
        self.has(1, "connected").await;
    }

    async fn redirects(&mut self) {
        self.dial(0, &self.phones[1].clone()).await;
        let ringing = self.has(1, "offering").await;
        let to = self.number(2).to_owned();
        self.act(&ringing, "redirect", json!({"to": to})).await;
        self.idle(1).await;
        self.has(0, "ringback").await;
        let ringing = self.has(2, "offering").await;
        if self.is_over().await {
            return;
        }
        self.act(&ringing, "answer", json!({})).await;
        self.has(0, "connected").await;
        self.has(2, "connected").await;
    }

    async fn transfers_blind(&mut self, held: bool) {
        let mut call = self.talk(0, 1).await;
        if held {
            self.act(&call, "hold", json!({})).await;
            call = self.has(0, "on_hold").await;
        }
        let to = self.number(2).to_owned();
        self.act(&call, "blind-transfer", json!({"to": to})).await;
        let ringing = self.has(2, "offering").await;
        self.idle(0).await;
        if self.is_over().await {
            return;
        }
        self.act(&ringing, "answer", json!({})).await;
        let call = self.has(1, "connected").await;
        self.has(2, "connected").await;
        self.connected(&call, 2).await;
    }

    /// The call is with this phone; after lost events a snapshot says so.
    async fn connected(&mut self, call: &Value, phone: usize) {
        let path = format!("/calls/{}", text(call, "/id"));
        let began = Instant::now();
        loop {
            let call = self.site.gateway.client.get(&path).await.unwrap();
            // It may be written in full (dossier 9.2).
            if text(&call, "/connected/raw").ends_with(self.number(phone)) {
                return;
            }
            assert!(
                self.site.loses_events() && began.elapsed() < PATIENCE,
                "not with {}: {call:#}",
                self.number(phone)
            );
            self.look().await;
        }
    }

    async fn transfers(&mut self) {
        let (held, active) = self.consult().await;
        assert_eq!(active["consultation_of"], held["id"], "{active:#}");
        self.act(&active, "complete-transfer", json!({"with": held["id"], "mode": "transfer"})).await;
        self.idle(0).await;
        self.has(2, "connected").await;
        if self.is_over().await {
            return;
        }
        let call = self.has(1, "connected").await;
        self.connected(&call, 2).await;
        self.act(&call, "drop", json!({})).await;
        self.idle(2).await;
    }

    async fn transfers_while_it_rings(&mut self) {
        let call = self.talk(0, 1).await;
        let to = self.number(2).to_owned();
        self.act(&call, "consult", json!({"to": to})).await;
        self.has(2, "offering").await;
        let active = self.has(0, "ringback").await;
        self.act(&active, "complete-transfer", json!({})).await;
        self.idle(0).await;
        let ringing = self.has(2, "offering").await;
        if self.is_over().await {
            return;
        }
        self.act(&ringing, "answer", json!({})).await;
        self.has(1, "connected").await;
        self.has(2, "connected").await;
    }

    async fn sets_up_without_a_number(&mut self) {
        let call = self.talk(0, 1).await;
        self.act(&call, "consult", json!({})).await;
        self.has(0, "on_hold").await;
        let tone = self.has(0, "dial_tone").await;
        if self.is_over().await {
            return;
        }
        let digits = self.number(2).to_owned();
        self.act(&tone, "dial", json!({"digits": digits})).await;
        let ringing = self.has(2, "offering").await;
        self.act(&ringing, "answer", json!({})).await;
        let active = self.has(0, "connected").await;
        self.act(&active, "complete-transfer", json!({})).await;
        self.idle(0).await;
        self.has(1, "connected").await;
        self.has(2, "connected").await;
    }

    async fn swaps(&mut self) {
        let (held, active) = self.consult().await;
        self.act(&active, "swap", json!({"with": held["id"]})).await;
        self.has(2, "remote_held").await;
        self.has(1, "connected").await;
        let now = self.has(0, "connected").await;
        assert_eq!(now["id"], held["id"], "{now:#}");
        if self.is_over().await {
            return;
        }
        self.act(&held, "swap", json!({})).await;
        self.has(1, "remote_held").await;
        let now = self.has(0, "connected").await;
        assert_eq!(now["id"], active["id"], "{now:#}");
    }

    /// Phones 0, 1 and 2 confer; gives the call of the first.
    async fn conferring(&mut self) -> Value {
        let (held, active) = self.consult().await;
        self.act(&active, "complete-transfer", json!({"with": held["id"], "mode": "conference"})).await;
        self.has(1, "conferenced").await;
        self.has(2, "conferenced").await;
        self.has(0, "conferenced").await
    }

    async fn confers(&mut self) {
        self.conferring().await;
        let call = self.confers_with(0, 2).await;
        if self.is_over().await {
            return;
        }
        self.act(&call, "drop", json!({})).await;
        self.idle(0).await;
        self.has(1, "connected").await;
        self.has(2, "connected").await;
    }

    async fn adds_to_a_conference(&mut self) {
        let call = self.conferring().await;
        let to = self.number(3).to_owned();
        self.act(&call, "consult", json!({"to": to})).await;
        let ringing = self.has(3, "offering").await;
        self.act(&ringing, "answer", json!({})).await;
        let added = self.has(0, "connected").await;
        let held = self.has(0, "on_hold").await;
        self.act(&held, "add-to-conference", json!({"call": added["id"]})).await;
        for phone in 1..4 {
            self.has(phone, "conferenced").await;
        }
        self.confers_with(0, 3).await;
        if self.is_over().await {
            return;
        }
        // A person leaves.
        self.person("hang", 1).await;
        self.idle(1).await;
        self.has(3, "conferenced").await;
    }

    async fn removes_from_a_conference(&mut self) {
        self.conferring().await;
        let call = self.confers_with(0, 2).await;
        let is_third = |party: &&Value| text(party, "/raw").ends_with(self.number(2));
        let party = call["participants"].as_array().unwrap().iter().find(is_third).unwrap().clone();
        // However the router writes the number, it is a phone with a name, and its extension names it.
        assert_eq!(text(&party, "/name"), format!("Phone {}", self.number(2)), "{party:#}");
        let party = if self.site.quirk == "promoted" { json!(self.number(2)) } else { party["id"].clone() };
        self.act(&call, "remove-from-conference", json!({"party": party})).await;
        self.idle(2).await;
        self.has(0, "connected").await;
        if self.is_over().await {
            return;
        }
        let call = self.has(1, "connected").await;
        self.connected(&call, 0).await;
    }

    async fn aborts(&mut self) {
        let (held, active) = self.consult().await;
        self.act(&active, "drop", json!({})).await;
        self.idle(2).await;
        let back = self.has(0, "connected").await;
        assert_eq!(back["id"], held["id"], "{back:#}");
        self.has(1, "connected").await;
        // One that still rings, and one that never did.
        let to = self.number(3).to_owned();
        self.act(&back, "consult", json!({"to": to})).await;
        self.has(3, "offering").await;
        let active = self.has(0, "ringback").await;
        if self.is_over().await {
            return;
        }
        self.act(&active, "drop", json!({})).await;
        self.idle(3).await;
        let back = self.has(0, "connected").await;
        self.site.tell(&format!("busy {to} on")).await;
        self.act(&back, "consult", json!({"to": to})).await;
        let active = self.has(0, "busy").await;
        self.act(&active, "drop", json!({})).await;
        self.has(0, "connected").await;
        self.has(1, "connected").await;
        self.site.tell(&format!("busy {to} off")).await;
    }

    async fn sends_digits(&mut self) {
        let call = self.talk(0, 1).await;
        if self.site.quirk != "few_services" {
            self.act(&call, "digits", json!({"digits": "12#"})).await;
            let truth = self.site.tell("truth").await;
            let heard = json!([self.number(0), call["pbx_call_id"], "12#"]);
            assert!(truth["tones"].as_array().unwrap().contains(&heard), "{truth}");
        }
        self.is_over().await;
    }

    async fn sets_features(&mut self) {
        let client = &self.site.gateway.client;
        let to = self.number(1).to_owned();
        let (forwarding, quiet) =
            (format!("/lines/{}/forwarding", self.line(0)), format!("/lines/{}/do-not-disturb", self.line(0)));
        client.put(&forwarding, &json!({"unconditional": to})).await.unwrap();
        client.put(&quiet, &json!({"enabled": true})).await.unwrap();
        let truth = self.site.tell("truth").await;
        assert_eq!(truth["forward"][self.number(0)], json!(to));
        assert!(truth["quiet"].as_array().unwrap().contains(&json!(self.number(0))), "{truth}");
        assert_eq!(client.get(&forwarding).await.unwrap()["unconditional"], json!(to));
        assert_eq!(client.get(&quiet).await.unwrap()["enabled"], true);
        // It is true: who calls the one reaches the other.
        self.dial(2, &self.phones[0].clone()).await;
        self.has(1, "offering").await;
        self.has(2, "ringback").await;
        if self.is_over().await {
            return;
        }
        self.clear().await;
        let client = &self.site.gateway.client;
        client.put(&forwarding, &json!({"unconditional": null})).await.unwrap();
        client.put(&quiet, &json!({"enabled": false})).await.unwrap();
        let truth = self.site.tell("truth").await;
        assert!(truth["forward"][self.number(0)].is_null(), "{truth}");
        assert_eq!(client.get(&forwarding).await.unwrap()["unconditional"], Value::Null);
        assert_eq!(client.get(&quiet).await.unwrap()["enabled"], false);
        // Somebody does it at the phone.
        self.site.tell(&format!("forward {} {to}", self.number(0))).await;
        self.site.tell(&format!("quiet {} on", self.number(0))).await;
        self.until_features(0, &json!(to), true).await;
        self.site.tell(&format!("forward {} off", self.number(0))).await;
        self.site.tell(&format!("quiet {} off", self.number(0))).await;
        self.until_features(0, &Value::Null, false).await;
    }
}
