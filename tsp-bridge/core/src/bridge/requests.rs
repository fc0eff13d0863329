//! Requests of TAPI about one call: accepted here, or refused at once without any effect.

use serde_json::{Value, json};

use super::answers::Ask;
use super::call::{Phase, Role};
use super::{Act, Bridge, Goal, LinkState, Now};
use crate::number::{self, Destination, parse_tones};
use crate::params::{CallParams, Origin};
use crate::store::StoredLine;
use crate::tapi::{call_state, disconnect, err, feature};

/// Largest call data: the gateway's `data` has 4 KiB, and base64 takes a third more.
pub const MAX_CALL_DATA: usize = 2_048;
/// LINEMEDIAMODE_INTERACTIVEVOICE and the others that a voice call satisfies (UNKNOWN, AUTOMATEDVOICE).
const VOICE_MODES: u32 = 0x2 | 0x4 | 0x8;
/// LINEBEARERMODE_VOICE and LINEBEARERMODE_SPEECH.
const BEARERS: u32 = 1 | 2;

/// What the shell does with a request that was not refused.
pub type Accepted = Result<(), i32>;

impl Bridge {
    /// The call behind a handle.
    pub(super) fn call(&self, handle: u32) -> Result<&super::Call, i32> {
        self.calls.get(&handle).filter(|call| call.phase != Phase::Closed).ok_or(err::INVALCALLHANDLE)
    }

    /// A call that is not over, while the gateway can be asked: without it nothing is known of what the call allows.
    pub(super) fn reachable(&self, handle: u32) -> Result<&super::Call, i32> {
        let call = self.call(handle)?;
        if call.is_over() {
            return Err(err::INVALCALLSTATE);
        }
        if self.link == LinkState::Up { Ok(call) } else { Err(err::RESOURCEUNAVAIL) }
    }

    /// The gateway's id of a call that may be asked for something, and the place of its line.
    pub(super) fn able(&self, handle: u32, wanted: u32) -> Result<(String, usize), i32> {
        let call = self.reachable(handle)?;
        if self.features(handle).0 & wanted == 0 {
            return Err(err::INVALCALLSTATE);
        }
        let id = call.id.clone().ok_or(err::INVALCALLSTATE)?;
        Ok((id, call.line))
    }

    pub(super) fn line_handle(&self, index: usize) -> u32 {
        self.lines.get(index).and_then(|line| line.open.as_ref()).map_or(0, |open| open.handle)
    }

    /// A command about one call.
    pub(super) fn act_on(&mut self, request: u32, handle: u32, act: Act, path: String, body: Value, now: Now) {
        let Some(line) = self.calls.get(&handle).map(|call| call.line) else { return };
        let line_handle = self.line_handle(line);
        self.note_request(request, line_handle, &[handle]);
        self.command(Some(request), act, line, handle, &Ask { method: "POST", path, body }, now);
    }

    fn plain(&mut self, request: u32, handle: u32, wanted: u32, verb: &str, now: Now) -> Accepted {
        let (id, _) = self.able(handle, wanted)?;
        self.act_on(request, handle, Act::Plain, format!("/api/v1/calls/{id}/{verb}"), Value::Null, now);
        Ok(())
    }

    /// Hands a call on to somebody else.
    fn pass_on(&mut self, request: u32, handle: u32, wanted: u32, verb: &str, to: &str, now: Now) -> Accepted {
        let (id, _) = self.able(handle, wanted)?;
        let path = format!("/api/v1/calls/{id}/{verb}");
        self.act_on(request, handle, Act::Ending(Goal::Passed), path, json!({"to": to}), now);
        Ok(())
    }

    /// Completes a request about a call that needs nobody else.
    pub(super) fn at_once(&mut self, request: u32, handle: u32) -> Accepted {
        let line = self.call(handle)?.line;
        self.complete(request, 0, self.line_handle(line), &[handle]);
        Ok(())
    }

