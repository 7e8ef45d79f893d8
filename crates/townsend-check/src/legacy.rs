//! The observables of the first generative models of avalanches (2021), only for the comparison with what was
//! published then. See `data/README.md` for the origin of the numbers.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::{Axis, CountSet, Dataset, ElectronSet, Grid};

use crate::MINIMUM_AVALANCHES;
use townsend_observables::{Binning, Distance, Resampling};

const RESULTS: &str = include_str!("../data/reference_results.csv");
const MICROSCOPIC: &str = include_str!("../data/microscopic_observables.csv");
/// Bins along each axis of the histograms that these observables were defined for.
const BINS: u32 = 90;
/// First number of the random streams of these comparisons, beyond those of the observables.
const FIRST_STREAM: u64 = 1_000;

/// A published observable: its published name, the axis of ours that corresponds, and the bins of the
/// published figure.
struct Definition {
    name: &'static str,
    axis: Option<usize>,
    low: f64,
    high: f64,
    bins: usize,
}

/// The published `x` is the drift direction, `z` and `t` are transverse (the axes were exchanged when the
/// array was flattened): our x is their `z`, our z their `t`, and our t their `x`. Their `*_std` is not a
/// standard deviation; it is called the legacy width here.
const DEFINITIONS: [Definition; 7] = [
    Definition { name: "sum", axis: None, low: 0.0, high: 40_000.0, bins: 300 },
    Definition { name: "z_mean", axis: Some(0), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "z_std", axis: Some(0), low: 0.0, high: 1.0, bins: 100 },
    Definition { name: "t_mean", axis: Some(1), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "t_std", axis: Some(1), low: 0.0, high: 1.0, bins: 100 },
    Definition { name: "x_mean", axis: Some(2), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "x_std", axis: Some(2), low: 0.0, high: 1.0, bins: 100 },
];

/// The comparison of one published observable in two sets, beside the best published run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legacy {
    /// The axis of the data (`x`, `z` or `t`) that it is computed along; none for `sum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub our_axis: Option<String>,
    /// Bins of the published figure: lower end, upper end, number of bins.
    pub binning: (f64, f64, usize),
    /// Number of real avalanches with electrons on the grid, and of those whose value lies within the bins.
    pub real: InRange,
    /// The same numbers of the generated set.
    pub generated: InRange,
    /// Wasserstein-1 distance of the histograms over the real standard deviation; none if too few values are
    /// within the bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w1_over_sigma: Option<Distance>,
    /// Largest distance of the cumulative histograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks: Option<Distance>,
    /// Separation power in these bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation_power: Option<Distance>,
    /// The published run with the smallest W1/σ; it reconstructed other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceResult>,
}

/// Number of values that a histogram contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InRange {
    /// Values within the bins.
    pub in_range: usize,
    /// All values.
    pub of: usize,
}

/// A published result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceResult {
    /// Name of the run.
    pub run: String,
    /// Wasserstein-1 over the real standard deviation.
    pub w1_over_sigma: f64,
    /// Kolmogorov-Smirnov distance.
    pub ks: f64,
    /// Separation power.
    pub separation_power: f64,
    /// Number of avalanches within the bins, of 5,000 produced, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced_in_range: Option<u32>,
}

/// All published observables along the axes of the grid, which must have 90 bins along each axis and 3 mm
/// along x and z. An error says why there are none.
pub(crate) fn legacy(
    real: &Dataset,
    generated: &Dataset,
    grid: &Grid,
    resampling: &Resampling,
) -> Result<BTreeMap<String, Legacy>, String> {
    let refused = |why: String| format!("the legacy observables are left out: {why}");
    let (real, generated) = (
        legacy_values(real.into(), grid).map_err(refused)?,
        legacy_values(generated.into(), grid).map_err(refused)?,
    );
    Ok(DEFINITIONS
        .iter()
        .zip(FIRST_STREAM..)
        .filter_map(|(d, number)| {
            let (real, generated) = (real.get(d.name)?, generated.get(d.name)?);
            Some((d.name.to_string(), d.compare(real, generated, resampling, number)))
        })
        .collect())
}

