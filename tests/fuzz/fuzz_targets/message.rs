#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    linegate::sip::fuzzing::message(data);
});
