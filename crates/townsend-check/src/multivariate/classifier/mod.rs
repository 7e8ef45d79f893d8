//! Classifier two-sample tests (Lopez-Paz and Oquab, arXiv:1610.06545): trees and networks try to tell
//! generated from real, each row judged by a classifier that never saw it.

mod convolutions;
mod details;
mod importance;
mod layers;
mod network;
mod points;
mod scores;
mod training;
mod trees;

use rayon::prelude::*;
use townsend_core::{Purpose, Stream, Work};

use super::{Draws, choose, floor_of};
use crate::FeatureRows;
use crate::score::Score;
pub(super) use convolutions::ConvolutionalNetwork;
pub use details::{ClassifierDetails, ClassifierTest, Learning};
pub use importance::Importance;
use importance::importance;
pub(super) use network::Network;
use points::PointNetwork;
pub use points::PointSet;
use scores::bootstrap_error;
pub use scores::{auc, divergence, isotonic};
use townsend_observables::random::some_of;
pub(super) use trees::Trees;

/// Number of folds: every fifth is left out in turn and judged by a classifier trained on the others.
const FOLDS: usize = 5;
/// Halvings for the floor: each trains `FOLDS` classifiers on half of the real rows. The AUC of halves of few
/// rows fluctuates much, and more halvings of these take no longer than a few of many rows. Chosen, not
/// fitted: from 500 rows the floor then has an error of 0.01.
fn halvings(rows: usize) -> u32 {
    if rows < 1_000 { 4 } else { 2 }
}
/// The smallest number of avalanches of each set for which the AUC is given; it is doubled until all are
/// used. Chosen, not fitted: classifiers then train on 200 rows, of which trees with at least 20 rows in a
/// leaf make ten leaves.
const LEAST_LEARNT: usize = 125;
/// Standard errors above 0.5 from which on a classifier is said to win. Chosen, not fitted: by chance alone
/// this happens once in 700 times.
const WON: f64 = 3.0;

const FLOOR: Purpose = Purpose::new("classifier halves");
const FOLD: Purpose = Purpose::new("classifier folds");
const FEW: Purpose = Purpose::new("classifier of few");

/// The kinds of classifiers for rows of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowClassifier {
    /// Gradient-boosted trees.
    Trees,
    /// A small multilayer perceptron.
    Network,
}

/// A classifier that learns to distinguish rows of label 1 from rows of label 0.
pub(super) trait Classifier: Sized + Send + Sync {
    /// The form of one avalanche that it takes.
    type Row: Clone + Send + Sync;

    /// Its kind and size in a few words, for the report.
    fn describe() -> String;

    /// Trains on rows and their labels.
    ///
    /// # Errors
    /// A text that says why it cannot be trained, or that the work was asked to stop.
    fn train(
        rows: &[&Self::Row],
        labels: &[f64],
        random: &mut Stream,
        work: Work<'_>,
    ) -> Result<Self, String>;

    /// Probability that each row is of label 1.
    fn probabilities(&self, rows: &[&Self::Row]) -> Vec<f64>;
}

/// The result of a cross validation: for each row, in the order of the rows, the probability of being
/// generated (label 1) by the classifier that was not trained on it.
pub(super) struct CrossValidation<C> {
    real: Vec<f64>,
    generated: Vec<f64>,
    folds: Vec<Fold<C>>,
}

/// A classifier and the rows that it was not trained on.
struct Fold<C> {
    model: C,
    rows: Vec<usize>,
    probabilities: Vec<f64>,
    auc: f64,
}

/// AUC of a classifier that distinguishes `generated` from `real` rows: the mean over 5 folds, each judged by
/// a classifier that was trained on the others. 0.5 if it cannot, 1 if it always can. `seed` is that of the
/// folds and of the initial parameters.
///
/// # Errors
/// If the classifier cannot be trained, or a set has fewer than 5 rows; the text says why.
pub fn classifier_auc(
    classifier: RowClassifier,
    real: &FeatureRows,
    generated: &FeatureRows,
    seed: u64,
) -> Result<f64, String> {
    match classifier {
        RowClassifier::Trees => auc_by::<Trees>(real, generated, seed),
        RowClassifier::Network => auc_by::<Network>(real, generated, seed),
    }
}

/// AUC of a network that distinguishes `generated` from `real` sets of electrons, by cross validation as in
/// [`classifier_auc`]: what an electron says is learned, and averaged over the electrons of an avalanche.
///
/// # Errors
/// If a set has fewer than 5 avalanches; the text says so.
pub fn point_set_auc(real: &[PointSet], generated: &[PointSet], seed: u64) -> Result<f64, String> {
    auc_by::<PointNetwork>(real, generated, seed)
}

/// AUC by cross validation.
pub(super) fn auc_by<C: Classifier>(real: &[C::Row], generated: &[C::Row], seed: u64) -> Result<f64, String> {
    Ok(cross_validate::<C>(real, generated, Draws::new(seed, FOLD), 0, Work::default())?.auc())
}

impl<C> CrossValidation<C> {
    /// Mean AUC of the folds. Rows of different folds are never compared: classifiers of different folds have
    /// different scales, and each was trained on the rows of the other's fold. Within a fold the rows of two
    /// sets of one distribution are alike for its classifier, so that the mean is 0.5 for any number of rows.
    fn auc(&self) -> f64 {
        self.folds.iter().map(|fold| fold.auc).sum::<f64>() / self.folds.len() as f64
    }