/// The published observables of every avalanche with electrons on the grid, by name, along the axes of the
/// grid. An error says what is wrong with the grid: it must have 90 equal bins along each axis, and 3 mm in
/// all along x and z.
fn legacy_values(data: Source<'_>, grid: &Grid) -> Result<BTreeMap<&'static str, Vec<f64>>, String> {
    let axes = grid.axes();
    let fits = |(d, axis): (usize, &Axis)| {
        let wide = (axis.high() - axis.low() - 3.0).abs() < 1e-6;
        axis.bins() == BINS && axis.edges().is_none() && (wide || d == 2)
    };
    if !axes.iter().enumerate().all(fits) {
        return Err(format!("they need {BINS} bins an axis, 3 mm in all along x and z, not {grid}"));
    }
    let values = DEFINITIONS
        .iter()
        .zip(values(data, grid))
        .filter(|(d, _)| d.axis.is_none_or(|axis| axis < axes.len()));
    Ok(values.map(|(definition, values)| (definition.name, values)).collect())
}

/// The published observables of electrons, by name, along axes as they were published, 3 units long. The
/// middle of each axis is at `means_mm_ns`, the mean of all electrons in x (mm), z (mm) and t (ns); a unit is
/// 1 mm along x and z, and `unit_per_ns` is the length of a nanosecond along the longitudinal axis.
///
/// # Errors
/// If these numbers make no axis; the text says why.
pub fn legacy_values_about(
    set: &ElectronSet,
    means_mm_ns: [f64; 3],
    unit_per_ns: f64,
) -> Result<BTreeMap<&'static str, Vec<f64>>, String> {
    let half = [1.5, 1.5, 1.5 / unit_per_ns];
    let axes = (0..3).map(|k| Axis::uniform(BINS, means_mm_ns[k] - half[k], means_mm_ns[k] + half[k]));
    let axes = axes.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    let grid = Grid::new(axes).map_err(|error| error.to_string())?;
    legacy_values(Source::Electrons(set), &grid)
}

/// The published histogram of one observable of the microscopic simulation (2021): 5,000 primary electrons,
/// 4,301 of which produced an avalanche.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The observable's name.
    pub name: &'static str,
    /// The histogram's bins.
    pub binning: Binning,
    /// Number of avalanches in each bin.
    pub avalanches: Vec<u32>,
}

impl Published {
    /// Fraction of the primary electrons without an avalanche.
    pub const EMPTY: f64 = 699.0 / 5_000.0;
    /// Mean number of electrons of an avalanche.
    pub const MEAN_SIZE: f64 = 5_956.0;
    /// Variance of that number over the square of its mean.
    pub const RELATIVE_VARIANCE: f64 = 0.738;

    /// The histograms of all seven observables.
    pub fn all() -> Vec<Self> {
        let of = |definition: &Definition| {
            let rows = MICROSCOPIC
                .lines()
                .filter_map(|line| line.split_once(',').filter(|(n, _)| *n == definition.name));
            Self {
                name: definition.name,
                binning: definition.binning(),
                avalanches: rows.filter_map(|(_, row)| row.rsplit(',').next()?.parse().ok()).collect(),
            }
        };
        DEFINITIONS.iter().map(of).collect()
    }

    /// The cumulative distributions of the published histogram and of `values`, at the upper edge of each
    /// bin. Values outside the bins count as below or above.
    pub fn cumulative(&self, values: &[f64]) -> Vec<(f64, f64)> {
        let mut counts = vec![0u32; self.binning.bins + 2];
        for &value in values {
            counts[self.binning.bin(value)] += 1;
        }
        let total = f64::from(self.avalanches.iter().sum::<u32>());
        let (mut published, mut sum) = (0.0, f64::from(counts[0]));
        let bins = self.avalanches.iter().zip(&counts[1..]);
        bins.map(|(&avalanches, &count)| {
            published += f64::from(avalanches);
            sum += f64::from(count);
            (published / total, sum / values.len() as f64)
        })
        .collect()
    }

    /// Largest difference of the two cumulative distributions at the edges of the bins.
    pub fn kolmogorov_smirnov(&self, values: &[f64]) -> f64 {
        self.cumulative(values).into_iter().map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    }
}

impl Definition {
    fn binning(&self) -> Binning {
        Binning { low: self.low, high: self.high, bins: self.bins }
    }

    fn compare(&self, real: &[f64], generated: &[f64], resampling: &Resampling, number: u64) -> Legacy {
        let binning = self.binning();
        let (real_binned, generated_binned) = (snap(real, &binning), snap(generated, &binning));
        let enough = real_binned.len().min(generated_binned.len()) >= MINIMUM_AVALANCHES;
        let distances =
            enough.then(|| resampling.distances(&real_binned, &generated_binned, &binning, number));
        Legacy {
            our_axis: self.axis.map(|axis| ["x", "z", "t"][axis].to_string()),
            binning: (self.low, self.high, self.bins),
            real: InRange { in_range: real_binned.len(), of: real.len() },
            generated: InRange { in_range: generated_binned.len(), of: generated.len() },
            w1_over_sigma: distances.and_then(|d| d.w1_over_sigma),
            ks: distances.map(|d| d.ks),
            separation_power: distances.map(|d| d.separation_power),
            reference: best_published(self.name),
        }
    }
}

