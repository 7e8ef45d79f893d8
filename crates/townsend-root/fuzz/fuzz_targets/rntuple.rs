//! Reads an RNTuple after changes of its descriptions, whose checksums are right again after the change. The
//! first byte of the input tells which description, and each three that follow a place and what is put there.
//!
//! `cargo +nightly fuzz run rntuple fuzz/corpus/rntuple -- -max_len=256 -rss_limit_mb=512`

#![no_main]

#[path = "../../tests/support/exercise.rs"]
mod exercise;
#[path = "../../tests/support/signed.rs"]
#[allow(dead_code)]
mod signed;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signed::Signed;

static WHOLE: LazyLock<Signed> =
    LazyLock::new(|| Signed::new(signed::small_file().expect("a file in memory can be written")));

fuzz_target!(|input: &[u8]| {
    let Some((part, changes)) = input.split_first() else { return };
    let bytes = WHOLE.changed(usize::from(*part), |bytes| {
        for change in changes.as_chunks::<3>().0 {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
            bytes[place % bytes.len()] = change[2];
        }
    });
    let _ = exercise::exercise(bytes, |_, _| true);
});
