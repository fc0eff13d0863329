//! Making a gateway what a file says. The API changes one thing a request: when one fails, those before it are taken back.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::super::output::{self, text};
use super::super::{Failure, Remote};
use super::show::{step_json, title};
use super::{How, plan};
use crate::client::{Client, ClientError, Method};
use crate::config::declared::{Act, Declared, Plan, SecretSource, Step};

/// How a step is taken back.
struct Undo {
    title: String,
    way: Way,
}

enum Way {
    Delete {
        path: String,
        etag: Option<String>,
    },
    Patch {
        path: String,
        patch: Value,
        etag: Option<String>,
    },
    Put {
        path: String,
        body: Value,
        etag: Option<String>,
    },
    /// It cannot be.
    None(&'static str),
}

/// What was done so far.
struct Work<'a> {
    client: &'a Client,
    force: bool,
    is_quiet: bool,
    /// Ids of the PBXs that were made, by name.
    made: HashMap<String, String>,
    undo: Vec<Undo>,
    done: Vec<Value>,
}

/// Makes the steps of a plan, and those that become possible when new PBXs have given their lines.
pub(super) async fn apply(
    client: &Client,
    declared: &Declared,
    first: Plan,
    how: &How,
    remote: &Remote,
) -> Result<(), Failure> {
    let mut work = Work {
        client,
        force: how.force,
        is_quiet: remote.json,
        made: HashMap::new(),
        undo: Vec::new(),
        done: Vec::new(),
    };
    let waiting = first.waiting.clone();
    work.make_all(&first.steps).await?;
    let mut left = waiting.clone();
    if !waiting.is_empty() {
        // The router has more to give: what the file says about its lines follows.
        for name in &waiting {
            work.load_lines(name).await;
        }
        let second = match plan(client, declared, how.choices()).await {
            Ok(second) => second,
            Err(failure) => return Err(work.take_back(&failure.sentence).await),
        };
        left.clone_from(&second.waiting);
        work.make_all(&second.steps).await?;
    }
    if remote.json {
        output::json(&json!({"done": work.done, "waiting": left}))?;
    } else {
        output::line("Done.")?;
    }
    if left.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Failure::LATER,
        format!(
            "Lines that the router of PBX {} gives are not there yet: apply the file again when they are loaded. \
             `linegate pbx status` says why they are not.",
            left.join(", ")
        ),
    ))
}

