#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::domain::{
    Action, Activity, CallId, CallState, Cause, ConversationId, Direction, Forwarding, LineId, LineKind, LineSource,
    LineStatus, MonitorState, ParticipantState, PartyId, PbxId, Presentation, Reason,
};

fn party() -> impl Strategy<Value = Party> {
    (proptest::option::of(".{0,12}"), proptest::option::of("[0-9*#]{0,12}"), proptest::option::of(".{0,12}"))
        .prop_map(|(number, raw, name)| Party { number, raw, e164: None, name, presentation: Presentation::Restricted })
}

prop_compose! {
    fn call()(
        parties in (party(), party(), party(), party()),
        state in 0..CallState::ALL.len(),
        reason in 0..Reason::ALL.len(),
        cause in proptest::option::of(0..Cause::ALL.len()),
        actions in proptest::collection::vec(0..Action::ALL.len(), 0..5),
        client_ref in proptest::option::of(".{0,20}"),
        ms in 0_i64..4_000_000_000_000,
        address in 0_u8..9,
        participants in proptest::collection::vec((".{0,5}", 0_u8..4), 0..3),
    ) -> Call {
        let time = Timestamp::from_unix_ms(ms);
        Call {
            id: CallId::parse("call_1").unwrap(),
            conversation_id: ConversationId::parse("conv_1").unwrap(),
            pbx_call_id: Some("6F10A2B4-C0DE11EF-8123A0B1-00C0FFEE".to_owned()),
            gcid: None,
            line_id: LineId::parse("line_1").unwrap(),
            pbx_id: PbxId::parse("pbx_1").unwrap(),
            address,
            direction: Direction::Outbound,
            internal: address > 3,
            state: CallState::ALL[state],
            consultation_of: None,
            conference_id: None,
            caller: parties.0,
            called: parties.1,
            connected: parties.2,
            redirecting: parties.3,
            reason: Reason::ALL[reason],
            cause: cause.map(|index| Cause::ALL[index]),
            client_ref,
            data: serde_json::value::RawValue::from_string("{\"a\":1}".to_owned()).unwrap(),
            participants: participants
                .into_iter()
                .map(|(name, state)| Participant {
                    id: PartyId::parse("party_1").unwrap(),
                    number: None,
                    raw: None,
                    name: Some(name),
                    state: [
                        ParticipantState::Connected,
                        ParticipantState::OnHold,
                        ParticipantState::Ringing,
                        ParticipantState::Left,
                    ][usize::from(state)],
                })
                .collect(),
            allowed_actions: ActionSet::of(&actions.into_iter().map(|i| Action::ALL[i]).collect::<Vec<_>>()),
            confirmed_at: time,
            created_at: time,
            answered_at: (address > 2).then_some(time),
            ended_at: None,
            state_since: time,
            is_beyond_trunk: false,
        }
    }
}

prop_compose! {
    fn line()(
        texts in (".{0,10}", ".{0,10}", ".{0,10}"),
        labels in proptest::collection::btree_map(".{0,4}", ".{0,4}", 0..3),
        ms in 0_i64..4_000_000_000_000,
        pick in 0_usize..4,
        waiting in proptest::option::of(any::<bool>()),
    ) -> Line {
        let time = Timestamp::from_unix_ms(ms);
        let mut monitor = Monitor::plain(
            [MonitorState::Active, MonitorState::Pending, MonitorState::Failed, MonitorState::Off][pick],
            time,
        );
        monitor.reason = Some(texts.0.clone());
        monitor.fix = (pick > 1).then(|| Fix {
            method: "POST".to_owned(),
            path: "/x".to_owned(),
            body: BTreeMap::from([("save".to_owned(), serde_json::json!(true))]),
        });
        Line {
            id: LineId::parse("line_1").unwrap(),
            tapi_id: 17,
            pbx_id: PbxId::parse("pbx_1").unwrap(),
            number: "201".to_owned(),
            display_number: texts.1,
            name: texts.2,
            has_own_name: pick > 1,
            device_id: (pick > 0).then(|| "00AA11BB0001".to_owned()),
            kind: if pick > 0 { LineKind::Static } else { LineKind::ExtensionMobility },
            source: [LineSource::Pbx, LineSource::Manual, LineSource::Import][pick % 3],
            enabled: pick > 1,
            addresses: vec![Address {
                index: 0,
                number: "201".to_owned(),
                remote_in_use: pick == 3,
                monitor: (pick == 2).then(|| monitor.clone()),
                forwarding: Forwarding { unconditional: (pick == 1).then(|| "205".to_owned()) },
            }],
            status: [LineStatus::InService, LineStatus::OutOfService, LineStatus::Unknown][pick % 3],
            monitor,
            activity: [Activity::Idle, Activity::Dialing, Activity::Ringing, Activity::Held][pick],
            active_calls: 3,
            allowed_actions: vec![LineAction::Dial, LineAction::Forward],
            do_not_disturb: pick == 0,
            forwarding: Forwarding { unconditional: (pick > 2).then(|| "208".to_owned()) },
            message_waiting: waiting,
            labels,
            missing_since: None,
        }
    }
}

proptest! {
    #[test]
    fn a_call_is_written_as_serde_would(call in call()) {
        let mut out = Vec::new();
        write_call(&mut out, &call);
        prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&call).unwrap());
    }

    #[test]
    fn a_line_is_written_as_serde_would(line in line()) {
        let mut out = Vec::new();
        write_line(&mut out, &line);
        prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&line).unwrap());
    }

    #[test]
    fn any_text_is_escaped_as_serde_would(text in any::<String>()) {
        let mut out = Vec::new();
        write_text(&mut out, &text);
        prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
    }

    #[test]
    fn any_number_is_written(value in any::<u64>()) {
        let mut out = Vec::new();
        write_number(&mut out, value);
        prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
    }
}
