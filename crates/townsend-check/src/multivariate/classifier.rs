//! The classifier two-sample test: gradient-boosted trees try to tell generated from real.

use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::{GradientBooster, Matrix};
use rayon::prelude::*;
use townsend_core::Purpose;

use super::{Draws, Rows, floor};
use crate::random::some_of;
use crate::report::Score;

/// Every row is judged by trees that were grown without it: a fifth is left out in turn.
const FOLDS: usize = 5;
const TREES: usize = 150;
const LEARNING_RATE: f32 = 0.05;
const LEAVES: usize = 31;
/// Quantile bins of an observable between which trees may cut.
const BINS: u16 = 64;
/// Least sum of the loss' second derivatives in a leaf: at most ¼ a row, so 20 rows.
const LEAST_LEAF_WEIGHT: f32 = 5.0;

const FLOOR: Purpose = Purpose::new("classifier halves");
const FOLD: Purpose = Purpose::new("classifier folds");

/// Area under the ROC curve: the probability that a positive scores above a negative, ties counting half.
pub fn auc(positives: &[f64], negatives: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> =
        positives.iter().map(|&s| (s, true)).chain(negatives.iter().map(|&s| (s, false))).collect();
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut area) = (0.0, 0.0);
    // Sorted, so that not below is equal; 0 and −0 too.
    for tied in all.chunk_by(|a, b| a.0 >= b.0) {
        let positive = tied.iter().filter(|score| score.1).count() as f64;
        let negative = tied.len() as f64 - positive;
        area += positive * (below + 0.5 * negative);
        below += negative;
    }
    area / (positives.len() as f64 * negatives.len() as f64)
}

/// AUC of trees that tell `generated` from `real` rows, each row judged by trees grown without it; 0.5 if they
/// cannot. Returns what went wrong with the trees, if anything.
pub fn classifier_auc(real: &Rows, generated: &Rows, seed: u64) -> Result<f64, String> {
    auc_of(real, generated, Draws::new(seed, FOLD), 0)
}

fn auc_of(real: &Rows, generated: &Rows, draws: Draws, index: u64) -> Result<f64, String> {
    let rows: Vec<&Vec<f64>> = real.iter().chain(generated).collect();
    // Fold by fold the same share of both sets.
    let mut folds = random_folds(real.len(), draws, 2 * index);
    folds.extend(random_folds(generated.len(), draws, 2 * index + 1));
    let label = |row: usize| f64::from(u8::from(row >= real.len()));
    let judged: Result<Vec<Vec<(usize, f64)>>, String> = (0..FOLDS)
        .into_par_iter()
        .map(|fold| {
            let (judged, grown): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|&row| folds[row] == fold);
            let labels: Vec<f64> = grown.iter().map(|&row| label(row)).collect();
            let scores = judge(&columns(&rows, &grown), &labels, &columns(&rows, &judged), judged.len())?;
            Ok(judged.into_iter().zip(scores).collect())
        })
        .collect();
    let (mut positives, mut negatives) = (Vec::new(), Vec::new());
    for (row, score) in judged?.into_iter().flatten() {
        if row >= real.len() { positives.push(score) } else { negatives.push(score) }
    }
    Ok(auc(&positives, &negatives))
}

/// The fold of each of `n` rows: as even as can be, in random order.
fn random_folds(n: usize, draws: Draws, index: u64) -> Vec<usize> {
    let mut folds = vec![0; n];
    for (k, row) in some_of(n, n, &mut draws.stream(index)).into_iter().enumerate() {
        folds[row] = k % FOLDS;
    }
    folds
}

/// The chosen rows column by column, one after another.
fn columns(rows: &[&Vec<f64>], chosen: &[usize]) -> Vec<f64> {
    let columns = rows.first().map_or(0, |row| row.len());
    (0..columns).flat_map(|c| chosen.iter().map(move |&row| rows[row][c])).collect()
}

/// Grows trees on some rows and returns their scores of others. One thread a fold: the sums in the histograms then
/// have one order.
fn judge(grown: &[f64], labels: &[f64], judged: &[f64], judged_rows: usize) -> Result<Vec<f64>, String> {
    let columns = grown.len() / labels.len();
    let mut trees = GradientBooster::default()
        .set_iterations(TREES)
        .set_learning_rate(LEARNING_RATE)
        .set_max_leaves(LEAVES)
        .set_max_depth(LEAVES)
        .set_min_leaf_weight(LEAST_LEAF_WEIGHT)
        .set_nbins(BINS)
        .set_parallel(false);
    trees.grow_policy = GrowPolicy::LossGuide;
    trees
        .fit_unweighted(&Matrix::new(grown, labels.len(), columns), labels, None)
        .map_err(|e| e.to_string())?;
    Ok(trees.predict(&Matrix::new(judged, judged_rows, columns), false))
}

/// AUC with its floor and its standard error under no difference, `√((n + m + 1) / 12nm)` (of the Mann-Whitney
/// statistic).
pub(super) fn score(real: &Rows, generated: &Rows, seed: u64) -> Result<Score, String> {
    let draws = Draws::new(seed, FOLD);
    let value = auc_of(real, generated, draws, 0)?;
    // Trees that grew on the whole grow on each half.
    let [floor] =
        floor(real, Draws::new(seed, FLOOR), |a, b, k| [auc_of(a, b, draws, k + 1).unwrap_or(f64::NAN)]);
    if floor.is_nan() {
        return Err("trees could not be grown on halves of the real set".to_string());
    }
    let (n, m) = (real.len() as f64, generated.len() as f64);
    Ok(Score {
        value,
        floor,
        error: Some(((n + m + 1.0) / (12.0 * n * m)).sqrt()),
        avalanches: [real.len(), generated.len()],
        method: format!(
            "gradient-boosted trees (forust) on the observables, {TREES} trees of {LEAVES} leaves, learning rate \
             {LEARNING_RATE}, {FOLDS}-fold, out of fold; the error is that of 0.5"
        ),
    })
}
