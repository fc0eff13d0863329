//! Somebody who reads the event stream and remembers all of it.

use linegate::client::{Client, StreamError};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::{PATIENCE, patiently};

/// The text at a JSON pointer; empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A connection that is read all the time: the gateway closes one whose reader is busy with other things for too long.
struct Frames {
    came: mpsc::UnboundedReceiver<Result<Value, StreamError>>,
    reading: AbortHandle,
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Frames {
    async fn open(client: &Client, subscribe: &Value) -> Self {
        let mut stream = client.stream().await.expect("the stream opens");
        stream.send(subscribe).await.unwrap();
        let (to, came) = mpsc::unbounded_channel();
        let reading = tokio::spawn(async move {
            loop {
                let frame = stream.next().await;
                let is_last = frame.is_err();
                if to.send(frame).is_err() || is_last {
                    break;
                }
            }
        });
        Self { came, reading: reading.abort_handle() }
    }
}

/// A reader of everything from the beginning.
pub(crate) struct Reader {
    frames: Frames,
    seen: Vec<Value>,
    /// Events before this one were looked at by [`Reader::next`].
    cursor: usize,
    /// What the snapshot at the beginning holds already.
    as_of: u64,
}

impl Reader {
    pub(crate) async fn open(client: &Client) -> Self {
        let frames = Frames::open(client, &json!({"type": "subscribe", "id": "1", "from": "snapshot"})).await;
        let mut reader = Self { frames, seen: Vec::new(), cursor: 0, as_of: 0 };
        loop {
            let frame = reader.frame("the snapshot").await;
            if frame["type"] == "snapshot" {
                reader.as_of = frame["as_of_seq"].as_u64().unwrap();
                return reader;
            }
        }
    }

    /// Goes on after the last event on another connection: nothing is missing, nothing comes again.
    pub(crate) async fn resume(mut self, client: &Client) -> Self {
        let last = self.seen.last().expect("something was read");
        let from = json!({"epoch": last["epoch"], "seq": last["seq"]});
        self.frames = Frames::open(client, &json!({"type": "subscribe", "id": "2", "from": from})).await;
        loop {
            let frame = self.frame("the resumption").await;
            match text(&frame, "/type") {
                "resumed" => return self,
                "gap" | "snapshot" | "error" => panic!("not resumed: {frame}"),
                _ => {}
            }
        }
    }

    async fn frame(&mut self, what: &str) -> Value {
        let got = tokio::time::timeout(PATIENCE, self.frames.came.recv()).await;
        match got {
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => panic!("the stream ended while waiting for {what}: {error}"),
            Ok(None) => panic!("the stream ended before, while waiting for {what}"),
            Err(_) => panic!("in vain: {what}\n{}", self.told()),
        }
    }

    /// The next event, whatever it is.
    pub(crate) async fn any(&mut self, what: &str) {
        loop {
            let frame = self.frame(what).await;
            if frame["type"] == "event" {
                self.seen.push(frame);
                return;
            }
        }
    }

    /// The first event of the whole stream that fits; waits for it.
    pub(crate) async fn find(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut at = 0;
        patiently(what, async {
            loop {
                if let Some(found) = self.seen[at..].iter().find(|event| wanted(event)) {
                    return found.clone();
                }
                at = self.seen.len();
                self.any(what).await;
            }
        })
        .await
    }

    /// The next event that fits after the one that was found last this way.
    pub(crate) async fn next(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            while self.cursor < self.seen.len() {
                self.cursor += 1;
                if wanted(&self.seen[self.cursor - 1]) {
                    return self.seen[self.cursor - 1].clone();
                }
            }
            self.any(what).await;
        }
    }

    /// Reads the stream up to the present position.
    pub(crate) async fn catch_up(&mut self, client: &Client) {
        let position = client.get("/events").await.unwrap();
        let upto: u64 = text(&position, "/next").rsplit(':').next().unwrap().parse().unwrap();
        while self.seen.last().map_or(self.as_of, |event| event["seq"].as_u64().unwrap()) < upto {
            self.any("the rest of the stream").await;
        }
    }

    /// From here on [`Reader::next`] looks at what comes.
    pub(crate) fn skip(&mut self) {
        self.cursor = self.seen.len();
    }

    pub(crate) fn seen(&self) -> &[Value] {
        &self.seen
    }

    /// The states of the calls that fit, in order.
    pub(crate) fn steps(&self, of: impl Fn(&Value) -> bool) -> Vec<String> {
        let is_step = |event: &&Value| match text(event, "/event") {
            "call.created" | "call.ended" => true,
            "call.updated" => {
                event["changed"].as_array().is_some_and(|fields| fields.iter().any(|field| field == "state"))
            }
            _ => false,
        };
        let fitting = self.seen.iter().filter(|event| text(event, "/event").starts_with("call.") && of(event));
        fitting.filter(is_step).map(|event| text(event, "/data/state").to_owned()).collect()
    }

    /// Every event came once and in order, and none without a change.
    pub(crate) fn assert_whole(&self) {
        for pair in self.seen.windows(2) {
            let (first, second) = (pair[0]["seq"].as_u64().unwrap(), pair[1]["seq"].as_u64().unwrap());
            assert_eq!(first + 1, second, "a hole or a repetition in the stream");
        }
        for event in &self.seen {
            if text(event, "/event").ends_with(".updated") {
                let changed = event["changed"].as_array().unwrap();
                assert!(!changed.is_empty(), "an event without a change: {event}");
            }
        }
    }

    /// What was seen, short, for a test that fails.
    fn told(&self) -> String {
        let line = |event: &Value| {
            let data = &event["data"];
            let part = |pointer: &str| text(data, pointer).to_owned();
            format!(
                "{} {} {} {} {} {} {}",
                event["seq"],
                text(event, "/event"),
                part("/number"),
                part("/state"),
                part("/cause"),
                part("/monitor/state"),
                event["changed"]
            )
        };
        let all: Vec<String> = self.seen.iter().map(line).collect();
        all[all.len().saturating_sub(60)..].join("\n")
    }
}
