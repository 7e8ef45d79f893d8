//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz responses`: the reader `responses` of `townsend_damage`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("responses", bytes));
