//! PBXs: created, changed and deleted; durable before anybody hears of it.

use std::sync::Arc;

use serde_json::Value;

use super::numbers::blocking;
use super::{Gateway, Outcome};
use crate::domain::{PbxId, PbxState, PbxStatus, RandomIds};
use crate::service::error::{Code, ServiceError};
use crate::service::gateway::{Caller, Written};
use crate::service::journal::{Actor, Change, Object, wall_clock};
use crate::service::link::{LinkCommand, changed_meanwhile, etag, learned_key, pbx_json, storage};
use crate::service::numbers::{guard_settings, plan};
use crate::service::pbx::{PbxDocument, PbxSettings, apply_patch, read_new};
use crate::store::{PbxRow, Secret};

impl Gateway {
    /// Creates a PBX; its link begins at once.
    ///
    /// # Errors
    /// A wrong or unknown field, or a name that is taken.
    pub async fn create_pbx(&self, caller: &Caller, body: Value) -> Outcome<Written> {
        let document = read_new(body)?;
        let actor = Actor::Token(caller.name.as_str().into());
        self.insert_pbx(document, actor).await
    }

    /// Creates the PBXs of the configuration file that were never created: what the API changed or deleted since is
    /// not undone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seed_pbxs(&self, pbxs: Vec<(PbxSettings, Option<Secret>, Option<Secret>)>) -> Outcome<()> {
        for (settings, axl_password, sip_password) in pbxs {
            let key = format!("file.pbx/{}", settings.name);
            let store = self.store();
            if store.setting(&key).await.map_err(storage)?.is_some() {
                continue;
            }
            let name = settings.name.clone();
            let document = PbxDocument { settings, axl_password, sip_password };
            match self.insert_pbx(document, Actor::Gateway).await {
                Ok(_) => {}
                Err(error) if error.code == Code::Conflict => {
                    tracing::info!(pbx.name = %name, "a PBX of the file exists already and stays as it is");
                }
                Err(error) => return Err(error),
            }
            self.store().remember(&key, Some("created")).await.map_err(storage)?;
        }
        Ok(())
    }

    async fn insert_pbx(&self, document: PbxDocument, actor: Actor) -> Outcome<Written> {
        let _one = self.inner.changing.lock().await;
        let row = PbxRow {
            id: PbxId::new(&mut RandomIds),
            settings: document.settings,
            axl_password: document.axl_password,
            sip_password: document.sip_password,
            version: 1,
        };
        self.refuse_ambiguous(&row).await?;
        self.store().insert_pbx(&row).await.map_err(|error| name_taken(error, &row))?;
        let state = if row.settings.enabled { PbxState::Connecting } else { PbxState::Disabled };
        let json = pbx_json(&row, &PbxStatus::initial(state, wall_clock()));
        let receipt = self.journal().publish(vec![Change {
            event: "pbx.created",
            time: wall_clock(),
            pbx_id: Some(row.id.clone()),
            line_id: None,
            call_id: None,
            command_id: None,
            actor,
            changed: Vec::new(),
            object: Object::Pbx(json.clone()),
        }]);
        let tag = etag(row.version);
        let position =
            receipt.written().await.ok_or_else(|| ServiceError::new(Code::ShuttingDown, "The gateway is stopping."))?;
        self.inner.numbers.configure(&row.id, &row.settings);
        self.start_link(row);
        Ok(Written { json, etag: Some(tag), position })
    }

    /// Changes a PBX by a merge patch (RFC 7396). With `force` also when its number rules then make an emergency number
    /// undialable.
    ///
    /// # Errors
    /// A wrong or unknown field, a name that is taken, a lost emergency number, or a change meanwhile.
    pub async fn update_pbx(
        &self,
        caller: &Caller,
        id: &PbxId,
        patch: Value,
        if_match: Option<&str>,
        force: bool,
    ) -> Outcome<Written> {
        let _one = self.inner.changing.lock().await;
        let link = self.link(id)?;
        let old = self.stored_pbx(id).await?;
        if if_match.is_some_and(|wanted| wanted != etag(old.version)) {
            return Err(changed_meanwhile());
        }
        let (document, changed) = apply_patch(&old, patch)?;
        let row = PbxRow {
            id: old.id.clone(),
            settings: document.settings,
            axl_password: document.axl_password,
            sip_password: document.sip_password,
            version: old.version + 1,
        };
        if changed.is_empty() {
            let json = self.journal().view().pbxs.get(id).cloned().unwrap_or_default();
            return Ok(Written { json, etag: Some(etag(old.version)), position: self.journal().position() });
        }
        self.refuse_ambiguous(&row).await?;
        let is_about_numbers =
            changed.iter().any(|field| matches!(*field, "emergency_numbers" | "location" | "internal_numbers"));
        if is_about_numbers && !force {
            let before = self.inner.numbers.of(id).plan;
            let after = plan(&row.settings, Arc::clone(&before.rules));
            blocking(move || guard_settings(&after, &before)).await??;
        }
        self.store().update_pbx(&row).await.map_err(|error| name_taken(error, &row))?;
        let actor = Actor::Token(caller.name.as_str().into());
        self.inner.numbers.configure(id, &row.settings);
        link.ask(|reply| LinkCommand::Configure { row: Box::new(row), changed, actor, reply }).await
    }

    /// Deletes a PBX with its lines; their calls end.
    ///
    /// # Errors
    /// When there is no such PBX.
    pub async fn delete_pbx(&self, caller: &Caller, id: &PbxId) -> Outcome<()> {
        let _one = self.inner.changing.lock().await;
        let link = self.link(id)?;
        let actor = Actor::Token(caller.name.as_str().into());
        self.store().delete_pbx(id).await.map_err(storage)?;
        self.links().remove(id);
        self.inner.numbers.forget(id);
        self.forget_trace(id);
        self.probes().remove(id);
        link.ask(|reply| LinkCommand::Remove { actor, reply }).await?;
        self.store().remember(&learned_key(id.as_str()), None).await.map_err(storage)
    }

    /// A copy of the site for the simulated router, anonymised.
    ///
    /// # Errors
    /// When there is no such PBX, or its phones were not read yet.
    pub async fn site_copy(&self, id: &PbxId) -> Outcome<Value> {
        self.link(id)?.ask(|reply| LinkCommand::SiteCopy { reply }).await
    }

    /// Forgets what was learned about a PBX's dialect; everything is tried anew.
    ///
    /// # Errors
    /// When there is no such PBX.
    pub async fn forget_learned(&self, caller: &Caller, id: &PbxId) -> Outcome<Written> {
        let actor = Actor::Token(caller.name.as_str().into());
        self.link(id)?.ask(|reply| LinkCommand::ForgetLearned { actor, reply }).await
    }

    pub(super) async fn stored_pbx(&self, id: &PbxId) -> Outcome<PbxRow> {
        let rows = self.store().pbxs().await.map_err(storage)?;
        rows.into_iter().find(|row| row.id == *id).ok_or_else(|| ServiceError::not_found("PBX"))
    }

    /// Two PBXs that nobody could tell apart when the router connects.
    async fn refuse_ambiguous(&self, row: &PbxRow) -> Outcome<()> {
        let key = |settings: &PbxSettings| {
            (
                settings.host.to_ascii_lowercase(),
                settings.sip.port,
                settings.sip.local_port,
                settings.sip.session_server_id.clone(),
            )
        };
        let rows = self.store().pbxs().await.map_err(storage)?;
        let same = rows.iter().find(|other| other.id != row.id && key(&other.settings) == key(&row.settings));
        match same {
            None => Ok(()),
            Some(other) => Err(ServiceError::new(
                Code::InvalidValue,
                format!(
                    "PBX “{}” is the same router with the same session server id and local port: connections of the two could not \
                     be told apart.",
                    other.settings.name
                ),
            )
            .with_hint("Change that PBX, or give this one another sip.local_port or sip.session_server_id.")
            .with_field("/host", "This router is connected already.")),
        }
    }
}

fn name_taken(error: crate::store::StoreError, row: &PbxRow) -> ServiceError {
    match error {
        crate::store::StoreError::Exists => {
            ServiceError::new(Code::Conflict, format!("Another PBX has the name “{}”.", row.settings.name))
                .with_hint("Names of PBXs are unique: choose another one.")
                .with_field("/name", "This name is taken.")
        }
        other => storage(other),
    }
}
