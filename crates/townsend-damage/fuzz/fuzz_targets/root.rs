//! Histograms, trees and RNTuples of any ROOT file, with what townsend does not read as avalanches too.

#![no_main]

#[path = "../../../townsend-root/tests/support/exercise.rs"]
mod exercise;

/// Objects larger than this are read by the tests; here they would only make the fuzzer slow.
const LARGE: u64 = 1 << 20;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = exercise::exercise(bytes.to_vec(), |_, key| key.object_length() < LARGE);
});
