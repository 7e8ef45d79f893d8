//! A small multilayer perceptron on observables, one of the classifiers.

use townsend_core::{Stream, Work};

use super::Classifier;
use super::layers::{Batch, Layers};
use super::training::{logit_gradient, sigmoid, train};

const HIDDEN: usize = 64;
const EPOCHS: usize = 25;
const BATCH: usize = 128;
const LEARNING_RATE: f32 = 2e-3;
/// Rows that pass through the network together, to limit memory.
const AT_ONCE: usize = 1024;

/// Two hidden layers with leaky rectifiers.
pub(in crate::multivariate) struct Network {
    /// Mean and standard deviation of each column.
    scales: Vec<(f64, f64)>,
    layers: Layers,
}

impl Classifier for Network {
    type Row = Vec<f64>;

    fn describe() -> String {
        format!("multilayer perceptron, 2 × {HIDDEN}, {EPOCHS} epochs of AdamW")
    }

    fn train(
        rows: &[&Vec<f64>],
        labels: &[f64],
        random: &mut Stream,
        work: Work<'_>,
    ) -> Result<Self, String> {
        let columns = rows.first().map_or(0, |row| row.len());
        let scales: Vec<(f64, f64)> = (0..columns).map(|c| scale(rows, c)).collect();
        let layers = Layers::new(&[columns, HIDDEN, HIDDEN, 1], random);
        let mut network = Self { scales, layers };
        let inputs: Vec<Vec<f32>> = rows.iter().map(|row| network.scaled(row)).collect();
        train(rows.len(), (EPOCHS, BATCH), LEARNING_RATE, random, work, |chosen, step| {
            let batch = Batch::from_fn(columns, chosen.len(), |c, k| inputs[chosen[k]][c]);
            let (kept, logits) = network.layers.forward(batch);
            let labels: Vec<f64> = chosen.iter().map(|&row| labels[row]).collect();
            let gradient = logit_gradient(logits.as_slice(), &labels);
            let (of_weights, _) = network.layers.backward(&kept, gradient);
            network.layers.step(&of_weights, step);
        })?;
        Ok(network)
    }

    fn probabilities(&self, rows: &[&Vec<f64>]) -> Vec<f64> {
        let mut found = Vec::with_capacity(rows.len());
        for block in rows.chunks(AT_ONCE) {
            let scaled: Vec<Vec<f32>> = block.iter().map(|row| self.scaled(row)).collect();
            let batch = Batch::from_fn(self.scales.len(), block.len(), |c, k| scaled[k][c]);
            found.extend(self.layers.forward(batch).1.iter().map(|&logit| f64::from(sigmoid(logit))));
        }
        found
    }
}

impl Network {
    /// A row standardised, with far tails compressed so that they stay finite.
    fn scaled(&self, row: &[f64]) -> Vec<f32> {
        row.iter().zip(&self.scales).map(|(v, (mean, std))| ((v - mean) / std).asinh() as f32).collect()
    }
}

/// Mean and standard deviation of a column; a standard deviation of 0 is replaced by 1.
fn scale(rows: &[&Vec<f64>], column: usize) -> (f64, f64) {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
    let std = (rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if std > 0.0 { std } else { 1.0 })
}
