//! The first convolution of an encoder, where hardly any of the many input cells are occupied.
//!
//! Each occupied cell adds its value times a weight to the few output cells whose kernel covers it; the
//! gradient of the weights is summed over the same pairs of cells. The work grows with the number of occupied
//! cells, not with the grid.

use rayon::prelude::*;

use crate::isa::{Vectorised, vectorised};
use crate::shape::{BLOCK, Convolution, Shape};

/// Occupied cells of a batch of maps with one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Occupied {
    size: [usize; 3],
    /// Cell and value, element after element of the batch.
    elements: Vec<Vec<(u32, f32)>>,
}

impl Occupied {
    /// The cells of a dense batch that are not 0, or `None` if these are more than one in 16: then a dense
    /// convolution is faster.
    ///
    /// # Panics
    /// If `dense` is not a whole number of maps.
    pub fn find(dense: &[f32], size: [usize; 3]) -> Option<Self> {
        let shape = Shape { channels: 1, size };
        let batch = shape.batch(dense.len(), shape.len());
        let limit = dense.len() / 16;
        let elements: Vec<Vec<(u32, f32)>> =
            (0..batch).into_par_iter().map(|n| occupied(&dense[n * shape.len()..][..shape.len()])).collect();
        (elements.iter().map(Vec::len).sum::<usize>() <= limit).then_some(Self { size, elements })
    }

    /// Maps in the batch.
    pub fn batch(&self) -> usize {
        self.elements.len()
    }

    /// The convolution of the batch; weights and bias as PyTorch has them.
    ///
    /// # Panics
    /// If `layer` is transposed, has more than one input channel, or does not fit.
    pub fn convolve(&self, layer: &Convolution, weights: &[f32], bias: &[f32]) -> Vec<f32> {
        let mut maps = vec![0.0; self.batch() * self.output(layer).len()];
        self.convolve_into(layer, weights, bias, &mut maps);
        maps
    }

    pub(crate) fn convolve_into(&self, layer: &Convolution, weights: &[f32], bias: &[f32], maps: &mut [f32]) {
        let output = self.output(layer);
        let weights = by_tap(layer, weights);
        let mut start = vec![0.0; output.padded_channels()];
        start[..bias.len()].copy_from_slice(bias);
        maps.par_chunks_mut(output.len()).zip(&self.elements).for_each(|(map, cells)| {
            for (block, map) in map.chunks_exact_mut(output.cells() * BLOCK).enumerate() {
                let start = &start[block * BLOCK..][..BLOCK];
                map.as_chunks_mut::<BLOCK>().0.iter_mut().for_each(|cell| cell.copy_from_slice(start));
            }
            let act = |to: usize, tap: usize, value: f32| {
                let weights = &weights[tap * output.padded_channels()..][..output.padded_channels()];
                for (block, weights) in weights.as_chunks::<BLOCK>().0.iter().enumerate() {
                    let sums = &mut map[(block * output.cells() + to) * BLOCK..][..BLOCK];
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * value);
                }
            };
            vectorised(Visit { size: self.size, layer, output, cells, act });
        });
    }

    /// The gradient of the weights from the gradients of the outputs.
    ///
    /// # Panics
    /// As [`Occupied::convolve`].
    pub fn weight_gradient(&self, layer: &Convolution, output_gradient: &[f32]) -> Vec<f32> {
        let output = self.output(layer);
        let channels = output.padded_channels();
        let element = |(cells, gradient): (&Vec<(u32, f32)>, &[f32])| {
            let mut sums = vec![0.0; layer.taps() * channels];
            let act = |from: usize, tap: usize, value: f32| {
                let sums = &mut sums[tap * channels..][..channels];
                for (block, sums) in sums.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
                    let gradient = &gradient[(block * output.cells() + from) * BLOCK..][..BLOCK];
                    sums.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient * value);
                }
            };
            vectorised(Visit { size: self.size, layer, output, cells, act });
            sums
        };
        let sums: Vec<Vec<f32>> =
            self.elements.par_iter().zip(output_gradient.par_chunks(output.len())).map(element).collect();
        // Added up in the order of the batch, whichever thread was first.
        let mut weights = vec![0.0; layer.weights()];
        for sums in &sums {
            for (channel, weights) in weights.chunks_exact_mut(layer.taps()).enumerate() {
                weights
                    .iter_mut()
                    .enumerate()
                    .for_each(|(tap, weight)| *weight += sums[tap * channels + channel]);
            }
        }
        weights
    }

    fn output(&self, layer: &Convolution) -> Shape {
        assert!(!layer.transposed && layer.inputs == 1, "occupied cells are those of one input channel");
        // One output channel is laid out in another way, which is not written here: no network convolves one
        // channel to one.
        assert!(layer.outputs > 1, "more than one output channel");
        Shape { channels: layer.outputs, size: layer.output_size(self.size).expect("the kernel fits") }
    }
}

/// Calls `act` with output cell, tap and input value for every product of a convolution with the `cells` of a
/// map of one channel.
struct Visit<'a, A> {
    size: [usize; 3],
    layer: &'a Convolution,
    output: Shape,
    cells: &'a [(u32, f32)],
    act: A,
}

impl<A: FnMut(usize, usize, f32)> Vectorised for Visit<'_, A> {
    #[inline(always)]
    fn work(mut self) {
        let (layer, output, [_, z_size, x_size]) = (self.layer, self.output, self.size);
        let pairs = |axis: usize, at: usize| {
            let (kernel, stride) = (layer.kernel[axis], layer.stride[axis]);
            let at = at + layer.padding[axis];
            let first = (at + 1).saturating_sub(kernel).div_ceil(stride);
            let last = (at / stride + 1).min(output.size[axis]);
            (first..last).map(move |out| (out, at - out * stride))
        };
        for &(cell, value) in self.cells {
            let cell = cell as usize;
            for (t, kt) in pairs(0, cell / (z_size * x_size)) {
                for (z, kz) in pairs(1, cell / x_size % z_size) {
                    for (x, kx) in pairs(2, cell % x_size) {
                        let to = (t * output.size[1] + z) * output.size[2] + x;
                        (self.act)(to, (kt * layer.kernel[1] + kz) * layer.kernel[2] + kx, value);
                    }
                }
            }
        }
    }
}

fn occupied(map: &[f32]) -> Vec<(u32, f32)> {
    let mut cells = Vec::new();
    for (index, chunk) in map.chunks(BLOCK).enumerate() {
        if chunk.iter().any(|&value| value != 0.0) {
            let found = chunk.iter().enumerate().filter(|(_, value)| **value != 0.0);
            cells.extend(found.map(|(lane, &value)| ((index * BLOCK + lane) as u32, value)));
        }
    }
    cells
}

/// From `[out][tap]` to `[tap][out]`, with zeros that fill up the last block of output channels.
fn by_tap(layer: &Convolution, weights: &[f32]) -> Vec<f32> {
    let channels = layer.outputs.next_multiple_of(BLOCK);
    let mut to = vec![0.0; layer.taps() * channels];
    for (channel, weights) in weights.chunks_exact(layer.taps()).enumerate() {
        weights.iter().enumerate().for_each(|(tap, &weight)| to[tap * channels + channel] = weight);
    }
    to
}
