//! Lines of the gateway as devices of TAPI.

use std::collections::HashSet;

use super::timers::Timer;
use super::{Bridge, LinkState, Now, Output};
use crate::model::{GatewayForwarding, GatewayLine};
use crate::tapi::{addr_state, dev_state, err, msg};

/// How long TAPI may take to close a line that goes.
const REMOVAL_MS: u64 = 5_000;
/// How long after lineOpen calls that were there before are offered, when nothing else happens (dossier 2.8).
const SETTLING_MS: u64 = 200;
/// The shortest wait after the programs' wishes are known.
const SETTLED_MS: u64 = 20;

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    /// Its place in the store.
    pub(super) stored: usize,
    /// What the gateway last said; `None` when it does not have it.
    pub(super) view: Option<GatewayLine>,
    /// Its calls have changed since: what may be asked of it may be told anew in a moment.
    pub(super) is_view_older: bool,
    /// `dwDeviceID`, once TAPI gave one.
    pub(super) device: Option<u32>,
    /// LINE_CREATE was sent with this number and not answered.
    pub(super) temporary: Option<u32>,
    pub(super) open: Option<Open>,
    /// What TAPI heard last.
    pub(super) was_in_service: bool,
    /// Where all calls go, by address id.
    pub(super) forwarding: Vec<Option<String>>,
    pub(super) do_not_disturb: bool,
    /// Calls when TAPI last heard, by address.
    pub(super) counts: Vec<usize>,
}

/// A line that TAPI has open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) handle: u32,
    pub(super) ht: usize,
    pub(super) version: u32,
    pub(super) media_modes: u32,
    pub(super) line_states: u32,
    pub(super) address_states: u32,
    /// New calls may be offered.
    pub(super) is_ready: bool,
    /// LINE_CLOSE was sent.
    pub(super) is_closing: bool,
}

impl Line {
    fn of(stored: usize) -> Self {
        Self {
            stored,
            view: None,
            is_view_older: false,
            device: None,
            temporary: None,
            open: None,
            was_in_service: false,
            forwarding: Vec::new(),
            do_not_disturb: false,
            counts: Vec::new(),
        }
    }
}

impl Bridge {
    pub(super) fn lines_from_store(&mut self) {
        // The filter chooses from one store: a line that it leaves out keeps its place for another day.
        let places = self.store.lines.iter().enumerate().filter(|(_, stored)| self.is_wanted_number(&stored.number));
        self.lines = places.map(|(place, _)| Line::of(place)).collect();
    }

    /// How many lines there are, for `TSPI_providerEnumDevices`.
    pub fn line_count(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// `TSPI_providerInit`: the lines get their device ids.
    pub fn init(&mut self, line_base: u32, count: u32, now: Now) {
        if self.is_initialized {
            return;
        }
        self.is_initialized = true;
        for (line, device) in self.lines.iter_mut().zip(0..count) {
            line.device = Some(line_base.saturating_add(device));
        }
        self.set_timer(now.ms + self.settings.link_wait_ms, Timer::LinkWait);
    }

    /// Whether `TSPI_providerInit` was here.
    pub fn is_initialized(&self) -> bool {
        self.is_initialized
    }

    /// `TSPI_providerCreateLineDevice`.
    ///
    /// # Errors
    /// When no line waits for a device under this number.
    pub fn create_line_device(&mut self, temporary: u32, device: u32) -> Result<(), i32> {
        let Some(line) = self.lines.iter_mut().find(|line| line.temporary == Some(temporary)) else {
            return Err(err::BADDEVICEID);
        };
        line.temporary = None;
        line.device = Some(device);
        Ok(())
    }

    pub(super) fn by_device(&self, device: u32) -> Result<usize, i32> {
        self.lines.iter().position(|line| line.device == Some(device)).ok_or(err::BADDEVICEID)
    }

    /// Whether a device is one of this instance.
    pub fn has_device(&self, device: u32) -> bool {
        self.by_device(device).is_ok()
    }

    pub(super) fn open_line(&self, handle: u32) -> Option<usize> {
        self.lines.iter().position(|line| line.open.as_ref().is_some_and(|open| open.handle == handle))
    }

    pub(super) fn by_handle(&self, handle: u32) -> Result<usize, i32> {
        self.open_line(handle).ok_or(err::INVALLINEHANDLE)
    }

    pub(super) fn by_gateway_id(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.view.as_ref().is_some_and(|view| view.id == id))
    }