    /// `TSPI_lineMakeCall`; gives the handle of the call, which exists when the request is completed.
    ///
    /// # Errors
    /// What is wrong with the destination, the parameters or the line; INVALLINESTATE out of service, CALLUNAVAIL when the
    /// first button is in use up to its last call. Then nothing was done.
    pub fn make_call(
        &mut self,
        request: u32,
        line: u32,
        ht: usize,
        destination: Option<&[u16]>,
        params: Option<&[u8]>,
        now: Now,
    ) -> Result<u32, i32> {
        let index = self.by_handle(line)?;
        let destination = Destination::parse(destination)?;
        let params = params.map(CallParams::read).transpose()?.unwrap_or_default();
        self.check_media(&params)?;
        // The rest of a partial number is dialled as keys, and so is its beginning.
        if destination.partial && !destination.is_keys() {
            return Err(err::INVALADDRESS);
        }
        let address = self.origin_address(index, &params.origin)?;
        if params.call_data.len() > MAX_CALL_DATA {
            return Err(err::INVALCALLPARAMS);
        }
        let line_id = match self.link {
            LinkState::Up => {
                let line = self.lines.get(index).ok_or(err::INVALLINESTATE)?;
                let view = line.view.as_ref().ok_or(err::INVALLINESTATE)?;
                if !self.is_in_service(index) {
                    return Err(err::INVALLINESTATE);
                }
                // The gateway tells it of the first button, a moment after its calls have changed: who dials again as soon as
                // a call is over is faster. Then, and of another button, it is asked.
                if address == 0 && !view.allows("dial") && !line.is_view_older {
                    return Err(err::CALLUNAVAIL);
                }
                view.id.clone()
            }
            // A program may open the line and dial at once, before there is a link (dossier 3.3).
            LinkState::Starting => self.stored(index).ok_or(err::INVALLINESTATE)?.line_id.clone(),
            LinkState::Down => return Err(err::INVALLINESTATE),
        };
        let button = self.button_of(index, address).ok_or(err::INVALADDRESSID)?;
        self.last_reference += 1;
        let reference = format!("{}-m{}", self.settings.nonce, self.last_reference);
        let handle = self.new_call(index, ht, Phase::Tentative, Role::Plain, now);
        let mut body = json!({"address": button, "client_ref": reference});
        let digits = destination.number;
        if let Some(body) = body.as_object_mut() {
            if !digits.is_empty() && !destination.partial {
                body.insert("to".to_owned(), json!(digits));
            }
            if !params.call_data.is_empty() {
                body.insert("data".to_owned(), super::provider::write_data(0, &params.call_data));
            }
        }
        if let Some(call) = self.calls.get_mut(&handle) {
            call.client_ref = Some(reference);
            call.address = address;
            call.call_data = params.call_data;
            if destination.partial {
                call.digits = digits;
            }
        }
        self.note_request(request, line, &[handle]);
        let ask = Ask { method: "POST", path: format!("/api/v1/lines/{line_id}/calls"), body };
        self.command(Some(request), Act::MakeCall { call: handle }, index, handle, &ask, now);
        Ok(handle)
    }

    pub(super) fn check_media(&self, params: &CallParams) -> Accepted {
        if params.media_mode & !VOICE_MODES != 0 {
            return Err(err::INVALMEDIAMODE);
        }
        if params.bearer_mode & !BEARERS != 0 {
            return Err(err::INVALBEARERMODE);
        }
        Ok(())
    }

    pub(super) fn origin_address(&self, index: usize, origin: &Origin) -> Result<u32, i32> {
        let stored = self.stored(index).ok_or(err::INVALLINEHANDLE)?;
        let address = match origin {
            Origin::Any => 0,
            Origin::Id(id) => *id,
            Origin::Number(number) => {
                let number = Destination::parse_complete(Some(number))?;
                super::query::address_with(stored, &number).ok_or(err::INVALADDRESS)?
            }
        };
        let is_there = |stored: &StoredLine| {
            stored.addresses.is_empty() && address == 0
                || usize::try_from(address).ok().and_then(|at| stored.addresses.get(at)).is_some_and(|one| !one.gone)
        };
        if is_there(stored) { Ok(address) } else { Err(err::INVALADDRESSID) }
    }

    /// Index of the button behind an address.
    pub(super) fn button_of(&self, index: usize, address: u32) -> Option<u32> {
        let stored = self.stored(index)?;
        if stored.addresses.is_empty() {
            return (address == 0).then_some(0);
        }
        let one = stored.addresses.get(usize::try_from(address).ok()?)?;
        (!one.gone).then_some(one.index)
    }

