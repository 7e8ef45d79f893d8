//! The configuration of a VAE, as written in a file, and its check.

use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use super::Vae;
use super::adversary::AdversaryConfig;
use super::network::Network;
use crate::batch_observables::BatchObservables;
use crate::family::check_weights;
use crate::polynomial::{LogDensityPolynomial, check_polynomial};
use crate::sampler::SamplerSpec;
use crate::{ConfigError, NetworkModel, Output, SamplerKind, Scaling, Schedule};

/// The loss of the reconstruction: minus the log-likelihood of an avalanche given its decoded one, or a
/// squared error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// Mean squared error over all cells (as in the reference; most cells are empty and dominate it).
    Mse,
    /// −Σ n ln p over the cells in nats: each electron falls into a cell with the decoded probability.
    Multinomial,
    /// Σ λ − n ln λ over the cells in nats: the number of electrons in a cell is a Poisson number with the
    /// decoded mean.
    Poisson,
}

/// A VAE as written in a configuration file. Layers and defaults are the reference's, except `output`,
/// `output_norm`, `sampler`, `likelihood` and `input`, whose defaults are better than the reference's values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaeConfig {
    /// Dimensions of the grid: x; x, z; x, z, t.
    pub dims: usize,
    /// Channels after each convolution of the encoder; the decoder mirrors them.
    pub channels: Vec<usize>,
    /// Number of cells of each kernel along an axis.
    pub kernels: Vec<usize>,
    /// Stride of each kernel.
    pub strides: Vec<usize>,
    /// Width of the linear layers around the latent space.
    pub hidden: usize,
    /// Dimensions of the latent space.
    pub latent: usize,
    /// Whether the decoder adds a polynomial of the position to the logarithm of the probabilities, which
    /// shifts and widens whole avalanches; the encoder then uses observables besides its features (number of
    /// electrons, mean and width along each axis). It needs `softmax` or `exp`.
    pub log_density_polynomial: bool,
    /// The output function of the decoder.
    pub output: Output,
    /// Whether there is a batch normalisation before the output function, as in the reference. With `softmax`
    /// it only slows down the divergence of the probabilities of different cells.
    pub output_norm: bool,
    /// The distribution of the latent points of new avalanches: N(0, I), or one fitted to those of training
    /// avalanches.
    pub sampler: SamplerKind,
    /// Number of Gaussians of the sampler `gmm`.
    pub components: usize,
    /// The loss of the reconstruction.
    pub likelihood: Likelihood,
    /// The scaling of the encoder's input counts; with `mse` also of the counts that are reconstructed.
    pub input: Scaling,
    /// Weight of the KL divergence.
    pub beta: Schedule,
    /// If given, |KL − capacity| replaces KL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Schedule>,
    /// If given, a critic that learns to distinguish decoded from real avalanches, and from which the decoder
    /// learns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adversary: Option<AdversaryConfig>,
}

impl Default for VaeConfig {
    fn default() -> Self {
        Self {
            dims: 2,
            channels: vec![16, 32, 64, 128],
            kernels: vec![6, 5, 5, 4],
            strides: vec![2, 3, 3, 1],
            hidden: 3000,
            latent: 300,
            log_density_polynomial: false,
            output: Output::Softmax,
            output_norm: false,
            sampler: SamplerKind::Gmm,
            components: 8,
            likelihood: Likelihood::Multinomial,
            input: Scaling::Log1p,
            beta: Schedule::constant(1.0),
            capacity: None,
            adversary: None,
        }
    }
}

/// Largest numbers of channels and units, beyond what any machine could train. A mistake in a configuration
/// then ends in an error and not in exhausted memory.
const MOST_CHANNELS: usize = 4096;
const MOST_UNITS: usize = 65_536;
const MOST_COMPONENTS: usize = 1024;

