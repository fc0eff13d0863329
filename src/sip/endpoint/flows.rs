//! The open connections to the peer, what waits to be written on each, and which one is used.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};

use super::input::FlowId;
use super::output::{CloseReason, Output};
use crate::sip::wire::frame::Framer;

/// One connection.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) id: FlowId,
    pub(super) peer: Option<SocketAddr>,
    pub(super) framer: Framer,
    /// A ping of ours is not answered yet.
    pub(super) has_pinged: bool,
    out: BytesMut,
    closing: Option<CloseReason>,
    close_told: bool,
}

/// All connections, oldest first.
#[derive(Debug, Default)]
pub(super) struct Flows {
    all: Vec<Flow>,
    /// Somebody was asked to connect.
    pub(super) connecting: bool,
    dirty: bool,
}

impl Flows {
    pub(super) fn open(&mut self, id: FlowId, peer: Option<SocketAddr>) {
        self.close(id);
        self.connecting = false;
        self.all.push(Flow {
            id,
            peer,
            framer: Framer::new(),
            has_pinged: false,
            out: BytesMut::new(),
            closing: None,
            close_told: false,
        });
    }

    pub(super) fn close(&mut self, id: FlowId) {
        self.all.retain(|flow| flow.id != id);
    }

    pub(super) fn find(&mut self, id: FlowId) -> Option<&mut Flow> {
        self.all.iter_mut().find(|flow| flow.id == id)
    }

    pub(super) fn peer(&self, id: FlowId) -> Option<SocketAddr> {
        self.all.iter().find(|flow| flow.id == id)?.peer
    }

    /// The flow for a request of ours: the newest. IOS keeps one per address and uses the newest too.
    pub(super) fn preferred(&self) -> Option<FlowId> {
        self.all.iter().rev().find(|f| f.closing.is_none()).map(|f| f.id)
    }

    /// Adds bytes to what a flow will send. Whether the flow is open.
    pub(super) fn write(&mut self, id: FlowId, bytes: &Bytes) -> bool {
        let flow = self.all.iter_mut().find(|flow| flow.id == id);
        match flow.filter(|flow| flow.closing.is_none()) {
            Some(flow) => {
                flow.out.extend_from_slice(bytes);
                self.dirty = true;
                true
            }
            None => false,
        }
    }

    /// Takes no more bytes from a flow and has it closed after what waits.
    pub(super) fn abort(&mut self, id: FlowId, why: CloseReason) {
        if let Some(flow) = self.find(id) {
            flow.closing.get_or_insert(why);
            self.dirty = true;
        }
    }

    pub(super) fn is_aborted(&self, id: FlowId) -> bool {
        self.all.iter().any(|flow| flow.id == id && flow.closing.is_some())
    }

    /// What is to be written or closed now.
    pub(super) fn take_output(&mut self) -> Option<Output> {
        if !self.dirty {
            return None;
        }
        for flow in &mut self.all {
            if !flow.out.is_empty() {
                let data = flow.out.split().freeze();
                return Some(Output::Send { flow: flow.id, data });
            }
            if let Some(why) = flow.closing
                && !flow.close_told
            {
                flow.close_told = true;
                return Some(Output::CloseFlow { flow: flow.id, why });
            }
        }
        self.dirty = false;
        None
    }
}
