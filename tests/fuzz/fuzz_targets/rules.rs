#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    linegate::domain::rules::fuzzing::rules(data);
});
