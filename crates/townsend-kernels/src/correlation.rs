//! Convolutions and transposed convolutions as sums over runs of taps.
//!
//! Along an axis, output cell `first + q · step` of a *phase* reads the input cells from `q · advance +
//! origin` on, one for each of its taps. A convolution is one phase with `advance` = stride. A transposed
//! convolution of stride s is s phases (s³ in space) with `advance` 1, each a convolution with every s-th
//! tap, so that no product with an inserted zero is ever formed. Cells at the ends, for which taps fall
//! outside of the input, are *classes* of their own whose runs leave these taps out: nothing is padded.
//!
//! Phases that read the same input cells, with different taps, are computed together: each has columns of its
//! own in the tile. So vectors are filled where there are few channels, and an input cell is read once for
//! all of these phases.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::axis::Axis;
use crate::rows::Rows;
use crate::shape::{Convolution, Shape};
use crate::tile::{MOST_COLUMNS, MOST_ROWS, Run, Tile};

/// Phases along all three axes that are computed together.
#[derive(Debug, Clone)]
struct Phases {
    axes: [Axis; 3],
    /// For each of them its number along each axis, and its distance from the first one in cells of the
    /// output.
    each: Vec<([usize; 3], usize)>,
    /// Columns of a tile, and the number of tiles that all columns take.
    width: usize,
    column_tiles: usize,
    /// Where their packed weights begin, and how many weights a tile of columns has.
    weights: usize,
    depth: usize,
}

/// Cells of a phase for which the same taps lie inside the input.
#[derive(Debug, Clone)]
struct Class {
    phases: usize,
    cells: [Range<usize>; 3],
    first_taps: [usize; 3],
    runs: Vec<Run>,
}

impl Class {
    /// The number of products in the sum of a column.
    fn depth(&self) -> usize {
        self.runs.iter().map(|run| run.length).sum()
    }
}

/// Tiles that one thread computes one after the other.
#[derive(Debug, Clone)]
struct Job {
    class: usize,
    columns: usize,
    tiles: Range<usize>,
}

/// A plan for a convolution of a batch (or for the gradient with respect to its input, which is a convolution
/// too).
#[derive(Debug, Clone)]
pub(crate) struct Correlation {
    isa: Isa,
    pub(crate) input: Shape,
    pub(crate) output: Shape,
    /// The plan for one output channel, whose columns are cells along x.
    rows: Option<Rows>,
    phases: Vec<Phases>,
    classes: Vec<Class>,
    jobs: Vec<Job>,
    batch: usize,
    /// True if the thread that calls [`Correlation::run`] computes all of it.
    alone: bool,
    weights: usize,
    /// Distance in PyTorch's weights from one output channel to the next, and from one input channel to the
    /// next; taps stand side by side.
    strides: [usize; 2],
    kernel: [usize; 3],
}

/// Below so many products, some 10 µs of work, threads are not worth waking.
const SMALL: usize = 1 << 18;
/// Products of a job: some 30 µs of work, so that threads seldom wait for each other and sharing out costs
/// little.
const JOB: usize = 1 << 20;

impl Correlation {
    /// The plan for `layer` on maps of `size`; none if the kernel does not fit.
    pub(crate) fn forward(layer: &Convolution, size: [usize; 3], batch: usize, isa: Isa) -> Option<Self> {
        let input = Shape { channels: layer.inputs, size };
        let output = Shape { channels: layer.outputs, size: layer.output_size(size)? };
        Some(Self::new(layer, layer.transposed, input, output, batch, isa))
    }

    /// The plan from the gradient of the output of `layer` to the gradient of its input, a map of `size`.
    pub(crate) fn backward(layer: &Convolution, size: [usize; 3], batch: usize, isa: Isa) -> Option<Self> {
        let input = Shape { channels: layer.outputs, size: layer.output_size(size)? };
        let output = Shape { channels: layer.inputs, size };
        Some(Self::new(layer, !layer.transposed, input, output, batch, isa))
    }

