//! Reading a whole system (section 6) as a state machine without sockets and clocks: it says what to POST, is told
//! what came back, and ends with an inventory or an error. A partial load is never done.

mod fault;
mod hints;
mod users;

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::dialect::{Dialect, EmLoad};
use super::inventory::{Inventory, Unreadable};
use super::listing::{Answer, Ended, Known, ListRead, Listed, Setup};
use super::record::{Device, Extension, ExtensionTemplate, SessionServer, UserProfile};
use super::reply::Reply;
use super::request::{Keyword, Request, Select};
pub use fault::{FaultKind, LoadError, NOT_FOUND_HINT, TransportFault, UNAUTHORIZED_HINT};
pub use hints::{Generation, ListHint, LoadHints};
use users::UserRead;

/// Pause between two requests (section 2.6).
pub const REQUEST_GAP: Duration = Duration::from_millis(20);

/// Highest tag that is ever tried when a router gives no list.
const PROBE_LIMIT: u32 = 2400;

/// What a load is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Purpose {
    /// Phones, numbers, mobility users.
    #[default]
    Lines,
    /// These, and session servers and SIP settings for the CSTA check.
    CstaCheck,
}

/// What a load wants.
#[derive(Debug)]
pub enum Output {
    /// POST this and answer with [`Input`]; one request is out at a time.
    Post {
        /// The body.
        body: Bytes,
        /// What it asks, for people.
        about: &'static str,
    },
    /// How far it is.
    Progress {
        /// What is being read.
        about: &'static str,
        /// Objects read.
        done: u32,
        /// Objects to read, when known.
        total: Option<u32>,
    },
    /// All lists are complete.
    Done(Box<Inventory>),
    /// Nothing may be applied.
    Failed(LoadError),
}

/// What came back for the request that is out.
#[derive(Debug)]
pub enum Input {
    /// An HTTP reply.
    Reply {
        /// Its status.
        status: u16,
        /// Its body.
        body: Bytes,
    },
    /// No reply.
    TransportFailed(TransportFault),
}

impl Input {
    pub(super) fn into_answer(self, dialect: &Dialect) -> Answer {
        match self {
            Self::TransportFailed(fault) => Answer::Transport(fault),
            Self::Reply { status, body } => match TransportFault::of_status(status) {
                Some(fault) => Answer::Transport(fault),
                None => match Reply::read(&body, dialect.charset) {
                    Ok(reply) => Answer::Reply(Box::new(reply)),
                    Err(fault) => Answer::Fault(fault),
                },
            },
        }
    }
}

#[derive(Debug)]
enum Stage {
    Global,
    Devices(Box<ListRead<Device>>),
    Extensions(Box<ListRead<Extension>>),
    UserProfiles(Box<ListRead<UserProfile>>),
    Users(Box<UserRead>),
    Templates(Box<ListRead<ExtensionTemplate>>),
    SessionServers(Box<ListRead<SessionServer>>),
    SipGlobal,
    Ended,
}

/// One load of one router.
#[derive(Debug)]
pub struct Load {
    dialect: Dialect,
    hints: LoadHints,
    purpose: Purpose,
    stage: Stage,
    started: bool,
    proved: Option<Generation>,
    inventory: Inventory,
    outputs: VecDeque<Output>,
}

impl Load {
    /// A load that remembers what earlier ones learned.
    pub fn new(dialect: Dialect, hints: LoadHints, purpose: Purpose) -> Self {
        let inventory = Inventory { dialect: dialect.clone(), ..Inventory::default() };
        Self {
            dialect,
            hints,
            purpose,
            stage: Stage::Global,
            started: false,
            proved: None,
            inventory,
            outputs: VecDeque::new(),
        }
    }

    /// What was learned, to be stored with the PBX.
    pub fn hints(&self) -> &LoadHints {
        &self.hints
    }

    /// The next thing to do; `None` while a request is out, and after the end.
    pub fn poll(&mut self) -> Option<Output> {
        if !self.started {
            self.started = true;
            if self.dialect.read_global {
                self.post(&Request::Global);
            } else {
                self.begin_devices();
            }
        }
        self.outputs.pop_front()
    }

