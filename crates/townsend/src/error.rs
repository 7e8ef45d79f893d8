//! What can go wrong, in one type.

use std::path::PathBuf;

use thiserror::Error;
use townsend_check::CheckError;
use townsend_core::{GridError, OutputError};
use townsend_models::ModelError;
use townsend_sim::SimError;
use townsend_train::TrainError;

/// The result of a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb failed.
#[derive(Debug, Error)]
pub enum Error {
    /// A file of avalanches.
    #[error(transparent)]
    Avalanches(#[from] townsend_io::Error),
    /// Training, or the run directory.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A model or its checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The detector.
    #[error("detector: {0}")]
    Detector(#[from] SimError),
    /// The comparison.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// An output.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Something wrong with a file, where the rest of the message does not name it.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// Contents of a file that cannot be what they should.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// An argument or a configuration that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The work was asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
    /// The work was asked to stop when some of it was done.
    #[error("stopped; what was made so far is in {}; begin again with --force, or with another folder", .0.display())]
    StoppedIn(PathBuf),
}

impl Error {
    /// True if what was asked for was wrong, rather than what was found: exit code 2.
    pub fn is_usage(&self) -> bool {
        use CheckError::UnknownMetric;
        use TrainError::{Config, Override, Split, Toml};
        if let Self::In { source, .. } = self {
            return source.is_usage();
        }
        matches!(
            self,
            Self::Usage(_)
                | Self::Detector(_)
                | Self::Avalanches(townsend_io::Error::UnknownEnding { .. })
                | Self::Check(UnknownMetric { .. })
                | Self::Model(ModelError::Config(_) | ModelError::Device { .. })
                | Self::Train(
                    Config(_)
                        | Override(_)
                        | Split(_)
                        | Toml { .. }
                        | TrainError::Model(ModelError::Config(_) | ModelError::Device { .. })
                )
        )
    }
}
