//! The values that many messages share.

use super::DecodeError;
use super::cursor::Cursor;
use crate::csta::owned::Text;
use crate::csta::types::{
    CallLinkage, CallState, Connection, ConnectionListItem, DeviceHistoryItem, DeviceId, EventCause, Fault,
    LocalConnectionState, RedirectionDevice, ServiceCapability, ServicesPermitted, SimpleCallState, SubjectDevice,
};

pub(super) type Result<T> = std::result::Result<T, DecodeError>;

/// `true`, `1`, in any case, trimmed (section 5.2); also the words that people type.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ if ["true", "yes", "on"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Some(true),
        _ if ["false", "no", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Some(false),
        _ => None,
    }
}

pub(super) fn flag(cursor: &mut Cursor<'_>) -> Result<Option<bool>> {
    Ok(boolean(&cursor.text()?))
}

pub(super) fn number(cursor: &mut Cursor<'_>) -> Result<Option<u32>> {
    Ok(cursor.text()?.parse().ok())
}

/// A text that is there and not empty.
pub(super) fn filled<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Text<'a>>> {
    Ok(Some(cursor.text()?).filter(|text| !text.is_empty()))
}

/// A bare DeviceID. One that is wrapped like a subject device is read too, whoever wrote it so.
pub(super) fn device<'a>(cursor: &mut Cursor<'a>) -> Result<Option<DeviceId<'a>>> {
    let mut wrapped = None;
    let text = cursor.content(|cursor, name| {
        if matches!(name, "deviceIdentifier" | "deviceID" | "numberDialed") {
            wrapped = filled(cursor)?;
        }
        Ok(())
    })?;
    Ok(Some(text).filter(|text| !text.is_empty()).or(wrapped).map(DeviceId::parse))
}

/// A ConnectionID; a bare text is taken as the call id (snom writes it so, section 12).
pub(super) fn connection<'a>(cursor: &mut Cursor<'a>) -> Result<Connection<'a>> {
    let mut connection = Connection::default();
    let text = cursor.content(|cursor, name| {
        match name {
            "callID" => connection.call_id = filled(cursor)?,
            "deviceID" => connection.device = device(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    if connection.is_empty() && !text.is_empty() {
        return Ok(Connection::call_only(text));
    }
    Ok(connection)
}

/// SubjectDeviceID and its kin, and the `endpoint` of a list item, whose choice is named `deviceID`.
pub(super) fn subject<'a>(cursor: &mut Cursor<'a>) -> Result<SubjectDevice<'a>> {
    let mut found = SubjectDevice::Absent;
    let text = cursor.content(|cursor, name| {
        match name {
            "deviceIdentifier" | "deviceID" | "numberDialed" => {
                if let Some(text) = filled(cursor)? {
                    found = SubjectDevice::Identified(DeviceId::parse(text));
                }
            }
            "notKnown" | "notRequired" | "notSpecified" => found = SubjectDevice::NotKnown,
            "restricted" => found = SubjectDevice::Restricted,
            _ => {}
        }
        Ok(())
    })?;
    if found == SubjectDevice::Absent && !text.is_empty() {
        found = SubjectDevice::Identified(DeviceId::parse(text));
    }
    Ok(found)
}

pub(super) fn redirection<'a>(cursor: &mut Cursor<'a>) -> Result<RedirectionDevice<'a>> {
    let mut found = RedirectionDevice::Absent;
    let text = cursor.content(|cursor, name| {
        match name {
            "numberDialed" | "deviceIdentifier" | "deviceID" => {
                if let Some(text) = filled(cursor)? {
                    found = RedirectionDevice::NumberDialed(DeviceId::parse(text));
                }
            }
            "notKnown" => found = RedirectionDevice::NotKnown,
            "notRequired" => found = RedirectionDevice::NotRequired,
            "notSpecified" => found = RedirectionDevice::NotSpecified,
            "restricted" => found = RedirectionDevice::Restricted,
            _ => {}
        }
        Ok(())
    })?;
    if found == RedirectionDevice::Absent && !text.is_empty() {
        found = RedirectionDevice::NumberDialed(DeviceId::parse(text));
    }
    Ok(found)
}

pub(super) fn connection_list<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<ConnectionListItem<'a>>> {
    let mut list = Vec::new();
    cursor.each(|cursor, name| {
        if name.eq_ignore_ascii_case("connectionListItem") {
            let mut item = ConnectionListItem::default();
            cursor.each(|cursor, name| {
                match name {
                    "newConnection" => item.new_connection = Some(connection(cursor)?),
                    "oldConnection" => item.old_connection = Some(connection(cursor)?),
                    "endpoint" => item.endpoint = subject(cursor)?,
                    "associatedNID" => item.associated_nid = subject(cursor)?,
                    _ => {}
                }
                Ok(())
            })?;
            list.push(item);
        }
        Ok(())
    })?;
    Ok(list)
}

