//! Permission as a type: what a handler holds is what it may do.
//!
//! Nothing else in a handler leads to the gateway, so a forgotten check does not compile.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::Value;

use super::super::clients::Client;
use super::super::problem::Problem;
use super::super::state::ApiState;
use super::{Principal, authenticate};
use crate::domain::line_list::ListedLine;
use crate::domain::rules::ListName;
use crate::domain::{Call, CallId, Line, LineId, PbxId, TokenId};
use crate::service::assistant::{ApplyRequest, CstaApplied, CstaConfig, CstaEntry, OneTime};
use crate::service::doctor::Diagnosis;
use crate::service::gateway::{
    CallAction, DialPlan, DialRequest, Done, Imported, LineDiff, NewLine, RuleTest, RulesChange, RulesVersion, Setting,
    Written,
};
use crate::service::journal::{Journal, Position, View};
use crate::service::locate::{Candidate, locate};
use crate::store::{Scope, TokenRow};

/// May look at what its token may see.
pub(in crate::api) struct Reader {
    state: ApiState,
    principal: Arc<Principal>,
}

/// May also act on calls.
pub(in crate::api) struct Controller(Reader);

/// May also configure. Always without a limit to lines.
pub(in crate::api) struct Admin(Controller);

/// The objects that one token sees, at one moment.
pub(in crate::api) struct Seen {
    view: Arc<View>,
    principal: Arc<Principal>,
    pbxs: Option<HashSet<PbxId>>,
}

impl FromRequestParts<ApiState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Read)?;
        Ok(Self { state: state.clone(), principal })
    }
}

impl FromRequestParts<ApiState> for Controller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let principal = authenticate(parts, state).await?;
        principal.require(Scope::Control)?;
        Ok(Self(Reader { state: state.clone(), principal }))
    }
}

impl FromRequestParts<ApiState> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        let principal = authenticate(parts, state).await?;
        // Not by way of the lower scopes: the refusal would name one that does not help.
        principal.require(Scope::Admin)?;
        if principal.lines.is_some() {
            return Err(Problem::new("forbidden", "A credential that is limited to some lines cannot configure.")
                .hint("Use an admin token without a list of lines."));
        }
        Ok(Self(Controller(Reader { state: state.clone(), principal })))
    }
}

impl Deref for Controller {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl Deref for Admin {
    type Target = Controller;

    fn deref(&self) -> &Controller {
        &self.0
    }
}

impl Reader {
    /// Who asks.
    pub(in crate::api) fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The state, for the transports of the event stream.
    pub(in crate::api) fn state(&self) -> &ApiState {
        &self.state
    }

    /// The journal: its readers filter by the principal.
    pub(in crate::api) fn journal(&self) -> &Journal {
        self.state.gateway().journal()
    }

    /// What is known now, cut down to what may be seen.
    pub(in crate::api) fn seen(&self) -> Seen {
        let view = self.journal().view();
        let pbxs = self
            .principal
            .lines
            .as_ref()
            .map(|lines| lines.iter().filter_map(|id| Some(view.lines.get(id)?.value.pbx_id.clone())).collect());
        Seen { view, principal: Arc::clone(&self.principal), pbxs }
    }

