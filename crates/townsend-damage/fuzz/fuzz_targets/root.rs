//! All objects of a ROOT file:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz root`.

#![no_main]

#[path = "../../../townsend-root/tests/support/exercise.rs"]
mod exercise;

/// Objects larger than this are read by the tests; here they would only make the fuzzer slow.
const LARGE: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = exercise::exercise(bytes.to_vec(), |_, key| key.object_length() < LARGE);
});
