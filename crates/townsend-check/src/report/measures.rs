//! All numbers of a report of which a larger value is worse, by name: the input of gates and traffic lights.

use super::{Comparison, Excess, Report};
use crate::CheckError;
use crate::cells::MOST_IMAGES;
use crate::multivariate::MOST_AVALANCHES;
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
    /// How the floor falls with the number of avalanches.
    pub(crate) floor_falls: FloorFalls,
    /// Real and generated avalanches that it was computed from.
    pub(crate) avalanches: [usize; 2],
    /// The most avalanches of a set that it is computed from.
    pub(crate) most: usize,
}

/// How the floor of a number falls with the number n of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FloorFalls {
    /// As 1/√n: distances that are linear in the fluctuations.
    AsRoot,
    /// As 1/n: distances that are quadratic in them.
    AsSquare,
    /// Not at all: shares, and areas under a ROC curve.
    Never,
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

fn of_distance(name: String, distance: Option<&Distance>, avalanches: [usize; 2]) -> Measure {
    Measure {
        name,
        value: distance.map(|d| d.value),
        floor: distance.map_or(0.0, |d| d.floor),
        error: distance.map_or(0.0, Distance::error),
        floor_falls: FloorFalls::AsRoot,
        avalanches,
        most: usize::MAX,
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

    /// Every number of which a larger value is worse. What is no number, because the data do not allow it, is
    /// left out.
    pub(crate) fn measures(&self) -> Vec<Measure> {
        let mut all = Vec::new();
        for (observable, c) in self.comparisons() {
            let name = observable.name();
            let of = [c.real.avalanches, c.generated.avalanches];
            all.push(of_distance(format!("w1_over_sigma.{name}"), c.w1_over_sigma.as_ref(), of));
            all.push(of_distance(format!("ks.{name}"), Some(&c.ks), of));
            let power = of_distance(format!("separation_power.{name}"), Some(&c.separation_power), of);
            all.push(Measure { floor_falls: FloorFalls::AsSquare, ..power });
        }
        all.push(Measure {
            name: "empty".into(),
            value: Some(self.empty.difference.abs()),
            floor: 0.0,
            error: self.empty.error,
            floor_falls: FloorFalls::Never,
            avalanches: self.avalanches(),
            most: usize::MAX,
        });
        all.extend(self.score_measures());
        all.extend(self.shape_measures());
        all.retain(|m| m.value.is_none_or(f64::is_finite) && m.floor.is_finite() && m.error.is_finite());
        all
    }

    /// Numbers of real and of generated avalanches, empty ones included.
    pub(crate) fn avalanches(&self) -> [usize; 2] {
        [self.real.avalanches, self.generated.avalanches]
    }

    fn score_measures(&self) -> Vec<Measure> {
        let c2st = self.c2st.as_ref();
        // FPD and KPD are squares of distances.
        let scores = [
            ("c2st.auc", c2st.map(|test| &test.auc), FloorFalls::Never),
            ("c2st.auc_network", c2st.and_then(|test| test.auc_network.as_ref()), FloorFalls::Never),
            ("c2st.auc_low_level", c2st.and_then(|test| test.auc_low_level.as_ref()), FloorFalls::Never),
            ("c2st.auc_cells_trees", c2st.and_then(|test| test.auc_cells_trees.as_ref()), FloorFalls::Never),
            ("fpd", self.fpd.as_ref(), FloorFalls::AsSquare),
            ("kpd", self.kpd.as_ref(), FloorFalls::AsSquare),
            ("duplicates", self.duplicates.as_ref(), FloorFalls::Never),
            ("memorisation", self.memorisation.as_ref(), FloorFalls::Never),
        ];
        let most = |name: &str| match name {
            "fpd" => usize::MAX,
            "c2st.auc_low_level" => MOST_IMAGES,
            _ => MOST_AVALANCHES,
        };
        let of_score = |(name, score, floor_falls): (&str, Option<&Score>, FloorFalls)| {
            let Score { value, floor, error, avalanches, .. } = score?;
            let (name, most, error) = (name.to_string(), most(name), error.unwrap_or(0.0));
            let (value, floor, avalanches) = (Some(*value), *floor, *avalanches);
            Some(Measure { name, value, floor, error, floor_falls, avalanches, most })
        };
        let neighbours = [&self.precision, &self.recall, &self.density, &self.coverage];
        let shortfall = |(name, score): (&str, &Option<Score>)| {
            let score = score.as_ref()?;
            Some(Measure {
                name: format!("shortfall.{name}"),
                value: Some((score.floor - score.value).max(0.0)),
                floor: 0.0,
                // The floor that it is measured from is as uncertain as the value.
                error: std::f64::consts::SQRT_2 * score.error.unwrap_or(0.0),
                floor_falls: FloorFalls::Never,
                avalanches: score.avalanches,
                most: MOST_AVALANCHES,
            })
        };
        let shortfalls = SHORTFALLS.into_iter().zip(neighbours).filter_map(shortfall);
        scores.into_iter().filter_map(of_score).chain(shortfalls).collect()
    }

    fn shape_measures(&self) -> Vec<Measure> {
        let mut all = Vec::new();
        let of = |name: String, value| Measure {
            value: Some(value),
            ..of_distance(name, None, self.avalanches())
        };
        if let Some(found) = &self.correlations {
            for (name, d) in [("rms", found.rms_difference), ("largest", found.largest_difference)] {
                let name = format!("correlations.{name}");
                all.push(Measure { floor: d.floor, error: d.error, ..of(name, d.value) });
            }
        }
        if let Some(found) = &self.pair_correlation {
            let error = 0.5 * (found.interval[1] - found.interval[0]);
            let measure = of("pair_correlation".into(), found.difference);
            all.push(Measure { floor: found.floor, error, ..measure });
        }
        for (family, comparisons) in
            [("lumpiness_by_scale", &self.lumpiness_by_scale), ("strips", &self.strips)]
        {
            let one = |(name, c): (&String, &Comparison)| {
                let of = [c.real.avalanches, c.generated.avalanches];
                of_distance(format!("{family}.{name}"), c.w1_over_sigma.as_ref(), of)
            };
            all.extend(comparisons.iter().map(one));
        }
        for conditional in &self.conditional {
            for bin in &conditional.bins {
                for (observable, distance) in &bin.w1_over_sigma {
                    let name = format!("conditional.{}.{observable}", conditional.condition);
                    all.push(of_distance(name, Some(distance), bin.avalanches));
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
