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

/// How often it is said that the start goes on, and how long it may then take: well within `TimeoutStartSec=`.
const STARTS_EVERY: Duration = Duration::from_secs(10);
const STARTS_FOR: Duration = Duration::from_secs(60);
/// How often it is said: a start that takes longer than an hour hangs.
const STARTS_MOST: u32 = 360;

/// Waits for a part of the start that may take long, such as copying and changing a large database, and says meanwhile that
/// it goes on: the service manager would end it after its time for a start.
pub(super) async fn starting<T>(part: impl Future<Output = T>) -> T {
    telling(part, STARTS_EVERY, STARTS_MOST, || notify("opening the database", Word::Starting)).await
}

async fn telling<T>(part: impl Future<Output = T>, every: Duration, most: u32, mut tell: impl FnMut()) -> T {
    let mut part = std::pin::pin!(part);
    for _ in 0..most {
        if let Ok(done) = tokio::time::timeout(every, &mut part).await {
            return done;
        }
        tell();
    }
    part.await
}

/// Says again and again that the gateway lives, as often as the service manager wants to hear it (`WatchdogSec=`), and
/// only while the tasks run and the database can be read. Not when it cannot be written: a start makes no room on a disk. It
/// ends with the task that it runs in.
pub(super) async fn live(gateway: Gateway) {
    let Some(allowed) = allowed() else { return std::future::pending().await };
    // Three chances before the time is over.
    let pause = allowed / 3;
    loop {
        match tokio::time::timeout(pause, gateway.store().readable()).await {
            Ok(Ok(())) => notify("", Word::Alive),
            Ok(Err(unwell)) => tracing::warn!("the service manager is not told that all is well: {unwell}"),
            Err(_) => tracing::warn!("the service manager is not told that all is well: the database does not answer"),
        }
        tokio::time::sleep(pause).await;
    }
}

#[derive(Debug, Clone, Copy)]
enum Word {
    Starting,
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
        Word::Starting => NotifyState::ExtendTimeoutUsec(u32::try_from(STARTS_FOR.as_micros()).unwrap_or(u32::MAX)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_start_is_told_as_long_as_it_goes_on_but_not_for_ever() {
        const EVERY: Duration = Duration::from_millis(2);
        let said = tokio::sync::watch::Sender::new(0_u32);
        let tell = || said.send_modify(|said| *said += 1);
        assert_eq!(telling(std::future::ready("open"), EVERY, 9, tell).await, "open");
        assert_eq!(*said.borrow(), 0, "a start as usual");
        let mut heard = said.subscribe();
        let until_three = async { *heard.wait_for(|said| *said == 3).await.expect("it is said") };
        assert_eq!(telling(until_three, EVERY, 9, tell).await, 3);
        // One that hangs: nothing more is said, however long it takes.
        let mut heard = said.subscribe();
        let hanging = async {
            let _ = heard.wait_for(|said| *said == 5).await;
            tokio::time::sleep(5 * EVERY).await;
        };
        telling(hanging, EVERY, 2, tell).await;
        assert_eq!(*said.borrow(), 5);
    }
}
