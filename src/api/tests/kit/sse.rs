//! A client of server-sent events.

use reqwest::Method;

use super::{Api, soon};

pub(in crate::api::tests) struct Sse {
    response: reqwest::Response,
    buffer: String,
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::api::tests) struct Block {
    pub(in crate::api::tests) id: Option<String>,
    pub(in crate::api::tests) data: String,
}

impl Sse {
    pub(in crate::api::tests) async fn open(api: &Api, token: &str, query: &str, last: Option<&str>) -> Self {
        let request = api.request(Method::GET, &format!("/api/v1/events{query}"), Some(token));
        Self::send(request, last).await
    }

    pub(in crate::api::tests) async fn send(request: reqwest::RequestBuilder, last: Option<&str>) -> Self {
        let mut request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = soon("a stream", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new() }
    }

    /// The next event with data; keep-alives are skipped. `None` at the end of the stream.
    pub(in crate::api::tests) async fn next(&mut self) -> Option<Block> {
        loop {
            let block = self.next_block().await?;
            let mut found = Block { id: None, data: String::new() };
            for line in block.lines() {
                if let Some(id) = line.strip_prefix("id: ") {
                    found.id = Some(id.to_owned());
                } else if let Some(data) = line.strip_prefix("data: ") {
                    assert!(found.data.is_empty(), "one line of data an event");
                    found.data = data.to_owned();
                } else {
                    assert!(line.starts_with(':'), "only id, data and comments: {line}");
                }
            }
            if !found.data.is_empty() {
                return Some(found);
            }
        }
    }

    /// The next block as it stands on the wire.
    pub(in crate::api::tests) async fn next_block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let block = block.to_owned();
                self.buffer = rest.to_owned();
                return Some(block);
            }
            let chunk = soon("a chunk", self.response.chunk()).await.unwrap()?;
            self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}