    /// `TSPI_lineDial`.
    ///
    /// # Errors
    /// INVALCALLSTATE unless the call has a dial tone, and what is wrong with the number. INVALADDRESS for one that begins
    /// with `+`: a dial tone takes keys of a phone, and the rules that would make keys of it are the gateway's, which
    /// applies them to whole calls. Without its `+` it would be another number.
    pub fn dial(&mut self, request: u32, handle: u32, destination: Option<&[u16]>, now: Now) -> Accepted {
        let destination = Destination::parse(destination)?;
        let (id, _) = self.able(handle, feature::DIAL)?;
        let Some(call) = self.calls.get_mut(&handle) else { return Err(err::INVALCALLHANDLE) };
        if !destination.is_keys() || call.digits.len() + destination.number.len() > number::LONGEST {
            return Err(err::INVALADDRESS);
        }
        call.digits.push_str(&destination.number);
        if destination.partial {
            // The router gets the number when it is whole; TAPI sees that dialling has begun.
            self.review(handle, now);
            return self.at_once(request, handle);
        }
        // What goes out now is never sent again: the gateway keeps it while it collects, and a refusal ends it.
        let digits = std::mem::take(&mut call.digits);
        if digits.is_empty() {
            // An empty number after nothing: nothing to dial.
            return self.at_once(request, handle);
        }
        call.is_dialing = true;
        self.review(handle, now);
        let path = format!("/api/v1/calls/{id}/dial");
        self.act_on(request, handle, Act::Dial, path, json!({"digits": digits}), now);
        Ok(())
    }

    /// `TSPI_lineAccept`: nothing is asked of the router, programs that accept before they answer are content.
    ///
    /// # Errors
    /// INVALCALLSTATE unless the call is offered.
    pub fn accept(&mut self, request: u32, handle: u32, now: Now) -> Accepted {
        self.is_alive()?;
        self.call(handle)?;
        let Some(call) = self.calls.get_mut(&handle) else { return Err(err::INVALCALLHANDLE) };
        if call.state != call_state::OFFERING {
            return Err(err::INVALCALLSTATE);
        }
        call.is_accepted = true;
        self.at_once(request, handle)?;
        self.review(handle, now);
        Ok(())
    }

    /// `TSPI_lineAnswer`.
    ///
    /// # Errors
    /// INVALCALLSTATE unless the gateway lets it be answered now.
    pub fn answer_call(&mut self, request: u32, handle: u32, now: Now) -> Accepted {
        self.plain(request, handle, feature::ANSWER, "answer", now)
    }

    /// `TSPI_lineDrop`.
    ///
    /// # Errors
    /// INVALCALLSTATE for a call that is over or that the gateway does not let be dropped.
    pub fn drop_call(&mut self, request: u32, handle: u32, now: Now) -> Accepted {
        self.is_alive()?;
        let call = self.call(handle)?;
        let media = self.lines.get(call.line).and_then(|line| line.open.as_ref()).map_or(0, |open| open.media_modes);
        let is_fresh = now.ms < call.created_ms + self.settings.drop_guard_ms;
        // TAPI itself drops a call that no program owns (dossier 2.11); monitors must not cost anybody a call.
        if is_fresh && media == 0 && call.state == call_state::OFFERING {
            return self.at_once(request, handle);
        }
        match call.role {
            Role::Member { .. } => self.remove_from_conference(request, handle, now),
            _ if call.is_over() => Err(err::INVALCALLSTATE),
            // The far end is gone already, and the gateway has nothing to hang up: for TAPI it is over. The gateway may
            // keep the call for a while, which is no new one.
            _ if call.state == call_state::DISCONNECTED
                && self.link == LinkState::Up
                && self.features(handle).0 & feature::DROP == 0 =>
            {
                let id = call.id.clone();
                self.at_once(request, handle)?;
                self.end(handle, disconnect::NORMAL, now);
                self.dismiss(id.as_deref());
                Ok(())
            }
            _ => {
                let (id, _) = self.able(handle, feature::DROP)?;
                let path = format!("/api/v1/calls/{id}/drop");
                self.act_on(request, handle, Act::Ending(Goal::Gone), path, Value::Null, now);
                Ok(())
            }
        }
    }

