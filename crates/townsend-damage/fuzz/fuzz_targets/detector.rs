//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz detector`: the reader `detector` of `townsend_damage`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("detector", bytes));
