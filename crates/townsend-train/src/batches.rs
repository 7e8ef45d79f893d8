//! Batches of avalanches: their choice, their order, the axes along which they are mirrored, and their noise.
//!
//! All of this follows from the seed, the epoch and the number of the batch, so that a training that was
//! stopped continues with the same batch that it would have had.

use burn_tensor::Device;
use rand::Rng;
use rand::seq::SliceRandom;
use townsend_core::{Grid, Purpose, stream};
use townsend_models::{Batch, standard_normal};

use crate::TrainError;
use crate::avalanches::Counted;

const SHUFFLE: Purpose = Purpose::new("shuffle");
const EPSILON: Purpose = Purpose::new("epsilon");
const FLIPS: Purpose = Purpose::new("flips");
const VALIDATION: Purpose = Purpose::new("validation epsilon");

/// Avalanches of one part of the data that have electrons.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    pub(crate) counts: &'a Counted<'a>,
    pub(crate) indices: Vec<usize>,
    pub(crate) batch_size: usize,
    pub(crate) noise: usize,
    pub(crate) seed: u64,
    pub(crate) flips: bool,
    pub(crate) device: Device,
}

impl Batches<'_> {
    /// Number of batches in an epoch of training. The avalanches left over after the last full batch are not
    /// used in this epoch, because a batch normalisation over few avalanches is imprecise. If there are fewer
    /// avalanches than a batch has, they make one batch.
    pub(crate) fn full(&self) -> u64 {
        (self.indices.len() / self.batch_size).max(1) as u64
    }

    /// The order of the avalanches in an epoch.
    pub(crate) fn shuffled(&self, epoch: u32) -> Vec<usize> {
        let mut order = self.indices.clone();
        order.shuffle(&mut stream(self.seed, SHUFFLE, u64::from(epoch)));
        order
    }

    /// Batch number `batch` of an epoch with this `order`; `step` counts all batches of the training.
    pub(crate) fn training(&self, order: &[usize], batch: u64, step: u64) -> Result<Batch, TrainError> {
        let first = batch as usize * self.batch_size;
        let chosen = &order[first..(first + self.batch_size).min(order.len())];
        let mut flips = self.flips.then(|| stream(self.seed, FLIPS, step));
        // Bits 0 and 1 say along which axes an avalanche is mirrored.
        let mirrors: Vec<u32> = chosen.iter().map(|_| flips.as_mut().map_or(0, Rng::next_u32)).collect();
        let grid = self.counts.grid();
        let place = |row: usize, cell| mirrored(grid, cell, mirrors[row]);
        let noise = standard_normal(self.seed, EPSILON, step, chosen.len() * self.noise);
        let (set, chosen) = self.counts.with(chosen)?;
        Ok(Batch::new(&set, &chosen, place, noise, (self.seed, step), &self.device))
    }

    /// All avalanches in order, in batches, each with its number of avalanches. The noise of an avalanche is
    /// the same in every epoch.
    pub(crate) fn validation(&self) -> impl Iterator<Item = Result<(usize, Batch), TrainError>> {
        self.indices.chunks(self.batch_size).map(|chosen| {
            let noise = |&index: &usize| standard_normal(self.seed, VALIDATION, index as u64, self.noise);
            let noise = chosen.iter().flat_map(noise).collect();
            let (set, chosen) = self.counts.with(chosen)?;
            let batch = Batch::new(&set, &chosen, |_, cell| cell, noise, (self.seed, 0), &self.device);
            Ok((chosen.len(), batch))
        })
    }

    /// Batches of the first avalanches, about `most` of them, mirrored as in training; they are the same in
    /// every epoch.
    pub(crate) fn some(&self, most: usize) -> impl Iterator<Item = Result<Batch, TrainError>> {
        let batches = most.min(self.indices.len()).div_ceil(self.batch_size) as u64;
        // The number of a step never becomes so large, so no batch of the training has the same noise.
        (0..batches).map(|batch| self.training(&self.indices, batch, u64::MAX - batch))
    }
}

