//! Permutation importance: how much AUC a classifier loses when the values of one column are permuted among
//! the avalanches that it is applied to.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use townsend_core::Purpose;

use super::{Classifier, CrossValidation, Fold, auc_of_labels};
use crate::FeatureRows;
use crate::multivariate::Draws;
use townsend_observables::random::some_of;

const PERMUTE: Purpose = Purpose::new("classifier permutations");

/// The importance of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// The name of the column.
    pub name: String,
    /// AUC less the AUC with this column permuted, averaged over the folds.
    pub loss_of_auc: f64,
    /// Standard error from the scatter of the folds.
    pub error: f64,
}

/// The importance of every column, the largest first.
pub(super) fn importance<C: Classifier<Row = Vec<f64>>>(
    validated: &CrossValidation<C>,
    names: &[String],
    [real, generated]: [&FeatureRows; 2],
    seed: u64,
) -> Vec<Importance> {
    let rows: Vec<&Vec<f64>> = real.iter().chain(generated).collect();
    let of_fold =
        |(k, fold): (usize, &Fold<C>)| drops(fold, &rows, real.len(), Draws::new(seed, PERMUTE), k as u64);
    let drops: Vec<Vec<f64>> = validated.folds.par_iter().enumerate().map(of_fold).collect();
    let n = drops.len() as f64;
    let of_column = |(column, name): (usize, &String)| {
        let drops = || drops.iter().map(|of_fold| of_fold[column]);
        let mean = drops().sum::<f64>() / n;
        let variance = drops().map(|drop| (drop - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Importance { name: name.clone(), loss_of_auc: mean, error: (variance / n).sqrt() }
    };
    let mut all: Vec<Importance> = names.iter().enumerate().map(of_column).collect();
    all.sort_by(|a, b| b.loss_of_auc.total_cmp(&a.loss_of_auc));
    all
}

/// Loss of AUC in one fold for each column, when it is permuted among the rows of the fold.
fn drops<C: Classifier<Row = Vec<f64>>>(
    fold: &Fold<C>,
    rows: &[&Vec<f64>],
    real: usize,
    draws: Draws,
    index: u64,
) -> Vec<f64> {
    let shown: Vec<&Vec<f64>> = fold.rows.iter().map(|&row| rows[row]).collect();
    let labels: Vec<f64> = fold.rows.iter().map(|&row| f64::from(u8::from(row >= real))).collect();
    let mut random = draws.stream(index);
    let columns = shown.first().map_or(0, |row| row.len());
    (0..columns)
        .map(|column| {
            let order = some_of(shown.len(), shown.len(), &mut random);
            let permuted = |(row, other): (&&Vec<f64>, usize)| {
                let mut row = (*row).clone();
                row[column] = shown[other][column];
                row
            };
            let permuted: Vec<Vec<f64>> = shown.iter().zip(order).map(permuted).collect();
            let rows: Vec<&Vec<f64>> = permuted.iter().collect();
            fold.auc - auc_of_labels(&fold.model.probabilities(&rows), &labels)
        })
        .collect()
}
