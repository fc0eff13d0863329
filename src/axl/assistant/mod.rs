//! The CSTA set-up of a router: what is there, what is missing, and the exact lines that mend it (section 10, the
//! manual's 2.6). Pure: an inventory goes in, findings and steps come out; nothing is sent from here.

mod check;
mod recipe;
mod running;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use check::{Evidence, assess};
pub use recipe::{Site, batches, cme_config, undo_of};
pub use running::Running;

/// The blocks of the set-up (section 10.1), in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// B1: CTI, the global call id, advanced mode, the SIP registrar.
    VoiceServiceVoip,
    /// B2: `mode cme`.
    VoiceRegisterGlobal,
    /// B3: the session server that we register as.
    SessionServer,
    /// B4: `cti watch` and `cti notify` of one directory number.
    EphoneDn,
    /// B5: authenticated registrations; optional, and never applied unless it is named.
    Authenticate,
}

impl Block {
    /// All of them, in their order.
    pub const ALL: [Self; 5] =
        [Self::VoiceServiceVoip, Self::VoiceRegisterGlobal, Self::SessionServer, Self::EphoneDn, Self::Authenticate];

    /// Its name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VoiceServiceVoip => "voice_service_voip",
            Self::VoiceRegisterGlobal => "voice_register_global",
            Self::SessionServer => "session_server",
            Self::EphoneDn => "ephone_dn",
            Self::Authenticate => "authenticate",
        }
    }

    /// The block with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|block| block.as_str() == text)
    }
}

/// What is known of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// As it should be.
    Ok,
    /// Something is missing.
    Missing,
    /// The router does not tell.
    Unknown,
}

/// A block as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The block.
    pub block: Block,
    /// What of it: the mode line, and for a directory number its number.
    pub subject: String,
    /// Tag of the ephone-dn or of the session server.
    pub tag: Option<u32>,
    /// The directory number.
    pub number: Option<String>,
    /// How it is.
    pub state: Known,
    /// Why, in a sentence.
    pub detail: String,
}

/// Lines that mend one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The block.
    pub block: Block,
    /// As in the finding.
    pub subject: String,
    /// As in the finding.
    pub tag: Option<u32>,
    /// As in the finding.
    pub number: Option<String>,
    /// The lines, from global configuration mode.
    pub commands: Vec<String>,
    /// The lines that take it back; empty where taking back would hit others.
    pub inverse: Vec<String>,
    /// What it means for others, before it happens.
    pub impact: String,
}

/// The whole picture of one router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Why this router is not touched; `None` when it may be.
    pub refusal: Option<String>,
    /// Each block.
    pub findings: Vec<Finding>,
    /// What would mend it, in the order in which it is applied; empty for a router that is not touched.
    pub plan: Vec<Step>,
}

#[cfg(test)]
mod tests;
