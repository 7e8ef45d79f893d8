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
        let (row, upper) = shared(at * PLACES as f64 - self.first as f64);
        let (bin, later) = shared(time);
        let first = row * self.bins + bin;
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

    /// Adds the cells of another with as many bins, spread by a kernel. There must be room for them: as many
    /// empty rows and bins around as the kernel reaches. Bins are a multiple of [`TOGETHER`].
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
        let mut padded = Vec::new();
        let from = kernel.bins + kernel.bins_before;
        for (number, row) in of.rows() {
            pad(row, kernel.bins, &mut padded);
            let first = (number - into.first) as usize - kernel.places;
            let mut rows = into.values[first * bins..].chunks_exact_mut(bins);
            let mut place = 0;
            while let Some((weights, bin)) = kernel.weights_from(place) {
                let Some(rows) = next_of(&mut rows) else { break };
                add_convolved::<ROWS>(rows, weights, &padded, from - bin);
                place += ROWS;
            }
            while let Some(([weights], bin)) = kernel.weights_from(place) {
                let Some(row) = rows.next() else { break };
                add_convolved([row], [weights], &padded, from - bin);
                place += 1;
            }
        }
    }
}

/// Numbers that are added side by side.
pub(crate) const TOGETHER: usize = 16;

/// A row with so many zeros before it and as many, rounded up, after it.
pub(crate) fn pad(row: &[f32], zeros: usize, padded: &mut Vec<f32>) {
    padded.clear();
    padded.resize(zeros, 0.0);
    padded.extend_from_slice(row);
    padded.resize(padded.len() + zeros + 2 * TOGETHER, 0.0);
}

/// The next [`ROWS`], as long as there are so many.
#[inline(always)]
pub(crate) fn next_of<T>(iterator: &mut impl ExactSizeIterator<Item = T>) -> Option<[T; ROWS]> {
    if iterator.len() < ROWS {
        return None;
    }
    let [a, b, c, d] = std::array::from_fn(|_| iterator.next());
    Some([a?, b?, c?, d?])
}

/// Rows that are added to side by side.
const ROWS: usize = 4;

/// Adds `Σ_k weights[k]·source[from + j − k]` to `to[j]`, for several rows with weights of their own: side
/// by side as far as a row's length is a multiple of [`TOGETHER`], the rest not at all. What is added up
/// stays in registers, so that no number is read again right after it was written, and what is read of the
/// source serves all rows.
#[inline(always)]
pub(crate) fn add_convolved<const N: usize>(
    to: [&mut [f32]; N],
    weights: [&[f32]; N],
    source: &[f32],
    from: usize,
) {
    let mut to = to.map(|row| row.as_chunks_mut::<TOGETHER>().0);
    let weights = weights.map(|row| &row[..weights[0].len()]);
    for chunk in 0..to[0].len() {
        let mut sums: [[f32; TOGETHER]; N] = std::array::from_fn(|row| to[row][chunk]);
        let at = from + chunk * TOGETHER;
        for lag in 0..weights[0].len() {
            let values = &source[at - lag..at - lag + TOGETHER];
            for (sums, weights) in sums.iter_mut().zip(weights) {
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum += weights[lag] * value;
                }
            }
        }
        for (row, sums) in to.iter_mut().zip(sums) {
            row[chunk] = sums;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Moments;

    #[test]
    fn convolutions_are_those_of_the_definition() {
        let (weights, mut padded) = ([0.5, -1.0, 2.0], Vec::new());
        let row: Vec<f32> = (0..32).map(|k| (k * k % 7) as f32).collect();
        pad(&row, 3, &mut padded);
        let mut to = vec![1.0; 32];
        vectorised(Convolving { to: &mut to, weights: &weights, source: &padded, from: 3 });
        for (j, found) in to.into_iter().enumerate() {
            let term = |k: usize| j.checked_sub(k).map_or(0.0, |at| weights[k] * row[at]);
            assert!((found - 1.0 - term(0) - term(1) - term(2)).abs() < 1e-5, "{j}");
        }
    }

    struct Convolving<'a> {
        to: &'a mut [f32],
        weights: &'a [f32],
        source: &'a [f32],
        from: usize,
    }

    impl Vectorised for Convolving<'_> {
        #[inline(always)]
        fn work(self) {
            add_convolved([self.to], [self.weights], self.source, self.from);
        }
    }

    #[test]
    fn sums_and_means_are_kept() {
        let mut cells = Cells::around([2.3, 3.1], 2, 32);
        cells.add(2.3, 8.7, 3.0);
        cells.add(3.1, 9.2, 1.0);
        let moments = Moments { place: 1.5, time: 0.7, covariance: 0.3, late: [[0.0; 2]; 2] };
        let mut spread = Cells::around([2.3, 3.1], 12, 32);
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
