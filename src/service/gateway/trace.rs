//! The door to the protocol trace.

use serde::Deserialize;

use super::Gateway;
use crate::domain::PbxId;
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::Outcome;
use crate::service::trace::{Known, TraceItem, TraceQuery, Unfound, capture, ladder};

impl Gateway {
    /// Steps of the protocol trace, and whether more follow.
    ///
    /// # Errors
    /// When nothing is kept, or the call is not in what is kept.
    pub async fn trace(&self, query: TraceQuery) -> Outcome<(Vec<TraceItem>, bool)> {
        self.is_traced()?;
        let trace = self.inner.trace.clone();
        let known = if query.full { Known::default() } else { self.known_to_trace() };
        let read = tokio::task::spawn_blocking(move || ladder(&trace, &query, &known));
        read.await.map_err(failed)?.map_err(unfound)
    }

    /// The SIP messages of the trace as a capture file, with numbers and without credentials.
    ///
    /// # Errors
    /// As [`Gateway::trace`].
    pub async fn capture(&self, query: TraceQuery) -> Outcome<Vec<u8>> {
        self.is_traced()?;
        let trace = self.inner.trace.clone();
        let read = tokio::task::spawn_blocking(move || capture(&trace, &query));
        read.await.map_err(failed)?.map_err(unfound)
    }

    fn is_traced(&self) -> Outcome<()> {
        if self.inner.trace.is_on() {
            return Ok(());
        }
        Err(ServiceError::new(Code::NotAvailableHere, "No trace is kept.")
            .with_hint("Set trace.buffer_mib above 0 and start the gateway again."))
    }

    /// What is hidden in a trace wherever it stands; other numbers and names are told by their form.
    pub(super) fn known_to_trace(&self) -> Known {
        #[derive(Deserialize)]
        struct Pbx {
            name: String,
            host: String,
            axl: User,
            sip: User,
        }
        #[derive(Deserialize)]
        struct User {
            #[serde(default)]
            username: Option<String>,
        }
        let view = self.inner.journal.view();
        let mut known = Known::default();
        for pbx in view.pbxs.values().filter_map(|json| serde_json::from_slice::<Pbx>(json).ok()) {
            known.names.push(pbx.name);
            known.hosts.push(pbx.host);
            known.names.extend([pbx.axl.username, pbx.sip.username].into_iter().flatten());
        }
        for line in view.lines.values() {
            known.names.push(line.value.name.clone());
            known.numbers.extend(line.value.addresses.iter().map(|address| address.number.clone()));
        }
        known
    }

    /// A deleted PBX leaves no trace.
    pub(super) fn forget_trace(&self, pbx: &PbxId) {
        self.inner.trace.forget(pbx);
    }
}

fn unfound(_: Unfound) -> ServiceError {
    ServiceError::new(Code::NotFound, "The trace knows no such call.").with_hint(
        "It holds the last messages only, since the start of the gateway; trace.buffer_mib makes room for more.",
    )
}

fn failed(error: tokio::task::JoinError) -> ServiceError {
    tracing::error!(%error, "the trace cannot be read");
    ServiceError::new(Code::StorageFailed, "The trace cannot be read.").with_hint("The log has the cause.")
}
