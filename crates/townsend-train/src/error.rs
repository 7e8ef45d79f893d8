//! What can go wrong in training.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::{GridError, OutputError, SizeError, SplitError};
use townsend_models::{ConfigError, ModelError};

/// Training that cannot start or go on, or a run directory that cannot be used.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A configuration value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A configuration that is not one.
    #[error("{}: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the key.
        problem: String,
    },
    /// An override that is not `key=value`.
    #[error("`{0}` is not of the form key=value, such as training.epochs=10")]
    Override(String),
    /// Fractions of the split that cannot be.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The data do not fit the grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Something in the model or a checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file or folder of the run could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A run directory where a new one was to be made.
    #[error("{}: exists already; go on with it by --resume, replace it by --force, or choose another name", .0.display())]
    Exists(PathBuf),
    /// Something else where a new run directory was to be made.
    #[error("{}: is neither empty nor a run directory (it has no data.json), so nothing is written there; choose another name", .0.display())]
    Occupied(PathBuf),
    /// Something else than a run directory, or nothing.
    #[error("{path}: is not a run directory (there is no {path}/data.json); give the folder that `townsend train` made", path = .0.display())]
    NotARun(PathBuf),
    /// A run directory with a damaged file.
    #[error("{}: is damaged: {problem}; restore it from a copy, or train again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A run directory that another version wrote.
    #[error("{}: a run directory of version {found}; this program uses version {expected}: use the townsend that made it, or train again", path.display())]
    Version {
        /// The run directory.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version of this program.
        expected: u64,
    },
    /// Resuming with something else than the run began with.
    #[error("{}: cannot be resumed: {what}; start a new run instead", path.display())]
    Differs {
        /// The run directory.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Too little to train with.
    #[error("{usable} of the {training} training avalanches have electrons; training needs at least 2")]
    TooFew {
        /// Avalanches with electrons.
        usable: usize,
        /// Avalanches in the training part.
        training: usize,
    },
    /// The loss does not stay finite.
    #[error(
        "the loss became {loss} at step {step} (epoch {epoch}), after {rollbacks} times going back to the end of the last epoch and on with half the step size; lower training.learning_rate or set training.clip. The checkpoint of the last complete epoch is kept"
    )]
    Diverged {
        /// The loss; not a number also for a gradient that is none.
        loss: f64,
        /// Step, counted from 1.
        step: u64,
        /// Epoch, counted from 1.
        epoch: u32,
        /// How often training went back.
        rollbacks: u32,
    },
}

impl From<SizeError> for TrainError {
    fn from(error: SizeError) -> Self {
        Self::Model(error.into())
    }
}
