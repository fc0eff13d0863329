//! Positive answers (section 6).

use std::borrow::Cow;

use super::cursor::Cursor;
use super::value::{self, Result};
use crate::csta::owned::Text;
use crate::csta::types::{
    Connection, CstaFeatures, DeviceId, EventCapability, ForwardDefault, ForwardListItem, ForwardingType,
    LogicalDevice, Response, Service, ServiceCapability, SnapshotCall, SnapshotCallInfo, SnapshotData,
    SnapshotDeviceInfo, SystemStatus,
};

pub(super) fn response<'a>(cursor: &mut Cursor<'a>, root: &'a str) -> Result<Response<'a>> {
    let Some(service) = Service::of_response(root) else {
        cursor.each(|_, _| Ok(()))?;
        return Ok(Response::Other(Cow::Borrowed(root)));
    };
    Ok(match service {
        Service::RequestSystemStatus => Response::SystemStatus(system_status(cursor)?),
        Service::GetCstaFeatures => Response::Features(features(cursor)?),
        Service::GetLogicalDeviceInformation => Response::LogicalDevice(logical_device(cursor)?),
        Service::MonitorStart => monitor_start(cursor)?,
        Service::SnapshotDevice => {
            Response::SnapshotDevice(snapshot_data(cursor, snapshot_device_items)?.unwrap_or_default())
        }
        Service::SnapshotCall => Response::SnapshotCall(snapshot_call(cursor)?),
        Service::MakeCall => Response::MakeCall { calling_device: named_connection(cursor, "callingDevice")? },
        Service::ConsultationCall => {
            Response::ConsultationCall { initiated_call: named_connection(cursor, "initiatedCall")? }
        }
        Service::TransferCall
        | Service::SingleStepTransferCall
        | Service::ConferenceCall
        | Service::SingleStepConferenceCall
        | Service::JoinCall => joined(cursor, service)?,
        Service::DirectedPickupCall | Service::GroupPickupCall => {
            Response::Moved { service, connection: named_connection(cursor, "pickedCall")? }
        }
        Service::ParkCall => Response::Moved { service, connection: named_connection(cursor, "parkedTo")? },
        Service::GetForwarding => Response::Forwarding(forwarding(cursor)?),
        Service::GetDoNotDisturb => Response::DoNotDisturb(named_flag(cursor, "doNotDisturbOn")?),
        Service::GetMessageWaitingIndicator => {
            let mut on = None;
            let mut device_for_message = None;
            cursor.each(|cursor, name| {
                match name {
                    "messageWaitingOn" => on = value::flag(cursor)?,
                    "deviceForMessage" => device_for_message = value::device(cursor)?,
                    _ => {}
                }
                Ok(())
            })?;
            Response::MessageWaiting { on, device_for_message }
        }
        Service::GetCallerIdStatus => Response::CallerIdStatus(named_flag(cursor, "callerIDProvided")?),
        Service::GetLastNumberDialed => Response::LastNumberDialed(named_device(cursor, "numberDialed")?),
        _ => {
            cursor.each(|_, _| Ok(()))?;
            Response::Accepted(service)
        }
    })
}

pub(super) fn system_status(cursor: &mut Cursor<'_>) -> Result<Option<SystemStatus>> {
    let mut status = None;
    cursor.each(|cursor, name| {
        if name == "systemStatus" {
            status = value::filled(cursor)?.map(|text| SystemStatus::parse(&text));
        }
        Ok(())
    })?;
    Ok(status)
}

