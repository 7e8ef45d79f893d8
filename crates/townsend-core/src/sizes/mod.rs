//! The distribution of the number of electrons of an avalanche.

mod mixture;
mod quantiles;
#[cfg(test)]
mod tests;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Gamma};
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use mixture::{SizePart, negative_binomial};
use quantiles::{knot_probabilities, ln_quantile, ln_quantiles};

/// The settings for learning the distribution of the number of electrons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SizeConfig {
    /// The form of the distribution.
    pub form: SizeForm,
    /// Number of probabilities at which the quantile function is stored, for the form `quantiles`.
    pub knots: usize,
}

/// The form of the distribution of the number of electrons of avalanches that are not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SizeForm {
    /// The quantile function at some probabilities: no form is assumed.
    Quantiles,
    /// The Polya distribution with the mean and the variance of the data. It describes the gain of a single
    /// stage, but badly the sizes after several stages.
    Polya,
    /// A mixture of three negative binomial distributions.
    NegativeBinomialMixture,
}

impl Default for SizeConfig {
    fn default() -> Self {
        Self { form: SizeForm::Quantiles, knots: 64 }
    }
}

impl SizeConfig {
    /// An error if the number of knots is outside its limits.
    pub fn check(&self) -> Result<(), SizeError> {
        match self.knots {
            2..=65_536 => Ok(()),
            knots => Err(SizeError::range("knots", &knots, "from 2 to 65536")),
        }
    }
}

/// Why the distribution of the number of electrons cannot be learned or drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SizeError {
    /// A setting or a parameter is outside its limits.
    #[error("{key} is {value}, but must be {allowed}")]
    Range {
        /// Its key within the table of the sizes, such as `parts[0].mean`.
        key: String,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// No avalanche has an electron.
    #[error("all {avalanches} avalanches are empty; there is no number of electrons to learn")]
    NothingToLearn {
        /// Number of avalanches.
        avalanches: usize,
    },
}

impl SizeError {
    fn range(key: &str, value: &dyn std::fmt::Display, allowed: &'static str) -> Self {
        Self::Range { key: key.into(), value: value.to_string(), allowed }
    }
}

/// The distribution of the number of electrons: the fraction of empty avalanches, and a form for the others.
///
/// Parameters that are read from a file are [checked](SizeModel::check) then; parameters that are set in code
/// must be checked by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct SizeModel {
    /// Fraction of avalanches without electrons.
    pub empty: f64,
    /// The distribution of the number of electrons of the others.
    #[serde(flatten)]
    pub filled: FilledSizes,
}

/// The distribution of the number of electrons n of avalanches that are not empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FilledSizes {
    /// The quantile function of ln n, linear between the probabilities (1 − cos(π i / (k − 1))) / 2 with i
    /// from 0 to k − 1.
    LnN(Vec<f64>),
    /// The Polya distribution.
    Polya(PolyaSizes),
    /// A mixture of negative binomial distributions of n − 1.
    Parts(Vec<SizePart>),
}

/// The Polya distribution p(n) ∝ (n / mean)^theta exp(−(1 + theta) n / mean).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolyaSizes {
    /// Mean number of electrons.
    pub mean: f64,
    /// θ: the relative variance is 1/(1 + θ).
    pub theta: f64,
}

/// A size model as it is written in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    empty: f64,
    ln_n: Option<Vec<f64>>,
    polya: Option<PolyaSizes>,
    parts: Option<Vec<SizePart>>,
}

impl TryFrom<Written> for SizeModel {
    type Error = String;

    fn try_from(Written { empty, ln_n, polya, parts }: Written) -> Result<Self, Self::Error> {
        let filled = match (ln_n, polya, parts) {
            (Some(ln_n), None, None) => FilledSizes::LnN(ln_n),
            (None, Some(polya), None) => FilledSizes::Polya(polya),
            (None, None, Some(parts)) => FilledSizes::Parts(parts),
            _ => return Err("the number of electrons needs one of `ln_n`, `polya` and `parts`".into()),
        };
        let model = Self { empty, filled };
        model.check().map_err(|error| format!("the number of electrons: {error}"))?;
        Ok(model)
    }
}

