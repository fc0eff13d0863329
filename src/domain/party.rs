//! The parties of a call.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::PartyId;

/// Whether a number may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presentation {
    /// The number is known.
    Available,
    /// The party withholds it.
    Restricted,
    /// The PBX does not tell.
    #[default]
    Unknown,
}

/// A party as one line sees it (api.md, "Calls").
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// The number by the rules of the PBX; `null` when unknown or withheld, empty when a rule hides it.
    pub number: Option<String>,
    /// What the PBX sent, without scheme and parameters.
    pub raw: Option<String>,
    /// E.164, where it can be known.
    pub e164: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Whether the number may be shown.
    pub presentation: Presentation,
}

/// What a participant of a conference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    /// Speaks.
    Connected,
    /// Was put on hold.
    OnHold,
    /// Is being called.
    Ringing,
    /// Has left.
    Left,
}

/// Another party of a conference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    /// Its id, stable while the conference lasts.
    pub id: PartyId,
    /// Formatted number.
    pub number: Option<String>,
    /// What the PBX sent.
    pub raw: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// What it does.
    pub state: ParticipantState,
}

impl Participant {
    /// A party that has just come in and speaks.
    pub fn joining(id: PartyId, party: Party) -> Self {
        Self { id, number: party.number, raw: party.raw, name: party.name, state: ParticipantState::Connected }
    }

    /// The same as the party of a call of two.
    pub fn party(&self) -> Party {
        Party {
            number: self.number.clone(),
            raw: self.raw.clone(),
            name: self.name.clone(),
            presentation: if self.raw.is_some() { Presentation::Available } else { Presentation::Unknown },
            ..Party::default()
        }
    }
}
