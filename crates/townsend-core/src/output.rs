//! Files that appear whole or not at all.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

/// A file that could not be written. What stood at its place before is untouched.
#[derive(Debug, Error)]
pub enum OutputError {
    /// Something is there already.
    #[error("{path}: exists already; choose another name, or overwrite it")]
    Exists {
        /// The path asked for.
        path: PathBuf,
    },
    /// A folder is there, which no file replaces.
    #[error("{path}: is a folder; choose another name")]
    IsFolder {
        /// The path asked for.
        path: PathBuf,
    },
    /// The folder to write into is not there.
    #[error("{path}: the folder {folder} does not exist; make it first")]
    NoFolder {
        /// The path asked for.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// The system refused.
    #[error("{path}: cannot be written: {source}; nothing was changed")]
    Io {
        /// The path asked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file under construction: written under a temporary name beside its final place and renamed by
/// [`OutputFile::commit`]; dropped without it, nothing remains.
#[derive(Debug)]
pub struct OutputFile {
    temporary: NamedTempFile,
    path: PathBuf,
    force: bool,
}

impl OutputFile {
    /// Begins to write `path`. Without `force`, an existing file is refused now and again at the end, so that
    /// one that appears meanwhile is not overwritten either.
    pub fn create(path: &Path, force: bool) -> Result<Self, OutputError> {
        Self::refuse_existing(path, force)?;
        let folder = folder(path);
        if !folder.is_dir() {
            return Err(OutputError::NoFolder { path: path.into(), folder: folder.into() });
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".townsend-").suffix(".part");
        // Temporary files are private by default; an output is as readable as the user's umask says.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary =
            builder.tempfile_in(folder).map_err(|source| OutputError::Io { path: path.into(), source })?;
        Ok(Self { temporary, path: path.into(), force })
    }

    /// Refuses a path where something is already, unless `force`; for checking before long work.
    pub fn refuse_existing(path: &Path, force: bool) -> Result<(), OutputError> {
        if path.is_dir() {
            return Err(OutputError::IsFolder { path: path.into() });
        }
        if !force && path.symlink_metadata().is_ok() {
            return Err(OutputError::Exists { path: path.into() });
        }
        Ok(())
    }

    /// The file to write to.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// A second handle to the file, for a writer that wants to own one.
    pub fn duplicate(&self) -> Result<File, OutputError> {
        self.temporary.as_file().try_clone().map_err(|source| self.error(source))
    }

    /// An unnamed file on the same disk, for parts that are put together at the end; it is gone when closed.
    pub fn spool(&self) -> Result<File, OutputError> {
        tempfile::tempfile_in(folder(&self.path)).map_err(|source| self.error(source))
    }

    /// Turns an error of writing into one that names this file.
    pub fn error(&self, source: io::Error) -> OutputError {
        OutputError::Io { path: self.path.clone(), source }
    }

    /// Puts the finished file in its place.
    pub fn commit(self) -> Result<(), OutputError> {
        let path = self.path;
        let failed = |source| OutputError::Io { path: path.clone(), source };
        self.temporary.as_file().sync_all().map_err(failed)?;
        if self.force {
            self.temporary.persist(&path).map_err(|e| failed(e.error))?;
        } else if let Err(error) = self.temporary.persist_noclobber(&path) {
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => OutputError::Exists { path: path.clone() },
                _ => failed(error.error),
            });
        }
        Ok(())
    }

    /// A file with these contents, still to be put in its place: files that belong together are all written
    /// before the first is committed, so that a full disk leaves no mixture of old and new.
    pub fn filled(path: &Path, contents: &[u8], force: bool) -> Result<Self, OutputError> {
        let mut output = Self::create(path, force)?;
        io::Write::write_all(output.file(), contents).map_err(|source| output.error(source))?;
        Ok(output)
    }

    /// Writes a whole file at once.
    pub fn write(path: &Path, contents: &[u8], force: bool) -> Result<(), OutputError> {
        Self::filled(path, contents, force)?.commit()
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut output = OutputFile::create(&path, false).unwrap();
        output.file().write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(output);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        OutputFile::write(&path, b"whole", false).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn nothing_is_overwritten_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let late = OutputFile::create(&path, false).unwrap();
        OutputFile::write(&path, b"first", false).unwrap();
        assert!(matches!(late.commit(), Err(OutputError::Exists { .. })));
        assert!(matches!(OutputFile::write(&path, b"second", false), Err(OutputError::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        OutputFile::write(&path, b"second", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("not").join("there");
        let message = OutputFile::create(&path, false).unwrap_err().to_string();
        assert!(message.contains("not does not exist"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn an_output_is_as_readable_as_the_umask_says() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        OutputFile::write(&ours, b"", false).unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