/// ln of the largest number of electrons for the forms `quantiles` and `polya`: just above ln 2³², which is
/// more than a cell of counts can hold.
const MOST_LN_N: f64 = 22.2;

impl SizeModel {
    /// Learns the distribution from the numbers of electrons of avalanches, empty ones included.
    ///
    /// # Errors
    /// If no avalanche has an electron, or the number of knots is outside its limits.
    pub fn fit(sizes: &[u64], config: &SizeConfig) -> Result<Self, SizeError> {
        config.check()?;
        let filled: Vec<f64> = sizes.iter().filter(|&&n| n > 0).map(|&n| n as f64).collect();
        if filled.is_empty() {
            return Err(SizeError::NothingToLearn { avalanches: sizes.len() });
        }
        let empty = 1.0 - filled.len() as f64 / sizes.len() as f64;
        let filled = match config.form {
            SizeForm::Quantiles => FilledSizes::LnN(ln_quantiles(&filled, config.knots)),
            SizeForm::Polya => FilledSizes::Polya(polya(&filled)),
            SizeForm::NegativeBinomialMixture => FilledSizes::Parts(mixture::fit(&filled)),
        };
        Ok(Self { empty, filled })
    }

    /// An error if a parameter is outside its limits; keys are those of the serialised form.
    pub fn check(&self) -> Result<(), SizeError> {
        if !(0.0..1.0).contains(&self.empty) {
            return Err(SizeError::range("empty", &self.empty, "at least 0 and below 1"));
        }
        match &self.filled {
            FilledSizes::LnN(ln_n) => {
                let ascending = ln_n.windows(2).all(|pair| pair[0] <= pair[1]);
                if ln_n.len() < 2 || !ascending {
                    return Err(SizeError::range(
                        "ln_n",
                        &format!("{ln_n:?}"),
                        "two values or more, ascending",
                    ));
                }
                match ln_n.iter().find(|value| !(0.0..=MOST_LN_N).contains(*value)) {
                    Some(value) => Err(SizeError::range("a value of ln_n", value, "from 0 to 22.2")),
                    None => Ok(()),
                }
            }
            FilledSizes::Polya(PolyaSizes { mean, theta }) => {
                if !(*mean >= 1.0 && mean.ln() <= MOST_LN_N) {
                    return Err(SizeError::range("polya.mean", mean, "from 1 to e^22.2"));
                }
                if !(*theta > -1.0 && theta.is_finite()) {
                    return Err(SizeError::range("polya.theta", theta, "above -1"));
                }
                Ok(())
            }
            FilledSizes::Parts(parts) => mixture::check(parts),
        }
    }

    /// The probabilities whose quantiles the values of [`FilledSizes::LnN`] are; `None` for other forms.
    pub fn probabilities(&self) -> Option<Vec<f64>> {
        match &self.filled {
            FilledSizes::LnN(ln_n) => Some(knot_probabilities(ln_n.len())),
            FilledSizes::Polya(_) | FilledSizes::Parts(_) => None,
        }
    }

    /// Draws a number of electrons; 0 for an empty avalanche.
    pub fn sample(&self, random: &mut impl Rng) -> u64 {
        if random.random::<f64>() < self.empty {
            return 0;
        }
        let n = match &self.filled {
            FilledSizes::LnN(ln_n) => ln_quantile(ln_n, random.random()).exp(),
            FilledSizes::Polya(PolyaSizes { mean, theta }) => {
                let shape = 1.0 + theta;
                // A checked model has a positive shape and scale.
                Gamma::new(shape, mean / shape).map_or(*mean, |gamma| gamma.sample(random))
            }
            FilledSizes::Parts(parts) => return mixture::sample(parts, random),
        };
        (n.min(MOST_LN_N.exp()).round() as u64).max(1)
    }
}

/// The Polya distribution with the mean and the variance of `sizes`: 1 + θ = mean² / variance (Alkhazov, NIM
/// 89, 155 (1970)). If all sizes are equal, the relative spread is 0.001.
fn polya(sizes: &[f64]) -> PolyaSizes {
    let n = sizes.len() as f64;
    let mean = sizes.iter().sum::<f64>() / n;
    let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / n;
    PolyaSizes { mean, theta: mean * mean / variance.max(1e-6 * mean * mean) - 1.0 }
}
