//! The result of a check, as it stands in `report.json`.

mod measures;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::Grid;

pub(crate) use measures::{FloorFalls, Measure};

use crate::conditions::Conditional;
use crate::multivariate::{ClassifierTest, Correlations};
use crate::pairs::PairCorrelation;
use crate::score::Score;
use crate::verdict::Verdict;
use crate::{CheckError, Legacy};
use townsend_observables::text::significant;
use townsend_observables::{Distance, Observable};

/// The result of a check. The fields are those of `report.json`; the crate's documentation describes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Name and version of the format: [`Report::SCHEMA`].
    pub schema: String,
    /// Program and version that wrote it.
    pub producer: String,
    /// Seed of halvings, resampling and random pairs.
    pub seed: u64,
    /// The real set.
    pub real: SetSummary,
    /// The generated set.
    pub generated: SetSummary,
    /// The form in which the two were compared.
    pub compared: Compared,
    /// Empty fraction of the generated set less that of the real set.
    pub empty: EmptyDifference,
    /// The comparison of each observable that both sets allow, by name.
    pub observables: BTreeMap<String, Comparison>,
    /// Classifier two-sample test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c2st: Option<ClassifierTest>,
    /// Fréchet distance of the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fpd: Option<Score>,
    /// Kernel distance of the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kpd: Option<Score>,
    /// Precision: fraction of generated avalanches within the neighbourhood of a real one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Score>,
    /// Recall: fraction of real avalanches within the neighbourhood of a generated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Score>,
    /// Density: mean number of real neighbourhoods that a generated avalanche lies in, divided by k.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<Score>,
    /// Coverage: fraction of real neighbourhoods that contain a generated avalanche.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Score>,
    /// Correlations between the observables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlations: Option<Correlations>,
    /// Fraction of generated avalanches that are nearly equal to another generated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicates: Option<Score>,
    /// Fraction of generated avalanches that are nearer to a training avalanche than to a held-back one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memorisation: Option<Score>,
    /// Two-point correlation in x and z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_correlation: Option<PairCorrelation>,
    /// Lumpiness in cells of several sizes, by size.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lumpiness_by_scale: BTreeMap<String, Comparison>,
    /// Quantities of the hits on strips of two views.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub strips: BTreeMap<String, Comparison>,
    /// The observables in bins of conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditional: Vec<Conditional>,
    /// The observables of the first published models, by their published names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub legacy: BTreeMap<String, Legacy>,
    /// The verdict by thresholds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What a reader must know before trusting the numbers.
    pub warnings: Vec<String>,
}

/// One of the two sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetSummary {
    /// Path of the file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The part of the file's avalanches that was taken, in words; none if these are all. Like the warnings
    /// it is known to the caller alone, which adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Avalanches, empty ones included.
    pub avalanches: usize,
    /// Fraction of them without an electron.
    pub empty_fraction: f64,
    /// Binomial standard error of that fraction.
    pub empty_fraction_error: f64,
    /// Electrons in all avalanches.
    pub electrons: u64,
    /// Fraction of them outside the grid.
    pub fraction_outside: f64,
    /// What was left out or looked odd when the file was read. [`check`](crate::check()) is given avalanches,
    /// not files; the caller that read the file adds this before the report is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Difference of the empty fractions, with its binomial error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyDifference {
    /// Generated less real.
    pub difference: f64,
    /// Its standard error if both had one fraction p, estimated as (number empty + 1)/(n + m + 2): `√(p(1 −
    /// p)(1/n + 1/m))`.
    pub error: f64,
}

impl std::fmt::Display for EmptyDifference {
    /// In percent: `(0.25 ± 0.31)%`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "({:.2} ± {:.2})%", 100.0 * self.difference, 100.0 * self.error)
    }
}

/// The form in which the sets were compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// As electrons or as counts; both sets alike.
    pub form: Form,
    /// The grid of the counts, or the one on which electrons were counted for `n_cells` and `max_cell`.
    pub grid: Grid,
    /// Units of x, z and t.
    pub units: [String; 3],
    /// What was done to bring both sets into this form.
    pub note: String,
}

/// The form of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Every electron.
    Electrons,
    /// Electrons counted in cells.
    Counts,
}

/// The comparison of one observable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Unit of the means and standard deviations; empty for pure numbers.
    pub unit: String,
    /// The real sample.
    pub real: SampleSummary,
    /// The generated sample.
    pub generated: SampleSummary,
    /// Wasserstein-1 distance over the real standard deviation; none if all real values are equal and the
    /// generated ones differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w1_over_sigma: Option<Distance>,
    /// Kolmogorov-Smirnov distance.
    pub ks: Distance,
    /// Separation power in 50 bins between the 0.1% and 99.9% quantiles of both samples together (or in one
    /// bin for each whole number), and two flow bins.
    pub separation_power: Distance,
}

/// One observable in one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSummary {
    /// Mean over the avalanches.
    pub mean: f64,
    /// Standard deviation over the avalanches.
    pub std: f64,
    /// Avalanches that have the observable.
    pub avalanches: usize,
    /// Avalanches with electrons for which it is not defined, because they are too small or too narrow.
    pub left_out: usize,
}

/// A metric that is above its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Excess {
    /// Full name, such as `w1_over_sigma.rms_x`.
    pub metric: String,
    /// Its value; none where it is infinite (the real set has no spread at all).
    pub value: Option<f64>,
    /// The limit.
    pub limit: f64,
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.value {
            Some(value) => write!(f, "{} = {} > {}", self.metric, significant(value, 4), self.limit),
            None => write!(f, "{} cannot be put in units of a spread of 0 > {}", self.metric, self.limit),
        }
    }
}

impl SetSummary {
    /// Which avalanches of the file were compared, in words.
    pub fn taken(&self) -> String {
        self.part.clone().unwrap_or_else(|| "all avalanches".to_string())
    }
}

impl Report {
    /// Name and version of the format. The number grows when a field is removed or changes its meaning.
    pub const SCHEMA: &'static str = "townsend-report/2";

    /// The report as JSON, ending with a line break.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, CheckError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The observables in the order of [`Observable::ALL`].
    pub fn comparisons(&self) -> impl Iterator<Item = (Observable, &Comparison)> {
        Observable::ALL.into_iter().filter_map(|o| Some((o, self.observables.get(o.name())?)))
    }
}

#[cfg(test)]
pub(crate) mod tests;
