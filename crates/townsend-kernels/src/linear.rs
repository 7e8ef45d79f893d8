//! Linear layers in training: products of a matrix of weights with a batch of few rows.
//!
//! A general product of matrices packs both before it multiplies, and with so few rows to share it, packing
//! the weights takes as long as multiplying. Here they are read where they stand.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::correlation::{Output, check};
use crate::shape::BLOCK;
use crate::simd::turn;
use crate::tile::{MOST_ROWS, Run, Tile};

/// Products that all tiles of a part add up before the next ones: what these read stays in the nearest
/// caches.
const SLAB: usize = 128;
/// Most rows, and most columns, of a part of a result.
const ROWS: usize = 96;
const COLUMNS: usize = 64;
/// Parts of a result, at least, if it is not too small: threads share them out.
const PARTS: usize = 8;

/// A linear layer in training, `output = input · weightsᵀ + bias`, for a batch of `batch` rows. Matrices are
/// row after row: input `[batch, inputs]`, output `[batch, outputs]`, weights `[outputs, inputs]`.
///
/// Each number of a result is one sum in the order of the rows or columns that it runs over, so it has the
/// same bits for any number of threads.
///
/// ```
/// use townsend_kernels::{Isa, LinearTraining};
///
/// let layer = LinearTraining { batch: 1, inputs: 16, outputs: 2, isa: Isa::best() };
/// let (input, mut weights) = ([1.0; 16], [2.0; 32]);
/// weights[31] = 5.0;
/// assert_eq!(layer.forward(&input, &weights, &[0.0, 1.0]), [32.0, 36.0]);
/// assert_eq!(layer.input_gradient(&weights, &[0.0, 1.0])[14..], [2.0, 5.0]);
/// assert_eq!(layer.weight_gradient(&input, &[3.0, 4.0])[15..17], [3.0, 4.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearTraining {
    /// Rows of the batch.
    pub batch: usize,
    /// Numbers of a row that goes in, at least [`LinearTraining::FEWEST_INPUTS`].
    pub inputs: usize,
    /// Numbers of a row that comes out.
    pub outputs: usize,
    /// Instructions to use.
    pub isa: Isa,
}

impl LinearTraining {
    /// Inputs must be so many, the columns of a tile.
    pub const FEWEST_INPUTS: usize = BLOCK;

    /// The output of a batch.
    ///
    /// # Panics
    /// If there are too few inputs, or a slice has not the length that it should have.
    pub fn forward(&self, input: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
        let Self { batch, inputs, outputs, isa } = *self;
        self.check(&[(input, batch * inputs), (weights, outputs * inputs), (bias, outputs)]);
        if batch == 0 || outputs == 0 {
            return Vec::new();
        }
        // The columns of the product are rows of the batch.
        let columns = batch.next_multiple_of(BLOCK / 2);
        let mut turned = vec![0.0; inputs * columns];
        turn(isa, input, inputs, &mut turned, columns, inputs);
        let mut sums = Vec::with_capacity(outputs * columns);
        for bias in bias {
            sums.extend(std::iter::repeat_n(*bias, columns));
        }
        let product =
            Product { isa, depth: inputs, a: (weights, inputs, 1), b: (&turned, columns), row: columns };
        product.add_to(&mut sums, outputs, part_of(outputs, 12, ROWS), columns);
        let mut output = vec![0.0; batch * outputs];
        turn(isa, &sums, columns, &mut output, outputs, batch);
        output
    }

    /// The gradient of the input from that of the output.
    ///
    /// # Panics
    /// As [`LinearTraining::forward`].
    pub fn input_gradient(&self, weights: &[f32], output_gradient: &[f32]) -> Vec<f32> {
        let Self { batch, inputs, outputs, isa } = *self;
        self.check(&[(weights, outputs * inputs), (output_gradient, batch * outputs)]);
        let mut sums = vec![0.0; batch * inputs];
        let (a, b) = ((output_gradient, outputs, 1), (weights, inputs));
        let each = part_of(inputs, BLOCK, COLUMNS);
        Product { isa, depth: outputs, a, b, row: inputs }.add_to(&mut sums, batch, batch.max(1), each);
        sums
    }

    /// The gradient of the weights from the input and the gradient of the output.
    ///
    /// # Panics
    /// As [`LinearTraining::forward`].
    pub fn weight_gradient(&self, input: &[f32], output_gradient: &[f32]) -> Vec<f32> {
        let Self { batch, inputs, outputs, isa } = *self;
        self.check(&[(input, batch * inputs), (output_gradient, batch * outputs)]);
        let mut sums = vec![0.0; outputs * inputs];
        let (a, b) = ((output_gradient, 1, outputs), (input, inputs));
        let each = part_of(outputs, 12, ROWS);
        Product { isa, depth: batch, a, b, row: inputs }.add_to(&mut sums, outputs, each, COLUMNS);
        sums
    }

    fn check(&self, slices: &[(&[f32], usize)]) {
        assert!(self.inputs >= Self::FEWEST_INPUTS, "{} inputs, too few for a tile", self.inputs);
        for (slice, length) in slices {
            assert_eq!(slice.len(), *length, "numbers of a matrix of {self:?}");
        }
    }
}

