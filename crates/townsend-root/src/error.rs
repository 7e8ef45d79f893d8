//! What can go wrong, told so that a user knows which file, which object and what to do.

use std::path::{Path, PathBuf};

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong when ROOT files are read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", file.display())]
    Io {
        /// What was tried: "open", "read", "write".
        action: &'static str,
        /// The file it was tried on.
        file: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The file is something else.
    #[error("{} is not a ROOT file: {reason}", file.display())]
    NotRoot {
        /// The file.
        file: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// The file never got its list of keys.
    #[error(
        "{} was not closed by the program that wrote it, so it has no list of its objects; \
         hint: open it once with ROOT in UPDATE mode, which recovers what it can", file.display()
    )]
    NotClosed {
        /// The file.
        file: PathBuf,
    },
    /// Bytes that contradict each other: a truncated or corrupted file.
    #[error("{}: {object} is damaged: {reason}; hint: copy the file again or write it anew", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The object, or the part of the file, that cannot be read.
        object: String,
        /// What contradicts what.
        reason: String,
    },
    /// A valid file that uses something this crate does not read.
    #[error("{}: {object} cannot be read: {reason}", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// The object.
        object: String,
        /// What is not supported, and what to do about it.
        reason: String,
    },
    /// No object of that name.
    #[error("{} has no object \"{name}\"{}", file.display(), nearest_hint(nearest))]
    KeyNotFound {
        /// The file.
        file: PathBuf,
        /// What was asked for.
        name: String,
        /// The names that come nearest to it, best first.
        nearest: Vec<String>,
    },
    /// The object is there, but of another class.
    #[error("{}: {object} is a {found}, not a {wanted}", file.display())]
    WrongClass {
        /// The file.
        file: PathBuf,
        /// The object.
        object: String,
        /// Its class.
        found: String,
        /// What it should have been.
        wanted: &'static str,
    },
    /// The caller asked to write something that no ROOT file can hold.
    #[error("cannot write {object}: {reason}")]
    Invalid {
        /// The object that was to be written.
        object: String,
        /// Why it cannot be.
        reason: String,
    },
}

fn nearest_hint(nearest: &[String]) -> String {
    match nearest {
        [] => "; it has no objects at all".to_owned(),
        names => format!("; the nearest are \"{}\"", names.join("\", \"")),
    }
}

/// What a decoder finds wrong before it is known which file and object it is reading.
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

    /// The error for users: `object` of `file` has this fault.
    pub(crate) fn at(self, file: &Path, object: impl Into<String>) -> Error {
        let (file, object) = (file.to_owned(), object.into());
        match self {
            Self::Io(source) => Error::Io { action: "read", file, source },
            Self::Damaged(reason) => Error::Damaged { file, object, reason },
            Self::Unsupported(reason) => Error::Unsupported { file, object, reason },
        }
    }
}
