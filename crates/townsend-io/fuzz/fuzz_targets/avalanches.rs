//! Reads whatever the fuzzer makes of a file of avalanches: a text, an npz, a tree, an RNTuple. Start it with
//! the fixtures, in which there is something to damage:
//!
//! `cargo +nightly fuzz run avalanches fuzz/corpus/avalanches tests/fixtures -- -max_len=65536`

#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use townsend_core::Silent;
use townsend_io::{ReadOptions, read};

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("room");
    let by_place = ReadOptions { columns: "x=1,z=2,t=3,event=4".parse().expect("names"), ..ReadOptions::default() };
    for options in [ReadOptions::default(), by_place] {
        let _ = read(file.path(), &options, &Silent);
    }
});
