//! The observables of the first generative models of avalanches (2021), kept apart and only to lay a result beside
//! what was published then. See `data/README.md` for the origin of the figures.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::{Axis, CountSet, Dataset, ElectronSet, Grid};

use crate::{Binning, Distance, MINIMUM_AVALANCHES, Resampling};

const RESULTS: &str = include_str!("../data/reference_results.csv");
const MICROSCOPIC: &str = include_str!("../data/microscopic_observables.csv");
/// Bins along each axis of the histograms that these observables were defined on.
const BINS: u32 = 90;
/// Numbers the random streams of these comparisons apart from those of the observables.
const FIRST_STREAM: u64 = 1_000;

/// A legacy observable: its name there, our axis that plays its part, and the bins of the published figure.
struct Definition {
    name: &'static str,
    axis: Option<usize>,
    low: f64,
    high: f64,
    bins: usize,
}

/// The published `x` is the drift direction, `z` and `t` are transverse (the axes were exchanged when the array was
/// flattened), so our x is their `z`, our z their `t`, and our t their `x`. `*_std` is what is here called the
/// legacy width, which is not a standard deviation.
const DEFINITIONS: [Definition; 7] = [
    Definition { name: "sum", axis: None, low: 0.0, high: 40_000.0, bins: 300 },
    Definition { name: "z_mean", axis: Some(0), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "z_std", axis: Some(0), low: 0.0, high: 1.0, bins: 100 },
    Definition { name: "t_mean", axis: Some(1), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "t_std", axis: Some(1), low: 0.0, high: 1.0, bins: 100 },
    Definition { name: "x_mean", axis: Some(2), low: 1.0, high: 3.0, bins: 400 },
    Definition { name: "x_std", axis: Some(2), low: 0.0, high: 1.0, bins: 100 },
];

/// One legacy observable of two sets, beside the best published run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legacy {
    /// The axis of the data compared here (`x`, `z` or `t`) that plays the part; none for `sum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub our_axis: Option<String>,
    /// Bins of the published figure: lower end, upper end, number.
    pub binning: (f64, f64, usize),
    /// Real avalanches with electrons on the grid, and how many of them lie within the bins.
    pub real: InRange,
    /// The same of the generated ones.
    pub generated: InRange,
    /// Wasserstein-1 of the histograms over the real standard deviation; none if too few are in range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub w1_over_sigma: Option<Distance>,
    /// Largest distance of the cumulative histograms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ks: Option<Distance>,
    /// Separation power in these bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separation_power: Option<Distance>,
    /// The published run that was nearest in W1/σ: reconstructions of other data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ReferenceResult>,
}

/// How many values a histogram holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InRange {
    /// Within the bins.
    pub in_range: usize,
    /// In all.
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
    /// Avalanches of 5,000 produced that lie within the bins, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced_in_range: Option<u32>,
}

/// All legacy observables that the grid allows: those of its axes, if each has 90 bins and the transverse ones are 3
/// wide. Returns why not, otherwise.
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

/// The legacy observables of every avalanche that has electrons on the grid, by name: those of the grid's axes. An error
/// says what is wrong with the grid: it must have 90 equal bins an axis, 3 mm in all along x and z.
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

/// The legacy observables of electrons, by name, on axes as they were published: the middle of each is at `means_mm_ns`, the
/// mean of all electrons in x, z and t, and a nanosecond takes `unit_per_ns` of the longitudinal axis, 3 units in all. An
/// error says what is wrong with these numbers.
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

/// The published histogram of a legacy observable of the microscopic simulation (2021): 5,000 primary electrons, 4,301 of
/// which gave an avalanche.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The observable's name.
    pub name: &'static str,
    /// The histogram's bins.
    pub binning: Binning,
    /// Avalanches in each.
    pub avalanches: Vec<u32>,
}

impl Published {
    /// Fraction of the primary electrons that gave nothing.
    pub const EMPTY: f64 = 699.0 / 5_000.0;
    /// Mean number of electrons of the others.
    pub const MEAN_SIZE: f64 = 5_956.0;
    /// Variance of that number over the square of its mean.
    pub const RELATIVE_VARIANCE: f64 = 0.738;

    /// All seven.
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

    /// The published distribution and that of `values`, cumulated up to the upper edge of each bin. Values outside the
    /// bins count as below or above.
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

    /// Largest distance of the two cumulative distributions at the edges of the bins.
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

/// The values within the bins, each at the centre of its bin: a distance of these is the distance of the histograms.
fn snap(values: &[f64], binning: &Binning) -> Vec<f64> {
    let bins = values.iter().map(|&value| binning.bin(value)).filter(|bin| (1..=binning.bins).contains(bin));
    bins.map(|bin| binning.low + (bin as f64 - 0.5) * binning.width()).collect()
}

/// Avalanches in either form.
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

/// Electrons along each axis of the grid, without those in flow bins of any axis.
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
            let counts = set.get(index);
            counts.cells.iter().zip(counts.counts).for_each(|(&cell, &count)| add(cell, count));
        }
    }
    projections
}

