//! The effective gain and its fluctuation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::statistics::{mean, sample_standard_deviation};
use crate::text::with_error;

/// A number with its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The number.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&with_error(self.value, self.error))
    }
}

/// The effective gain and its fluctuation, from the numbers of electrons of avalanches.
///
/// ```
/// use townsend_observables::Gain;
///
/// let gain = Gain::of(&[0, 2, 4, 6]).unwrap();
/// assert_eq!(gain.effective.value, 3.0);
/// assert_eq!(gain.empty.value, 0.25);
/// // The variance of 0, 2, 4, 6 is 20/3.
/// assert!((gain.relative_variance.unwrap().value - 20.0 / 27.0).abs() < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Mean number of electrons over all avalanches, empty ones included; its error is s/√N.
    pub effective: Measured,
    /// Fraction of empty avalanches.
    ///
    /// Its error is the standard deviation of the fraction given the data, with a uniform prior (Ullrich and
    /// Xu, arXiv:physics/0701199): √(p(1 − p)/N) for large numbers of both kinds, and not 0 if none or all
    /// avalanches are empty.
    pub empty: Measured,
    /// f = s²/mean² over all avalanches, empty ones included; none if all are empty.
    pub relative_variance: Option<Measured>,
    /// θ of the Polya distribution of the avalanches that are not empty, from their relative variance f =
    /// 1/(1 + θ) (Alkhazov, Nucl. Instrum. Methods 89, 155, 1970). The Polya distribution is continuous; for
    /// whole electrons f is larger by 1/mean, which is not subtracted. None if fewer than two avalanches have
    /// electrons, or all have the same number.
    pub theta: Option<Measured>,
}

impl Gain {
    /// Computes the gain from the number of electrons of every avalanche, 0 for empty ones. None for fewer
    /// than two avalanches, which have no spread.
    pub fn of(electrons: &[u64]) -> Option<Self> {
        if electrons.len() < 2 {
            return None;
        }
        let all: Vec<f64> = electrons.iter().map(|&n| n as f64).collect();
        let filled: Vec<f64> = all.iter().copied().filter(|&n| n > 0.0).collect();
        let error = sample_standard_deviation(&all) / (all.len() as f64).sqrt();
        Some(Self {
            effective: Measured { value: mean(&all), error },
            empty: fraction(all.len() - filled.len(), all.len()),
            relative_variance: relative_variance(&all),
            theta: relative_variance(&filled).and_then(theta),
        })
    }
}

/// The fraction `count` of `total`; its error is the square root of the variance of the Beta distribution
/// (k + 1, N − k + 1).
fn fraction(count: usize, total: usize) -> Measured {
    let (k, n) = (count as f64, total as f64);
    let variance = (k + 1.0) * (n - k + 1.0) / ((n + 2.0).powi(2) * (n + 3.0));
    Measured { value: k / n, error: variance.sqrt() }
}

/// s²/mean², with the error that follows to first order from the errors of mean and variance, which are
/// correlated if the distribution is skewed: with central moments μ, Var(mean) = μ₂/N, Var(s²) = (μ₄ − μ₂²)/N
/// and Cov(mean, s²) = μ₃/N (Cramér, Mathematical Methods of Statistics, 27.4). None if the mean is 0 or
/// there are fewer than two values.
fn relative_variance(values: &[f64]) -> Option<Measured> {
    let (n, m) = (values.len() as f64, mean(values));
    if values.len() < 2 || m <= 0.0 {
        return None;
    }
    let moment = |power| values.iter().map(|value| (value / m - 1.0).powi(power)).sum::<f64>() / n;
    let [second, third, fourth] = [2, 3, 4].map(moment);
    let variance = (fourth - second * second - 4.0 * second * third + 4.0 * second.powi(3)) / n;
    Some(Measured { value: second * n / (n - 1.0), error: variance.max(0.0).sqrt() })
}

/// θ = 1/f − 1; none if all values are equal.
fn theta(f: Measured) -> Option<Measured> {
    (f.value > 0.0).then(|| Measured { value: 1.0 / f.value - 1.0, error: f.error / f.value.powi(2) })
}

#[cfg(test)]
mod tests;