    /// Where all calls of an address go, by the PBX's own word.
    ///
    /// # Errors
    /// What the service refuses; 404 for a line that is not visible.
    pub(in crate::api) async fn forwarding(&self, line: &LineId, address: u8) -> Result<Option<String>, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().forwarding(&self.principal.caller(), line, address, None).await?.value)
    }

    /// Do not disturb of a line's phone, by the PBX's own word.
    ///
    /// # Errors
    /// As [`Reader::forwarding`].
    pub(in crate::api) async fn do_not_disturb(&self, line: &LineId) -> Result<bool, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().do_not_disturb(&self.principal.caller(), line, None).await?.value)
    }

    /// The number rules of a PBX with their tag.
    ///
    /// # Errors
    /// 404 for a PBX that is not visible.
    pub(in crate::api) async fn number_rules(&self, pbx: &PbxId) -> Result<(Bytes, String), Problem> {
        let gateway = self.state.gateway();
        let tag = self.number_rules_etag(pbx)?;
        Ok((gateway.number_rules(pbx).await?, tag))
    }

    /// Entity tag of the number rules of a PBX.
    ///
    /// # Errors
    /// 404 for a PBX that is not visible.
    pub(in crate::api) fn number_rules_etag(&self, pbx: &PbxId) -> Result<String, Problem> {
        self.seen().pbx(pbx)?;
        Ok(self.state.gateway().number_rules_etag(pbx))
    }

    /// Follows a number through rules.
    ///
    /// # Errors
    /// What the service refuses; 404 for a PBX that is not visible.
    pub(in crate::api) async fn test_number_rules(&self, pbx: &PbxId, body: Value) -> Result<RuleTest, Problem> {
        self.seen().pbx(pbx)?;
        Ok(self.state.gateway().test_number_rules(pbx, body).await?)
    }

    /// The kept versions of the number rules.
    ///
    /// # Errors
    /// As [`Reader::number_rules`].
    pub(in crate::api) async fn number_rules_versions(&self, pbx: &PbxId) -> Result<Vec<RulesVersion>, Problem> {
        self.seen().pbx(pbx)?;
        Ok(self.state.gateway().number_rules_versions(pbx).await?)
    }

    /// The number rules as text.
    ///
    /// # Errors
    /// As [`Reader::number_rules`].
    pub(in crate::api) fn export_number_rules(&self, pbx: &PbxId) -> Result<String, Problem> {
        self.seen().pbx(pbx)?;
        Ok(self.state.gateway().export_number_rules(pbx)?)
    }

    /// Entity tag of a PBX.
    pub(in crate::api) fn pbx_etag(&self, id: &PbxId) -> Option<String> {
        self.state.gateway().pbx_etag(id)
    }

    /// Entity tag of a line.
    pub(in crate::api) fn line_etag(&self, id: &LineId) -> Option<String> {
        self.state.gateway().line_etag(id)
    }
}

impl Seen {
    /// The PBXs in the order of their ids.
    pub(in crate::api) fn pbxs(&self) -> impl Iterator<Item = (&PbxId, &Bytes)> {
        self.view.pbxs.iter().filter(|(id, _)| self.sees_pbx(id))
    }

    /// One PBX.
    ///
    /// # Errors
    /// 404 when it does not exist or is not visible.
    pub(in crate::api) fn pbx(&self, id: &PbxId) -> Result<Bytes, Problem> {
        let found = self.view.pbxs.get(id).filter(|_| self.sees_pbx(id));
        found.cloned().ok_or_else(|| Problem::not_found("PBX"))
    }

    /// The lines in the order of their ids.
    pub(in crate::api) fn lines(&self) -> impl Iterator<Item = (&Line, &Bytes)> {
        let seen = self.view.lines.iter().filter(|(id, _)| self.principal.sees(id));
        seen.map(|(_, line)| (&*line.value, &line.json))
    }

    /// One line.
    ///
    /// # Errors
    /// 404 when it does not exist or is not visible.
    pub(in crate::api) fn line(&self, id: &LineId) -> Result<Bytes, Problem> {
        let found = self.view.lines.get(id).filter(|_| self.principal.sees(id));
        found.map(|line| line.json.clone()).ok_or_else(|| Problem::not_found("line"))
    }

    /// The calls in the order of their ids.
    pub(in crate::api) fn calls(&self) -> impl Iterator<Item = (&Call, &Bytes)> {
        let seen = self.view.calls.values().filter(|call| self.principal.sees(&call.value.line_id));
        seen.map(|call| (&*call.value, &call.json))
    }

    /// One call.
    ///
    /// # Errors
    /// 404 when it does not exist or is not visible.
    pub(in crate::api) fn call(&self, id: &CallId) -> Result<(&Call, Bytes), Problem> {
        let found = self.view.calls.get(id).filter(|call| self.principal.sees(&call.value.line_id));
        found.map(|call| (&*call.value, call.json.clone())).ok_or_else(|| Problem::not_found("call"))
    }

    fn sees_pbx(&self, id: &PbxId) -> bool {
        self.pbxs.as_ref().is_none_or(|pbxs| pbxs.contains(id))
    }
}

