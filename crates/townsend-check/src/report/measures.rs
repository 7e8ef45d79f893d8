//! All numbers of a report of which a larger value is worse, by name: the input of gates and traffic lights.

use super::{Comparison, Excess, Report};
use crate::CheckError;
use crate::score::Score;
use townsend_observables::{Distance, Observable};

/// A number of which a larger value is worse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    /// Full name, such as `w1_over_sigma.rms_x`.
    pub(crate) name: String,
    /// The value; none where it is infinite (the real set has no spread at all).
    pub(crate) value: Option<f64>,
    /// The value that statistics alone give.
    pub(crate) floor: f64,
    /// Its standard error; 0 where there is none.
    pub(crate) error: f64,
}

/// Distances that exist for every observable.
const DISTANCES: [&str; 3] = ["w1_over_sigma", "ks", "separation_power"];
/// Neighbourhood scores, of which a smaller value is worse: the measure is how far they fall below their
/// floor.
const SHORTFALLS: [&str; 4] = ["precision", "recall", "density", "coverage"];
/// Names that stand for one number.
const SINGLE: [&str; 10] = [
    "empty",
    "c2st.auc",
    "c2st.auc_network",
    "c2st.auc_low_level",
    "c2st.auc_cells_trees",
    "fpd",
    "kpd",
    "duplicates",
    "memorisation",
    "pair_correlation",
];
/// Names that stand for several numbers and mean the largest; but for the shortfalls and the correlations
/// these are W1/σ.
const FAMILIES: [&str; 5] = ["shortfall", "correlations", "lumpiness_by_scale", "strips", "conditional"];

impl Measure {
    /// Whether the name is `wanted`, or belongs to the family `wanted`.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        let of_family = || self.name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.'));
        self.name == wanted || (wanted != "c2st" && of_family())
    }
}

fn of_distance(name: String, distance: Option<&Distance>) -> Measure {
    Measure {
        name,
        value: distance.map(|d| d.value),
        floor: distance.map_or(0.0, |d| d.floor),
        error: distance.map_or(0.0, Distance::error),
    }
}

impl Report {
    /// Whether [`Report::exceeds`] knows this name, provided the data allow the metric.
    pub fn is_metric(name: &str) -> bool {
        let known =
            |name: &str| SINGLE.contains(&name) || FAMILIES.contains(&name) || DISTANCES.contains(&name);
        let of_family = |(family, of): (&str, &str)| match family {
            "shortfall" => SHORTFALLS.contains(&of),
            "c2st" => false,
            family if DISTANCES.contains(&family) => Observable::named(of).is_some(),
            family => FAMILIES.contains(&family) && !of.is_empty(),
        };
        known(name) || name.split_once('.').is_some_and(of_family)
    }

    /// Every number of which a larger value is worse.
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let mut all = Vec::new();
        for (observable, c) in self.comparisons() {
            let name = observable.name();
            all.push(of_distance(format!("w1_over_sigma.{name}"), c.w1_over_sigma.as_ref()));
            all.push(of_distance(format!("ks.{name}"), Some(&c.ks)));
            all.push(of_distance(format!("separation_power.{name}"), Some(&c.separation_power)));
        }
        let (value, error) = (Some(self.empty.difference.abs()), self.empty.error);
        all.push(Measure { name: "empty".into(), value, floor: 0.0, error });
        all.extend(self.score_measures());
        all.extend(self.shape_measures());
        all
    }

    fn score_measures(&self) -> Vec<Measure> {
        let c2st = self.c2st.as_ref();
        let scores = [
            ("c2st.auc", c2st.map(|test| &test.auc)),
            ("c2st.auc_network", c2st.and_then(|test| test.auc_network.as_ref())),
            ("c2st.auc_low_level", c2st.and_then(|test| test.auc_low_level.as_ref())),
            ("c2st.auc_cells_trees", c2st.and_then(|test| test.auc_cells_trees.as_ref())),
            ("fpd", self.fpd.as_ref()),
            ("kpd", self.kpd.as_ref()),
            ("duplicates", self.duplicates.as_ref()),
            ("memorisation", self.memorisation.as_ref()),
        ];
        let of_score = |(name, score): (&str, Option<&Score>)| {
            let Score { value, floor, error, .. } = score?;
            let error = error.unwrap_or(0.0);
            Some(Measure { name: name.into(), value: Some(*value), floor: *floor, error })
        };
        let neighbours = [&self.precision, &self.recall, &self.density, &self.coverage];
        let shortfall = |(name, score): (&str, &Option<Score>)| {
            let score = score.as_ref()?;
            let value = Some((score.floor - score.value).max(0.0));
            let error = score.error.unwrap_or(0.0);
            Some(Measure { name: format!("shortfall.{name}"), value, floor: 0.0, error })
        };
        let shortfalls = SHORTFALLS.into_iter().zip(neighbours).filter_map(shortfall);
        scores.into_iter().filter_map(of_score).chain(shortfalls).collect()
    }

    fn shape_measures(&self) -> Vec<Measure> {
        let mut all = Vec::new();
        if let Some(found) = &self.correlations {
            for (name, d) in [("rms", found.rms_difference), ("largest", found.largest_difference)] {
                let name = format!("correlations.{name}");
                all.push(Measure { name, value: Some(d.value), floor: d.floor, error: d.error });
            }
        }
        if let Some(found) = &self.pair_correlation {
            let error = 0.5 * (found.interval[1] - found.interval[0]);
            let (value, floor) = (Some(found.difference), found.floor);
            all.push(Measure { name: "pair_correlation".into(), value, floor, error });
        }
        for (family, comparisons) in
            [("lumpiness_by_scale", &self.lumpiness_by_scale), ("strips", &self.strips)]
        {
            let one = |(name, c): (&String, &Comparison)| {
                of_distance(format!("{family}.{name}"), c.w1_over_sigma.as_ref())
            };
            all.extend(comparisons.iter().map(one));
        }
        for conditional in &self.conditional {
            for bin in &conditional.bins {
                for (observable, distance) in &bin.w1_over_sigma {
                    let name = format!("conditional.{}.{observable}", conditional.condition);
                    all.push(of_distance(name, Some(distance)));
                }
            }
        }
        all
    }

    /// The metrics with the name `metric` that are above `limit`. `w1_over_sigma`, `ks` and
    /// `separation_power` stand for all observables, `ks.rms_x` for one; `empty` is the difference of the
    /// empty fractions; `shortfall.coverage` is how far coverage, of which more is better, falls below its
    /// floor.
    ///
    /// # Errors
    /// [`CheckError::UnknownMetric`] if the report has no metric of this name.
    pub fn exceeds(&self, metric: &str, limit: f64) -> Result<Vec<Excess>, CheckError> {
        let all = self.measures();
        let mut found = all.into_iter().filter(|measure| measure.is(metric)).peekable();
        if found.peek().is_none() {
            return Err(CheckError::UnknownMetric {
                name: metric.to_string(),
                observables: self.comparisons().map(|(observable, _)| observable.name()).collect(),
            });
        }
        let above = found.filter(|measure| measure.value.is_none_or(|value| value > limit));
        Ok(above.map(|Measure { name, value, .. }| Excess { metric: name, value, limit }).collect())
    }
}
