//! Requests of TAPI about two calls and about conferences (dossier 2.12).

use serde_json::json;

use super::answers::Ask;
use super::call::{Phase, Role};
use super::requests::Accepted;
use super::{Act, Bridge, Goal, LinkState, Now};
use crate::number::Destination;
use crate::params::CallParams;
use crate::tapi::{err, feature};

/// LINETRANSFERMODE_TRANSFER and LINETRANSFERMODE_CONFERENCE.
const TRANSFER: u32 = 1;
const CONFERENCE: u32 = 2;

impl Bridge {
    /// `TSPI_lineSetupTransfer`; gives the handle of the consultation call.
    ///
    /// # Errors
    /// INVALCALLSTATE unless the gateway lets the call be held for a consultation now; INVALADDRESS for a bad target.
    pub fn setup_transfer(
        &mut self,
        request: u32,
        original: u32,
        ht: usize,
        params: Option<&[u8]>,
        now: Now,
    ) -> Result<u32, i32> {
        let params = params.map(CallParams::read).transpose()?.unwrap_or_default();
        self.check_media(&params)?;
        let target = match (params.one_step, &params.target) {
            (true, Some(target)) => Some(Destination::parse_complete(Some(target))?),
            (true, None) => return Err(err::INVALADDRESS),
            _ => None,
        };
        let (id, line) = self.able(original, feature::SETUPTRANSFER)?;
        let consult = self.new_call(line, ht, Phase::Tentative, Role::Plain, now);
        let address = self.call(original)?.address;
        if let Some(call) = self.calls.get_mut(&consult) {
            call.consultation_of = Some(original);
            call.address = address;
        }
        let line_handle = self.line_handle(line);
        self.note_request(request, line_handle, &[consult]);
        let body = target.map_or_else(|| json!({}), |to| json!({"to": to}));
        let ask = Ask { method: "POST", path: format!("/api/v1/calls/{id}/consult"), body };
        self.command(Some(request), Act::Consult { original, consult }, line, original, &ask, now);
        Ok(consult)
    }

    /// `TSPI_lineCompleteTransfer`; gives the handle of the conference call for a conference.
    ///
    /// # Errors
    /// INVALTRANSFERMODE; INVALCONSULTCALLHANDLE; INVALCALLSTATE unless the gateway can bring the two together now.
    pub fn complete_transfer(
        &mut self,
        request: u32,
        original: u32,
        consult: u32,
        ht_conference: usize,
        mode: u32,
        now: Now,
    ) -> Result<Option<u32>, i32> {
        if mode != TRANSFER && mode != CONFERENCE {
            return Err(err::INVALTRANSFERMODE);
        }
        let line = self.call(original)?.line;
        let second = self.call(consult).map_err(|_| err::INVALCONSULTCALLHANDLE)?;
        if second.line != line || original == consult {
            return Err(err::INVALCONSULTCALLHANDLE);
        }
        if self.link != LinkState::Up {
            return Err(err::RESOURCEUNAVAIL);
        }
        let word = if mode == TRANSFER { "complete_transfer" } else { "complete_conference" };
        let allows = |handle: u32| {
            self.calls.get(&handle).is_some_and(|call| call.view.as_ref().is_some_and(|view| view.allows(word)))
        };
        let is_plain = |handle: u32| {
            self.calls.get(&handle).is_some_and(|call| !call.is_over() && call.role == Role::Plain && call.id.is_some())
        };
        // What one of the two allows, the other does too a moment later.
        if !is_plain(original) || !is_plain(consult) || !(allows(original) || allows(consult)) {
            return Err(err::INVALCALLSTATE);
        }
        let with = self.call(original)?.id.clone().ok_or(err::INVALCALLSTATE)?;
        let id = self.call(consult)?.id.clone().ok_or(err::INVALCALLSTATE)?;
        let path = format!("/api/v1/calls/{id}/complete-transfer");
        let line_handle = self.line_handle(line);
        if mode == TRANSFER {
            self.note_request(request, line_handle, &[original, consult]);
            let ask = Ask { method: "POST", path, body: json!({"with": with, "mode": "transfer"}) };
            self.command(Some(request), Act::Ending(Goal::Passed), line, consult, &ask, now);
            return Ok(None);
        }
        let parent = self.new_call(line, ht_conference, Phase::Tentative, Role::Parent, now);
        self.note_request(request, line_handle, &[parent, original, consult]);
        let ask = Ask { method: "POST", path, body: json!({"with": with, "mode": "conference"}) };
        self.command(Some(request), Act::Conference { parent }, line, parent, &ask, now);
        Ok(Some(parent))
    }

    /// `TSPI_lineAddToConference`.
    ///
    /// # Errors
    /// INVALCONFCALLHANDLE for a call that is no conference; INVALCALLSTATE unless the gateway can add it now.
    pub fn add_to_conference(&mut self, request: u32, parent: u32, consult: u32, now: Now) -> Accepted {
        let conference = self.call(parent).map_err(|_| err::INVALCONFCALLHANDLE)?;
        if conference.role != Role::Parent {
            return Err(err::INVALCONFCALLHANDLE);
        }
        let line = conference.line;
        let conference_id = conference.id.clone().ok_or(err::INVALCALLSTATE)?;
        let call = self.call(consult).map_err(|_| err::INVALCONSULTCALLHANDLE)?;
        if call.line != line || call.role != Role::Plain {
            return Err(err::INVALCALLHANDLE);
        }
        let (id, _) = self.able(consult, feature::ADDTOCONF)?;
        let line_handle = self.line_handle(line);
        self.note_request(request, line_handle, &[parent, consult]);
        let path = format!("/api/v1/calls/{conference_id}/add-to-conference");
        let ask = Ask { method: "POST", path, body: json!({"call": id}) };
        self.command(Some(request), Act::Join, line, consult, &ask, now);
        Ok(())
    }

    /// `TSPI_lineRemoveFromConference`.
    ///
    /// # Errors
    /// INVALCALLSTATE for a call that is no member; OPERATIONFAILED when it cannot be told which participant it is.
    pub fn remove_from_conference(&mut self, request: u32, member: u32, now: Now) -> Accepted {
        self.reachable(member)?;
        if self.features(member).0 & feature::REMOVEFROMCONF == 0 {
            return Err(err::INVALCALLSTATE);
        }
        let (id, party) = self.participant_of(member)?;
        let path = format!("/api/v1/calls/{id}/remove-from-conference");
        self.act_on(request, member, Act::Ending(Goal::Gone), path, json!({"party": party}), now);
        Ok(())
    }
}
