//! What the script says to the PBX: sessions, services, the monitor, and the calls of the line.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::script::{Halt, Script, Step};
use crate::csta::exchange::{Doubt, Outcome as Done, Refusal};
use crate::csta::{CallState, Connection, DeviceId, MonitorFilter, MonitorType, OwnIndex, Request, Response};
use crate::service::link::{Form, LinkCommand, Opened, ProbeAsk};
use crate::sip::Failure;

/// A router that reloads is back after this time, its phones too.
const BACK: Duration = Duration::from_secs(180);
/// How long after a refused session the next one is tried.
const AGAIN: Duration = Duration::from_secs(2);

impl Script {
    async fn ask<T>(&mut self, ask: impl FnOnce(oneshot::Sender<T>) -> ProbeAsk) -> Result<Option<T>, Halt> {
        let (reply, answer) = oneshot::channel();
        if !self.link.tell(LinkCommand::Probe(ask(reply))).await {
            return Err(Halt::LinkGone);
        }
        let mut stop = self.probe.0.stop.subscribe();
        tokio::select! {
            answer = answer => match answer {
                Ok(answer) => Ok(Some(answer)),
                Err(_) if self.news.is_closed() => Err(Halt::LinkGone),
                Err(_) => Ok(None),
            },
            _ = stop.wait_for(|stop| *stop) => Err(Halt::Stopped),
        }
    }

    pub(super) async fn register(&mut self) -> Result<Option<Result<bool, Failure>>, Halt> {
        self.ask(ProbeAsk::Register).await
    }

    /// Opens a session of its own.
    pub(super) async fn open(&mut self, form: &Form) -> Result<(u32, Opened), Halt> {
        self.next_session += 1;
        let (session, form) = (self.next_session, form.clone());
        let opened = self.ask(|reply| ProbeAsk::Open { session, form, reply }).await?;
        Ok((session, opened.unwrap_or(Opened::Impossible("the session ended at once"))))
    }

    pub(super) async fn close_session(&mut self, session: u32) -> Step {
        self.ask(|reply| ProbeAsk::Close { session, reply }).await.map(|_| ())
    }

    /// Asks in some session.
    pub(super) async fn say_in(&mut self, session: u32, request: Request) -> Result<Done, Halt> {
        let done = self.ask(|reply| ProbeAsk::Say { session, request, reply }).await?;
        Ok(done.unwrap_or(Done::Unknown(Doubt::LinkLost)))
    }

    /// Asks in the session of the test.
    pub(super) async fn say(&mut self, request: Request) -> Result<Done, Halt> {
        let session = self.ready().await?;
        self.say_in(session, request).await
    }

    /// Asks, and tells what came of it.
    pub(super) async fn try_out(&mut self, what: &str, request: Request) -> Result<Done, Halt> {
        let done = self.say(request).await?;
        self.find(format!("{what}: {}.", told(&done)));
        Ok(done)
    }

    pub(super) fn use_session(&mut self, session: u32, form: Form) {
        self.session = Some(session);
        self.form = form;
        self.xref = None;
    }

    pub(super) fn session(&self) -> Option<u32> {
        self.session
    }

    /// The session of the test with its monitor; opened again when the PBX ended it.
    async fn ready(&mut self) -> Result<u32, Halt> {
        if let Some(session) = self.session {
            return Ok(session);
        }
        let mut forms = vec![self.form.clone()];
        forms.extend(self.ground.users.iter().map(|user| Form { user: user.clone(), ..self.form.clone() }));
        let mut why = String::new();
        for form in forms {
            match self.open(&form).await? {
                (session, Opened::Yes(_)) => {
                    self.use_session(session, form);
                    return Ok(session);
                }
                (_, opened) => why = told_open(&opened),
            }
        }
        Err(Halt::NoSession(why))
    }

    /// The line is monitored, in the form that works.
    pub(super) async fn monitored(&mut self) -> Result<bool, Halt> {
        let session = self.ready().await?;
        if self.xref.is_some() {
            return Ok(true);
        }
        let mut devices = vec![self.device.clone()];
        devices.extend(self.ground.devices.iter().filter_map(|form| self.filled(form)));
        for device in devices.into_iter().filter(|device| !device.is_empty()) {
            let done = self.say_in(session, monitor(device.clone())).await?;
            if let Done::Response(answer) = &done
                && let Ok(Some(Response::MonitorStart { monitor_cross_ref_id, .. })) = answer.response()
            {
                self.xref = Some(monitor_cross_ref_id.into_owned());
                self.device = device;
                return Ok(true);
            }
        }
        self.not_run("The PBX monitors this line in no form.");
        Ok(false)
    }

    /// Waits until the line can be monitored again, after something that may have ended its session.
    pub(super) async fn monitored_again(&mut self, after: &str) -> Step {
        self.look_ahead();
        let begun = Instant::now();
        while self.session.is_none() {
            let form = self.form.clone();
            let why = match self.open(&form).await? {
                (session, Opened::Yes(_)) => {
                    self.use_session(session, form);
                    self.find(format!("After {after}: a new session stands, {} s later.", begun.elapsed().as_secs()));
                    break;
                }
                (_, opened) => told_open(&opened),
            };
            if begun.elapsed() > BACK {
                self.find(format!("After {after} no session can be opened: {why}."));
                return Ok(());
            }
            self.until(AGAIN, true, |_| false).await?;
        }
        if !self.monitored().await? {
            self.find(format!("After {after} the line cannot be monitored."));
        }
        Ok(())
    }

