//! The person at the phone: asked in a sentence, waited for with a limit, free to skip.

use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

use super::script::{Halt, Script};
use crate::csta::{Event, Message, decode};
use crate::service::link::ProbeNews;

/// How often is looked whether anybody still follows.
const GLANCE: Duration = Duration::from_secs(5);
const PATIENCE: u16 = 90;

/// What a person is asked to do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Prompt {
    /// A word for programs that play the person: `call_line`, `answer`, `hold` …
    pub act: String,
    /// The sentence for people.
    pub text: String,
    /// The phone at which it is done: `line`, `partner`, `third`, `other` or `host`.
    pub at: String,
    /// Seconds left.
    pub seconds_left: u64,
    #[serde(skip)]
    until: Instant,
}

impl Prompt {
    pub(super) fn new(act: &str, at: &str, text: String, patience: Duration) -> Self {
        let until = Instant::now() + patience;
        Self { act: act.to_owned(), at: at.to_owned(), text, seconds_left: patience.as_secs(), until }
    }

    pub(super) fn count_down(&mut self) {
        self.seconds_left = self.until.saturating_duration_since(Instant::now()).as_secs();
    }
}

impl Script {
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(u64::from(self.wish.patience_s.unwrap_or(PATIENCE)))
    }

    /// Asks a person for an act and waits for what the PBX then tells.
    pub(super) async fn person(
        &mut self,
        act: (&str, &str),
        text: String,
        is_it: impl Fn(&Event<'static>) -> bool,
    ) -> Result<Option<Event<'static>>, Halt> {
        let patience = self.patience();
        self.person_within(act, text, patience, is_it).await
    }

    pub(super) async fn person_within(
        &mut self,
        (act, at): (&str, &str),
        text: String,
        patience: Duration,
        is_it: impl Fn(&Event<'static>) -> bool,
    ) -> Result<Option<Event<'static>>, Halt> {
        self.prompt(act, at, text, patience);
        let came = self.until(patience, true, is_it).await;
        self.probe.change(|view| view.prompt = None);
        let came = came?;
        if came.is_none() {
            self.not_run(format!("The PBX told nothing of “{act}” at the {at}, or it was passed over."));
        }
        Ok(came)
    }

    /// As [`Script::person`]; the end of the session is an answer too: `Some(None)`.
    pub(super) async fn person_or_end(
        &mut self,
        act: (&str, &str),
        text: String,
        patience: Duration,
        is_it: impl Fn(&Event<'static>) -> bool,
    ) -> Result<Option<Option<Event<'static>>>, Halt> {
        self.prompt(act.0, act.1, text, patience);
        self.ends_wait = true;
        let came = self.until(patience, true, is_it).await;
        self.ends_wait = false;
        self.probe.change(|view| view.prompt = None);
        match came? {
            Some(event) => Ok(Some(Some(event))),
            None if self.session.is_none() => Ok(Some(None)),
            None => {
                self.not_run(format!("The PBX told nothing of “{}” at the {}, or it was passed over.", act.0, act.1));
                Ok(None)
            }
        }
    }

    /// Asks a person for nothing but patience; an event that comes meanwhile ends it.
    pub(super) async fn pause(
        &mut self,
        (act, at): (&str, &str),
        text: String,
        limit: Duration,
    ) -> Result<Option<Event<'static>>, Halt> {
        self.prompt(act, at, text, limit);
        let came = self.until(limit, true, |_| true).await;
        self.probe.change(|view| view.prompt = None);
        came
    }

    /// Asks a person for an act that the PBX does not tell here; the person says when it is done.
    pub(super) async fn person_says(&mut self, act: (&str, &str), text: String) -> Result<bool, Halt> {
        let patience = self.patience();
        self.person_says_within(act, text, patience).await
    }

    pub(super) async fn person_says_within(
        &mut self,
        (act, at): (&str, &str),
        text: String,
        patience: Duration,
    ) -> Result<bool, Halt> {
        let skips = *self.probe.0.skips.borrow();
        self.prompt(act, at, format!("{text} Then press Enter."), patience);
        let came = self.until(patience, true, |_| false).await;
        self.probe.change(|view| view.prompt = None);
        came?;
        let is_done = *self.probe.0.skips.borrow() > skips;
        if !is_done {
            self.not_run(format!("Nobody said that “{act}” at the {at} is done."));
        }
        Ok(is_done)
    }

    fn prompt(&mut self, act: &str, at: &str, text: String, patience: Duration) {
        // Before anybody can see it: who is quick says that it is done before it is waited for.
        self.asked_at = Some(*self.probe.0.skips.borrow());
        let prompt = Prompt::new(act, at, text, patience);
        self.probe.change(|view| view.prompt = Some(prompt));
    }

    /// Waits for an event; without one, `None` after the time or when somebody passes it over.
    pub(super) async fn until(
        &mut self,
        limit: Duration,
        may_skip: bool,
        is_it: impl Fn(&Event<'static>) -> bool,
    ) -> Result<Option<Event<'static>>, Halt> {
        let deadline = Instant::now() + limit;
        let mut stop = self.probe.0.stop.subscribe();
        let mut skips = self.probe.0.skips.subscribe();
        let now = *skips.borrow_and_update();
        let begun = self.asked_at.take().filter(|_| may_skip).unwrap_or(now);
        loop {
            while let Some(event) = self.queue.pop_front() {
                self.names.push(super::steps::name_of(&event.kind).to_owned());
                if is_it(&event) {
                    return Ok(Some(event));
                }
            }
            if self.session.is_none() && (!may_skip || self.ends_wait) {
                return Ok(None);
            }
            if self.probe.is_abandoned() {
                return Err(Halt::Abandoned);
            }
            let wait = deadline.min(Instant::now() + GLANCE);
            tokio::select! {
                news = self.news.recv() => self.take(news.ok_or(Halt::LinkGone)?),
                _ = stop.wait_for(|stop| *stop) => return Err(Halt::Stopped),
                _ = skips.wait_for(|now| *now > begun), if may_skip => return Ok(None),
                () = tokio::time::sleep_until(wait.into()) => {
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                }
            }
        }
    }

    pub(super) fn take(&mut self, news: ProbeNews) {
        match news {
            ProbeNews::Event(body) => {
                if let Ok(Message::Event(event)) = decode(&body).map(Message::into_owned) {
                    self.queue.push_back(event);
                }
            }
            ProbeNews::MonitorStopped => {
                self.xref = None;
                self.names.push("(MonitorStop)".to_owned());
            }
            ProbeNews::Ended => {
                self.session = None;
                self.xref = None;
                self.names.push("(session ended)".to_owned());
            }
        }
    }

    /// Events so far are of no use any more.
    pub(super) fn look_ahead(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            self.take(news);
        }
        while let Some(event) = self.queue.pop_front() {
            self.names.push(super::steps::name_of(&event.kind).to_owned());
        }
    }
}
