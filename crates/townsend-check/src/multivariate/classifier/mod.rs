//! Classifier two-sample tests (Lopez-Paz and Oquab, arXiv:1610.06545): trees and a network try to tell generated from
//! real, each row judged by a classifier that never saw it.

mod network;
mod scores;
mod trees;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::Purpose;

use super::{Draws, Rows, choose, floor_of};
use crate::random::some_of;
use crate::report::Score;
use network::Network;
pub use scores::{auc, divergence, isotonic};
use scores::{bootstrap_error, calibration, ratio, roc};
use trees::Trees;

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
const PERMUTE: Purpose = Purpose::new("classifier permutations");

/// Which classifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judge {
    /// Gradient-boosted trees.
    Trees,
    /// A small multilayer perceptron.
    Network,
}

impl Judge {
    fn describe(self) -> String {
        match self {
            Self::Trees => trees::describe(),
            Self::Network => network::describe(),
        }
    }
}

enum Model {
    Trees(Trees),
    Network(Network),
}

impl Model {
    fn train(
        judge: Judge,
        rows: &[&[f64]],
        labels: &[f64],
        draws: Draws,
        index: u64,
    ) -> Result<Self, String> {
        Ok(match judge {
            Judge::Trees => Self::Trees(Trees::grow(rows, labels)?),
            Judge::Network => Self::Network(Network::train(rows, labels, &mut draws.stream(index))),
        })
    }

    /// Probability of each row to be generated.
    fn judge(&self, rows: &[&[f64]]) -> Vec<f64> {
        match self {
            Self::Trees(trees) => trees.judge(rows),
            Self::Network(network) => network.judge(rows),
        }
    }
}

/// Probabilities out of fold, in the rows' order, and the mean loss of AUC when a column is permuted, fold by fold.
struct Judged {
    real: Vec<f64>,
    generated: Vec<f64>,
    folds: Vec<Fold>,
}

struct Fold {
    rows: Vec<usize>,
    probabilities: Vec<f64>,
    auc: f64,
    drops: Vec<f64>,
}

/// What a classifier saw, beside its AUC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassifierDetails {
    /// AUC of each fold.
    pub folds: Vec<f64>,
    /// The ROC curve: share of real rows taken for generated, share of generated ones, from (0, 0) to (1, 1).
    pub roc: Vec<[f64; 2]>,
    /// In ten bins of equal numbers of rows: mean probability, share of generated rows, rows.
    pub calibration: Vec<[f64; 3]>,
    /// Jensen-Shannon divergence over ln 2, after isotonic calibration: `(ln 2 − cross entropy)/ln 2`; 0 the same, 1
    /// disjoint.
    pub divergence: f64,
    /// Standard deviation over the generated rows of the density ratio real/generated from the calibrated
    /// probabilities; 0 if the sets are the same.
    pub ratio_spread: f64,
    /// Share of the generated rows that is left when they are weighted by that ratio: `(Σw)²/(n Σw²)`.
    pub effective_share: f64,
    /// What gave it away: columns by the loss of AUC when they alone are permuted. Of columns that say the same,
    /// none loses much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub importance: Vec<Importance>,
    /// AUC against the number of avalanches a set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learning: Vec<Learning>,
    /// Avalanches a set from which, at this and every larger size, the AUC is three errors above 0.5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wins_from: Option<usize>,
}

/// How much one column helped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The column.
    pub name: String,
    /// AUC less the AUC with this column permuted, mean over the folds.
    pub loss_of_auc: f64,
    /// Standard error from the folds.
    pub error: f64,
}

/// AUC of a classifier that was given few avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// Avalanches of each set, of which four fifths train.
    pub avalanches: usize,
    /// AUC, out of fold.
    pub auc: f64,
    /// Its error.
    pub error: f64,
}