impl VaeConfig {
    /// The model of this configuration on `grid`; an error names the value that is wrong.
    pub fn check(&self, grid: &Grid) -> Result<Vae, ConfigError> {
        if self.dims != grid.dims() {
            let allowed = format!("the grid of the data has {} axes", grid.dims());
            return Err(ConfigError::new("model.dims", self.dims, allowed));
        }
        self.check_layers()?;
        self.check_likelihood()?;
        self.beta.check("model.beta")?;
        if let Some(capacity) = self.capacity {
            capacity.check("model.capacity")?;
        }
        let mut shape = grid.shape();
        let cells = shape.clone();
        for (kernel, stride) in self.kernels.iter().zip(&self.strides) {
            for length in &mut shape {
                *length = convolved(*length, *kernel, *stride).ok_or_else(|| self.does_not_fit(&cells))?;
            }
        }
        check_polynomial(self.log_density_polynomial, self.output, self.dims)?;
        if !(1..=MOST_COMPONENTS).contains(&self.components) {
            let allowed = format!("must be from 1 to {MOST_COMPONENTS}");
            return Err(ConfigError::new("model.components", self.components, allowed));
        }
        let adversary =
            self.adversary.as_ref().map(|adversary| adversary.check(self.dims, grid)).transpose()?;
        let batch_observables = (self.log_density_polynomial || adversary.is_some())
            .then(|| BatchObservables::new(grid, self.dims));
        let observables = batch_observables
            .as_ref()
            .filter(|_| self.log_density_polynomial)
            .map_or(0, BatchObservables::len);
        let polynomial =
            self.log_density_polynomial.then(|| LogDensityPolynomial::new("decoder", grid, self.latent));
        let network = Network::new(self, &cells, &shape, observables);
        let vae = Vae { network, polynomial, batch_observables, adversary, config: self.clone() };
        check_weights(&vae.tensors(), "model.hidden", self.hidden)?;
        Ok(vae)
    }

    fn check_layers(&self) -> Result<(), ConfigError> {
        let lists = [
            ("channels", &self.channels, MOST_CHANNELS),
            ("kernels", &self.kernels, 1024),
            ("strides", &self.strides, 1024),
        ];
        for (name, list, most) in lists {
            let in_range = list.iter().all(|value| (1..=most).contains(value));
            if list.len() != self.channels.len() || !(1..=16).contains(&list.len()) || !in_range {
                let allowed = format!(
                    "channels, kernels and strides are lists of the same length, 1 to 16, and each of {name} is from 1 to {most}"
                );
                return Err(ConfigError::new(format!("model.{name}"), list, allowed));
            }
        }
        for (name, value) in [("hidden", self.hidden), ("latent", self.latent)] {
            if !(1..=MOST_UNITS).contains(&value) {
                return Err(ConfigError::new(
                    format!("model.{name}"),
                    value,
                    format!("must be from 1 to {MOST_UNITS}"),
                ));
            }
        }
        Ok(())
    }

    fn check_likelihood(&self) -> Result<(), ConfigError> {
        let allowed = match (self.likelihood, self.output) {
            (Likelihood::Multinomial, Output::Softmax)
            | (Likelihood::Poisson, Output::Exp)
            | (Likelihood::Mse, Output::Relu | Output::TwoSigmoid) => return Ok(()),
            (Likelihood::Multinomial, _) => {
                "likelihood = \"multinomial\" needs \"softmax\", which gives probabilities"
            }
            (Likelihood::Poisson, _) => "likelihood = \"poisson\" needs \"exp\", which gives expected counts",
            (Likelihood::Mse, _) => "likelihood = \"mse\" needs \"relu\" or \"two_sigmoid\"",
        };
        Err(ConfigError::new("model.output", self.output, allowed))
    }

    fn does_not_fit(&self, cells: &[usize]) -> ConfigError {
        let allowed = format!(
            "with strides {:?} these kernels do not tile a grid of {cells:?} cells (flow bins included): each axis needs \
             (cells − kernel) divisible by the stride at every layer, as 92 cells (90 bins) have for the reference's layers",
            self.strides
        );
        ConfigError::new("model.kernels", &self.kernels, allowed)
    }
}

/// Number of cells after a convolution, if the kernel tiles them without a remainder (otherwise the decoder
/// could not restore them).
fn convolved(cells: usize, kernel: usize, stride: usize) -> Option<usize> {
    let steps = cells.checked_sub(kernel)?;
    (steps % stride == 0).then_some(steps / stride + 1)
}

impl VaeConfig {
    pub(super) fn sampler_spec(&self) -> SamplerSpec {
        SamplerSpec { kind: self.sampler, latent: self.latent, components: self.components }
    }
}
