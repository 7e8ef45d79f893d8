//! The configuration of a GAN, as written in a file, and its check.

use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use super::Gan;
use super::network::{GeneratorNetwork, critic_of};
use crate::adversarial::AdversarialLoss;
use crate::family::{check_finite, check_weights};
use crate::layout::Layers;
use crate::polynomial::check_polynomial;
use crate::{ConfigError, NetworkModel, Output, Scaling};

/// The distribution of the latent numbers of an avalanche.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Uniform from 0 to 1.
    Uniform,
    /// Standard normal.
    Normal,
}

/// The layers of a GAN whose configuration lists none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// The layers of the reference.
    Reference,
    /// The layers of the reference with nine convolutions in generator and critic (3D).
    Deep,
    /// Kernel sizes that are multiples of their strides, so that every cell is reached by the same number of
    /// weights. This avoids a checkerboard pattern.
    Smooth,
}

/// A GAN as written in a configuration file.
#[allow(clippy::struct_excessive_bools)] // Each is a switch of its own, and every combination is valid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GanConfig {
    /// Dimensions of the grid: x; x, z; x, z, t. With 0 the GAN learns the number of electrons alone.
    pub dims: usize,
    /// The distribution of the latent numbers.
    pub noise: Noise,
    /// Number of latent numbers of an avalanche.
    pub latent: usize,
    /// The layers, where `generator` or `critic` are not given.
    pub layout: Layout,
    /// Layers of the generator; with one dimension or none only linear ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<Layers>,
    /// Layers of the critic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic: Option<Layers>,
    /// Width of the linear layers with one dimension or none, if no layers are given.
    pub hidden: usize,
    /// Fraction of the outputs of these layers that are dropped in training, in one dimension.
    pub dropout: f64,
    /// The loss of generator and critic.
    pub loss: AdversarialLoss,
    /// With `wgan_clip`: the largest weight of the critic.
    pub clip: f64,
    /// With `wgan_gp`: the weight of the penalty.
    pub penalty: f64,
    /// The score that real avalanches should get, with `bce` and `lsgan`.
    pub real_target: f64,
    /// The score that generated avalanches should get.
    pub made_target: f64,
    /// Steps of the critic for each step of the generator.
    pub critic_steps: u64,
    /// Whether the critic uses the distances between the avalanches of a batch.
    pub minibatch_discrimination: bool,
    /// Whether the generator matches the mean features of real avalanches, instead of convincing the critic.
    pub feature_matching: bool,
    /// Whether the critic also uses observables of avalanches: number of electrons, mean and width along each
    /// axis.
    pub label: bool,
    /// Whether the critic's weights are divided by their largest singular value.
    pub spectral_norm: bool,
    /// Slope of the critic's activations for negative numbers.
    pub leak: f64,
    /// Whether the generator adds a polynomial of the position to the logarithm of the probabilities, which
    /// shifts and widens whole avalanches. It needs `softmax`.
    pub log_density_polynomial: bool,
    /// The output function of the generator.
    pub output: Output,
    /// The scaling of counts that enter the critic.
    pub input: Scaling,
}

impl Default for GanConfig {
    fn default() -> Self {
        Self {
            dims: 2,
            noise: Noise::Normal,
            latent: 64,
            layout: Layout::Smooth,
            generator: None,
            critic: None,
            hidden: 400,
            dropout: 0.0,
            loss: AdversarialLoss::WganGp,
            clip: 0.01,
            penalty: 10.0,
            real_target: 1.0,
            made_target: 0.0,
            critic_steps: 1,
            minibatch_discrimination: false,
            feature_matching: false,
            label: true,
            spectral_norm: false,
            leak: 0.2,
            log_density_polynomial: false,
            output: Output::Softmax,
            input: Scaling::Log1p,
        }
    }
}

const MOST_UNITS: usize = 65_536;

