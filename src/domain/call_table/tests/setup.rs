//! Rows of the table in which a call comes about, and rules 1, 3 and 4.

use super::bench::{
    A, ANNA, B, BERT, Bench, at, cleared, delivered, device, dial_tone, established, held, line, originated, parties,
    phone, retrieved, twin, who,
};
use crate::domain::call_table::{Endpoint, LocalState, Output, Parties, SignalCause, SignalKind, TableSettings};
use crate::domain::{Action, CallState as S, Cause, Direction, Presentation, Reason};

#[test]
fn off_hook_makes_an_outgoing_call_in_dial_tone() {
    let mut bench = Bench::new();
    bench.say_more(ANNA, dial_tone(A, ANNA), Some(LocalState::Initiated), SignalCause::Normal);
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.direction), (S::DialTone, Direction::Outbound));
    assert_eq!((call.pbx_call_id.as_deref(), call.gcid.as_deref()), (Some(A), Some(A)));
    assert_eq!(call.line_id, line("anna"));
    assert_eq!((call.caller.number.as_deref(), call.caller.name.as_deref()), (Some("201"), Some("Anna")));
    assert!(matches!(bench.told().as_slice(), [Output::Created(_)]));
}

#[test]
fn an_outgoing_call_runs_through_its_states() {
    let mut bench = Bench::new();
    let far = device("202");
    let mut states = Vec::new();
    for kind in [
        dial_tone(A, ANNA),
        originated(A, ANNA, &Endpoint::NotKnown),
        originated(A, ANNA, &who(&far)),
        delivered(A, &phone(ANNA), &far),
        established(A, &phone(ANNA), &far),
    ] {
        bench.say(ANNA, kind);
        states.push(bench.state(ANNA));
    }
    assert_eq!(states, [S::DialTone, S::Dialing, S::Proceeding, S::Ringback, S::Connected]);
    let call = bench.call(ANNA);
    assert_eq!(call.connected.number.as_deref(), Some("202"));
    assert!(call.answered_at.is_some() && call.internal);
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(bench.end().cause, Some(Cause::Normal));
    assert!(bench.table.is_empty());
}

#[test]
fn digits_are_appended_while_the_number_is_not_known() {
    let mut bench = Bench::new();
    bench.say(ANNA, dial_tone(A, ANNA));
    for digits in ["2", "3", "3"] {
        bench.say(ANNA, SignalKind::DigitsDialed { connection: at(A, &phone(ANNA)), digits: digits.to_owned() });
    }
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.called.raw.as_deref()), (S::Dialing, Some("233")));
    assert!(call.allowed_actions.contains(Action::Dial), "more may follow");
    bench.say(ANNA, originated(A, ANNA, &who(&device("0233"))));
    bench.say(ANNA, SignalKind::DigitsDialed { connection: at(A, &phone(ANNA)), digits: "9".to_owned() });
    let call = bench.call(ANNA);
    assert_eq!(call.called.raw.as_deref(), Some("0233"));
    assert!(!call.allowed_actions.contains(Action::Dial), "it is a number now");
}

#[test]
fn an_external_call_proceeds_and_may_be_answered_without_ringing() {
    let mut bench = Bench::new();
    let far = device("0891234");
    let trunk = device("trunk");
    bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
    bench.say(ANNA, SignalKind::NetworkReached { connection: at(A, &trunk), parties: parties(&phone(ANNA), &far) });
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.called.raw.as_deref(), call.internal), (S::Proceeding, Some("0891234"), false));
    bench.say(ANNA, established(A, &phone(ANNA), &far));
    assert_eq!(bench.state(ANNA), S::Connected);
}

#[test]
fn an_incoming_call_rings_and_is_answered() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, delivered(A, &far, &phone(ANNA)));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.direction, call.reason), (S::Offering, Direction::Inbound, Reason::Direct));
    assert_eq!((call.caller.raw.as_deref(), call.called.raw.as_deref()), (Some("233"), Some("201")));
    bench.pass_ms(5000).say(ANNA, established(A, &far, &phone(ANNA)));
    let call = bench.call(ANNA);
    assert_eq!((call.state, call.connected.raw.as_deref()), (S::Connected, Some("233")));
    assert_eq!(call.answered_at.unwrap().unix_ms() - call.created_at.unix_ms(), 5000);
}