impl Work<'_> {
    /// Makes steps; when one fails, everything is taken back.
    async fn make_all(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for step in steps {
            if let Err(detail) = self.make(step).await {
                return Err(self.take_back(&format!("{} cannot be done: {detail}", title(step))).await);
            }
            if !self.is_quiet {
                output::progress(&format!("{}: {} done", title(step), step.act.word()));
            }
            self.done.push(step_json(step));
        }
        Ok(())
    }

    async fn pbx_id(&self, name: &str) -> Result<String, String> {
        if let Some(id) = self.made.get(name) {
            return Ok(id.clone());
        }
        let pbxs = self.client.list("/pbxs").await.map_err(said)?;
        let found = pbxs.iter().find(|pbx| text(pbx, "/name") == name);
        found.map(|pbx| text(pbx, "/id").to_owned()).ok_or_else(|| "the PBX is gone.".to_owned())
    }

    fn can_undo(&mut self, step: &Step, way: Way) {
        self.undo.push(Undo { title: title(step), way });
    }

    async fn make(&mut self, step: &Step) -> Result<(), String> {
        match &step.act {
            Act::CreatePbx { body, passwords } => {
                let body = with_passwords(body, passwords)?;
                let (made, _) = self.client.change(Method::POST, "/pbxs", &body, None).await.map_err(said)?;
                let id = text(&made, "/id").to_owned();
                // Its version may go on by itself; nobody else knows of it yet.
                self.can_undo(step, Way::Delete { path: format!("/pbxs/{id}"), etag: None });
                self.made.insert(step.pbx.clone(), id);
            }
            Act::ChangePbx { id, etag, patch, undo, passwords, has_rules } => {
                let path = format!("/pbxs/{id}");
                let body = with_passwords(patch, passwords)?;
                let there = format!("{path}?force={}", self.force || *has_rules);
                let (_, etag) = self.change(Method::PATCH, &there, &body, etag.as_deref()).await?;
                let path = format!("{path}?force=true");
                let mut undo = undo.clone();
                let mut lost = false;
                for (section, _) in passwords {
                    let had = step
                        .differences
                        .iter()
                        .any(|one| one.path == format!("{section}.password") && one.before.is_some());
                    lost |= had;
                    if !had {
                        undo[*section]["password"] = Value::Null;
                    }
                }
                self.can_undo(step, Way::Patch { path, patch: undo, etag });
                if lost {
                    self.can_undo(step, Way::None("the password that was there is not known; set it again"));
                }
            }
            Act::WriteRules { etag, body, undo } => {
                let path = format!("/pbxs/{}/number-rules", self.pbx_id(&step.pbx).await?);
                let etag = match etag {
                    Some(etag) => Some(etag.clone()),
                    None => self.client.get_tagged(&path).await.map_err(said)?.1,
                };
                let there = format!("{path}?force={}", self.force);
                let (_, etag) = self.change(Method::PUT, &there, body, etag.as_deref()).await?;
                self.can_undo(step, Way::Put { path: format!("{path}?force=true"), body: undo.clone(), etag });
            }
            Act::CreateLine { body, patch } => {
                let mut body = body.clone();
                body["pbx_id"] = json!(self.pbx_id(&step.pbx).await?);
                let (made, etag) = self.client.change(Method::POST, "/lines", &body, None).await.map_err(said)?;
                let path = format!("/lines/{}", text(&made, "/id"));
                self.can_undo(step, Way::Delete { path: path.clone(), etag: None });
                if patch.as_object().is_some_and(|fields| !fields.is_empty()) {
                    self.change(Method::PATCH, &path, patch, etag.as_deref()).await?;
                }
            }
            Act::ChangeLine { id, before, patch, undo } => {
                let path = format!("/lines/{id}");
                let (now, etag) = self.client.get_tagged(&path).await.map_err(said)?;
                if ["number", "device_id", "name", "has_own_name", "enabled", "labels"]
                    .iter()
                    .any(|key| now[*key] != before[*key])
                {
                    return Err("somebody changed it since the plan was made.".to_owned());
                }
                let (_, etag) = self.change(Method::PATCH, &path, patch, etag.as_deref()).await?;
                self.can_undo(step, Way::Patch { path, patch: undo.clone(), etag });
            }
            Act::DeleteLine { id } => {
                let path = format!("/lines/{id}");
                self.client.delete_unchanged(&path, None).await.map_err(said)?;
                self.can_undo(step, Way::None("a deleted line does not come back with its id; enter it again"));
            }
            Act::DeletePbx { id, etag } => {
                self.client.delete_unchanged(&format!("/pbxs/{id}"), etag.as_deref()).await.map_err(said)?;
                self.can_undo(step, Way::None("a deleted PBX does not come back with its id; create it again"));
            }
        }
        Ok(())
    }

    async fn change(
        &self,
        method: Method,
        path: &str,
        body: &Value,
        etag: Option<&str>,
    ) -> Result<(Value, Option<String>), String> {
        self.client.change(method, path, body, etag).await.map_err(said)
    }

    /// Asks for the lines of a PBX; when the router does not give them, the plan that follows says so.
    async fn load_lines(&self, name: &str) {
        let Ok(id) = self.pbx_id(name).await else { return };
        if !self.is_quiet {
            output::progress(&format!("PBX {name}: loading the lines"));
        }
        if let Err(error) = self.client.post(&format!("/pbxs/{id}/load-lines"), &json!({})).await {
            output::progress(&format!("PBX {name}: {error}"));
        }
    }

    /// Takes back what was done, the last first.
    async fn take_back(&mut self, why: &str) -> Failure {
        if self.undo.is_empty() {
            return Failure::new(Failure::UNAVAILABLE, format!("{why}\nNothing was changed."));
        }
        let mut left = Vec::new();
        for Undo { title, way } in std::mem::take(&mut self.undo).into_iter().rev() {
            let done = match way {
                Way::Delete { path, etag } => self.client.delete_unchanged(&path, etag.as_deref()).await.map_err(said),
                Way::Patch { path, patch, etag } => {
                    self.change(Method::PATCH, &path, &patch, etag.as_deref()).await.map(drop)
                }
                Way::Put { path, body, etag } => {
                    self.change(Method::PUT, &path, &body, etag.as_deref()).await.map(drop)
                }
                Way::None(why) => Err(format!("{why}.")),
            };
            match done {
                Ok(()) => output::progress(&format!("{title}: taken back")),
                Err(detail) => left.push(format!("  {title}: {detail}")),
            }
        }
        let end = if left.is_empty() {
            "Everything is as it was before.".to_owned()
        } else {
            format!("Not taken back:\n{}", left.join("\n"))
        };
        Failure::new(Failure::UNAVAILABLE, format!("{why}\n{end}"))
    }
}

fn said(error: ClientError) -> String {
    error.to_string()
}

/// A body with the passwords in their places.
fn with_passwords(body: &Value, passwords: &[(&'static str, SecretSource)]) -> Result<Value, String> {
    let mut body = body.clone();
    for (section, source) in passwords {
        let password = source.read().map_err(|error| format!("{error}."))?;
        body[*section]["password"] = json!(password.expose());
    }
    Ok(body)
}
