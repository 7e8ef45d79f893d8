//! What a check found, as it stands in `report.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use crate::text::{align, percent, significant, thousands};
use crate::{CheckError, Distance, Legacy, Observable};

/// The result of a check. The fields are those of `report.json`; the crate's documentation describes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// [`Report::SCHEMA`].
    pub schema: String,
    /// Program and version that wrote it.
    pub producer: String,
    /// Seed of halvings, resampling and random pairs.
    pub seed: u64,
    /// The real set.
    pub real: SetSummary,
    /// The generated set.
    pub generated: SetSummary,
    /// In which form the two were compared.
    pub compared: Compared,
    /// Generated less real empty fraction.
    pub empty: EmptyDifference,
    /// One entry an observable that both sets allow, by name.
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
    /// Share of generated avalanches among real neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<Score>,
    /// Share of real avalanches among generated neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recall: Option<Score>,
    /// Real neighbourhoods that an average generated avalanche lies in, over k.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub density: Option<Score>,
    /// Share of real neighbourhoods that hold a generated avalanche.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Score>,
    /// The observables of the first published models, by their names there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub legacy: BTreeMap<String, Legacy>,
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
    /// What was left aside or looked odd when the file was read. [`check`](crate::check()) is given avalanches and
    /// cannot know it: who reads the file says it here, before the report is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Difference of the empty fractions, with its binomial error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmptyDifference {
    /// Generated less real.
    pub difference: f64,
    /// Its standard error if both had one fraction p: `√(p(1 − p)(1/n + 1/m))`.
    pub error: f64,
}

impl EmptyDifference {
    pub(crate) fn text(&self) -> String {
        let [difference, error] = [self.difference, self.error].map(|v| format!("{:.2}", 100.0 * v));
        format!("({difference} ± {error})%")
    }
}

/// In which form the sets were compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// As electrons or as counts; both sets alike.
    pub form: Form,
    /// The grid of the counts, or the one on which electrons were counted for `n_cells` and `max_cell`.
    pub grid: Grid,
    /// Units of x, z and t.
    pub units: [String; 3],
    /// What was done to bring both into this form.
    pub note: String,
}

/// How avalanches are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Every electron.
    Electrons,
    /// Electrons counted in cells.
    Counts,
}

/// One observable of both sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Unit of the means and standard deviations; empty for pure numbers.
    pub unit: String,
    /// The real sample.
    pub real: SampleSummary,
    /// The generated sample.
    pub generated: SampleSummary,
    /// Wasserstein-1 over the real standard deviation; none if all real values are the same and the generated are
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w1_over_sigma: Option<Distance>,
    /// Kolmogorov-Smirnov distance.
    pub ks: Distance,
    /// Separation power in 50 bins between the joint 0.1% and 99.9% quantiles (or a bin for each whole number), and
    /// two flow bins.
    pub separation_power: Distance,
}

/// One observable of one set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleSummary {
    /// Mean over the avalanches.
    pub mean: f64,
    /// Standard deviation over the avalanches.
    pub std: f64,
    /// Avalanches that have the observable.
    pub avalanches: usize,
    /// Avalanches with electrons that do not have it, being too small or too narrow.
    pub left_out: usize,
}

/// A metric of all observables together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// The metric.
    pub value: f64,
    /// The same between halves of the real set.
    pub floor: f64,
    /// Its error, where the definition has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// Avalanches used: real, generated.
    pub avalanches: [usize; 2],
    /// How it was computed, in a line.
    pub method: String,
}

/// Can a classifier tell the sets apart?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierTest {
    /// Area under the ROC curve, out of fold: 0.5 cannot, 1 always.
    pub auc: Score,
}

/// A metric that is above its limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Excess {
    /// Full name, such as `w1_over_sigma.rms_x`.
    pub metric: String,
    /// Its value; none where it is beyond any number (the real set has no spread at all).
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

impl Report {
    /// Name and version of the format. The number grows when a field changes its meaning or goes.
    pub const SCHEMA: &'static str = "townsend-report/1";

    /// The report as JSON, ending with a line break.
    pub fn to_json(&self) -> Result<String, CheckError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The observables in the order of [`Observable::ALL`].
    pub fn comparisons(&self) -> impl Iterator<Item = (Observable, &Comparison)> {
        Observable::ALL.into_iter().filter_map(|o| Some((o, self.observables.get(o.name())?)))
    }

    /// Distances that there are for every observable.
    const DISTANCES: [&str; 3] = ["w1_over_sigma", "ks", "separation_power"];
    /// Metrics of all observables together for which more is worse.
    const OF_ALL: [&str; 4] = ["empty", "c2st.auc", "fpd", "kpd"];

    /// Whether [`Report::exceeds`] knows this name, if the data allow its observable.
    pub fn is_metric(name: &str) -> bool {
        let distance = |name: &str| Self::DISTANCES.contains(&name);
        let of_one = |(family, of)| distance(family) && Observable::named(of).is_some();
        Self::OF_ALL.contains(&name) || distance(name) || name.split_once('.').is_some_and(of_one)
    }