/// The values within the bins, each moved to the centre of its bin: their distance is that of the histograms.
fn snap(values: &[f64], binning: &Binning) -> Vec<f64> {
    let bins = values.iter().map(|&value| binning.bin(value)).filter(|bin| (1..=binning.bins).contains(bin));
    bins.map(|bin| binning.low + (bin as f64 - 0.5) * binning.width()).collect()
}

/// Avalanches as electrons or as counts.
#[derive(Clone, Copy)]
enum Source<'a> {
    Electrons(&'a ElectronSet),
    Counts(&'a CountSet),
}

impl<'a> From<&'a Dataset> for Source<'a> {
    fn from(data: &'a Dataset) -> Self {
        match data {
            Dataset::Electrons(set) => Self::Electrons(set),
            Dataset::Counts(set) => Self::Counts(set),
        }
    }
}

type Projection = [u64; BINS as usize];

/// Numbers of electrons along each axis of the grid, without those that are in a flow bin of any axis.
fn projections(data: Source<'_>, grid: &Grid, index: usize) -> Vec<Projection> {
    let mut projections = vec![[0; BINS as usize]; grid.dims()];
    let mut add = |cell: u32, count: u32| {
        if !grid.is_flow(cell) {
            for (projection, bin) in projections.iter_mut().zip(grid.split(cell)) {
                projection[bin as usize - 1] += u64::from(count);
            }
        }
    };
    match data {
        Source::Electrons(set) => {
            let a = set.get(index);
            (0..a.len()).for_each(|i| add(grid.cell([a.x[i], a.z[i], a.t[i]].map(f64::from)), 1));
        }
        Source::Counts(set) => {
            set.get(index).occupied().for_each(|(cell, count)| add(cell, count));
        }
    }
    projections
}

/// The values of every definition, for the avalanches with electrons on the grid.
fn values(data: Source<'_>, grid: &Grid) -> Vec<Vec<f64>> {
    let len = match data {
        Source::Electrons(set) => set.len(),
        Source::Counts(set) => set.len(),
    };
    let of_avalanche = |index: usize| {
        let projections = projections(data, grid, index);
        let filled = projections[0].iter().any(|&count| count > 0);
        filled.then(|| DEFINITIONS.each_ref().map(|definition| definition.value(&projections)))
    };
    let rows: Vec<_> = (0..len).into_par_iter().filter_map(of_avalanche).collect();
    (0..DEFINITIONS.len()).map(|k| rows.iter().filter_map(|row| row[k]).collect()).collect()
}

impl Definition {
    /// The published definition. With the counts `c` of bin i, `w = 0.5 + (i − 1)/30` and `S = Σ c`: `sum` is
    /// `S`, `*_mean` is `Σ c·w / S`, and `*_std` is `√(Σ (c·w − mean)²) / S`, which behaves as `2√Σ(c/S)²`.
    fn value(&self, projections: &[Projection]) -> Option<f64> {
        let sum = projections[0].iter().sum::<u64>() as f64;
        let Some(axis) = self.axis else { return Some(sum) };
        let products =
            projections.get(axis)?.iter().enumerate().map(|(i, &c)| c as f64 * (0.5 + i as f64 / 30.0));
        let mean = products.clone().sum::<f64>() / sum;
        if self.name.ends_with("_mean") {
            return Some(mean);
        }
        Some(products.map(|product| (product - mean).powi(2)).sum::<f64>().sqrt() / sum)
    }
}

/// The published run with the smallest W1/σ.
fn best_published(observable: &str) -> Option<ReferenceResult> {
    let runs = RESULTS.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [run, name, w1, ks, separation, produced, _] = fields[..] else { return None };
        (name == observable).then_some(())?;
        Some(ReferenceResult {
            run: run.to_string(),
            w1_over_sigma: w1.parse().ok()?,
            ks: ks.parse().ok()?,
            separation_power: separation.parse().ok()?,
            produced_in_range: produced.parse().ok(),
        })
    });
    runs.min_by(|a, b| a.w1_over_sigma.total_cmp(&b.w1_over_sigma))
}

#[cfg(test)]
mod tests;
