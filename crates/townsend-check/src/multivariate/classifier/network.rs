//! A small multilayer perceptron: two hidden layers, leaky rectifiers, Adam with decoupled weight decay (Loshchilov
//! and Hutter, arXiv:1711.05101), in single precision.

use nalgebra::DMatrix;
use townsend_core::Stream;

use crate::random::{some_of, uniform};

const HIDDEN: usize = 64;
const EPOCHS: usize = 25;
const BATCH: usize = 128;
const LEARNING_RATE: f32 = 2e-3;
const DECAY: f32 = 1e-2;
/// Slope of the rectifier below 0.
const LEAK: f32 = 0.01;

/// Columns are rows of the data, so that one column is one avalanche.
type Batch = DMatrix<f32>;

pub(super) struct Network {
    scales: Vec<(f64, f64)>,
    layers: Vec<Layer>,
}

struct Layer {
    weights: DMatrix<f32>,
    /// Running means of the gradients and of their squares.
    moments: [DMatrix<f32>; 2],
}

pub(super) fn describe() -> String {
    format!("multilayer perceptron, 2 × {HIDDEN}, {EPOCHS} epochs of AdamW")
}

impl Layer {
    /// The last column of the weights is the bias.
    fn new(inputs: usize, outputs: usize, random: &mut Stream) -> Self {
        // Uniform with the variance 2/inputs of He et al., arXiv:1502.01852.
        let most = (6.0 / inputs as f64).sqrt();
        let mut weights =
            DMatrix::from_fn(outputs, inputs + 1, |_, _| (most * (2.0 * uniform(random) - 1.0)) as f32);
        weights.column_mut(inputs).fill(0.0);
        let zeros = DMatrix::zeros(outputs, inputs + 1);
        Self { weights, moments: [zeros.clone(), zeros] }
    }

    fn forward(&self, input: &Batch) -> Batch {
        &self.weights * input
    }

    fn step(&mut self, gradient: &DMatrix<f32>, step: i32, rate: f32) {
        let (first, second) = (0.9f32, 0.999f32);
        let (first_left, second_left) = (1.0 - first.powi(step), 1.0 - second.powi(step));
        let [mean, square] = &mut self.moments;
        let moments = mean.iter_mut().zip(square.iter_mut());
        for ((weight, g), (mean, square)) in self.weights.iter_mut().zip(gradient.iter()).zip(moments) {
            *mean += (1.0 - first) * (g - *mean);
            *square += (1.0 - second) * (g * g - *square);
            let change = (*mean / first_left) / ((*square / second_left).sqrt() + 1e-8);
            *weight -= rate * (change + DECAY * *weight);
        }
    }
}

impl Network {
    /// Trains on rows with the labels 0 and 1. The learning rate falls along a half cosine to 0.
    pub(super) fn train(rows: &[&[f64]], labels: &[f64], random: &mut Stream) -> Self {
        let columns = rows.first().map_or(0, |row| row.len());
        let scales: Vec<(f64, f64)> = (0..columns).map(|c| scale(rows, c)).collect();
        let layers = [(columns, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)]
            .map(|(inputs, outputs)| Layer::new(inputs, outputs, random))
            .into();
        let mut network = Self { scales, layers };
        let inputs: Vec<Vec<f32>> = rows.iter().map(|row| network.scaled(row)).collect();
        let steps = EPOCHS * rows.len().div_ceil(BATCH);
        let mut step = 0;
        for _ in 0..EPOCHS {
            for chosen in some_of(rows.len(), rows.len(), random).chunks(BATCH) {
                let part = std::f32::consts::PI * step as f32 / steps as f32;
                step += 1;
                network.learn(&inputs, labels, chosen, step, 0.5 * LEARNING_RATE * (1.0 + part.cos()));
            }
        }
        network
    }

    /// Standardised, then bent so that far tails stay finite.
    fn scaled(&self, row: &[f64]) -> Vec<f32> {
        row.iter().zip(&self.scales).map(|(v, (mean, std))| ((v - mean) / std).asinh() as f32).collect()
    }

    /// Every layer's input, each with a last row of ones, and the logits.
    fn activations(&self, inputs: Batch) -> (Vec<Batch>, Batch) {
        let mut kept = Vec::new();
        let mut current = inputs;
        for (k, layer) in self.layers.iter().enumerate() {
            let rows = current.nrows();
            let with_ones = current.insert_row(rows, 1.0);
            current = layer.forward(&with_ones);
            kept.push(with_ones);
            if k + 1 < self.layers.len() {
                current.apply(|v| *v = if *v > 0.0 { *v } else { LEAK * *v });
            }
        }
        (kept, current)
    }

    fn learn(&mut self, inputs: &[Vec<f32>], labels: &[f64], chosen: &[usize], step: i32, rate: f32) {
        let columns = self.scales.len();
        let batch = Batch::from_fn(columns, chosen.len(), |c, k| inputs[chosen[k]][c]);
        let (kept, logits) = self.activations(batch);
        // Gradient of the cross entropy by the logit.
        let mut gradient = DMatrix::from_fn(1, chosen.len(), |_, k| {
            (sigmoid(logits[k]) - labels[chosen[k]] as f32) / chosen.len() as f32
        });
        for k in (0..self.layers.len()).rev() {
            let of_weights = &gradient * kept[k].transpose();
            if k > 0 {
                let back = self.layers[k].weights.transpose() * &gradient;
                let rows = back.nrows() - 1;
                // The kept input is positive where the rectifier was open.
                gradient = DMatrix::from_fn(rows, chosen.len(), |r, c| {
                    if kept[k][(r, c)] > 0.0 { back[(r, c)] } else { LEAK * back[(r, c)] }
                });
            }
            self.layers[k].step(&of_weights, step, rate);
        }
    }

    /// Probability of each row to be of label 1.
    pub(super) fn judge(&self, rows: &[&[f64]]) -> Vec<f64> {
        let mut found = Vec::with_capacity(rows.len());
        for block in rows.chunks(1024) {
            let scaled: Vec<Vec<f32>> = block.iter().map(|row| self.scaled(row)).collect();
            let batch = Batch::from_fn(self.scales.len(), block.len(), |c, k| scaled[k][c]);
            found.extend(self.activations(batch).1.iter().map(|&logit| f64::from(sigmoid(logit))));
        }
        found
    }
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Mean and standard deviation of a column; 1 where it has none.
fn scale(rows: &[&[f64]], column: usize) -> (f64, f64) {
    let n = rows.len() as f64;
    let mean = rows.iter().map(|row| row[column]).sum::<f64>() / n;
    let std = (rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / n).sqrt();
    (mean, if std > 0.0 { std } else { 1.0 })
}