    fn new(layer: &Convolution, spread: bool, input: Shape, output: Shape, batch: usize, isa: Isa) -> Self {
        let axis =
            |axis: usize| (layer.kernel[axis], layer.stride[axis], layer.padding[axis], output.size[axis]);
        let along = |index: usize| {
            let (kernel, stride, padding, outputs) = axis(index);
            match (spread, output.channels) {
                (false, _) => vec![Axis::strided(kernel, stride, padding, outputs)],
                (true, 1) => vec![Axis::folded(kernel, stride, padding, outputs)],
                (true, _) => Axis::spread(kernel, stride, padding, outputs),
            }
        };
        let axes = [along(0), along(1), along(2)];
        let taps = layer.taps();
        // Weights of a convolution are [out][in][tap], of a transposed one [in][out][tap].
        let strides = if spread { [taps, output.channels * taps] } else { [input.channels * taps, taps] };
        let mut plan = Self {
            isa,
            input,
            output,
            rows: None,
            phases: Vec::new(),
            classes: Vec::new(),
            jobs: Vec::new(),
            batch,
            alone: false,
            weights: 0,
            strides,
            kernel: layer.kernel,
        };
        if output.channels == 1 && axes[2][0].advance == 1 {
            let rows = Rows::new(isa, batch, input, output.size, axes.map(|mut phases| phases.remove(0)));
            plan.weights = rows.weights();
            plan.rows = Some(rows);
            return plan;
        }
        for t in &axes[0] {
            for z in &axes[1] {
                for x in &axes[2] {
                    plan.add_phases([t.clone(), z.clone(), x.clone()]);
                }
            }
        }
        plan.share_out();
        plan
    }

    /// The same for one map, computed by one thread. Packed weights serve both.
    pub(crate) fn single(&self) -> Self {
        let mut single = Self { batch: 1, alone: true, jobs: Vec::new(), ..self.clone() };
        single.rows = single.rows.map(Rows::single);
        single.share_out();
        single
    }

    fn add_phases(&mut self, axes: [Axis; 3]) {
        let [_, z_size, x_size] = self.output.size;
        let mut each = Vec::new();
        for (t, t_offset) in axes[0].offsets.iter().enumerate() {
            for (z, z_offset) in axes[1].offsets.iter().enumerate() {
                for (x, x_offset) in axes[2].offsets.iter().enumerate() {
                    each.push(([t, z, x], (t_offset * z_size + z_offset) * x_size + x_offset));
                }
            }
        }
        let columns = each.len() * self.output.padded_channels();
        let width = if columns <= 8 { 8 } else { self.isa.width(columns.next_multiple_of(16)) };
        let column_tiles = columns.div_ceil(width);
        let depth = axes.iter().map(Axis::taps).product::<usize>() * self.input.padded_channels() * width;
        let along: [_; 3] = std::array::from_fn(|axis| axes[axis].classes(self.input.size[axis]));
        for (t, t_taps) in &along[0] {
            for (z, z_taps) in &along[1] {
                for (x, x_taps) in &along[2] {
                    let taps = [t_taps.clone(), z_taps.clone(), x_taps.clone()];
                    self.classes.push(Class {
                        phases: self.phases.len(),
                        cells: [t.clone(), z.clone(), x.clone()],
                        first_taps: std::array::from_fn(|axis| taps[axis].start),
                        runs: self.runs(&axes, &taps, width),
                    });
                }
            }
        }
        self.phases.push(Phases { axes, each, width, column_tiles, weights: self.weights, depth });
        self.weights += depth * column_tiles;
    }

    /// The runs of a class, relative to the first input cell that it reads.
    fn runs(&self, axes: &[Axis; 3], taps: &[Range<usize>; 3], width: usize) -> Vec<Run> {
        let (block, [_, z_size, x_size]) = (self.input.block(), self.input.size);
        let mut runs: Vec<Run> = Vec::new();
        for t in taps[0].clone() {
            for z in taps[1].clone() {
                for channels in 0..self.input.blocks() {
                    let a = channels * self.input.cells()
                        + ((t - taps[0].start) * z_size + z - taps[1].start) * x_size;
                    let b = ((t * axes[1].taps() + z) * self.input.blocks() + channels) * axes[2].taps()
                        + taps[2].start;
                    let length = taps[2].len() * block;
                    let (a, b) = ((a * block) as isize, (b * block * width) as isize);
                    match runs.last_mut() {
                        Some(Run { a: a_last, b: b_last, length: last })
                            if a == *a_last + *last as isize && b == *b_last + (*last * width) as isize =>
                        {
                            *last += length;
                        }
                        _ if length > 0 => runs.push(Run { a, b, length }),
                        _ => (),
                    }
                }
            }
        }
        runs
    }

