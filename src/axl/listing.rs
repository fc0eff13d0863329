//! Reading one list of the router (section 6): `all`, on trouble `allTag` and tag by tag, on more trouble tag after
//! tag. It also finds out which dialect the router speaks (section 3.2).

use std::collections::{BTreeSet, VecDeque};

use super::dialect::ListMode;
use super::load::{Generation, ListHint, LoadError, TransportFault};
use super::record::{Device, Extension, ExtensionTemplate, SessionServer, UserProfile};
use super::reply::{Reply, ReplyFault};
use super::request::{Keyword, Request, Select};

/// A kind of object that comes in lists.
pub(super) trait Listed: Sized {
    /// Whether 2008 knew a keyword in the name element for it.
    const CLASSIC: bool;
    fn id(&self) -> u32;
    fn only_tag(&self) -> bool;
    fn take(reply: &mut Reply) -> Vec<Self>;
    fn request(select: Select) -> Request;
}

macro_rules! listed {
    ($type:ty, $field:ident, $request:path, $classic:expr, |$record:ident| $only_tag:expr) => {
        impl Listed for $type {
            const CLASSIC: bool = $classic;
            fn id(&self) -> u32 {
                self.id
            }
            fn only_tag(&self) -> bool {
                let $record = self;
                $only_tag
            }
            fn take(reply: &mut Reply) -> Vec<Self> {
                std::mem::take(&mut reply.$field)
            }
            fn request(select: Select) -> Request {
                $request(select)
            }
        }
    };
}

listed!(Device, devices, Request::Device, true, |record| record.only_tag);
listed!(Extension, extensions, Request::Extension, true, |record| { record.only_tag });
listed!(UserProfile, user_profiles, Request::UserProfile, false, |record| record.only_tag);
listed!(ExtensionTemplate, templates, Request::ExtensionTemplate, false, |record| record.cti_watch.is_none()
    && record.cti_notify.is_none()
    && record.description.is_none());
listed!(SessionServer, session_servers, Request::SessionServer, true, |record| record.register_id.is_none()
    && record.keepalive_s.is_none());

/// What came back for the one request that is out.
#[derive(Debug)]
pub(super) enum Answer {
    Reply(Box<Reply>),
    Fault(ReplyFault),
    Transport(TransportFault),
}

/// What is known about the dialect when a list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Proved in this load.
    Proved(Generation),
    /// Remembered from an earlier one.
    Remembered(Generation),
    /// Nothing: `allTag` finds out.
    Nothing,
}

/// What a list is told at its start.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) mode: ListMode,
    pub(super) hint: ListHint,
    pub(super) known: Known,
    /// Tags to read one by one when `all` does not work, instead of asking `allTag`.
    pub(super) tags: Option<Vec<u32>>,
    /// Highest tag to try when no list can be had; `None` = never.
    pub(super) probe_max: Option<u32>,
    /// Objects after which trying ends.
    pub(super) configured: Option<u32>,
    /// A router may lack this request.
    pub(super) optional: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attempt {
    form: Generation,
    keyword: Keyword,
}

