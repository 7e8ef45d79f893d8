//! Convolutions to one channel, such as the last of a decoder.
//!
//! With one output channel the columns of a tile are cells along x: its rows are the phases of a transposed
//! convolution, `a` are the weights, and `b` is the input with a row of cells for each channel,
//! `[t][z][channel][x]` with zeros at both ends of x. The input is brought into this order plane by plane,
//! right before it is read, into a ring that holds as many planes as there are taps along t: so few that they
//! stay in the cache.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::axis::Axis;
use crate::correlation::{Output, check};
use crate::shape::{BLOCK, Shape};
use crate::simd::turn;
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
    /// The cell of the output along each axis that a phase begins with.
    phases: Vec<[isize; 3]>,
    /// Phases of a tile, and those along x among them that stand side by side in the output: all or one.
    each: usize,
    beside: usize,
    /// Ranges of cells along t and z with the same taps, and for each pair of ranges the runs for each
    /// place in the ring of the first plane that is read.
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
        let mut phases = Vec::new();
        let begin = |axis: &Axis, phase: &usize| axis.first + *phase as isize;
        for t in &axes[0].offsets {
            for z in &axes[1].offsets {
                for x in &axes[2].offsets {
                    phases.push([begin(&axes[0], t), begin(&axes[1], z), begin(&axes[2], x)]);
                }
            }
        }
        // As few tiles as there can be, of about as many rows each, and of all phases along x if they fit.
        let (most, along_x) = (Tile::most_rows(isa, width), x.offsets.len());
        let even = phases.len().div_ceil(phases.len().div_ceil(most));
        let whole = even.next_multiple_of(along_x);
        let (each, beside) = if whole <= most { (whole, along_x) } else { (even, 1) };
        let mut rows = Self {
            isa,
            batch,
            alone: false,
            input,
            output,
            axes,
            row,
            before,
            width,
            phases,
            each,
            beside,
            classes,
            runs: Vec::new(),
        };
        for (_, t) in &rows.classes[0] {
            for (_, z) in &rows.classes[1] {
                for first in 0..rows.axes[0].taps() {
                    rows.runs.push(rows.runs(t, z, first));
                }
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

    /// The number of packed weights.
    pub(crate) fn weights(&self) -> usize {
        self.phases.len() * self.depth()
    }

    /// The taps of a class, relative to the first row of the first plane that it reads, if that is the one at
    /// `first` in the ring.
    fn runs(&self, t_taps: &Range<usize>, z_taps: &Range<usize>, first: usize) -> Vec<Run> {
        let (channels, x_taps) = (self.input.channels, self.axes[2].taps());
        let mut runs = Vec::new();
        for t in t_taps.clone() {
            for x in 0..x_taps {
                let a = ((t * x_taps + x) * self.axes[1].taps() + z_taps.start) * channels;
                let plane = (first + t - t_taps.start) % self.axes[0].taps();
                let length = z_taps.len() * channels;
                runs.push(Run { a: a as isize, b: (plane * self.plane() + x) as isize, length });
            }
        }
        runs.retain(|run| run.length > 0);
        runs
    }

    /// Weights `[in][tap]` as `[phase][t][x][z][in]`, so that what belongs to rows of cells that follow each
    /// other is one run; `step` is that from one input channel to the next.
    pub(crate) fn pack(&self, weights: &[f32], step: usize, kernel: [usize; 3], factor: f32) -> Vec<f32> {
        let [t_phases, z_phases, x_phases] = [0, 1, 2].map(|axis: usize| self.axes[axis].offsets.len());
        let mut packed = Vec::with_capacity(self.weights());
        for phase in 0..t_phases * z_phases * x_phases {
            let at = [phase / (z_phases * x_phases), phase / x_phases % z_phases, phase % x_phases];
            for &t in &self.axes[0].taps[at[0]] {
                for &x in &self.axes[2].taps[at[2]] {
                    for &z in &self.axes[1].taps[at[1]] {
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

    /// Numbers of a plane of the input in the layout of this module.
    fn plane(&self) -> usize {
        self.input.size[1] * self.input.channels * self.row
    }

    /// Numbers of a ring of planes. The last tile of a row reads beyond the row, in the next one; so there is
    /// one row more after the last.
    fn ring(&self) -> usize {
        self.axes[0].taps() * self.plane() + self.width + self.row
    }

    /// How many planes of the output are computed one after the other with one ring. What they have in common
    /// with the next ones is brought in order twice: for these many it is a sixth of the work.
    fn planes_each(&self) -> usize {
        /// Most rings of a batch.
        const RINGS: usize = 64;
        let all = self.batch * self.axes[0].count;
        if self.alone { all } else { (6 * (self.axes[0].taps() - 1)).max(all.div_ceil(RINGS)).max(1) }
    }

    /// Numbers that [`Rows::run`] needs beside input and output.
    pub(crate) fn scratch(&self) -> usize {
        (self.batch * self.axes[0].count).div_ceil(self.planes_each()) * self.ring()
    }

    /// A plane of the input, from blocks of channels to rows of cells.
    fn arrange(&self, input: &[f32], t: usize, plane: &mut [f32]) {
        let [_, z_size, x_size] = self.input.size;
        let (channels, block) = (self.input.channels, self.input.block());
        for (z, rows) in plane.chunks_exact_mut(channels * self.row).enumerate() {
            for row in rows.chunks_exact_mut(self.row) {
                row[..self.before].fill(0.0);
                row[self.before + x_size..].fill(0.0);
            }
            for first in (0..channels).step_by(block) {
                let from = &input[self.input.at(first, (t * z_size + z) * x_size)..][..x_size * block];
                let rows = &mut rows[first * self.row + self.before..];
                turn(self.isa, from, block, rows, self.row, block.min(channels - first));
            }
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
        let output = Output { start: output.as_mut_ptr(), length: output.len() };
        let (each, t_count) = (self.planes_each(), self.axes[0].count);
        let compute = |(index, ring): (usize, &mut [f32])| {
            // The element whose planes are in the ring, and how many of its planes have been there.
            let (mut known, mut ready) = (None, 0);
            for plane in index * each..((index + 1) * each).min(self.batch * t_count) {
                let (element, t) = (plane / t_count, plane % t_count);
                let input = &input[element * self.input.len()..][..self.input.len()];
                let [first, taps] = self.first(0, t);
                if known.replace(element) != Some(element) {
                    ready = first;
                }
                while ready < first + taps {
                    let place = ready % self.axes[0].taps();
                    self.arrange(input, ready, &mut ring[place * self.plane()..][..self.plane()]);
                    ready += 1;
                }
                self.compute(ring, (weights, shift, slope), [element, t], &output);
            }
        };
        let rings = &mut scratch[..self.scratch()];
        if self.alone {
            rings.chunks_exact_mut(self.ring()).enumerate().for_each(compute);
        } else {
            rings.par_chunks_exact_mut(self.ring()).enumerate().for_each(compute);
        }
    }

    /// The class of a cell along an axis.
    fn class(&self, axis: usize, cell: usize) -> usize {
        self.classes[axis].iter().position(|(cells, _)| cells.contains(&cell)).unwrap_or_default()
    }

    /// The first cell of the input that a cell reads along an axis, and how many it reads; of none the first
    /// is 0.
    fn first(&self, axis: usize, cell: usize) -> [usize; 2] {
        let (along, taps) = (&self.axes[axis], &self.classes[axis][self.class(axis, cell)].1);
        let first = (cell * along.advance + taps.start) as isize + along.origin;
        if taps.is_empty() { [0, 0] } else { [first as usize, taps.len()] }
    }

    /// Computes a plane of the output, for which the planes that it reads are in the ring.
    fn compute(
        &self,
        ring: &[f32],
        (weights, shift, slope): (&[f32], f32, f32),
        [element, t]: [usize; 2],
        output: &Output,
    ) {
        let start = [shift; MOST_COLUMNS];
        // A tile is computed here before its numbers are stored.
        let mut together = [0.0; MOST_ROWS * MOST_COLUMNS];
        let (x_axis, t_taps) = (&self.axes[2], self.axes[0].taps());
        let (t_class, place) = (self.class(0, t), self.first(0, t)[0] % t_taps);
        for z in 0..self.axes[1].count {
            let class = t_class * self.classes[1].len() + self.class(1, z);
            let runs = &self.runs[class * t_taps + place];
            let from =
                (self.first(1, z)[0] * self.input.channels * self.row + self.before) as isize + x_axis.origin;
            for (index, phases) in self.phases.chunks(self.each).enumerate() {
                let mut tile = Tile {
                    rows: phases.len(),
                    width: self.width,
                    a: [weights.as_ptr(); MOST_ROWS],
                    out: [together.as_mut_ptr(); MOST_ROWS],
                    b: ring.as_ptr(),
                    runs,
                    a_step: 1,
                    beside: 1,
                    b_step: self.row,
                    b_block: BLOCK,
                    out_block: BLOCK,
                    start: Some(&start[..self.width]),
                    slope,
                };
                for m in 0..phases.len() {
                    let weights_at = (index * self.each + m) * self.depth();
                    check(weights.len(), weights_at as isize, runs, |run| run.a, 1);
                    tile.a[m] = weights.as_ptr().wrapping_add(weights_at);
                    tile.out[m] = together.as_mut_ptr().wrapping_add(m * self.width);
                }
                for x in (0..x_axis.count).step_by(self.width) {
                    let from = from + x as isize;
                    check(ring.len(), from, runs, |run| run.b, self.row);
                    check(ring.len(), from + self.width as isize - 1, runs, |run| run.b, self.row);
                    // Not `add`: of a class without taps the cell may lie outside, and nothing is read.
                    tile.b = ring.as_ptr().wrapping_offset(from);
                    // SAFETY: the runs lie in weights and ring (checked in debug builds); `together` is this
                    // thread's, and `isa` was found on this CPU.
                    unsafe { tile.run(self.isa) };
                    for (phase, values) in phases
                        .iter()
                        .step_by(self.beside)
                        .zip(together.chunks_exact(self.beside * self.width))
                    {
                        self.spread(*phase, values, ([t, z, x], element), output);
                    }
                }
            }
        }
    }

    /// Stores neighbouring cells of phases that stand side by side, of which the first is given.
    fn spread(
        &self,
        phase: [isize; 3],
        values: &[f32],
        (cell, element): ([usize; 3], usize),
        output: &Output,
    ) {
        let at: [isize; 3] =
            std::array::from_fn(|axis| phase[axis] + (cell[axis] * self.axes[axis].step) as isize);
        if (0..2).any(|axis| at[axis] < 0 || at[axis] >= self.output[axis] as isize) {
            return;
        }
        let row =
            ((element * self.output[0] + at[0] as usize) * self.output[1] + at[1] as usize) * self.output[2];
        let count = self.width.min(self.axes[2].count - cell[2]);
        let (length, step) = (self.output[2] as isize, self.axes[2].step);
        let last = at[2] + ((count - 1) * step + self.beside - 1) as isize;
        if self.beside == 2 && step == 2 && at[2] >= 0 && last < length {
            let to = output.at(row + at[2] as usize, 1, 0);
            // SAFETY: the cells lie in a row of the output, as was just seen; no other tile has them and
            // these phases.
            let to = unsafe { std::slice::from_raw_parts_mut(to, 2 * count) };
            let (even, odd) = values.split_at(self.width);
            let pairs = to.as_chunks_mut::<2>().0.iter_mut();
            pairs.zip(even).zip(odd).for_each(|((to, even), odd)| *to = [*even, *odd]);
            return;
        }
        for (phase, values) in values.chunks_exact(self.width).enumerate() {
            for (n, value) in values[..count].iter().enumerate() {
                let at = at[2] + (n * step + phase) as isize;
                if (0..length).contains(&at) {
                    // SAFETY: the cell lies in a row of the output; no other tile has it and this phase.
                    unsafe { *output.at(row + at as usize, 1, 0) = *value };
                }
            }
        }
    }
}