/// AUC of trees that tell `generated` from `real` rows, each row judged by trees grown without it; 0.5 if they
/// cannot. Returns what went wrong with the trees, if anything.
pub fn classifier_auc(real: &Rows, generated: &Rows, seed: u64) -> Result<f64, String> {
    classifier_auc_of(Judge::Trees, real, generated, seed)
}

/// The same for any classifier.
pub fn classifier_auc_of(judge: Judge, real: &Rows, generated: &Rows, seed: u64) -> Result<f64, String> {
    Ok(judged(judge, real, generated, Draws::new(seed, FOLD), 0, false)?.auc())
}

impl Judged {
    fn auc(&self) -> f64 {
        auc(&self.generated, &self.real)
    }
}

/// Trains and judges fold by fold; in one thread a fold, so that sums have one order.
fn judged(
    judge: Judge,
    real: &Rows,
    generated: &Rows,
    draws: Draws,
    index: u64,
    permute: bool,
) -> Result<Judged, String> {
    let rows: Vec<&[f64]> = real.iter().chain(generated).map(Vec::as_slice).collect();
    // Fold by fold the same share of both sets.
    let mut folds = random_folds(real.len(), draws, 2 * index);
    folds.extend(random_folds(generated.len(), draws, 2 * index + 1));
    let label = |row: usize| f64::from(u8::from(row >= real.len()));
    let of_fold = |fold: usize| -> Result<Fold, String> {
        let (left, trained): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&row| folds[row] == fold);
        let labels: Vec<f64> = trained.iter().map(|&row| label(row)).collect();
        let chosen: Vec<&[f64]> = trained.iter().map(|&row| rows[row]).collect();
        let model_index = (1 << 40) + FOLDS as u64 * index + fold as u64;
        let model = Model::train(judge, &chosen, &labels, draws, model_index)?;
        let shown: Vec<&[f64]> = left.iter().map(|&row| rows[row]).collect();
        let labels: Vec<f64> = left.iter().map(|&row| label(row)).collect();
        let probabilities = model.judge(&shown);
        let auc = auc_of_labels(&probabilities, &labels);
        let drops = if permute { drops(&model, &shown, &labels, auc, draws, fold) } else { Vec::new() };
        Ok(Fold { rows: left, probabilities, auc, drops })
    };
    let folds: Result<Vec<Fold>, String> = (0..FOLDS).into_par_iter().map(of_fold).collect();
    let folds = folds?;
    let mut all = vec![0.0; rows.len()];
    for fold in &folds {
        for (&row, &probability) in fold.rows.iter().zip(&fold.probabilities) {
            all[row] = probability;
        }
    }
    let generated = all.split_off(real.len());
    Ok(Judged { real: all, generated, folds })
}

fn auc_of_labels(probabilities: &[f64], labels: &[f64]) -> f64 {
    let of = |wanted: f64| -> Vec<f64> {
        probabilities
            .iter()
            .zip(labels)
            .filter(|(_, l)| (**l - wanted).abs() < 0.5)
            .map(|(p, _)| *p)
            .collect()
    };
    auc(&of(1.0), &of(0.0))
}

/// Loss of AUC for each column when it is permuted among the judged rows.
fn drops(model: &Model, rows: &[&[f64]], labels: &[f64], whole: f64, draws: Draws, fold: usize) -> Vec<f64> {
    let columns = rows.first().map_or(0, |row| row.len());
    let mut random = Draws::new(draws.seed, PERMUTE).stream(fold as u64);
    (0..columns)
        .map(|column| {
            let order = some_of(rows.len(), rows.len(), &mut random);
            let permuted: Vec<Vec<f64>> = rows
                .iter()
                .zip(order)
                .map(|(row, other)| {
                    let mut row = row.to_vec();
                    row[column] = rows[other][column];
                    row
                })
                .collect();
            let shown: Vec<&[f64]> = permuted.iter().map(Vec::as_slice).collect();
            whole - auc_of_labels(&model.judge(&shown), labels)
        })
        .collect()
}

