//! Gradient-boosted trees, one of the classifiers.

use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::{GradientBooster, Matrix};
use townsend_core::{Stream, Work};

use super::Classifier;

const TREES: usize = 150;
const LEARNING_RATE: f32 = 0.05;
const LEAVES: usize = 31;
/// Quantile bins of a column; trees cut only between them.
const BINS: u16 = 64;
/// Smallest sum of the second derivatives of the loss in a leaf. Each row adds at most ¼, so a leaf has at
/// least 20 rows.
const LEAST_LEAF_WEIGHT: f32 = 5.0;

pub(in crate::multivariate) struct Trees(Box<GradientBooster>);

impl Classifier for Trees {
    type Row = Vec<f64>;

    fn describe() -> String {
        format!("gradient-boosted trees (forust), {TREES} of {LEAVES} leaves, learning rate {LEARNING_RATE}")
    }

    /// Trains in one thread, so that the sums in the histograms have a fixed order. Nothing is random.
    fn train(rows: &[&Vec<f64>], labels: &[f64], _: &mut Stream, _: Work<'_>) -> Result<Self, String> {
        let columns = rows.first().map_or(0, |row| row.len());
        let mut trees = GradientBooster::default()
            .set_iterations(TREES)
            .set_learning_rate(LEARNING_RATE)
            .set_max_leaves(LEAVES)
            .set_max_depth(LEAVES)
            .set_min_leaf_weight(LEAST_LEAF_WEIGHT)
            .set_nbins(BINS)
            .set_parallel(false);
        trees.grow_policy = GrowPolicy::LossGuide;
        let flat = by_column(rows);
        trees
            .fit_unweighted(&Matrix::new(&flat, labels.len(), columns), labels, None)
            .map_err(|error| error.to_string())?;
        Ok(Self(Box::new(trees)))
    }

    fn probabilities(&self, rows: &[&Vec<f64>]) -> Vec<f64> {
        let columns = rows.first().map_or(0, |row| row.len());
        let flat = by_column(rows);
        let scores = self.0.predict(&Matrix::new(&flat, rows.len(), columns), false);
        scores.into_iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect()
    }
}

/// All values, column after column.
fn by_column(rows: &[&Vec<f64>]) -> Vec<f64> {
    let columns = rows.first().map_or(0, |row| row.len());
    (0..columns).flat_map(|c| rows.iter().map(move |row| row[c])).collect()
}
