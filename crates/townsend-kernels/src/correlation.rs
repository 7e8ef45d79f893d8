//! Convolutions and transposed convolutions as sums over runs of taps.
//!
//! Along an axis, output cell `first + q · step` of a *phase* reads the input cells from `q · advance + origin` on, one for
//! each of its taps. A convolution is one phase with `advance` = stride. A transposed convolution of stride s is s phases
//! (s³ in space) with `advance` 1, each a convolution with every s-th tap, so that no product with an inserted zero is ever
//! formed. Cells at the ends, for which taps fall outside of the input, are *classes* of their own whose runs leave these
//! taps out: nothing is padded.
//!
//! With one output channel the columns of a tile would be empty but for one. There all phases are computed together, a
//! column each.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::shape::{Convolution, Shape};
use crate::tile::{MOST_ROWS, Run, Tile};

/// One phase along one axis.
#[derive(Debug, Clone)]
struct Axis {
    first: isize,
    step: usize,
    count: usize,
    advance: usize,
    origin: isize,
    /// Number of taps, and those of each column's phase in the order of the input cells; taps beyond the kernel are none.
    taps: Vec<Vec<usize>>,
}

impl Axis {
    fn strided(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Self {
        let taps = vec![(0..kernel).collect()];
        Self { first: 0, step: 1, count: outputs, advance: stride, origin: -(padding as isize), taps }
    }

    /// All phases of a transposed convolution, one after the other.
    fn spread(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Vec<Self> {
        let phases = (0..stride.min(outputs)).map(|first| {
            let (start, phase) = ((first + padding) / stride, (first + padding) % stride);
            let taps: Vec<usize> = (phase..kernel).step_by(stride).collect::<Vec<_>>().into_iter().rev().collect();
            let origin = start as isize + 1 - taps.len() as isize;
            let count = (outputs - first).div_ceil(stride);
            Self { first: first as isize, step: stride, count, advance: 1, origin, taps: vec![taps] }
        });
        phases.collect()
    }

    /// All phases of a transposed convolution side by side.
    fn folded(kernel: usize, stride: usize, padding: usize, outputs: usize) -> Self {
        let (start, taps) = (padding / stride, kernel.div_ceil(stride));
        let column = |phase: usize| (0..taps).rev().map(|j| phase + j * stride).collect();
        Self {
            first: (start * stride) as isize - padding as isize,
            step: stride,
            count: (outputs - 1 + padding) / stride - start + 1,
            advance: 1,
            origin: start as isize + 1 - taps as isize,
            taps: (0..stride).map(column).collect(),
        }
    }

    fn taps(&self) -> usize {
        self.taps[0].len()
    }

    /// Stretches of q with the same taps inside an input of `size` cells.
    fn classes(&self, size: usize) -> Vec<(Range<usize>, Range<usize>)> {
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

#[derive(Debug)]
struct Phase {
    axes: [Axis; 3],
    /// Where its weights begin, and how many numbers a tile of columns has.
    weights: usize,
    depth: usize,
}

/// Cells of a phase that have the same taps.
#[derive(Debug)]
struct Class {
    phase: usize,
    cells: [Range<usize>; 3],
    first_taps: [usize; 3],
    runs: Vec<Run>,
}

/// Tiles that a thread computes in one go.
#[derive(Debug)]
struct Job {
    class: usize,
    columns: usize,
    tiles: Range<usize>,
}

/// A convolution (or the gradient of one with respect to its input, which is one too) that is worked out for a batch.
#[derive(Debug)]
pub(crate) struct Correlation {
    isa: Isa,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// Columns of a tile, and tiles that all columns take.
    width: usize,
    column_tiles: usize,
    /// If the columns are phases and not channels: the phase of each, and its distance from that of the first.
    folded: Vec<([usize; 3], usize)>,
    phases: Vec<Phase>,
    classes: Vec<Class>,
    jobs: Vec<Job>,
    batch: usize,
    weights: usize,
    /// Index in PyTorch's weights: factors of output channel and input channel; that of the tap is 1.
    strides: [usize; 2],
    kernel: [usize; 3],
}

/// Products below which work is not shared out.
const SMALL: usize = 1 << 18;
/// Products of a job.
const JOB: usize = 1 << 20;

impl Correlation {
    /// `layer` on maps of `size`.
    pub(crate) fn forward(layer: &Convolution, size: [usize; 3], batch: usize, isa: Isa) -> Option<Self> {
        let input = Shape { channels: layer.inputs, size };
        let output = Shape { channels: layer.outputs, size: layer.output_size(size)? };
        Some(Self::new(layer, layer.transposed, input, output, batch, isa))
    }

    /// From the gradient of the output of `layer` to that of its input, a map of `size`.
    pub(crate) fn backward(layer: &Convolution, size: [usize; 3], batch: usize, isa: Isa) -> Option<Self> {
        let input = Shape { channels: layer.outputs, size: layer.output_size(size)? };
        let output = Shape { channels: layer.inputs, size };
        Some(Self::new(layer, !layer.transposed, input, output, batch, isa))
    }

    fn new(layer: &Convolution, spread: bool, input: Shape, output: Shape, batch: usize, isa: Isa) -> Self {
        let axis = |axis: usize| (layer.kernel[axis], layer.stride[axis], layer.padding[axis], output.size[axis]);
        let folded = output.channels == 1;
        let along = |index: usize| {
            let (kernel, stride, padding, outputs) = axis(index);
            match (spread, folded) {
                (false, _) => vec![Axis::strided(kernel, stride, padding, outputs)],
                (true, true) => vec![Axis::folded(kernel, stride, padding, outputs)],
                (true, false) => Axis::spread(kernel, stride, padding, outputs),
            }
        };
        let axes = [along(0), along(1), along(2)];
        let columns = if folded { axes.iter().map(|phases| phases[0].taps.len()).product() } else { output.padded_channels() };
        let width = if folded && columns <= 8 { 8 } else { isa.width(columns.next_multiple_of(16)) };
        let column_tiles = columns.div_ceil(width);
        let taps = layer.taps();
        // Weights of a strided one are [out][in][tap], of a spread one [in][out][tap].
        let strides = if spread { [taps, output.channels * taps] } else { [input.channels * taps, taps] };
        let folded = if folded { fold(&axes, output.size) } else { Vec::new() };
        let mut plan = Self {
            isa, input, output, width, column_tiles, folded, phases: Vec::new(), classes: Vec::new(), jobs: Vec::new(),
            batch, weights: 0, strides, kernel: layer.kernel,
        };
        for t in &axes[0] {
            for z in &axes[1] {
                for x in &axes[2] {
                    plan.add_phase([t.clone(), z.clone(), x.clone()]);
                }
            }
        }
        plan.share_out();
        plan
    }

    fn add_phase(&mut self, axes: [Axis; 3]) {
        let depth = axes.iter().map(Axis::taps).product::<usize>() * self.input.padded_channels() * self.width;
        let along: [_; 3] = std::array::from_fn(|axis| axes[axis].classes(self.input.size[axis]));
        for (t, t_taps) in &along[0] {
            for (z, z_taps) in &along[1] {
                for (x, x_taps) in &along[2] {
                    let taps = [t_taps.clone(), z_taps.clone(), x_taps.clone()];
                    self.classes.push(Class {
                        phase: self.phases.len(),
                        cells: [t.clone(), z.clone(), x.clone()],
                        first_taps: std::array::from_fn(|axis| taps[axis].start),
                        runs: self.runs(&axes, &taps),
                    });
                }
            }
        }
        self.phases.push(Phase { axes, weights: self.weights, depth });
        self.weights += depth * self.column_tiles;
    }

    /// The runs of a class, relative to the first input cell that it reads.
    fn runs(&self, axes: &[Axis; 3], taps: &[Range<usize>; 3]) -> Vec<Run> {
        let (block, [_, z_size, x_size]) = (self.input.block(), self.input.size);
        let mut runs = Vec::new();
        for t in taps[0].clone() {
            for z in taps[1].clone() {
                for channels in 0..self.input.blocks() {
                    let a = channels * self.input.cells()
                        + ((t - taps[0].start) * z_size + z - taps[1].start) * x_size;
                    let b = ((t * axes[1].taps() + z) * self.input.blocks() + channels) * axes[2].taps() + taps[2].start;
                    let length = taps[2].len() * block;
                    if length > 0 {
                        runs.push(Run { a: (a * block) as isize, b: (b * block * self.width) as isize, length });
                    }
                }
            }
        }
        runs
    }

    fn share_out(&mut self) {
        let rows = Tile::most_rows(self.isa, self.width);
        for (index, class) in self.classes.iter().enumerate() {
            let tiles = (self.batch * cells(&class.cells)).div_ceil(rows);
            let products = class.runs.iter().map(|run| run.length).sum::<usize>() * self.width * rows;
            let each = (JOB / products.max(1)).clamp(1, tiles.max(1));
            for columns in 0..self.column_tiles {
                let starts = (0..tiles).step_by(each);
                self.jobs.extend(starts.map(|first| Job { class: index, columns, tiles: first..(first + each).min(tiles) }));
            }
        }
    }

    /// Weights in the order in which tiles read them.
    pub(crate) fn pack(&self, weights: &[f32], scale: Option<&[f32]>) -> Vec<f32> {
        let mut packed = vec![0.0; self.weights];
        for phase in &self.phases {
            for columns in 0..self.column_tiles {
                let to = &mut packed[phase.weights + columns * phase.depth..][..phase.depth];
                self.pack_columns(phase, columns, weights, scale, to);
            }
        }
        packed
    }

    fn pack_columns(&self, phase: &Phase, columns: usize, weights: &[f32], scale: Option<&[f32]>, to: &mut [f32]) {
        let [t_axis, z_axis, x_axis] = &phase.axes;
        let (block, width) = (self.input.block(), self.width);
        for lane in 0..width {
            let Some((channel, [pt, pz, px])) = self.column(columns * width + lane) else { continue };
            let factor = scale.map_or(1.0, |scale| scale[channel]);
            let mut row = 0;
            for &t in &t_axis.taps[pt] {
                for &z in &z_axis.taps[pz] {
                    for first in (0..self.input.padded_channels()).step_by(block) {
                        for &x in &x_axis.taps[px] {
                            let inside = t < self.kernel[0] && z < self.kernel[1] && x < self.kernel[2];
                            let tap = (t * self.kernel[1] + z) * self.kernel[2] + x;
                            let from = channel * self.strides[0] + tap;
                            let used = if inside { block.min(self.input.channels - first) } else { 0 };
                            for input in 0..used {
                                to[(row + input) * width + lane] =
                                    weights[from + (first + input) * self.strides[1]] * factor;
                            }
                            row += block;
                        }
                    }
                }
            }
        }
    }

    /// Output channel and phases of a column; `None` for those that fill up.
    fn column(&self, column: usize) -> Option<(usize, [usize; 3])> {
        if self.folded.is_empty() {
            return (column < self.output.channels).then_some((column, [0; 3]));
        }
        self.folded.get(column).map(|(phase, _)| (0, *phase))
    }

    /// One number for each column of all tiles from one for each channel.
    pub(crate) fn columns(&self, channels: &[f32]) -> Vec<f32> {
        let mut columns = vec![0.0; self.column_tiles * self.width];
        if !self.folded.is_empty() {
            columns.fill(channels[0]);
        } else {
            columns[..channels.len()].copy_from_slice(channels);
        }
        columns
    }

    /// Computes the output of a whole batch: sums of products, plus `shift` (from [`Correlation::columns`]), negative ones times `slope`.
    pub(crate) fn run(&self, input: &[f32], weights: &[f32], shift: &[f32], slope: f32, output: &mut [f32]) {
        assert_eq!(input.len(), self.batch * self.input.len(), "the input is no batch of {} maps", self.batch);
        assert_eq!(output.len(), self.batch * self.output.len(), "the output is no batch of {} maps", self.batch);
        assert_eq!(weights.len(), self.weights, "the weights are packed for another convolution");
        assert_eq!(shift.len(), self.column_tiles * self.width, "one shift a column");
        let output = Output { start: output.as_mut_ptr(), length: output.len() };
        let compute = |job: &Job| self.compute(job, input, weights, shift, slope, &output);
        if self.products() < SMALL {
            self.jobs.iter().for_each(compute);
        } else {
            self.jobs.par_iter().for_each(compute);
        }
    }

    fn products(&self) -> usize {
        let depth = |class: &Class| class.runs.iter().map(|run| run.length).sum::<usize>() * cells(&class.cells);
        self.classes.iter().map(depth).sum::<usize>() * self.batch * self.width * self.column_tiles
    }

    fn compute(&self, job: &Job, input: &[f32], weights: &[f32], shift: &[f32], slope: f32, output: &Output) {
        let class = &self.classes[job.class];
        let phase = &self.phases[class.phase];
        let rows = Tile::most_rows(self.isa, self.width);
        let cells_of_class = cells(&class.cells);
        let weights = &weights[phase.weights + job.columns * phase.depth..][..phase.depth];
        let shift = &shift[job.columns * self.width..][..self.width];
        // Phases side by side are computed here and then spread.
        let is_folded = !self.folded.is_empty();
        let mut folded = [0.0; MOST_ROWS * 32];
        for tile in job.tiles.clone() {
            let first = tile * rows;
            let count = rows.min(self.batch * cells_of_class - first);
            let mut a = [input.as_ptr(); MOST_ROWS];
            let mut out = [folded.as_mut_ptr(); MOST_ROWS];
            let mut cell = Cursor::new(class, first);
            let mut outputs = [(0, [0; 3]); MOST_ROWS];
            for m in 0..count {
                let from = self.input_at(phase, class, &cell);
                check(input.len(), from, &class.runs, 1);
                // Not `add`: of a class without taps the cell may lie outside, and nothing is read.
                a[m] = a[m].wrapping_offset(from);
                if is_folded {
                    outputs[m] = (cell.element, cell.at);
                    out[m] = out[m].wrapping_add(m * self.width);
                } else {
                    out[m] = output.at(self.output_at(phase, &cell, job.columns), self.width, self.output_block());
                }
                cell.next(class);
            }
            let tile = Tile {
                rows: count, width: self.width, a, out, b: weights.as_ptr(), runs: &class.runs, a_step: 1,
                b_step: self.width, b_block: 16, out_block: self.output_block(), start: Some(shift), slope,
            };
            // SAFETY: `check` has seen that all runs lie in the input; those of the weights are made for `depth`
            // numbers; `Output::at` has seen that the rows lie in the output. No two tiles have a cell of the output in
            // common, and `isa` was found on this CPU.
            unsafe { tile.run(self.isa) };
            for m in 0..if is_folded { count } else { 0 } {
                self.spread(phase, outputs[m], job.columns, &folded[m * self.width..][..self.width], output);
            }
        }
    }

    fn output_block(&self) -> usize {
        if self.folded.is_empty() { self.output.cells() * 16 } else { 16 }
    }

    /// Where the first input cell stands that a cell reads.
    fn input_at(&self, phase: &Phase, class: &Class, cell: &Cursor) -> isize {
        let [_, z_size, x_size] = self.input.size.map(|size| size as isize);
        let [t, z, x]: [isize; 3] = std::array::from_fn(|axis| {
            let along = &phase.axes[axis];
            (cell.at[axis] * along.advance + class.first_taps[axis]) as isize + along.origin
        });
        let block = self.input.block() as isize;
        (cell.element * self.input.len()) as isize + ((t * z_size + z) * x_size + x) * block
    }

    fn output_at(&self, phase: &Phase, cell: &Cursor, columns: usize) -> usize {
        let [t, z, x]: [usize; 3] = std::array::from_fn(|axis| {
            phase.axes[axis].first as usize + cell.at[axis] * phase.axes[axis].step
        });
        let [_, z_size, x_size] = self.output.size;
        let first_block = columns * self.width / 16;
        cell.element * self.output.len() + (first_block * self.output.cells() + (t * z_size + z) * x_size + x) * 16
    }

    /// Stores the columns of a cell, which are phases.
    fn spread(&self, phase: &Phase, cell: (usize, [usize; 3]), columns: usize, row: &[f32], output: &Output) {
        let (element, at) = cell;
        let size = self.output.size;
        let first: [isize; 3] =
            std::array::from_fn(|axis| phase.axes[axis].first + (at[axis] * phase.axes[axis].step) as isize);
        let inside = |axis: usize, phase: usize| (0..size[axis] as isize).contains(&(first[axis] + phase as isize));
        let whole = (0..3).all(|axis| inside(axis, 0) && inside(axis, phase.axes[axis].taps.len() - 1));
        let origin = (element * self.output.len()) as isize
            + (first[0] * size[1] as isize + first[1]) * size[2] as isize
            + first[2];
        for (&value, (phases, distance)) in row.iter().zip(&self.folded[columns * self.width..]) {
            if whole || (0..3).all(|axis| inside(axis, phases[axis])) {
                let at = output.at((origin + *distance as isize) as usize, 1, 0);
                // SAFETY: `Output::at` has seen that the number lies in the output, and no other tile has this cell.
                unsafe { *at = value };
            }
        }
    }
}

/// The phases side by side, x fastest, and their distances in the output.
fn fold(axes: &[Vec<Axis>; 3], size: [usize; 3]) -> Vec<([usize; 3], usize)> {
    let [t, z, x] = [0, 1, 2].map(|axis: usize| axes[axis][0].taps.len());
    let phases = (0..t * z * x).map(|column| [column / (z * x), column / x % z, column % x]);
    phases.map(|phase| (phase, (phase[0] * size[1] + phase[1]) * size[2] + phase[2])).collect()
}

fn cells(ranges: &[Range<usize>; 3]) -> usize {
    ranges.iter().map(Range::len).product()
}

/// The cells of a class, one after the other, element after element of the batch.
struct Cursor {
    element: usize,
    at: [usize; 3],
}

impl Cursor {
    fn new(class: &Class, index: usize) -> Self {
        let [t, z, x] = &class.cells;
        let (index, x_at) = (index / x.len(), index % x.len());
        let (index, z_at) = (index / z.len(), index % z.len());
        Self { element: index / t.len(), at: [t.start + index % t.len(), z.start + z_at, x.start + x_at] }
    }

    fn next(&mut self, class: &Class) {
        for axis in [2, 1, 0] {
            self.at[axis] += 1;
            if self.at[axis] < class.cells[axis].end {
                return;
            }
            self.at[axis] = class.cells[axis].start;
        }
        self.element += 1;
    }
}

/// In debug builds, panics if a run leaves `length` numbers.
pub(crate) fn check(length: usize, from: isize, runs: &[Run], step: usize) {
    if cfg!(debug_assertions) {
        for run in runs {
            let first = from + run.a;
            let last = first + ((run.length - 1) * step) as isize;
            assert!(first >= 0 && last < length as isize, "{first} to {last} of {length}");
        }
    }
}

/// An output whose parts are written by several threads.
pub(crate) struct Output {
    pub(crate) start: *mut f32,
    pub(crate) length: usize,
}

// SAFETY: threads write to parts that have nothing in common.
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

impl Output {
    /// Where a row of `width` numbers begins, which are `block` numbers apart after every 16.
    pub(crate) fn at(&self, index: usize, width: usize, block: usize) -> *mut f32 {
        debug_assert!(index + (width.max(1) - 1) / 16 * block + width.min(16) <= self.length);
        // SAFETY: the index lies in the output (asserted in debug builds).
        unsafe { self.start.add(index) }
    }
}