    /// `TSPI_lineOpen`. It does not wait for anything: a line can be opened whatever the link does.
    ///
    /// # Errors
    /// BADDEVICEID, and ALLOCATED for a line that is open: TAPI opens each one once.
    pub fn open(&mut self, device: u32, ht: usize, version: u32, now: Now) -> Result<u32, i32> {
        let index = self.by_device(device)?;
        let handle = self.next_handle(0);
        let Some(line) = self.lines.get_mut(index) else { return Err(err::BADDEVICEID) };
        if line.open.is_some() {
            return Err(err::ALLOCATED);
        }
        line.open = Some(Open {
            handle,
            ht,
            version,
            media_modes: 0,
            line_states: u32::MAX,
            address_states: u32::MAX,
            is_ready: false,
            is_closing: false,
        });
        line.counts.clear();
        self.set_timer(now.ms + SETTLING_MS, Timer::Ready(handle));
        Ok(handle)
    }

    /// The programs have said what they want: calls that are there already may be offered soon, by the dispatcher.
    pub(super) fn settle(&mut self, handle: u32, now: Now) {
        self.set_timer(now.ms + SETTLED_MS, Timer::Ready(handle));
    }

    pub(super) fn line_is_ready(&mut self, handle: u32, now: Now) {
        let Some(index) = self.open_line(handle) else { return };
        let Some(open) = self.lines.get_mut(index).and_then(|line| line.open.as_mut()) else { return };
        if std::mem::replace(&mut open.is_ready, true) {
            return;
        }
        let ids: Vec<String> = self
            .known
            .values()
            .filter(|known| self.by_gateway_id(&known.call.line_id) == Some(index))
            .map(|known| known.call.id.clone())
            .collect();
        for id in ids {
            self.settle_call(&id, now);
        }
    }

    /// `TSPI_lineClose`: every request ends before it returns; gives those that the caller has to complete.
    ///
    /// # Errors
    /// INVALLINEHANDLE.
    pub fn close(&mut self, handle: u32) -> Result<Vec<(u32, i32)>, i32> {
        let index = self.by_handle(handle)?;
        let ended = self.abandon(|line, _| line == handle);
        self.calls.retain(|_, call| call.line != index);
        // Calls that TAPI gave back are offered again with the next opening; those of other lines stay given back.
        if let Some(id) = self.stored(index).map(|stored| stored.line_id.clone()) {
            for known in self.known.values_mut().filter(|known| known.call.line_id == id) {
                known.is_dismissed = false;
            }
        }
        let is_going = {
            let Some(line) = self.lines.get_mut(index) else { return Ok(ended) };
            line.open.take().is_some_and(|open| open.is_closing)
        };
        let mine = |output: &Output| match output {
            Output::Event { line, .. } | Output::NewCall { line, .. } => *line == handle,
            _ => false,
        };
        self.outputs.retain(|output| !mine(output));
        if is_going {
            self.remove_device(index);
        }
        Ok(ended)
    }

    /// Ends everything, for `TSPI_providerShutdown`; gives the requests that the caller has to complete.
    pub fn shut_down(&mut self) -> Vec<(u32, i32)> {
        let ended = self.abandon(|_, _| true);
        self.calls.clear();
        self.known.clear();
        self.outputs.clear();
        self.timers.clear();
        self.frames.clear();
        for line in &mut self.lines {
            line.open = None;
            line.device = None;
        }
        self.is_initialized = false;
        ended
    }

    /// Whether the filter of this machine lets a line through.
    fn is_wanted_line(&self, line: &GatewayLine) -> bool {
        self.is_wanted_number(&line.number)
    }

    fn is_wanted_number(&self, number: &str) -> bool {
        let filter = &self.settings.line_filter;
        filter.is_empty()
            || filter.iter().any(|pattern| match pattern.strip_suffix('*') {
                Some(begin) => number.starts_with(begin),
                None => number == pattern,
            })
    }