impl Controller {
    /// Dials from a line.
    ///
    /// # Errors
    /// What the service refuses; 404 for a line that is not visible.
    pub(in crate::api) async fn dial(&self, line: &LineId, request: DialRequest) -> Result<Done, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().dial(&self.principal.caller(), line, request).await?)
    }

    /// What a dial string would become.
    ///
    /// # Errors
    /// As [`Controller::dial`].
    pub(in crate::api) fn plan_dial(&self, line: &LineId, request: &DialRequest) -> Result<DialPlan, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().plan_dial(&self.principal.caller(), line, request)?)
    }

    /// Acts on a call.
    ///
    /// # Errors
    /// What the service refuses; 404 for a call that is not visible.
    pub(in crate::api) async fn act(&self, call: &CallId, action: CallAction) -> Result<Done, Problem> {
        self.seen().call(call)?;
        Ok(self.state.gateway().act(&self.principal.caller(), call, action).await?)
    }

    /// Replaces the data of a call.
    ///
    /// # Errors
    /// As [`Controller::act`].
    pub(in crate::api) async fn patch_call(&self, call: &CallId, patch: Value) -> Result<Written, Problem> {
        self.seen().call(call)?;
        Ok(self.state.gateway().patch_call(&self.principal.caller(), call, patch).await?)
    }

    /// Sets where all calls of an address go.
    ///
    /// # Errors
    /// As [`Controller::dial`].
    pub(in crate::api) async fn set_forwarding(
        &self,
        line: &LineId,
        address: u8,
        target: Option<String>,
    ) -> Result<Setting<Option<String>>, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().forwarding(&self.principal.caller(), line, address, Some(target)).await?)
    }

    /// Sets do not disturb of a line's phone.
    ///
    /// # Errors
    /// As [`Controller::dial`].
    pub(in crate::api) async fn set_do_not_disturb(
        &self,
        line: &LineId,
        enabled: bool,
    ) -> Result<Setting<bool>, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().do_not_disturb(&self.principal.caller(), line, Some(enabled)).await?)
    }

    /// Retries the monitor of a line and takes a snapshot of it.
    ///
    /// # Errors
    /// As [`Controller::dial`].
    pub(in crate::api) async fn refresh_line(&self, line: &LineId) -> Result<Written, Problem> {
        self.seen().line(line)?;
        Ok(self.state.gateway().refresh_line(&self.principal.caller(), line).await?)
    }
}

