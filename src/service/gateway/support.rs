//! The door to the support bundle: gathers what is known, and has the doctor look at every PBX.

use std::time::Duration;

use serde_json::{Value, json};

use super::Gateway;
use crate::domain::PbxId;
use crate::service::doctor::Diagnosis;
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Outcome;
use crate::service::journal::wall_clock;
use crate::service::support::{About, Sources, pack};

/// The doctor may take so long; a bundle without his report is better than none.
const DOCTOR: Duration = Duration::from_secs(30);

impl Gateway {
    /// The support bundle as a gzipped tar.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub async fn support_bundle(&self, about: About) -> Outcome<Vec<u8>> {
        let ids: Vec<PbxId> = self.links().keys().cloned().collect();
        let doctor =
            futures_util::future::join_all(ids.iter().map(async |id| (id.to_string(), self.examined(id).await)));
        let doctor = doctor.await;
        let view = self.inner.journal.view();
        let read = |json: &bytes::Bytes| serde_json::from_slice::<Value>(json).ok();
        let sources = Sources {
            at: wall_clock(),
            about,
            known: self.known_to_trace(),
            pbxs: view.pbxs.values().filter_map(read).collect(),
            lines: view.lines.values().filter_map(|line| read(&line.json)).collect(),
            calls: view.calls.values().filter_map(|call| read(&call.json)).collect(),
            store: self.store_facts(),
            doctor,
            trace: self.inner.trace.clone(),
        };
        let packed = tokio::task::spawn_blocking(move || pack(sources)).await;
        packed.map_err(|error| unpacked(&error))?.map_err(|error| unpacked(&error))
    }

    async fn examined(&self, id: &PbxId) -> Result<Diagnosis, String> {
        match tokio::time::timeout(DOCTOR, self.diagnose(id, None)).await {
            Ok(report) => report.map_err(|error| error.to_string()),
            Err(_) => Err(format!("the checks took longer than {} s", DOCTOR.as_secs())),
        }
    }

    fn store_facts(&self) -> Value {
        let journal = self.journal();
        let position = journal.position();
        let size = |name: &str| std::fs::metadata(self.store().folder().join(name)).map(|file| file.len()).ok();
        json!({
            "schema": crate::store::schema(),
            "position": position.to_string(),
            "oldest_event": journal.oldest(),
            "bytes": {"database": size("linegate.db"), "write_ahead_log": size("linegate.db-wal")},
        })
    }
}

fn unpacked(error: &dyn std::error::Error) -> ServiceError {
    tracing::error!(%error, "the support bundle cannot be packed");
    ServiceError::new(Code::StorageFailed, "The support bundle cannot be packed.").with_hint("The log has the cause.")
}