/// The mirror image of a cell: along x if bit 0 is set, along z if bit 1 is.
fn mirrored(grid: &Grid, cell: u32, mirror: u32) -> u32 {
    if mirror.is_multiple_of(4) {
        return cell;
    }
    let mut bins = grid.split(cell);
    for (axis, bin) in bins.iter_mut().enumerate().take(grid.dims().min(2)) {
        if mirror >> axis & 1 == 1 {
            *bin = grid.axes()[axis].bins() + 1 - *bin;
        }
    }
    grid.join(bins)
}

#[cfg(test)]
mod tests {
    use burn_tensor::Tensor;
    use townsend_core::CountSet;

    use super::*;

    fn counts() -> Counted<'static> {
        let mut set = CountSet::new(Grid::standard(2).unwrap());
        for index in 0..10u32 {
            set.push([(index, 1), (100 + index, 2)]);
        }
        Counted::Memory(set.into())
    }

    fn batches<'a>(counts: &'a Counted<'a>, flips: bool) -> Batches<'a> {
        let indices = (0..10).collect();
        Batches { counts, indices, batch_size: 4, noise: 3, seed: 1, flips, device: Device::flex() }
    }

    fn host(tensor: Tensor<2>) -> Vec<f32> {
        tensor.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn an_epoch_has_every_avalanche_at_most_once_and_its_own_order() {
        let counts = counts();
        let batches = batches(&counts, false);
        assert_eq!(batches.full(), 2);
        let (first, second) = (batches.shuffled(0), batches.shuffled(1));
        assert_ne!(first, second);
        assert_eq!(first, batches.shuffled(0));
        let mut sorted = second;
        sorted.sort_unstable();
        assert_eq!(sorted, batches.indices);
    }

    #[test]
    fn a_batch_holds_the_counts_of_its_avalanches() {
        let counts = counts();
        let batches = batches(&counts, false);
        let batch = batches.training(&batches.indices, 1, 5).unwrap();
        let cells = host(batch.counts);
        assert_eq!(cells.len(), 4 * 92 * 92);
        assert_eq!((cells[4], cells[104], cells[92 * 92 + 105]), (1.0, 2.0, 2.0));
        assert_eq!(cells.iter().sum::<f32>(), 12.0);
        let again = batches.training(&batches.indices, 0, 5).unwrap();
        assert_eq!(host(batch.noise), host(again.noise), "noise belongs to the step");
    }

    #[test]
    fn validation_covers_all_with_fixed_noise() {
        let counts = counts();
        let batches = batches(&counts, true);
        let sizes: Vec<usize> = batches.validation().map(|batch| batch.unwrap().0).collect();
        assert_eq!(sizes, [4, 4, 2]);
        let noise =
            || batches.validation().flat_map(|batch| host(batch.unwrap().1.noise)).collect::<Vec<_>>();
        assert_eq!(noise(), noise());
    }

    #[test]
    fn mirroring_is_its_own_inverse_and_keeps_flow_bins_outside() {
        let grid = Grid::standard(3).unwrap();
        let cell = grid.join([1, 0, 7]);
        assert_eq!(mirrored(&grid, cell, 0), cell);
        assert_eq!(grid.split(mirrored(&grid, cell, 1)), [90, 0, 7]);
        assert_eq!(grid.split(mirrored(&grid, cell, 2)), [1, 91, 7]);
        for mirror in 0..4 {
            assert_eq!(mirrored(&grid, mirrored(&grid, cell, mirror), mirror), cell);
        }
        let counts = counts();
        let batches = batches(&counts, true);
        let batch = batches.training(&batches.indices, 0, 1).unwrap();
        assert_eq!(host(batch.counts).iter().sum::<f32>(), 12.0);
    }
}
