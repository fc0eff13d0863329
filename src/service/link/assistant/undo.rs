//! Taking back: the directory numbers and the session server of the last apply, as far as they still are what was made.

use super::job::{Stop, Worker, answer, new_entry, refuse_unsupported};
use super::ledger;
use super::verify::Scope;
use crate::axl::Inventory;
use crate::axl::assistant::Block;
use crate::service::assistant::{Act, Applied, AppliedBlock, CstaApplied, CstaEntry, Saved};
use crate::service::error::{Code, ServiceError};

/// What the router shows of a block that was applied.
#[derive(Debug, PartialEq, Eq)]
enum Now {
    /// As it was made.
    There,
    /// It is gone already.
    Gone,
    /// The tag is something else now.
    Another,
    /// The router does not show the flags of this number.
    Unseen,
    /// The router does not list its session servers.
    Unlisted,
}

impl Worker {
    pub(super) async fn undo(&mut self, save: bool, actor: String) -> Result<CstaApplied, Stop> {
        let entries = ledger::read(&self.store, &self.pbx).await?;
        let is_open = |entry: &&CstaEntry| {
            entry.act == Act::Apply
                && entry.undone_by.is_none()
                && entry.results.iter().any(|result| !result.inverse.is_empty())
        };
        let Some(mut last) = entries.into_iter().find(|entry| is_open(&entry)) else {
            return Err(ServiceError::new(
                Code::Conflict,
                "The assistant has applied nothing here that could be taken back.",
            )
            .with_hint("`GET …/csta-config/journal` shows what was applied.")
            .into());
        };
        let mut inventory = self.read().await?;
        refuse_unsupported(&self.assess(&inventory).await?)?;
        let mut entry = new_entry(Act::Undo, actor);
        let mut warnings = Vec::new();
        let mut has_stopped = false;
        for made in last.results.iter().rev().filter(|result| !result.inverse.is_empty()) {
            let mut result = AppliedBlock {
                outcome: Applied::Applied,
                failed_command: None,
                router_message: None,
                detail: None,
                executed: Vec::new(),
                inverse: Vec::new(),
                ..made.clone()
            };
            match now(&inventory, made) {
                _ if has_stopped => result.outcome = Applied::NotTried,
                // The inverse holds only what was off before the apply, so it may be sent unseen.
                Now::There | Now::Unseen => {
                    if self.send_lines(&made.inverse, &|_| Vec::new(), &mut result, &mut entry).await? {
                        entry.unanswered = None;
                        if let Ok(again) = self.read().await {
                            inventory = again;
                            if now(&inventory, made) == Now::Gone {
                                result.outcome = Applied::Applied;
                                result.detail =
                                    Some("The answer was lost, but the router no longer shows it.".to_owned());
                            }
                        }
                    }
                    has_stopped = result.outcome == Applied::Failed;
                }
                Now::Gone => {
                    result.outcome = Applied::Unchanged;
                    result.detail = Some("It is gone already.".to_owned());
                }
                Now::Unlisted => {
                    result.outcome = Applied::Failed;
                    result.detail = Some(
                        "The router does not list its session servers, so what stands under this tag is not known: it stays \
                         as it is."
                            .to_owned(),
                    );
                }
                Now::Another => {
                    result.outcome = Applied::Unchanged;
                    result.detail = Some("Something else stands under this tag now: it stays as it is.".to_owned());
                }
            }
            entry.results.push(result);
        }
        let is_changed = entry.results.iter().any(|result| result.outcome == Applied::Applied);
        let mut is_read = true;
        if is_changed {
            match self.read().await {
                Ok(again) => inventory = again,
                Err(_) => {
                    is_read = false;
                    warnings.push("The router could not be read again after the change.".to_owned());
                }
            }
        }
        let left = is_read.then(|| what_is_left(&inventory, &last.results));
        entry.verified = left == Some(Left::Nothing) && !has_stopped;
        let mut verification = self.prove(inventory, Scope::Nothing).await?;
        verification.summary = match left {
            Some(Left::Nothing) => "The router shows none of the lines any more.",
            Some(Left::Lines) => "Some lines still stand at the router.",
            Some(Left::Unseen) => "The router does not show whether all of the lines are gone.",
            None => "Whether the lines are gone is not known.",
        }
        .to_owned();
        if is_changed && save {
            entry.saved = self.save(&mut warnings).await;
        }
        if is_changed && entry.saved == Saved::Skipped && last.saved == Saved::Success {
            warnings
                .push("The apply was saved and this is not: a reload of the router brings its lines back.".to_owned());
        }
        self.write(&entry).await?;
        if entry.results.iter().all(|result| matches!(result.outcome, Applied::Applied | Applied::Unchanged)) {
            last.undone_by = Some(entry.id.clone());
            self.write(&last).await?;
        }
        Ok(answer(entry, verification, warnings, true))
    }
}