    /// All lines of a snapshot: new ones are created, others change, missing ones go.
    pub(super) fn all_lines(&mut self, lines: Vec<GatewayLine>, now: Now) {
        let mut sorted = lines;
        // A first list comes in the order of the permanent numbers, whatever order the gateway has.
        sorted.sort_by_key(|line| line.tapi_id);
        let wanted = sorted.iter().filter(|line| self.is_wanted_line(line));
        let present: HashSet<String> = wanted.map(|line| line.id.clone()).collect();
        for line in sorted {
            self.one_line(line, now);
        }
        let going: Vec<usize> = (0..self.lines.len())
            .filter(|index| self.stored(*index).is_some_and(|stored| !present.contains(&stored.line_id)))
            .collect();
        for index in going {
            self.line_goes(index, now);
        }
    }

    pub(super) fn stored(&self, index: usize) -> Option<&crate::store::StoredLine> {
        self.store.lines.get(self.lines.get(index)?.stored)
    }

    /// A line as the gateway has it now.
    pub(super) fn one_line(&mut self, view: GatewayLine, now: Now) {
        if !self.is_wanted_line(&view) {
            if let Some(index) = self.by_gateway_id(&view.id) {
                self.line_goes(index, now);
            }
            return;
        }
        let (place, is_new) = self.store.admit(&view, self.settings.provider);
        let index = match self.lines.iter().position(|line| line.stored == place) {
            Some(index) => index,
            None => {
                self.lines.push(Line::of(place));
                self.lines.len() - 1
            }
        };
        let Some(stored) = self.store.lines.get_mut(place) else { return };
        let learned = stored.learn(&view);
        self.store_changed |= is_new || learned;
        let addresses = stored.addresses.len();
        let Some(line) = self.lines.get_mut(index) else { return };
        let caps_changed = learned && line.view.is_some();
        line.forwarding.resize(addresses, None);
        let mut moved = Vec::new();
        for (place, (known, address)) in line.forwarding.iter_mut().zip(&stored.addresses).enumerate() {
            let button = view.addresses.iter().find(|one| !address.gone && one.index == address.index);
            let told = match button {
                _ if place == 0 => &view.forwarding,
                Some(button) => match &button.forwarding {
                    Some(forwarding) => forwarding,
                    // An older gateway does not tell: what was set through here is all that is known.
                    None => continue,
                },
                None => &GatewayForwarding { unconditional: None },
            };
            if *known != told.unconditional {
                known.clone_from(&told.unconditional);
                moved.push(place);
            }
        }
        let quiet = line.do_not_disturb != view.do_not_disturb;
        line.do_not_disturb = view.do_not_disturb;
        line.view = Some(view);
        line.is_view_older = false;
        let needs_device = line.device.is_none() && line.temporary.is_none() && self.is_initialized;
        if needs_device {
            self.last_temporary += 1;
            line.temporary = Some(self.last_temporary);
            self.outputs.push_back(Output::Create { temporary: self.last_temporary });
        }
        for address in 0..addresses {
            // Do not disturb belongs to the phone, and so to every address.
            if quiet || moved.contains(&address) {
                self.address_state(index, address, addr_state::FORWARD);
            }
        }
        if caps_changed {
            self.line_state(index, dev_state::CAPSCHANGE, 0, 0);
            for address in 0..addresses {
                self.address_state(index, address, addr_state::CAPSCHANGE);
            }
        }
        self.service_state(index);
    }

    pub(super) fn line_goes(&mut self, index: usize, now: Now) {
        let Some(line) = self.lines.get_mut(index) else { return };
        if line.view.take().is_none() && line.device.is_none() {
            return;
        }
        if let Some(stored) = self.store.lines.get_mut(line.stored) {
            self.store_changed |= !std::mem::replace(&mut stored.gone, true);
        }
        self.service_state(index);
        let Some(line) = self.lines.get_mut(index) else { return };
        match &mut line.open {
            Some(open) if !open.is_closing => {
                open.is_closing = true;
                let (handle, ht) = (open.handle, open.ht);
                // What TAPI asked for is answered before it is asked to close.
                self.give_up(|line, _| line == handle);
                self.line_event(handle, ht, msg::CLOSE, [0; 3]);
                self.set_timer(now.ms + REMOVAL_MS, Timer::Removal(index));
            }
            Some(_) => {}
            None => self.remove_device(index),
        }
    }