impl Admin {
    /// Creates a PBX.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn create_pbx(&self, body: Value) -> Result<Written, Problem> {
        Ok(self.state.gateway().create_pbx(&self.principal.caller(), body).await?)
    }

    /// Changes a PBX by a merge patch.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn update_pbx(
        &self,
        id: &PbxId,
        patch: Value,
        if_match: Option<&str>,
        force: bool,
    ) -> Result<Written, Problem> {
        let caller = self.principal.caller();
        Ok(self.state.gateway().update_pbx(&caller, id, patch, if_match, force).await?)
    }

    /// Deletes a PBX with its lines.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn delete_pbx(&self, id: &PbxId) -> Result<Position, Problem> {
        self.state.gateway().delete_pbx(&self.principal.caller(), id).await?;
        Ok(self.journal().position())
    }

    /// Reads the lines from the PBX.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn load_lines(&self, id: &PbxId, dry_run: bool) -> Result<LineDiff, Problem> {
        let caller = self.principal.caller();
        Ok(self.state.gateway().load_lines(&caller, id, dry_run).await?)
    }

    /// Takes over a list of lines.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn import_lines(
        &self,
        pbx: &PbxId,
        lines: Vec<(usize, ListedLine)>,
        dry_run: bool,
    ) -> Result<Imported, Problem> {
        Ok(self.state.gateway().import_lines(&self.principal.caller(), pbx, lines, dry_run).await?)
    }

    /// Replaces the number rules of a PBX.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn put_number_rules(
        &self,
        pbx: &PbxId,
        body: Value,
        change: RulesChange<'_>,
    ) -> Result<Written, Problem> {
        Ok(self.state.gateway().put_number_rules(&self.principal.caller(), pbx, body, change).await?)
    }

    /// Replaces the lists that a text has.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn import_number_rules(
        &self,
        pbx: &PbxId,
        text: &str,
        list: Option<ListName>,
        change: RulesChange<'_>,
    ) -> Result<Written, Problem> {
        let caller = self.principal.caller();
        Ok(self.state.gateway().import_number_rules(&caller, pbx, text, list, change).await?)
    }

    /// Takes an earlier version of the number rules back.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn undo_number_rules(
        &self,
        pbx: &PbxId,
        version: Option<i64>,
        change: RulesChange<'_>,
    ) -> Result<Written, Problem> {
        Ok(self.state.gateway().undo_number_rules(&self.principal.caller(), pbx, version, change).await?)
    }

    /// A copy of the site for the simulated router.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn site_copy(&self, id: &PbxId) -> Result<Value, Problem> {
        Ok(self.state.gateway().site_copy(id).await?)
    }

    /// Forgets what was learned about a PBX's dialect.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn forget_learned(&self, id: &PbxId) -> Result<Written, Problem> {
        Ok(self.state.gateway().forget_learned(&self.principal.caller(), id).await?)
    }

    /// The set-up of a router for CSTA: what is there, and what would mend it.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn csta_config(&self, id: &PbxId) -> Result<CstaConfig, Problem> {
        Ok(self.state.gateway().csta_config(id).await?)
    }

    /// Sets a router up for CSTA.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn apply_csta_config(
        &self,
        id: &PbxId,
        request: ApplyRequest,
    ) -> Result<CstaApplied, Problem> {
        Ok(self.state.gateway().apply_csta_config(&self.principal.caller(), id, request).await?)
    }

    /// Takes back the last apply.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn undo_csta_config(
        &self,
        id: &PbxId,
        save: bool,
        credentials: Option<OneTime>,
    ) -> Result<CstaApplied, Problem> {
        Ok(self.state.gateway().undo_csta_config(&self.principal.caller(), id, save, credentials).await?)
    }

    /// What was applied and taken back.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn csta_journal(&self, id: &PbxId) -> Result<Vec<CstaEntry>, Problem> {
        Ok(self.state.gateway().csta_journal(id).await?)
    }

    /// What is wrong with a PBX and its lines.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn diagnose(&self, id: &PbxId, line: Option<&LineId>) -> Result<Diagnosis, Problem> {
        Ok(self.state.gateway().diagnose(id, line).await?)
    }

    /// Routers that DHCP names.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn locate(&self, interface: Option<&str>) -> Result<Vec<Candidate>, Problem> {
        Ok(locate(self.state.settings().dhcp.as_deref(), interface).await?)
    }

    /// Adds a line by hand.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn create_line(&self, line: NewLine) -> Result<Written, Problem> {
        Ok(self.state.gateway().create_line(&self.principal.caller(), line).await?)
    }

    /// Changes a line by a merge patch.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn update_line(
        &self,
        id: &LineId,
        patch: Value,
        if_match: Option<&str>,
    ) -> Result<Written, Problem> {
        let caller = self.principal.caller();
        Ok(self.state.gateway().update_line(&caller, id, patch, if_match).await?)
    }

    /// Deletes a line that was entered by hand.
    ///
    /// # Errors
    /// What the service refuses.
    pub(in crate::api) async fn delete_line(&self, id: &LineId) -> Result<Position, Problem> {
        self.state.gateway().delete_line(&self.principal.caller(), id).await?;
        Ok(self.journal().position())
    }

    /// All stored tokens.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn tokens(&self) -> Result<Vec<TokenRow>, Problem> {
        Ok(self.state.gateway().store().tokens().await?)
    }

    /// The bootstrap token.
    pub(in crate::api) fn bootstrap(&self) -> Option<&Principal> {
        self.state.access().bootstrap()
    }

    /// Stores a token.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::api) async fn insert_token(&self, row: &TokenRow) -> Result<(), Problem> {
        Ok(self.state.gateway().store().insert_token(row).await?)
    }

    /// Deletes a token; sockets and tickets that stand on it end at once.
    ///
    /// # Errors
    /// 404 when there is none; when the store fails.
    pub(in crate::api) async fn delete_token(&self, id: &TokenId) -> Result<(), Problem> {
        if !self.state.gateway().store().delete_token(id).await? {
            return Err(Problem::not_found("token"));
        }
        self.state.access().forget(id);
        Ok(())
    }

    /// The readers of the event stream.
    pub(in crate::api) fn clients(&self) -> Vec<Arc<Client>> {
        self.state.clients().list()
    }

    /// Changes what is logged.
    ///
    /// # Errors
    /// 422 when the filter is wrong, 404 when the log of this process has no filter.
    pub(in crate::api) fn set_log_level(&self, filter: &str) -> Result<(), Problem> {
        let Some(set) = &self.state.settings().set_log_level else {
            return Err(Problem::new("not_found", "The log level of this process cannot be changed while it runs."));
        };
        set(filter).map_err(|detail| {
            Problem::new("invalid_value", "The log filter is wrong.")
                .hint("Write it like info or info,linegate::service=debug.")
                .field("/filter", detail)
        })
    }
}