pub(super) fn device_history<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<DeviceHistoryItem<'a>>> {
    let mut list = Vec::new();
    cursor.each(|cursor, name| {
        if name.eq_ignore_ascii_case("DeviceHistoryListItem") {
            let mut item = DeviceHistoryItem::default();
            cursor.each(|cursor, name| {
                match name {
                    "oldDeviceID" => item.old_device = redirection(cursor)?,
                    "eventCause" => item.cause = Some(EventCause::parse(&cursor.text()?)),
                    "oldConnectionID" => item.old_connection = Some(connection(cursor)?),
                    _ => {}
                }
                Ok(())
            })?;
            list.push(item);
        }
        Ok(())
    })?;
    Ok(list)
}

/// `callLinkageData`. The ids may be bare or inside their choice element; both are texts below the two data groups.
pub(super) fn call_linkage<'a>(cursor: &mut Cursor<'a>) -> Result<Option<CallLinkage<'a>>> {
    let mut linkage = CallLinkage::default();
    cursor.each(|cursor, name| {
        let slot = match name {
            "globalCallData" => &mut linkage.global_call_id,
            "threadData" => &mut linkage.thread_id,
            _ => return Ok(()),
        };
        cursor.each(|cursor, name| {
            if !matches!(name, "globalCallLinkageID" | "threadLinkageID" | "threadID") {
                return Ok(());
            }
            let mut chosen = None;
            let text = cursor.content(|cursor, _| {
                chosen = filled(cursor)?;
                Ok(())
            })?;
            *slot = chosen.or(Some(text)).filter(|text| !text.is_empty());
            Ok(())
        })
    })?;
    Ok(Some(linkage).filter(|linkage| *linkage != CallLinkage::default()))
}

/// `servicesPermitted`: groups of booleans; empty groups say nothing (section 5.2).
pub(super) fn services_permitted(cursor: &mut Cursor<'_>) -> Result<Option<ServicesPermitted>> {
    let mut permitted = ServicesPermitted::default();
    cursor.each(|cursor, _| {
        cursor.each(|cursor, name| {
            if let Some(service) = ServiceCapability::parse(name)
                && let Some(value) = flag(cursor)?
            {
                permitted.state(service, value);
            }
            Ok(())
        })
    })?;
    Ok(Some(permitted).filter(|permitted| !permitted.is_empty()))
}

pub(super) fn local_state(cursor: &mut Cursor<'_>) -> Result<Option<LocalConnectionState>> {
    Ok(filled(cursor)?.map(|text| LocalConnectionState::parse(&text)))
}

pub(super) fn cause(cursor: &mut Cursor<'_>) -> Result<Option<EventCause>> {
    Ok(filled(cursor)?.map(|text| EventCause::parse(&text)))
}

pub(super) fn call_state(cursor: &mut Cursor<'_>) -> Result<CallState> {
    let mut state = CallState::Unknown;
    cursor.each(|cursor, name| {
        match name {
            "compoundCallState" => {
                let mut states = Vec::new();
                cursor.each(|cursor, name| {
                    if matches!(name, "localConnectionState" | "localConnectionInfo") {
                        states.extend(local_state(cursor)?);
                    }
                    Ok(())
                })?;
                state = CallState::Compound(states);
            }
            "simpleCallState" => {
                if let Some(text) = filled(cursor)? {
                    state = CallState::Simple(SimpleCallState::parse(&text));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(state)
}

/// `correlatorData` and `userData`: hexBinary inside `string`, or bare. Odd or foreign digits: the field is ignored.
pub(super) fn hex_data(cursor: &mut Cursor<'_>) -> Result<Option<Vec<u8>>> {
    let mut inner = None;
    let text = cursor.content(|cursor, name| {
        if name == "string" {
            inner = Some(cursor.text()?);
        }
        Ok(())
    })?;
    let text = inner.unwrap_or(text);
    if text.is_empty() || text.len() % 2 != 0 {
        return Ok(None);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Ok(text
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect())
}

/// `CSTAErrorCode`: exactly one child by the schema; the first that is no extension counts.
pub(super) fn fault(cursor: &mut Cursor<'_>) -> Result<Fault> {
    let mut found = None;
    let mut extension = None;
    let text = cursor.content(|cursor, name| {
        if name == "extensions" {
            extension = Some(cursor.raw()?);
        } else if found.is_none() {
            found = Some(Fault::parse(name, &cursor.text()?));
        }
        Ok(())
    })?;
    let mut fault = found.unwrap_or_default();
    fault.text =
        Some(text).filter(|text| !text.is_empty()).or(extension).map(|text| text.into_owned().into_boxed_str());
    Ok(fault)
}
