//! Errors of training and of runs.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::{GridError, OutputError, RunError, SizeError, SplitError, Stopped, StoredError};
use townsend_models::{ConfigError, ModelError};

/// Why a training cannot begin or continue, or a run cannot be used.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A configuration has a value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is not a configuration.
    #[error("{}: {problem}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong, and which key.
        problem: String,
    },
    /// An override that is not `key=value`.
    #[error("`{0}` is not of the form key=value, such as training.epochs=10")]
    Override(String),
    /// The fractions of the split are not valid.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The data do not fit the grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Avalanches on disk cannot be read.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// A model or a checkpoint cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A run cannot be opened.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A run belongs to a family that is not a network.
    #[error("{}: the run is of the family `{family}`, which is no network", path.display())]
    NoNetwork {
        /// The header of the run.
        path: PathBuf,
        /// The family that it names.
        family: String,
    },
    /// A configuration or a file of the run could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason that the operating system gives.
        source: std::io::Error,
    },
    /// A resumed run was given another configuration or other data than it began with.
    #[error("{}: cannot be resumed: {what}; start a new run instead", path.display())]
    Differs {
        /// The configuration of the run.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// Too few avalanches to train on.
    #[error("{usable} of the {training} training avalanches have electrons; training needs at least 2")]
    TooFew {
        /// Avalanches with electrons.
        usable: usize,
        /// Avalanches in the training part.
        training: usize,
    },
    /// The work was asked to stop before its first step.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// The loss exploded or is not finite, even with a smaller learning rate.
    #[error(
        "the loss became {loss} at step {step} (epoch {epoch}), after {rollbacks} times going back to the end of the last epoch and on with half the step size; lower training.learning_rate or set training.clip. The checkpoint of the last complete epoch is kept"
    )]
    Diverged {
        /// The loss; not a number if a gradient was not finite.
        loss: f64,
        /// Step, counted from 1.
        step: u64,
        /// Epoch, counted from 1.
        epoch: u32,
        /// How often training went back to the end of the last epoch.
        rollbacks: u32,
    },
}

impl From<SizeError> for TrainError {
    fn from(error: SizeError) -> Self {
        Self::Model(error.into())
    }
}
