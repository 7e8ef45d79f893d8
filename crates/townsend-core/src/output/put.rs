//! Gives a finished file its name.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::{PathPersistError, TempPath};

/// A way to give the temporary file its name. If it fails, it has changed nothing.
type Way = fn(TempPath, &Path) -> Result<(), PathPersistError>;

/// Replaces whatever is there.
pub(super) const REPLACING: &[Way] = &[|temporary, path| temporary.persist(path)];

/// Replaces nothing; the best way comes first. The operating system renames without replacing, or makes a
/// link; file systems of clusters (`BeeGFS`) and in user space (FUSE) often support neither.
pub(super) const WITHOUT_REPLACING: &[Way] =
    &[|temporary, path| temporary.persist_noclobber(path), over_a_placeholder];

/// Makes an empty file of this name, which only one process can do, and renames over it. Other programs see
/// the empty file for a moment, and it remains if the machine fails then; so this is the last resort.
fn over_a_placeholder(temporary: TempPath, path: &Path) -> Result<(), PathPersistError> {
    if let Err(error) = File::create_new(path) {
        return Err(PathPersistError { error, path: temporary });
    }
    temporary.persist(path).inspect_err(|_| {
        // An error of removing the empty file does not matter beside the one that is returned.
        let _ = std::fs::remove_file(path);
    })
}

/// Tries one way after the other. If none works, returns the error of the last one and the temporary file. If
/// the name is taken, no further way is tried.
pub(super) fn put(mut temporary: TempPath, path: &Path, ways: &[Way]) -> Result<(), (io::Error, TempPath)> {
    let mut last = io::Error::from(ErrorKind::Unsupported);
    for way in ways {
        match way(temporary, path) {
            Ok(()) => return Ok(()),
            Err(PathPersistError { error, path }) => (last, temporary) = (error, path),
        }
        if last.kind() == ErrorKind::AlreadyExists {
            break;
        }
    }
    Err((last, temporary))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file system says to a way that it does not know.
    const REFUSED: Way =
        |temporary, _| Err(PathPersistError { error: ErrorKind::PermissionDenied.into(), path: temporary });

    fn temporary(folder: &Path) -> TempPath {
        let file = tempfile::NamedTempFile::new_in(folder).unwrap();
        std::fs::write(file.path(), "work").unwrap();
        file.into_temp_path()
    }

    fn names(folder: &Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_file_is_put_in_place_without_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let ways = [REFUSED, over_a_placeholder];
        put(temporary(folder.path()), &path, &ways).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"work");
        assert_eq!(names(folder.path()), 1);

        // A file that exists by now stays.
        std::fs::write(&path, "precious").unwrap();
        let (error, left) = put(temporary(folder.path()), &path, &ways).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(std::fs::read(&left).unwrap(), b"work");
    }

    #[test]
    fn what_no_way_can_place_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (error, left) =
            put(temporary(folder.path()), &folder.path().join("out"), &[REFUSED, REFUSED]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert_eq!(std::fs::read(&left).unwrap(), b"work");
        assert_eq!(names(folder.path()), 1);
    }
}