/// The fold of each of `n` rows: as even as can be, in random order.
fn random_folds(n: usize, draws: Draws, index: u64) -> Vec<usize> {
    let mut folds = vec![0; n];
    for (k, row) in some_of(n, n, &mut draws.stream(index)).into_iter().enumerate() {
        folds[row] = k % FOLDS;
    }
    folds
}

/// What to find out beside the AUC.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    /// Names of the columns, if their importance is wanted.
    pub(super) importance: Option<&'a [String]>,
    /// AUC against the number of avalanches.
    pub(super) learning: bool,
}

/// AUC with its floor and its bootstrap error, and what else the classifier tells.
pub(super) fn score(
    judge: Judge,
    what: &str,
    real: &Rows,
    generated: &Rows,
    seed: u64,
    wanted: Wanted<'_>,
) -> Result<(Score, ClassifierDetails), String> {
    let draws = Draws::new(seed, FOLD);
    let judged_all = judged(judge, real, generated, draws, 0, wanted.importance.is_some())?;
    let value = judged_all.auc();
    let error = bootstrap_error(&judged_all.generated, &judged_all.real, seed);
    let [floor] = floor_of(HALVINGS, real, Draws::new(seed, FLOOR), |a, b, k| {
        [judged(judge, a, b, draws, k + 1, false).map_or(f64::NAN, |judged| judged.auc())]
    });
    if floor.is_nan() {
        return Err("it could not be trained on halves of the real set".to_string());
    }
    let mut details = details(&judged_all, wanted.importance);
    if wanted.learning {
        let whole = Learning { avalanches: real.len().min(generated.len()), auc: value, error };
        details.learning = learning(judge, real, generated, seed, whole)?;
        details.wins_from = wins_from(&details.learning);
    }
    let score = Score {
        value,
        floor,
        error: Some(error),
        avalanches: [real.len(), generated.len()],
        method: format!("{} on {what}, {FOLDS}-fold, out of fold; bootstrap error", judge.describe()),
    };
    Ok((score, details))
}

fn details(judged: &Judged, names: Option<&[String]>) -> ClassifierDetails {
    let (ratio_spread, effective_share) = ratio(&judged.generated, &judged.real);
    let mut importance: Vec<Importance> = names
        .unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(column, name)| {
            let n = judged.folds.len() as f64;
            let drops = || judged.folds.iter().map(|fold| fold.drops[column]);
            let mean = drops().sum::<f64>() / n;
            let variance = drops().map(|drop| (drop - mean).powi(2)).sum::<f64>() / (n - 1.0);
            Importance { name: name.clone(), loss_of_auc: mean, error: (variance / n).sqrt() }
        })
        .collect();
    importance.sort_by(|a, b| b.loss_of_auc.total_cmp(&a.loss_of_auc));
    ClassifierDetails {
        folds: judged.folds.iter().map(|fold| fold.auc).collect(),
        roc: roc(&judged.generated, &judged.real),
        calibration: calibration(&judged.generated, &judged.real),
        divergence: divergence(&judged.generated, &judged.real),
        ratio_spread,
        effective_share,
        importance,
        learning: Vec::new(),
        wins_from: None,
    }
}

/// AUC of classifiers that are given 125, 250, 500, ... avalanches of each set.
fn learning(
    judge: Judge,
    real: &Rows,
    generated: &Rows,
    seed: u64,
    whole: Learning,
) -> Result<Vec<Learning>, String> {
    let draws = Draws::new(seed, FEW);
    let sizes = std::iter::successors(Some(LEAST_LEARNT), |n| Some(2 * n));
    let mut found = Vec::new();
    for (k, avalanches) in sizes.take_while(|&n| n < whole.avalanches).enumerate() {
        let mut random = draws.stream(k as u64);
        let few = choose(real, avalanches, &mut random);
        let judged =
            judged(judge, &few, &choose(generated, avalanches, &mut random), draws, k as u64 + 1, false)?;
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