    /// Standard error of [`CrossValidation::auc`], with the classifiers fixed.
    fn error(&self, seed: u64) -> f64 {
        let of_fold = |fold: &Fold<C>| {
            let judged = fold.rows.iter().zip(&fold.probabilities);
            let (real, generated): (Vec<_>, Vec<_>) = judged.partition(|(row, _)| **row < self.real.len());
            [generated, real].map(|of| of.into_iter().map(|(_, p)| *p).collect::<Vec<f64>>())
        };
        bootstrap_error(&self.folds.iter().map(of_fold).collect::<Vec<_>>(), seed)
    }
}

/// Trains a classifier for each fold on the others and applies it to the fold.
fn cross_validate<C: Classifier>(
    real: &[C::Row],
    generated: &[C::Row],
    draws: Draws,
    index: u64,
    work: Work<'_>,
) -> Result<CrossValidation<C>, String> {
    if real.len().min(generated.len()) < FOLDS {
        return Err(format!(
            "{} and {} rows cannot be divided into {FOLDS} folds",
            real.len(),
            generated.len()
        ));
    }
    let rows: Vec<&C::Row> = real.iter().chain(generated).collect();
    // Each fold has the same fraction of both sets.
    let mut folds = random_folds(real.len(), draws, 2 * index);
    folds.extend(random_folds(generated.len(), draws, 2 * index + 1));
    let label = |row: usize| f64::from(u8::from(row >= real.len()));
    let of_fold = |fold: usize| -> Result<Fold<C>, String> {
        work.go_on().map_err(|stopped| stopped.to_string())?;
        let (left, trained): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&row| folds[row] == fold);
        let labels = |of: &[usize]| of.iter().map(|&row| label(row)).collect::<Vec<f64>>();
        let chosen = |of: &[usize]| of.iter().map(|&row| rows[row]).collect::<Vec<_>>();
        let model_index = (1 << 40) + FOLDS as u64 * index + fold as u64;
        let model = C::train(&chosen(&trained), &labels(&trained), &mut draws.stream(model_index), work)?;
        let probabilities = model.probabilities(&chosen(&left));
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

/// The fold of each of `n` rows, in random order; folds have equal sizes, or differ by one.
fn random_folds(n: usize, draws: Draws, index: u64) -> Vec<usize> {
    let mut folds = vec![0; n];
    for (k, row) in some_of(n, n, &mut draws.stream(index)).into_iter().enumerate() {
        folds[row] = k % FOLDS;
    }
    folds
}

/// AUC of a classifier with its floor and its bootstrap error, and the details for the report. `what`
/// describes the input, for the report.
pub(super) fn test<C: Classifier>(
    what: &str,
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
    work: Work<'_>,
) -> Result<(Score, ClassifierDetails), String> {
    test_and_keep::<C>(what, real, generated, seed, work).map(|(score, details, _)| (score, details))
}

/// Like [`test`] for rows of named columns; the details also have the importance of each column, and the AUC
/// against the number of avalanches.
pub(super) fn test_columns<C: Classifier<Row = Vec<f64>>>(
    what: &str,
    names: &[String],
    [real, generated]: [&FeatureRows; 2],
    seed: u64,
    work: Work<'_>,
) -> Result<(Score, ClassifierDetails), String> {
    let (score, mut details, validated) = test_and_keep::<C>(what, real, generated, seed, work)?;
    let (avalanches, error) = (real.len().min(generated.len()), score.error.unwrap_or(0.0));
    let whole = Learning { avalanches, auc: score.value, error };
    details.importance = importance(&validated, names, [real, generated], seed);
    details.learning = learning::<C>(real, generated, seed, whole, work)?;
    details.wins_from = wins_from(&details.learning);
    Ok((score, details))
}

fn test_and_keep<C: Classifier>(
    what: &str,
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
    work: Work<'_>,
) -> Result<(Score, ClassifierDetails, CrossValidation<C>), String> {
    let draws = Draws::new(seed, FOLD);
    let validated = cross_validate::<C>(real, generated, draws, 0, work)?;
    let value = validated.auc();
    let error = validated.error(seed);
    let [floor] = floor_of(halvings(real.len()), real, Draws::new(seed, FLOOR), |a, b, k| {
        [cross_validate::<C>(a, b, draws, k + 1, work).map_or(f64::NAN, |validated| validated.auc())]
    });
    if floor.is_nan() {
        return Err("it could not be trained on halves of the real set".to_string());
    }
    let score = Score {
        value,
        floor,
        error: Some(error),
        avalanches: [real.len(), generated.len()],
        method: format!(
            "{} on {what}, mean AUC of {FOLDS} folds, each judged by a classifier trained on the others; bootstrap error",
            C::describe()
        ),
    };
    Ok((score, ClassifierDetails::of(&validated), validated))
}

/// AUC of classifiers for 125, 250, 500, … avalanches of each set.
fn learning<C: Classifier>(
    real: &[C::Row],
    generated: &[C::Row],
    seed: u64,
    whole: Learning,
    work: Work<'_>,
) -> Result<Vec<Learning>, String> {
    let draws = Draws::new(seed, FEW);
    let sizes = std::iter::successors(Some(LEAST_LEARNT), |n| Some(2 * n));
    let mut found = Vec::new();
    for (k, avalanches) in sizes.take_while(|&n| n < whole.avalanches).enumerate() {
        let mut random = draws.stream(k as u64);
        let few = choose(real, avalanches, &mut random);
        let of_generated = choose(generated, avalanches, &mut random);
        let validated = cross_validate::<C>(&few, &of_generated, draws, k as u64 + 1, work)?;
        let error = validated.error(seed);
        found.push(Learning { avalanches, auc: validated.auc(), error });
    }
    found.push(whole);
    Ok(found)
}

fn wins_from(learning: &[Learning]) -> Option<usize> {
    let winning = learning.iter().rev().take_while(|point| point.auc - 0.5 > WON * point.error);
    winning.last().map(|point| point.avalanches)
}
