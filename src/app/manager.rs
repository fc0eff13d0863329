//! What the service manager (systemd) is told: ready, alive, stopping. Where there is none nothing is said.

use std::time::Duration;

use crate::service::gateway::Gateway;

/// Says that the API answers, and where.
pub(super) fn ready(url: &str) {
    notify(&format!("answers at {url}"), Word::Ready);
}

/// Says that the end has begun.
pub(super) fn stopping() {
    notify("ending in order", Word::Stopping);
}

/// Says again and again that the gateway lives, as often as the service manager wants to hear it (`WatchdogSec=`), and
/// only while the tasks run and the database answers. It ends with the task that it runs in.
pub(super) async fn live(gateway: Gateway) {
    let Some(allowed) = allowed() else { return std::future::pending().await };
    // Three chances before the time is over.
    let pause = allowed / 3;
    loop {
        match tokio::time::timeout(pause, gateway.store().is_healthy()).await {
            Ok(true) => notify("", Word::Alive),
            Ok(false) | Err(_) => {
                tracing::warn!("the database does not answer; the service manager is not told that all is well")
            }
        }
        tokio::time::sleep(pause).await;
    }
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Ready,
    Alive,
    Stopping,
}

#[cfg(target_os = "linux")]
fn allowed() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|allowed| !allowed.is_zero())
}

#[cfg(target_os = "linux")]
fn notify(status: &str, word: Word) {
    use sd_notify::NotifyState;

    let mut states = vec![match word {
        Word::Ready => NotifyState::Ready,
        Word::Alive => NotifyState::Watchdog,
        Word::Stopping => NotifyState::Stopping,
    }];
    if !status.is_empty() {
        states.push(NotifyState::Status(status));
    }
    if let Err(error) = sd_notify::notify(&states) {
        tracing::warn!(%error, "the service manager cannot be told: {word:?}");
    }
}

#[cfg(not(target_os = "linux"))]
fn allowed() -> Option<Duration> {
    None
}

#[cfg(not(target_os = "linux"))]
fn notify(status: &str, word: Word) {
    tracing::trace!(status, ?word, "there is no service manager to tell");
}
