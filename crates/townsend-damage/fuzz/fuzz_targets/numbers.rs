//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz numbers`: the reader `numbers` of `townsend_damage`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("numbers", bytes));
