//! Metrics of all observables together: the Fréchet and kernel physics distances, precision, recall, density
//! and coverage, correlations, classifiers, duplicates and memorisation. Each comes with its floor, the same
//! metric between halves of the real set.

mod classifier;
mod correlation;
mod frechet;
mod kernel;
mod memorisation;
mod neighbours;

use std::collections::BTreeMap;

use townsend_core::{Purpose, Stopped, Stream, Work, stream};

use crate::FeatureRows;
use crate::MINIMUM_AVALANCHES;
use crate::cells::{self, Cells};
use crate::score::Score;
use townsend_observables::random::{self, half};
use townsend_observables::{Observable, Observables};

pub use classifier::{
    ClassifierDetails, ClassifierTest, Importance, Learning, PointSet, RowClassifier, auc, classifier_auc,
    divergence, isotonic, point_set_auc,
};
pub use correlation::{Correlations, MatrixDistance, correlation_matrix};
pub use frechet::frechet_distance;
pub use kernel::kernel_distance;
pub use memorisation::{duplicates, nearer_to_training};
pub use neighbours::{Neighbours, neighbours};

use classifier::{ConvolutionalNetwork, Network, Trees};

/// Largest number of avalanches of a set, chosen at random, for classifiers and for the metrics whose time is
/// quadratic in it. Chosen, not fitted: an AUC of 0.5 then has an error of 0.006, and each metric takes
/// seconds.
pub(crate) const MOST_AVALANCHES: usize = 5_000;
/// Random halvings for a floor. Chosen, not fitted: each takes a quarter of the time of a metric quadratic in
/// the number of avalanches, so that the floor takes as long as the metric.
const HALVINGS: u32 = 4;
/// Fewest avalanches of a set for these metrics. Chosen, not fitted: the covariance of 21 observables over
/// half a set must have full rank.
const LEAST_AVALANCHES: usize = 100;

/// The metrics that could be computed, with a warning for those that could not.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    pub(crate) c2st: Option<ClassifierTest>,
    pub(crate) correlations: Option<Correlations>,
    pub(crate) fpd: Option<Score>,
    pub(crate) kpd: Option<Score>,
    pub(crate) precision: Option<Score>,
    pub(crate) recall: Option<Score>,
    pub(crate) density: Option<Score>,
    pub(crate) coverage: Option<Score>,
    pub(crate) duplicates: Option<Score>,
    pub(crate) memorisation: Option<Score>,
    pub(crate) warnings: Vec<String>,
}

/// The random streams of one metric, independent of what other metrics draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    seed: u64,
    purpose: Purpose,
}

impl Draws {
    pub(crate) fn new(seed: u64, purpose: Purpose) -> Self {
        Self { seed, purpose }
    }

    pub(crate) fn stream(&self, index: u64) -> Stream {
        stream(self.seed, self.purpose, index)
    }
}

/// The input of the metrics.
pub(crate) struct MetricInputs<'a> {
    pub(crate) real: &'a Observables,
    pub(crate) generated: &'a Observables,
    /// Observables of the avalanches that the generator was trained on, if they are known.
    pub(crate) training: Option<&'a Observables>,
    /// Cells of both sets, for the classifier on cells.
    pub(crate) cells: Option<&'a Cells>,
    /// Whether to train classifiers.
    pub(crate) classifiers: bool,
}

/// All metrics of the observables that both sets have, without `empty`. Only avalanches with all of these
/// observables count.
///
/// An error if the work was asked to stop.
pub(crate) fn scores(inputs: &MetricInputs<'_>, seed: u64, work: Work<'_>) -> Result<Scores, Stopped> {
    let used: Vec<Observable> = common(inputs.real, inputs.generated);
    let (Some(real), Some(generated)) = (inputs.real.rows(&used), inputs.generated.rows(&used)) else {
        return Ok(Scores::default());
    };
    if real.len().min(generated.len()) < LEAST_AVALANCHES {
        return Ok(Scores {
            warnings: vec![format!(
                "no classifier, correlations, FPD, KPD, precision, recall, density, coverage and duplicates: {} real \
                 and {} generated avalanches have all observables; {LEAST_AVALANCHES} are needed",
                real.len(),
                generated.len()
            )],
            ..Scores::default()
        });
    }
    let names: Vec<String> = used.iter().map(|observable| observable.name().to_string()).collect();
    let task = work.progress.task("metrics of all observables", 6);
    let correlations = correlation::correlations(&names, &real, &generated, seed);
    task.advance(1);
    let fpd = frechet::score(&real, &generated, seed);
    task.advance(1);
    let draws = Draws::new(seed, Purpose::new("few of many avalanches"));
    let (real, generated) = (some_of(&real, draws, 0), some_of(&generated, draws, 1));
    work.go_on()?;
    let kpd = kernel::score(&real, &generated, seed);
    task.advance(1);
    work.go_on()?;
    let [precision, recall, density, coverage] = neighbours::scores(&real, &generated, seed).map(Some);
    task.advance(1);
    work.go_on()?;
    let duplicates = memorisation::duplicates_score(&real, &generated, seed);
    let training = inputs.training.and_then(|training| training.rows(&used));
    let memorisation = training
        .filter(|rows| rows.len() >= LEAST_AVALANCHES)
        .map(|rows| memorisation::memorisation_score(&real, &some_of(&rows, draws, 2), &generated, seed));
    task.advance(1);
    let mut warnings = Vec::new();
    let c2st = inputs
        .classifiers
        .then(|| classifiers(&names, [&real, &generated], inputs.cells, seed, &mut warnings, work));
    // Classifiers that were stopped are missing without a reason.
    work.go_on()?;
    Ok(Scores {
        c2st: c2st.flatten(),
        correlations,
        fpd: Some(fpd),
        kpd: Some(kpd),
        precision,
        recall,
        density,
        coverage,
        duplicates: Some(duplicates),
        memorisation,
        warnings,
    })
}

