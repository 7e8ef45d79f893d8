//! What can be wrong with a file of avalanches.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use townsend_core::{GridError, OutputError};

/// A file of avalanches that could not be read or written. Every message names the file, the object in it where
/// there is one, and what to do.
#[derive(Debug, Error)]
pub enum Error {
    /// The system refused.
    #[error("{file}: cannot be read: {source}")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name of a file to be written does not tell its format.
    #[error(
        "{file}: {what}, so its format is not known\n  hint: let it end in .root or .npz, or add --format root or --format npz"
    )]
    UnknownEnding {
        /// The file.
        file: PathBuf,
        /// What its name is like.
        what: String,
    },
    /// The first bytes of a file do not tell its format.
    #[error(
        "{file}: not a file of avalanches that townsend knows: {what}\n  hint: it reads ROOT files (.root) with histograms h1_i, h2_i, h3_i or a tree, and NumPy's .npz"
    )]
    UnknownFormat {
        /// The file.
        file: PathBuf,
        /// What was looked at.
        what: String,
    },
    /// Something in the file is not what avalanches can be.
    #[error("{file}: {object}: {what}")]
    Content {
        /// The file.
        file: PathBuf,
        /// The histogram, branch or array.
        object: String,
        /// What is wrong, and what to do.
        what: String,
    },
    /// The format cannot hold these avalanches.
    #[error("{file}: {what}")]
    Unsuited {
        /// The file to be written.
        file: PathBuf,
        /// What does not fit, and what to do.
        what: String,
    },
    /// The ROOT file is damaged or holds something else.
    #[error(transparent)]
    Root(#[from] townsend_root::Error),
    /// The file cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The avalanches' grid is not the one that was asked for.
    #[error("{file}: {source}")]
    Grid {
        /// The file.
        file: PathBuf,
        /// What does not fit.
        source: GridError,
    },
}

/// The result of reading or writing avalanches.
pub type Result<T> = std::result::Result<T, Error>;

/// An error in the contents of `file`.
pub(crate) fn content(file: &Path, object: impl Into<String>, what: impl Into<String>) -> Error {
    Error::Content { file: file.into(), object: object.into(), what: what.into() }
}
