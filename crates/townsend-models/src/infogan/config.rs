//! The configuration of an InfoGAN, as written in a file, and its check.

use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use super::InfoGan;
use super::network::Networks;
use crate::family::{check_finite, check_weights};
use crate::layout::Layers;
use crate::polynomial::check_polynomial;
use crate::{ConfigError, NetworkModel, Output, Scaling};

/// An InfoGAN as written in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InfoGanConfig {
    /// Dimensions of the grid: x, z; x, z, t.
    pub dims: usize,
    /// Number of normal numbers of an avalanche, besides class and codes.
    pub noise: usize,
    /// Number of classes; each avalanche has one, chosen at random.
    pub classes: usize,
    /// Number of codes of each avalanche, which are uniform from −1 to 1.
    pub codes: usize,
    /// Layers of the generator: linear ones, then transposed convolutions.
    pub generator: Layers,
    /// The critic's convolutions and, if there are any, linear layers before its three heads.
    pub critic: Layers,
    /// Number of zeros added at each end of each axis before each of the critic's convolutions.
    pub padding: usize,
    /// Slope of the activations for negative numbers.
    pub leak: f64,
    /// Whether the critic uses the distances between the avalanches of a batch.
    pub minibatch_discrimination: bool,
    /// Whether the critic also uses observables of avalanches: number of electrons, mean and width along each
    /// axis.
    pub label: bool,
    /// Weight of the cross entropy between class and the critic's guess.
    pub class_weight: f64,
    /// Weight of the mean squared error of the critic's guess of the codes.
    pub code_weight: f64,
    /// Whether the generator adds a polynomial of the position to the logarithm of the probabilities, which
    /// shifts and widens whole avalanches. It needs `softmax`.
    pub log_density_polynomial: bool,
    /// The output function of the generator.
    pub output: Output,
    /// The scaling of counts that enter the critic.
    pub input: Scaling,
}

impl Default for InfoGanConfig {
    fn default() -> Self {
        Self {
            dims: 3,
            noise: 62,
            classes: 10,
            codes: 2,
            generator: Layers::new(&[2048, 1024], &[64, 32, 16, 1], &[3, 5, 5, 6], &[1, 3, 3, 2]),
            critic: Layers::new(&[], &[16, 32, 64, 128], &[3; 4], &[2; 4]),
            padding: 1,
            leak: 0.2,
            minibatch_discrimination: false,
            label: false,
            class_weight: 1.0,
            code_weight: 0.1,
            log_density_polynomial: false,
            output: Output::Softmax,
            input: Scaling::Log1p,
        }
    }
}

const MOST: usize = 65_536;

impl InfoGanConfig {
    /// The model of this configuration on `grid`; an error names the value that is wrong.
    pub fn check(&self, grid: &Grid) -> Result<InfoGan, ConfigError> {
        if self.dims != grid.dims() || self.dims < 2 {
            let allowed = format!("must be 2 or 3; the grid of the data has {} axes", grid.dims());
            return Err(ConfigError::new("model.dims", self.dims, allowed));
        }
        for (key, value) in [("noise", self.noise), ("classes", self.classes), ("codes", self.codes)] {
            if !(1..=MOST).contains(&value) {
                return Err(ConfigError::new(
                    format!("model.{key}"),
                    value,
                    format!("must be from 1 to {MOST}"),
                ));
            }
        }
        if !(0.0..1.0).contains(&self.leak) {
            return Err(ConfigError::new("model.leak", self.leak, "must be from 0 to below 1"));
        }
        check_finite("model.class_weight", self.class_weight)?;
        check_finite("model.code_weight", self.code_weight)?;
        if self.output == Output::Exp {
            let allowed = "must be \"softmax\", \"relu\" or \"two_sigmoid\": the number of electrons is drawn elsewhere";
            return Err(ConfigError::new("model.output", self.output, allowed));
        }
        check_polynomial(self.log_density_polynomial, self.output, self.dims)?;
        let networks = Networks::new(self, grid)?;
        let model = InfoGan::new(self.clone(), grid, networks);
        check_weights(&model.tensors(), "model.noise", self.noise)?;
        Ok(model)
    }
}
