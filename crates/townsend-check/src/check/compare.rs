//! Comparing the numbers of avalanches, one by one.

use std::collections::BTreeMap;

use rayon::prelude::*;
use townsend_core::Progress;

use crate::quantity::Quantity;
use crate::report::{Comparison, SampleSummary};
use crate::{Binning, Column, Distribution, MINIMUM_AVALANCHES, Observable, Observables, Resampling, Sample};

/// What an overlay is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Observables,
    Lumpiness,
    Strips,
}

/// The histograms of one number: those that its separation power is computed from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overlay {
    pub(crate) group: Group,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) definition: String,
    pub(crate) binning: Binning,
    /// Entries a bin, flow bins first and last.
    pub(crate) real: Vec<u64>,
    pub(crate) generated: Vec<u64>,
}

impl Overlay {
    /// The histograms of a number that stands by itself.
    pub(crate) fn of(distribution: &Distribution) -> Self {
        let Distribution { name, unit, real, generated } = distribution;
        let mut binning = Binning::of(real, generated);
        let whole = |values: &[f64]| values.iter().all(|value| value.fract() == 0.0);
        if whole(real) && whole(generated) && binning.width().fract() != 0.0 {
            // As many whole numbers in each bin, or numbers of one kind look like a comb.
            let (low, width) = (binning.low - 0.5, binning.width().ceil());
            let bins = ((binning.high + 0.5 - low) / width).ceil();
            binning = Binning { low, high: low + bins * width, bins: bins as usize };
        }
        Self {
            group: Group::Observables,
            name: name.clone(),
            unit: unit.clone(),
            definition: String::new(),
            real: Sample::new(real, &binning).histogram(),
            generated: Sample::new(generated, &binning).histogram(),
            binning,
        }
    }

    /// Name and unit, as axes have them.
    pub(crate) fn title(&self) -> String {
        if self.unit.is_empty() { self.name.clone() } else { format!("{} [{}]", self.name, self.unit) }
    }
}

/// Every observable that both sets have, with its histograms.
pub(super) fn compare(
    real: &Observables,
    generated: &Observables,
    resampling: &Resampling,
    progress: &dyn Progress,
    warnings: &mut Vec<String>,
) -> (BTreeMap<String, Comparison>, Vec<Overlay>) {
    let pairs: Vec<(&Column, &Column)> =
        real.columns().iter().filter_map(|c| Some((c, generated.column(c.observable)?))).collect();
    let (enough, few): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(a, b)| a.values.len().min(b.values.len()) >= MINIMUM_AVALANCHES);
    for (column, _) in few {
        let name = column.observable.name();
        warnings.push(format!("no {name}: fewer than {MINIMUM_AVALANCHES} avalanches of a set have it"));
    }
    let task = progress.task("distances", enough.len() as u64);
    let found: Vec<(Comparison, Overlay)> = enough
        .into_par_iter()
        .map(|(a, b)| {
            let compared = compare_columns(a, b, resampling);
            task.advance(1);
            compared
        })
        .collect();
    for (comparison, overlay) in &found {
        if comparison.w1_over_sigma.is_none() {
            let name = &overlay.name;
            warnings.push(format!("no W1/σ of {name}: all real values are {}", comparison.real.mean));
        }
    }
    let (comparisons, overlays): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let names = overlays.iter().map(|overlay: &Overlay| overlay.name.clone());
    (names.zip(comparisons).collect(), overlays)
}

fn compare_columns(real: &Column, generated: &Column, resampling: &Resampling) -> (Comparison, Overlay) {
    let quantity = |column: &Column| Quantity {
        name: column.observable.name().to_string(),
        unit: column.unit.clone(),
        definition: column.observable.definition().to_string(),
        values: column.values.clone(),
        left_out: column.left_out,
    };
    let number = real.observable.index() as u64;
    let (mut comparison, overlay) =
        compare_one(Group::Observables, &quantity(real), &quantity(generated), resampling, number);
    if real.observable == Observable::Empty {
        // Of values that are 0 or 1 the asymptotic probability means nothing; the report has the binomial error.
        comparison.ks.p_value = None;
    }
    (comparison, overlay)
}

/// Every quantity that both sets have for enough avalanches, with its histograms.
pub(super) fn compare_quantities(
    group: Group,
    [real, generated]: [Vec<Quantity>; 2],
    resampling: &Resampling,
    overlays: &mut Vec<Overlay>,
) -> BTreeMap<String, Comparison> {
    let enough = |(a, b): &(&Quantity, &Quantity)| a.values.len().min(b.values.len()) >= MINIMUM_AVALANCHES;
    let pairs: Vec<_> = real.iter().zip(&generated).filter(enough).enumerate().collect();
    let found: Vec<(Comparison, Overlay)> = pairs
        .into_par_iter()
        .map(|(k, (a, b))| compare_one(group, a, b, resampling, 100 * (1 + group as u64) + k as u64))
        .collect();
    let mut comparisons = BTreeMap::new();
    for (comparison, overlay) in found {
        comparisons.insert(overlay.name.clone(), comparison);
        overlays.push(overlay);
    }
    comparisons
}

/// Both sets of one number; `number` is that of its random streams.
fn compare_one(
    group: Group,
    real: &Quantity,
    generated: &Quantity,
    resampling: &Resampling,
    number: u64,
) -> (Comparison, Overlay) {
    let binning = Binning::of(&real.values, &generated.values);
    let distances = resampling.distances(&real.values, &generated.values, &binning, number);
    let summary = |quantity: &Quantity| SampleSummary {
        mean: quantity.mean(),
        std: quantity.std(),
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
    let overlay = Overlay {
        group,
        name: real.name.clone(),
        unit: real.unit.clone(),
        definition: real.definition.clone(),
        binning,
        real: Sample::new(&real.values, &binning).histogram(),
        generated: Sample::new(&generated.values, &binning).histogram(),
    };
    (comparison, overlay)
}
