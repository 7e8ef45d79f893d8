//! What the fuzzers of readers of files do with their input.

use std::cell::LazyCell;

use tempfile::NamedTempFile;
use townsend_damage::{fill, reader, sign};

thread_local! {
    static FILE: LazyCell<NamedTempFile> = LazyCell::new(|| NamedTempFile::new().expect("a file"));
}

/// Lets a reader read these bytes, in archives with right checksums. Errors are as good as answers here, but
/// they must name the file.
pub(crate) fn read(name: &str, bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    sign(&mut bytes);
    FILE.with(|file| {
        fill(file.as_file(), &bytes).expect("room for a file");
        if let Err(error) = (reader(name).read)(file.path()) {
            assert!(error.contains(&*file.path().to_string_lossy()), "does not name the file: {error}");
        }
    });
}