    pub(super) async fn close(&mut self) -> Step {
        if let Some(xref) = self.xref.take()
            && let Some(session) = self.session
        {
            self.say_in(session, Request::MonitorStop { monitor_cross_ref_id: xref }).await?;
        }
        match self.session.take() {
            Some(session) => self.close_session(session).await,
            None => Ok(()),
        }
    }

    /// A form of the own device with this line's number and phone.
    pub(super) fn filled(&self, form: &str) -> Option<String> {
        let mac = self.ground.mac.as_deref();
        if form.contains("{mac}") && mac.is_none() {
            return None;
        }
        let text = form.replace("{number}", &self.ground.number).replace("{mac}", mac.unwrap_or_default());
        Some(text.replace("{cme}", &self.ground.host))
    }

    /// A called number in a form.
    pub(super) fn called(&self, form: &str, digits: &str) -> String {
        if digits.is_empty() { String::new() } else { form.replace("{digits}", digits).replace("{number}", digits) }
    }

    /// Whether a device is the one under test.
    pub(super) fn is_own(&self, device: &DeviceId<'_>) -> bool {
        let is_number = device.comparable_number().ends_with(&self.ground.number);
        let is_phone = match (&device.mac, &self.ground.mac) {
            (Some(theirs), Some(own)) => theirs.as_str() == own,
            _ => true,
        };
        is_number && is_phone
    }

    /// Asks for the calls in a state that is known, and sees whether the answer says so (U-24).
    pub(super) async fn snapshot(&mut self, state: &str, own: Option<&str>) -> Step {
        if self.device.is_empty() {
            return Ok(());
        }
        let done = self.say(Request::SnapshotDevice { device: self.device.clone() }).await?;
        let Done::Response(answer) = &done else {
            self.find(format!("SnapshotDevice while {state}: {}.", told(&done)));
            return Ok(());
        };
        let calls = answer.device_calls();
        let shown: Vec<String> = calls
            .iter()
            .map(|call| {
                let ends = [OwnIndex::First, OwnIndex::Last].map(|index| call.local_call_state.own(index));
                let word = |at: usize| {
                    ends.get(at).and_then(Option::as_ref).map_or_else(|| "?".to_owned(), |s| s.as_str().to_owned())
                };
                if let (Some(own), [call]) = (own, calls.as_slice())
                    && matches!(call.local_call_state, CallState::Compound(_))
                    && word(0) != word(1)
                {
                    self.votes.0 += u32::from(word(0) == own);
                    self.votes.1 += u32::from(word(1) == own);
                }
                format!("{} … {}", word(0), word(1))
            })
            .collect();
        let shown = if shown.is_empty() { "no call".to_owned() } else { shown.join("; ") };
        self.find(format!("SnapshotDevice while {state}: {shown}."));
        Ok(())
    }

    pub(super) fn conclude_order(&mut self) {
        match self.votes {
            (0, last) if last > 0 => self.learn("snapshot.own_index", "last"),
            _ => {}
        }
    }

    /// Ends every call of the line, so that the next step begins idle.
    pub(super) async fn clear_all(&mut self) -> Step {
        self.look_ahead();
        let (Some(session), false) = (self.session, self.device.is_empty()) else { return Ok(()) };
        let done = self.say_in(session, Request::SnapshotDevice { device: self.device.clone() }).await?;
        let Done::Response(answer) = &done else { return Ok(()) };
        let calls: Vec<Connection<'static>> =
            answer.device_calls().into_iter().map(|call| call.connection.into_owned()).collect();
        for call in calls.into_iter().filter(|call| !call.is_empty()) {
            self.say_in(session, Request::ClearConnection { call, reason: None }).await?;
        }
        // Their last events belong to what was.
        self.until(Duration::from_millis(300), false, |_| false).await?;
        self.look_ahead();
        Ok(())
    }
}

pub(super) fn monitor(device: String) -> Request {
    Request::MonitorStart { device, filter: MonitorFilter::None, monitor_type: Some(MonitorType::Device) }
}

/// What became of a service, in a few words without anybody's number.
pub(super) fn told(done: &Done) -> String {
    match done {
        Done::Response(_) => "yes".to_owned(),
        Done::Refused(Refusal::Fault(fault)) => {
            format!("refused with {}/{}", fault.category().as_str(), fault.as_str())
        }
        Done::Refused(Refusal::Sip(status)) => format!("refused with SIP {status}"),
        Done::Refused(_) => "not sent".to_owned(),
        Done::Unknown(Doubt::NoAnswer) => "not answered".to_owned(),
        Done::Unknown(Doubt::EmptyAnswer) => "answered without a CSTA message".to_owned(),
        Done::Unknown(Doubt::LinkLost) => "the session ended".to_owned(),
        Done::Mismatch { found } => format!("answered with {found}"),
    }
}

pub(super) fn told_open(opened: &Opened) -> String {
    match opened {
        Opened::Yes(Some(_)) => "accepted, with a body".to_owned(),
        Opened::Yes(None) => "accepted, without a body".to_owned(),
        Opened::No(Failure { status: Some(status), reason, .. }) => format!("refused with SIP {status} {reason}"),
        Opened::No(_) => "not answered".to_owned(),
        Opened::Impossible(why) => format!("not possible: {why}"),
    }
}
