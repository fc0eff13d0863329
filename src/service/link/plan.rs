//! Plans: what an operation asks of the PBX, step by step, and what it does where the PBX cannot (dossier 15a).

use std::collections::VecDeque;

use crate::csta::{Request, Service};
use crate::domain::call_table::SeatId;
use crate::domain::{Call, CallId, CallState};
use crate::service::pbx::Template;

/// One step of a plan.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A service, in the session of the call that it names.
    Ask {
        seat: SeatId,
        request: Box<Request>,
        /// The call that it puts on hold for the steps that follow: when they fail, it is taken back.
        aside: Option<CallId>,
    },
    /// Waits for more digits: the number goes to the PBX as a whole (dossier 15a).
    Collect,
    /// Waits until the call that the plan made is ringing or answered at its far end, then connects it with this one.
    TransferWhenReached {
        /// The held call.
        held: CallId,
    },
}

impl Step {
    pub(super) fn ask(seat: SeatId, request: Request) -> Self {
        Self::Ask { seat, request: Box::new(request), aside: None }
    }

    /// Puts a call on hold that nobody asked to hold, for what follows.
    pub(super) fn set_aside(seat: SeatId, call: &CallId, hold: Request) -> Self {
        Self::Ask { seat, request: Box::new(hold), aside: Some(call.clone()) }
    }
}

/// What a PBX can be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Need {
    /// A service.
    Service(Service),
    /// ClearConnection of somebody else's connection (U-16).
    RemoveParty,
}

/// A call that a plan makes.
#[derive(Debug, Clone)]
pub(super) struct Making {
    /// Digits that go to the PBX; empty for dial tone.
    pub(super) dialed: String,
    /// The call whose place it takes.
    pub(super) replaces: Option<CallId>,
}

impl Making {
    pub(super) fn of(dialed: impl Into<String>) -> Self {
        Self { dialed: dialed.into(), replaces: None }
    }
}

/// What shows that a command has had its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// The first call is over.
    Ended,
    /// A call was made.
    Made,
    /// The first call is answered here.
    Answered,
    /// The first call is on hold.
    Held,
    /// The first call is no longer on hold.
    Retrieved,
    /// The first call was held and is active, the second one is on hold.
    Swapped,
    /// One of the calls is a conference.
    Conferenced,
    /// A participant with this number has left the first call.
    Left(String),
    /// The first call has left dial tone.
    Dialed,
    /// The PBX's word is all there is.
    Said,
}

/// When the alternative of a plan is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakesOver {
    /// The PBX does not know the service.
    Missing,
    /// The PBX refuses, whatever the reason.
    Refused,
    /// The PBX does not understand the number.
    InvalidNumber,
}

/// An operation as the PBX shall do it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seat: SeatId,
    pub(super) steps: VecDeque<Step>,
    /// The calls that it changes, the most important one first.
    pub(super) calls: Vec<CallId>,
    pub(super) makes: Option<Making>,
    pub(super) effect: Effect,
    /// What the PBX must have; its absence makes the alternative necessary.
    pub(super) needs: Option<Need>,
    /// What is done where the PBX cannot.
    pub(super) alternative: Option<Box<Plan>>,
    /// When the alternative is taken.
    pub(super) takes_over: TakesOver,
    /// The form of a number that has worked when the plan has.
    pub(super) teaches: Option<Template>,
}

impl Plan {
    pub(super) fn new(
        seat: SeatId,
        call: &CallId,
        effect: Effect,
        requests: impl IntoIterator<Item = Request>,
    ) -> Self {
        Self::of(seat, call, effect, requests.into_iter().map(|request| Step::ask(seat, request)))
    }

    /// With steps for several calls, which may be at several addresses of the line.
    pub(super) fn of(seat: SeatId, call: &CallId, effect: Effect, steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            seat,
            steps: steps.into_iter().collect(),
            calls: vec![call.clone()],
            makes: None,
            effect,
            needs: None,
            alternative: None,
            takes_over: TakesOver::Missing,
            teaches: None,
        }
    }

    pub(super) fn with(mut self, call: &CallId) -> Self {
        self.calls.push(call.clone());
        self
    }

    pub(super) fn making(mut self, making: Making) -> Self {
        self.makes = Some(making);
        self
    }

    pub(super) fn needing(mut self, service: Service) -> Self {
        self.needs = Some(Need::Service(service));
        self
    }

    pub(super) fn or(mut self, alternative: Self) -> Self {
        self.alternative = Some(Box::new(alternative));
        self
    }

    pub(super) fn or_when_number_is_invalid(mut self, alternative: Self) -> Self {
        self.takes_over = TakesOver::InvalidNumber;
        self.or(alternative)
    }

    pub(super) fn or_after_any_refusal(mut self, alternative: Self) -> Self {
        self.takes_over = TakesOver::Refused;
        self.or(alternative)
    }

    /// A last step, whichever way the plan goes.
    pub(super) fn then(mut self, step: Step) -> Self {
        self.alternative = self.alternative.map(|plan| Box::new(plan.then(step.clone())));
        self.steps.push_back(step);
        self
    }
}

/// What is known about an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there.
    Shown,
    /// It may still come.
    NotYet,
    /// It will not come.
    Never,
}

impl Effect {
    /// Looks at the calls of a command; `find` gives those that live.
    pub(super) fn verdict<'a>(&self, calls: &[CallId], find: impl Fn(&CallId) -> Option<&'a Call>) -> Verdict {
        let shown = |is: bool| if is { Verdict::Shown } else { Verdict::NotYet };
        let first = calls.first().and_then(&find);
        match (self, first) {
            (Self::Made | Self::Said, _) => Verdict::Shown,
            (Self::Ended, None) => Verdict::Shown,
            (Self::Ended, Some(_)) => Verdict::NotYet,
            (Self::Conferenced, _) => {
                let mut living = calls.iter().filter_map(&find).peekable();
                if living.peek().is_none() {
                    return Verdict::Never;
                }
                shown(living.any(|call| call.state == CallState::Conferenced))
            }
            (_, None) => Verdict::Never,
            (Self::Answered, Some(call)) => shown(call.state.is_answered()),
            (Self::Held, Some(call)) => shown(call.state == CallState::OnHold),
            (Self::Retrieved, Some(call)) => shown(call.state.is_answered() && call.state != CallState::OnHold),
            (Self::Swapped, Some(call)) => {
                let other = calls.get(1).and_then(&find);
                let is_active = call.state != CallState::OnHold;
                shown(is_active && other.is_none_or(|other| other.state == CallState::OnHold))
            }
            (Self::Left(number), Some(call)) => {
                let is_there = call.participants.iter().any(|participant| {
                    participant.raw.as_deref() == Some(number)
                        && participant.state != crate::domain::ParticipantState::Left
                });
                shown(!is_there)
            }
            (Self::Dialed, Some(call)) => shown(call.state != CallState::DialTone),
        }
    }
}
