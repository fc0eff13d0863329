//! The CSTA assistant of a PBX.

use super::{Caller, Gateway, Outcome};
use crate::domain::PbxId;
use crate::service::assistant::{ApplyRequest, CstaApplied, CstaConfig, CstaEntry, OneTime};
use crate::service::link::{AssistantCommand, LinkCommand};

impl Gateway {
    /// What the router has of the set-up for CSTA, and the lines that would mend it.
    ///
    /// # Errors
    /// What the XML API refuses.
    pub async fn csta_config(&self, pbx: &PbxId) -> Outcome<CstaConfig> {
        self.link(pbx)?.ask(|reply| LinkCommand::Assistant(AssistantCommand::Look { reply })).await
    }

    /// Applies it block by block.
    ///
    /// # Errors
    /// A release that cannot be set up, a line that is not known, or a router that cannot be read. A block that the
    /// router refuses is no error: it stands in the results.
    pub async fn apply_csta_config(&self, caller: &Caller, pbx: &PbxId, request: ApplyRequest) -> Outcome<CstaApplied> {
        let caller = caller.clone();
        self.link(pbx)?.ask(|reply| LinkCommand::Assistant(AssistantCommand::Apply { request, caller, reply })).await
    }

    /// Takes back the directory numbers and the session server of the last apply.
    ///
    /// # Errors
    /// When there is nothing to take back, or the router cannot be read.
    pub async fn undo_csta_config(
        &self,
        caller: &Caller,
        pbx: &PbxId,
        save: bool,
        credentials: Option<OneTime>,
    ) -> Outcome<CstaApplied> {
        let caller = caller.clone();
        let command = |reply| LinkCommand::Assistant(AssistantCommand::Undo { save, credentials, caller, reply });
        self.link(pbx)?.ask(command).await
    }

    /// What was applied and taken back, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn csta_journal(&self, pbx: &PbxId) -> Outcome<Vec<CstaEntry>> {
        self.link(pbx)?.ask(|reply| LinkCommand::Assistant(AssistantCommand::Journal { reply })).await
    }
}