    /// Every metric for which more is worse, by full name.
    fn metrics(&self) -> Vec<(String, Option<f64>)> {
        let mut metrics = Vec::new();
        for (observable, c) in self.comparisons() {
            let name = observable.name();
            metrics.push((format!("w1_over_sigma.{name}"), c.w1_over_sigma.map(|d| d.value)));
            metrics.push((format!("ks.{name}"), Some(c.ks.value)));
            metrics.push((format!("separation_power.{name}"), Some(c.separation_power.value)));
        }
        metrics.push(("empty".to_string(), Some(self.empty.difference.abs())));
        let auc = self.c2st.as_ref().map(|test| &test.auc);
        for (name, score) in [("c2st.auc", auc), ("fpd", self.fpd.as_ref()), ("kpd", self.kpd.as_ref())] {
            metrics.extend(score.map(|score| (name.to_string(), Some(score.value))));
        }
        metrics
    }

    /// The metrics of this name that are above `limit`. `w1_over_sigma`, `ks` and `separation_power` stand for all
    /// observables, `ks.rms_x` for one; `empty` is the difference of the empty fractions. Metrics of which more is
    /// better (precision, recall, density, coverage) are not among them.
    pub fn exceeds(&self, metric: &str, limit: f64) -> Result<Vec<Excess>, CheckError> {
        let all = self.metrics();
        let family = format!("{metric}.");
        let wanted = |name: &str| name == metric || (name.starts_with(&family) && metric != "c2st");
        let mut found = all.iter().filter(|(name, _)| wanted(name)).peekable();
        if found.peek().is_none() {
            return Err(CheckError::UnknownMetric {
                name: metric.to_string(),
                observables: self.comparisons().map(|(observable, _)| observable.name()).collect(),
            });
        }
        let above = found.filter(|(_, value)| value.is_none_or(|value| value > limit));
        Ok(above.map(|(metric, value)| Excess { metric: metric.clone(), value: *value, limit }).collect())
    }

    /// The table of distances for a terminal.
    pub fn table(&self) -> String {
        let header = ["", "real", "generated", "W1/σ", "floor", "KS", "floor", "sep. power", "floor"];
        let mut rows = vec![header.map(String::from).to_vec()];
        rows.extend(self.comparisons().map(|(observable, comparison)| row(observable, comparison)));
        let mut lines = vec![self.headline(), String::new(), align(&rows)];
        let scores: Vec<Vec<String>> = self.scores().map(|(name, score)| score_row(name, score)).collect();
        if !scores.is_empty() {
            let header =
                vec!["all observables".to_string(), "value".into(), "floor".into(), "avalanches".into()];
            lines.extend([String::new(), align(&[vec![header], scores].concat())]);
        }
        lines.push("\nfloor: the same between halves of the real set; ±: 68%".to_string());
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.join("\n") + "\n"
    }

    fn headline(&self) -> String {
        let set = |name: &str, set: &SetSummary| {
            format!(
                "{name}: {} avalanches, ({} ± {})% empty, {}",
                thousands(set.avalanches as u64),
                significant(100.0 * set.empty_fraction, 3),
                significant(100.0 * set.empty_fraction_error, 2),
                set.file
            )
        };
        let difference = self.empty.text();
        format!(
            "{}\n{}\nempty, generated less real: {difference}",
            set("real", &self.real),
            set("generated", &self.generated)
        )
    }

    /// The metrics of all observables together that were computed.
    pub(crate) fn scores(&self) -> impl Iterator<Item = (&'static str, &Score)> {
        let auc = self.c2st.as_ref().map(|test| &test.auc);
        let scores = [
            ("classifier AUC", auc),
            ("FPD", self.fpd.as_ref()),
            ("KPD", self.kpd.as_ref()),
            ("precision", self.precision.as_ref()),
            ("recall", self.recall.as_ref()),
            ("density", self.density.as_ref()),
            ("coverage", self.coverage.as_ref()),
        ];
        scores.into_iter().filter_map(|(name, score)| Some((name, score?)))
    }
}

fn row(observable: Observable, comparison: &Comparison) -> Vec<String> {
    let unit = if comparison.unit.is_empty() { String::new() } else { format!(" [{}]", comparison.unit) };
    let mean = |sample: &SampleSummary| {
        if observable == Observable::Empty { percent(sample.mean) } else { significant(sample.mean, 4) }
    };
    let mut row =
        vec![format!("{}{unit}", observable.name()), mean(&comparison.real), mean(&comparison.generated)];
    for distance in [comparison.w1_over_sigma, Some(comparison.ks), Some(comparison.separation_power)] {
        row.push(distance.map_or("none".to_string(), |d| with_error(&d)));
        row.push(distance.map_or(String::new(), |d| decimal(d.floor)));
    }
    row
}

/// A distance and half of its 68% interval.
pub(crate) fn with_error(distance: &Distance) -> String {
    let half = 0.5 * (distance.interval[1] - distance.interval[0]);
    format!("{} ± {}", decimal(distance.value), decimal(half))
}

/// Three decimals; more where they would all be 0.
pub(crate) fn decimal(value: f64) -> String {
    if value == 0.0 || value >= 0.0005 { format!("{value:.3}") } else { significant(value, 1) }
}

/// A score and its error.
pub(crate) fn score_with_error(score: &Score) -> String {
    let value = significant(score.value, 3);
    score.error.map_or(value.clone(), |error| format!("{value} ± {}", significant(error, 2)))
}

fn score_row(name: &str, score: &Score) -> Vec<String> {
    let [real, generated] = score.avalanches.map(|n| thousands(n as u64));
    vec![
        name.to_string(),
        score_with_error(score),
        significant(score.floor, 3),
        format!("{real} / {generated}"),
    ]
}

#[cfg(test)]
mod tests;
