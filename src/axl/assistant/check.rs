//! From an inventory to findings and a plan.

use std::collections::{BTreeMap, BTreeSet};

use super::recipe::{self, Site};
use super::{Assessment, Block, Finding, Known, Step};
use crate::axl::inventory::{Inventory, LineOptions, Support};
use crate::axl::record::Extension;
use crate::axl::request::{Keyword, Request, Select};

/// First tag of session servers that is tried: the manual's.
const USUAL_TAG: u32 = 2;
/// Highest session server tag of every release of the window (section 10.1).
const LAST_TAG: u32 = 8;

/// What is known beside the router's own records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Blocks that were applied and not taken back; a directory number with its tag and number. The router took every line
    /// then: a reload may have lost it since, so it counts only beside what works now.
    pub applied: BTreeSet<(Block, Option<u32>, Option<String>)>,
    /// Lines are monitored now: CTI works.
    pub cti_works: bool,
    /// Numbers that are monitored now: their flags are there, whatever the router shows of them.
    pub monitored: BTreeSet<String>,
    /// Our session server is registered now.
    pub is_registered: bool,
    /// Numbers that must be monitored beside those that the router's phones and users show.
    pub wanted: BTreeSet<String>,
    /// Numbers that nobody wants to be monitored.
    pub unwanted: BTreeSet<String>,
}

/// Says what is there, what is missing, and what would mend it.
pub fn assess(inventory: &Inventory, site: &Site, evidence: &Evidence) -> Assessment {
    if let Support::Refused { sentence } | Support::InventoryOnly { sentence } = inventory.support() {
        return Assessment { refusal: Some(sentence), findings: Vec::new(), plan: Vec::new() };
    }
    let mut check = Check { inventory, site, evidence, findings: Vec::new(), plan: Vec::new() };
    check.voice_service();
    check.register_mode();
    check.session_server();
    check.directory_numbers();
    check.authenticate();
    Assessment { refusal: None, findings: check.findings, plan: check.plan }
}

struct Check<'a> {
    inventory: &'a Inventory,
    site: &'a Site,
    evidence: &'a Evidence,
    findings: Vec<Finding>,
    plan: Vec<Step>,
}

impl<'a> Check<'a> {
    /// Whether a step was applied before.
    fn applied(&self, step: &Step) -> bool {
        let (tag, number) = match step.block {
            Block::EphoneDn => (step.tag, step.number.clone()),
            _ => (None, None),
        };
        self.evidence.applied.contains(&(step.block, tag, number))
    }

    fn find(&mut self, step: &Step, state: Known, detail: impl Into<String>) {
        self.findings.push(Finding {
            block: step.block,
            subject: step.subject.clone(),
            tag: step.tag,
            number: step.number.clone(),
            state,
            detail: detail.into(),
        });
    }

    /// B1 is not in the XML interface: only its effect is.
    fn voice_service(&mut self) {
        let step = recipe::voice_service();
        if self.applied(&step) && self.evidence.cti_works {
            return self.find(&step, Known::Ok, "The assistant applied it, and lines are monitored.");
        }
        let detail = match (self.applied(&step), self.evidence.cti_works) {
            (true, _) => {
                "The XML interface does not show this block. The assistant applied it before, but no line is monitored now."
            }
            (false, true) => {
                "The XML interface does not show this block. Lines are monitored, so CTI is on; applying it again changes \
                 nothing that is right."
            }
            (false, false) => {
                "The XML interface does not show this block; applying it again changes nothing that is right."
            }
        };
        self.find(&step, Known::Unknown, detail);
        self.plan.push(step);
    }

    fn register_mode(&mut self) {
        let step = recipe::register_mode();
        let mode = self.inventory.sip_global.as_ref().and_then(|global| global.mode.as_deref());
        match mode {
            Some(mode) if mode.eq_ignore_ascii_case("cme") => self.find(&step, Known::Ok, "`mode cme` is set."),
            Some(mode) => {
                let detail = format!("The mode is `{mode}`, not `cme`.");
                self.find(&step, Known::Missing, detail);
                self.plan.push(step);
            }
            None if self.applied(&step) && self.evidence.cti_works => {
                let detail = "The router does not tell its mode; the assistant has set it, and lines are monitored.";
                self.find(&step, Known::Ok, detail);
            }
            None => {
                let detail = match self.applied(&step) {
                    true => {
                        "The router does not tell its mode. The assistant set it before, but no line is monitored now."
                    }
                    false => "The router does not tell its mode.",
                };
                self.find(&step, Known::Unknown, detail);
                self.plan.push(step);
            }
        }
    }