    pub(super) fn remove_device(&mut self, index: usize) {
        let Some(line) = self.lines.get_mut(index) else { return };
        // It may have come back meanwhile.
        if line.view.is_some() {
            if let Some(open) = &mut line.open {
                open.is_closing = false;
            }
            return;
        }
        if let Some(device) = line.device.take() {
            self.outputs.push_back(Output::Remove { device });
        }
    }

    /// Whether programs may use the line now.
    pub(super) fn is_in_service(&self, index: usize) -> bool {
        self.link == LinkState::Up
            && self.lines.get(index).and_then(|line| line.view.as_ref()).is_some_and(GatewayLine::is_in_service)
    }

    /// Tells TAPI when a line came into service or went out of it.
    pub(super) fn service_state(&mut self, index: usize) {
        let is_in_service = self.is_in_service(index);
        let Some(line) = self.lines.get_mut(index) else { return };
        if std::mem::replace(&mut line.was_in_service, is_in_service) == is_in_service {
            return;
        }
        self.line_state(index, if is_in_service { dev_state::INSERVICE } else { dev_state::OUTOFSERVICE }, 0, 0);
    }

    /// LINE_LINEDEVSTATE, when the programs want to hear it.
    pub(super) fn line_state(&mut self, index: usize, state: u32, second: usize, third: usize) {
        let Some(open) = self.lines.get(index).and_then(|line| line.open.as_ref()) else { return };
        if open.line_states & state != 0 {
            let (handle, ht) = (open.handle, open.ht);
            self.line_event(handle, ht, msg::LINEDEVSTATE, [state as usize, second, third]);
        }
    }

    /// LINE_ADDRESSSTATE, when the programs want to hear it.
    pub(super) fn address_state(&mut self, index: usize, address: usize, state: u32) {
        let Some(open) = self.lines.get(index).and_then(|line| line.open.as_ref()) else { return };
        if open.address_states & state != 0 {
            let (handle, ht) = (open.handle, open.ht);
            self.line_event(handle, ht, msg::ADDRESSSTATE, [address, state as usize, 0]);
        }
    }

    pub(super) fn line_event(&mut self, line: u32, ht_line: usize, message: u32, params: [usize; 3]) {
        self.outputs.push_back(Output::Event { line, call: 0, ht_line, ht_call: 0, message, params });
    }

    /// Tells TAPI how many calls there are, when that changed.
    pub(super) fn refresh_counts(&mut self, index: usize) {
        let addresses = self.stored(index).map_or(0, |stored| stored.addresses.len());
        let mut counts = vec![0_usize; addresses];
        for call in self.calls.values().filter(|call| call.line == index && call.counts()) {
            if let Some(count) = usize::try_from(call.address).ok().and_then(|address| counts.get_mut(address)) {
                *count += 1;
            }
        }
        let Some(line) = self.lines.get_mut(index) else { return };
        if line.open.is_none() {
            return;
        }
        line.counts.resize(addresses, 0);
        if line.counts == counts {
            return;
        }
        let changed: Vec<(usize, usize)> = counts
            .iter()
            .zip(&line.counts)
            .enumerate()
            .filter(|(_, (now, before))| now != before)
            .map(|(address, (now, _))| (address, *now))
            .collect();
        line.counts = counts;
        for (address, count) in changed {
            let in_use = match count {
                0 => addr_state::INUSEZERO,
                1 => addr_state::INUSEONE,
                _ => addr_state::INUSEMANY,
            };
            self.address_state(index, address, in_use | addr_state::NUMCALLS);
        }
        self.line_state(index, dev_state::NUMCALLS, 0, 0);
    }

    pub(super) fn refresh_all_counts(&mut self) {
        for index in 0..self.lines.len() {
            self.refresh_counts(index);
        }
    }
}
