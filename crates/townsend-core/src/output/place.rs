//! The destination of an output, which depends on what exists at its path.

use std::fs::{FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::OutputError;

/// Largest number of links that are followed one after the other, as in the Linux kernel.
const MOST_LINKS: usize = 40;

/// The destination of the bytes of an output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A file of this name, which may replace an older one.
    File(PathBuf),
    /// A pipe or a device, which the bytes are written to.
    Stream(PathBuf),
}

impl Place {
    /// The place for `path`. Without `force` nothing may be there. With it a symbolic link stays and the file
    /// that it names is replaced, or made if there is none.
    pub(super) fn of(path: &Path, force: bool) -> Result<Self, OutputError> {
        let Ok(entry) = path.symlink_metadata() else {
            // Nothing is there, or it cannot be seen; making the file will give the error.
            return Ok(Self::File(path.into()));
        };
        if path.is_dir() {
            return Err(OutputError::IsFolder { path: path.into() });
        }
        if !force {
            return Err(OutputError::Exists { path: path.into() });
        }
        let failed = |source| OutputError::Io { path: path.into(), source };
        match path.metadata() {
            Ok(there) => Self::in_place_of(path, &entry, &there)
                .map_err(failed)?
                .ok_or_else(|| OutputError::Unsuited { path: path.into(), kind: kind_of(there.file_type()) }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::File(end_of_links(path))),
            Err(error) => Err(failed(error)),
        }
    }

    /// The destination for `path`, where `entry` is, which is or leads to `there`; none if no output can go
    /// there.
    fn in_place_of(path: &Path, entry: &Metadata, there: &Metadata) -> io::Result<Option<Self>> {
        Ok(if there.is_file() {
            Some(Self::File(if entry.is_symlink() { path.canonicalize()? } else { path.into() }))
        } else {
            is_stream(there.file_type()).then(|| Self::Stream(path.into()))
        })
    }
}

/// The name at the end of a chain of links, where nothing is yet.
fn end_of_links(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(next) = at.read_link() else { break };
        at = at.parent().unwrap_or(Path::new("")).join(next);
    }
    at
}

/// True for pipes and for devices such as terminals, which take bytes one after the other.
fn is_stream(kind: FileType) -> bool {
    matches!(kind_of(kind), PIPE | DEVICE)
}

const PIPE: &str = "a pipe";
const DEVICE: &str = "a device";

/// What something that is neither a file nor a folder is called.
#[cfg(unix)]
pub(crate) fn kind_of(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        PIPE
    } else if kind.is_char_device() {
        DEVICE
    } else if kind.is_block_device() {
        "a disk"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "no file"
    }
}

/// What something that is neither a file nor a folder is called.
#[cfg(not(unix))]
pub(crate) fn kind_of(_: FileType) -> &'static str {
    "no file"
}
