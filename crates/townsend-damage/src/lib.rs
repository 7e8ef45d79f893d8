//! Damaged files, for the tests of every reader: small whole files ([`seeds`]), seeded changes of them
//! ([`changed`]), and what must hold whatever was changed ([`survive`]). [`READERS`] lists the readers that
//! need no network library; `fuzz/` hands the same functions to `libFuzzer`.

mod change;
mod readers;
mod survive;
mod zip;

use std::path::{Path, PathBuf};

pub use change::{Random, changed};
pub use readers::{READERS, Reader, reader};
pub use survive::{Content, Survey, alone, fill, mutations, survive};
pub use zip::sign;

/// The folder of the small whole files of a reader, which are also where its fuzzer starts.
pub fn corpus(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name)
}

/// The small whole files of a reader, in the order of their names.
///
/// # Panics
/// If there are none, as a test would otherwise damage nothing.
pub fn seeds(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = corpus(name);
    let entries = folder.read_dir().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}: holds no file", folder.display());
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}
