//! What a link has learned about its PBX, and what was last told of it.

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;

use super::net::sentence as capital;
use crate::axl::inventory::Support;
use crate::csta::{CstaFeatures, Service, ServiceCapability};
use crate::domain::{PbxState, PbxStatus, Timestamp};
use crate::store::PbxRow;

/// What is known about the capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Features {
    NotAsked,
    Asked,
    /// The answer; `None` when the PBX gave none.
    Known(Option<Box<CstaFeatures>>),
}

/// Memory of a link.
pub(super) struct Report {
    /// What was last published.
    pub(super) status: PbxStatus,
    pub(super) json: Bytes,
    pub(super) invites: u64,
    features: Features,
    cannot: HashSet<Service>,
    /// Whether a participant can be taken out of a conference (U-16); `None` while nobody has tried.
    remove_party: Option<bool>,
    /// The services that are assumed while the PBX has not named its own; `None` for all.
    assumed: Option<HashSet<Service>>,
    pub(super) version: Option<String>,
    /// Why this release cannot be used.
    pub(super) unsupported: Option<String>,
    pub(super) restarted_at: Option<Timestamp>,
    pub(super) is_due: bool,
}

impl Report {
    pub(super) fn new(row: &PbxRow, at: Timestamp) -> Self {
        let state = if row.settings.enabled { PbxState::Connecting } else { PbxState::Disabled };
        let status = PbxStatus::initial(state, at);
        Self {
            json: super::status::pbx_json(row, &status),
            status,
            invites: 0,
            features: Features::NotAsked,
            cannot: HashSet::new(),
            remove_party: None,
            assumed: row.settings.dialect().assumed_services(),
            version: None,
            unsupported: None,
            restarted_at: None,
            is_due: true,
        }
    }

    /// Other settings assume other services.
    pub(super) fn assume(&mut self, services: Option<HashSet<Service>>) {
        self.assumed = services;
    }

    /// Whether the capabilities shall be asked for; yes only once.
    pub(super) fn wants_features(&mut self) -> bool {
        let wants = self.features == Features::NotAsked;
        if wants {
            self.features = Features::Asked;
        }
        wants
    }

    pub(super) fn features(&mut self, features: Option<CstaFeatures>) {
        self.features = Features::Known(features.filter(|features| !features.is_empty()).map(Box::new));
    }

    /// The PBX may be another release after it started anew.
    pub(super) fn restarted(&mut self, at: Timestamp) {
        self.forget();
        self.restarted_at = Some(at);
    }

    /// What was found out about the capabilities is found out anew.
    pub(super) fn forget(&mut self) {
        self.features = Features::NotAsked;
        self.cannot.clear();
        self.remove_party = None;
    }

    /// A participant was taken out of a conference, or the PBX does not do that. Says whether that is news.
    pub(super) fn removes_parties(&mut self, can: bool) -> bool {
        self.remove_party.replace(can) != Some(can)
    }

    /// Whether participants can be taken out of conferences, where it was tried.
    pub(super) fn can_remove_parties(&self) -> Option<bool> {
        self.remove_party
    }

    /// Whether the PBX has told what it can, or gave no answer to the question.
    pub(super) fn has_features(&self) -> bool {
        matches!(self.features, Features::Known(_))
    }

    /// The PBX refused this service as one that it does not know. Says whether that is news.
    pub(super) fn cannot(&mut self, service: Service) -> bool {
        self.cannot.insert(service)
    }

    /// Whether the PBX refused a service, whatever it says about itself.
    pub(super) fn has_refused(&self, service: Service) -> bool {
        self.cannot.contains(&service)
    }

    /// Whether a service is worth a try.
    pub(super) fn may_use(&self, service: Service) -> bool {
        !self.cannot.contains(&service) && self.stated(service) != Some(false)
    }