    /// What came back for the request that was out.
    pub fn handle(&mut self, input: Input) {
        if matches!(self.stage, Stage::Ended) || !self.started {
            return;
        }
        let answer = input.into_answer(&self.dialect);
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Global => self.global_answer(answer),
            Stage::Devices(mut list) => {
                list.answer(answer);
                self.go_on(list, Stage::Devices, Self::devices_ended);
            }
            Stage::Extensions(mut list) => {
                list.answer(answer);
                self.go_on(list, Stage::Extensions, Self::extensions_ended);
            }
            Stage::UserProfiles(mut list) => {
                list.answer(answer);
                self.go_on(list, Stage::UserProfiles, Self::user_profiles_ended);
            }
            Stage::Users(read) => self.user_answer(read, answer),
            Stage::Templates(mut list) => {
                list.answer(answer);
                self.go_on(list, Stage::Templates, Self::templates_ended);
            }
            Stage::SessionServers(mut list) => {
                list.answer(answer);
                self.go_on(list, Stage::SessionServers, Self::session_servers_ended);
            }
            Stage::SipGlobal => self.sip_global_answer(answer),
            Stage::Ended => {}
        }
    }

    fn post(&mut self, request: &Request) {
        let body = request.body(self.dialect.envelope);
        self.outputs.push_back(Output::Post { body, about: request.about() });
    }

    fn fail(&mut self, error: LoadError) {
        self.stage = Stage::Ended;
        self.outputs.push_back(Output::Failed(error));
    }

    fn done(&mut self) {
        self.stage = Stage::Ended;
        self.inventory.generation = self.proved;
        self.outputs.push_back(Output::Done(Box::new(std::mem::take(&mut self.inventory))));
    }

    /// Sends a list's next request, or ends the list.
    fn go_on<T: Listed>(
        &mut self,
        mut list: Box<ListRead<T>>,
        stage: fn(Box<ListRead<T>>) -> Stage,
        ended: fn(&mut Self, ListRead<T>, bool),
    ) {
        if let Some(request) = list.ask() {
            let (done, total) = list.progress();
            self.outputs.push_back(Output::Progress { about: request.about(), done, total });
            self.post(&request);
            self.stage = stage(list);
            return;
        }
        let about = T::request(Select::Id(0)).about();
        match list.take_end() {
            Some(Ended::Failed(error)) => self.fail(error),
            Some(Ended::Complete) => {
                self.note(about, &list);
                ended(self, *list, true);
            }
            Some(Ended::Absent) | None => ended(self, *list, false),
        }
    }

    fn note<T: Listed>(&mut self, about: &'static str, list: &ListRead<T>) {
        if self.proved.is_none() && list.proved.is_some() {
            self.proved = list.proved;
            self.hints.generation = list.proved;
        }
        for tag in &list.unreadable {
            self.inventory.unreadable.push(Unreadable { about, tag: *tag });
            self.inventory.warnings.push(format!(
                "{about}: the router lists tag {tag} but does not give it; raise `response size` under `ixi transport http`, \
                 best to 64"
            ));
        }
        if list.duplicates > 0 {
            self.inventory.warnings.push(format!("{about}: {} tags came twice; the first counts", list.duplicates));
        }
    }

    fn known(&self) -> Known {
        match (self.proved, self.hints.generation) {
            (Some(form), _) => Known::Proved(form),
            (None, Some(form)) => Known::Remembered(form),
            (None, None) => Known::Nothing,
        }
    }

    fn setup(&self, hint: ListHint) -> Setup {
        Setup {
            mode: self.dialect.list_mode,
            hint,
            known: self.known(),
            tags: None,
            probe_max: None,
            configured: None,
            optional: false,
        }
    }

    fn global_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Reply(reply) => {
                self.inventory.global = reply.global;
                if let Some(error) = reply.error {
                    self.inventory.warnings.push(format!("the system settings could not be read: {error}"));
                }
            }
            Answer::Fault(fault) if fault.is_foreign() => {
                return self.fail(LoadError::reply(Request::Global.about(), fault));
            }
            Answer::Transport(fault) if !fault.may_be_size() => {
                return self.fail(LoadError::Transport(fault));
            }
            Answer::Fault(fault) => {
                self.inventory.warnings.push(format!("the system settings could not be read: {fault}"));
            }
            Answer::Transport(fault) => {
                self.inventory.warnings.push(format!("the system settings could not be read: {fault}"));
            }
        }
        let version = self.inventory.global.as_ref().and_then(|global| global.version.clone());
        if let Some(version) = version {
            if self.hints.version.as_ref().is_some_and(|old| *old != version) {
                self.hints = self.hints.of_another_release();
            }
            self.hints.version = Some(version);
        }
        self.begin_devices();
    }

    fn begin_devices(&mut self) {
        let global = self.inventory.global.as_ref();
        let setup = Setup {
            probe_max: global.and_then(|global| global.max_ephone).map(|max| max.min(PROBE_LIMIT)),
            configured: global.and_then(|global| global.configured_devices),
            ..self.setup(self.hints.devices)
        };
        self.go_on(Box::new(ListRead::new(setup)), Stage::Devices, Self::devices_ended);
    }

    fn devices_ended(&mut self, list: ListRead<Device>, _complete: bool) {
        self.hints.devices = list.learned;
        self.inventory.devices = list.records;
        let global = self.inventory.global.as_ref();
        let setup = Setup {
            probe_max: global.and_then(|global| global.max_dn).map(|max| max.min(PROBE_LIMIT)),
            configured: global.and_then(|global| global.configured_extensions),
            ..self.setup(self.hints.extensions)
        };
        self.go_on(Box::new(ListRead::new(setup)), Stage::Extensions, Self::extensions_ended);
    }

    fn extensions_ended(&mut self, list: ListRead<Extension>, _complete: bool) {
        self.hints.extensions = list.learned;
        self.inventory.extensions = list.records;
        if self.dialect.em.load == EmLoad::Off {
            return self.begin_templates();
        }
        let hint = self.hints.user_profiles;
        // A router that gave profiles once knows the request: its refusal now is trouble, not absence.
        let optional = matches!(hint, ListHint::Unknown | ListHint::Absent);
        let setup = Setup { optional, ..self.setup(hint) };
        self.go_on(Box::new(ListRead::new(setup)), Stage::UserProfiles, Self::user_profiles_ended);
    }

    fn user_profiles_ended(&mut self, list: ListRead<UserProfile>, complete: bool) {
        self.hints.user_profiles = list.learned;
        if complete && self.hints.user_profiles == ListHint::Absent {
            self.hints.user_profiles = ListHint::Unknown;
        }
        self.inventory.user_profiles = complete.then_some(list.records);
        if complete { self.begin_templates() } else { self.begin_users() }
    }

    fn users_ended(&mut self) {
        if self.inventory.devices.iter().any(|device| device.logout_profile.unwrap_or(0) != 0) {
            self.inventory.warnings.push(
                "the router does not list its extension mobility users: the line of one is known after the first \
                 login, or is entered by hand"
                    .to_owned(),
            );
        }
        self.begin_templates();
    }

    fn begin_templates(&mut self) {
        let needed: BTreeSet<u32> =
            self.inventory.extensions.iter().filter_map(|extension| extension.template).collect();
        if needed.is_empty() || !self.dialect.check.cti_from_template {
            return self.begin_check();
        }
        let setup =
            Setup { tags: Some(needed.into_iter().collect()), optional: true, ..self.setup(self.hints.templates) };
        self.go_on(Box::new(ListRead::new(setup)), Stage::Templates, Self::templates_ended);
    }

    fn templates_ended(&mut self, list: ListRead<ExtensionTemplate>, _complete: bool) {
        self.hints.templates = list.learned;
        self.inventory.templates = list.records;
        self.begin_check();
    }

    fn begin_check(&mut self) {
        if self.purpose == Purpose::Lines {
            return self.done();
        }
        let setup = Setup { optional: true, ..self.setup(self.hints.session_servers) };
        self.go_on(Box::new(ListRead::new(setup)), Stage::SessionServers, Self::session_servers_ended);
    }

    fn session_servers_ended(&mut self, list: ListRead<SessionServer>, complete: bool) {
        self.hints.session_servers = list.learned;
        self.inventory.session_servers = complete.then_some(list.records);
        self.post(&Request::VoiceRegGlobal);
        self.stage = Stage::SipGlobal;
    }

    fn sip_global_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Reply(reply) => self.inventory.sip_global = reply.sip_global,
            Answer::Transport(fault) if !fault.may_be_size() => {
                return self.fail(LoadError::Transport(fault));
            }
            Answer::Fault(_) | Answer::Transport(_) => {
                self.inventory.warnings.push("the SIP settings could not be read".to_owned());
            }
        }
        self.done();
    }
}

/// The request for a free session server tag (`csta-config`, section 10.1).
pub fn free_session_server() -> Request {
    Request::SessionServer(Select::Keyword(Keyword::Available))
}

#[cfg(test)]
mod tests;
