//! Random sequences of everything that can happen: nothing panics, every ticket ends once, sessions end once.

use std::collections::HashMap;

use proptest::prelude::*;

use super::peer::{CSTA, LINE, Peer, answer_text, secs};
use crate::sip::wire::message::Message;
use crate::sip::{Event, FlowId, Input, Method, ReplyToken};

#[derive(Debug, Clone)]
enum Step {
    Open,
    Close,
    Abandon,
    Refresh,
    Register,
    Unregister,
    Info,
    /// Answer the request that was sent this many messages ago.
    Answer(usize, u16),
    Ask(&'static str, u32),
    Reply(usize, u16),
    Connect(bool),
    Lose,
    Garbage(Vec<u8>),
    Pass(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let statuses = vec![100_u16, 180, 200, 200, 200, 302, 401, 407, 408, 420, 422, 423, 481, 487, 491, 500, 503];
    let methods = vec!["INFO", "INFO", "INVITE", "ACK", "BYE", "UPDATE", "OPTIONS", "CANCEL", "NOTIFY", "FOO"];
    prop_oneof![
        2 => Just(Step::Open),
        1 => Just(Step::Close),
        1 => Just(Step::Abandon),
        1 => Just(Step::Refresh),
        1 => Just(Step::Register),
        1 => Just(Step::Unregister),
        4 => Just(Step::Info),
        8 => (0..4_usize, prop::sample::select(statuses)).prop_map(|(which, status)| Step::Answer(which, status)),
        5 => (prop::sample::select(methods), 98..110_u32).prop_map(|(method, cseq)| Step::Ask(method, cseq)),
        4 => (0..3_usize, prop::sample::select(vec![200_u16, 400, 488])).prop_map(|(which, status)| Step::Reply(which, status)),
        2 => any::<bool>().prop_map(Step::Connect),
        1 => Just(Step::Lose),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Garbage),
        3 => prop::sample::select(vec![0_u64, 1, 5, 31, 33, 900]).prop_map(Step::Pass),
    ]
}

const HEADERS: &str = "Session-Expires: 1800;refresher=uac\nMin-SE: 1900\nMin-Expires: 900\nUnsupported: timer\n\
    WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true\n";

#[derive(Default)]
struct Seen {
    requests: Vec<Message>,
    tokens: Vec<ReplyToken>,
    outcomes: HashMap<u64, u32>,
    open: bool,
}

impl Seen {
    fn look(&mut self, peer: &mut Peer) {
        let (sent, events) = peer.drain();
        let asks = |message: &Message| !matches!(message.method(), None | Some(Method::Ack));
        self.requests.extend(sent.into_iter().filter(asks));
        for event in events {
            match event {
                Event::Request { token, .. } => self.tokens.push(token),
                Event::InfoAnswered { ticket, .. } | Event::InfoLost { ticket, .. } => {
                    *self.outcomes.entry(ticket.0).or_default() += 1;
                }
                Event::SessionOpened { session: LINE, .. } => {
                    assert!(!std::mem::replace(&mut self.open, true), "opened twice");
                }
                Event::SessionEnded { session: LINE, .. } => self.open = false,
                Event::SessionRefused { session: LINE, .. } => assert!(!self.open, "refused when open"),
                Event::SessionRefreshed { .. } | Event::SessionRefreshFailed { .. } => assert!(self.open),
                _ => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_every_ticket_ends_once(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut peer = Peer::connected();
        let mut seen = Seen::default();
        let mut flow = 1;
        let mut tickets = 0;
        // Tickets of abandoned sessions have no outcome: nobody asks any more.
        let mut forgotten = Vec::new();
        for step in steps {
            match step {
                Step::Open | Step::Abandon => {
                    forgotten.extend((1..=tickets).filter(|ticket| !seen.outcomes.contains_key(ticket)));
                    seen.open = false;
                    match step {
                        Step::Open => peer.invite(|_| {}),
                        _ => peer.give(Input::AbandonSession { session: LINE }),
                    }
                }
                Step::Close => peer.give(Input::CloseSession { session: LINE }),
                Step::Refresh => peer.give(Input::RefreshSession { session: LINE }),
                Step::Register => peer.give(Input::Register),
                Step::Unregister => peer.give(Input::Unregister),
                Step::Info => {
                    tickets += 1;
                    peer.info(tickets);
                }
                Step::Answer(which, status) => {
                    let count = seen.requests.len();
                    if let Some(request) = count.checked_sub(which + 1).and_then(|index| seen.requests.get(index)) {
                        let text = answer_text(request, status, HEADERS, "");
                        peer.say(&text);
                    }
                }
                Step::Ask(method, cseq) => {
                    peer.ask(method, cseq, CSTA, "<X/>");
                }
                Step::Reply(which, status) => {
                    if let Some(token) = seen.tokens.iter().rev().nth(which).copied() {
                        peer.reply(token, status);
                    }
                }
                Step::Connect(inbound) => {
                    flow += 1;
                    peer.connect(flow, inbound);
                }
                Step::Lose => peer.lose(flow),
                Step::Garbage(data) => {
                    peer.give(Input::FlowBytes { flow: FlowId(flow), data: data.into() });
                    // Nothing sensible can follow on the same connection.
                    peer.lose(flow);
                    flow += 1;
                    peer.connect(flow, false);
                }
                Step::Pass(seconds) => peer.pass(secs(seconds)),
            }
            seen.look(&mut peer);
        }
        for _ in 0..10 {
            peer.pass(secs(40));
            seen.look(&mut peer);
        }
        for ticket in 1..=tickets {
            let ends = seen.outcomes.get(&ticket).copied().unwrap_or(0);
            let wanted = if forgotten.contains(&ticket) { 0..=1 } else { 1..=1 };
            prop_assert!(wanted.contains(&ends), "ticket {} ended {} times", ticket, ends);
        }
    }
}
