#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| txspec_fuzz::check_jwt_splitter(data));
