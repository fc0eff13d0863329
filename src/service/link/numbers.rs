//! Numbers at a link: dialled and shown by the rules and the location of its PBX.

use std::sync::Arc;

use super::Reply;
use super::task::LinkTask;
use crate::service::error::ServiceError;
use crate::service::numbers::undialable;

impl LinkTask {
    /// What goes to the PBX for a text that somebody wants to dial; nothing for dial tone.
    ///
    /// # Errors
    /// What cannot be dialled, or what a rule makes of it.
    pub(super) fn dials(&self, to: Option<&str>) -> Result<String, ServiceError> {
        let Some(text) = to else { return Ok(String::new()) };
        let dialled = self.table.plan().dialled(text, |number| self.table.knows_number(number));
        dialled.map(|dialled| dialled.digits).map_err(|error| undialable(&error, "/to"))
    }

    /// Takes the rules and the location as they are now; living calls are told with their new numbers.
    pub(super) fn use_numbers(&mut self) {
        let plan = self.around.numbers.of(self.pbx()).plan;
        if Arc::ptr_eq(&plan, self.table.plan()) {
            return;
        }
        self.table.use_plan(self.at(), plan);
        self.changed_lines.extend(self.lines.keys().cloned());
    }

    /// The number rules changed.
    pub(super) fn renumber(&mut self, reply: Reply<()>) {
        self.use_numbers();
        self.tell_calls();
        self.outbox.after(move |_| {
            // Whoever asked may have gone.
            let _ = reply.send(Ok(()));
        });
    }
}
