//! Errors of training and of runs.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::{GridError, OutputError, RunError, SizeError, SplitError};
use townsend_models::{ConfigError, ModelError};

/// Training that cannot begin or go on, or a run that cannot be used.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A configuration value that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file that holds no configuration.
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
    /// Fractions of the split that cannot be.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The data do not fit the grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A model or a checkpoint.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A run that cannot be opened.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A run of a family that is no network.
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
        /// What the system said.
        source: std::io::Error,
    },
    /// Resuming with something else than the run began with.
    #[error("{}: cannot be resumed: {what}; start a new run instead", path.display())]
    Differs {
        /// The configuration of the run.
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
        /// The loss; not a number if a gradient was not finite.
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
