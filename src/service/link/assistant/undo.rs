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
                Now::There => {
                    if self.send_lines(&made.inverse, &mut result, &mut entry).await? {
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
                Now::Another => {
                    result.outcome = Applied::Unchanged;
                    result.detail = Some("Something else stands under this tag now: it stays as it is.".to_owned());
                }
            }
            entry.results.push(result);
        }
        let is_changed = entry.results.iter().any(|result| result.outcome == Applied::Applied);
        if is_changed {
            match self.read().await {
                Ok(again) => {
                    inventory = again;
                    let is_gone = |made: &AppliedBlock| made.inverse.is_empty() || now(&inventory, made) != Now::There;
                    entry.verified = last.results.iter().all(is_gone);
                }
                Err(_) => warnings.push("The router could not be read again after the change.".to_owned()),
            }
        } else {
            entry.verified = !has_stopped;
        }
        let mut verification = self.prove(inventory, Scope::Nothing).await?;
        verification.summary = match entry.verified {
            true => "The router shows none of the lines any more.".to_owned(),
            false => "Some lines still stand at the router.".to_owned(),
        };
        if is_changed && save {
            entry.saved = self.save(&mut warnings).await;
        }
        if is_changed && entry.saved == Saved::Skipped && last.saved == Saved::Success {
            warnings
                .push("The apply was saved and this is not: a reload of the router brings its lines back.".to_owned());
        }
        self.write(&entry).await?;
        if !has_stopped {
            last.undone_by = Some(entry.id.clone());
            self.write(&last).await?;
        }
        Ok(answer(entry, verification, warnings, true))
    }
}

fn now(inventory: &Inventory, made: &AppliedBlock) -> Now {
    let Some(tag) = made.tag else { return Now::Another };
    match made.block {
        Block::SessionServer => {
            let Some(servers) = &inventory.session_servers else { return Now::Another };
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
                // A flag that the router does not show may be there.
                let watch = has("no cti watch") && extension.cti_watch != Some(false);
                let notify = has("no cti notify") && extension.cti_notify != Some(false);
                if watch || notify { Now::There } else { Now::Gone }
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
        assert_eq!(now(&Inventory::default(), &server), Now::Another);

        let dn = made(Block::EphoneDn, 7, &["ephone-dn 7", "cti notify"], &["ephone-dn 7", "no cti notify"]);
        let with = |number: &str, notify: bool| {
            let extension = Extension {
                id: 7,
                number: number.to_owned(),
                cti_watch: Some(true),
                cti_notify: Some(notify),
                ..Extension::default()
            };
            now(&Inventory { extensions: vec![extension], ..Inventory::default() }, &dn)
        };
        assert_eq!(with("207", true), Now::There);
        assert_eq!(with("207", false), Now::Gone);
        assert_eq!(with("217", true), Now::Another);
    }
}
