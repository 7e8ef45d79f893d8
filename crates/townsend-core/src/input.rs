//! Opening of files that are read from more than one place.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::output::kind_of;

/// Opens a file whose bytes can be read in any order and as often as needed, as formats with a table of
/// contents require. A pipe (`<(command)`, `/dev/stdin` behind `|`) is refused before a byte of it is read,
/// and without waiting for a writer.
///
/// # Errors
/// The path is not that of a file, or the operating system refuses to open it.
pub fn regular_file(path: &Path) -> io::Result<File> {
    let kind = path.metadata()?.file_type();
    if kind.is_file() {
        return File::open(path);
    }
    let what = if kind.is_dir() { "a folder" } else { kind_of(kind) };
    Err(io::Error::new(
        ErrorKind::InvalidInput,
        format!(
            "it is {what}, and a file is needed, which is read from several places; write the bytes to a file and give its name"
        ),
    ))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        assert!(regular_file(&at("file")).is_ok() && regular_file(&at("link")).is_ok());
        assert_eq!(regular_file(&at("none")).unwrap_err().kind(), ErrorKind::NotFound);
        // Nobody writes into this pipe; to open it would wait for ever.
        let devices = ["/dev/null", "/dev/zero"].map(|name| (name.into(), "it is a device"));
        let others = [(at("pipe"), "it is a pipe"), (at(""), "it is a folder")];
        for (path, what) in devices.into_iter().chain(others) {
            let message = regular_file(&path).unwrap_err().to_string();
            assert!(message.contains(what) && message.contains("a file is needed"), "{message}");
        }
    }
}