/// The text of the one child that counts.
pub(super) fn named_text<'a>(cursor: &mut Cursor<'a>, wanted: &str) -> Result<Text<'a>> {
    let mut found = Cow::Borrowed("");
    cursor.each(|cursor, name| {
        if name == wanted {
            found = cursor.text()?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn named_flag(cursor: &mut Cursor<'_>, wanted: &str) -> Result<Option<bool>> {
    Ok(value::boolean(&named_text(cursor, wanted)?))
}

fn named_device<'a>(cursor: &mut Cursor<'a>, wanted: &str) -> Result<Option<DeviceId<'a>>> {
    let mut found = None;
    cursor.each(|cursor, name| {
        if name == wanted {
            found = value::device(cursor)?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn named_connection<'a>(cursor: &mut Cursor<'a>, wanted: &str) -> Result<Connection<'a>> {
    let mut found = Connection::default();
    cursor.each(|cursor, name| {
        if name == wanted {
            found = value::connection(cursor)?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn monitor_start<'a>(cursor: &mut Cursor<'a>) -> Result<Response<'a>> {
    let mut monitor_cross_ref_id = Cow::Borrowed("");
    let mut monitor_existing_calls = None;
    cursor.each(|cursor, name| {
        match name {
            "monitorCrossRefID" => monitor_cross_ref_id = cursor.text()?,
            "monitorExistingCalls" => monitor_existing_calls = value::flag(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Response::MonitorStart { monitor_cross_ref_id, monitor_existing_calls })
}

fn joined<'a>(cursor: &mut Cursor<'a>, service: Service) -> Result<Response<'a>> {
    let mut call = Connection::default();
    let mut connections = Vec::new();
    cursor.each(|cursor, name| {
        match name {
            "transferredCall" | "transferedCall" | "conferenceCall" | "conferencedCall" => {
                call = value::connection(cursor)?;
            }
            "connections" => connections = value::connection_list(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(Response::Joined { service, call, connections })
}

fn forwarding<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<ForwardListItem<'a>>> {
    let mut list = Vec::new();
    cursor.each(|cursor, name| {
        if name != "forwardingList" {
            return Ok(());
        }
        cursor.each(|cursor, name| {
            if name != "forwardListItem" {
                return Ok(());
            }
            let mut item = ForwardListItem::default();
            cursor.each(|cursor, name| {
                match name {
                    "forwardingType" => {
                        item.forwarding_type = value::filled(cursor)?.map(|text| ForwardingType::parse(&text));
                    }
                    "forwardStatus" => item.forward_status = value::flag(cursor)?,
                    "forwardDN" => item.forward_dn = value::device(cursor)?,
                    "forwardDefault" => {
                        item.forward_default = value::filled(cursor)?.map(|text| ForwardDefault::parse(&text));
                    }
                    "ringCount" => item.ring_count = value::number(cursor)?,
                    _ => {}
                }
                Ok(())
            })?;
            list.push(item);
            Ok(())
        })
    })?;
    Ok(list)
}

fn logical_device(cursor: &mut Cursor<'_>) -> Result<LogicalDevice> {
    let mut device = LogicalDevice::default();
    cursor.each(|cursor, name| {
        match name {
            "maxActiveCalls" => device.max_active_calls = value::number(cursor)?,
            "maxHeldCalls" => device.max_held_calls = value::number(cursor)?,
            "maxDevicesInConf" => device.max_devices_in_conference = value::number(cursor)?,
            "maxFwdSettings" => device.max_forward_settings = value::number(cursor)?,
            "hasPhysicalElement" => device.has_physical_element = value::flag(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(device)
}

/// Section 6.1: below the two halves stand groups, below these the names; presence is what counts. A name that says
/// `false` as its whole text is taken at its word, though the schema gives it no text.
fn features(cursor: &mut Cursor<'_>) -> Result<CstaFeatures> {
    let mut features = CstaFeatures::default();
    cursor.each(|cursor, half| {
        let services = half == "supportedServices";
        if !services && half != "supportedEvents" {
            return Ok(());
        }
        cursor.each(|cursor, _group| {
            cursor.each(|cursor, name| {
                if !services {
                    let denied = value::flag(cursor)? == Some(false);
                    match EventCapability::parse(name) {
                        _ if denied => {}
                        Some(event) => features.add_event(event),
                        None => features.add_unlisted(name),
                    }
                    return Ok(());
                }
                let service = ServiceCapability::parse(name);
                let text = cursor.content(|cursor, refinement| {
                    if let (Some(service), Some(value)) = (service, value::flag(cursor)?) {
                        features.add_refinement(service, refinement, value);
                    }
                    Ok(())
                })?;
                match service {
                    _ if value::boolean(&text) == Some(false) => {}
                    Some(service) => features.add_service(service),
                    None => features.add_unlisted(name),
                }
                Ok(())
            })
        })
    })?;
    Ok(features)
}

/// `crossRefIDorSnapshotData` of the open element; `None` where it is missing. The two parts of the choice are also
/// taken without their wrapper.
fn snapshot_data<'a, T>(
    cursor: &mut Cursor<'a>,
    items: fn(&mut Cursor<'a>) -> Result<Vec<T>>,
) -> Result<Option<SnapshotData<'a, T>>> {
    let mut data = None;
    cursor.each(|cursor, name| {
        data = snapshot_part(cursor, name, items)?.or(data.take());
        Ok(())
    })?;
    Ok(data)
}

/// What a child of the response says about its data; `None` where it is about something else.
fn snapshot_part<'a, T>(
    cursor: &mut Cursor<'a>,
    name: &str,
    items: fn(&mut Cursor<'a>) -> Result<Vec<T>>,
) -> Result<Option<SnapshotData<'a, T>>> {
    Ok(match name {
        "crossRefIDorSnapshotData" => snapshot_choice(cursor, items)?,
        "serviceCrossRefID" => value::filled(cursor)?.map(SnapshotData::Announced),
        "snapshotData" => Some(SnapshotData::Here(items(cursor)?)),
        _ => None,
    })
}

fn snapshot_choice<'a, T>(
    cursor: &mut Cursor<'a>,
    items: fn(&mut Cursor<'a>) -> Result<Vec<T>>,
) -> Result<Option<SnapshotData<'a, T>>> {
    let mut data = None;
    cursor.each(|cursor, name| {
        match name {
            "serviceCrossRefID" => data = value::filled(cursor)?.map(SnapshotData::Announced).or(data.take()),
            "snapshotData" => data = Some(SnapshotData::Here(items(cursor)?)),
            _ => {}
        }
        Ok(())
    })?;
    Ok(data)
}

pub(super) fn snapshot_device_items<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<SnapshotDeviceInfo<'a>>> {
    let mut list = Vec::new();
    cursor.each(|cursor, name| {
        if name != "snapshotDeviceResponseInfo" {
            return Ok(());
        }
        let mut info = SnapshotDeviceInfo::default();
        cursor.each(|cursor, name| {
            match name {
                "connectionIdentifier" => info.connection = value::connection(cursor)?,
                "endpointDevice" => info.endpoint_device = value::subject(cursor)?,
                "localCallState" => info.local_call_state = value::call_state(cursor)?,
                "servicesPermitted" => info.services_permitted = value::services_permitted(cursor)?,
                "callLinkageData" => info.call_linkage = value::call_linkage(cursor)?,
                _ => {}
            }
            Ok(())
        })?;
        list.push(info);
        Ok(())
    })?;
    Ok(list)
}

pub(super) fn snapshot_call_items<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<SnapshotCallInfo<'a>>> {
    let mut list = Vec::new();
    cursor.each(|cursor, name| {
        if name != "snapshotCallResponseInfo" {
            return Ok(());
        }
        let mut info = SnapshotCallInfo::default();
        cursor.each(|cursor, name| {
            match name {
                "deviceOnCall" => info.device_on_call = value::subject(cursor)?,
                "callIdentifier" => info.connection = value::connection(cursor)?,
                "localConnectionInfo" => info.local_connection_info = value::local_state(cursor)?,
                "servicesPermitted" => info.services_permitted = value::services_permitted(cursor)?,
                _ => {}
            }
            Ok(())
        })?;
        list.push(info);
        Ok(())
    })?;
    Ok(list)
}

fn snapshot_call<'a>(cursor: &mut Cursor<'a>) -> Result<SnapshotCall<'a>> {
    let mut call = SnapshotCall::default();
    cursor.each(|cursor, name| {
        match name {
            "crossRefIDorSnapshotData" | "serviceCrossRefID" | "snapshotData" => {
                let part = snapshot_part(cursor, name, snapshot_call_items)?;
                call.data = part.unwrap_or_default();
            }
            "callingDevice" => call.calling_device = value::subject(cursor)?,
            "calledDevice" => call.called_device = value::subject(cursor)?,
            "callLinkageData" => call.call_linkage = value::call_linkage(cursor)?,
            "deviceHistory" => call.device_history = value::device_history(cursor)?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(call)
}
