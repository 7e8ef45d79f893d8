//! New avalanches from a trained model.

use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use burn_tensor::Device;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;
use townsend_core::{Axis, CountSet, Counts, Grid, Meta, Purpose, stream};
use townsend_kernels::Maps;

use crate::layers::Pass;
use crate::multinomial::{KEPT_SUMS, throw, throw_each};
use crate::onnx::{About, Graph, Onnx};
use crate::parameters::to_host;
use crate::sampler::PointMemory;
use crate::{Batch, Checkpoint, Decoder, ModelError, NetworkModel, Parameters, Sampler, SizeModel};

const LATENT: Purpose = Purpose::new("generate latent");
const SIZE: Purpose = Purpose::new("generate size");
const ELECTRONS: Purpose = Purpose::new("generate electrons");
const POSTERIOR: Purpose = Purpose::new("reconstruct latent");
const RECONSTRUCTED: Purpose = Purpose::new("reconstruct electrons");

/// Draws avalanches: a latent point is decoded to the shape of an avalanche, the number of electrons is drawn
/// independently of it, and the electrons are distributed over the cells of the shape. It computes on the
/// CPU, independent of the device of the training.
///
/// Avalanche `index` of a seed has always the same bytes: alone ([`Generator::avalanche`]) or in any range
/// ([`Generator::chunks`]), on any number of threads. All its random numbers come from streams of its own,
/// and what a network computes for a row does not depend on the other rows.
#[derive(Debug)]
pub struct Generator {
    model: Box<dyn NetworkModel>,
    sampler: Sampler,
    parameters: Parameters,
    /// For [`block`]s of latent points, and for single points.
    decoder: Decoder,
    single: Decoder,
    /// Memory for blocks that no thread currently uses.
    unused: Mutex<Vec<Maps>>,
    size: SizeModel,
    grid: Grid,
    meta: Meta,
    family: &'static str,
}

/// The memory in which [`Generator::avalanche`] draws an avalanche. It is empty at first and grows to what a
/// generator needs; one workspace can serve several generators in turn.
#[derive(Debug, Default)]
pub struct Workspace {
    noise: Vec<f32>,
    point: Vec<f32>,
    sampler: PointMemory,
    maps: Maps,
    sums: Vec<f64>,
    cells: Vec<u32>,
    counts: Vec<u32>,
}

impl Workspace {
    /// Grows to what `generator` needs; contents of the vectors are kept.
    fn fit(&mut self, generator: &Generator) {
        self.noise.resize(generator.model.noise(), 0.0);
        self.point.resize(generator.sampler.inputs(), 0.0);
        self.sampler.fit(&generator.sampler);
        generator.single.fit(&mut self.maps);
        if self.sums.len() < KEPT_SUMS {
            self.sums = vec![0.0; KEPT_SUMS];
        }
        for list in [&mut self.cells, &mut self.counts] {
            list.clear();
            list.reserve(generator.grid.cells());
        }
    }
}

