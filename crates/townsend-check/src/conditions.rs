//! Comparison of the observables in bins of a condition, such as the size or a voltage: a generator may be
//! right on average and wrong in every bin.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::MINIMUM_AVALANCHES;
use townsend_observables::{Binning, Distance, Observable, Observables, Resampling};

/// Bins of a condition, with equal numbers of real avalanches. Chosen, not fitted: few enough that 5,000
/// avalanches leave 1,000 in each.
const BINS: usize = 5;

/// A number known for every avalanche of both sets beforehand, such as where the primary electron started.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// One value for each avalanche of the real set, empty avalanches included.
    pub real: Vec<f64>,
    /// One value for each avalanche of the generated set, empty avalanches included.
    pub generated: Vec<f64>,
}

/// The observables in bins of a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conditional {
    /// The name of the condition.
    pub condition: String,
    /// The bins by increasing value, each with about a fifth of the real avalanches.
    pub bins: Vec<ConditionBin>,
}

/// One bin of a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConditionBin {
    /// Lower edge: values from this one on.
    pub low: f64,
    /// Upper edge: values below this one; in the last bin up to this one.
    pub high: f64,
    /// Numbers of real and of generated avalanches in the bin, with empty ones if the condition is known for
    /// them.
    pub avalanches: [usize; 2],
    /// Empty fractions of the real and of the generated avalanches in the bin.
    pub empty_fractions: [f64; 2],
    /// W1/σ of each observable, with σ that of the real avalanches in the bin.
    pub w1_over_sigma: BTreeMap<String, Distance>,
}

/// The comparison in bins of the number of electrons, over avalanches with electrons.
pub(crate) fn by_size(
    real: &Observables,
    generated: &Observables,
    resampling: &Resampling,
) -> Option<Conditional> {
    let sizes = |set: &Observables| Some(set.column(Observable::Electrons)?.by_avalanche(set.avalanches));
    let name = Observable::Electrons.name().to_string();
    let condition = Condition { name, real: sizes(real)?, generated: sizes(generated)? };
    by_condition(&condition, real, generated, resampling)
}

/// The comparison in bins of any condition. Avalanches whose value is NaN are left out. None if there are too
/// few avalanches.
pub(crate) fn by_condition(
    condition: &Condition,
    real: &Observables,
    generated: &Observables,
    resampling: &Resampling,
) -> Option<Conditional> {
    let edges = edges(&condition.real)?;
    // Every bin needs distances of 20 observables; fewer halvings and resamples keep the time of all bins at
    // about that of the whole set.
    let few = Resampling {
        halvings: resampling.halvings.min(10),
        resamples: resampling.resamples.min(50),
        ..*resampling
    };
    let last = edges.len() - 2;
    let bins = (0..=last).into_par_iter().map(|bin| {
        let (low, high) = (edges[bin], edges[bin + 1]);
        let inside = |v: f64| v >= low && (v < high || (bin == last && v <= high));
        let [a, b] = [&condition.real, &condition.generated]
            .map(|values| values.iter().map(|&v| inside(v)).collect::<Vec<bool>>());
        let count = |inside: &[bool]| inside.iter().filter(|inside| **inside).count();
        ConditionBin {
            low,
            high,
            avalanches: [count(&a), count(&b)],
            empty_fractions: [empty(real, &a), empty(generated, &b)],
            w1_over_sigma: distances(real, generated, [&a, &b], &condition.name, &few, bin as u64),
        }
    });
    Some(Conditional { condition: condition.name.clone(), bins: bins.collect() })
}

/// The quantiles of the real values, without repetition; none if there are too few values or all are equal.
fn edges(real: &[f64]) -> Option<Vec<f64>> {
    let mut values: Vec<f64> = real.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    if values.len() < BINS * MINIMUM_AVALANCHES {
        return None;
    }
    let mut edges: Vec<f64> = (0..=BINS).map(|k| values[(values.len() - 1) * k / BINS]).collect();
    edges.dedup();
    (edges.len() > 1).then_some(edges)
}

fn empty(set: &Observables, inside: &[bool]) -> f64 {
    let Some(column) = set.column(Observable::Empty) else { return 0.0 };
    let of_bin = column.avalanches.iter().zip(&column.values).filter(|(k, _)| inside[**k as usize]);
    let (sum, n) = of_bin.fold((0.0, 0.0), |(sum, n), (_, value)| (sum + value, n + 1.0));
    if n > 0.0 { sum / n } else { 0.0 }
}

fn distances(
    real: &Observables,
    generated: &Observables,
    inside: [&[bool]; 2],
    condition: &str,
    resampling: &Resampling,
    bin: u64,
) -> BTreeMap<String, Distance> {
    let values = |set: &Observables, observable, inside: &[bool]| -> Option<Vec<f64>> {
        let column = set.column(observable)?;
        let of_bin = column.avalanches.iter().zip(&column.values).filter(|(k, _)| inside[**k as usize]);
        Some(of_bin.map(|(_, &value)| value).collect())
    };
    let wanted = Observable::ALL.into_iter().filter(|&o| o != Observable::Empty && o.name() != condition);
    wanted
        .filter_map(|observable| {
            let (a, b) = (values(real, observable, inside[0])?, values(generated, observable, inside[1])?);
            if a.len().min(b.len()) < MINIMUM_AVALANCHES {
                return None;
            }
            // Random streams of their own; other comparisons use the numbers below 10,000.
            let number = 10_000 * (bin + 1) + observable.index() as u64;
            let distance = resampling.distances(&a, &b, &Binning::of(&a, &b), number).w1_over_sigma?;
            Some((observable.name().to_string(), distance))
        })
        .collect()
}

#[cfg(test)]
mod tests;
