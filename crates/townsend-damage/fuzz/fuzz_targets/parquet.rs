//! The reader `parquet` of `townsend_damage`:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz parquet`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| file::read("parquet", bytes));
