//! Which input cells an output cell reads along one axis.

use std::ops::Range;

/// Phases along one axis that read the same input cells. Phase number `phase` computes the output cells
/// `first + offsets[phase] + q · step` for all q below `count`.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) first: isize,
    pub(crate) offsets: Vec<usize>,
    pub(crate) step: usize,
    pub(crate) count: usize,
    pub(crate) advance: usize,
    pub(crate) origin: isize,
    /// The taps of each phase, in the order of the input cells that they multiply. Numbers beyond the kernel
    /// stand for no tap.
    pub(crate) taps: Vec<Vec<usize>>,
}

impl Axis {
    pub(crate) fn strided(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Self {
        let taps = vec![(0..kernel).collect()];
        let origin = -(padding as isize);
        Self { first: 0, offsets: vec![0], step: 1, count: outputs, advance: stride, origin, taps }
    }

    /// The phases of a transposed convolution; phases that read the same input cells are one axis.
    pub(crate) fn spread(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Vec<Self> {
        let mut axes: Vec<Self> = Vec::new();
        for first in 0..stride.min(outputs) {
            let (start, phase) = ((first + padding) / stride, (first + padding) % stride);
            let mut taps: Vec<usize> = (phase..kernel).step_by(stride).collect();
            taps.reverse();
            let origin = start as isize + 1 - taps.len() as isize;
            let count = (outputs - first).div_ceil(stride);
            match axes.last_mut() {
                Some(axis) if axis.count == count && axis.origin == origin && axis.taps() == taps.len() => {
                    axis.offsets.push(first - axis.first as usize);
                    axis.taps.push(taps);
                }
                _ => axes.push(Self {
                    first: first as isize,
                    offsets: vec![0],
                    step: stride,
                    count,
                    advance: 1,
                    origin,
                    taps: vec![taps],
                }),
            }
        }
        axes
    }

    /// All phases of a transposed convolution as one axis, filled up with taps beyond the kernel and cells
    /// outside the input.
    pub(crate) fn folded(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Self {
        let (start, taps) = (padding / stride, kernel.div_ceil(stride));
        let column = |phase: usize| (0..taps).rev().map(|j| phase + j * stride).collect();
        Self {
            first: (start * stride) as isize - padding as isize,
            offsets: (0..stride).collect(),
            step: stride,
            count: (outputs - 1 + padding) / stride - start + 1,
            advance: 1,
            origin: start as isize + 1 - taps as isize,
            taps: (0..stride).map(column).collect(),
        }
    }

    pub(crate) fn taps(&self) -> usize {
        self.taps[0].len()
    }

    /// Ranges of q, each with the range of taps that lie inside an input of `size` cells.
    pub(crate) fn classes(&self, size: usize) -> Vec<(Range<usize>, Range<usize>)> {
        let mut classes: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        for q in 0..self.count {
            let start = (q * self.advance) as isize + self.origin;
            let last = (size as isize - start).clamp(0, self.taps() as isize) as usize;
            let first = ((-start).max(0) as usize).min(last);
            match classes.last_mut() {
                Some((cells, taps)) if *taps == (first..last) => cells.end = q + 1,
                _ => classes.push((q..q + 1, first..last)),
            }
        }
        classes
    }
}