impl Generator {
    /// A generator with the weights of a checkpoint, given as the bytes of its file; `path` is named in
    /// errors only.
    ///
    /// # Errors
    /// The bytes are not a checkpoint of this version.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, ModelError> {
        let (checkpoint, model) = Checkpoint::from_bytes(bytes, path, &Device::flex())?;
        Ok(Self::new(checkpoint, model))
    }

    /// A generator with the weights of a checkpoint of `model`.
    pub fn new(checkpoint: Checkpoint, model: Box<dyn NetworkModel>) -> Self {
        let header = checkpoint.header;
        let parameters = checkpoint.parameters.on(&Device::flex());
        let decoder = model.decoder(&parameters, block(&header.grid));
        Self {
            sampler: model.sampler(&parameters),
            single: decoder.single(),
            decoder,
            unused: Mutex::default(),
            model,
            parameters,
            size: header.size,
            grid: header.grid,
            meta: header.data,
            family: header.model.family(),
        }
    }

    /// The grid of the avalanches.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Units and provenance of the avalanches that the model was trained on.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The family of the network, as `model.family` names it.
    pub fn family(&self) -> &'static str {
        self.family
    }

    /// True if [`Generator::reconstruct`] returns something.
    pub fn has_encoder(&self) -> bool {
        self.model.has_encoder()
    }

    /// The distribution of the number of electrons.
    pub fn size(&self) -> &SizeModel {
        &self.size
    }

    /// Avalanche `index` of a seed, computed by the calling thread alone. Once `workspace` has grown, in the
    /// first call, no memory is allocated.
    pub fn avalanche<'w>(&self, seed: u64, index: u64, workspace: &'w mut Workspace) -> Counts<'w> {
        workspace.fit(self);
        let Workspace { noise, point, sampler, maps, sums, cells, counts } = workspace;
        let electrons = self.size.sample(&mut stream(seed, SIZE, index));
        if electrons > 0 {
            fill_standard_normal(seed, LATENT, index, noise);
            self.sampler.fill(noise, sampler, point);
            let weights = self.single.weights(point, maps);
            let electrons = self.electrons_of(electrons, weights);
            throw_each(weights, electrons, &mut stream(seed, ELECTRONS, index), sums, |cell| {
                match (cells.last(), counts.last_mut()) {
                    (Some(&last), Some(count)) if last == cell => *count = count.wrapping_add(1),
                    _ => {
                        cells.push(cell);
                        counts.push(1);
                    }
                }
            });
        }
        Counts { cells, counts }
    }

    /// The avalanches with the numbers of `range`.
    pub fn generate(&self, seed: u64, range: Range<u64>) -> CountSet {
        let mut all = self.empty_set();
        for part in self.chunks(seed, range) {
            for counts in part.iter() {
                all.push(counts.occupied());
            }
        }
        all
    }

    /// The avalanches with the numbers of `range` in parts of at most 64, so that memory does not grow with
    /// their number. All threads of the pool take part.
    pub fn chunks(&self, seed: u64, range: Range<u64>) -> impl Iterator<Item = CountSet> + '_ {
        let block = block(&self.grid) as u64;
        let first = range.start - range.start % block;
        (first..range.end).step_by(block as usize).map(move |start| {
            let wanted = start.max(range.start)..start.saturating_add(block).min(range.end);
            self.decode_block(seed, start, wanted)
        })
    }

    /// Avalanches on the model's grid decoded from the latent points of given ones, each with its number of
    /// electrons; `None` if the model has no encoder. They show how well the model describes given
    /// avalanches, not how well it generates new ones.
    pub fn reconstruct(&self, seed: u64, real: &CountSet) -> Option<CountSet> {
        let mut set = self.empty_set();
        let all: Vec<usize> = (0..real.len()).collect();
        for block in all.chunks(block(&self.grid)) {
            let noise = block
                .iter()
                .flat_map(|&index| standard_normal(seed, POSTERIOR, index as u64, self.model.noise()))
                .collect();
            let streams = (seed, block[0] as u64);
            let batch = Batch::new(real, block, |_, cell| cell, noise, streams, self.parameters.device());
            let weights = to_host(self.model.reconstructed(&mut Pass::inference(&self.parameters), &batch)?);
            for (&index, weights) in block.iter().zip(weights.chunks(self.grid.cells())) {
                let random = &mut stream(seed, RECONSTRUCTED, index as u64);
                set.push_cells(&throw(weights, real.get(index).electrons(), random));
            }
        }
        Some(set)
    }

    /// The network that makes avalanches as a file of ONNX, from normal numbers to the share of the electrons
    /// in each cell; where the network draws the number of electrons itself, to that number in the one bin
    /// between the flow bins. `docs/onnx.md` says what stands beside the graph and how avalanches come of it.
    pub fn onnx(&self) -> Onnx {
        let mut graph = Graph::new(&self.parameters, self.model.noise());
        let points = self.sampler.add_to_graph(&mut graph, &Graph::input());
        let weights = self.model.add_to_graph(&mut graph, &points);
        let json = |value: serde_json::Value| value.to_string();
        let edges = |axis: &Axis| (1..=axis.bins() + 1).map(|bin| axis.low_edge(bin)).collect::<Vec<_>>();
        let grid: serde_json::Map<_, _> = ["x", "z", "t"]
            .into_iter()
            .zip(self.grid.axes())
            .map(|(name, axis)| (name.to_owned(), edges(axis).into()))
            .collect();
        let units = ["x", "z", "t"].into_iter().zip(&self.meta.units);
        let units = units.map(|(name, unit)| (name.to_owned(), unit.as_str().into())).collect();
        let properties = [
            ("townsend", env!("CARGO_PKG_VERSION").to_owned()),
            ("family", self.family.to_owned()),
            ("source", self.meta.provenance.source.clone()),
            ("units", json(serde_json::Value::Object(units))),
            ("grid", json(grid.into())),
            ("electrons", json(self.electrons_in_words())),
        ];
        let about = About {
            are_shares: !self.model.draws_size(),
            shape: &self.grid.shape(),
            notes: self.sampler.notes(),
            properties: &properties,
        };
        graph.finish(&weights, about)
    }

    /// The distribution of the number of electrons, with the probabilities of its table where it is one.
    fn electrons_in_words(&self) -> serde_json::Value {
        if self.model.draws_size() {
            return serde_json::json!({ "empty": self.size.empty, "sum_of_cells": true });
        }
        let mut size = serde_json::to_value(&self.size).expect("the size model has a form in JSON");
        if let Some(probabilities) = self.size.probabilities() {
            size["probability"] = probabilities.into();
        }
        size
    }

    fn empty_set(&self) -> CountSet {
        let mut set = CountSet::new(self.grid.clone());
        set.meta = self.meta.clone();
        set
    }

    /// The avalanches `wanted` of the block that begins with avalanche `start`.
    fn decode_block(&self, seed: u64, start: u64, wanted: Range<u64>) -> CountSet {
        let points: Vec<f32> = (0..block(&self.grid) as u64)
            .flat_map(|row| {
                let noise = standard_normal(seed, LATENT, start.wrapping_add(row), self.model.noise());
                self.sampler.point(&noise)
            })
            .collect();
        // The lock is not held during the computation: a thread that waits for its own parallel work may
        // begin another block.
        let mut maps = self.unused.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let weights = self.decoder.weights(&points, &mut maps);
        let cells = self.grid.cells();
        let avalanches: Vec<Vec<u32>> = wanted
            .into_par_iter()
            .map(|index| {
                let row = (index - start) as usize;
                let weights = &weights[row * cells..(row + 1) * cells];
                let electrons = self.size.sample(&mut stream(seed, SIZE, index));
                let electrons = self.electrons_of(electrons, weights);
                throw(weights, electrons, &mut stream(seed, ELECTRONS, index))
            })
            .collect();
        self.unused.lock().unwrap_or_else(PoisonError::into_inner).push(maps);
        let mut set = self.empty_set();
        for sorted in &avalanches {
            set.push_cells(sorted);
        }
        set
    }

    /// The number of electrons of an avalanche for which the size model drew `electrons`. A model that draws
    /// numbers of electrons was trained on avalanches with electrons only, so the size model decides which
    /// are empty.
    fn electrons_of(&self, electrons: u64, weights: &[f32]) -> u64 {
        if electrons > 0 && self.model.draws_size() { expected_electrons(weights) } else { electrons }
    }
}

/// The number of electrons from weights that are counts; at most 2³² − 1, the largest number that a cell can
/// count.
fn expected_electrons(weights: &[f32]) -> u64 {
    let sum: f64 = weights.iter().filter(|w| w.is_finite()).map(|&w| f64::from(w.max(0.0))).sum();
    sum.round().min(f64::from(u32::MAX)) as u64
}

/// Number of avalanches that are decoded together: at most 64, and on large grids so few that the output of
/// the network takes at most 32 MB (2²³ cells).
fn block(grid: &Grid) -> usize {
    ((1 << 23) / grid.cells()).clamp(1, 64)
}

/// `n` standard normal numbers from a stream.
pub fn standard_normal(seed: u64, purpose: Purpose, index: u64, n: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; n];
    fill_standard_normal(seed, purpose, index, &mut numbers);
    numbers
}

/// Like [`standard_normal`], into existing memory.
pub fn fill_standard_normal(seed: u64, purpose: Purpose, index: u64, numbers: &mut [f32]) {
    let mut random = stream(seed, purpose, index);
    for number in numbers {
        *number = StandardNormal.sample(&mut random);
    }
}
