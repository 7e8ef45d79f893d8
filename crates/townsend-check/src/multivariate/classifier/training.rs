//! Training of the networks of the classifier test: Adam with decoupled weight decay, batches in random
//! order, a decreasing learning rate.

use townsend_core::{Stream, Work};
use townsend_kernels::AdamStep;

use super::layers::Batch;
use townsend_observables::random::some_of;

/// Weight decay and, below, the decay of the moments and ε: the defaults of PyTorch's `AdamW`.
const WEIGHT_DECAY: f64 = 1e-2;
const BETAS: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101).
pub(super) struct Adam {
    /// Running means of the gradients and of their squares.
    moments: [Vec<f32>; 2],
}

/// A step of a training.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Number of the step, from 1.
    number: u64,
    rate: f32,
}

impl Adam {
    pub(super) fn new(parameters: usize) -> Self {
        Self { moments: [vec![0.0; parameters], vec![0.0; parameters]] }
    }

    pub(super) fn step(&mut self, parameters: &mut [f32], gradient: &[f32], at: Step) {
        let rate = f64::from(at.rate);
        let adam = AdamStep {
            keep: (1.0 - rate * WEIGHT_DECAY) as f32,
            ..AdamStep::new(rate, BETAS, EPSILON, at.number)
        };
        let [first, second] = &mut self.moments;
        adam.apply(parameters, gradient, first, second);
    }
}

/// Calls `learn` with the rows of one batch after the other, over `epochs` epochs in batches of the given
/// size; the learning rate falls to 0 along half a cosine.
///
/// # Errors
/// The work was asked to stop.
pub(super) fn train(
    rows: usize,
    (epochs, batch): (usize, usize),
    rate: f32,
    random: &mut Stream,
    work: Work<'_>,
    mut learn: impl FnMut(&[usize], Step),
) -> Result<(), String> {
    let steps = epochs * rows.div_ceil(batch);
    let mut number = 0;
    for _ in 0..epochs {
        for chosen in some_of(rows, rows, random).chunks(batch) {
            work.go_on().map_err(|stopped| stopped.to_string())?;
            let part = std::f32::consts::PI * number as f32 / steps as f32;
            number += 1;
            learn(chosen, Step { number, rate: 0.5 * rate * (1.0 + part.cos()) });
        }
    }
    Ok(())
}

/// Derivative of the mean cross entropy of a batch by each logit.
pub(super) fn logit_gradient(logits: &[f32], labels: &[f64]) -> Batch {
    let n = logits.len() as f32;
    let each = logits.iter().zip(labels).map(|(&logit, &label)| (sigmoid(logit) - label as f32) / n);
    Batch::from_iterator(1, logits.len(), each)
}

pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}