/// The classifiers: trees and a network on the observables, a convolutional network on the cells, and trees
/// on summaries of the cells.
fn classifiers(
    names: &[String],
    [real, generated]: [&FeatureRows; 2],
    cells: Option<&Cells>,
    seed: u64,
    warnings: &mut Vec<String>,
    work: Work<'_>,
) -> Option<ClassifierTest> {
    let task = work.progress.task("classifiers", 4);
    let mut details = BTreeMap::new();
    let mut keep = |name: &str, found: Result<(Score, ClassifierDetails), String>| match found {
        Ok((score, of)) => {
            details.insert(name.to_string(), of);
            task.advance(1);
            Some(score)
        }
        Err(reason) => {
            warnings.push(format!("no classifier ({name}): {reason}"));
            None
        }
    };
    let what = "the observables";
    let auc = keep("trees", classifier::test_columns::<Trees>(what, names, [real, generated], seed, work))?;
    let auc_network = keep("network", classifier::test::<Network>(what, real, generated, seed, work));
    let auc_low_level = cells.and_then(|Cells { images: [real, generated], .. }| {
        keep("cells", classifier::test::<ConvolutionalNetwork>(cells::IMAGES, real, generated, seed, work))
    });
    let auc_cells_trees = cells.and_then(|Cells { summaries: [real, generated], .. }| {
        keep("cells_trees", classifier::test::<Trees>(cells::SUMMARIES, real, generated, seed, work))
    });
    Some(ClassifierTest { auc, auc_network, auc_low_level, auc_cells_trees, details })
}

/// FPD and KPD as in a report, for any rows of numbers (at least 10 in each set).
pub fn physics_distances(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> [Score; 2] {
    [frechet::score(real, generated, seed), kernel::score(real, generated, seed)]
}

/// The observables that both sets have for enough avalanches.
fn common(real: &Observables, generated: &Observables) -> Vec<Observable> {
    let has = |set: &Observables, observable| {
        set.column(observable).is_some_and(|column| column.values.len() >= MINIMUM_AVALANCHES)
    };
    let of_shape = Observable::ALL.into_iter().filter(|&o| o != Observable::Empty);
    of_shape.filter(|&o| has(real, o) && has(generated, o)).collect()
}

/// At most [`MOST_AVALANCHES`] rows, chosen at random.
fn some_of<R: Clone>(rows: &[R], draws: Draws, index: u64) -> Vec<R> {
    if rows.len() <= MOST_AVALANCHES {
        return rows.to_vec();
    }
    choose(rows, MOST_AVALANCHES, &mut draws.stream(index))
}

/// `wanted` different rows, chosen at random.
pub(crate) fn choose<R: Clone>(rows: &[R], wanted: usize, stream: &mut Stream) -> Vec<R> {
    random::some_of(rows.len(), wanted, stream).into_iter().map(|row| rows[row].clone()).collect()
}

/// Mean of a metric over random halvings of the real rows.
fn floor<const N: usize>(
    real: &FeatureRows,
    draws: Draws,
    metric: impl Fn(&FeatureRows, &FeatureRows, u64) -> [f64; N],
) -> [f64; N] {
    floor_of(HALVINGS, real, draws, metric)
}

/// Like [`floor`], with any number of halvings and for rows of any type.
fn floor_of<R: Clone, const N: usize>(
    halvings: u32,
    real: &[R],
    draws: Draws,
    metric: impl Fn(&Vec<R>, &Vec<R>, u64) -> [f64; N],
) -> [f64; N] {
    let mut sums = [0.0; N];
    for halving in 0..halvings {
        let first = half(real.len(), &mut draws.stream(u64::from(halving)));
        let part = |wanted: u32| {
            let of_half = real.iter().zip(&first).filter(|(_, half)| **half == wanted);
            of_half.map(|(row, _)| row.clone()).collect::<Vec<R>>()
        };
        let values = metric(&part(1), &part(0), u64::from(halving));
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value / f64::from(halvings);
        }
    }
    sums
}

/// Columns divided by the largest absolute real value, as in JetNet before FPD and KPD; columns of zeros stay
/// as they are.
fn by_largest(real: &FeatureRows, generated: &FeatureRows) -> (FeatureRows, FeatureRows) {
    let columns = real.first().map_or(0, Vec::len);
    let largest: Vec<f64> = (0..columns)
        .map(|c| real.iter().map(|row| row[c].abs()).fold(0.0, f64::max))
        .map(|largest| if largest == 0.0 { 1.0 } else { largest })
        .collect();
    let scaled = |rows: &FeatureRows| -> FeatureRows {
        rows.iter()
            .map(|row| row.iter().zip(&largest).map(|(value, scale)| value / scale).collect())
            .collect()
    };
    (scaled(real), scaled(generated))
}

/// AUC of the convolutional network alone, for tests.
#[cfg(test)]
pub(crate) fn convolutional_auc(
    real: &[cells::Image],
    generated: &[cells::Image],
    seed: u64,
) -> Result<f64, String> {
    classifier::auc_by::<ConvolutionalNetwork>(real, generated, seed)
}

#[cfg(test)]
mod tests;
