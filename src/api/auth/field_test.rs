//! What an administrator may do with field tests.

use std::time::Duration;

use super::super::problem::Problem;
use super::permission::Admin;
use crate::domain::PbxId;
use crate::service::gateway::Written;
use crate::service::probe::{ProbeRequest, ProbeView, Report};

impl Admin {
    /// Begins a field test.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn begin_probe(&self, id: &PbxId, wish: ProbeRequest) -> Result<ProbeView, Problem> {
        Ok(self.state().gateway().begin_probe(id, wish).await?)
    }

    /// A field test once it has changed.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::api) async fn probe_view(
        &self,
        id: &PbxId,
        after: Option<u64>,
        wait: Duration,
    ) -> Result<ProbeView, Problem> {
        Ok(self.state().gateway().probe_view(id, after, wait).await?)
    }

    /// Stops a field test.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::api) async fn stop_probe(&self, id: &PbxId) -> Result<(), Problem> {
        Ok(self.state().gateway().stop_probe(id).await?)
    }

    /// Goes on with a field test.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::api) fn continue_probe(&self, id: &PbxId) -> Result<(), Problem> {
        Ok(self.state().gateway().continue_probe(id)?)
    }

    /// The report of a field test.
    ///
    /// # Errors
    /// While it runs.
    pub(in crate::api) fn probe_report(&self, id: &PbxId) -> Result<Report, Problem> {
        Ok(self.state().gateway().probe_report(id)?)
    }

    /// Takes what a field test found out as learned.
    ///
    /// # Errors
    /// While it runs.
    pub(in crate::api) async fn learn_from_probe(&self, id: &PbxId) -> Result<Written, Problem> {
        Ok(self.state().gateway().learn_from_probe(&self.principal().caller(), id).await?)
    }
}
