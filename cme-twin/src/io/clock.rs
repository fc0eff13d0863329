//! One sleep for all timers.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::shared::Shared;

/// Lets the router know that its deadlines have come.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let deadline = shared
            .peek(crate::router::Router::deadline)
            .map_or_else(|| Instant::now() + Duration::from_secs(3600), Instant::from_std);
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => shared.act_now(|_| ()),
            () = shared.moved.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}