    fn session_server(&mut self) {
        let wanted = &self.site.register_id;
        let Some(servers) = &self.inventory.session_servers else {
            let step = recipe::session_server(USUAL_TAG, self.site);
            if self.evidence.is_registered {
                return self.find(&step, Known::Ok, format!("“{wanted}” is registered at the router now."));
            }
            // A tag that another product may hold is never written over.
            let detail = format!(
                "The router does not list its session servers, so no free tag is known. Enter the block by hand under a tag \
                 that `show running-config | section session-server` does not show, with `register-id {wanted}`."
            );
            return self.find(&step, Known::Unknown, detail);
        };
        let is_ours = |id: &Option<String>| id.as_deref() == Some(wanted.as_str());
        if let Some(ours) = servers.iter().find(|server| is_ours(&server.register_id)) {
            let step = recipe::session_server(ours.id, self.site);
            let keepalive = ours.keepalive_s.map_or_else(String::new, |seconds| format!(", keepalive {seconds} s"));
            let detail = format!("Session server {} has the register-id “{wanted}”{keepalive}.", ours.id);
            return self.find(&step, Known::Ok, detail);
        }
        let about = Request::SessionServer(Select::Keyword(Keyword::All)).about();
        let unreadable = self.inventory.unreadable.iter().filter(|one| one.about == about).map(|one| one.tag);
        let taken: BTreeSet<u32> = servers.iter().map(|server| server.id).chain(unreadable).collect();
        let free = std::iter::once(USUAL_TAG).chain(1..=LAST_TAG).find(|tag| !taken.contains(tag));
        let Some(tag) = free else {
            let step = recipe::session_server(USUAL_TAG, self.site);
            let detail = format!(
                "No session server has the register-id “{wanted}”, and all {LAST_TAG} tags are taken by other products. Remove \
                 one that nobody uses, by hand."
            );
            return self.find(&step, Known::Missing, detail);
        };
        let step = recipe::session_server(tag, self.site);
        let others = match taken.len() {
            0 => String::new(),
            count => format!(" {count} of other products stay as they are."),
        };
        self.find(&step, Known::Missing, format!("No session server has the register-id “{wanted}”.{others}"));
        self.plan.push(step);
    }

    /// The directory numbers that lines hang on, by tag: those of phones and users, and those entered by hand.
    fn numbers(&self) -> BTreeMap<u32, &'a Extension> {
        let inventory = self.inventory;
        let lines = inventory.lines(LineOptions { read_line_names: false, ..LineOptions::default() }).lines;
        let mut tags = BTreeSet::new();
        for line in &lines {
            if !self.evidence.unwanted.contains(&line.number) {
                tags.extend(line.dn_tags.iter().copied());
            }
            let buttons = line.button_records.iter().filter(|one| !self.evidence.unwanted.contains(&one.number));
            tags.extend(buttons.flat_map(|button| button.dn_tags.iter().copied()));
        }
        for number in &self.evidence.wanted {
            tags.extend(inventory.extensions_with(number).iter().map(|extension| extension.id));
        }
        tags.into_iter().filter_map(|tag| Some((tag, inventory.extension(tag)?))).collect()
    }

    fn directory_numbers(&mut self) {
        for (tag, extension) in self.numbers() {
            let watch = self.inventory.cti_watch(extension);
            let notify = self.inventory.cti_notify(extension);
            let has_button = !extension.devices.is_empty();
            let is_monitored = self.evidence.monitored.contains(&extension.number);
            let step = recipe::directory_number(tag, &extension.number, watch, notify, has_button);
            let missing: Vec<&str> = [("cti watch", watch), ("cti notify", notify)]
                .into_iter()
                .filter(|(_, flag)| *flag == Some(false))
                .map(|(line, _)| line)
                .collect();
            match (watch, notify) {
                (Some(true), Some(true)) => self.find(&step, Known::Ok, "It has `cti watch` and `cti notify`."),
                _ if !missing.is_empty() => {
                    let lines = missing.iter().map(|line| format!("`{line}`")).collect::<Vec<_>>().join(" and no ");
                    self.find(&step, Known::Missing, format!("It has no {lines}."));
                    self.plan.push(step);
                }
                _ if is_monitored => {
                    self.find(&step, Known::Ok, "The router does not show its flags, but the number is monitored.");
                }
                _ => {
                    let detail = match self.applied(&step) {
                        // A reload without a saved configuration has lost them, or somebody took them away.
                        true => {
                            "The router does not show `cti watch` and `cti notify` of it. The assistant set them before, but \
                             the number is not monitored now."
                        }
                        false => "The router does not show `cti watch` and `cti notify` of it.",
                    };
                    self.find(&step, Known::Unknown, detail);
                    self.plan.push(step);
                }
            }
        }
    }

    fn authenticate(&mut self) {
        let step = recipe::authenticate();
        match &self.inventory.sip_global {
            Some(global) if global.authenticates_register() => {
                self.find(&step, Known::Ok, "Registrations are authenticated.");
            }
            Some(_) => {
                self.find(&step, Known::Missing, "Registrations are not authenticated. This is optional.");
                self.plan.push(step);
            }
            None if self.applied(&step) && self.evidence.is_registered => {
                self.find(&step, Known::Ok, "The router does not tell; the assistant has set it.");
            }
            None => {
                self.find(&step, Known::Unknown, "The router does not tell whether registrations are authenticated.");
                self.plan.push(step);
            }
        }
    }
}
