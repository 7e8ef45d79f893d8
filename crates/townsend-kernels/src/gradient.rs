//! Gradients of weights: sums over cells.
//!
//! In a convolution, the weight of tap k from channel a to channel b has the gradient Σ `wide[o · s + k −
//! p][a]` · `narrow[o][b]`, where the input is `wide` and the gradient of the output is `narrow`; in a
//! transposed convolution the two are exchanged. The rows of a tile are taps and channels a, its columns
//! channels b, and its runs rows of cells.

use std::ops::Range;

use rayon::prelude::*;

use crate::Isa;
use crate::correlation::{Output, check};
use crate::shape::{BLOCK, Convolution, Shape};
use crate::tile::{MOST_ROWS, Run, Tile};

/// Cells that all tiles sum over before the next cells are read: so few that they stay in the cache nearest
/// to the CPU.
const SLAB: usize = 64;
/// Parts that each thread takes, one after the other; their number does not change any result. Each reads
/// all cells of the batch, so that many parts read much.
const PARTS: usize = 4;

/// The gradient of the weights of `layer`, in PyTorch's order, from a batch of inputs of `size` and the
/// gradients of its outputs.
///
/// # Panics
/// If the kernel does not fit, or the maps are no batch of the same length.
pub fn weight_gradient(
    layer: &Convolution,
    size: [usize; 3],
    input: &[f32],
    output_gradient: &[f32],
    isa: Isa,
) -> Vec<f32> {
    let output_size = layer.output_size(size).expect("the kernel fits");
    let input_shape = Shape { channels: layer.inputs, size };
    let output_shape = Shape { channels: layer.outputs, size: output_size };
    let batch = input_shape.batch(input.len(), input_shape.len());
    assert_eq!(
        output_gradient.len(),
        batch * output_shape.len(),
        "one gradient of the output for each input"
    );
    let (wide, narrow) = ((input_shape, input), (output_shape, output_gradient));
    let (wide, narrow) = if layer.transposed { (narrow, wide) } else { (wide, narrow) };
    let padded;
    let wide = if layer.padding == [0; 3] {
        wide
    } else {
        padded = pad(wide.0, wide.1, layer.padding);
        (padded.0, &padded.1[..])
    };
    let expanded;
    let values = if narrow.0.channels == 1 {
        expanded = expand(narrow.1);
        &expanded
    } else {
        narrow.1
    };
    Sums::new(layer, wide.0, narrow.0, isa).compute(batch, wide.1, values)
}

/// Maps with zeros around them.
fn pad(shape: Shape, maps: &[f32], padding: [usize; 3]) -> (Shape, Vec<f32>) {
    let size = std::array::from_fn(|axis| shape.size[axis] + 2 * padding[axis]);
    let padded = Shape { channels: shape.channels, size };
    let row = shape.size[2] * shape.block();
    let rows = shape.size[0] * shape.size[1];
    let mut to = vec![0.0; shape.batch(maps.len(), shape.len()) * padded.len()];
    for (index, from) in maps.chunks_exact(row).enumerate() {
        let (block, at) = (index / rows, index % rows);
        let (t, z) = (at / shape.size[1] + padding[0], at % shape.size[1] + padding[1]);
        let start = (((block * size[0] + t) * size[1] + z) * size[2] + padding[2]) * shape.block();
        to[start..start + row].copy_from_slice(from);
    }
    (padded, to)
}

/// One channel as a block of 16.
fn expand(map: &[f32]) -> Vec<f32> {
    let mut blocks = vec![0.0; map.len() * BLOCK];
    blocks.iter_mut().step_by(BLOCK).zip(map).for_each(|(to, from)| *to = *from);
    blocks
}

struct Sums {
    isa: Isa,
    wide: Shape,
    narrow: Shape,
    stride: [usize; 3],
    /// For each row where it reads the wide map, relative to the first tap of a cell, and its number among
    /// the weights of a column.
    rows: Vec<(usize, usize)>,
    /// The rows of each tile.
    tiles: Vec<Range<usize>>,
    width: usize,
    columns: usize,
}

impl Sums {
    fn new(layer: &Convolution, wide: Shape, narrow: Shape, isa: Isa) -> Self {
        let columns = narrow.channels.next_multiple_of(BLOCK);
        let (width, stride) = (isa.width(columns), layer.stride);
        let rows = rows(wide, layer.kernel);
        let most = Tile::most_rows_of_sums(isa, width);
        let tiles =
            (0..rows.len()).step_by(most).map(|first| first..(first + most).min(rows.len())).collect();
        Self { isa, wide, narrow, stride, rows, tiles, width, columns }
    }

    /// The distance from a cell to the next one of a run, in numbers of both maps: that to the neighbour
    /// along x, or where a map has one cell only, that to the next map of the batch.
    fn steps(&self) -> [usize; 2] {
        if self.narrow.cells() == 1 {
            [self.wide.len(), self.columns]
        } else {
            [self.stride[2] * self.wide.block(), BLOCK]
        }
    }

    /// The rows of cells of a batch. All maps have `batch` elements.
    fn runs(&self, batch: usize) -> Vec<Run> {
        let [t_size, z_size, length] = self.narrow.size;
        let narrow_len = self.columns * self.narrow.cells();
        if self.narrow.cells() == 1 && batch > 0 {
            return vec![Run { a: 0, b: 0, length: batch }];
        }
        let mut runs = Vec::with_capacity(batch * t_size * z_size);
        for element in 0..batch {
            for t in 0..t_size {
                for z in 0..z_size {
                    let wide =
                        (t * self.stride[0] * self.wide.size[1] + z * self.stride[1]) * self.wide.size[2];
                    let narrow = (t * z_size + z) * length;
                    runs.push(Run {
                        a: (element * self.wide.len() + wide * self.wide.block()) as isize,
                        b: (element * narrow_len + narrow * BLOCK) as isize,
                        length,
                    });
                }
            }
        }
        runs
    }

