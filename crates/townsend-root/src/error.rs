//! Errors, which name the file, the object and what to do.

use std::path::{Path, PathBuf};

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error in reading or writing a ROOT file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not open, read or write the file.
    #[error("cannot {action} {}: {source}", file.display())]
    Io {
        /// The operation that failed: "open", "read" or "write".
        action: &'static str,
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not a ROOT file.
    #[error("{} is not a ROOT file: {reason}", file.display())]
    NotRoot {
        /// The file.
        file: PathBuf,
        /// The reason for saying so.
        reason: String,
    },
    /// The file has no list of its keys, because it was not closed by the program that wrote it.
    #[error(
        "{} was not closed by the program that wrote it, so it has no list of its objects; \
         hint: open it once with ROOT in UPDATE mode, which recovers what it can", file.display()
    )]
    NotClosed {
        /// The file.
        file: PathBuf,
    },
    /// The file is truncated or corrupted: its bytes contradict each other.
    #[error("{}: {object} is damaged: {reason}; hint: copy the file again or write it anew", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The object, or the part of the file, that cannot be read.
        object: String,
        /// The contradiction.
        reason: String,
    },
    /// The file is valid, but uses a feature that this crate does not read.
    #[error("{}: {object} cannot be read: {reason}", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// The object.
        object: String,
        /// The feature that is not supported, and what to do about it.
        reason: String,
    },
    /// The file has no object of this name.
    #[error("{} has no object \"{name}\"{}", file.display(), nearest_hint(nearest))]
    KeyNotFound {
        /// The file.
        file: PathBuf,
        /// The name that was asked for.
        name: String,
        /// The most similar names, the most similar first.
        nearest: Vec<String>,
    },
    /// The object is of another class than the one asked for.
    #[error("{}: {object} is a {found}, not a {wanted}", file.display())]
    WrongClass {
        /// The file.
        file: PathBuf,
        /// The object.
        object: String,
        /// Its class.
        found: String,
        /// The class that was asked for.
        wanted: &'static str,
    },
    /// The object to be written is one that no ROOT file can hold.
    #[error("cannot write {object}: {reason}")]
    Invalid {
        /// The object that was to be written.
        object: String,
        /// The reason why it cannot be written.
        reason: String,
    },
}

fn nearest_hint(nearest: &[String]) -> String {
    match nearest {
        [] => "; it has no objects at all".to_owned(),
        names => format!("; the nearest are \"{}\"", names.join("\", \"")),
    }
}

/// Number of similar names that an error lists.
const NEAREST: usize = 3;

/// The names that are most similar to `name`, the most similar first. Longer ones than any that people type
/// are left out, since comparing takes time that grows with both lengths.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let name: String = name.chars().take(256).collect();
    let names = names.filter(|other| other.len() <= 512);
    let mut nearest: Vec<_> = names.map(|other| (strsim::osa_distance(&name, other), other)).collect();
    nearest.sort_unstable();
    nearest.truncate(NEAREST);
    nearest.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// A fault that a decoder finds. The decoder does not know which file and object it is reading; the caller
/// adds them.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(std::io::Error),
    Damaged(String),
    Unsupported(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Fault {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }

    pub(crate) fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported(reason.into())
    }

    /// The error for users: this fault in `object` of `file`.
    pub(crate) fn at(self, file: &Path, object: impl Into<String>) -> Error {
        let (file, object) = (file.to_owned(), object.into());
        match self {
            Self::Io(source) => Error::Io { action: "read", file, source },
            Self::Damaged(reason) => Error::Damaged { file, object, reason },
            Self::Unsupported(reason) => Error::Unsupported { file, object, reason },
        }
    }
}
