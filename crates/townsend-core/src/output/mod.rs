//! Files that appear whole or not at all.

mod place;
mod put;

use std::fs::File;
use std::io::{self, ErrorKind, Seek};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;

use crate::lock::{Lock, is_named};
use place::Place;
pub(crate) use place::kind_of;
use put::{REPLACING, WITHOUT_REPLACING, put};

/// Why a file could not be written. What existed at its place before is unchanged.
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
    /// Something is there that can be neither replaced nor written to.
    #[error("{path}: is {kind}, which no output is written to; choose another name")]
    Unsuited {
        /// The path asked for.
        path: PathBuf,
        /// What it is, such as "a socket".
        kind: &'static str,
    },
    /// The folder to write into is not there.
    #[error("{path}: the folder {folder} does not exist; make it first")]
    NoFolder {
        /// The path asked for.
        path: PathBuf,
        /// The missing folder.
        folder: PathBuf,
    },
    /// The operating system could not write.
    #[error("{path}: cannot be written: {source}; nothing was changed")]
    Io {
        /// The path asked for.
        path: PathBuf,
        /// The reason that it gives.
        source: io::Error,
    },
    /// The contents are on the disk, but the file could not be moved to its place. It is kept.
    #[error(
        "{path}: cannot be put in its place: {source}\n  hint: what was made is whole; it is the file {kept}, take it from there"
    )]
    Kept {
        /// The path asked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// The file that holds the contents.
        kept: PathBuf,
    },
}

/// A file under construction: written under a temporary name beside its final place and renamed by
/// [`OutputFile::commit`]; dropped without it, nothing remains.
///
/// If the path is a symbolic link, the link stays and the file that it leads to is replaced. A pipe or a
/// device (`/dev/stdout`) is not replaced but written to, once everything is finished, because formats write
/// to their beginning last. Until then the bytes are in the folder for temporary files.
#[derive(Debug)]
pub struct OutputFile {
    temporary: NamedTempFile,
    /// The path asked for.
    path: PathBuf,
    place: Place,
    force: bool,
}

impl OutputFile {
    /// Begins to write `path`. Without `force` an existing file is an error, now and again at the end, so
    /// that a file that appears in the meantime is not overwritten either.
    ///
    /// # Errors
    /// Something exists there, or no file can be made there.
    pub fn create(path: &Path, force: bool) -> Result<Self, OutputError> {
        let place = Place::of(path, force)?;
        let folder = match &place {
            Place::File(file) => folder(file).to_owned(),
            Place::Stream(_) => std::env::temp_dir(),
        };
        if !folder.is_dir() {
            return Err(OutputError::NoFolder { path: path.into(), folder });
        }
        let prefix = prefix_of(path);
        clear_leftovers(&folder, &prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX);
        // Temporary files are private by default; an output gets the permissions of the user's umask.
        #[cfg(unix)]
        if matches!(place, Place::File(_)) {
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        }
        let failed = |source| OutputError::Io { path: path.into(), source };
        let temporary = loop {
            let temporary = builder.tempfile_in(&folder).map_err(failed)?;
            // The lock says that somebody still writes. Without it, in the moment before it, the file may be
            // taken for a leftover and cleared; then another is made. Where there are no locks nothing is
            // cleared either.
            let _ = Lock::on(temporary.as_file());
            if is_named(temporary.as_file(), temporary.path()) {
                break temporary;
            }
        };
        Ok(Self { temporary, path: path.into(), place, force })
    }

    /// Checks before long work that `path` can be written: without `force` nothing may exist there.
    ///
    /// # Errors
    /// Something is there that would not be overwritten.
    pub fn refuse_existing(path: &Path, force: bool) -> Result<(), OutputError> {
        Place::of(path, force).map(drop)
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
        tempfile::tempfile_in(folder(self.temporary.path())).map_err(|source| self.error(source))
    }

    /// Turns an error of writing into one that names this file.
    pub fn error(&self, source: io::Error) -> OutputError {
        OutputError::Io { path: self.path.clone(), source }
    }

    /// Moves the finished file to its place, and waits until it and its name are on the disk.
    ///
    /// # Errors
    /// [`OutputError::Io`] if the contents are not on the disk; nothing remains. [`OutputError::Kept`] if
    /// they are, but the file cannot be moved to its place, or another appeared there in the meantime; the
    /// contents are kept.
    pub fn commit(self) -> Result<(), OutputError> {
        let Self { mut temporary, path, place, force } = self;
        synchronise(temporary.as_file()).map_err(|source| OutputError::Io { path: path.clone(), source })?;
        let placed = match &place {
            Place::File(file) => {
                let ways = if force { REPLACING } else { WITHOUT_REPLACING };
                let placed = put(temporary.into_temp_path(), file, ways);
                // The file is whole under its name by now; a system that cannot wait for the name (others
                // than Unix open no folders) is no reason to fail.
                let _ = File::open(folder(file)).and_then(|folder| folder.sync_all());
                placed
            }
            Place::Stream(stream) => {
                let copied = copy(temporary.as_file_mut(), stream);
                copied.map_err(|error| (error, temporary.into_temp_path()))
            }
        };
        placed.map_err(|(source, temporary)| match temporary.keep() {
            Ok(kept) => OutputError::Kept { path, source, kept: out_of_reach(kept) },
            Err(_) => OutputError::Io { path, source },
        })
    }

    /// A file with these contents, not yet moved to its place. Files that belong together are all written
    /// before the first is committed, so that a full disk leaves no mixture of old and new ones.
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

/// How the name of a file under construction ends.
const SUFFIX: &str = ".part";
/// Characters of the final name in that of a file under construction, which has to stay below 255 bytes.
const NAMED: usize = 40;

/// How the name of a file under construction begins: the same for every attempt at the same output.
fn prefix_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".townsend-{}-", name.chars().take(NAMED).collect::<String>())
}

/// Removes what earlier attempts at an output left that were killed before their end. Those under way hold a
/// lock on their file. What cannot be read, locked or removed is left alone.
fn clear_leftovers(folder: &Path, prefix: &str) {
    for entry in folder.read_dir().into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(prefix) && name.ends_with(SUFFIX) {
            let leftover = File::options().write(true).open(entry.path());
            if leftover.is_ok_and(|file| Lock::on(&file) == Lock::Ours) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// Gives a whole file that could not be moved to its place a name that no later attempt clears.
fn out_of_reach(kept: PathBuf) -> PathBuf {
    let whole = kept.with_extension("whole");
    match std::fs::rename(&kept, &whole) {
        Ok(()) => whole,
        Err(_) => kept,
    }
}

/// Waits until the contents are on the disk. A file system that does not support this is no reason to fail.
pub(crate) fn synchronise(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::InvalidInput) => Ok(()),
        done => done,
    }
}

/// Writes the whole of `file` to a pipe or a device. Opening a pipe waits for its reader.
fn copy(file: &mut File, stream: &Path) -> io::Result<()> {
    file.rewind()?;
    let mut stream = File::options().write(true).open(stream)?;
    io::copy(file, &mut stream).map(drop)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests;
