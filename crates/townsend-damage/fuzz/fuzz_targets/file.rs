//! The reader `file` of `townsend_damage`:
//! `cargo +nightly fuzz run --fuzz-dir crates/townsend-damage/fuzz file`.

use std::cell::LazyCell;

use tempfile::NamedTempFile;
use townsend_damage::{fill, reader, sign};

thread_local! {
    static FILE: LazyCell<NamedTempFile> = LazyCell::new(|| NamedTempFile::new().expect("a file"));
}

/// Lets a reader read these bytes, in archives with right checksums. Errors are as good as answers here.
pub(crate) fn read(name: &str, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    sign(&mut bytes);
    FILE.with(|file| {
        fill(file.as_file(), &bytes).expect("room for a file");
        let _ = (reader(name).read)(file.path());
    });
}
