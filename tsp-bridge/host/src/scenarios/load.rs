//! A busy house, and how soon TAPI hears of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use linegate_tsp_core::tapi::call_state;
use serde_json::{Value, json};

use crate::control;
use crate::service::{PROVIDER, Service, V3_0, address_of, call_info, configure, settle, until_in_service};
use crate::world::{quiet, world};

/// The worst that one message in a hundred may have, from the event of the gateway to LINEEVENT.
const LIMIT: Duration = Duration::from_millis(20);

/// A call: its line, and its conversation as a number.
type Key = (usize, u32);

pub fn c36_two_thousand_calls_a_minute() {
    configure(PROVIDER, |config| {
        config.log_level = "info".to_owned();
        // Without the proxy of the tests, whose own delay is nobody's business here.
        config.gateway = format!("http://127.0.0.1:{}", control::ports().direct);
    });
    let service = Service::learned();
    println!("  {} lines", service.lines);
    let mut opened = Vec::new();
    let begin = Instant::now();
    for device in service.base..service.base + service.lines {
        opened.push(service.open(device, V3_0));
    }
    let took = begin.elapsed();
    println!("  {} lines opened in {took:?}", opened.len());
    assert!(took < Duration::from_secs(1));
    for open in &opened {
        settle(*open, 4);
    }
    for open in opened.iter().take(3) {
        until_in_service(*open);
    }
    let numbers: HashMap<String, usize> =
        opened.iter().filter_map(|open| Some((address_of(open.device, 0)?, open.ht))).collect();
    // Whatever the start has to tell is told.
    quiet(Duration::from_secs(2));
    let start = control::gateway("GET", "/events", json!(null))["body"]["next"].as_str().unwrap().to_owned();
    world().measured = Some(Vec::new());
    let answer = control::ask("/traffic", &json!({"calls_per_minute": 2_000, "seconds": 30}));
    quiet(Duration::from_secs(1));
    let told = world().measured.take().unwrap();
    let calls: Vec<(usize, usize, usize, u32)> =
        world().calls.iter().map(|(ht, call)| (*ht, call.ht_line, call.handle, call.state())).collect();
    let ended = calls.iter().filter(|call| call.3 == call_state::IDLE).count();
    println!("  {answer}: {} states of {} calls told, {ended} of them ended", told.len(), calls.len());
    assert!(ended * 100 >= calls.len() * 99, "{ended} of {} calls ended", calls.len());
    // Calls are found again by their line and dwCallID; their handles are readable until they are closed.
    let keys: HashMap<usize, Key> =
        calls.iter().map(|(ht, line, handle, _)| (*ht, (*line, call_info(*handle).word(40)))).collect();
    let told: Vec<(Key, u32, i64)> =
        told.iter().filter_map(|(ht, state, at)| Some((*keys.get(ht)?, *state, *at))).collect();
    let mut delays = delays(&said(&start, &numbers), &told);
    delays.sort_unstable();
    let at = |share: usize| Duration::from_micros(delays[(delays.len() - 1) * share / 1_000].cast_unsigned());
    println!(
        "  from the event of the gateway to LINEEVENT, {} of them: half within {:?}, 99 of 100 within {:?}, all within {:?}",
        delays.len(),
        at(500),
        at(990),
        at(1_000)
    );
    assert!(delays.len() * 10 >= told.len() * 6, "most messages have an event: {} of {}", delays.len(), told.len());
    assert!(at(990) < LIMIT, "{:?} is too late", at(990));
    configure(PROVIDER, |_| {});
}

/// `dwCallID` of a conversation: FNV-1a of its id.
fn call_id(conversation: &str) -> u32 {
    conversation.bytes().fold(0x811C_9DC5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What the gateway said about calls since a position: call, state, moment.
fn said(start: &str, numbers: &HashMap<String, usize>) -> Vec<(Key, u32, i64)> {
    let lines = control::gateway("GET", "/lines?limit=1000", json!(null));
    let handles: HashMap<String, usize> = lines["body"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| Some((line["id"].as_str()?.to_owned(), *numbers.get(line["number"].as_str()?)?)))
        .collect();
    let mut after = start.to_owned();
    let mut states = HashMap::new();
    let mut said = Vec::new();
    loop {
        let path = format!("/events?after={after}&events=call.*&limit=1000");
        let page = control::gateway("GET", &path, json!(null))["body"].take();
        let events = page["events"].as_array().cloned().unwrap_or_default();
        for event in &events {
            let call = &event["data"];
            let state = state_of(call);
            // A state is told once, however often the rest of the call changes.
            if states.insert(event["call_id"].clone().to_string(), state) != Some(state)
                && let Some(line) = call["line_id"].as_str().and_then(|id| handles.get(id))
            {
                let conversation = call["conversation_id"].as_str().unwrap_or_default();
                said.push(((*line, call_id(conversation)), state, micros(event["time"].as_str().unwrap())));
            }
        }
        let next = page["next"].as_str().unwrap().to_owned();
        if events.is_empty() || next == after {
            return said;
        }
        after = next;
    }
}

fn state_of(call: &Value) -> u32 {
    match call["state"].as_str().unwrap_or_default() {
        "dial_tone" => call_state::DIALTONE,
        "dialing" => call_state::DIALING,
        "proceeding" => call_state::PROCEEDING,
        "ringback" => call_state::RINGBACK,
        "offering" if call["direction"] == "outbound" => call_state::DIALING,
        "offering" => call_state::OFFERING,
        "connected" | "remote_held" => call_state::CONNECTED,
        "on_hold" => call_state::ONHOLD,
        "busy" => call_state::BUSY,
        "ended" => call_state::IDLE,
        _ => call_state::UNKNOWN,
    }
}

/// Microseconds of a day from RFC 3339: a test does not run over midnight twice.
fn micros(time: &str) -> i64 {
    let number = |from: usize, to: usize| time[from..to].parse::<i64>().unwrap();
    ((number(11, 13) * 60 + number(14, 16)) * 60 + number(17, 19)) * 1_000_000 + number(20, 23) * 1_000
}

/// How long after what was said it was told: call by call, in order.
fn delays(said: &[(Key, u32, i64)], told: &[(Key, u32, i64)]) -> Vec<i64> {
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    let mut heard: HashMap<Key, std::collections::VecDeque<(u32, i64)>> = HashMap::new();
    for (call, state, at) in told {
        heard.entry(*call).or_default().push_back((*state, at % DAY));
    }
    let mut delays = Vec::new();
    for (call, state, at) in said {
        let Some(queue) = heard.get_mut(call) else { continue };
        if let Some(place) = queue.iter().position(|told| told.0 == *state) {
            let told = queue[place];
            queue.drain(..=place);
            let delay = told.1 - at;
            // Over midnight; and the clock of a program under Wine may be some microseconds behind.
            delays.push(if delay < -DAY / 2 { delay + DAY } else { delay.max(0) });
        }
    }
    delays
}
