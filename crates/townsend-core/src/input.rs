//! Opening of files that are read from more than one place.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::SystemTime;

use crate::lock::identity;
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

/// What a file was like at a time. A file that another program writes to has another one soon after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: Option<(u64, u64)>,
}

impl Stamp {
    /// That of a file now. It is opened, since network file systems look at what the server has only then.
    ///
    /// # Errors
    /// As [`regular_file`].
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = regular_file(path)?.metadata()?;
        // Where a file has no time of change, its length tells most changes.
        Ok(Self { bytes: found.len(), modified: found.modified().ok(), identity: identity(&found) })
    }

    /// Whether the file is another by now. One whose name is gone is not: who has opened it reads on.
    pub fn is_outdated(self, path: &Path) -> bool {
        Self::of(path).is_ok_and(|now| now != self)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "1234").unwrap();
        let stamp = || Stamp::of(&path).unwrap();
        let first = stamp();
        assert!(!first.is_outdated(&path));
        // Longer, shorter, written over at another time, another file of the same name.
        std::fs::write(&path, "12345").unwrap();
        assert!(first.is_outdated(&path));
        std::fs::write(&path, "123").unwrap();
        let shorter = stamp();
        assert!(first.is_outdated(&path));
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(shorter.is_outdated(&path));
        let old = stamp();
        std::fs::write(folder.path().join("new"), "456").unwrap();
        File::open(folder.path().join("new")).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(old.is_outdated(&path));
        let newest = stamp();
        std::fs::remove_file(&path).unwrap();
        assert!(!newest.is_outdated(&path));
    }

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