/// What an undo has left of an apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nothing.
    Nothing,
    /// Lines that the router shows.
    Lines,
    /// Lines that cannot be seen may be left.
    Unseen,
}

fn what_is_left(inventory: &Inventory, made: &[AppliedBlock]) -> Left {
    let states: Vec<Now> =
        made.iter().filter(|made| !made.inverse.is_empty()).map(|made| now(inventory, made)).collect();
    if states.contains(&Now::There) {
        return Left::Lines;
    }
    if states.iter().any(|state| matches!(state, Now::Unseen | Now::Unlisted)) { Left::Unseen } else { Left::Nothing }
}

fn now(inventory: &Inventory, made: &AppliedBlock) -> Now {
    let Some(tag) = made.tag else { return Now::Another };
    match made.block {
        Block::SessionServer => {
            let Some(servers) = &inventory.session_servers else { return Now::Unlisted };
            let ours = made.executed.iter().find_map(|line| line.strip_prefix("register-id "));
            match servers.iter().find(|server| server.id == tag) {
                None => Now::Gone,
                // Made, but not named any more: it is still the empty one that we made.
                Some(server) if server.register_id.as_deref().unwrap_or_default().is_empty() => Now::There,
                Some(server) if ours.is_none_or(|ours| server.register_id.as_deref() == Some(ours)) => Now::There,
                Some(_) => Now::Another,
            }
        }
        Block::EphoneDn => match inventory.extension(tag) {
            None => Now::Gone,
            Some(extension) if Some(&extension.number) != made.number.as_ref() => Now::Another,
            Some(extension) => {
                let has = |line: &str| made.inverse.iter().any(|one| one == line);
                let flags = [("no cti watch", extension.cti_watch), ("no cti notify", extension.cti_notify)];
                let flags: Vec<_> = flags.into_iter().filter(|(line, _)| has(line)).map(|(_, flag)| flag).collect();
                if flags.contains(&Some(true)) {
                    Now::There
                } else if flags.contains(&None) {
                    Now::Unseen
                } else {
                    Now::Gone
                }
            }
        },
        Block::VoiceServiceVoip | Block::VoiceRegisterGlobal | Block::Authenticate => Now::Another,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::axl::record::{Extension, SessionServer};

    fn made(block: Block, tag: u32, executed: &[&str], inverse: &[&str]) -> AppliedBlock {
        let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        AppliedBlock {
            block,
            subject: String::new(),
            outcome: Applied::Applied,
            failed_command: None,
            router_message: None,
            detail: None,
            executed: own(executed),
            inverse: own(inverse),
            tag: Some(tag),
            number: Some("207".to_owned()),
        }
    }

    #[test]
    fn a_tag_that_is_something_else_now_is_left_alone() {
        let server = made(
            Block::SessionServer,
            2,
            &["voice register session-server 2", "register-id ss_ecsta"],
            &["no voice register session-server 2"],
        );
        let with = |name: Option<&str>| {
            let servers = name
                .map(|name| SessionServer { id: 2, register_id: Some(name.to_owned()), keepalive_s: None })
                .into_iter()
                .collect();
            now(&Inventory { session_servers: Some(servers), ..Inventory::default() }, &server)
        };
        assert_eq!(with(Some("ss_ecsta")), Now::There);
        assert_eq!(with(Some("uccx")), Now::Another);
        assert_eq!(with(None), Now::Gone);
        assert_eq!(now(&Inventory::default(), &server), Now::Unlisted);

        let dn = made(Block::EphoneDn, 7, &["ephone-dn 7", "cti notify"], &["ephone-dn 7", "no cti notify"]);
        let with = |number: &str, notify: Option<bool>| {
            let extension = Extension {
                id: 7,
                number: number.to_owned(),
                cti_watch: Some(true),
                cti_notify: notify,
                ..Extension::default()
            };
            let inventory = Inventory { extensions: vec![extension], ..Inventory::default() };
            (now(&inventory, &dn), what_is_left(&inventory, std::slice::from_ref(&dn)))
        };
        assert_eq!(with("207", Some(true)), (Now::There, Left::Lines));
        assert_eq!(with("207", Some(false)), (Now::Gone, Left::Nothing));
        // What cannot be seen is neither gone nor said to stand.
        assert_eq!(with("207", None), (Now::Unseen, Left::Unseen));
        assert_eq!(with("217", Some(true)), (Now::Another, Left::Nothing));
    }
}
