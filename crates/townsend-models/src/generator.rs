//! New avalanches from a trained model.

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn_tensor::{Device, Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use townsend_core::{CountSet, Grid, Meta, Purpose, stream};

use crate::layers::Pass;
use crate::multinomial::throw;
use crate::parameters::to_host;
use crate::{Batch, Checkpoint, Decoder, Model, ModelError, Parameters, Sampler, SizeModel};

const LATENT: Purpose = Purpose::new("generate latent");
const SIZE: Purpose = Purpose::new("generate size");
const ELECTRONS: Purpose = Purpose::new("generate electrons");
const POSTERIOR: Purpose = Purpose::new("reconstruct latent");
const RECONSTRUCTED: Purpose = Purpose::new("reconstruct electrons");

/// Draws avalanches: a latent point becomes the shape of an avalanche, the number of electrons is drawn on its own, and
/// the electrons are thrown into the cells of the shape.
///
/// Avalanche `index` of a seed is always the same, byte for byte, whatever range it is asked for in and on however
/// many threads: all its randomness comes from streams of its own, and networks are evaluated on blocks of a fixed
/// size that begin at multiples of it, so that the order of every sum is the same too.
#[derive(Debug)]
pub struct Generator {
    model: Box<dyn Model>,
    sampler: Sampler,
    parameters: Parameters,
    /// On the CPU the way without Burn, for whole blocks: those that no thread is using.
    decoders: Option<Mutex<Vec<Decoder>>>,
    size: SizeModel,
    grid: Grid,
    meta: Meta,
}

impl Generator {
    /// Loads a checkpoint.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let (checkpoint, model) = Checkpoint::load(path, device)?;
        Ok(Self::new(checkpoint, model))
    }

    /// A generator with the weights of a checkpoint in memory, of its `model`.
    pub fn new(checkpoint: Checkpoint, model: Box<dyn Model>) -> Self {
        let header = checkpoint.header;
        let on_cpu = *checkpoint.parameters.device() == Device::flex();
        let decoder = on_cpu.then(|| model.decoder(&checkpoint.parameters, block(&header.grid))).flatten();
        Self {
            decoders: decoder.map(|decoder| Mutex::new(vec![decoder])),
            sampler: model.sampler(&checkpoint.parameters),
            model,
            parameters: checkpoint.parameters,
            size: header.size,
            grid: header.grid,
            meta: header.data,
        }
    }

    /// The grid of the avalanches.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// The distribution of the number of electrons.
    pub fn size(&self) -> &SizeModel {
        &self.size
    }

    /// The avalanches with these numbers.
    pub fn generate(&self, seed: u64, range: Range<u64>) -> CountSet {
        let mut all = self.empty_set();
        for part in self.chunks(seed, range) {
            for counts in part.iter() {
                all.push(counts.occupied());
            }
        }
        all
    }

    /// The same avalanches in parts of at most 64, so that memory does not grow with their number.
    pub fn chunks(&self, seed: u64, range: Range<u64>) -> impl Iterator<Item = CountSet> + '_ {
        let block = block(&self.grid) as u64;
        let first = range.start - range.start % block;
        (first..range.end).step_by(block as usize).map(move |start| {
            let wanted = start.max(range.start)..start.saturating_add(block).min(range.end);
            self.decode_block(seed, start, wanted)
        })
    }

    /// Avalanches on the model's grid as it decodes them from latent points of their own, each with as many electrons as it has; `None`
    /// if the model has no encoder. They say how well it describes avalanches that it is shown, not what new ones it makes.
    pub fn reconstruct(&self, seed: u64, real: &CountSet) -> Option<CountSet> {
        let mut set = self.empty_set();
        let all: Vec<usize> = (0..real.len()).collect();
        for block in all.chunks(block(&self.grid)) {
            let batch = self.batch_of(seed, real, block);
            let weights = to_host(self.model.reconstructed(&mut Pass::inference(&self.parameters), &batch)?);
            for (&index, weights) in block.iter().zip(weights.chunks(self.grid.cells())) {
                let random = &mut stream(seed, RECONSTRUCTED, index as u64);
                set.push_cells(&throw(weights, real.get(index).electrons(), random));
            }
        }
        Some(set)
    }

    /// Avalanches with these numbers, with noise that belongs to each.
    fn batch_of(&self, seed: u64, real: &CountSet, indices: &[usize]) -> Batch {
        let (cells, noise) = (self.grid.cells(), self.model.noise());
        let mut dense = vec![0.0; indices.len() * cells];
        for (&index, row) in indices.iter().zip(dense.chunks_mut(cells)) {
            real.get(index).fill(row);
        }
        let numbers = indices.iter().flat_map(|&index| standard_normal(seed, POSTERIOR, index as u64, noise));
        let tensor = |values: Vec<f32>, columns: usize| {
            Tensor::from_data(TensorData::new(values, [indices.len(), columns]), self.parameters.device())
        };
        let (counts, noise) = (tensor(dense, cells), tensor(numbers.collect(), noise));
        Batch { counts, noise, seed, step: indices.first().map_or(0, |&index| index as u64) }
    }

    fn empty_set(&self) -> CountSet {
        let mut set = CountSet::new(self.grid.clone());
        set.meta = self.meta.clone();
        set
    }

    fn decode_block(&self, seed: u64, start: u64, wanted: Range<u64>) -> CountSet {
        let (block, noise) = (block(&self.grid), self.model.noise());
        let latent: Vec<f32> = (0..block as u64)
            .flat_map(|row| {
                self.sampler.point(&standard_normal(seed, LATENT, start.wrapping_add(row), noise))
            })
            .collect();
        let mut decoder = self.take_decoder();
        let decoded;
        let weights = if let Some(decoder) = &mut decoder {
            decoder.weights(&latent)
        } else {
            let shape = [block, latent.len() / block];
            let latent = Tensor::from_data(TensorData::new(latent, shape), self.parameters.device());
            decoded = to_host(self.model.shapes(&mut Pass::inference(&self.parameters), latent));
            &decoded
        };
        let cells = self.grid.cells();
        let avalanches: Vec<Vec<u32>> = wanted
            .into_par_iter()
            .map(|index| {
                let row = (index - start) as usize;
                let weights = &weights[row * cells..(row + 1) * cells];
                let electrons = match self.size.sample(&mut stream(seed, SIZE, index)) {
                    // No model learns from empty avalanches: which are is the size model's to say.
                    0 => 0,
                    _ if self.model.draws_size() => expected_electrons(weights),
                    electrons => electrons,
                };
                throw(weights, electrons, &mut stream(seed, ELECTRONS, index))
            })
            .collect();
        if let (Some(decoders), Some(decoder)) = (&self.decoders, decoder) {
            decoders.lock().unwrap_or_else(PoisonError::into_inner).push(decoder);
        }
        let mut set = self.empty_set();
        for sorted in &avalanches {
            set.push_cells(sorted);
        }
        set
    }

    /// A decoder that nobody uses, or one more. The lock is not held while it computes: a thread that waits for its
    /// own parallel work may take up another block.
    fn take_decoder(&self) -> Option<Decoder> {
        let unused = self.decoders.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).pop();
        unused.or_else(|| self.model.decoder(&self.parameters, block(&self.grid)))
    }
}

/// The number of electrons of weights that are counts; at most 2³² (more than a cell can count).
fn expected_electrons(weights: &[f32]) -> u64 {
    let sum: f64 = weights.iter().filter(|w| w.is_finite()).map(|&w| f64::from(w.max(0.0))).sum();
    sum.round().min(f64::from(u32::MAX)) as u64
}

/// Avalanches that are decoded together: as many as keep the largest maps of the network in some 100 MB.
fn block(grid: &Grid) -> usize {
    ((1 << 23) / grid.cells()).clamp(1, 64)
}

/// `n` standard normal numbers from a stream.
pub fn standard_normal(seed: u64, purpose: Purpose, index: u64, n: usize) -> Vec<f32> {
    StandardNormal.sample_iter(stream(seed, purpose, index)).take(n).collect()
}
