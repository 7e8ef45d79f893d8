//! The reader `text` of `townsend_damage`:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz text`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("text", bytes));
