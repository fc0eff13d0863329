//! What a field test stands on: the line, and what the link knows of it and of the PBX.

use crate::domain::{LineId, LineKind};
use crate::service::error::{Code, ServiceError};
use crate::service::link::task::LinkTask;
use crate::service::link::trials::{DEVICES, NUMBERS};
use crate::service::pbx::{RegisterMode, SipSettings, Template};

/// What a test stands on.
#[derive(Debug, Clone)]
pub(in crate::service) struct Ground {
    pub(in crate::service) line: LineId,
    pub(in crate::service) number: String,
    pub(in crate::service) mac: Option<String>,
    pub(in crate::service) is_mobile: bool,
    /// Identities in the order in which the link tries them, the configured one first.
    pub(in crate::service) users: Vec<String>,
    /// Forms of the own device, the configured one first.
    pub(in crate::service) devices: Vec<String>,
    /// Forms of a called number, the configured one first.
    pub(in crate::service) numbers: Vec<String>,
    pub(in crate::service) has_reference: bool,
    pub(in crate::service) has_declaration: bool,
    pub(in crate::service) has_line: bool,
    pub(in crate::service) registers: bool,
    pub(in crate::service) release: Option<String>,
    /// How many other phones have the number.
    pub(in crate::service) shared_with: usize,
    pub(in crate::service) notify: Option<bool>,
    pub(in crate::service) reject_target: bool,
    pub(in crate::service) host: String,
    /// Numbers of the PBX, for the report to hide.
    pub(in crate::service) known_numbers: Vec<String>,
    /// Names of people and things, for the report to hide.
    pub(in crate::service) known_names: Vec<String>,
}

impl LinkTask {
    /// The ground of a test at a line, when the line can be given away.
    pub(super) fn ground(&self, line: &LineId) -> Result<Ground, ServiceError> {
        let entry = self.lines.get(line).ok_or_else(|| ServiceError::not_found("line"))?;
        let refused = |code, detail: &str, hint: &str| Err(ServiceError::new(code, detail).with_hint(hint));
        if !self.row.settings.enabled || !self.net.is_connected() || self.shutdown.is_some() {
            let hint = "Look at the status of the PBX; a field test needs the connection.";
            return refused(Code::PbxUnavailable, "The link to this PBX is not up.", hint);
        }
        if self.probing.is_some() {
            let hint = "Wait for its end, or stop it with DELETE /api/v1/pbxs/{pbx}/probe.";
            return refused(Code::Conflict, "A field test runs at this PBX already.", hint);
        }
        if !entry.row.body.enabled || entry.row.body.missing_since.is_some() {
            return refused(Code::Conflict, "This line is disabled or no longer at the PBX.", "Choose another line.");
        }
        if entry.seats.iter().any(|seat| self.table.has_calls(*seat)) {
            let hint = "A field test takes the line for itself: end its calls first.";
            return refused(Code::NotAllowedNow, "This line has calls.", hint);
        }
        let Some(seat) = entry.seats.first().and_then(|id| self.seats.get(id)) else {
            return Err(ServiceError::not_found("line"));
        };
        let dialect = &self.dialect;
        let others = |all: Vec<String>| {
            let mut unique: Vec<String> = Vec::new();
            all.into_iter().for_each(|one| {
                if !unique.contains(&one) {
                    unique.push(one)
                }
            });
            unique
        };
        let texts = |templates: &[Template]| templates.iter().map(ToString::to_string).collect::<Vec<_>>();
        let users = [texts(std::slice::from_ref(&dialect.invite.from_user)), texts(&dialect.invite.from_user_fallback)];
        let devices =
            std::iter::once(dialect.device_id.self_id.to_string()).chain(DEVICES.map(str::to_owned)).collect();
        let numbers = std::iter::once(dialect.called.template.to_string()).chain(NUMBERS.map(str::to_owned)).collect();
        let same =
            |other: &crate::store::LineRow| other.number == seat.number || other.body.buttons.contains(&seat.number);
        let settings = &self.row.settings;
        let mut known_names: Vec<String> = vec![settings.name.clone(), settings.axl.username.clone()];
        if settings.sip.session_server_id != SipSettings::default().session_server_id {
            known_names.push(settings.sip.session_server_id.clone());
        }
        let mut known_numbers: Vec<String> = Vec::new();
        for other in self.lines.values() {
            known_names.push(other.row.body.name.clone());
            known_numbers.push(other.row.number.clone());
            known_numbers.extend(other.row.body.buttons.iter().cloned());
        }
        if let Some(inventory) = &self.discovery.inventory {
            known_numbers.extend(inventory.extensions.iter().map(|extension| extension.number.clone()));
            known_names.extend(inventory.extensions.iter().map(|extension| inventory.extension_name(extension)));
            known_names.extend(inventory.devices.iter().filter_map(|device| device.username.clone()));
            known_names.extend(inventory.user_profiles.iter().flatten().map(|profile| profile.user.clone()));
        }
        Ok(Ground {
            line: line.clone(),
            number: seat.number.clone(),
            mac: seat.mac.clone(),
            is_mobile: entry.row.body.kind == LineKind::ExtensionMobility,
            users: others(users.concat()),
            devices: others(devices),
            numbers: others(numbers),
            has_reference: self.reference_header(true).is_some(),
            has_declaration: self.has_declaration(),
            has_line: self.private_line(seat).is_some(),
            registers: dialect.register.mode != RegisterMode::Never,
            release: self.report.version.clone(),
            shared_with: self.lines.values().filter(|other| same(&other.row)).count().saturating_sub(1),
            notify: entry.row.body.cti_notify,
            reject_target: !dialect.reject.target.is_empty(),
            host: settings.host.clone(),
            known_numbers,
            known_names,
        })
    }
}
