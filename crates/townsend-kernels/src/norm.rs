//! Batch normalisation and the activation after it, in one pass over memory.

use rayon::prelude::*;

use crate::buffer::Buffer;
use crate::isa::{Isa, for_vectors};
use crate::shape::{BLOCK, Shape};
use crate::simd::{Array, Simd};

/// Numbers that a thread works on at a time: 64 kB, which fit into the cache. A multiple of a block.
const PART: usize = 1 << 14;
/// Blocks that are added up in single precision before they enter the sum in double precision.
const SHORT: usize = 64;

/// A batch normalisation as a linear function of each channel, `x · scale + shift`, with the mean of the
/// batch and the inverse of its standard deviation. Channels that fill up the last block are included.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    pub(crate) inverse: Vec<f32>,
}

/// Sixteen numbers that stand side by side: the channels of a block, or sixteen cells of a map of one
/// channel.
type Sixteen = [f32; BLOCK];

/// The numbers of 16 channels, or one number 16 times for a map of one channel.
fn sixteen(shape: Shape, block: usize, of_channels: &[f32]) -> Sixteen {
    let first = block % shape.blocks() * shape.block();
    std::array::from_fn(|lane| of_channels[first + lane % shape.block()])
}

for_vectors! {
    /// Adds the numbers of each lane to the first total.
    fn add(maps: &[Sixteen], total: &mut [[f64; BLOCK]; 2]) {
        for maps in maps.chunks(SHORT) {
            let mut short = [0f32; BLOCK];
            for x in maps {
                for lane in 0..BLOCK {
                    short[lane] += x[lane];
                }
            }
            for lane in 0..BLOCK {
                total[0][lane] += f64::from(short[lane]);
            }
        }
    }

    /// Adds the numbers of each lane to the first total, and their squares to the second. Single precision is
    /// enough, as it holds what numbers have beyond the mean m of a few of them: Σ x = Σ (x − m) + n m and
    /// Σ x² = Σ (x − m)² + 2 m Σ (x − m) + n m².
    fn add_squares(maps: &[Sixteen], total: &mut [[f64; BLOCK]; 2]) {
        for maps in maps.chunks(SHORT) {
            let mut mean = [0f32; BLOCK];
            for x in maps {
                for lane in 0..BLOCK {
                    mean[lane] += x[lane];
                }
            }
            for lane in 0..BLOCK {
                mean[lane] /= maps.len() as f32;
            }
            let (mut beyond, mut squares) = ([0f32; BLOCK], [0f32; BLOCK]);
            for x in maps {
                for lane in 0..BLOCK {
                    let distance = x[lane] - mean[lane];
                    beyond[lane] += distance;
                    squares[lane] += distance * distance;
                }
            }
            for lane in 0..BLOCK {
                let (n, mean, beyond) = (maps.len() as f64, f64::from(mean[lane]), f64::from(beyond[lane]));
                total[0][lane] += beyond + n * mean;
                total[1][lane] += f64::from(squares[lane]) + mean * (2.0 * beyond + n * mean);
            }
        }
    }

    /// Adds the gradients before the activation to the first total, and their products with the numbers,
    /// normalised by `standard`, to the second.
    fn add_gradients(raw: &[Sixteen], gradient: &[Sixteen], affine: &[Sixteen; 2], standard: &[Sixteen; 2], slope: f32, total: &mut [[f64; BLOCK]; 2]) {
        for (raw, gradient) in raw.chunks(SHORT).zip(gradient.chunks(SHORT)) {
            let mut short = [[0f32; BLOCK]; 2];
            for (x, g) in raw.iter().zip(gradient) {
                for lane in 0..BLOCK {
                    let g = if x[lane] * affine[0][lane] + affine[1][lane] > 0.0 { g[lane] } else { g[lane] * slope };
                    short[0][lane] += g;
                    short[1][lane] += g * ((x[lane] - standard[0][lane]) * standard[1][lane]);
                }
            }
            for lane in 0..BLOCK {
                total[0][lane] += f64::from(short[0][lane]);
                total[1][lane] += f64::from(short[1][lane]);
            }
        }
    }

    /// The gradient through activation and normalisation. With g the gradient before the activation and x the
    /// number, it is g · `factors[0]` + x · `factors[1]` + `factors[2]`.
    fn apply_back(gradient: &mut [Sixteen], raw: &[Sixteen], affine: &[Sixteen; 2], factors: &[Sixteen; 3], slope: f32) {
        for (g, x) in gradient.iter_mut().zip(raw) {
            for lane in 0..BLOCK {
                let z = x[lane] * affine[0][lane] + affine[1][lane];
                let before = if z > 0.0 { g[lane] } else { g[lane] * slope };
                g[lane] = before * factors[0][lane] + (x[lane] * factors[1][lane] + factors[2][lane]);
            }
        }
    }

    /// Multiplies negative numbers by `slope`.
    fn leak_part(numbers: &mut [f32], slope: f32) {
        for x in numbers {
            *x = if *x > 0.0 { *x } else { *x * slope };
        }
    }

    fn leak_back_part(gradient: &mut [f32], activated: &[f32], slope: f32) {
        for (g, x) in gradient.iter_mut().zip(activated) {
            *g = if *x > 0.0 { *g } else { *g * slope };
        }
    }
}

