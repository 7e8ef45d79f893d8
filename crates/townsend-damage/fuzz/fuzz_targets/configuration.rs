//! The reader `configuration` of `townsend_damage`:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz configuration`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("configuration", bytes));
