//! A small convolutional network on cells, one of the classifiers.

use nalgebra::DMatrix;
use townsend_core::{Stream, Work};
use townsend_kernels::{Block, Convolution, Shape, Stack, Trained};

use super::Classifier;
use super::layers::{Batch, LEAK, Layers, he, symmetric};
use super::training::{Adam, logit_gradient, sigmoid, train};
use crate::cells::Image;

/// Channels, kernel size, stride and padding of each convolution: the first combines every cell with its
/// neighbours, the others merge two cells along each axis.
const CONVOLUTIONS: [(usize, usize, usize, usize); 3] = [(16, 3, 1, 1), (16, 2, 2, 0), (32, 2, 2, 0)];
/// Neurons between the channel means of the last convolution and the logit.
const HIDDEN: usize = 64;
const EPOCHS: usize = 10;
/// Avalanches in a batch. Chosen, not fitted: few avalanches then still make hundreds of steps.
const BATCH: usize = 32;
const LEARNING_RATE: f32 = 2e-3;
/// Images that pass through the network together, to limit memory.
const AT_ONCE: usize = 256;
/// Constant added to the variance in a normalisation, and weight of a batch in the running statistics.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f32 = 0.1;

/// Convolutions with batch normalisation and leaky rectifiers, followed by a perceptron on the mean of each
/// output channel, so that patterns count wherever they are.
pub(in crate::multivariate) struct ConvolutionalNetwork {
    stack: Stack,
    parameters: Vec<f32>,
    /// Running mean and variance of every normalised channel; empty before the first batch.
    statistics: Vec<f32>,
    /// Factor on the square roots of the numbers of electrons.
    scale: f32,
    head: Layers,
}

/// Gradients of the mean cross entropy of a batch.
struct Gradients {
    convolutions: Vec<f32>,
    head: Vec<DMatrix<f32>>,
}

/// The convolutions for images of this size; none if the size is too small for one of them.
fn stack(size: [usize; 3]) -> Option<Stack> {
    let mut inputs = 1;
    let block = |(outputs, kernel, stride, padding)| {
        let along = |value: usize, single: usize| size.map(|cells| if cells > 1 { value } else { single });
        let (kernel, stride, padding) = (along(kernel, 1), along(stride, 1), along(padding, 0));
        let convolution = Convolution { transposed: false, inputs, outputs, kernel, stride, padding };
        inputs = outputs;
        Block { convolution, norm: Some(EPSILON), slope: LEAK }
    };
    Stack::new(size, CONVOLUTIONS.into_iter().map(block).collect())
}

/// Initial parameters: weights by He et al., biases 0, and normalisations that change nothing.
fn start(stack: &Stack, random: &mut Stream) -> Vec<f32> {
    let mut parameters = Vec::with_capacity(stack.parameters());
    for Block { convolution, .. } in stack.blocks() {
        let most = he(convolution.inputs * convolution.taps());
        parameters.extend((0..convolution.weights()).map(|_| most * symmetric(random)));
        // Bias, weight and bias of the normalisation.
        for value in [0.0, 1.0, 0.0] {
            parameters.extend(std::iter::repeat_n(value, convolution.outputs));
        }
    }
    parameters
}

impl Classifier for ConvolutionalNetwork {
    type Row = Image;

    fn describe() -> String {
        let channels = CONVOLUTIONS.map(|(channels, ..)| channels.to_string()).join(", ");
        format!("convolutional network of {channels} channels, {EPOCHS} epochs of AdamW")
    }

    fn train(images: &[&Image], labels: &[f64], random: &mut Stream, work: Work<'_>) -> Result<Self, String> {
        let mut network = Self::new(images, random)?;
        let mut adam = Adam::new(network.parameters.len());
        train(images.len(), (EPOCHS, BATCH), LEARNING_RATE, random, work, |chosen, step| {
            let images: Vec<&Image> = chosen.iter().map(|&row| images[row]).collect();
            let labels: Vec<f64> = chosen.iter().map(|&row| labels[row]).collect();
            let trained = network.stack.train(&network.dense(&images), &network.parameters);
            let gradients = network.gradients(&trained, &labels);
            network.follow(&trained.statistics);
            adam.step(&mut network.parameters, &gradients.convolutions, step);
            network.head.step(&gradients.head, step);
        })?;
        Ok(network)
    }