    fn share_out(&mut self) {
        let mut jobs = Vec::new();
        for (index, class) in self.classes.iter().enumerate() {
            let phases = &self.phases[class.phases];
            let rows = Tile::most_rows(self.isa, phases.width);
            let tiles = (self.batch * cells(&class.cells)).div_ceil(rows);
            let multiply_adds = class.depth() * phases.width * rows;
            let each = (JOB / multiply_adds.max(1)).clamp(1, tiles.max(1));
            for first in (0..tiles).step_by(each) {
                let through = first as f64 / tiles as f64;
                for columns in 0..phases.column_tiles {
                    let job = Job { class: index, columns, tiles: first..(first + each).min(tiles) };
                    jobs.push((through, job));
                }
            }
        }
        // All that reads and writes the same part of the maps is done before the next part comes: the cache
        // holds it that long.
        jobs.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.jobs.extend(jobs.into_iter().map(|(_, job)| job));
    }

    /// The weights in the order in which tiles read them, each multiplied by the `scale` of its output
    /// channel.
    pub(crate) fn pack(&self, weights: &[f32], scale: Option<&[f32]>) -> Vec<f32> {
        if let Some(rows) = &self.rows {
            let factor = scale.map_or(1.0, |scale| scale[0]);
            return rows.pack(weights, self.strides[1], self.kernel, factor);
        }
        let mut packed = vec![0.0; self.weights];
        for phases in self.phases.iter().filter(|phases| phases.depth > 0) {
            let tiles = &mut packed[phases.weights..][..phases.column_tiles * phases.depth];
            tiles.par_chunks_exact_mut(phases.depth).enumerate().for_each(|(index, tile)| {
                for lane in 0..phases.width {
                    if let Some((channel, phase)) = self.column(phases, index * phases.width + lane) {
                        let factor = scale.map_or(1.0, |scale| scale[channel]);
                        let from = &weights[channel * self.strides[0]..];
                        let to = tile[lane..].iter_mut().step_by(phases.width);
                        self.pack_column(&phases.axes, phases.each[phase].0, from, factor, to);
                    }
                }
            });
        }
        packed
    }