/// Normalises and activates. Written in vectors: the compiler would rather gather numbers of many cells.
///
/// # Safety
/// The CPU has `S`.
#[inline(always)]
unsafe fn apply_in<S: Simd>(to: &mut [Sixteen], raw: &[Sixteen], affine: &[Sixteen; 2], slope: f32) {
    for (to, raw) in to.iter_mut().zip(raw) {
        for lane in (0..BLOCK).step_by(S::LANES) {
            // SAFETY: a vector from `lane` on lies in each array, and the caller has the instructions.
            unsafe {
                let [scale, shift] = affine.each_ref().map(|of| S::load(of.as_ptr().add(lane)));
                let z = S::load(raw.as_ptr().add(lane)).multiply_add(scale, shift);
                z.leaky(slope).store(to.as_mut_ptr().add(lane));
            }
        }
    }
}

macro_rules! apply_for {
    ($name:ident, $feature:literal, $vector:ty) => {
        #[target_feature(enable = $feature)]
        fn $name(to: &mut [Sixteen], raw: &[Sixteen], affine: &[Sixteen; 2], slope: f32) {
            // SAFETY: the instructions are enabled here.
            unsafe { apply_in::<$vector>(to, raw, affine, slope) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
apply_for!(apply_avx512, "avx512f", crate::simd::F32x16);
#[cfg(target_arch = "x86_64")]
apply_for!(apply_avx2, "avx2,fma", crate::simd::F32x8);
#[cfg(target_arch = "aarch64")]
apply_for!(apply_neon, "neon", crate::simd::F32x4);

fn apply(to: &mut [Sixteen], raw: &[Sixteen], affine: &[Sixteen; 2], slope: f32) {
    // SAFETY: `Isa::best` is what this CPU has.
    unsafe {
        match Isa::best() {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => apply_avx512(to, raw, affine, slope),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => apply_avx2(to, raw, affine, slope),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => apply_neon(to, raw, affine, slope),
            Isa::Portable => apply_in::<Array>(to, raw, affine, slope),
        }
    }
}

/// Two sums over all cells for each channel, those that fill up the last block included. `of_part` adds up a
/// range of the map of a block, given by its number. The end of a map of one channel that is no whole sixteen
/// is filled up by [`filled`].
fn sums(
    shape: Shape,
    maps: &[f32],
    of_part: impl Fn(usize, std::ops::Range<usize>, &mut [[f64; BLOCK]; 2]) + Sync,
) -> Vec<[f64; 2]> {
    let each = shape.cells() * shape.block();
    let blocks = maps.len().checked_div(each).unwrap_or(0);
    let part = |block: usize| {
        (0..each)
            .step_by(PART)
            .map(move |at| (block, block * each + at..block * each + (at + PART).min(each)))
    };
    let parts: Vec<(usize, std::ops::Range<usize>)> = (0..blocks).flat_map(part).collect();
    let totals: Vec<[[f64; BLOCK]; 2]> = parts
        .par_iter()
        .map(|(block, range)| {
            let mut total = [[0.0; BLOCK]; 2];
            of_part(*block, range.clone(), &mut total);
            total
        })
        .collect();
    // Added up in the order of the map, whichever thread was first.
    let mut channels = vec![[0.0; 2]; shape.padded_channels()];
    for ((block, _), total) in parts.iter().zip(&totals) {
        let first = block % shape.blocks() * shape.block();
        for lane in 0..BLOCK {
            channels[first + lane % shape.block()][0] += total[0][lane];
            channels[first + lane % shape.block()][1] += total[1][lane];
        }
    }
    channels
}

/// The rest of a map beyond whole sixteens, filled up with zeros; empty if there is no rest.
fn filled(rest: &[f32]) -> Vec<Sixteen> {
    let mut last = [0.0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    if rest.is_empty() { Vec::new() } else { vec![last] }
}

/// Calls `of_part` for parts of `to` and of another map, sixteens at a time, with the number of the block.
fn for_parts(
    shape: Shape,
    to: &mut [f32],
    with: &[f32],
    of_part: impl Fn(usize, &mut [Sixteen], &[Sixteen]) + Sync,
) {
    let each = shape.cells() * shape.block();
    if each == 0 {
        return;
    }
    let blocks = to.par_chunks_mut(each).zip(with.par_chunks(each)).enumerate();
    blocks.for_each(|(block, (to, with))| {
        to.par_chunks_mut(PART).zip(with.par_chunks(PART)).for_each(|(to, with)| {
            let (whole, rest) = to.as_chunks_mut::<BLOCK>();
            let (with_whole, with_rest) = with.as_chunks::<BLOCK>();
            of_part(block, whole, with_whole);
            let mut last = filled(rest);
            of_part(block, &mut last, &filled(with_rest));
            rest.iter_mut().zip(last.as_flattened()).for_each(|(to, last)| *to = *last);
        });
    });
}

/// Mean and variance of each channel.
pub(crate) fn moments(shape: Shape, maps: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let n = (maps.len() / shape.padded_channels().max(1)) as f64;
    let sums = sums(shape, maps, |_, range, total| {
        let (whole, rest) = maps[range].as_chunks();
        add_squares(Isa::best(), whole, total);
        add_squares(Isa::best(), &filled(rest), total);
    });
    let variance = |[sum, squares]: &[f64; 2]| (squares / n - (sum / n).powi(2)).max(0.0) as f32;
    (sums.iter().map(|[sum, _]| (sum / n) as f32).collect(), sums.iter().map(variance).collect())
}

fn plain_sums(shape: Shape, maps: &[f32]) -> Vec<f64> {
    let sums = sums(shape, maps, |_, range, total| {
        let (whole, rest) = maps[range].as_chunks();
        add(Isa::best(), whole, total);
        add(Isa::best(), &filled(rest), total);
    });
    sums.iter().map(|[sum, _]| *sum).collect()
}

impl Affine {
    /// From mean and variance of all channels, and weight and bias of those that do not only fill up a block.
    pub(crate) fn new(mean: Vec<f32>, variance: &[f32], epsilon: f64, weight: &[f32], bias: &[f32]) -> Self {
        let inverse: Vec<f32> =
            variance.iter().map(|variance| (1.0 / (f64::from(*variance) + epsilon).sqrt()) as f32).collect();
        let mut scale = vec![0.0; mean.len()];
        let mut shift = vec![0.0; mean.len()];
        for channel in 0..weight.len() {
            scale[channel] = weight[channel] * inverse[channel];
            shift[channel] = bias[channel] - mean[channel] * scale[channel];
        }
        Self { scale, shift, mean, inverse }
    }
}

/// The normalised numbers, negative ones multiplied by `slope`.
pub(crate) fn activate(shape: Shape, raw: &[f32], affine: &Affine, slope: f32) -> Buffer {
    let mut to = Buffer::new(raw.len());
    for_parts(shape, &mut to, raw, |block, to, raw| {
        let affine = [&affine.scale, &affine.shift].map(|of| sixteen(shape, block, of));
        apply(to, raw, &affine, slope);
    });
    to
}

/// Multiplies negative numbers by `slope`.
pub(crate) fn leak(numbers: &mut [f32], slope: f32) {
    numbers.par_chunks_mut(PART).for_each(|part| leak_part(Isa::best(), part, slope));
}

/// From the gradient by the results of [`leak`] to the gradient by its arguments, in place.
pub(crate) fn leak_backward(activated: &[f32], slope: f32, gradient: &mut [f32]) {
    let parts = gradient.par_chunks_mut(PART).zip(activated.par_chunks(PART));
    parts.for_each(|(gradient, activated)| leak_back_part(Isa::best(), gradient, activated, slope));
}

/// The gradient of a batch normalisation, with mean and variance of the batch, and of the activation after
/// it. `gradient` is the gradient by the output and becomes that by `raw`; the gradients by weight and bias
/// are returned.
pub(crate) fn normalise_backward(
    shape: Shape,
    raw: &[f32],
    affine: &Affine,
    slope: f32,
    gradient: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let before = |block| [&affine.scale, &affine.shift].map(|of| sixteen(shape, block, of));
    let totals = sums(shape, raw, |block, range, total| {
        let (whole, rest) = raw[range.clone()].as_chunks();
        let (gradient, gradient_rest) = gradient[range].as_chunks();
        let standard = [&affine.mean, &affine.inverse].map(|of| sixteen(shape, block, of));
        add_gradients(Isa::best(), whole, gradient, &before(block), &standard, slope, total);
        let (rest, gradient_rest) = (filled(rest), filled(gradient_rest));
        add_gradients(Isa::best(), &rest, &gradient_rest, &before(block), &standard, slope, total);
    });
    // (g − mean of g − x̂ · mean of g x̂) · scale with x̂ = (x − mean) · inverse, in powers of g and x.
    let n = (raw.len() / shape.padded_channels().max(1)) as f64;
    let mut factors = [affine.scale.clone(), affine.scale.clone(), affine.scale.clone()];
    for (channel, [plain, along]) in totals.iter().enumerate() {
        let scale = f64::from(affine.scale[channel]);
        let slope = -along / n * f64::from(affine.inverse[channel]) * scale;
        factors[1][channel] = slope as f32;
        factors[2][channel] = (-plain / n * scale - slope * f64::from(affine.mean[channel])) as f32;
    }
    for_parts(shape, gradient, raw, |block, gradient, raw| {
        let factors = factors.each_ref().map(|of| sixteen(shape, block, of));
        apply_back(Isa::best(), gradient, raw, &before(block), &factors, slope);
    });
    let channels = || totals.iter().take(shape.channels);
    (channels().map(|total| total[1] as f32).collect(), channels().map(|total| total[0] as f32).collect())
}

/// The gradient of a bias: the sum over all cells.
pub(crate) fn bias_gradient(shape: Shape, gradient: &[f32]) -> Vec<f32> {
    plain_sums(shape, gradient).iter().take(shape.channels).map(|sum| *sum as f32).collect()
}