impl GanConfig {
    /// The model of this configuration on `grid`; an error names the value that is wrong.
    pub fn check(&self, grid: &Grid) -> Result<Gan, ConfigError> {
        // A model without axes still needs one for its histograms.
        if self.dims.max(1) != grid.dims() {
            let allowed = format!("the grid of the data has {} axes", grid.dims());
            return Err(ConfigError::new("model.dims", self.dims, allowed));
        }
        self.check_numbers()?;
        let cells = if self.dims == 0 { vec![1] } else { grid.shape() };
        let (generator, critic) = self.layers();
        for (key, layers) in [("generator", &generator), ("critic", &critic)] {
            layers.check(&format!("model.{key}"), self.dims > 1, key == "critic" && self.dims > 1)?;
        }
        let generator = GeneratorNetwork::new(self, &generator, &cells)?;
        let critic = critic_of(self, &critic, &cells)?;
        let gan = Gan::new(self.clone(), grid, generator, critic);
        check_weights(&gan.tensors(), "model.latent", self.latent)?;
        Ok(gan)
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        for (key, value) in [("latent", self.latent), ("hidden", self.hidden)] {
            if !(1..=MOST_UNITS).contains(&value) {
                let allowed = format!("must be from 1 to {MOST_UNITS}");
                return Err(ConfigError::new(format!("model.{key}"), value, allowed));
            }
        }
        let fractions = [("dropout", self.dropout), ("real_target", self.real_target - f64::EPSILON)];
        let fractions = fractions.into_iter().chain([("made_target", self.made_target), ("leak", self.leak)]);
        for (key, value) in fractions {
            if !(0.0..1.0).contains(&value) {
                return Err(ConfigError::new(
                    format!("model.{key}"),
                    value,
                    "must be from 0 to below 1 (a target of real avalanches: to 1)",
                ));
            }
        }
        for (key, value) in [("clip", self.clip), ("penalty", self.penalty)] {
            check_finite(&format!("model.{key}"), value)?;
        }
        if self.output == Output::Exp {
            let allowed = "must be \"softmax\", \"relu\" or \"two_sigmoid\": a GAN takes the number of electrons from elsewhere";
            return Err(ConfigError::new("model.output", self.output, allowed));
        }
        check_polynomial(self.log_density_polynomial, self.output, self.dims)?;
        if self.critic_steps == 0 {
            return Err(ConfigError::new("model.critic_steps", 0, "must be at least 1"));
        }
        Ok(())
    }

    /// The layers of the configuration, or else those of the layout.
    fn layers(&self) -> (Layers, Layers) {
        let (generator, critic) = self.layout.layers(self.dims, self.hidden);
        (self.generator.clone().unwrap_or(generator), self.critic.clone().unwrap_or(critic))
    }
}

impl Layout {
    /// Layers of generator and critic for 92 cells along each axis.
    fn layers(self, dims: usize, hidden: usize) -> (Layers, Layers) {
        let layers = Layers::new;
        let perceptron = |depth: usize| layers(&vec![hidden; depth], &[], &[], &[]);
        match (self, dims) {
            (_, 0) => (perceptron(3), perceptron(3)),
            (_, 1) => (perceptron(2), perceptron(2)),
            (Self::Reference, 2) => (
                layers(&[2000, 1000, 1024], &[128, 64, 32, 16, 1], &[3, 3, 5, 5, 4], &[1, 2, 2, 2, 2]),
                layers(&[3000, 300], &[16, 32, 64, 128], &[6, 5, 5, 4], &[2, 3, 3, 1]),
            ),
            (Self::Reference, _) => (
                layers(&[2048, 1024], &[64, 32, 16, 1], &[3, 5, 5, 6], &[1, 3, 3, 2]),
                layers(&[], &[16, 32, 48, 64], &[6, 5, 5, 3], &[2, 3, 3, 1]),
            ),
            (Self::Deep, _) => (
                layers(
                    &[512, 128],
                    &[96, 84, 72, 60, 48, 36, 24, 12, 1],
                    &[3, 4, 5, 4, 5, 4, 4, 4, 4],
                    &[1, 1, 2, 1, 2, 1, 2, 1, 1],
                ),
                layers(
                    &[64],
                    &[12, 24, 36, 48, 60, 72, 84, 96, 128],
                    &[4, 4, 4, 4, 5, 4, 5, 4, 3],
                    &[1, 1, 2, 1, 2, 1, 2, 1, 1],
                ),
            ),
            (Self::Smooth, 2) => (
                layers(&[512, 512], &[64, 32, 16, 1], &[3, 8, 6, 4], &[1, 2, 3, 2]),
                layers(&[256], &[16, 32, 64, 128], &[4, 6, 8, 4], &[2, 3, 2, 1]),
            ),
            // Maps have 22 cells along each axis before the last kernel of the generator and after the first
            // of the critic; with 45, as above, a step takes twice the time.
            (Self::Smooth, _) => (
                layers(&[512, 2048], &[16, 8, 1], &[4, 4, 8], &[2, 2, 4]),
                layers(&[256], &[8, 16, 32, 64], &[8, 4, 4, 4], &[4, 2, 2, 1]),
            ),
        }
    }
}
