//! The reader `numbers` of `townsend_damage`:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz numbers`.

#![no_main]

mod file;

libfuzzer_sys::fuzz_target!(
    // The Parquet library panics on some damaged files and is caught; the fuzzer would end at each of these.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| file::read("numbers", bytes)
);
