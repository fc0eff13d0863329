//! What a reader may see of the past: the journal of calls, cut down to the lines of its token.

use super::super::problem::Problem;
use super::Reader;
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
}