/// The values of every definition, of the avalanches that have electrons on the grid.
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
    /// With the counts `c` of a bin, `w = 0.5 + (i − 1)/30` of bin i and `S = Σ c`: `sum` is `S`, `*_mean` is
    /// `Σ c·w / S` and `*_std` is `√(Σ (c·w − mean)²) / S`, which behaves as `2√Σ(c/S)²`.
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

/// The published run nearest in W1/σ.
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
mod tests {
    use super::*;

    fn set(avalanches: &[&[(u32, u32, u32)]]) -> CountSet {
        let grid = Grid::standard(2).unwrap();
        let mut set = CountSet::new(grid.clone());
        for avalanche in avalanches {
            set.push(avalanche.iter().map(|&(x, z, n)| (grid.join([x, z, 0]), n)));
        }
        set
    }

    fn of_counts(set: &CountSet) -> Vec<Vec<f64>> {
        values(Source::Counts(set), set.grid())
    }

    #[test]
    fn the_definitions_by_hand() {
        // x: 3 electrons in bin 31 (w = 1.5), 1 in bin 46 (w = 2); z: all four in bin 1 (w = 0.5).
        let values = of_counts(&set(&[&[(31, 1, 3), (46, 1, 1)], &[]]));
        let value = |name| {
            let k = DEFINITIONS.iter().position(|d| d.name == name).unwrap();
            assert!(values[k].len() == 1, "an empty avalanche has none");
            values[k][0]
        };
        assert_eq!(value("sum"), 4.0);
        assert_eq!(value("z_mean"), (4.5 + 2.0) / 4.0);
        let mean = 1.625f64;
        let squares = (4.5 - mean).powi(2) + (2.0 - mean).powi(2) + 88.0 * mean * mean;
        assert!((value("z_std") - squares.sqrt() / 4.0).abs() < 1e-14);
        assert_eq!(value("t_mean"), 0.5);
    }

    /// About the centre (w = 2) the width behaves as 2√Σp² = 2√(h / 2√π σ): 0.330 for σ = 0.345 mm in bins of h = 1/30 mm
    /// (0.326 was published for about this σ).
    #[test]
    fn the_width_of_a_gaussian_is_an_inverse_participation_ratio() {
        let density = |i: u32| (-0.5 * ((f64::from(i) - 45.5) / 30.0 / 0.345).powi(2)).exp();
        let cells: Vec<(u32, u32, u32)> = (1..=90).map(|i| (i, 1, (1e6 * density(i)) as u32 + 1)).collect();
        let values = of_counts(&set(&[&cells]));
        let expected = 2.0 * (1.0 / 30.0 / (2.0 * std::f64::consts::PI.sqrt() * 0.345)).sqrt();
        assert!((values[2][0] - expected).abs() < 0.01 * expected, "{}", values[2][0]);
    }

    #[test]
    fn every_definition_has_a_published_best() {
        for definition in &DEFINITIONS {
            assert!(best_published(definition.name).is_some(), "{}", definition.name);
        }
        let best = best_published("sum").unwrap();
        assert_eq!((best.run.as_str(), best.w1_over_sigma), ("vae_adversary_best", 0.596));
        assert_eq!(best.produced_in_range, Some(2_881));
    }

    /// The published histograms hold 4,301 avalanches each but for those few outside the figures, and are at no distance
    /// from themselves.
    #[test]
    fn the_published_histograms_are_whole() {
        for published in Published::all() {
            assert_eq!(published.avalanches.len(), published.binning.bins, "{}", published.name);
            assert!(
                (4_298..=4_301).contains(&published.avalanches.iter().sum::<u32>()),
                "{}",
                published.name
            );
            let centre = |bin: usize| published.binning.low + (bin as f64 + 0.5) * published.binning.width();
            let same: Vec<f64> = (0..published.binning.bins)
                .flat_map(|bin| std::iter::repeat_n(centre(bin), published.avalanches[bin] as usize))
                .collect();
            assert!(published.kolmogorov_smirnov(&same) < 1e-12);
            let shifted: Vec<f64> = same.iter().map(|_| published.binning.high + 1.0).collect();
            assert!((published.kolmogorov_smirnov(&shifted) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn other_bins_have_no_legacy() {
        let grid = Grid::new(vec![Axis::uniform(30, -1.5, 1.5).unwrap()]).unwrap();
        let other = CountSet::new(grid);
        let (grid, other) = (other.grid().clone(), Dataset::from(other));
        assert!(legacy(&other, &other, &grid, &Resampling::new(1)).unwrap_err().contains("need 90 bins"));
    }

    #[test]
    fn what_falls_outside_is_counted() {
        let avalanche: &[(u32, u32, u32)] = &[(45, 45, 50_000)];
        let small: &[(u32, u32, u32)] = &[(45, 45, 100)];
        let real = set(&[small; 12]);
        let generated = set(&[avalanche; 12]);
        let grid = real.grid().clone();
        let legacy = legacy(&real.into(), &generated.into(), &grid, &Resampling::new(1)).unwrap();
        assert_eq!(legacy["sum"].generated, InRange { in_range: 0, of: 12 });
        assert_eq!(legacy["sum"].ks, None);
        assert_eq!(legacy["z_mean"].ks.unwrap().value, 0.0);
        assert!(!legacy.contains_key("x_mean"));
    }
}