    fn compute(&self, batch: usize, wide: &[f32], narrow: &[f32]) -> Vec<f32> {
        let runs = self.runs(batch);
        let mut sums = vec![0.0; self.rows.len() * self.columns];
        if runs.is_empty() {
            return self.in_order(&sums);
        }
        let output = Output { start: sums.as_mut_ptr(), length: sums.len() };
        let columns = 0..self.columns / self.width;
        let tiles: Vec<_> =
            self.tiles.iter().flat_map(|rows| columns.clone().map(move |columns| (rows, columns))).collect();
        let threads = rayon::current_num_threads();
        let parts = if threads > 1 { PARTS * threads } else { 1 };
        tiles.par_chunks(tiles.len().div_ceil(parts).max(1)).for_each(|part| {
            let tile = |&(rows, columns)| self.tile(rows, columns, &runs, wide, narrow, &output);
            let mut tiles: Vec<Tile<'_>> = part.iter().map(tile).collect();
            for slab in runs.chunks((SLAB / self.narrow.size[2]).max(1)) {
                for tile in &mut tiles {
                    tile.runs = slab;
                    // SAFETY: the runs lie in both maps (checked in debug builds): a cell o of the narrow map
                    // and a tap k give the cell o · s + k of the wide one, which is what defines their sizes.
                    // `Output::at` has seen that the rows lie in the sums, each tile has its own, and `isa`
                    // was found on this CPU.
                    unsafe { tile.run(self.isa) };
                }
            }
        });
        self.in_order(&sums)
    }

    /// A tile of sums over all runs.
    fn tile<'a>(
        &self,
        range: &Range<usize>,
        columns: usize,
        runs: &'a [Run],
        wide: &[f32],
        narrow: &[f32],
        output: &Output,
    ) -> Tile<'a> {
        let (first, rows) = (range.start, range.len());
        let mut a = [wide.as_ptr(); MOST_ROWS];
        let mut out = [output.start; MOST_ROWS];
        let [a_step, b_step] = self.steps();
        for m in 0..rows {
            let from = self.rows[first + m].0;
            check(wide.len(), from as isize, runs, |run| run.a, a_step);
            a[m] = a[m].wrapping_add(from);
            out[m] = output.at((first + m) * self.columns + columns * self.width, self.width, BLOCK);
        }
        let block = self.narrow.cells() * BLOCK;
        let from = columns * self.width / BLOCK * block;
        let last = from + (self.width - 1) / BLOCK * block + BLOCK - 1;
        check(narrow.len(), last as isize, runs, |run| run.b, b_step);
        Tile {
            rows,
            width: self.width,
            a,
            out,
            b: narrow[from..].as_ptr(),
            runs,
            a_step,
            beside: beside(&self.rows[range.clone()]),
            b_step,
            b_block: block,
            out_block: BLOCK,
            start: None,
            slope: 1.0,
        }
    }

    /// From rows and columns to PyTorch's `[b][a][tap]`, a few columns at a time: columns are written to
    /// places that lie a power of two apart, and many of them would drive each other out of the cache.
    fn in_order(&self, sums: &[f32]) -> Vec<f32> {
        const TOGETHER: usize = 4;
        let mut weights = vec![0.0; self.narrow.channels * self.rows.len()];
        let parts = weights.par_chunks_mut(TOGETHER * self.rows.len()).enumerate();
        parts.for_each(|(index, weights)| {
            let columns = weights.len() / self.rows.len();
            for (sums, (_, at)) in sums.chunks_exact(self.columns).zip(&self.rows) {
                for (column, sum) in sums[index * TOGETHER..][..columns].iter().enumerate() {
                    weights[column * self.rows.len() + at] = *sum;
                }
            }
        });
        weights
    }
}

/// The rows in this order: for each t and z of a tap the blocks of channels, for each block the taps along x,
/// for each tap the channels of the block. So the numbers that neighbouring rows read stand side by side.
fn rows(wide: Shape, [kt, kz, kx]: [usize; 3]) -> Vec<(usize, usize)> {
    let mut rows = Vec::with_capacity(kt * kz * kx * wide.channels);
    for (t, z) in (0..kt).flat_map(|t| (0..kz).map(move |z| (t, z))) {
        for first in (0..wide.channels).step_by(wide.block()) {
            for x in 0..kx {
                for channel in first..(first + wide.block()).min(wide.channels) {
                    let at = wide.at(channel, (t * wide.size[1] + z) * wide.size[2] + x);
                    rows.push((at, ((channel * kt + t) * kz + z) * kx + x));
                }
            }
        }
    }
    rows
}

/// [`Tile::beside`]: all rows, three or one.
fn beside(rows: &[(usize, usize)]) -> usize {
    let stand = |count: usize| {
        rows.len().is_multiple_of(count)
            && rows.chunks(count).all(|rows| rows.windows(2).all(|pair| pair[1].0 == pair[0].0 + 1))
    };
    [rows.len(), 3].into_iter().find(|&count| stand(count)).unwrap_or(1)
}
