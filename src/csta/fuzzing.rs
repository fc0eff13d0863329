//! One-line doors for fuzz targets and corpus replay. Not part of the interface.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::exchange::{Exchange, ExchangeConfig, Input, Ticket};
use super::{DeviceId, Message, Namespace, Request, decode};

/// Reads any bytes as a body, and its namespace. Whether it is a message.
pub fn message(data: &[u8]) -> bool {
    let learned = Namespace::learn(data).is_some();
    decode(data).map(Message::into_owned).is_ok() || learned
}

/// Reads any text as a device identifier; the length of its number.
pub fn device_id(data: &[u8]) -> usize {
    DeviceId::parse(String::from_utf8_lossy(data)).number.len()
}

/// The bytes choose what happens to a conversation; how much it wanted done.
pub fn exchange(start: Instant, data: &[u8]) -> usize {
    let mut exchange = Exchange::new(ExchangeConfig::default());
    let mut outputs = 0;
    for (step, chunk) in (0_u64..).zip(data.chunks(16)) {
        let now = start + Duration::from_millis(step * 997);
        let ticket = Ticket(u64::from(chunk.first().copied().unwrap_or_default() % 8));
        let body = Bytes::copy_from_slice(chunk);
        match chunk.len() % 5 {
            0 => exchange.submit(now, Ticket(step + 8), Request::GetCstaFeatures),
            1 => exchange.handle(now, Input::Body(body)),
            2 => exchange.handle(now, Input::InfoAnswered { ticket, status: 200, body: Some(body) }),
            3 => exchange.handle(now, Input::InfoLost { ticket }),
            _ => exchange.handle(now, Input::Timeout),
        }
        outputs += std::iter::from_fn(|| exchange.poll()).count();
    }
    outputs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    #[test]
    fn the_fuzz_corpus_is_replayed() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/csta");
        let mut messages = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let data = std::fs::read(entry.unwrap().path()).unwrap();
            messages += usize::from(super::message(&data));
            super::device_id(&data);
            super::exchange(std::time::Instant::now(), &data);
        }
        assert!(messages > 0);
    }
}
