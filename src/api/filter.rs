//! What one reader gets: what it asked for, cut down to what it may see.

use std::collections::HashSet;

use super::auth::Principal;
use super::problem::Problem;
use super::query::Params;
use crate::domain::{LineId, PbxId};
use crate::service::journal::{Event, Interest, View};

/// The events of the contract.
pub(super) const EVENTS: [&str; 13] = [
    "pbx.created",
    "pbx.updated",
    "pbx.deleted",
    "line.created",
    "line.updated",
    "line.deleted",
    "call.created",
    "call.updated",
    "call.ended",
    "command.succeeded",
    "command.failed",
    "number_rules.updated",
    "config.updated",
];

/// The wishes of a reader, as they stand in a `subscribe` frame or in a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Names or `call.*`; empty means all.
    pub(super) events: Vec<String>,
    /// Line ids; empty means all.
    pub(super) lines: Vec<String>,
    /// PBX ids; empty means all.
    pub(super) pbxs: Vec<String>,
}

impl Wishes {
    /// Takes `events`, `lines` and `pbxs`.
    pub(super) fn take(params: &mut Params) -> Self {
        Self { events: params.take_list("events"), lines: params.take_list("lines"), pbxs: params.take_list("pbxs") }
    }
}

/// A compiled filter. PBX objects and events pass with the lines that belong to the PBX, so that whoever follows some
/// lines also learns that their PBX is down.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    events: Option<Vec<String>>,
    lines: Option<HashSet<LineId>>,
    wanted_pbxs: Option<HashSet<PbxId>>,
    pbxs: Option<HashSet<PbxId>>,
}

impl Filter {
    /// Compiles the wishes of a principal.
    ///
    /// # Errors
    /// 422 for an event name that does not exist, 404 for a line or PBX that does not exist or is not visible.
    pub(super) fn compile(wishes: &Wishes, principal: &Principal, view: &View) -> Result<Self, Problem> {
        let events = patterns(&wishes.events)?;
        let mut lines = None;
        if !wishes.lines.is_empty() {
            let mut set = HashSet::new();
            for (index, text) in wishes.lines.iter().enumerate() {
                let id = LineId::parse(text)
                    .ok()
                    .filter(|id| principal.sees(id) && view.lines.contains_key(id))
                    .ok_or_else(|| {
                        Problem::not_found("line").field(format!("/lines/{index}"), "There is no such line.")
                    })?;
                set.insert(id);
            }
            lines = Some(set);
        } else if let Some(visible) = &principal.lines {
            lines = Some(visible.iter().cloned().collect());
        }
        // The PBXs of the lines of a limited token; without a limit all of them.
        let of = |ids: &HashSet<LineId>| -> HashSet<PbxId> {
            ids.iter().filter_map(|id| Some(view.lines.get(id)?.value.pbx_id.clone())).collect()
        };
        let visible_pbxs = principal.lines.as_ref().map(|visible| of(&visible.iter().cloned().collect()));
        let mut wanted_pbxs = None;
        if !wishes.pbxs.is_empty() {
            let mut set = HashSet::new();
            for (index, text) in wishes.pbxs.iter().enumerate() {
                let id = PbxId::parse(text)
                    .ok()
                    .filter(|id| visible_pbxs.as_ref().is_none_or(|visible| visible.contains(id)))
                    .filter(|id| view.pbxs.contains_key(id))
                    .ok_or_else(|| {
                        Problem::not_found("PBX").field(format!("/pbxs/{index}"), "There is no such PBX.")
                    })?;
                set.insert(id);
            }
            wanted_pbxs = Some(set);
        }
        let pbxs = match (&lines, &wanted_pbxs) {
            (Some(lines), Some(wanted)) => Some(of(lines).intersection(wanted).cloned().collect()),
            (Some(lines), None) => Some(of(lines)),
            (None, wanted) => wanted.clone(),
        };
        Ok(Self { events, lines, wanted_pbxs, pbxs })
    }

    /// Whether the reader gets this event.
    pub(super) fn passes(&self, event: &Event) -> bool {
        if !self.events.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| matches(pattern, &event.name))) {
            return false;
        }
        match (&event.line_id, &event.pbx_id) {
            (Some(line), pbx) => {
                self.lines.as_ref().is_none_or(|lines| lines.contains(line))
                    && self
                        .wanted_pbxs
                        .as_ref()
                        .is_none_or(|wanted| pbx.as_ref().is_some_and(|pbx| wanted.contains(pbx)))
            }
            (None, Some(pbx)) => self.passes_pbx(pbx),
            (None, None) => self.lines.is_none() && self.pbxs.is_none(),
        }
    }

    /// What the journal must deliver: readers of some lines are not woken for the others.
    pub(super) fn interest(&self) -> Interest {
        match (&self.lines, &self.pbxs) {
            (Some(lines), pbxs) => Interest::Some { lines: lines.clone(), pbxs: pbxs.clone().unwrap_or_default() },
            (None, _) => Interest::All,
        }
    }

    /// Whether a PBX belongs into the reader's snapshot.
    pub(super) fn passes_pbx(&self, pbx: &PbxId) -> bool {
        self.pbxs.as_ref().is_none_or(|pbxs| pbxs.contains(pbx))
    }

    /// Whether a line, or a call of it, belongs into the reader's snapshot.
    pub(super) fn passes_line(&self, line: &LineId, pbx: &PbxId) -> bool {
        self.lines.as_ref().is_none_or(|lines| lines.contains(line))
            && self.wanted_pbxs.as_ref().is_none_or(|wanted| wanted.contains(pbx))
    }
}

fn patterns(wishes: &[String]) -> Result<Option<Vec<String>>, Problem> {
    if wishes.is_empty() {
        return Ok(None);
    }
    for (index, pattern) in wishes.iter().enumerate() {
        if !EVENTS.iter().any(|event| matches(pattern, event)) {
            let shown: String = pattern.chars().take(64).collect();
            return Err(Problem::new("invalid_value", format!("There is no event “{shown}”."))
                .hint(format!("Use one of {}, or a group such as call.*.", EVENTS.join(", ")))
                .field(format!("/events/{index}"), "This event does not exist."));
        }
    }
    Ok(Some(wishes.to_vec()))
}

fn matches(pattern: &str, event: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(group) => group.ends_with('.') && event.starts_with(group),
        None => pattern == event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_names() {
        assert!(matches("*", "call.ended") && matches("call.*", "call.ended") && matches("call.ended", "call.ended"));
        assert!(!matches("call*", "call.ended") && !matches("call", "call.ended") && !matches("line.*", "call.ended"));
        assert!(patterns(&["calls.*".to_owned()]).is_err());
    }
}
