//! Metrics of all observables together: the Fréchet and kernel physics distances, precision, recall, density and
//! coverage, and a classifier. Each is judged by its floor, the same between halves of the real set.

mod classifier;
mod frechet;
mod kernel;
mod neighbours;

use townsend_core::{Progress, Purpose, Stream, stream};

use crate::distance::half;
use crate::random;
use crate::report::{ClassifierTest, Score};
use crate::{MINIMUM_AVALANCHES, Observable, Observables};

pub use classifier::{auc, classifier_auc};
pub use frechet::frechet_distance;
pub use kernel::kernel_distance;
pub use neighbours::{Neighbours, neighbours};

/// Avalanches of a set that the metrics quadratic in their number and the classifier look at.
const MOST_AVALANCHES: usize = 5_000;
/// Random halvings for a floor; each costs a quarter of the metric itself.
const HALVINGS: u32 = 4;
/// Least avalanches a set for these metrics: a covariance of 21 observables of half a set must have full rank.
const LEAST_AVALANCHES: usize = 100;

/// One row an avalanche, one column an observable.
pub type Rows = Vec<Vec<f64>>;

/// What could be computed, and why the rest could not.
#[derive(Debug, Default)]
pub(crate) struct Scores {
    pub(crate) c2st: Option<ClassifierTest>,
    pub(crate) fpd: Option<Score>,
    pub(crate) kpd: Option<Score>,
    pub(crate) precision: Option<Score>,
    pub(crate) recall: Option<Score>,
    pub(crate) density: Option<Score>,
    pub(crate) coverage: Option<Score>,
    pub(crate) warnings: Vec<String>,
}

/// Draws of one metric: the same numbers whatever the others drew.
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

/// All metrics of the observables that both sets have, `empty` aside; of the avalanches that have all of them.
pub(crate) fn scores(
    real: &Observables,
    generated: &Observables,
    seed: u64,
    progress: &dyn Progress,
) -> Scores {
    let used: Vec<Observable> = common(real, generated);
    let (Some(real), Some(generated)) = (real.rows(&used), generated.rows(&used)) else {
        return Scores::default();
    };
    if real.len().min(generated.len()) < LEAST_AVALANCHES {
        return Scores {
            warnings: vec![format!(
                "no classifier, FPD, KPD, precision, recall, density and coverage: {} real and {} generated \
                 avalanches have all observables; {LEAST_AVALANCHES} are needed",
                real.len(),
                generated.len()
            )],
            ..Scores::default()
        };
    }
    let task = progress.task("metrics of all observables", 4);
    let fpd = frechet::score(&real, &generated, seed);
    task.advance(1);
    let draws = Draws::new(seed, Purpose::new("few of many avalanches"));
    let (real, generated) = (some_of(&real, draws, 0), some_of(&generated, draws, 1));
    let kpd = kernel::score(&real, &generated, seed);
    task.advance(1);
    let [precision, recall, density, coverage] = neighbours::scores(&real, &generated, seed).map(Some);
    task.advance(1);
    let (c2st, warnings) = match classifier::score(&real, &generated, seed) {
        Ok(auc) => (Some(ClassifierTest { auc }), Vec::new()),
        Err(reason) => (None, vec![format!("no classifier: {reason}")]),
    };
    Scores { c2st, fpd: Some(fpd), kpd: Some(kpd), precision, recall, density, coverage, warnings }
}

/// The observables that both sets have for enough avalanches.
fn common(real: &Observables, generated: &Observables) -> Vec<Observable> {
    let has = |set: &Observables, observable| {
        set.column(observable).is_some_and(|column| column.values.len() >= MINIMUM_AVALANCHES)
    };
    let of_shape = Observable::ALL.into_iter().filter(|&o| o != Observable::Empty);
    of_shape.filter(|&o| has(real, o) && has(generated, o)).collect()
}

/// At most [`MOST_AVALANCHES`] rows, drawn at random.
fn some_of(rows: &Rows, draws: Draws, index: u64) -> Rows {
    if rows.len() <= MOST_AVALANCHES {
        return rows.clone();
    }
    choose(rows, MOST_AVALANCHES, &mut draws.stream(index))
}

/// `wanted` different rows at random.
pub(crate) fn choose(rows: &Rows, wanted: usize, stream: &mut Stream) -> Rows {
    random::some_of(rows.len(), wanted, stream).into_iter().map(|row| rows[row].clone()).collect()
}

/// Mean of a metric between random halves of the real rows.
fn floor<const N: usize>(
    real: &Rows,
    draws: Draws,
    metric: impl Fn(&Rows, &Rows, u64) -> [f64; N],
) -> [f64; N] {
    let mut sums = [0.0; N];
    for halving in 0..HALVINGS {
        let first = half(real.len(), &mut draws.stream(u64::from(halving)));
        let part = |wanted: u32| {
            real.iter()
                .zip(&first)
                .filter(|(_, half)| **half == wanted)
                .map(|(row, _)| row.clone())
                .collect::<Rows>()
        };
        let values = metric(&part(1), &part(0), u64::from(halving));
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value / f64::from(HALVINGS);
        }
    }
    sums
}

/// Columns divided by the largest absolute real value, as JetNet does before FPD and KPD; columns of zeros stay.
fn by_largest(real: &Rows, generated: &Rows) -> (Rows, Rows) {
    let columns = real.first().map_or(0, Vec::len);
    let largest: Vec<f64> = (0..columns)
        .map(|c| real.iter().map(|row| row[c].abs()).fold(0.0, f64::max))
        .map(|largest| if largest == 0.0 { 1.0 } else { largest })
        .collect();
    let scaled = |rows: &Rows| -> Rows {
        rows.iter()
            .map(|row| row.iter().zip(&largest).map(|(value, scale)| value / scale).collect())
            .collect()
    };
    (scaled(real), scaled(generated))
}

#[cfg(test)]
mod tests;