    fn probabilities(&self, images: &[&Image]) -> Vec<f64> {
        let of_block = |images: &[&Image]| {
            let maps = self.stack.infer(&self.dense(images), &self.parameters, &self.statistics);
            self.head.forward(means(self.stack.output(), &maps)).1
        };
        let logits = images.chunks(AT_ONCE).map(of_block);
        logits
            .flat_map(|block| block.iter().map(|&logit| f64::from(sigmoid(logit))).collect::<Vec<_>>())
            .collect()
    }
}

impl ConvolutionalNetwork {
    fn new(images: &[&Image], random: &mut Stream) -> Result<Self, String> {
        let size = images.first().map_or([1; 3], |image| image.size);
        let stack = stack(size).ok_or_else(|| format!("{size:?} cells are too few for its convolutions"))?;
        let parameters = start(&stack, random);
        let head = Layers::new(&[stack.output().channels, HIDDEN, 1], random);
        Ok(Self { stack, parameters, statistics: Vec::new(), scale: scale(images), head })
    }

    /// Input of the network, `[batch][t][z][x]`: square roots of the numbers of electrons, whose statistical
    /// fluctuations are the same everywhere.
    fn dense(&self, images: &[&Image]) -> Vec<f32> {
        let cells = self.stack.input().cells();
        let mut dense = vec![0.0; images.len() * cells];
        for (image, dense) in images.iter().zip(dense.chunks_mut(cells)) {
            for &(cell, electrons) in &image.occupied {
                dense[usize::from(cell)] = self.scale * electrons.sqrt();
            }
        }
        dense
    }

    fn gradients(&self, trained: &Trained, labels: &[f64]) -> Gradients {
        let maps = self.stack.output();
        let (kept, logits) = self.head.forward(means(maps, &trained.output));
        let (head, of_means) = self.head.backward(&kept, logit_gradient(logits.as_slice(), labels));
        let of_maps = means_gradient(maps, &of_means);
        let convolutions = self.stack.backward(&trained.tape, &self.parameters, &of_maps, false).parameters;
        Gradients { convolutions, head }
    }

    fn follow(&mut self, of_batch: &[f32]) {
        if self.statistics.is_empty() {
            self.statistics = of_batch.to_vec();
        }
        for (running, of_batch) in self.statistics.iter_mut().zip(of_batch) {
            *running += MOMENTUM * (of_batch - *running);
        }
    }
}

/// One over the root mean square, over all cells, of the square roots of the numbers of electrons.
fn scale(images: &[&Image]) -> f32 {
    let electrons: f64 = images.iter().flat_map(|image| &image.occupied).map(|&(_, n)| f64::from(n)).sum();
    let cells: f64 = images.iter().map(|image| image.size.iter().product::<usize>() as f64).sum();
    if electrons > 0.0 { (cells / electrons).sqrt() as f32 } else { 1.0 }
}

/// The mean of each channel over the cells, one column for each avalanche.
fn means(maps: Shape, output: &[f32]) -> Batch {
    let means = output.chunks(maps.cells()).map(|cells| cells.iter().sum::<f32>() / maps.cells() as f32);
    Batch::from_iterator(maps.channels, output.len() / maps.values(), means)
}

/// The gradient by the cells, from the gradient by their means.
fn means_gradient(maps: Shape, gradient: &Batch) -> Vec<f32> {
    let each = gradient.iter().map(|by_mean| by_mean / maps.cells() as f32);
    each.flat_map(|by_cell| std::iter::repeat_n(by_cell, maps.cells())).collect()
}

#[cfg(test)]
mod tests;
