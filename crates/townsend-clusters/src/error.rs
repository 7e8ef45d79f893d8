//! Errors of training and of models.

use thiserror::Error;
use townsend_core::{SizeError, SplitError, Stopped};

/// Why a model cannot be trained or used.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ClusterError {
    /// A setting or a parameter is outside its limits.
    #[error("{key} is {value}, but must be {allowed}")]
    Range {
        /// Its name, as written in the file.
        key: String,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The fraction of held-back avalanches is not valid.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Histograms lack one of the three coordinates.
    #[error(
        "the avalanches are histograms of {dims} coordinates, and the model is one of electrons with x, z and t\n  hint: bring histograms of x, z and t (h3_0, h3_1, …), or electrons"
    )]
    Dims {
        /// Number of coordinates.
        dims: usize,
    },
    /// The work was asked to stop.
    #[error("the training was stopped before it was done")]
    Stopped(#[from] Stopped),
    /// No avalanche to train on has an electron.
    #[error(
        "none of the {avalanches} avalanches of the training part has an electron within the grid\n  hint: bring avalanches with electrons"
    )]
    NoElectrons {
        /// Number of avalanches in the training part.
        avalanches: usize,
    },
    /// A coordinate has the same value for every electron.
    #[error(
        "{coordinate} of every electron is {value}: there is no spread to learn\n  hint: see that the right column was read"
    )]
    Flat {
        /// The coordinate's name.
        coordinate: &'static str,
        /// Its value.
        value: f64,
    },
}

impl From<SizeError> for ClusterError {
    fn from(error: SizeError) -> Self {
        match error {
            SizeError::Range { key, value, allowed } => {
                Self::Range { key: format!("sizes.{key}"), value, allowed }
            }
            SizeError::NothingToLearn { avalanches } => Self::NoElectrons { avalanches },
        }
    }
}
