//! Convolutions to one channel, such as the last of a decoder.
//!
//! With one output channel the columns of a tile are cells along x: its rows are the phases of a transposed
//! convolution, `a` are the weights, and `b` is the input with a row of cells for each channel,
//! `[batch][t][z][channel][x]` with zeros at both ends of x.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::axis::Axis;
use crate::correlation::{Output, check};
use crate::shape::{BLOCK, Shape};
use crate::tile::{MOST_ROWS, Run, Tile};

/// Most columns of a tile here.
const MOST_COLUMNS: usize = 48;

/// The plan for one output channel.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    isa: Isa,
    batch: usize,
    /// True if the thread that calls [`Rows::run`] computes all of it.
    alone: bool,
    input: Shape,
    output: [usize; 3],
    axes: [Axis; 3],
    /// Numbers of a row of the input in the layout of this module, and how many of them are zeros before the
    /// cells.
    row: usize,
    before: usize,
    width: usize,
    /// Ranges of cells along t and z with the same taps, and the runs for each pair of ranges.
    classes: [Vec<(Range<usize>, Range<usize>)>; 2],
    runs: Vec<Vec<Run>>,
}

impl Rows {
    pub(crate) fn new(isa: Isa, batch: usize, input: Shape, output: [usize; 3], axes: [Axis; 3]) -> Self {
        let (x, width) = (&axes[2], isa.cells(axes[2].count));
        let before = (-x.origin).max(0) as usize;
        // The last tile reads on beyond the last cell.
        let read = x.count.next_multiple_of(width) as isize + x.taps() as isize - 1 + x.origin;
        let row = before + input.size[2].max(read.max(0) as usize);
        let classes = [0, 1].map(|axis: usize| axes[axis].classes(input.size[axis]));
        let (alone, runs) = (false, Vec::new());
        let mut rows = Self { isa, batch, alone, input, output, axes, row, before, width, classes, runs };
        for (_, t) in &rows.classes[0] {
            for (_, z) in &rows.classes[1] {
                rows.runs.push(rows.runs(t, z));
            }
        }
        rows
    }

    /// The same for one map, computed by one thread.
    pub(crate) fn single(self) -> Self {
        Self { batch: 1, alone: true, ..self }
    }

    fn depth(&self) -> usize {
        self.axes.iter().map(Axis::taps).product::<usize>() * self.input.channels
    }

    fn phases(&self) -> [usize; 3] {
        [0, 1, 2].map(|axis: usize| self.axes[axis].taps.len())
    }

    /// The number of packed weights.
    pub(crate) fn weights(&self) -> usize {
        self.phases().iter().product::<usize>() * self.depth()
    }

    /// The taps of a class, relative to the first input row that it reads.
    fn runs(&self, t_taps: &Range<usize>, z_taps: &Range<usize>) -> Vec<Run> {
        let (channels, x_taps) = (self.input.channels, self.axes[2].taps());
        let mut runs = Vec::new();
        for t in t_taps.clone() {
            for z in z_taps.clone() {
                for x in 0..x_taps {
                    let a = ((t * self.axes[1].taps() + z) * x_taps + x) * channels;
                    let rows = ((t - t_taps.start) * self.input.size[1] + z - z_taps.start) * channels;
                    runs.push(Run { a: a as isize, b: (rows * self.row + x) as isize, length: channels });
                }
            }
        }
        runs
    }