/// How many rows or columns a part of a result has: whole tiles, and few enough for [`PARTS`].
fn part_of(length: usize, tile: usize, most: usize) -> usize {
    length.div_ceil(PARTS).next_multiple_of(tile).clamp(tile, most)
}

/// A product that is added to a matrix with rows of `row` numbers:
/// `sum[m][n] += Σ_k a[m · a_row + k · a_step] · b[k · b_step + n]` for k < `depth`.
struct Product<'a> {
    isa: Isa,
    depth: usize,
    /// The matrix, `a_row` and `a_step`.
    a: (&'a [f32], usize, usize),
    /// The matrix and `b_step`.
    b: (&'a [f32], usize),
    row: usize,
}

impl Product<'_> {
    /// Adds the product to the `rows` of `sums`, in parts of so many rows and columns.
    fn add_to(&self, sums: &mut [f32], rows: usize, each_rows: usize, each_columns: usize) {
        let output = Output { start: sums.as_mut_ptr(), length: sums.len() };
        let parts = |length: usize, each: usize| {
            (0..length).step_by(each).map(move |first| first..(first + each).min(length))
        };
        let parts: Vec<_> = parts(rows, each_rows)
            .flat_map(|rows| parts(self.row, each_columns).map(move |columns| (rows.clone(), columns)))
            .collect();
        parts.into_par_iter().for_each(|(rows, columns)| self.part(rows, columns, &output));
    }

    /// Adds up the sums of some rows and columns.
    fn part(&self, rows: Range<usize>, columns: Range<usize>, output: &Output) {
        let (mut whole, mut first) = (Vec::new(), columns.start);
        for width in [self.isa.width(2 * BLOCK), BLOCK] {
            let end = columns.end - (columns.end - first) % width;
            whole.push((first..end, width));
            first = end;
        }
        let rest = columns.end - first;
        // A tile for the rest begins before it, and is added up apart.
        let width = if rest <= BLOCK / 2 { BLOCK / 2 } else { BLOCK };
        let mut apart = vec![0.0; if rest > 0 { rows.len() * width } else { 0 }];
        let apart_output = Output { start: apart.as_mut_ptr(), length: apart.len() };
        for slab in (0..self.depth).step_by(SLAB) {
            let (a, b) = ((slab * self.a.2) as isize, (slab * self.b.1) as isize);
            let run = Run { a, b, length: SLAB.min(self.depth - slab) };
            for (columns, width) in &whole {
                let place = rows.start * self.row + columns.start;
                self.tiles(&rows, (columns, *width), run, (output, place, self.row));
            }
            if rest > 0 {
                let columns = columns.end - width..columns.end;
                self.tiles(&rows, (&columns, width), run, (&apart_output, 0, width));
            }
        }
        for (row, sums) in rows.zip(apart.chunks_exact(width)) {
            for (column, sum) in (first..columns.end).zip(&sums[width - rest..]) {
                // SAFETY: `Output::at` has seen that it lies in the sums; no other part has it.
                unsafe { *output.at(row * self.row + column, 1, BLOCK) += sum };
            }
        }
    }

    /// Adds a run to all `rows` of some columns, which are whole tiles. The sums begin at a place of an
    /// output, with so many numbers from a row to the next.
    fn tiles(
        &self,
        rows: &Range<usize>,
        (columns, width): (&Range<usize>, usize),
        run: Run,
        (output, place, step): (&Output, usize, usize),
    ) {
        let ((a, a_row, a_step), (b, b_step)) = (self.a, self.b);
        let (runs, most) = ([run], Tile::most_rows_of_sums(self.isa, width));
        if columns.is_empty() {
            return;
        }
        check(b.len(), (columns.end - 1) as isize, &runs, |run| run.b, b_step);
        for first in rows.clone().step_by(most) {
            let count = most.min(rows.end - first);
            let mut tile = Tile {
                rows: count,
                width,
                a: [a.as_ptr(); MOST_ROWS],
                out: [output.start; MOST_ROWS],
                b: b[columns.start..].as_ptr(),
                runs: &runs,
                a_step,
                beside: if a_row == 1 { count } else { 1 },
                b_step,
                b_block: BLOCK,
                out_block: BLOCK,
                start: None,
                slope: 1.0,
            };
            for m in 0..count {
                let from = (first + m) * a_row;
                check(a.len(), from as isize, &runs, |run| run.a, a_step);
                tile.a[m] = a[from..].as_ptr();
                let to = place + (first - rows.start + m) * step;
                tile.out[m] = output.at(to, width, BLOCK);
                output.at(to + columns.len() - width, width, BLOCK);
            }
            for _ in 0..columns.len() / width {
                // SAFETY: the run lies in both matrices (checked in debug builds), `Output::at` has seen that
                // the sums lie in theirs, where no other thread has these rows and columns, and `isa` was
                // found on this CPU.
                unsafe { tile.run(self.isa) };
                tile.b = tile.b.wrapping_add(width);
                for out in &mut tile.out[..count] {
                    *out = out.wrapping_add(width);
                }
            }
        }
    }
}
