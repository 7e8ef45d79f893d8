//! Reads whatever the fuzzer makes of a ROOT file. Start it with the fixtures, in which there is something to
//! damage:
//!
//! `cargo +nightly fuzz run read fuzz/corpus/read tests/fixtures -- -max_len=65536 -rss_limit_mb=512`

#![no_main]

#[path = "../../tests/support/exercise.rs"]
mod exercise;

use libfuzzer_sys::fuzz_target;

/// Objects larger than this are read by the tests; here they would only make the fuzzer slow.
const LARGE: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let _ = exercise::exercise(bytes.to_vec(), |_, key| key.object_length() < LARGE);
});