#[test]
fn a_missing_called_number_is_our_own() {
    let mut bench = Bench::new();
    let parties = Parties { calling: Endpoint::Restricted, ..Parties::default() };
    bench.say(ANNA, SignalKind::Delivered { connection: at(A, &phone(ANNA)), alerting: who(&phone(ANNA)), parties });
    let call = bench.call(ANNA);
    assert_eq!((call.caller.number, call.caller.presentation), (None, Presentation::Restricted));
    assert_eq!(call.called.raw.as_deref(), Some("201"));
}

#[test]
fn our_number_is_known_in_its_other_forms() {
    let mut bench = Bench::new();
    let mut expanded = phone(ANNA);
    for number in ["+4989201", "4989201"] {
        expanded.number = number.to_owned();
        bench.say(ANNA, delivered(number, &device("233"), &expanded));
    }
    assert_eq!(bench.calls(ANNA).len(), 2);
}

#[test]
fn a_forwarded_call_says_why_and_from_where() {
    let mut bench = Bench::new();
    let mut told = parties(&device("233"), &device("240"));
    told.redirecting = who(&device("240"));
    let kind = SignalKind::Delivered { connection: at(A, &phone(ANNA)), alerting: who(&phone(ANNA)), parties: told };
    bench.say_because(ANNA, kind, SignalCause::ForwardedBusy);
    let call = bench.call(ANNA);
    assert_eq!((call.reason, call.redirecting.raw.as_deref()), (Reason::ForwardedBusy, Some("240")));
    assert_eq!(call.called.raw.as_deref(), Some("240"), "what the caller dialled");
}

#[test]
fn a_ring_elsewhere_of_an_unknown_call_asks_for_a_snapshot_and_a_ring_at_a_twin_does_not() {
    let mut bench = Bench::new();
    bench.say(ANNA, delivered(A, &device("233"), &device("240")));
    assert!(bench.wants_snapshot());
    bench.say(ANNA, delivered(B, &device("233"), &twin()));
    bench.quiet();
    assert!(bench.table.is_empty());
}

#[test]
fn an_outgoing_call_never_becomes_offering() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, originated(A, ANNA, &who(&far)));
    bench.say_more(ANNA, delivered(A, &phone(ANNA), &far), Some(LocalState::Alerting), SignalCause::Normal);
    assert_eq!(bench.state(ANNA), S::Ringback);
}

#[test]
fn late_signals_never_take_a_call_back() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, originated(A, ANNA, &who(&far))).say(ANNA, established(A, &phone(ANNA), &far));
    for kind in [
        dial_tone(A, ANNA),
        originated(A, ANNA, &who(&far)),
        delivered(A, &phone(ANNA), &far),
        SignalKind::NetworkReached { connection: at(A, &far), parties: parties(&phone(ANNA), &far) },
    ] {
        bench.say(ANNA, kind);
        assert_eq!(bench.state(ANNA), S::Connected);
    }
}

#[test]
fn repeated_signals_are_told_once() {
    let mut bench = Bench::talking();
    bench.say(ANNA, established(A, &device("233"), &phone(ANNA)));
    bench.quiet();
    bench.say(ANNA, held(A, &phone(ANNA))).hush().say(ANNA, held(A, &phone(ANNA)));
    bench.quiet();
}

#[test]
fn signals_of_a_later_state_make_the_call_and_ask_for_a_snapshot() {
    for (kind, state, direction) in [
        (established(A, &device("233"), &phone(ANNA)), S::Connected, Direction::Inbound),
        (established(A, &phone(ANNA), &device("233")), S::Connected, Direction::Outbound),
        (held(A, &phone(ANNA)), S::OnHold, Direction::Inbound),
        (retrieved(A, &phone(ANNA)), S::Connected, Direction::Inbound),
    ] {
        let mut bench = Bench::new();
        bench.say(ANNA, kind);
        assert_eq!((bench.state(ANNA), bench.call(ANNA).direction), (state, direction));
        assert!(bench.call(ANNA).answered_at.is_some());
        assert!(bench.wants_snapshot());
    }
}