    /// Weights `[in][tap]` as `[phase][tap][in]`; `step` is that from one input channel to the next.
    pub(crate) fn pack(&self, weights: &[f32], step: usize, kernel: [usize; 3], factor: f32) -> Vec<f32> {
        let [t_phases, z_phases, x_phases] = self.phases();
        let mut packed = Vec::with_capacity(self.weights());
        for phase in 0..t_phases * z_phases * x_phases {
            let at = [phase / (z_phases * x_phases), phase / x_phases % z_phases, phase % x_phases];
            for &t in &self.axes[0].taps[at[0]] {
                for &z in &self.axes[1].taps[at[1]] {
                    for &x in &self.axes[2].taps[at[2]] {
                        let inside = t < kernel[0] && z < kernel[1] && x < kernel[2];
                        let tap = (t * kernel[1] + z) * kernel[2] + x;
                        let of = |channel| if inside { weights[channel * step + tap] * factor } else { 0.0 };
                        packed.extend((0..self.input.channels).map(of));
                    }
                }
            }
        }
        packed
    }

    /// Numbers of a map of the input in the layout of this module.
    fn planes(&self) -> usize {
        self.input.size[0] * self.input.size[1] * self.input.channels * self.row
    }

    /// Numbers that [`Rows::run`] needs beside input and output.
    pub(crate) fn scratch(&self) -> usize {
        // The last tile of a row reads beyond the row, in the next one; so there is one row more after the
        // last.
        self.batch * self.planes() + self.width + self.row
    }

    /// From blocks of channels to rows of cells.
    fn arrange(&self, input: &[f32], rows: &mut [f32]) {
        let [t_size, z_size, x_size] = self.input.size;
        let each = self.input.channels * self.row;
        let length = self.batch * self.planes();
        rows[length..].fill(0.0);
        let arrange = |(plane, rows): (usize, &mut [f32])| {
            let (element, t) = (plane / t_size, plane % t_size);
            let input = &input[element * self.input.len()..][..self.input.len()];
            for (z, rows) in rows.chunks_exact_mut(each).enumerate() {
                for (channel, row) in rows.chunks_exact_mut(self.row).enumerate() {
                    let from = &input[self.input.at(channel, (t * z_size + z) * x_size)..];
                    let cells = from.iter().step_by(self.input.block());
                    let (before, rest) = row.split_at_mut(self.before);
                    let (inside, after) = rest.split_at_mut(x_size);
                    before.fill(0.0);
                    inside.iter_mut().zip(cells).for_each(|(to, from)| *to = *from);
                    after.fill(0.0);
                }
            }
        };
        if self.alone {
            rows[..length].chunks_mut(each * z_size).enumerate().for_each(arrange);
        } else {
            rows[..length].par_chunks_mut(each * z_size).enumerate().for_each(arrange);
        }
    }

    /// As [`crate::correlation::Correlation::run`].
    pub(crate) fn run(
        &self,
        input: &[f32],
        (weights, shift, slope): (&[f32], f32, f32),
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        let rows = &mut scratch[..self.scratch()];
        self.arrange(input, rows);
        let rows = &*rows;
        let output = Output { start: output.as_mut_ptr(), length: output.len() };
        let start = [shift; MOST_COLUMNS];
        let [t_count, z_count] = [0, 1].map(|axis: usize| self.axes[axis].count);
        let each_class = |axis: usize, q: usize| {
            self.classes[axis].iter().position(|(cells, _)| cells.contains(&q)).unwrap_or_default()
        };
        let compute = |plane: usize| {
            let (element, t) = (plane / t_count, plane % t_count);
            // A tile is computed here before its numbers are stored one by one.
            let mut together = [0.0; MOST_ROWS * MOST_COLUMNS];
            let t_class = each_class(0, t);
            for z in 0..z_count {
                let z_class = each_class(1, z);
                let runs = &self.runs[t_class * self.classes[1].len() + z_class];
                let first = [
                    (t * self.axes[0].advance) as isize
                        + self.axes[0].origin
                        + self.classes[0][t_class].1.start as isize,
                    (z * self.axes[1].advance) as isize
                        + self.axes[1].origin
                        + self.classes[1][z_class].1.start as isize,
                ];
                let plane = first[0] * self.input.size[1] as isize + first[1];
                let from =
                    (element * self.planes()) as isize + plane * (self.input.channels * self.row) as isize;
                for x in (0..self.axes[2].count).step_by(self.width) {
                    self.tiles(
                        rows,
                        from + x as isize,
                        weights,
                        runs,
                        (&start[..self.width], slope),
                        ([t, z, x], element),
                        &mut together,
                        &output,
                    );
                }
            }
        };
        if self.alone {
            (0..self.batch * t_count).for_each(compute);
        } else {
            (0..self.batch * t_count).into_par_iter().for_each(compute);
        }
    }

