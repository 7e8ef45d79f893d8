//! Classifier two-sample tests (Lopez-Paz and Oquab, arXiv:1610.06545): trees and networks try to tell
//! generated from real, each row judged by a classifier that never saw it.

mod convolutions;
mod details;
mod importance;
mod layers;
mod network;
mod scores;
mod training;
mod trees;

use rayon::prelude::*;
use townsend_core::{Purpose, Stream};

use super::{Draws, FeatureRows, choose, floor_of};
use crate::report::Score;
pub(super) use convolutions::ConvolutionalNetwork;
pub(crate) use convolutions::Image;
pub use details::{ClassifierDetails, Learning};
pub use importance::Importance;
use importance::importance;
pub(super) use network::Network;
use scores::bootstrap_error;
pub use scores::{auc, divergence, isotonic};
use townsend_observables::random::some_of;
pub(super) use trees::Trees;

/// Every row is judged by a classifier that was trained without it: a fifth is left out in turn.
const FOLDS: usize = 5;
/// Halvings for the floor: each trains `FOLDS` classifiers on half of the real rows.
const HALVINGS: u32 = 2;
/// Avalanches of each set, from which the AUC is followed up to all there are.
const LEAST_LEARNT: usize = 125;
/// Errors above 0.5 from which a classifier wins.
const WON: f64 = 3.0;

const FLOOR: Purpose = Purpose::new("classifier halves");
const FOLD: Purpose = Purpose::new("classifier folds");
const FEW: Purpose = Purpose::new("classifier of few");

/// Which classifier of observables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowClassifier {
    /// Gradient-boosted trees.
    Trees,
    /// A small multilayer perceptron.
    Network,
}

/// What learns to tell rows of label 1 from rows of label 0.
pub(super) trait Classifier: Sized + Send + Sync {
    /// One avalanche as it is seen.
    type Row: Clone + Send + Sync;

    /// What it is, in a line.
    fn describe() -> String;

    /// Learns; says what went wrong, if anything.
    fn train(rows: &[&Self::Row], labels: &[f64], random: &mut Stream) -> Result<Self, String>;

    /// Probability of each row to be of label 1.
    fn judge(&self, rows: &[&Self::Row]) -> Vec<f64>;
}

/// Probabilities out of fold, in the rows' order: label 1 is generated.
pub(super) struct CrossValidation<C> {
    real: Vec<f64>,
    generated: Vec<f64>,
    folds: Vec<Fold<C>>,
}

/// A classifier and the rows that it did not see.
struct Fold<C> {
    model: C,
    rows: Vec<usize>,
    probabilities: Vec<f64>,
    auc: f64,
}

/// AUC of trees that tell `generated` from `real` rows, each row judged by trees grown without it; 0.5 if
/// they cannot. Returns what went wrong with the trees, if anything.
pub fn classifier_auc(real: &FeatureRows, generated: &FeatureRows, seed: u64) -> Result<f64, String> {
    classifier_auc_of(RowClassifier::Trees, real, generated, seed)
}

/// The same for any classifier.
pub fn classifier_auc_of(
    judge: RowClassifier,
    real: &FeatureRows,
    generated: &FeatureRows,
    seed: u64,
) -> Result<f64, String> {
    match judge {
        RowClassifier::Trees => auc_by::<Trees>(real, generated, seed),
        RowClassifier::Network => auc_by::<Network>(real, generated, seed),
    }
}

/// AUC out of fold.
pub(super) fn auc_by<C: Classifier>(real: &[C::Row], generated: &[C::Row], seed: u64) -> Result<f64, String> {
    Ok(judged::<C>(real, generated, Draws::new(seed, FOLD), 0)?.auc())
}

impl<C> CrossValidation<C> {
    fn auc(&self) -> f64 {
        auc(&self.generated, &self.real)
    }
}

/// Trains and judges fold by fold.
fn judged<C: Classifier>(
    real: &[C::Row],
    generated: &[C::Row],
    draws: Draws,
    index: u64,
) -> Result<CrossValidation<C>, String> {
    let rows: Vec<&C::Row> = real.iter().chain(generated).collect();
    // Fold by fold the same share of both sets.
    let mut folds = random_folds(real.len(), draws, 2 * index);
    folds.extend(random_folds(generated.len(), draws, 2 * index + 1));
    let label = |row: usize| f64::from(u8::from(row >= real.len()));
    let of_fold = |fold: usize| -> Result<Fold<C>, String> {
        let (left, trained): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&row| folds[row] == fold);
        let labels = |of: &[usize]| of.iter().map(|&row| label(row)).collect::<Vec<f64>>();
        let chosen = |of: &[usize]| of.iter().map(|&row| rows[row]).collect::<Vec<_>>();
        let model_index = (1 << 40) + FOLDS as u64 * index + fold as u64;
        let model = C::train(&chosen(&trained), &labels(&trained), &mut draws.stream(model_index))?;
        let probabilities = model.judge(&chosen(&left));
        let auc = auc_of_labels(&probabilities, &labels(&left));
        Ok(Fold { model, rows: left, probabilities, auc })
    };
    let folds: Result<Vec<Fold<C>>, String> = (0..FOLDS).into_par_iter().map(of_fold).collect();
    let folds = folds?;
    let mut all = vec![0.0; rows.len()];
    for fold in &folds {
        for (&row, &probability) in fold.rows.iter().zip(&fold.probabilities) {
            all[row] = probability;
        }
    }
    let generated = all.split_off(real.len());
    Ok(CrossValidation { real: all, generated, folds })
}

