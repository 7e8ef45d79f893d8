//! Arithmetic on CPUs, over slices: of small three-dimensional networks convolutions with their gradients,
//! whole networks in use, and steps of Adam; of simulations normal numbers.
//!
//! ```
//! use townsend_kernels::{Convolution, Isa, Shape, convolve};
//!
//! // A transposed convolution with stride 2: each input cell spreads over 2 cells of the output.
//! let (kernel, stride) = ([1, 1, 2], [1, 1, 2]);
//! let layer = Convolution { transposed: true, inputs: 1, outputs: 1, kernel, stride, padding: [0; 3] };
//! let output = convolve(&layer, [1, 1, 3], &[1.0, 2.0, 3.0], &[10.0, 1.0], &[0.5], Isa::best());
//! assert_eq!(output[..], [10.5, 1.5, 20.5, 2.5, 30.5, 3.5]);
//! assert_eq!(layer.output_size([1, 1, 3]), Some([1, 1, 6]));
//! # assert_eq!(Shape { channels: 1, size: [1, 1, 6] }.len(), 6);
//! ```

#![allow(
    clippy::inline_always,
    reason = "vector functions must become part of the function that enables their instructions"
)]
#![allow(clippy::needless_range_loop, reason = "rows and vectors of a tile are counted, and unrolled")]
#![allow(
    clippy::float_cmp,
    reason = "a slope of exactly 1 leaves numbers as they are; tests mean these very bits"
)]

mod activation;
mod adam;
mod axis;
mod buffer;
mod correlation;
mod exponential;
mod gradient;
mod isa;
mod linear;
mod network;
mod norm;
mod normal;
mod rows;
#[cfg(feature = "sgemm")]
mod sgemm;
mod shape;
mod simd;
mod sparse;
mod stack;
mod tile;

pub use activation::{Activation, SELU};
pub use adam::AdamStep;
pub use buffer::Buffer;
pub use exponential::{exp, exponential, exponentials, softmax_loss};
pub use gradient::weight_gradient;
pub use isa::{Isa, Vectorised, vectorised};
pub use linear::LinearTraining;
pub use network::{Linear, Maps, Network, Normalisation};
pub use normal::normal_numbers;
#[cfg(feature = "sgemm")]
pub use sgemm::{KernelsProduct, matrix_product};
pub use shape::{Convolution, Shape};
pub use sparse::Occupied;
pub use stack::{Block, Stack, StackGradients, Tape, Trained};

use correlation::Correlation;

/// Applies a convolution to a batch of maps of `size`; weights and bias as PyTorch has them, maps in
/// [blocks](Shape).
///
/// # Panics
/// If the kernel does not fit, or a slice has not the length that it should have.
pub fn convolve(
    layer: &Convolution,
    size: [usize; 3],
    input: &[f32],
    weights: &[f32],
    bias: &[f32],
    isa: Isa,
) -> Buffer {
    let shape = Shape { channels: layer.inputs, size };
    let batch = shape.batch(input.len(), shape.len());
    let plan = Correlation::forward(layer, size, batch, isa).expect("the kernel fits");
    let (mut output, mut scratch) = (Buffer::new(batch * plan.output.len()), Buffer::new(plan.scratch()));
    plan.run(input, (&plan.pack(weights, None), bias, 1.0), &mut scratch, &mut output);
    output
}

/// The gradient of a convolution's input of `size` from that of its output.
///
/// # Panics
/// As [`convolve`].
pub fn input_gradient(
    layer: &Convolution,
    size: [usize; 3],
    output_gradient: &[f32],
    weights: &[f32],
    isa: Isa,
) -> Buffer {
    let output_size = layer.output_size(size).expect("the kernel fits");
    let shape = Shape { channels: layer.outputs, size: output_size };
    let batch = shape.batch(output_gradient.len(), shape.len());
    let plan = Correlation::backward(layer, size, batch, isa).expect("the kernel fits");
    let (mut gradient, mut scratch) = (Buffer::new(batch * plan.output.len()), Buffer::new(plan.scratch()));
    let (weights, zeros) = (plan.pack(weights, None), vec![0.0; layer.inputs]);
    plan.run(output_gradient, (&weights, &zeros, 1.0), &mut scratch, &mut gradient);
    gradient
}