#[test]
fn busy_waits_for_its_end_and_keeps_its_cause() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, originated(A, ANNA, &who(&far)));
    let failed = |call| SignalKind::Failed {
        connection: at(call, &far),
        failing: who(&far),
        parties: parties(&phone(ANNA), &far),
    };
    bench.say_more(ANNA, failed(A), Some(LocalState::Fail), SignalCause::Busy);
    assert_eq!(bench.state(ANNA), S::Busy);
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(bench.end().cause, Some(Cause::Busy));
    bench.say_because(ANNA, failed(B), SignalCause::InvalidNumber);
    assert_eq!(bench.state(ANNA), S::Failed, "also when it is the first that is heard of the call");
}

#[test]
fn a_busy_call_without_end_is_looked_after_and_ends_as_busy() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, originated(A, ANNA, &who(&far)));
    bench.say_because(
        ANNA,
        SignalKind::Failed { connection: at(A, &far), failing: who(&far), parties: Parties::default() },
        SignalCause::Busy,
    );
    bench.hush().pass_ms(14_999);
    assert!(!bench.wants_snapshot());
    bench.pass_ms(1);
    assert!(bench.wants_snapshot());
    bench.snapshot(ANNA, &[]).pass_ms(2000);
    assert!(bench.wants_snapshot());
    bench.snapshot(ANNA, &[]);
    assert_eq!(bench.end().cause, Some(Cause::Busy));
}

#[test]
fn a_failure_in_an_answered_call_is_not_its_end() {
    let mut bench = Bench::talking();
    let far = device("240");
    bench.say_because(
        ANNA,
        SignalKind::Failed { connection: at(A, &far), failing: who(&far), parties: Parties::default() },
        SignalCause::Busy,
    );
    assert_eq!(bench.state(ANNA), S::Connected);
    bench.hush().say(ANNA, cleared(A, &phone(ANNA)));
    assert_eq!(bench.end().cause, Some(Cause::Normal));
}

#[test]
fn a_queued_call_proceeds() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
    bench.say(
        ANNA,
        SignalKind::Queued { connection: at(A, &device("600")), parties: parties(&phone(ANNA), &device("600")) },
    );
    assert_eq!(bench.state(ANNA), S::Proceeding);
}

#[test]
fn two_lines_in_one_call_are_two_calls_in_one_conversation() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&phone(BERT))));
    bench.say(BERT, delivered(&A.to_ascii_lowercase(), &phone(ANNA), &phone(BERT)));
    let (anna, bert) = (bench.call(ANNA), bench.call(BERT));
    assert_ne!(anna.id, bert.id);
    assert_eq!(anna.conversation_id, bert.conversation_id);
    assert!(anna.internal && bert.internal);
    bench.say(ANNA, cleared(A, &phone(ANNA))).hush();
    assert_eq!(bench.state(BERT), S::Offering);
}

#[test]
fn a_call_that_comes_back_is_new_and_keeps_its_conversation() {
    let mut bench = Bench::talking();
    let before = bench.call(ANNA);
    bench.say(ANNA, cleared(A, &phone(ANNA)));
    assert!(bench.table.is_empty());
    bench.say(ANNA, delivered(A, &device("233"), &phone(ANNA)));
    let after = bench.call(ANNA);
    assert_ne!(before.id, after.id);
    assert_eq!(before.conversation_id, after.conversation_id);
}

#[test]
fn an_answer_by_the_wrong_end_is_no_answer() {
    let mut bench = Bench::new();
    let far = device("233");
    bench.say(ANNA, delivered(A, &far, &phone(ANNA))).say(ANNA, established(A, &far, &device("240")));
    assert_eq!(bench.state(ANNA), S::Offering, "somebody else answered");
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&far))).say(ANNA, established(A, &phone(ANNA), &phone(ANNA)));
    assert_eq!(bench.state(ANNA), S::Proceeding, "our own phone was lifted");
}

