//! The comparison of two sets observable by observable: distances, and the histograms that figures show.

use std::collections::BTreeMap;

use rayon::prelude::*;
use townsend_core::Progress;

use crate::MINIMUM_AVALANCHES;
use crate::report::{Comparison, SampleSummary};
use townsend_observables::Quantity;
use townsend_observables::statistics::{mean, standard_deviation};
use townsend_observables::{Binning, Column, Observable, Observables, Resampling, Sample};

/// The group of quantities that a comparison belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberGroup {
    /// An observable of avalanches.
    Observables,
    /// Lumpiness in cells of one size.
    Lumpiness,
    /// A quantity of the strip hits.
    Strips,
}

/// The histograms of one quantity in both sets, from which its separation power is computed.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPair {
    /// The group of the quantity.
    pub group: NumberGroup,
    /// Its name in the report.
    pub name: String,
    /// Its unit; empty for pure numbers.
    pub unit: String,
    /// Its definition, in a line.
    pub definition: String,
    /// The bins of both histograms.
    pub binning: Binning,
    /// Real avalanches in each bin; the first and the last entry are the flow bins.
    pub real: Vec<u64>,
    /// Generated avalanches in each bin, in the same order.
    pub generated: Vec<u64>,
}

impl HistogramPair {
    /// What an axis is labelled with: name and unit.
    pub fn title(&self) -> String {
        // Lumpiness is named by the size of the cells, which alone is no name of an axis.
        let name = match self.group {
            NumberGroup::Lumpiness => format!("lumpiness in cells of {}", self.name),
            NumberGroup::Observables | NumberGroup::Strips => self.name.clone(),
        };
        if self.unit.is_empty() { name } else { format!("{name} [{}]", self.unit) }
    }
}

/// Compares every observable that both sets have for enough avalanches.
pub(super) fn compare(
    real: &Observables,
    generated: &Observables,
    resampling: &Resampling,
    progress: &dyn Progress,
    warnings: &mut Vec<String>,
) -> (BTreeMap<String, Comparison>, Vec<HistogramPair>) {
    let pairs: Vec<(&Column, &Column)> =
        real.columns().iter().filter_map(|c| Some((c, generated.column(c.observable)?))).collect();
    let (enough, few): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(a, b)| a.values.len().min(b.values.len()) >= MINIMUM_AVALANCHES);
    for (column, _) in few {
        let name = column.observable.name();
        warnings.push(format!("no {name}: fewer than {MINIMUM_AVALANCHES} avalanches of a set have it"));
    }
    let task = progress.task("distances", enough.len() as u64);
    let found: Vec<(Comparison, HistogramPair)> = enough
        .into_par_iter()
        .map(|(a, b)| {
            let compared = compare_columns(a, b, resampling);
            task.advance(1);
            compared
        })
        .collect();
    for (comparison, histogram) in &found {
        if comparison.w1_over_sigma.is_none() {
            let name = &histogram.name;
            warnings.push(format!("no W1/σ of {name}: all real values are {}", comparison.real.mean));
        }
    }
    let (comparisons, histograms): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let names = histograms.iter().map(|histogram: &HistogramPair| histogram.name.clone());
    (names.zip(comparisons).collect(), histograms)
}

fn compare_columns(
    real: &Column,
    generated: &Column,
    resampling: &Resampling,
) -> (Comparison, HistogramPair) {
    let quantity = |column: &Column| Quantity {
        name: column.observable.name().to_string(),
        unit: column.unit.clone(),
        definition: column.observable.definition().to_string(),
        values: column.values.clone(),
        left_out: column.left_out,
    };
    let number = real.observable.index() as u64;
    let (mut comparison, histogram) =
        compare_one(NumberGroup::Observables, &quantity(real), &quantity(generated), resampling, number);
    if real.observable == Observable::Empty {
        // The asymptotic p-value does not hold for values that are only 0 or 1; the report has the binomial
        // error.
        comparison.ks.p_value = None;
    }
    (comparison, histogram)
}

/// Compares every quantity that both sets have for enough avalanches, and appends its histograms.
pub(super) fn compare_quantities(
    group: NumberGroup,
    [real, generated]: [Vec<Quantity>; 2],
    resampling: &Resampling,
    histograms: &mut Vec<HistogramPair>,
) -> BTreeMap<String, Comparison> {
    let enough = |(a, b): &(&Quantity, &Quantity)| a.values.len().min(b.values.len()) >= MINIMUM_AVALANCHES;
    let pairs: Vec<_> = real.iter().zip(&generated).filter(enough).enumerate().collect();
    let found: Vec<(Comparison, HistogramPair)> = pairs
        .into_par_iter()
        .map(|(k, (a, b))| compare_one(group, a, b, resampling, 100 * (1 + group as u64) + k as u64))
        .collect();
    let mut comparisons = BTreeMap::new();
    for (comparison, histogram) in found {
        comparisons.insert(histogram.name.clone(), comparison);
        histograms.push(histogram);
    }
    comparisons
}

/// Compares one quantity of both sets; `number` selects its random streams.
fn compare_one(
    group: NumberGroup,
    real: &Quantity,
    generated: &Quantity,
    resampling: &Resampling,
    number: u64,
) -> (Comparison, HistogramPair) {
    let binning = Binning::of(&real.values, &generated.values);
    let distances = resampling.distances(&real.values, &generated.values, &binning, number);
    let summary = |quantity: &Quantity| SampleSummary {
        mean: mean(&quantity.values),
        std: standard_deviation(&quantity.values),
        avalanches: quantity.values.len(),
        left_out: quantity.left_out,
    };
    let comparison = Comparison {
        unit: real.unit.clone(),
        real: summary(real),
        generated: summary(generated),
        w1_over_sigma: distances.w1_over_sigma,
        ks: distances.ks,
        separation_power: distances.separation_power,
    };
    let histogram = HistogramPair {
        group,
        name: real.name.clone(),
        unit: real.unit.clone(),
        definition: real.definition.clone(),
        binning,
        real: Sample::new(&real.values, &binning).histogram(),
        generated: Sample::new(&generated.values, &binning).histogram(),
    };
    (comparison, histogram)
}
