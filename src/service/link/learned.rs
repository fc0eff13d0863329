//! What was learned about a PBX's dialect, kept over restarts.
//!
//! A learned setting is the first that is tried, not the only one: the configured one and its alternatives follow, and
//! what works then takes its place. A setting that a person wrote is never replaced by a learned one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Reply;
use super::seat::Phase;
use super::status::pbx_json;
use super::task::LinkTask;
use super::trials::Trials;
use crate::service::gateway::Written;
use crate::service::journal::Actor;
use crate::service::pbx::{Dialect, PbxSettings};
use crate::store::{PbxRow, Store, StoreError};

/// Settings of the dialect by their dotted keys.
pub(in crate::service) type Settings = BTreeMap<String, Value>;

/// The memory of one link.
#[derive(Debug, Default)]
pub(super) struct Learned {
    /// What the dialect in use was seeded with.
    seed: Settings,
    /// What the store has.
    kept: Settings,
    /// Store and truth may differ.
    is_due: bool,
}

impl Learned {
    /// What earlier runs stored for a PBX.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn restore(row: &PbxRow, store: &Store) -> Result<Self, StoreError> {
        let text = store.setting(&key(row)).await?.unwrap_or_default();
        // What an other release wrote and nobody can read any more is learned anew.
        let kept: Settings = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { seed: kept.clone(), kept, is_due: false })
    }

    /// What the link begins with.
    pub(super) fn seed(&self) -> &Settings {
        &self.seed
    }

    /// The dialect to begin with.
    pub(super) fn dialect(&self, settings: &PbxSettings) -> Dialect {
        effective(settings, &self.seed)
    }
}

fn key(row: &PbxRow) -> String {
    key_of(row.id.as_str())
}

/// Under which key the store keeps it.
pub(in crate::service) fn key_of(pbx: &str) -> String {
    format!("dialect.learned/{pbx}")
}

/// The keys that a person wrote, nested ones as dotted ones.
fn written(map: &Settings) -> BTreeSet<String> {
    fn walk(prefix: &str, value: &Value, out: &mut BTreeSet<String>) {
        match value {
            Value::Object(inner) => inner.iter().for_each(|(key, value)| walk(&format!("{prefix}.{key}"), value, out)),
            // A wish to learn is no setting.
            Value::String(word) if word == "learn" => {}
            _ => {
                out.insert(prefix.to_owned());
            }
        }
    }
    let mut out = BTreeSet::new();
    map.iter().for_each(|(key, value)| walk(key, value, &mut out));
    out
}

/// The configured dialect with what was learned where a person wrote nothing.
fn effective(settings: &PbxSettings, learned: &Settings) -> Dialect {
    let configured = settings.dialect();
    let by_hand = written(&settings.dialect);
    let mut merged = settings.dialect.clone();
    merged.extend(learned.iter().filter(|(key, _)| !by_hand.contains(*key)).map(|(key, v)| (key.clone(), v.clone())));
    // A release that knows fewer settings or values than the one that stored them leaves these out.
    let Ok(mut dialect) = Dialect::from_differences(&merged) else {
        let mut fewer = learned.clone();
        fewer.retain(|key, value| Dialect::from_differences(&BTreeMap::from([(key.clone(), value.clone())])).is_ok());
        return if fewer.len() < learned.len() { effective(settings, &fewer) } else { configured };
    };
    if dialect.invite.from_user != configured.invite.from_user {
        // The configured identity stays in the order, after the learned one.
        let learned = dialect.invite.from_user.clone();
        let fallback = &mut dialect.invite.from_user_fallback;
        fallback.retain(|other| *other != learned);
        fallback.insert(0, configured.invite.from_user);
    }
    // What the PBX is heard to use now counts more than what it used before: the trials know both.
    dialect.csta.namespace = configured.csta.namespace;
    dialect
}

impl LinkTask {
    /// What is in use and was not configured.
    pub(super) fn learned(&self) -> Settings {
        let mut learned = self.learned.seed.clone();
        learned.extend(self.trials.learned(&self.dialect));
        if learned.is_empty() {
            return learned;
        }
        let configured = self.row.settings.dialect();
        learned.retain(|key, value| {
            let mut with = self.row.settings.dialect.clone();
            with.insert(key.clone(), value.clone());
            Dialect::from_differences(&with).is_ok_and(|with| with != configured)
        });
        learned
    }

    /// The part of it that outlives this run: what a person wrote is tried first again the next time.
    fn to_keep(&self) -> Settings {
        let by_hand = written(&self.row.settings.dialect);
        let mut learned = self.learned();
        learned.retain(|key, _| !by_hand.contains(key));
        learned
    }

    /// Something was perhaps learned, or unlearned.
    pub(super) fn learned_changed(&mut self) {
        self.learned.is_due = true;
    }

