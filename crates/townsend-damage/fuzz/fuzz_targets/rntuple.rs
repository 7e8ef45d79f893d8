//! Descriptions of an RNTuple, with checksums that are right again: `cargo +nightly fuzz run --fuzz-dir
//! crates/townsend-damage/fuzz rntuple`. The first byte of the input tells which description, and each
//! three that follow a place and what is put there.

#![no_main]

#[path = "../../../townsend-root/tests/support/exercise.rs"]
mod exercise;
#[path = "../../../townsend-root/tests/support/signed.rs"]
#[allow(dead_code)]
mod signed;

use std::sync::LazyLock;

use signed::Signed;

static WHOLE: LazyLock<Signed> =
    LazyLock::new(|| Signed::new(signed::small_file().expect("a file in memory can be written")));

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((part, changes)) = input.split_first() else { return };
    let bytes = WHOLE.changed(usize::from(*part), |bytes| {
        for change in changes.as_chunks::<3>().0 {
            let place = usize::from(u16::from_le_bytes([change[0], change[1]]));
            bytes[place % bytes.len()] = change[2];
        }
    });
    let _ = exercise::exercise(bytes, |_, _| true);
});