    /// `TSPI_lineHold`.
    ///
    /// # Errors
    /// INVALCALLSTATE unless the gateway lets it be held now.
    pub fn hold(&mut self, request: u32, handle: u32, now: Now) -> Accepted {
        self.plain(request, handle, feature::HOLD, "hold", now)
    }

    /// `TSPI_lineUnhold`. A call that waits for its consultation comes back by giving that up.
    ///
    /// # Errors
    /// INVALCALLSTATE unless it is held and can be taken back.
    pub fn unhold(&mut self, request: u32, handle: u32, now: Now) -> Accepted {
        self.able(handle, feature::UNHOLD)?;
        let consult = self.call(handle)?.holds_for.and_then(|consult| self.calls.get(&consult));
        let consult_id = consult.filter(|consult| !consult.is_over()).and_then(|consult| consult.id.clone());
        match consult_id {
            Some(id) => {
                let path = format!("/api/v1/calls/{id}/drop");
                self.act_on(request, handle, Act::Plain, path, Value::Null, now);
                Ok(())
            }
            None => self.plain(request, handle, feature::UNHOLD, "retrieve", now),
        }
    }

    /// `TSPI_lineSwapHold`.
    ///
    /// # Errors
    /// INVALCALLSTATE unless one of the two speaks and the other is held.
    pub fn swap_hold(&mut self, request: u32, active: u32, held: u32, now: Now) -> Accepted {
        let (first, second) = (self.reachable(active)?, self.reachable(held)?);
        let is_pair = active != held && first.line == second.line && !first.is_held() && second.is_held();
        // What one of the two allows, the other does too a moment later.
        let offers = self.features(active).0 | self.features(held).0;
        if !is_pair || offers & feature::SWAPHOLD == 0 {
            return Err(err::INVALCALLSTATE);
        }
        let (Some(id), Some(with)) = (first.id.clone(), second.id.clone()) else {
            return Err(err::INVALCALLSTATE);
        };
        let path = format!("/api/v1/calls/{id}/swap");
        self.act_on(request, active, Act::Plain, path, json!({"with": with}), now);
        Ok(())
    }

    /// `TSPI_lineRedirect`.
    ///
    /// # Errors
    /// INVALADDRESS; INVALCALLSTATE unless the call is offered.
    pub fn redirect(&mut self, request: u32, handle: u32, destination: Option<&[u16]>, now: Now) -> Accepted {
        let to = Destination::parse_complete(destination)?;
        self.pass_on(request, handle, feature::REDIRECT, "redirect", &to, now)
    }

    /// `TSPI_lineBlindTransfer`.
    ///
    /// # Errors
    /// INVALADDRESS; INVALCALLSTATE unless the gateway lets it be transferred now.
    pub fn blind_transfer(&mut self, request: u32, handle: u32, destination: Option<&[u16]>, now: Now) -> Accepted {
        let to = Destination::parse_complete(destination)?;
        self.pass_on(request, handle, feature::BLINDTRANSFER, "blind-transfer", &to, now)
    }

    /// `TSPI_lineGenerateDigits`: synchronous; LINE_GENERATE tells when the tones were sent.
    ///
    /// # Errors
    /// INVALDIGITS, INVALDIGITMODE; INVALCALLSTATE unless the call is connected.
    pub fn generate_digits(
        &mut self,
        handle: u32,
        end_to_end: u32,
        mode: u32,
        digits: Option<&[u16]>,
        now: Now,
    ) -> Accepted {
        /// LINEDIGITMODE_DTMF.
        const DTMF: u32 = 2;
        if mode != DTMF {
            return Err(err::INVALDIGITMODE);
        }
        // NULL would stop tones that are being sent; the router sends a request's tones as a whole.
        let Some(digits) = digits else { return self.call(handle).map(|_| ()) };
        let digits = parse_tones(digits)?;
        let (id, line) = self.able(handle, feature::GENERATEDIGITS)?;
        let ask = Ask { method: "POST", path: format!("/api/v1/calls/{id}/digits"), body: json!({"digits": digits}) };
        self.command(None, Act::Digits { call: handle, end_to_end }, line, handle, &ask, now);
        Ok(())
    }
}