    /// Stores what was learned since. A failure costs nothing but the same trials after the next start.
    pub(super) async fn keep_learned(&mut self) {
        // A PBX that is removed leaves nothing; a link that stops keeps what it learned last.
        let is_removed = self.is_done && self.shutdown.is_none();
        if is_removed || !(std::mem::take(&mut self.learned.is_due) || self.is_done) {
            return;
        }
        let learned = self.to_keep();
        if learned == self.learned.kept {
            return;
        }
        let text = (!learned.is_empty()).then(|| serde_json::to_string(&learned).unwrap_or_default());
        match self.around.store.remember(&key(&self.row), text.as_deref()).await {
            Ok(()) => {
                let keys: Vec<&str> = learned.keys().map(String::as_str).collect();
                tracing::info!(link.name = %self.row.settings.name, learned = keys.join(" "), "what was learned about the dialect is stored");
                self.learned.kept = learned;
            }
            Err(error) => tracing::warn!(%error, "what was learned about the dialect cannot be stored"),
        }
    }

    /// Begins the trials anew, from what was learned by now: the settings changed, or the PBX is another one.
    pub(super) fn try_anew(&mut self) {
        let learned = self.to_keep();
        self.begin_with(learned);
    }

    /// Takes settings as learned.
    fn begin_with(&mut self, learned: Settings) {
        self.learned.seed = learned;
        self.dialect = self.learned.dialect(&self.row.settings);
        self.trials = Trials::knowing(&self.learned.seed);
        self.report.assume(self.dialect.assumed_services());
        for seat in self.seats.values_mut() {
            seat.from_attempt = 0;
            seat.device_attempt = 0;
            seat.learned_device = None;
        }
        self.learned.is_due = true;
        self.status_changed();
    }

    /// Another router: what was learned says nothing about it.
    pub(super) fn unlearn(&mut self) {
        self.begin_with(Settings::new());
        self.report.forget();
        self.offer_actions();
    }

    /// No line could be opened since the start although every form was tried: what was learned may be what is wrong.
    pub(super) fn doubt_learned(&mut self, status: Option<u16>) {
        let is_form = matches!(status, Some(400 | 403 | 404 | 415 | 484 | 485 | 488 | 604));
        let all_failed = || self.seats.values().all(|seat| matches!(seat.phase, Phase::Off | Phase::Waiting));
        if is_form && !self.learned.seed.is_empty() && !self.trials.has_identity_worked() && all_failed() {
            tracing::warn!(link.name = %self.row.settings.name, "what was learned about the dialect works no more and is forgotten");
            self.unlearn();
        }
    }

    /// A person wants it forgotten: everything is tried anew, over new connections.
    pub(super) fn forget_learned(&mut self, actor: Actor, reply: Reply<Written>) {
        self.unlearn();
        self.talk_anew();
        self.tell_learned(actor, reply);
    }

    /// A person agreed to what a field test found out.
    pub(super) fn learn(&mut self, found: &Settings, actor: Actor, reply: Reply<Written>) {
        self.learned.seed.extend(found.iter().map(|(key, value)| (key.clone(), value.clone())));
        // Only what differs from the configuration, and is not written there.
        self.try_anew();
        self.tell_learned(actor, reply);
    }

    /// Responses come in the final answers although others were learned of.
    pub(super) fn responses_are_final(&mut self) {
        if self.learned.seed.remove("response.mode").is_some() {
            self.dialect = self.learned.dialect(&self.row.settings);
            self.status_changed();
        }
    }

    fn tell_learned(&mut self, actor: Actor, reply: Reply<Written>) {
        self.tell_status();
        self.report.json = pbx_json(&self.row, &self.report.status);
        let id = self.row.id.clone();
        self.outbox.pbx("pbx.updated", &id, self.report.json.clone(), vec!["status"], actor);
        let outcome = Ok((self.report.json.clone(), Some(self.row.version)));
        self.answer_written(reply, outcome);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn settings(dialect: Value) -> PbxSettings {
        PbxSettings { dialect: serde_json::from_value(dialect).unwrap(), ..PbxSettings::default() }
    }

    fn learned(value: Value) -> Settings {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_learned_identity_comes_first_and_the_configured_one_next() {
        let dialect = effective(&settings(json!({})), &learned(json!({"invite.from_user": "{number}"})));
        let order: Vec<String> = std::iter::once(&dialect.invite.from_user)
            .chain(&dialect.invite.from_user_fallback)
            .map(ToString::to_string)
            .collect();
        assert_eq!(order, ["{number}", "{number}_{mac}", "{register_id}"]);
    }

    #[test]
    fn what_a_person_wrote_wins_in_either_form() {
        for by_hand in [json!({"xml.declaration": "on"}), json!({"xml": {"declaration": "on"}})] {
            let learned = learned(json!({"xml.declaration": "off", "called.template": "{digits}"}));
            let dialect = effective(&settings(by_hand), &learned);
            assert_eq!(serde_json::to_value(dialect.xml.declaration).unwrap(), "on");
            assert_eq!(dialect.called.template.to_string(), "{digits}");
        }
    }

    #[test]
    fn what_another_release_stored_is_left_out() {
        let learned = learned(json!({"invite.colour": "red", "called.template": "{digits}"}));
        let dialect = effective(&settings(json!({})), &learned);
        assert_eq!(dialect.called.template.to_string(), "{digits}");
    }
}
