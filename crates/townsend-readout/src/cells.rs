//! Sums in cells of place and time, and how they spread over cells around.

use townsend_kernels::{Vectorised, vectorised};

use crate::kernel::{Kernel, shared};

/// Cells across a strip: a quarter of a pitch is 165 µm, about the spread of what comes from one hole after
/// the gap below.
pub(crate) const PLACES: usize = 4;

/// Numbers in cells of one view: rows are places across the strips, each of which has the same time bins.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    /// The number of the first row: that of its strip times [`PLACES`], and its place in the strip.
    pub(crate) first: i64,
    /// Time bins of a row.
    pub(crate) bins: usize,
    pub(crate) values: Vec<f32>,
}

impl Cells {
    /// Empty cells from one place across the strips to another, in pitches, with so many more on either side.
    pub(crate) fn around([low, high]: [f64; 2], margin: usize, bins: usize) -> Self {
        let row = |at: f64| (at * PLACES as f64).floor() as i64;
        let (first, last) = (row(low) - margin as i64, row(high) + margin as i64);
        Self { first, bins, values: vec![0.0; (last - first + 1) as usize * bins] }
    }

    /// Adds to the four cells whose middles a place (in pitches) and a time (in bins) lie between.
    #[inline]
    pub(crate) fn add(&mut self, at: f64, time: f64, weight: f32) {
        let (row, upper) = shared(at * PLACES as f64);
        let (bin, later) = shared(time);
        let first = (row - self.first) as usize * self.bins + bin as usize;
        for (cell, part) in [(first, 1.0 - upper), (first + self.bins, upper)] {
            self.values[cell] += weight * part * (1.0 - later);
            self.values[cell + 1] += weight * part * later;
        }
    }

    /// Its rows that hold anything, with their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (i64, &[f32])> {
        let rows = (self.first..).zip(self.values.chunks_exact(self.bins));
        rows.filter(|(_, row)| row.iter().any(|&value| value > 0.0))
    }

    /// Adds the cells of another with as many bins, spread by a kernel. There must be room for them.
    pub(crate) fn add_spread(&mut self, of: &Self, kernel: &Kernel) {
        vectorised(Spreading { into: self, of, kernel });
    }

    /// The sum of all rows, bin by bin.
    pub(crate) fn by_bin(&self) -> Vec<f32> {
        let mut sums = vec![0.0; self.bins];
        for row in self.values.chunks_exact(self.bins) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        }
        sums
    }
}

/// A call of [`Cells::add_spread`].
struct Spreading<'a> {
    into: &'a mut Cells,
    of: &'a Cells,
    kernel: &'a Kernel,
}

impl Vectorised for Spreading<'_> {
    #[inline(always)]
    fn work(self) {
        let Self { into, of, kernel } = self;
        let bins = into.bins;
        for (number, row) in of.rows() {
            for (k, weights) in kernel.weights.chunks_exact(kernel.bins).enumerate() {
                let to = (number - into.first) as usize + k - kernel.places;
                let to = &mut into.values[to * bins..(to + 1) * bins];
                for (bin, &weight) in weights.iter().enumerate() {
                    let (late, early) =
                        (bin.saturating_sub(kernel.bins_before), kernel.bins_before.saturating_sub(bin));
                    if weight > 1e-8 && late < bins {
                        add_times(&mut to[late..bins - early], &row[early..bins - late], weight);
                    }
                }
            }
        }
    }
}

/// Adds a row times a number to another.
#[inline(always)]
pub(crate) fn add_times(to: &mut [f32], row: &[f32], weight: f32) {
    to.iter_mut().zip(row).for_each(|(to, value)| *to += weight * value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Moments;

    #[test]
    fn sums_and_means_are_kept() {
        let mut cells = Cells::around([2.3, 3.1], 2, 20);
        cells.add(2.3, 8.7, 3.0);
        cells.add(3.1, 9.2, 1.0);
        let moments = Moments { place: 1.5, time: 0.7, covariance: 0.3, late: [[0.0; 2]; 2] };
        let mut spread = Cells::around([2.3, 3.1], 12, 20);
        spread.add_spread(&cells, &Kernel::new(&moments));
        let sum: f32 = spread.values.iter().sum();
        assert!((sum - 4.0).abs() < 1e-4, "{sum}");
        let (mut place, mut time) = (0.0, 0.0);
        for (row, values) in spread.rows() {
            for (bin, &value) in values.iter().enumerate() {
                place += f64::from(value) / 4.0 * (row as f64 + 0.5) / PLACES as f64;
                time += f64::from(value) / 4.0 * (bin as f64 + 0.5);
            }
        }
        assert!((place - 2.5).abs() < 1e-3 && (time - 8.825).abs() < 1e-3, "{place} {time}");
        assert!((spread.by_bin().iter().sum::<f32>() - 4.0).abs() < 1e-4);
    }
}
