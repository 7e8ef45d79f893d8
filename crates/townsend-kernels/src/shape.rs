//! Maps of features in memory, and the geometry of convolutions.

use rayon::prelude::*;

use crate::Buffer;

/// Channels that stand side by side in memory.
pub(crate) const BLOCK: usize = 16;

/// Channels and cells of a map. A map of fewer than three dimensions is 1 long along the axes that it does
/// not have.
///
/// In memory a map is `[blocks of channels][t][z][x][channels of a block]`, where a block holds 16 channels;
/// the last one is filled up with zeros. A map of one channel has blocks of one channel, so it is simply
/// `[t][z][x]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Channels.
    pub channels: usize,
    /// Cells along `[t, z, x]`.
    pub size: [usize; 3],
}

impl Shape {
    /// Cells of a channel.
    pub fn cells(&self) -> usize {
        self.size.iter().product()
    }

    /// Channels that stand side by side in memory.
    pub fn block(&self) -> usize {
        if self.channels == 1 { 1 } else { BLOCK }
    }

    /// Number of blocks.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(self.block())
    }

    /// Channels, those included that fill up the last block.
    pub fn padded_channels(&self) -> usize {
        self.blocks() * self.block()
    }

    /// Numbers in memory.
    pub fn len(&self) -> usize {
        self.padded_channels() * self.cells()
    }

    /// True if there is nothing in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Channels times cells, without filling.
    pub fn values(&self) -> usize {
        self.channels * self.cells()
    }

    /// Where a channel of a cell stands in memory.
    pub(crate) fn at(&self, channel: usize, cell: usize) -> usize {
        let block = self.block();
        (channel / block * self.cells() + cell) * block + channel % block
    }

    /// From `[batch][channel][cell]` to blocks.
    ///
    /// # Panics
    /// If `from` is not a whole number of maps.
    pub fn pack(&self, from: &[f32]) -> Buffer {
        let batch = self.batch(from.len(), self.values());
        let mut packed = Buffer::new(batch * self.len());
        if batch == 0 {
            return packed;
        }
        let maps = packed.par_chunks_mut(self.len()).zip(from.par_chunks(self.values()));
        maps.for_each(|(to, from)| {
            if self.channels == 1 {
                to.copy_from_slice(from);
                return;
            }
            to.fill(0.0);
            for (channel, cells) in from.chunks_exact(self.cells()).enumerate() {
                let to = &mut to[self.at(channel, 0)..];
                cells.iter().zip(to.iter_mut().step_by(BLOCK)).for_each(|(from, to)| *to = *from);
            }
        });
        packed
    }

    /// From blocks to `[batch][channel][cell]`.
    ///
    /// # Panics
    /// If `from` is not a whole number of maps.
    pub fn unpack(&self, from: &[f32]) -> Vec<f32> {
        if self.channels == 1 {
            return from.to_vec();
        }
        let batch = self.batch(from.len(), self.len());
        let mut to = vec![0.0; batch * self.values()];
        if batch > 0 {
            for (from, to) in from.chunks_exact(self.len()).zip(to.chunks_exact_mut(self.values())) {
                for (channel, cells) in to.chunks_exact_mut(self.cells()).enumerate() {
                    let from = &from[self.at(channel, 0)..];
                    cells.iter_mut().zip(from.iter().step_by(BLOCK)).for_each(|(to, from)| *to = *from);
                }
            }
        }
        to
    }

    /// How many maps of `each` numbers there are in `numbers`.
    pub(crate) fn batch(&self, numbers: usize, each: usize) -> usize {
        let batch = numbers.checked_div(each).unwrap_or(0);
        assert_eq!(batch * each, numbers, "{numbers} numbers are no maps of {self:?}");
        batch
    }
}

/// A convolution or transposed convolution, with PyTorch's definitions. Dilation is 1, groups are 1.
///
/// Weights are `[outputs, inputs, kt, kz, kx]`, of a transposed one `[inputs, outputs, kt, kz, kx]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// True for a transposed convolution.
    pub transposed: bool,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Cells of the kernel along `[t, z, x]`.
    pub kernel: [usize; 3],
    /// Step of the kernel, in cells.
    pub stride: [usize; 3],
    /// Cells of zeros at either end of the input (of a transposed one: cells cut off the output).
    pub padding: [usize; 3],
}

impl Convolution {
    /// Cells of the output for an input of this `size`; `None` if the kernel does not fit.
    pub fn output_size(&self, size: [usize; 3]) -> Option<[usize; 3]> {
        let along = |axis: usize| {
            let (size, kernel) = (size[axis], self.kernel[axis]);
            let (stride, padding) = (self.stride[axis], self.padding[axis]);
            if kernel == 0 || stride == 0 || size == 0 {
                None
            } else if self.transposed {
                ((size - 1) * stride + kernel).checked_sub(2 * padding).filter(|&length| length > 0)
            } else {
                Some((size + 2 * padding).checked_sub(kernel)? / stride + 1)
            }
        };
        Some([along(0)?, along(1)?, along(2)?])
    }

    /// Cells of the kernel.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Number of weights.
    pub fn weights(&self) -> usize {
        self.inputs * self.outputs * self.taps()
    }

    /// Multiplications with addition that one input of this `size` takes, without those with zeros beyond the
    /// ends.
    pub fn multiply_adds(&self, size: [usize; 3]) -> Option<usize> {
        let output = self.output_size(size)?;
        let (strided, spread) = if self.transposed { (output, size) } else { (size, output) };
        let pairs = (0..3).map(|axis| {
            let inside = |cell: usize| (cell * self.stride[axis]..).take(self.kernel[axis]);
            let range = self.padding[axis]..self.padding[axis] + strided[axis];
            (0..spread[axis]).map(|cell| inside(cell).filter(|at| range.contains(at)).count()).sum::<usize>()
        });
        Some(pairs.product::<usize>() * self.inputs * self.outputs)
    }
}
