//! The reference's network, as it is measured.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use townsend_core::{CountSet, Dataset, Grid, Progress, Purpose, RunFiles, Task};
use townsend_kernels::Maps;
use townsend_models::{Decoder, ModelError, NetworkModel, Parameters, device, standard_normal};
use townsend_sim::{Simulation, Start};
use townsend_train::{Beginning, TrainConfig, train};

use townsend::{Result, detector};

const CONFIG: &str = include_str!("../configs/vae-2d-reference.toml");
const NOISE: Purpose = Purpose::new("bench noise");

/// The reference's variational autoencoder (92 cells an axis) in two or three dimensions, with batches of one
/// size, to measure how long decoding and training take.
pub struct ReferenceNetwork {
    config: TrainConfig,
    model: Box<dyn NetworkModel>,
    /// Made on first use: its maps are large.
    decoder: Option<Decoder>,
    maps: Maps,
    /// Standard normal numbers of a batch.
    noise: Vec<f32>,
    batch: usize,
    seed: u64,
}

impl ReferenceNetwork {
    /// The network with initial weights.
    pub fn new(dims: usize, batch: usize, seed: u64) -> Result<Self> {
        let set = [
            format!("model.dims={dims}"),
            format!("training.batch_size={batch}"),
            format!("training.seed={seed}"),
            "training.epochs=1".to_owned(),
            "data.validation=0.0".to_owned(),
            "data.test=0.0".to_owned(),
        ];
        let config = TrainConfig::parse(CONFIG, Path::new("vae-2d-reference.toml"), &set)?;
        let model = config.model.check(&Grid::standard(dims)?).map_err(ModelError::from)?;
        let noise = standard_normal(seed, NOISE, 0, batch * model.noise());
        Ok(Self { config, model, decoder: None, maps: Maps::default(), noise, batch, seed })
    }

    /// Avalanches of a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Decodes a batch: weights of all cells. The first time makes the decoder.
    ///
    /// # Panics
    /// Never.
    pub fn decode(&mut self) -> Result<&[f32]> {
        if self.decoder.is_none() {
            let parameters = Parameters::initial(self.model.tensors(), self.seed, &device("cpu")?);
            self.decoder = Some(self.model.decoder(&parameters, self.batch));
        }
        let decoder = self.decoder.as_ref().expect("it was just made");
        Ok(decoder.weights(&self.noise, &mut self.maps))
    }

    /// Additions with multiplication of decoding an avalanche, known once there is a decoder.
    pub fn decoder_multiply_adds(&self) -> Option<usize> {
        self.decoder.as_ref().map(Decoder::multiply_adds)
    }

    /// Additions with multiplication of a training step for an avalanche, without those of the first
    /// convolution.
    pub fn step_multiply_adds(&self) -> Option<usize> {
        self.model.step_multiply_adds()
    }

    /// Takes `steps` steps of training on simulated avalanches, calling `after` when each has ended. The
    /// first one makes things ready too.
    pub fn train(&self, steps: usize, after: &(dyn Fn() + Sync), stop: &AtomicBool) -> Result<()> {
        let data = avalanches(self.config.model.dims(), steps * self.batch, self.seed)?;
        let mut files = RunFiles::memory();
        train(&self.config, &data, None, &mut files, Beginning::New, &Steps(after), stop)?;
        Ok(())
    }
}

/// `n` avalanches with electrons of the detector that comes first, on the standard grid.
fn avalanches(dims: usize, n: usize, seed: u64) -> Result<Dataset> {
    let grid = Grid::standard(dims)?;
    let simulation = Simulation::new(&detector(None)?)?;
    let mut set = CountSet::new(grid.clone());
    for block in simulation.blocks(seed, 0..u64::MAX, Start::Cell) {
        for avalanche in block.to_counts(&grid).iter().filter(|avalanche| avalanche.electrons() > 0) {
            set.push(avalanche.occupied());
            if set.len() == n {
                return Ok(set.into());
            }
        }
    }
    Ok(set.into())
}

/// Calls a function after every step.
struct Steps<'a>(&'a (dyn Fn() + Sync));

impl Progress for Steps<'_> {
    fn task(&self, _name: &str, _total: u64) -> Box<dyn Task + '_> {
        Box::new(Steps(self.0))
    }
}

impl Task for Steps<'_> {
    fn advance(&self, steps: u64) {
        (0..steps).for_each(|_| (self.0)());
    }
}
