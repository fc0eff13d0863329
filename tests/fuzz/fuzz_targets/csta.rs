#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    linegate::csta::fuzzing::message(data);
    linegate::csta::fuzzing::device_id(data);
    linegate::csta::fuzzing::exchange(std::time::Instant::now(), data);
});
