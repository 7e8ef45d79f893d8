//! What can be wrong with a file of avalanches.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use townsend_core::{GridError, OutputError};

use crate::{Choice, Format};

/// A file of avalanches that could not be read or written. Every message names the file, the object in it
/// where there is one, and what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// The operating system could not open or read the file.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Another program wrote to the file while it was read.
    #[error("{file}: was changed while it was read\n  hint: read it when no other program writes to it")]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// The name of a file to be written does not tell its format.
    #[error(
        "{file}: {what}, so its format is not known\n  hint: let it end in .root or .npz, or state the format"
    )]
    UnknownEnding {
        /// The file.
        file: PathBuf,
        /// What is the matter with the ending, such as "it ends in .dat".
        what: String,
    },
    /// Files of this format are read, and not written.
    #[error("{file}: {format} is read, not written\n  hint: let the file end in .root or .npz")]
    NotWritten {
        /// The file.
        file: PathBuf,
        /// Its format.
        format: Format,
    },
    /// The first bytes of a file do not tell its format.
    #[error(
        "{file}: not a file of avalanches that townsend knows: {what}\n  hint: it reads ROOT files (.root) with histograms h1_i, h2_i, h3_i or a tree, NumPy's .npz, Parquet, and columns of numbers in a text (.csv, .txt, also packed with gzip)"
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// What the first bytes show, such as "it is empty (0 bytes)".
        what: String,
    },
    /// An object in the file is damaged, or its values cannot be those of avalanches.
    #[error("{file}: {object}: {what}")]
    Content {
        /// The file.
        file: PathBuf,
        /// Name of the histogram, tree, branch or array.
        object: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The file does not hold the avalanches that were asked for, or its format cannot hold those that were
    /// given.
    #[error("{file}: {what}")]
    Unsuited {
        /// The file to be read or written.
        file: PathBuf,
        /// What does not fit, and what to do.
        what: String,
    },
    /// The file can be read in more than one way, or has other names than those looked for.
    #[error("{file}: {what}")]
    Undecided {
        /// The file.
        file: PathBuf,
        /// What is there, and what has to be stated.
        what: String,
        /// Options that would read it.
        choices: Vec<Choice>,
    },
    /// The ROOT file is damaged, or lacks an object that was asked for.
    #[error(transparent)]
    Root(#[from] townsend_root::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The avalanches cannot be brought onto the grid that was asked for.
    #[error("{file}: {source}")]
    Grid {
        /// The file.
        file: PathBuf,
        /// How the grids differ.
        source: GridError,
    },
}

/// The result of reading or writing avalanches.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The options that would read the file.
    pub fn choices(&self) -> &[Choice] {
        match self {
            Self::Undecided { choices, .. } => choices,
            _ => &[],
        }
    }
}

/// An error in the contents of `file`.
pub(crate) fn content(file: &Path, object: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Content { file: file.into(), object: object.into(), what: what.into() }
}
