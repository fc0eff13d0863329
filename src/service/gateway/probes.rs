//! Field tests: at most one at a PBX, kept after its end for its report.

use std::time::Duration;

use super::{Gateway, Outcome, parse_dial};
use crate::domain::PbxId;
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, Written};
use crate::service::journal::Actor;
use crate::service::link::LinkCommand;
use crate::service::probe::{self, Probe, ProbeRequest, ProbeView, Report};

impl Gateway {
    /// Begins a field test at a line of a PBX.
    ///
    /// # Errors
    /// A wrong value, a test that runs already, or a line that cannot be given away now.
    pub async fn begin_probe(&self, id: &PbxId, wish: ProbeRequest) -> Outcome<ProbeView> {
        check(&wish)?;
        let link = self.link(id)?;
        let probe = probe::start(&link, wish).await?;
        let view = probe.view(None, Duration::ZERO).await;
        // Only one can begin: the link has one line to give.
        self.probes().insert(id.clone(), probe);
        Ok(view)
    }

    fn probe(&self, id: &PbxId) -> Outcome<Probe> {
        self.link(id)?;
        self.probes().get(id).cloned().ok_or_else(|| ServiceError::not_found("field test"))
    }

    /// A field test as it is once it has changed since a version, or the time is over.
    ///
    /// # Errors
    /// When there is none.
    pub async fn probe_view(&self, id: &PbxId, after: Option<u64>, wait: Duration) -> Outcome<ProbeView> {
        Ok(self.probe(id)?.view(after, wait).await)
    }

    /// The person did what was asked, or does not want to wait for it.
    ///
    /// # Errors
    /// When there is no test.
    pub fn continue_probe(&self, id: &PbxId) -> Outcome<()> {
        self.probe(id)?.skip();
        Ok(())
    }

    /// Stops a test that runs, and waits until it has; its report stays.
    ///
    /// # Errors
    /// When there is no test.
    pub async fn stop_probe(&self, id: &PbxId) -> Outcome<()> {
        let probe = self.probe(id)?;
        probe.stop();
        probe.ended().await;
        Ok(())
    }

    /// What a test found out, with nobody in it.
    ///
    /// # Errors
    /// While it runs, or when there is none.
    pub fn probe_report(&self, id: &PbxId) -> Outcome<Report> {
        self.probe(id)?.report()
    }

    /// Takes what a test found out as learned.
    ///
    /// # Errors
    /// While it runs, or when there is none.
    pub async fn learn_from_probe(&self, caller: &Caller, id: &PbxId) -> Outcome<Written> {
        let probe = self.probe(id)?;
        let found = probe.learned()?;
        let actor = Actor::Token(caller.name.as_str().into());
        let written = self.link(id)?.ask(|reply| LinkCommand::Learn { found, actor, reply }).await?;
        probe.stored();
        Ok(written)
    }
}

fn check(wish: &ProbeRequest) -> Outcome<()> {
    let wrong = |pointer: &str, detail: &str| {
        Err(ServiceError::new(Code::InvalidValue, format!("This field test cannot be run. {detail}"))
            .with_hint("Correct the field and ask again.")
            .with_field(pointer, detail))
    };
    for (pointer, number) in
        [("/partner", &wish.partner), ("/third", &wish.third), ("/outside", &wish.outside), ("/invalid", &wish.invalid)]
    {
        if number.as_deref().is_some_and(|number| parse_dial(Some(number)).is_err()) {
            return wrong(pointer, "A number has digits, *, # and a leading +.");
        }
    }
    if wish.patience_s.is_some_and(|seconds| !(5..=600).contains(&seconds)) {
        return wrong("/patience_s", "From 5 to 600 seconds.");
    }
    if wish.steps.iter().flatten().any(|step| !(1..=16).contains(step)) {
        return wrong("/steps", "Steps are numbered from 1 to 16.");
    }
    Ok(())
}
