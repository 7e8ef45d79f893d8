//! Linear layers with leaky rectifiers between them, in single precision.

use nalgebra::DMatrix;
use townsend_core::Stream;

use super::training::{Adam, Step};
use townsend_observables::random::uniform;

/// Slope of the rectifier below 0.
pub(super) const LEAK: f32 = 0.01;

/// Columns are rows of the data, so that one column is one avalanche.
pub(super) type Batch = DMatrix<f32>;

/// Layers one after the other, ending with one logit.
pub(super) struct Layers(Vec<Layer>);

struct Layer {
    /// The last column is the bias.
    weights: DMatrix<f32>,
    adam: Adam,
}

/// What a forward pass remembers: the input of each layer, with a last row of ones.
pub(super) struct Inputs(Vec<Batch>);

impl Layers {
    /// Layers with these numbers of inputs, with one output after the last.
    pub(super) fn new(inputs: &[usize], random: &mut Stream) -> Self {
        let outputs = inputs.iter().skip(1).chain([&1]);
        Self(
            inputs
                .iter()
                .zip(outputs)
                .map(|(&inputs, &outputs)| Layer::new(inputs, outputs, random))
                .collect(),
        )
    }

    /// The logits of a batch.
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

    /// From the gradient of a loss by the logits to those by the weights of each layer and by the input.
    pub(super) fn backward(&self, Inputs(kept): &Inputs, logits: Vec<f32>) -> (Vec<DMatrix<f32>>, Batch) {
        let mut gradient = DMatrix::from_vec(1, logits.len(), logits);
        let mut of_weights = Vec::new();
        for (k, layer) in self.0.iter().enumerate().rev() {
            of_weights.push(&gradient * kept[k].transpose());
            let back = layer.weights.transpose() * &gradient;
            let rows = back.nrows() - 1;
            // The kept input is positive where the rectifier was open; before the first layer there is none.
            gradient = DMatrix::from_fn(rows, back.ncols(), |r, c| {
                if k == 0 || kept[k][(r, c)] > 0.0 { back[(r, c)] } else { LEAK * back[(r, c)] }
            });
        }
        of_weights.reverse();
        (of_weights, gradient)
    }

    /// Goes down the gradients of the weights.
    pub(super) fn step(&mut self, gradients: &[DMatrix<f32>], at: Step) {
        for (layer, gradient) in self.0.iter_mut().zip(gradients) {
            layer.adam.step(layer.weights.as_mut_slice(), gradient.as_slice(), at);
        }
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

/// Half width of an even distribution with the variance 2/inputs of He et al., arXiv:1502.01852.
pub(super) fn he(inputs: usize) -> f32 {
    (6.0 / inputs as f32).sqrt()
}

/// A number from −1 to below 1.
pub(super) fn symmetric(random: &mut Stream) -> f32 {
    (2.0 * uniform(random) - 1.0) as f32
}
