//! Gives a finished file its name.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use tempfile::{PathPersistError, TempPath};

use crate::lock::identity;

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
///
/// A network file system repeats a request whose answer was lost, and says of the second that the name is
/// taken, or that the temporary file is not there: so it is looked whether the file has its name by now.
pub(super) fn put(mut temporary: TempPath, path: &Path, ways: &[Way]) -> Result<(), (io::Error, TempPath)> {
    let identity_of = |path: &Path| path.symlink_metadata().ok().as_ref().and_then(identity);
    let ours = identity_of(&temporary);
    let mut last = io::Error::from(ErrorKind::Unsupported);
    for way in ways {
        match way(temporary, path) {
            Ok(()) => return Ok(()),
            Err(PathPersistError { error, path }) => (last, temporary) = (error, path),
        }
        if ours.is_some() && identity_of(path) == ours {
            // If it still has its first name as well, it loses that here.
            return Ok(());
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

    /// A way that works, and says that it did not.
    fn answered_by(
        how: fn(&Path, &Path) -> io::Result<()>,
        error: ErrorKind,
    ) -> impl Fn(TempPath, &Path) -> Result<(), PathPersistError> {
        move |temporary, path| {
            how(&temporary, path).unwrap();
            Err(PathPersistError { error: error.into(), path: temporary })
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_done_though_the_answer_was_lost_is_done() {
        const RENAMED: Way = |temporary, path| {
            answered_by(|from, to| std::fs::rename(from, to), ErrorKind::NotFound)(temporary, path)
        };
        const LINKED: Way = |temporary, path| {
            answered_by(|from, to| std::fs::hard_link(from, to), ErrorKind::AlreadyExists)(temporary, path)
        };
        for way in [RENAMED, LINKED] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("out");
            put(temporary(folder.path()), &path, &[way, REFUSED]).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"work");
            assert_eq!(names(folder.path()), 1);
        }
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
