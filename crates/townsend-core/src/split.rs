//! The split of avalanches into training, validation and test.

use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Purpose, stream};

/// The part of the data that an avalanche belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Parameters are fitted to these.
    Training,
    /// These decide when training stops and which checkpoint is the best.
    Validation,
    /// These are never used by training.
    Test,
}

/// Fractions for validation and test that are negative or leave nothing for training.
#[derive(Debug, Clone, PartialEq, Error)]
#[error(
    "the validation and test fractions are {validation} and {test}; each must be at least 0 and their sum below 1"
)]
pub struct SplitError {
    validation: f64,
    test: f64,
}

/// A split by a hash of (seed, index): the part of avalanche `index` does not depend on the number of
/// avalanches, so that additional data never move an avalanche from one part to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawSplit")]
pub struct Split {
    seed: u64,
    validation: f64,
    test: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSplit {
    seed: u64,
    validation: f64,
    test: f64,
}

impl TryFrom<RawSplit> for Split {
    type Error = SplitError;

    fn try_from(raw: RawSplit) -> Result<Self, SplitError> {
        Self::new(raw.seed, raw.validation, raw.test)
    }
}

impl Split {
    const PURPOSE: Purpose = Purpose::new("split");

    /// A split with these fractions for validation and test; the rest is for training.
    ///
    /// # Errors
    /// If a fraction is negative, or both together are 1 or more.
    pub fn new(seed: u64, validation: f64, test: f64) -> Result<Self, SplitError> {
        if !(validation >= 0.0 && test >= 0.0 && validation + test < 1.0) {
            return Err(SplitError { validation, test });
        }
        Ok(Self { seed, validation, test })
    }

    /// The part of avalanche `index`.
    pub fn part(&self, index: u64) -> Part {
        let word = stream(self.seed, Self::PURPOSE, index).next_u64();
        let uniform = (word >> 11) as f64 / (1u64 << 53) as f64;
        if uniform < self.test {
            Part::Test
        } else if uniform < self.test + self.validation {
            Part::Validation
        } else {
            Part::Training
        }
    }

    /// The numbers below `len` that belong to `part`, in order.
    pub fn indices(&self, part: Part, len: usize) -> Vec<usize> {
        (0..len).filter(|&index| self.part(index as u64) == part).collect()
    }
}

/// The `[data]` table of models that need no validation part: which avalanches are held back for tests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HeldBack {
    /// Fraction of the avalanches that is held back.
    pub test: f64,
    /// Seed of the choice of these.
    pub seed: u64,
}

impl Default for HeldBack {
    fn default() -> Self {
        Self { test: 0.2, seed: 1 }
    }
}

impl HeldBack {
    /// The split into training and test.
    ///
    /// # Errors
    /// If the fraction is negative, or 1 or more.
    pub fn split(self) -> Result<Split, SplitError> {
        Split::new(self.seed, 0.0, self.test)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_data_moves_no_avalanche() {
        let split = Split::new(1, 0.1, 0.2).unwrap();
        for part in [Part::Training, Part::Validation, Part::Test] {
            let few = split.indices(part, 1_000);
            let many = split.indices(part, 5_000);
            assert_eq!(few[..], many[..few.len()]);
        }
    }

    #[test]
    fn fractions_are_met_within_their_error() {
        let n = 20_000;
        let split = Split::new(7, 0.1, 0.2).unwrap();
        for (part, fraction) in [(Part::Training, 0.7), (Part::Validation, 0.1), (Part::Test, 0.2)] {
            let got = split.indices(part, n).len() as f64 / n as f64;
            let error = (fraction * (1.0 - fraction) / n as f64).sqrt();
            assert!((got - fraction).abs() < 4.0 * error, "{part:?}: {got} against {fraction}");
        }
    }

    #[test]
    fn another_seed_is_another_split() {
        let parts = |seed| Split::new(seed, 0.2, 0.2).unwrap().indices(Part::Test, 200);
        assert_ne!(parts(1), parts(2));
    }

    #[test]
    fn impossible_fractions_are_refused() {
        for (validation, test) in [(0.5, 0.5), (-0.1, 0.1), (f64::NAN, 0.1)] {
            assert!(Split::new(1, validation, test).is_err());
        }
    }
}
