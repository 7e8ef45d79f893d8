//! Convolutions as PyTorch defines them, in loops over f64.

#![allow(dead_code, reason = "every test that includes this module uses a part of it")]

use townsend_kernels::Convolution;

/// What a product of a convolution is made of: where its factors stand, and where it is added.
struct Product {
    input: usize,
    weight: usize,
    output: usize,
}

fn products(layer: &Convolution, size: [usize; 3], batch: usize, mut act: impl FnMut(Product)) {
    let out = layer.output_size(size).unwrap();
    // A transposed convolution is a convolution read backwards: from its output to its input.
    let (from, to) = if layer.transposed { (out, size) } else { (size, out) };
    let (inputs, outputs) =
        if layer.transposed { (layer.outputs, layer.inputs) } else { (layer.inputs, layer.outputs) };
    let [kt, kz, kx] = layer.kernel;
    let index = |n: usize, channels: usize, channel: usize, size: [usize; 3], at: [usize; 3]| {
        (((n * channels + channel) * size[0] + at[0]) * size[1] + at[1]) * size[2] + at[2]
    };
    for n in 0..batch {
        for o in 0..outputs {
            for i in 0..inputs {
                for tap in 0..kt * kz * kx {
                    let k = [tap / (kz * kx), tap / kx % kz, tap % kx];
                    for cell in 0..to.iter().product::<usize>() {
                        let at = [cell / (to[1] * to[2]), cell / to[2] % to[1], cell % to[2]];
                        let source: [usize; 3] = std::array::from_fn(|a| {
                            (at[a] * layer.stride[a] + k[a]).wrapping_sub(layer.padding[a])
                        });
                        if (0..3).all(|a| source[a] < from[a]) {
                            let (far, near) =
                                (index(n, inputs, i, from, source), index(n, outputs, o, to, at));
                            let weight = (o * inputs + i) * kt * kz * kx + tap;
                            let (input, output) = if layer.transposed { (near, far) } else { (far, near) };
                            act(Product { input, weight, output });
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn convolve<T: Copy + Into<f64>>(
    layer: &Convolution,
    size: [usize; 3],
    input: &[T],
    weights: &[T],
    bias: &[T],
) -> Vec<f64> {
    let batch = input.len() / (layer.inputs * size.iter().product::<usize>());
    let cells: usize = layer.output_size(size).unwrap().iter().product();
    let mut output: Vec<f64> =
        (0..batch * layer.outputs * cells).map(|at| bias[at / cells % layer.outputs].into()).collect();
    products(layer, size, batch, |p| output[p.output] += input[p.input].into() * weights[p.weight].into());
    output
}

pub(crate) fn input_gradient(
    layer: &Convolution,
    size: [usize; 3],
    gradient: &[f32],
    weights: &[f32],
    batch: usize,
) -> Vec<f64> {
    let mut input = vec![0.0; batch * layer.inputs * size.iter().product::<usize>()];
    products(layer, size, batch, |p| {
        input[p.input] += f64::from(gradient[p.output]) * f64::from(weights[p.weight]);
    });
    input
}

pub(crate) fn weight_gradient(
    layer: &Convolution,
    size: [usize; 3],
    input: &[f32],
    gradient: &[f32],
    batch: usize,
) -> Vec<f64> {
    let mut weights = vec![0.0; layer.weights()];
    products(layer, size, batch, |p| {
        weights[p.weight] += f64::from(input[p.input]) * f64::from(gradient[p.output]);
    });
    weights
}

/// Number of products that are not with padding.
pub(crate) fn count(layer: &Convolution, size: [usize; 3]) -> usize {
    let mut count = 0;
    products(layer, size, 1, |_| count += 1);
    count
}

/// Numbers of order 1 that look random.
pub(crate) fn numbers(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Largest deviation, in units of what `terms` products of order 1 can add up to by chance.
pub(crate) fn assert_close(what: &str, got: &[f32], want: &[f64], terms: usize) {
    assert_eq!(got.len(), want.len(), "{what}");
    let tolerance = 4e-6 * (terms as f64).sqrt().max(1.0);
    for (at, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (f64::from(*got) - want).abs() <= tolerance,
            "{what} at {at}: {got} for {want}, tolerance {tolerance:e}"
        );
    }
}