impl Attempt {
    fn select(self) -> Select {
        match self.form {
            Generation::Keyword => Select::Keyword(self.keyword),
            Generation::NameKeyword => Select::NameKeyword(self.keyword),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    /// Nothing is out.
    Idle,
    List(Attempt),
    Tag {
        tag: u32,
        again: bool,
    },
}

/// How a list ended.
#[derive(Debug)]
pub(super) enum Ended {
    Complete,
    /// The router does not know the request.
    Absent,
    Failed(LoadError),
}

#[derive(Debug)]
pub(super) struct ListRead<T> {
    setup: Setup,
    pending: VecDeque<Attempt>,
    now: Now,
    all_tried: bool,
    /// A single record without container to a keyword request: 2008 routers may answer so by mistake.
    lone: Option<(Attempt, Vec<T>)>,
    tags: Option<Vec<u32>>,
    queue: VecDeque<u32>,
    by_tag: bool,
    /// The tag that is asked for the second time.
    repeated: Option<u32>,
    probing: bool,
    total: u32,
    /// Whether some attempt failed in a way that may pass (timeout, cut), not by a clear "no".
    unsure: bool,
    complaint: String,
    ended: Option<Ended>,
    pub(super) records: Vec<T>,
    /// Listed tags that the router answered with an error.
    pub(super) unreadable: Vec<u32>,
    /// Listed tags that were gone when they were read.
    pub(super) vanished: Vec<u32>,
    pub(super) duplicates: u32,
    /// The dialect that gave records.
    pub(super) proved: Option<Generation>,
    pub(super) learned: ListHint,
}

impl<T: Listed> ListRead<T> {
    pub(super) fn new(setup: Setup) -> Self {
        let pending = attempts::<T>(&setup);
        let tags = setup.tags.clone();
        Self {
            learned: setup.hint,
            setup,
            pending,
            now: Now::Idle,
            all_tried: false,
            lone: None,
            tags,
            queue: VecDeque::new(),
            by_tag: false,
            repeated: None,
            probing: false,
            total: 0,
            unsure: false,
            complaint: String::new(),
            ended: None,
            records: Vec::new(),
            unreadable: Vec::new(),
            vanished: Vec::new(),
            duplicates: 0,
            proved: None,
        }
    }

    /// The next request; `None` when the list has ended ([`Self::take_end`]).
    pub(super) fn ask(&mut self) -> Option<Request> {
        loop {
            if self.ended.is_some() {
                return None;
            }
            if self.by_tag {
                let enough = self.probing
                    && self.setup.configured.is_some_and(|count| count > 0 && self.records.len() >= count as usize);
                let next = if enough { None } else { self.queue.pop_front() };
                let Some(tag) = next else {
                    self.finish_by_tag();
                    return None;
                };
                let again = self.repeated == Some(tag);
                self.now = Now::Tag { tag, again };
                return Some(T::request(Select::Id(tag)));
            }
            if let Some(attempt) = self.pending.pop_front() {
                self.now = Now::List(attempt);
                self.all_tried |= attempt.keyword == Keyword::All;
                return Some(T::request(attempt.select()));
            }
            self.out_of_attempts();
        }
    }

    /// Objects read and objects to read, for progress.
    pub(super) fn progress(&self) -> (u32, Option<u32>) {
        let done = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        if self.by_tag {
            let left = u32::try_from(self.queue.len()).unwrap_or(u32::MAX);
            (self.total.saturating_sub(left), Some(self.total))
        } else {
            (done, None)
        }
    }

    pub(super) fn take_end(&mut self) -> Option<Ended> {
        self.ended.take()
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        match std::mem::replace(&mut self.now, Now::Idle) {
            Now::Idle => {}
            Now::List(attempt) => self.list_answer(attempt, answer),
            Now::Tag { tag, again } => self.tag_answer(tag, again, answer),
        }
    }

    fn fail(&mut self, error: LoadError) {
        self.ended = Some(Ended::Failed(error));
    }

    fn about() -> &'static str {
        T::request(Select::Id(0)).about()
    }

    fn list_answer(&mut self, attempt: Attempt, answer: Answer) {
        let all = attempt.keyword == Keyword::All;
        let mut reply = match answer {
            Answer::Reply(reply) => reply,
            Answer::Fault(fault) if fault.is_foreign() => {
                return self.fail(LoadError::reply(Self::about(), fault));
            }
            Answer::Fault(fault) => {
                return self.attempt_failed(all, fault != ReplyFault::Empty, fault.to_string());
            }
            Answer::Transport(fault) if fault.may_be_size() => {
                return self.attempt_failed(all, true, fault.sentence);
            }
            Answer::Transport(fault) => return self.fail(LoadError::Transport(fault)),
        };
        if let Some(error) = &reply.error {
            let said = format!("the router says: {error}");
            return self.attempt_failed(all, false, said);
        }
        if reply.torn {
            return self.attempt_failed(all, true, "the reply has holes".to_owned());
        }
        let records = self.unique(T::take(&mut reply));
        if records.is_empty() {
            let none = reply.container && reply.bad_records == 0;
            // An empty list after `all` is confirmed by `allTag`: it might be a list that did not fit.
            let more = all && self.setup.mode == ListMode::Auto && self.tags.is_none() && !self.pending.is_empty();
            if none && !more {
                self.prove(attempt.form);
                return self.complete();
            }
            return self.attempt_failed(all && !none, false, "the reply holds nothing".to_owned());
        }
        let open = !matches!(self.setup.known, Known::Proved(_)) && T::CLASSIC;
        let alone = records.len() == 1 && !reply.container && attempt.form == Generation::Keyword;
        if open && alone && self.pending.iter().any(|other| other.form == Generation::NameKeyword) {
            self.pending.retain(|other| other.form == Generation::NameKeyword);
            self.lone = Some((attempt, records));
            return;
        }
        self.accept(attempt, records);
    }

    fn accept(&mut self, attempt: Attempt, records: Vec<T>) {
        self.lone = None;
        self.prove(attempt.form);
        let ids: Vec<u32> = records.iter().map(Listed::id).collect();
        let whole = records.iter().all(|record| !record.only_tag());
        let has_all = self.tags.iter().flatten().all(|tag| ids.contains(tag));
        if whole && (has_all || attempt.keyword == Keyword::AllTag || self.setup.tags.is_some()) {
            self.records = records;
            if attempt.keyword == Keyword::All {
                self.learned = ListHint::AllWorks;
            }
            return self.complete();
        }
        if attempt.keyword == Keyword::All {
            // Fewer objects than there are tags, or tags only.
            self.learned = ListHint::AllFails;
        }
        let known = self.tags.get_or_insert_with(Vec::new);
        let mut tags: BTreeSet<u32> = known.iter().copied().collect();
        tags.extend(ids);
        *known = tags.into_iter().collect();
        let try_all = self.setup.mode == ListMode::Auto && !self.all_tried && self.setup.hint != ListHint::AllFails;
        self.pending.clear();
        if try_all {
            self.pending.push_back(Attempt { form: attempt.form, keyword: Keyword::All });
        }
    }

    fn prove(&mut self, form: Generation) {
        if T::CLASSIC {
            self.proved = Some(form);
        }
    }

    fn complete(&mut self) {
        self.pending.clear();
        self.ended = Some(Ended::Complete);
    }

    fn attempt_failed(&mut self, all: bool, unsure: bool, complaint: String) {
        if all {
            self.learned = ListHint::AllFails;
        }
        self.unsure |= unsure;
        self.complaint = complaint;
    }

    fn out_of_attempts(&mut self) {
        if let Some((attempt, records)) = self.lone.take() {
            return self.accept(attempt, records);
        }
        if let Some(tags) = self.tags.clone() {
            return self.start_tags(tags, false);
        }
        if self.setup.optional && !self.unsure {
            self.learned = ListHint::Absent;
            self.ended = Some(Ended::Absent);
            return;
        }
        if let (ListMode::Auto | ListMode::ByTag, Some(max)) = (self.setup.mode, self.setup.probe_max) {
            return self.start_tags((1..=max).collect(), true);
        }
        let detail = std::mem::take(&mut self.complaint);
        self.fail(LoadError::ListRefused { about: Self::about(), detail });
    }

    fn start_tags(&mut self, tags: Vec<u32>, probing: bool) {
        self.by_tag = true;
        self.probing = probing;
        self.total = u32::try_from(tags.len()).unwrap_or(u32::MAX);
        self.queue = tags.into();
    }

    fn tag_answer(&mut self, tag: u32, again: bool, answer: Answer) {
        let mut reply = match answer {
            Answer::Reply(reply) => reply,
            Answer::Fault(ReplyFault::Empty) => return self.missing(tag, false),
            Answer::Fault(ReplyFault::Cut | ReplyFault::TooLarge) if !again => {
                return self.once_more(tag);
            }
            Answer::Fault(fault) => return self.fail(LoadError::reply(Self::about(), fault)),
            Answer::Transport(fault) if fault.is_cut() && !again => return self.once_more(tag),
            Answer::Transport(fault) => return self.fail(LoadError::Transport(fault)),
        };
        if reply.error.is_some() {
            return self.missing(tag, true);
        }
        let found = T::take(&mut reply).into_iter().find(|record| record.id() == tag && !record.only_tag());
        match found {
            Some(record) => {
                if T::CLASSIC && self.proved.is_none() && reply.container {
                    self.proved = Some(Generation::Keyword);
                }
                self.records.push(record);
            }
            None => self.missing(tag, false),
        }
    }

    /// Asks for a tag again; a second failure is final.
    fn once_more(&mut self, tag: u32) {
        self.queue.push_front(tag);
        self.repeated = Some(tag);
    }

    fn missing(&mut self, tag: u32, refused: bool) {
        if self.probing {
            return;
        }
        if refused {
            self.unreadable.push(tag);
        } else {
            self.vanished.push(tag);
        }
    }

    fn finish_by_tag(&mut self) {
        let missing = self.unreadable.len() + self.vanished.len();
        let nothing_found = self.records.is_empty() && (missing > 1 || !self.unreadable.is_empty() || self.probing);
        if nothing_found && !self.setup.optional && self.setup.configured != Some(0) {
            let detail = format!("none of {} could be read one by one", self.total);
            return self.fail(LoadError::ListRefused { about: Self::about(), detail });
        }
        self.complete();
    }

    /// Each tag once; a repeated one is counted.
    fn unique(&mut self, records: Vec<T>) -> Vec<T> {
        let mut seen = BTreeSet::new();
        let before = records.len();
        let kept: Vec<T> = records.into_iter().filter(|record| seen.insert(record.id())).collect();
        let dropped = u32::try_from(before - kept.len()).unwrap_or(u32::MAX);
        self.duplicates = self.duplicates.max(dropped);
        kept
    }
}

/// The list requests to try, in order.
fn attempts<T: Listed>(setup: &Setup) -> VecDeque<Attempt> {
    use Keyword::{All, AllTag};
    let mut out = VecDeque::new();
    let mut add = |form: Generation, keyword: Keyword| {
        let wanted = match setup.mode {
            ListMode::Auto => keyword == AllTag || setup.hint != ListHint::AllFails,
            ListMode::All => keyword == All,
            ListMode::ByTag => keyword == AllTag,
        };
        // With the tags at hand there is nothing that `allTag` could tell.
        if wanted && !(keyword == AllTag && setup.tags.is_some()) {
            out.push_back(Attempt { form, keyword });
        }
    };
    let other = |form| match form {
        Generation::Keyword => Generation::NameKeyword,
        Generation::NameKeyword => Generation::Keyword,
    };
    match setup.known {
        _ if !T::CLASSIC => {
            add(Generation::Keyword, All);
            add(Generation::Keyword, AllTag);
        }
        Known::Proved(form) => {
            add(form, All);
            add(form, AllTag);
        }
        Known::Remembered(form) => {
            add(form, All);
            add(form, AllTag);
            if setup.tags.is_none() {
                add(other(form), AllTag);
                add(other(form), All);
            }
        }
        Known::Nothing => {
            add(Generation::Keyword, AllTag);
            add(Generation::NameKeyword, AllTag);
            add(Generation::Keyword, All);
            add(Generation::NameKeyword, All);
        }
    }
    out
}