fn auc_of_labels(probabilities: &[f64], labels: &[f64]) -> f64 {
    let of = |wanted: f64| -> Vec<f64> {
        let pairs = probabilities.iter().zip(labels);
        pairs.filter(|(_, l)| (**l - wanted).abs() < 0.5).map(|(p, _)| *p).collect()
    };
    auc(&of(1.0), &of(0.0))
}

/// The fold of each of `n` rows: as even as can be, in random order.
fn random_folds(n: usize, draws: Draws, index: u64) -> Vec<usize> {
    let mut folds = vec![0; n];
    for (k, row) in some_of(n, n, &mut draws.stream(index)).into_iter().enumerate() {
        folds[row] = k % FOLDS;
    }
    folds
}

/// AUC with its floor and its bootstrap error, and what else the classifier tells.
pub(super) fn test<C: Classifier>(
    what: &str,
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
) -> Result<(Score, ClassifierDetails), String> {
    test_and_keep::<C>(what, real, generated, seed).map(|(score, details, _)| (score, details))
}

/// The same of rows of named columns, with what gave it away and how many avalanches it takes.
pub(super) fn test_columns<C: Classifier<Row = Vec<f64>>>(
    what: &str,
    names: &[String],
    [real, generated]: [&FeatureRows; 2],
    seed: u64,
) -> Result<(Score, ClassifierDetails), String> {
    let (score, mut details, judged) = test_and_keep::<C>(what, real, generated, seed)?;
    let (avalanches, error) = (real.len().min(generated.len()), score.error.unwrap_or(0.0));
    let whole = Learning { avalanches, auc: score.value, error };
    details.importance = importance(&judged, names, [real, generated], seed);
    details.learning = learning::<C>(real, generated, seed, whole)?;
    details.wins_from = wins_from(&details.learning);
    Ok((score, details))
}

fn test_and_keep<C: Classifier>(
    what: &str,
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
) -> Result<(Score, ClassifierDetails, CrossValidation<C>), String> {
    let draws = Draws::new(seed, FOLD);
    let judged_all = judged::<C>(real, generated, draws, 0)?;
    let value = judged_all.auc();
    let error = bootstrap_error(&judged_all.generated, &judged_all.real, seed);
    let [floor] = floor_of(HALVINGS, real, Draws::new(seed, FLOOR), |a, b, k| {
        [judged::<C>(a, b, draws, k + 1).map_or(f64::NAN, |judged| judged.auc())]
    });
    if floor.is_nan() {
        return Err("it could not be trained on halves of the real set".to_string());
    }
    let score = Score {
        value,
        floor,
        error: Some(error),
        avalanches: [real.len(), generated.len()],
        method: format!("{} on {what}, {FOLDS}-fold, out of fold; bootstrap error", C::describe()),
    };
    Ok((score, ClassifierDetails::of(&judged_all), judged_all))
}

/// AUC of classifiers that are given 125, 250, 500, ... avalanches of each set.
fn learning<C: Classifier>(
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
    whole: Learning,
) -> Result<Vec<Learning>, String> {
    let draws = Draws::new(seed, FEW);
    let sizes = std::iter::successors(Some(LEAST_LEARNT), |n| Some(2 * n));
    let mut found = Vec::new();
    for (k, avalanches) in sizes.take_while(|&n| n < whole.avalanches).enumerate() {
        let mut random = draws.stream(k as u64);
        let few = choose(real, avalanches, &mut random);
        let judged = judged::<C>(&few, &choose(generated, avalanches, &mut random), draws, k as u64 + 1)?;
        let error = bootstrap_error(&judged.generated, &judged.real, seed);
        found.push(Learning { avalanches, auc: judged.auc(), error });
    }
    found.push(whole);
    Ok(found)
}

fn wins_from(learning: &[Learning]) -> Option<usize> {
    let winning = learning.iter().rev().take_while(|point| point.auc - 0.5 > WON * point.error);
    winning.last().map(|point| point.avalanches)
}