    fn pack_column<'a>(
        &self,
        axes: &[Axis; 3],
        phase: [usize; 3],
        weights: &[f32],
        factor: f32,
        mut to: impl Iterator<Item = &'a mut f32>,
    ) {
        let [t_taps, z_taps, x_taps] = [0, 1, 2].map(|axis| &axes[axis].taps[phase[axis]]);
        let [_, z_size, x_size] = self.kernel;
        for &t in t_taps {
            for &z in z_taps {
                for first in (0..self.input.padded_channels()).step_by(self.input.block()) {
                    for &x in x_taps {
                        let inside = t < self.kernel[0] && z < z_size && x < x_size;
                        let tap = (t * z_size + z) * x_size + x;
                        for (channel, to) in (first..first + self.input.block()).zip(&mut to) {
                            if inside && channel < self.input.channels {
                                *to = weights[channel * self.strides[1] + tap] * factor;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Channel and phase of a column: all phases of a block of channels, then all of the next block. `None`
    /// for columns that only fill up a tile.
    fn column(&self, phases: &Phases, column: usize) -> Option<(usize, usize)> {
        let (block, count) = (self.output.block(), phases.each.len());
        let (unit, lane) = (column / block, column % block);
        let channel = unit / count * block + lane;
        (channel < self.output.channels).then_some((channel, unit % count))
    }

    /// Numbers of memory that [`Correlation::run`] needs besides input and output.
    pub(crate) fn scratch(&self) -> usize {
        self.rows.as_ref().map_or(0, Rows::scratch)
    }

    /// Computes the output of a whole batch: sums of products, plus the shift of each channel; negative
    /// results are multiplied by the slope.
    pub(crate) fn run(
        &self,
        input: &[f32],
        (weights, shift, slope): (&[f32], &[f32], f32),
        scratch: &mut [f32],
        output: &mut [f32],
    ) {
        assert_eq!(
            input.len(),
            self.batch * self.input.len(),
            "the input is no batch of {} maps",
            self.batch
        );
        assert_eq!(
            output.len(),
            self.batch * self.output.len(),
            "the output is no batch of {} maps",
            self.batch
        );
        assert_eq!(weights.len(), self.weights, "the weights are packed for another convolution");
        assert_eq!(shift.len(), self.output.channels, "one shift a channel");
        if let Some(rows) = &self.rows {
            return rows.run(input, (weights, shift[0], slope), scratch, output);
        }
        let output = Output { start: output.as_mut_ptr(), length: output.len() };
        let compute = |job: &Job| self.compute(job, input, weights, shift, slope, &output);
        if self.alone || self.multiply_adds() < SMALL {
            self.jobs.iter().for_each(compute);
        } else {
            self.jobs.par_iter().for_each(compute);
        }
    }

    fn multiply_adds(&self) -> usize {
        let of_class = |class: &Class| {
            let phases = &self.phases[class.phases];
            class.depth() * cells(&class.cells) * phases.width * phases.column_tiles
        };
        self.classes.iter().map(of_class).sum::<usize>() * self.batch
    }

    fn compute(&self, job: &Job, input: &[f32], weights: &[f32], shift: &[f32], slope: f32, output: &Output) {
        let class = &self.classes[job.class];
        let phases = &self.phases[class.phases];
        let width = phases.width;
        let rows = Tile::most_rows(self.isa, width);
        let weights = &weights[phases.weights + job.columns * phases.depth..][..phases.depth];
        let mut start = [0.0; MOST_COLUMNS];
        for (lane, start) in start[..width].iter_mut().enumerate() {
            *start =
                self.column(phases, job.columns * width + lane).map_or(0.0, |(channel, _)| shift[channel]);
        }
        // With one channel the columns are cells that lie apart: they are computed side by side and then
        // stored one by one.
        let spread = self.output.block() == 1;
        let mut together = [0.0; MOST_ROWS * MOST_COLUMNS];
        let (first_column, out_block) = if spread { (0, 16) } else { self.blocks_at(phases, job.columns) };
        let mut outputs = [(0, [0; 3]); MOST_ROWS];
        // The distance to the next cell along x, in input and output.
        let x_axis = &phases.axes[2];
        let x_steps = ((x_axis.advance * self.input.block()) as isize, if spread { 0 } else { x_axis.step });
        let mut tile = Tile {
            rows: 0,
            width,
            a: [input.as_ptr(); MOST_ROWS],
            out: [together.as_mut_ptr(); MOST_ROWS],
            b: weights.as_ptr(),
            runs: &class.runs,
            a_step: 1,
            beside: 1,
            b_step: width,
            b_block: 16,
            out_block,
            start: Some(&start[..width]),
            slope,
        };
        for first in job.tiles.clone().map(|tile| tile * rows) {
            tile.rows = rows.min(self.batch * cells(&class.cells) - first);
            let mut cell = Cursor::new(class, first);
            let mut from = self.input_at(phases, class, &cell);
            let mut to = if spread { 0 } else { self.output_at(phases, &cell) };
            for m in 0..tile.rows {
                check(input.len(), from, &class.runs, |run| run.a, 1);
                check(weights.len(), width as isize - 1, &class.runs, |run| run.b, width);
                // Not `add`: of a class without taps the cell may lie outside, and nothing is read.
                tile.a[m] = input.as_ptr().wrapping_offset(from);
                if spread {
                    outputs[m] = (cell.element, cell.at);
                    tile.out[m] = together.as_mut_ptr().wrapping_add(m * width);
                } else {
                    tile.out[m] = output.at(first_column + to * 16, width, out_block);
                }
                if cell.next(class) {
                    from += x_steps.0;
                    to += x_steps.1;
                } else if m + 1 < tile.rows {
                    from = self.input_at(phases, class, &cell);
                    to = if spread { 0 } else { self.output_at(phases, &cell) };
                }
            }
            // SAFETY: `check` has seen that all runs lie in the input; those of the weights are made for
            // `depth` numbers; `Output::at` has seen that the rows lie in the output. No two tiles have a
            // cell of the output in common, and `isa` was found on this CPU.
            unsafe { tile.run(self.isa) };
            if spread {
                for (m, cell) in outputs[..tile.rows].iter().enumerate() {
                    self.spread(phases, *cell, job.columns, &together[m * width..][..width], output);
                }
            }
        }
    }

    /// Where the first 16 columns of a tile stand relative to a cell of the first phase, and the distance
    /// from there to the next 16.
    fn blocks_at(&self, phases: &Phases, tile: usize) -> (usize, usize) {
        let at = |unit: usize| {
            let (block, phase) = (unit / phases.each.len(), unit % phases.each.len());
            (block * self.output.cells() + phases.each[phase].1) * 16
        };
        let unit = tile * phases.width / 16;
        (at(unit), at(unit + phases.width / 16 - 1) - at(unit))
    }

    /// Where the first input cell that an output cell reads stands in memory.
    fn input_at(&self, phases: &Phases, class: &Class, cell: &Cursor) -> isize {
        let [_, z_size, x_size] = self.input.size.map(|size| size as isize);
        let [t, z, x]: [isize; 3] = std::array::from_fn(|axis| {
            let along = &phases.axes[axis];
            (cell.at[axis] * along.advance + class.first_taps[axis]) as isize + along.origin
        });
        let block = self.input.block() as isize;
        (cell.element * self.input.len()) as isize + ((t * z_size + z) * x_size + x) * block
    }

    /// The number of an output cell, as the first phase and the first block of channels count.
    fn output_at(&self, phases: &Phases, cell: &Cursor) -> usize {
        let [t, z, x]: [usize; 3] = std::array::from_fn(|axis| {
            phases.axes[axis].first as usize + cell.at[axis] * phases.axes[axis].step
        });
        let [_, z_size, x_size] = self.output.size;
        cell.element * self.output.blocks() * self.output.cells() + (t * z_size + z) * x_size + x
    }

    /// Stores the columns of a tile's row, which are the phases of one channel, in the cells that they belong
    /// to.
    fn spread(&self, phases: &Phases, cell: (usize, [usize; 3]), tile: usize, row: &[f32], output: &Output) {
        let (element, at) = cell;
        let (size, axes) = (self.output.size, &phases.axes);
        let first: [isize; 3] =
            std::array::from_fn(|axis| axes[axis].first + (at[axis] * axes[axis].step) as isize);
        let inside = |axis: usize, phase: usize| {
            let at = first[axis] + axes[axis].offsets[phase] as isize;
            (0..size[axis] as isize).contains(&at)
        };
        let whole = (0..3).all(|axis| inside(axis, 0) && inside(axis, axes[axis].offsets.len() - 1));
        let origin = (element * self.output.len()) as isize
            + (first[0] * size[1] as isize + first[1]) * size[2] as isize
            + first[2];
        for (&value, (phase, distance)) in row.iter().zip(&phases.each[tile * phases.width..]) {
            if whole || (0..3).all(|axis| inside(axis, phase[axis])) {
                let at = output.at((origin + *distance as isize) as usize, 1, 0);
                // SAFETY: `Output::at` has seen that the number lies in the output, and no other tile has
                // this cell.
                unsafe { *at = value };
            }
        }
    }
}

fn cells(ranges: &[Range<usize>; 3]) -> usize {
    ranges.iter().map(Range::len).product()
}

/// A position among the cells of a class, which are counted cell after cell and map after map of the batch.
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

    /// Moves to the next cell; true if it is the neighbour along x.
    fn next(&mut self, class: &Class) -> bool {
        for axis in [2, 1, 0] {
            self.at[axis] += 1;
            if self.at[axis] < class.cells[axis].end {
                return axis == 2;
            }
            self.at[axis] = class.cells[axis].start;
        }
        self.element += 1;
        false
    }
}

/// In debug builds, panics if a run reads outside of `length` numbers; `of` gives where it begins.
pub(crate) fn check(length: usize, from: isize, runs: &[Run], of: fn(&Run) -> isize, step: usize) {
    if cfg!(debug_assertions) {
        for run in runs {
            let first = from + of(run);
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
    /// A pointer to the first of `width` numbers; the second 16 of them stand `block` numbers after the
    /// first, and so on.
    pub(crate) fn at(&self, index: usize, width: usize, block: usize) -> *mut f32 {
        debug_assert!(index + (width.max(1) - 1) / 16 * block + width.min(16) <= self.length);
        // SAFETY: the index lies in the output (asserted in debug builds).
        unsafe { self.start.add(index) }
    }
}
