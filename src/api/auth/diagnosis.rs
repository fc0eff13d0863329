//! What may be seen of the inside: the protocol trace, the support bundle.

use super::super::problem::Problem;
use super::permission::{Admin, Reader};
use crate::service::trace::{TraceItem, TraceQuery};
use crate::store::Scope;

impl Reader {
    /// Steps of the protocol trace, and whether more follow; of a limited token those of its lines.
    ///
    /// # Errors
    /// What the service refuses; 404 for what is not visible; numbers are for administrators alone.
    pub(in crate::api) async fn trace(&self, query: TraceQuery) -> Result<(Vec<TraceItem>, bool), Problem> {
        let principal = self.principal();
        if query.full {
            principal.require(Scope::Admin)?;
            if principal.lines.is_some() {
                return Err(Problem::new(
                    "forbidden",
                    "A credential that is limited to some lines sees no numbers here.",
                )
                .hint("Leave out numbers=full, or use an admin token without a list of lines."));
            }
        }
        self.exists(&query)?;
        let visible = principal.lines.as_ref().map(|lines| lines.iter().cloned().collect());
        Ok(self.state().gateway().trace(TraceQuery { visible, ..query }).await?)
    }

    fn exists(&self, query: &TraceQuery) -> Result<(), Problem> {
        let seen = self.seen();
        query.pbx.as_ref().map(|pbx| seen.pbx(pbx)).transpose()?;
        query.line.as_ref().map(|line| seen.line(line)).transpose()?;
        Ok(())
    }
}

impl Admin {
    /// The SIP messages of the trace as a capture file.
    ///
    /// # Errors
    /// What the service refuses; 404 for what does not exist.
    pub(in crate::api) async fn capture(&self, query: TraceQuery) -> Result<Vec<u8>, Problem> {
        self.exists(&query)?;
        Ok(self.state().gateway().capture(query).await?)
    }

    /// The support bundle.
    ///
    /// # Errors
    /// When it cannot be packed.
    pub(in crate::api) async fn support_bundle(&self) -> Result<Vec<u8>, Problem> {
        let about = self.state().settings().about.as_ref().map(|about| about()).unwrap_or_default();
        Ok(self.state().gateway().support_bundle(about).await?)
    }
}
