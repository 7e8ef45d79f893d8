//! Linear layers with leaky rectifiers between them, in single precision.

use nalgebra::DMatrix;
use townsend_core::Stream;

use super::training::{Adam, Step};
use townsend_observables::random::uniform;

/// Slope of the rectifier below 0.
pub(super) const LEAK: f32 = 0.01;

/// A batch: each column is one avalanche, each row one of its numbers.
pub(super) type Batch = DMatrix<f32>;

/// A sequence of layers; behind the last one there is no rectifier.
pub(super) struct Layers(Vec<Layer>);

struct Layer {
    /// The last column is the bias.
    weights: DMatrix<f32>,
    adam: Adam,
}

/// What the backward pass needs of a forward pass: the input of each layer, with a last row of ones.
pub(super) struct Inputs(Vec<Batch>);

impl Layers {
    /// Layers between these numbers of values: those of the input, of every hidden layer, of the output.
    pub(super) fn new(sizes: &[usize], random: &mut Stream) -> Self {
        Self(sizes.windows(2).map(|ends| Layer::new(ends[0], ends[1], random)).collect())
    }

    /// The outputs for a batch, such as logits.
    pub(super) fn forward(&self, inputs: Batch) -> (Inputs, Batch) {
        let mut kept = Vec::new();
        let mut current = inputs;
        for (k, layer) in self.0.iter().enumerate() {
            let rows = current.nrows();
            let with_ones = current.insert_row(rows, 1.0);
            current = &layer.weights * &with_ones;
            kept.push(with_ones);
            if k + 1 < self.0.len() {
                current.apply(|v| *v = if *v > 0.0 { *v } else { LEAK * *v });
            }
        }
        (Inputs(kept), current)
    }

    /// The gradients of a loss by the weights of each layer and by the input, from that by the outputs.
    pub(super) fn backward(&self, Inputs(kept): &Inputs, outputs: Batch) -> (Vec<DMatrix<f32>>, Batch) {
        let mut gradient = outputs;
        let mut of_weights = Vec::new();
        for (k, layer) in self.0.iter().enumerate().rev() {
            of_weights.push(&gradient * kept[k].transpose());
            let back = layer.weights.transpose() * &gradient;
            let rows = back.nrows() - 1;
            // The stored input is positive where the rectifier passed it on; before the first layer there is
            // no rectifier.
            gradient = DMatrix::from_fn(rows, back.ncols(), |r, c| {
                if k == 0 || kept[k][(r, c)] > 0.0 { back[(r, c)] } else { LEAK * back[(r, c)] }
            });
        }
        of_weights.reverse();
        (of_weights, gradient)
    }

    /// Updates the weights against their gradients.
    pub(super) fn step(&mut self, gradients: &[DMatrix<f32>], at: Step) {
        for (layer, gradient) in self.0.iter_mut().zip(gradients) {
            layer.adam.step(layer.weights.as_mut_slice(), gradient.as_slice(), at);
        }
    }
}

#[cfg(test)]
impl Layers {
    /// All weights times a factor.
    pub(super) fn scale_weights(&mut self, factor: f32) {
        self.0.iter_mut().for_each(|layer| layer.weights *= factor);
    }

    /// The sum over all weights of weight times gradient.
    pub(super) fn along_weights(&self, gradients: &[DMatrix<f32>]) -> f64 {
        self.0.iter().zip(gradients).map(|(layer, gradient)| f64::from(layer.weights.dot(gradient))).sum()
    }
}

impl Layer {
    fn new(inputs: usize, outputs: usize, random: &mut Stream) -> Self {
        let most = he(inputs);
        let mut weights = DMatrix::from_fn(outputs, inputs + 1, |_, _| most * symmetric(random));
        weights.column_mut(inputs).fill(0.0);
        Self { weights, adam: Adam::new(outputs * (inputs + 1)) }
    }
}

/// Half width of a uniform distribution with the variance 2/inputs of He et al., arXiv:1502.01852.
pub(super) fn he(inputs: usize) -> f32 {
    (6.0 / inputs as f32).sqrt()
}

/// A random number from −1 to below 1.
pub(super) fn symmetric(random: &mut Stream) -> f32 {
    (2.0 * uniform(random) - 1.0) as f32
}