    fn stated(&self, service: Service) -> Option<bool> {
        let Features::Known(Some(features)) = &self.features else {
            let assumed = self.assumed.as_ref()?;
            return (!assumed.contains(&service)).then_some(false);
        };
        let capability = match service {
            Service::MakeCall => ServiceCapability::MakeCall,
            Service::AnswerCall => ServiceCapability::AnswerCall,
            Service::ClearConnection => ServiceCapability::ClearConnection,
            Service::HoldCall => ServiceCapability::HoldCall,
            Service::RetrieveCall => ServiceCapability::RetrieveCall,
            Service::GetForwarding => ServiceCapability::GetForwarding,
            Service::GetDoNotDisturb => ServiceCapability::GetDoNotDisturb,
            Service::SetForwarding => ServiceCapability::SetForwarding,
            Service::SetDoNotDisturb => ServiceCapability::SetDoNotDisturb,
            Service::SnapshotDevice => ServiceCapability::SnapshotDevice,
            Service::SnapshotCall => ServiceCapability::SnapshotCall,
            Service::GetLogicalDeviceInformation => ServiceCapability::GetLogicalDeviceInformation,
            Service::SingleStepConferenceCall => ServiceCapability::SingleStepConference,
            Service::DeflectCall => ServiceCapability::DeflectCall,
            Service::SingleStepTransferCall => ServiceCapability::SingleStepTransfer,
            Service::ConsultationCall => ServiceCapability::ConsultationCall,
            Service::AlternateCall => ServiceCapability::AlternateCall,
            Service::ReconnectCall => ServiceCapability::ReconnectCall,
            Service::TransferCall => ServiceCapability::TransferCall,
            Service::ConferenceCall => ServiceCapability::ConferenceCall,
            Service::DialDigits => ServiceCapability::DialDigits,
            Service::GenerateDigits => ServiceCapability::GenerateDigits,
            _ => return None,
        };
        Some(features.supports(capability))
    }

    /// Whether a ringing call may be cleared (U-18): only when the PBX says so.
    pub(super) fn may_clear_alerting(&self) -> bool {
        match &self.features {
            Features::Known(Some(features)) => {
                features.refinement(ServiceCapability::ClearConnection, "alerting") == Some(true)
            }
            _ => false,
        }
    }

    /// `yes`, `no`, `emulated` or `unknown` for each operation.
    pub(super) fn capabilities(&self) -> BTreeMap<String, String> {
        use Service as S;
        // An operation, its service, and the services that stand in for it.
        let table: [(&str, S, &[S]); 18] = [
            ("dial", S::MakeCall, &[]),
            ("answer", S::AnswerCall, &[]),
            ("drop", S::ClearConnection, &[]),
            ("hold", S::HoldCall, &[]),
            ("retrieve", S::RetrieveCall, &[]),
            ("redirect", S::DeflectCall, &[]),
            ("blind_transfer", S::SingleStepTransferCall, &[S::TransferCall]),
            ("consult", S::ConsultationCall, &[S::HoldCall, S::MakeCall]),
            ("swap", S::AlternateCall, &[S::HoldCall, S::RetrieveCall]),
            ("complete_transfer", S::TransferCall, &[]),
            ("complete_conference", S::ConferenceCall, &[]),
            ("add_to_conference", S::ConferenceCall, &[]),
            ("dial_tone", S::DialDigits, &[S::MakeCall]),
            ("digits", S::GenerateDigits, &[]),
            ("forwarding", S::SetForwarding, &[]),
            ("do_not_disturb", S::SetDoNotDisturb, &[]),
            ("reconnect", S::ReconnectCall, &[S::ClearConnection, S::RetrieveCall]),
            ("snapshot", S::SnapshotDevice, &[S::SnapshotCall]),
        ];
        table
            .into_iter()
            .map(|(name, service, others)| {
                let is_missing = self.cannot.contains(&service) || self.stated(service) == Some(false);
                let can_stand_in = !others.is_empty() && others.iter().all(|other| self.may_use(*other));
                let word = match (is_missing, self.stated(service)) {
                    (true, _) if can_stand_in => "emulated",
                    (true, _) => "no",
                    (false, Some(_)) => "yes",
                    (false, None) => "unknown",
                };
                (name.to_owned(), word.to_owned())
            })
            .collect()
    }

    /// What a load says about the release.
    pub(super) fn release(&mut self, inventory: &crate::axl::Inventory) {
        self.version = inventory.global.as_ref().and_then(|global| global.version.clone());
        self.unsupported = match inventory.support() {
            Support::Refused { sentence } | Support::InventoryOnly { sentence } => Some(capital(&sentence)),
            Support::Full(_) | Support::Unknown => None,
        };
    }
}
