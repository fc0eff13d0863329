//! Being the people at the phones, and the network behind the trunk.

use serde::{Deserialize, Serialize};

use super::Twin;
use crate::router::Router;
use crate::telephony::{Exchange, ForwardKind, LegState, Place, Refusal, Start};

/// A call, by its global identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRef {
    /// The identifier.
    pub gcid: String,
}

/// Why an action did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The phone system refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What the party beyond the trunk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrunkAction {
    /// Its phone rings.
    Ring,
    /// It answers.
    Answer,
    /// It is busy.
    Busy,
    /// It hangs up.
    HangUp,
}

type Done = Result<(), ActionError>;

/// A line is `number`, or `number@phone` with the tag or MAC of a phone.
fn place(exchange: &Exchange, line: &str) -> Result<Place, Refusal> {
    match line.split_once('@') {
        Some((number, phone)) => exchange.place(number, Some(phone)),
        None => exchange.place(line, None),
    }
}

/// Every phone with this number if no phone is named, so that a shared line answers where it rings.
fn places(exchange: &Exchange, line: &str) -> Result<Vec<Place>, Refusal> {
    let first = place(exchange, line)?;
    let mut all = vec![first];
    if !line.contains('@') {
        all.extend(
            exchange
                .phones_with(first.dn)
                .into_iter()
                .map(|phone| Place { dn: first.dn, phone })
                .filter(|one| *one != first),
        );
    }
    Ok(all)
}

fn pick(exchange: &Exchange, line: &str, states: &[LegState], none: Refusal) -> Result<(Place, u64), Refusal> {
    let all = places(exchange, line)?;
    let found = states.iter().find_map(|state| {
        all.iter().find_map(|place| exchange.calls_at(*place, &[*state]).last().map(|key| (*place, *key)))
    });
    found.ok_or(none)
}

/// The held and the active call of the phone of a line.
fn two(exchange: &Exchange, line: &str) -> Result<(Place, u64, u64), Refusal> {
    let (place, active) = pick(exchange, line, &[LegState::Connected], Refusal::NoActiveCall)?;
    let consults = exchange.calls.get(&active).and_then(|call| call.consults);
    let lines = exchange.lines(place.phone).into_iter().map(|dn| Place { dn, phone: place.phone });
    let mut held = lines.flat_map(|other| exchange.calls_at(other, &[LegState::Hold]));
    Ok((place, consults.or_else(|| held.next()).ok_or(Refusal::NoHeldCall)?, active))
}

impl Twin {
    fn act<R>(&self, act: impl FnOnce(&mut Router) -> Result<R, Refusal>) -> Result<R, ActionError> {
        self.shared.act_now(act).map_err(ActionError::from)
    }

    fn make(&self, act: impl FnOnce(&mut Exchange) -> Result<u64, Refusal>) -> Result<CallRef, ActionError> {
        self.act(|router| {
            let key = act(&mut router.exchange)?;
            let gcid = router.exchange.calls.get(&key).map(|call| call.gcid.clone()).unwrap_or_default();
            Ok(CallRef { gcid })
        })
    }

