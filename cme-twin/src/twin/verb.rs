//! What an administrator, or bad luck, does to the router.

use super::Twin;

impl Twin {
    /// All SIP connections are closed; sessions live on.
    pub async fn kill_connections(&self) {
        self.shared.act_now(|router| router.kill_connections(false));
    }

    /// All SIP connections are reset; sessions live on.
    pub async fn reset_connections(&self) {
        self.shared.act_now(|router| router.kill_connections(true));
    }

    /// Present SIP connections stay open but are neither read nor written any more. New ones work.
    pub fn half_open(&self) {
        self.shared.act_now(crate::router::Router::half_open);
    }

    /// `clear cti session`: BYE for the sessions of a number. Returns how many there were.
    pub fn clear_session(&self, number: &str) -> usize {
        self.shared.act_now(|router| router.clear_session(number))
    }

    /// The sessions of a number are forgotten without a word. Returns how many there were.
    pub fn lose_session(&self, number: &str) -> usize {
        self.shared.act_now(|router| router.lose_session(number))
    }

    /// `cti shutdown` on or off.
    pub fn cti_shutdown(&self, on: bool) {
        self.shared.act_now(|router| router.cti_shutdown(on));
    }

    /// `cti csta mode basic` on or off: without it events name the phones of shared numbers.
    pub fn basic_mode(&self, on: bool) {
        self.shared.act_now(|router| router.exchange.system.basic_mode = on);
    }

    /// The reference identifier of the registrations changes.
    pub fn change_reference(&self) {
        self.shared.act_now(crate::router::Router::change_reference);
    }

    /// The router ends the monitors of a number with MonitorStop. Returns how many there were.
    pub fn stop_monitors(&self, number: &str) -> usize {
        self.shared.act_now(|router| router.stop_monitors(number))
    }

    /// The router tells all sessions a system status, for example `overloadReached`.
    pub fn system_status(&self, status: &str) {
        self.shared.act_now(|router| router.system_status(status));
    }

    /// Sends any request in the dialogs of a number, for example a re-INVITE, `OPTIONS`, or an INFO with a strange body. Returns how many were
    /// sent; the statuses of their answers are in [`crate::Requests::injected`].
    pub fn inject(&self, number: &str, method: &str, content_type: &str, body: &str) -> usize {
        self.shared.act_now(|router| router.inject_at(number, method, content_type, body))
    }

    /// So many DND changes of a phone at once: a flood of events for its lines.
    pub fn flood(&self, phone: &str, events: u32) {
        self.shared.act_now(|router| {
            if let Some(phone) = router.exchange.system.phone_of(phone) {
                for at in 0..events {
                    let _ = router.exchange.set_dnd(phone, at % 2 == 0);
                }
            }
        });
    }
}
