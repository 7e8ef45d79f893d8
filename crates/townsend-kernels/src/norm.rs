//! Batch normalisation and the activation after it, in one go over memory.

use rayon::prelude::*;

use crate::buffer::Buffer;
use crate::shape::{BLOCK, Shape};

/// Numbers that a thread works on at a time; a multiple of a block.
const PART: usize = 1 << 14;
/// Blocks that are added up in single precision before they enter the sum in double precision.
const SHORT: usize = 64;

/// What a batch normalisation does to each channel (filled up ones included): `x · scale + shift`, where `mean` and `inverse`, one over
/// the standard deviation, are those of the batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Affine {
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    pub(crate) inverse: Vec<f32>,
}

/// A stretch of a map of one block of channels: where it begins, and the block's number.
fn parts(shape: Shape, numbers: usize) -> Vec<(usize, usize, usize)> {
    let each = shape.cells() * shape.block();
    let blocks = numbers.checked_div(each).unwrap_or(0);
    let part = |block: usize| {
        (0..each)
            .step_by(PART)
            .map(move |at| (block * each + at, (each - at).min(PART), block % shape.blocks()))
    };
    (0..blocks).flat_map(part).collect()
}

/// Sums of `N` functions of each number over the cells of each channel. `terms` is given a lane of the vectors from `lanes`, and
/// numbers of all `maps`.
fn sums<const N: usize, const K: usize>(
    shape: Shape,
    maps: [&[f32]; K],
    terms: impl Fn(usize, [f32; K]) -> [f32; N] + Sync,
) -> Vec<[f64; N]> {
    let parts = parts(shape, maps[0].len());
    let of_part = |&(start, length, block): &(usize, usize, usize)| {
        let mut total = [[0f64; BLOCK]; N];
        for first in (start..start + length).step_by(SHORT * BLOCK) {
            let mut short = [[0f32; BLOCK]; N];
            for at in (first..(start + length).min(first + SHORT * BLOCK)).step_by(BLOCK) {
                for lane in 0..BLOCK.min(start + length - at) {
                    let channel = if shape.block() == 1 { 0 } else { block * BLOCK + lane };
                    let values = terms(channel, std::array::from_fn(|k| maps[k][at + lane]));
                    (0..N).for_each(|n| short[n][lane] += values[n]);
                }
            }
            for (total, short) in total.iter_mut().zip(&short) {
                total.iter_mut().zip(short).for_each(|(total, short)| *total += f64::from(*short));
            }
        }
        total
    };
    let of_parts: Vec<[[f64; BLOCK]; N]> = parts.par_iter().map(of_part).collect();
    let mut channels = vec![[0.0; N]; shape.padded_channels()];
    for ((_, _, block), totals) in parts.iter().zip(&of_parts) {
        for (n, lanes) in totals.iter().enumerate() {
            for (lane, total) in lanes.iter().enumerate() {
                channels[if shape.block() == 1 { 0 } else { block * BLOCK + lane }][n] += total;
            }
        }
    }
    channels
}

/// Replaces each number by a function of it, its channel and the numbers of another map.
fn map(shape: Shape, to: &mut [f32], with: &[f32], function: impl Fn(usize, f32, f32) -> f32 + Sync) {
    let each = shape.cells() * shape.block();
    if each == 0 {
        return;
    }
    let blocks = to.par_chunks_mut(each).zip(with.par_chunks(each)).enumerate();
    blocks.for_each(|(block, (to, with))| {
        let first = block % shape.blocks() * shape.block();
        to.par_chunks_mut(PART).zip(with.par_chunks(PART)).for_each(|(to, with)| {
            if shape.block() == 1 {
                to.iter_mut().zip(with).for_each(|(to, with)| *to = function(0, *to, *with));
            } else {
                let cells = to.as_chunks_mut::<BLOCK>().0.iter_mut().zip(with.as_chunks::<BLOCK>().0);
                for (to, with) in cells {
                    for lane in 0..BLOCK {
                        to[lane] = function(first + lane, to[lane], with[lane]);
                    }
                }
            }
        });
    });
}

/// Mean and variance of each channel.
pub(crate) fn moments(shape: Shape, maps: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let n = (maps.len() / shape.padded_channels().max(1)) as f64;
    let mean: Vec<f32> = sums(shape, [maps], |_, [x]| [x]).iter().map(|[sum]| (sum / n) as f32).collect();
    let squares = sums(shape, [maps], |channel, [x]| [(x - mean[channel]) * (x - mean[channel])]);
    let variance = squares.iter().map(|[sum]| (sum / n) as f32).collect();
    (mean, variance)
}

impl Affine {
    /// From the moments of filled up channels and the factors of real ones.
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

/// Normalised and activated: negative ones times `slope`.
pub(crate) fn activate(shape: Shape, raw: &[f32], affine: &Affine, slope: f32) -> Buffer {
    let mut to = Buffer::new(raw.len());
    map(shape, &mut to, raw, |channel, _, raw| {
        let z = raw * affine.scale[channel] + affine.shift[channel];
        if z > 0.0 { z } else { z * slope }
    });
    to
}

/// Negative ones times `slope`.
pub(crate) fn leak(numbers: &mut [f32], slope: f32) {
    numbers.par_chunks_mut(PART).for_each(|part| {
        part.iter_mut().filter(|x| **x < 0.0).for_each(|x| *x *= slope);
    });
}

/// From the gradient of what is left of numbers after [`leak`] to that of the numbers, in place.
pub(crate) fn leak_backward(activated: &[f32], slope: f32, gradient: &mut [f32]) {
    gradient.par_chunks_mut(PART).zip(activated.par_chunks(PART)).for_each(|(gradient, activated)| {
        gradient.iter_mut().zip(activated).filter(|(_, x)| **x <= 0.0).for_each(|(g, _)| *g *= slope);
    });
}

/// Goes back through a batch normalisation whose mean and variance are those of the batch, and the activation after it. `gradient` becomes that of
/// `raw`; the gradients of weight and bias come back.
pub(crate) fn normalise_backward(
    shape: Shape,
    raw: &[f32],
    affine: &Affine,
    slope: f32,
    gradient: &mut [f32],
) -> (Vec<f32>, Vec<f32>) {
    let Affine { scale, shift, mean, inverse } = affine;
    let before = |channel: usize, gradient: f32, raw: f32| {
        if raw * scale[channel] + shift[channel] > 0.0 { gradient } else { gradient * slope }
    };
    let totals = sums(shape, [gradient, raw], |channel, [gradient, raw]| {
        let gradient = before(channel, gradient, raw);
        [gradient, gradient * (raw - mean[channel]) * inverse[channel]]
    });
    let n = (raw.len() / shape.padded_channels().max(1)) as f64;
    let means: Vec<[f32; 2]> = totals.iter().map(|total| total.map(|sum| (sum / n) as f32)).collect();
    map(shape, gradient, raw, |channel, gradient, raw| {
        let [plain, along] = means[channel];
        let standard = (raw - mean[channel]) * inverse[channel];
        (before(channel, gradient, raw) - plain - standard * along) * scale[channel]
    });
    let channels = || totals.iter().take(shape.channels);
    (channels().map(|total| total[1] as f32).collect(), channels().map(|total| total[0] as f32).collect())
}

/// The gradient of a bias: the sum over all cells.
pub(crate) fn bias_gradient(shape: Shape, gradient: &[f32]) -> Vec<f32> {
    sums(shape, [gradient], |_, [g]| [g]).iter().take(shape.channels).map(|[sum]| *sum as f32).collect()
}