    /// A user calls a number.
    ///
    /// # Errors
    /// When the phone is not registered, or its line has no free channel.
    pub async fn dial(&self, from: &str, to: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| exchange.make_call(place(exchange, from)?, to, Start::OffHook))
    }

    /// A user lifts the handset: answers what rings, confirms a prompt, or gets dial tone.
    ///
    /// # Errors
    /// When the phone is not registered.
    pub async fn off_hook(&self, line: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| exchange.off_hook(place(exchange, line)?))
    }

    /// A user presses digits at dial tone.
    ///
    /// # Errors
    /// When there is no dial tone.
    pub async fn digits(&self, line: &str, digits: &str) -> Done {
        self.act(|router| {
            let (place, key) = pick(&router.exchange, line, &[LegState::Initiated], Refusal::WrongState)?;
            router.exchange.dial_digits(place, key, digits)
        })
    }

    /// A user answers what rings.
    ///
    /// # Errors
    /// When nothing rings.
    pub async fn answer(&self, line: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| {
            let (place, key) = pick(exchange, line, &[LegState::Alerting], Refusal::NoCallToAnswer)?;
            exchange.answer(place, key).map(|()| key)
        })
    }

    /// A user hangs up the active call; without one, declines what rings, or drops what is held.
    ///
    /// # Errors
    /// When there is no call.
    pub async fn hang_up(&self, line: &str) -> Done {
        use LegState::{Alerting, Connected, Hold, Initiated};
        self.act(|router| {
            let (place, key) =
                pick(&router.exchange, line, &[Connected, Initiated, Alerting, Hold], Refusal::UnknownCall)?;
            router.exchange.clear(place, key)
        })
    }

    /// A user holds the active call.
    ///
    /// # Errors
    /// When there is none.
    pub async fn hold(&self, line: &str) -> Done {
        self.act(|router| {
            let (place, key) = pick(&router.exchange, line, &[LegState::Connected], Refusal::NoActiveCall)?;
            router.exchange.hold(place, key, "normal")
        })
    }

    /// A user takes a held call back; on a shared line any of its phones can.
    ///
    /// # Errors
    /// When nothing is held.
    pub async fn retrieve(&self, line: &str) -> Done {
        self.act(|router| {
            let here = place(&router.exchange, line)?;
            let key = match router.exchange.calls_at(here, &[LegState::Hold]).last() {
                Some(key) => *key,
                None => {
                    let number = line.split('@').next().unwrap_or(line);
                    pick(&router.exchange, number, &[LegState::Hold], Refusal::NoHeldCall)?.1
                }
            };
            router.exchange.retrieve(here, key, "normal")
        })
    }

    /// A user swaps the held and the active call.
    ///
    /// # Errors
    /// When there are not both.
    pub async fn alternate(&self, line: &str) -> Done {
        self.act(|router| {
            let (place, held, active) = two(&router.exchange, line)?;
            router.exchange.alternate(place, held, active)
        })
    }

    /// A user presses the transfer key and calls somebody; the active call is held.
    ///
    /// # Errors
    /// When there is no active call, or no free channel.
    pub async fn transfer(&self, line: &str, to: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| exchange.second_call(place(exchange, line)?, to))
    }

    /// A user presses the transfer key again: the two others talk to each other.
    ///
    /// # Errors
    /// When there are not a held and an active call.
    pub async fn complete_transfer(&self, line: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| {
            let (place, held, active) = two(exchange, line)?;
            exchange.transfer(place, held, active)
        })
    }

    /// A user sends the active call to somebody without asking.
    ///
    /// # Errors
    /// When there is no such call.
    pub async fn blind_transfer(&self, line: &str, to: &str) -> Done {
        self.act(|router| {
            let (place, key) =
                pick(&router.exchange, line, &[LegState::Connected, LegState::Hold], Refusal::NoActiveCall)?;
            router.exchange.blind_transfer(place, key, to)
        })
    }

    /// A user ends the consultation and takes the held call back.
    ///
    /// # Errors
    /// When there are not both.
    pub async fn reconnect(&self, line: &str) -> Done {
        self.act(|router| {
            let (place, held, active) = two(&router.exchange, line)?;
            router.exchange.reconnect(place, active, held)
        })
    }

    /// A user makes a conference of the held and the active call.
    ///
    /// # Errors
    /// When there are not both, or the conference is full.
    pub async fn conference(&self, line: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| {
            let (place, held, active) = two(exchange, line)?;
            exchange.conference(place, held, active)
        })
    }

    /// A user sends a ringing call elsewhere.
    ///
    /// # Errors
    /// When nothing rings.
    pub async fn deflect(&self, line: &str, to: &str) -> Done {
        self.act(|router| {
            let (place, key) = pick(&router.exchange, line, &[LegState::Alerting], Refusal::NoCallToAnswer)?;
            router.exchange.deflect(place, key, to)
        })
    }

    /// A user presses the DND key of a phone (tag or MAC).
    ///
    /// # Errors
    /// When the phone is not registered.
    pub async fn dnd(&self, phone: &str, on: bool) -> Done {
        self.act(|router| {
            let phone = router.exchange.system.phone_of(phone).ok_or(Refusal::UnknownDevice)?;
            router.exchange.set_dnd(phone, on)
        })
    }

    /// A user forwards all calls of a number; an empty target ends it.
    ///
    /// # Errors
    /// When the target is no number.
    pub async fn forward(&self, number: &str, to: &str) -> Done {
        self.forward_when(number, "all", to, None).await
    }

    /// Forwarding of a kind: `all`, `busy` or `no-answer` (with seconds).
    ///
    /// # Errors
    /// When the kind or the target is not valid.
    pub async fn forward_when(&self, number: &str, kind: &str, to: &str, seconds: Option<u32>) -> Done {
        self.act(|router| {
            let dn = router.exchange.system.dn_of(number).ok_or(Refusal::UnknownDevice)?;
            let kind = ForwardKind::of(kind).ok_or(Refusal::InvalidValue)?;
            router.exchange.set_forward(dn, kind, to, seconds)
        })
    }

    /// A user logs in on a phone (tag or MAC).
    ///
    /// # Errors
    /// When the user is unknown, or the phone is not one for mobile users.
    pub async fn login(&self, user: &str, phone: &str) -> Done {
        self.act(|router| {
            let phone = router.exchange.system.phone_of(phone).ok_or(Refusal::UnknownDevice)?;
            router.exchange.login(user, phone)
        })
    }

    /// A user logs out.
    ///
    /// # Errors
    /// When the user is not logged in.
    pub async fn logout(&self, user: &str) -> Done {
        self.act(|router| router.exchange.logout(user))
    }

    /// A phone (tag or MAC) registers.
    ///
    /// # Errors
    /// When there is no such phone.
    pub async fn register_phone(&self, phone: &str) -> Done {
        self.act(|router| {
            let phone = router.exchange.system.phone_of(phone).ok_or(Refusal::UnknownDevice)?;
            router.exchange.register_phone(phone)
        })
    }

    /// A phone (tag or MAC) unregisters by itself.
    ///
    /// # Errors
    /// When there is no such phone.
    pub async fn unregister_phone(&self, phone: &str) -> Done {
        self.phone_gone(phone, false)
    }

    /// A phone (tag or MAC) lost its power, and the router has noticed.
    ///
    /// # Errors
    /// When there is no such phone.
    pub async fn phone_died(&self, phone: &str) -> Done {
        self.phone_gone(phone, true)
    }

    /// A phone (tag or MAC) loses its power; the router notices after [`crate::Limits::power_loss`].
    ///
    /// # Errors
    /// When there is no such phone.
    pub async fn phone_loses_power(&self, phone: &str) -> Done {
        self.act(|router| {
            let phone = router.exchange.system.phone_of(phone).ok_or(Refusal::UnknownDevice)?;
            router.exchange.lose_power(phone)
        })
    }

    fn phone_gone(&self, phone: &str, deceased: bool) -> Done {
        self.act(|router| {
            let phone = router.exchange.system.phone_of(phone).ok_or(Refusal::UnknownDevice)?;
            router.exchange.unregister_phone(phone, deceased)
        })
    }

    /// Somebody calls in over the trunk. An empty number withholds it.
    ///
    /// # Errors
    /// None today.
    pub async fn call_in(&self, from: &str, to: &str) -> Result<CallRef, ActionError> {
        self.make(|exchange| Ok(exchange.call_in(from, to)))
    }

    /// The party beyond the trunk does something in a call.
    ///
    /// # Errors
    /// When the call is unknown or in another state.
    pub async fn trunk(&self, call: &str, action: TrunkAction) -> Done {
        self.act(|router| {
            let key = router.exchange.call_of(call).ok_or(Refusal::UnknownCall)?;
            match action {
                TrunkAction::Ring => router.exchange.trunk_ring(key),
                TrunkAction::Answer => router.exchange.trunk_answer(key),
                TrunkAction::Busy => router.exchange.trunk_busy(key),
                TrunkAction::HangUp => router.exchange.trunk_clear(key),
            }
        })
    }
}