#[test]
fn our_number_without_a_phone_is_ours_or_not_as_configured() {
    for assume_own in [true, false] {
        let mut bench = Bench::with(TableSettings { assume_own, ..TableSettings::default() });
        bench.say(ANNA, delivered(A, &device("233"), &device("201")));
        assert_eq!(bench.calls(ANNA).len(), usize::from(assume_own));
    }
}

#[test]
fn the_time_of_the_state_is_that_of_its_last_change() {
    let mut bench = Bench::talking();
    let since = bench.call(ANNA).state_since;
    bench.pass_ms(1000).say(
        ANNA,
        SignalKind::Delivered {
            connection: at(A, &device("240")),
            alerting: who(&device("240")),
            parties: parties(&device("234"), &phone(ANNA)),
        },
    );
    let call = bench.call(ANNA);
    assert_eq!((call.state_since, call.caller.raw.as_deref()), (since, Some("234")));
    bench.say(ANNA, held(A, &phone(ANNA)));
    assert_eq!(bench.call(ANNA).state_since, bench.at.wall);
    assert_eq!(bench.call(ANNA).answered_at, Some(since));
}

#[test]
fn a_signal_for_nobody_is_nothing() {
    let mut bench = Bench::new();
    bench.say(super::super::SeatId(99), dial_tone(A, ANNA));
    bench.say(ANNA, SignalKind::DialTone { connection: at(A, &twin()) });
    bench.quiet();
    assert!(bench.table.is_empty());
}

#[test]
fn off_hook_makes_no_call_where_the_router_originates_every_call() {
    let mut bench = Bench::with(TableSettings { requires_originated: true, ..TableSettings::default() });
    bench.say(ANNA, dial_tone(A, ANNA)).quiet();
    bench.say(ANNA, originated(A, ANNA, &Endpoint::NotKnown));
    assert_eq!(bench.state(ANNA), S::Dialing);
    // It belongs to the call that is there.
    bench.say(ANNA, dial_tone(A, ANNA));
    assert_eq!(bench.state(ANNA), S::Dialing);
}

#[test]
fn lines_with_ids_of_their_own_are_in_one_conversation_when_they_call_each_other() {
    for inbound_first in [false, true] {
        let mut bench = Bench::with(TableSettings { joins_by_parties: true, ..TableSettings::default() });
        let (anna, bert) = (phone(ANNA), phone(BERT));
        let rings = delivered(B, &device("201"), &bert);
        let hears = delivered(A, &anna, &device("202"));
        if inbound_first {
            bench.say(BERT, rings).say(ANNA, hears);
        } else {
            bench.say(ANNA, originated(A, ANNA, &who(&device("202")))).say(BERT, rings);
        }
        assert_eq!(bench.call(ANNA).conversation_id, bench.call(BERT).conversation_id, "{inbound_first}");
        // A third call is none of theirs.
        bench.say(BERT, delivered("77", &device("201"), &bert));
        let calls = bench.calls(BERT);
        assert_ne!(calls[0].conversation_id, calls[1].conversation_id);
    }
}

#[test]
fn equal_ids_are_one_conversation_and_others_are_not() {
    let mut bench = Bench::new();
    bench.say(ANNA, originated(A, ANNA, &who(&device("202")))).say(BERT, delivered(B, &device("201"), &phone(BERT)));
    assert_ne!(bench.call(ANNA).conversation_id, bench.call(BERT).conversation_id);
}

#[test]
fn a_strange_phone_in_our_identifier_is_ours_where_bridged_events_tell() {
    for (shares_by_device, ours) in [(true, 0), (false, 1)] {
        let mut bench = Bench::with(TableSettings { shares_by_device, ..TableSettings::default() });
        bench.say(ANNA, delivered(A, &device("300"), &twin()));
        assert_eq!(bench.calls(ANNA).len(), ours, "{shares_by_device}");
    }
}
