//! What can be wrong.

use thiserror::Error;
use townsend_core::{SizeError, SplitError};

/// Why a model cannot be trained or used.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ClusterError {
    /// A setting or a parameter outside what it may be.
    #[error("{key} is {value}, but must be {allowed}")]
    Range {
        /// Its name, as it is written in the file.
        key: String,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A fraction of held-back avalanches that cannot be.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Histograms that do not tell all three coordinates.
    #[error(
        "the avalanches are histograms of {dims} coordinates, and the model is one of electrons with x, z and t\n  hint: bring histograms of x, z and t (h3_0, h3_1, …), or electrons"
    )]
    Dims {
        /// Number of coordinates.
        dims: usize,
    },
    /// Nothing to learn from.
    #[error(
        "none of the {avalanches} avalanches of the training part has an electron within the grid\n  hint: bring avalanches with electrons"
    )]
    NoElectrons {
        /// How many there are.
        avalanches: usize,
    },
    /// A coordinate that is the same everywhere.
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