    /// Computes all phases of some neighbouring cells along x.
    #[allow(clippy::too_many_arguments, reason = "a tile is made of all of these")]
    fn tiles(
        &self,
        input: &[f32],
        from: isize,
        weights: &[f32],
        runs: &[Run],
        (start, slope): (&[f32], f32),
        (cell, element): ([usize; 3], usize),
        together: &mut [f32; MOST_ROWS * MOST_COLUMNS],
        output: &Output,
    ) {
        let offset = self.before as isize + self.axes[2].origin;
        let phases = self.phases().iter().product::<usize>();
        let most = Tile::most_rows(self.isa, self.width);
        for first in (0..phases).step_by(most) {
            let rows = most.min(phases - first);
            let mut a = [weights.as_ptr(); MOST_ROWS];
            let mut out = [together.as_mut_ptr(); MOST_ROWS];
            for m in 0..rows {
                let weights_at = (first + m) * self.depth();
                check(weights.len(), weights_at as isize, runs, |run| run.a, 1);
                a[m] = a[m].wrapping_add(weights_at);
                out[m] = out[m].wrapping_add(m * self.width);
            }
            let tile = Tile {
                rows,
                width: self.width,
                a,
                out,
                // Not `add`: of a class without taps the cell may lie outside, and nothing is read.
                b: input.as_ptr().wrapping_offset(from + offset),
                runs,
                a_step: 1,
                together: false,
                b_step: self.row,
                b_block: BLOCK,
                out_block: BLOCK,
                start: Some(start),
                slope,
            };
            check(input.len(), from + offset, runs, |run| run.b, self.row);
            check(input.len(), from + offset + self.width as isize - 1, runs, |run| run.b, self.row);
            // SAFETY: the runs lie in weights and rows (checked in debug builds); `together` is this
            // thread's, and `isa` was found on this CPU.
            unsafe { tile.run(self.isa) };
            for m in 0..rows {
                self.spread(first + m, &together[m * self.width..][..self.width], cell, element, output);
            }
        }
    }

    /// Stores a phase of some neighbouring cells.
    fn spread(&self, phase: usize, cells: &[f32], cell: [usize; 3], element: usize, output: &Output) {
        let [_, z_phases, x_phases] = self.phases();
        let phase = [phase / (z_phases * x_phases), phase / x_phases % z_phases, phase % x_phases];
        let at: [isize; 3] = std::array::from_fn(|axis| {
            let along = &self.axes[axis];
            along.first + (cell[axis] * along.step + along.offsets[phase[axis]]) as isize
        });
        if (0..2).any(|axis| at[axis] < 0 || at[axis] >= self.output[axis] as isize) {
            return;
        }
        let step = self.axes[2].step as isize;
        let row =
            ((element * self.output[0] + at[0] as usize) * self.output[1] + at[1] as usize) * self.output[2];
        let count = cells.len().min(self.axes[2].count - cell[2]) as isize;
        // The cells inside the output.
        let first = if at[2] < 0 { (-at[2] + step - 1) / step } else { 0 };
        let last = (self.output[2] as isize - at[2] + step - 1).div_euclid(step).min(count);
        for (n, value) in (first..last).zip(&cells[first.min(count) as usize..]) {
            let to = output.at(row + (at[2] + n * step) as usize, 1, 0);
            // SAFETY: `Output::at` has seen that the number lies in the output; no other tile has this cell
            // and phase.
            unsafe { *to = *value };
        }
    }
}
