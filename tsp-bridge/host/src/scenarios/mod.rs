//! The conformance list of the dossier, part 4(b), by its numbers.

mod basics;
mod features;
mod gateways;
mod hammer;
mod incoming;
mod load;
mod midcall;
mod outgoing;
mod robust;
mod structures;

/// When a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Always.
    Short,
    /// When it is asked for.
    Long,
    /// When it is asked for, with a provider that panics on demand.
    Fault,
}

pub struct Scenario {
    pub name: &'static str,
    pub kind: Kind,
    pub needs_reset: bool,
    pub run: fn(),
}

macro_rules! scenarios {
    ($($kind:ident $reset:literal $module:ident::$name:ident;)+) => {
        pub const ALL: &[Scenario] = &[$(Scenario {
            name: stringify!($name), kind: Kind::$kind, needs_reset: $reset, run: $module::$name,
        }),+];
    };
}

scenarios! {
    Short false basics::c01_every_name_resolves_undecorated;
    Short false basics::c02_versions_are_negotiated;
    Short true basics::c03_lines_are_enumerated_with_the_gateway_down;
    Short true basics::c04_a_second_init_changes_nothing_and_a_restart_keeps_order_and_ids;
    Long false basics::c04_rounds_of_load_init_shutdown_free;
    Short true basics::c05_two_providers_with_two_gateways;
    Short true structures::c06_device_capabilities_at_every_size;
    Short true structures::c07_every_other_structure_at_every_size;
    Short true basics::c08_wrong_devices_handles_and_pointers_are_refused;
    Short true basics::c09_ids_and_order_are_stable;
    Short true basics::c10_a_line_opens_at_once_in_any_state_of_the_link;
    Short true basics::c11_media_detection_and_status_messages;
    Short true basics::c12_existing_calls_come_after_the_open;
    Short true outgoing::c13_a_call_is_made;
    Short true outgoing::c14_a_refused_call_is_completed_with_an_error_and_stays_silent;
    Short true outgoing::c15_a_synchronous_error_leaves_nothing_behind;
    Short true outgoing::c16_every_form_of_a_destination;
    Short true outgoing::c17_a_lost_answer_ends_within_the_limit;
    Short true outgoing::c18_a_pending_call_is_closed;
    Short true incoming::c19_an_offer_that_is_refused_is_repeated;
    Short true incoming::c20_a_call_is_closed_while_it_is_offered;
    Short true incoming::c21_answer_redirect_and_callers_who_give_up;
    Short true incoming::c22_tapis_own_drop_of_an_unowned_call_is_ignored;
    Short true midcall::c23_hold_unhold_and_swap;
    Short true midcall::c24_blind_transfer;
    Short true midcall::c25_consultation_transfer;
    Short true midcall::c25_transfer_while_nobody_rings;
    Short true midcall::c25_consultation_is_given_up;
    Short true midcall::c25_transfer_of_calls_that_were_made_and_held;
    Short true midcall::c25_transfer_in_one_step;
    Short true midcall::c26_conference;
    Short true midcall::c26_a_full_conference;
    Short true midcall::c26_a_conference_made_at_the_phone;
    Short true midcall::c27_data_of_programs;
    Short true midcall::c28_features_are_what_can_be_done;
    Short true midcall::tones_are_sent;
    Short true features::c29_forwarding_and_do_not_disturb;
    Short true features::c30_a_phone_goes_and_comes;
    Short true features::c31_a_short_loss_of_the_gateway;
    Short true features::c31_calls_change_while_the_gateway_is_away;
    Short true features::c31_a_long_loss_ends_calls_and_they_come_back;
    Short true features::c31_a_request_outlives_a_broken_connection;
    Short true features::c31_a_slow_request_outlives_a_broken_connection;
    Long true features::c31_an_outage_of_a_minute;
    Short true features::c32_lines_are_created_and_removed;
    Short true features::c33_closing_and_shutting_down_in_the_middle;
    Short false hammer::c34_the_hammer_has_every_export;
    Long true hammer::c34_sixteen_threads_hammer_every_export;
    Fault true robust::c35_panics_in_export_dispatcher_and_reader;
    Fault true robust::c35_three_panics_of_the_dispatcher_end_in_out_of_service;
    Fault true robust::c35_three_panics_of_the_reader_end_in_out_of_service;
    Fault true robust::c35_three_panics_of_the_writer_end_in_out_of_service;
    Long false load::c36_two_thousand_calls_a_minute;
    Short false robust::c37_dialogs_are_silent_without_a_window;
    Short true gateways::gateway_of_the_minor_version_before;
    Short true gateways::gateway_of_the_minor_version_after;
    Short true gateways::log_is_of_limited_size_and_holds_no_secret;
    Short true gateways::enrolment_gives_this_machine_a_token_of_its_own;
    Short true gateways::addresses_filters_and_other_gateways_leave_lines_what_they_are;
}

/// Private bytes of this process.
pub fn memory() -> usize {
    use windows_sys::Win32::System::ProcessStatus::{GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
    use windows_sys::Win32::System::Threading::GetCurrentProcess;
    // SAFETY: plain numbers.
    let mut counters: PROCESS_MEMORY_COUNTERS = unsafe { std::mem::zeroed() };
    let size = std::mem::size_of::<PROCESS_MEMORY_COUNTERS>() as u32;
    // SAFETY: the structure has the size that is said.
    unsafe { GetProcessMemoryInfo(GetCurrentProcess(), &mut counters, size) };
    counters.PagefileUsage
}
