//! Errors of configurations, models and checkpoints.

use std::path::PathBuf;

use thiserror::Error;
use townsend_core::SizeError;

/// A configuration has a value that cannot be used.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("{key} = {value} is not possible: {allowed}")]
pub struct ConfigError {
    /// The key as it stands in the configuration, such as `model.latent`.
    pub key: String,
    /// The value that was given.
    pub value: String,
    /// The values that are allowed, and why.
    pub allowed: String,
}

impl ConfigError {
    /// An error for `key`, its `value` and the range that is `allowed`.
    pub fn new(key: impl Into<String>, value: impl std::fmt::Debug, allowed: impl Into<String>) -> Self {
        Self { key: key.into(), value: format!("{value:?}"), allowed: allowed.into() }
    }
}

/// Why a model cannot be made from a configuration, data or a checkpoint.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A wrong configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file is not a checkpoint of this model.
    #[error("{}: {problem}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the name of the tensor if it is in one.
        problem: String,
    },
    /// There is no avalanche to learn the number of electrons from.
    #[error("all {0} avalanches of the training data are empty; there is nothing to learn")]
    NothingToLearn(usize),
    /// The device is not part of this build.
    #[error("device `{name}` is not part of this build; it has: {available}")]
    Device {
        /// The name that was asked for.
        name: String,
        /// The names of all devices of this build.
        available: String,
    },
}

impl From<SizeError> for ModelError {
    fn from(error: SizeError) -> Self {
        match error {
            SizeError::Range { key, value, allowed } => Self::Config(ConfigError {
                key: format!("size.{key}"),
                value,
                allowed: format!("must be {allowed}"),
            }),
            SizeError::NothingToLearn { avalanches } => Self::NothingToLearn(avalanches),
        }
    }
}
