//! What a reader may see of the past: the journal of calls, cut down to the lines of its token.

use serde_json::Value;

use super::super::problem::Problem;
use super::Reader;
use crate::domain::PbxId;
use crate::service::gateway::Replay;
use crate::store::{BlindQuery, FinishedQuery, StoredBlind, StoredFinished};

impl Reader {
    /// Finished calls, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn finished_calls(&self, wanted: FinishedQuery) -> Result<Vec<StoredFinished>, Problem> {
        let lines = self.principal().lines.as_ref();
        let visible = lines.map(|lines| lines.iter().map(|line| line.as_str().to_owned()).collect());
        let wanted = FinishedQuery { visible, ..wanted };
        Ok(self.state().gateway().store().finished_calls(&wanted).await?)
    }

    /// Times in which PBXs were not seen, newest first; of a limited token those of its lines' PBXs.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn blind_times(&self, wanted: BlindQuery) -> Result<Vec<StoredBlind>, Problem> {
        let is_limited = self.principal().lines.is_some();
        let visible = is_limited.then(|| self.seen().pbxs().map(|(id, _)| id.as_str().to_owned()).collect());
        let wanted = BlindQuery { visible, ..wanted };
        Ok(self.state().gateway().store().blind_times(&wanted).await?)
    }

    /// What number rules would have made of the last calls that the token may see.
    ///
    /// # Errors
    /// What the service refuses; 404 for a PBX that is not visible.
    pub(in crate::api) async fn replay_number_rules(&self, pbx: &PbxId, body: Value) -> Result<Replay, Problem> {
        self.seen().pbx(pbx)?;
        Ok(self.state().gateway().replay_number_rules(&self.principal().caller(), pbx, body).await?)
    }
}
