//! What every model can do, and the list of families.

use burn_tensor::Tensor;
use serde::{Deserialize, Serialize};
use townsend_core::Grid;

use crate::layers::Pass;
use crate::{ConfigError, Decoder, Parameters, TensorSpec, vae};

/// A model on a grid: which tensors it has, its loss, and how noise becomes the shape of an avalanche.
pub trait Model: std::fmt::Debug + Send + Sync {
    /// The tensors of the model, in a fixed order.
    fn tensors(&self) -> Vec<TensorSpec>;

    /// Sets the tensors that are not trained but taken from the data; `electrons` are those of all training avalanches
    /// in each cell.
    fn prepare(&self, parameters: &mut Parameters, electrons: &[u64]);

    /// Standard normal numbers that an avalanche takes, in training and in generation.
    fn noise(&self) -> usize;

    /// The loss of a batch in an epoch, counted from 0.
    fn losses(&self, pass: &mut Pass<'_>, batch: Batch, epoch: u32) -> Losses;

    /// The weight of the KL divergence in an epoch.
    fn beta(&self, epoch: u32) -> f64;

    /// The distribution of the noise that new avalanches are made from, if it is not N(0, I).
    fn latent_map(&self, _parameters: &Parameters) -> Option<LatentMap> {
        None
    }

    /// What [`Model::shapes`] does, the latent map included, for batches of `batch` on the CPU and without Burn; `None`
    /// if there is no such way.
    fn decoder(&self, _parameters: &Parameters, _batch: usize) -> Option<Decoder> {
        None
    }

    /// Noise `[batch, noise]` → weights of the cells `[batch, cells]`, not normalised; what is not positive is 0.
    fn shapes(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2>;
}

/// An affine map of standard normal noise: z ↦ mean + factor z.
#[derive(Debug, Clone)]
pub struct LatentMap {
    /// `[1, noise]`.
    pub mean: Tensor<2>,
    /// The transposed factor, `[noise, noise]`.
    pub transposed: Tensor<2>,
}

impl LatentMap {
    /// Maps the rows of `[batch, noise]`.
    pub fn apply(&self, noise: Tensor<2>) -> Tensor<2> {
        noise.matmul(self.transposed.clone()) + self.mean.clone()
    }
}

/// Avalanches to learn from. All randomness of a step is in `noise`.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Electrons in each cell, `[batch, cells]`.
    pub counts: Tensor<2>,
    /// Standard normal numbers, `[batch, noise]`.
    pub noise: Tensor<2>,
}

/// The loss of a batch and what it is made of.
#[derive(Debug, Clone)]
pub struct Losses {
    /// What is minimised.
    pub total: Tensor<1>,
    /// How badly avalanches are reconstructed.
    pub reconstruction: Tensor<1>,
    /// KL divergence of the latent distribution from N(0, I), before any weight.
    pub kl: Tensor<1>,
    /// The weight of the KL divergence in this epoch.
    pub beta: f64,
}

/// Makes [`ModelConfig`] from the list of families.
macro_rules! families {
    ($($(#[$doc:meta])* $name:literal => $variant:ident($config:ty),)*) => {
        /// The `[model]` table of a configuration; `family` says which model it is.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "family")]
        pub enum ModelConfig {
            $($(#[$doc])* #[serde(rename = $name)] $variant($config),)*
        }

        impl ModelConfig {
            /// Names of all families.
            pub const FAMILIES: &[&str] = &[$($name),*];

            /// The model that this configuration describes on `grid`, or which value is wrong.
            pub fn check(&self, grid: &Grid) -> Result<Box<dyn Model>, ConfigError> {
                match self { $(Self::$variant(config) => Ok(Box::new(config.check(grid)?)),)* }
            }

            /// Dimensions of the grid that the model wants.
            pub fn dims(&self) -> usize {
                match self { $(Self::$variant(config) => config.dims,)* }
            }
        }
    };
}

// A new family is a folder and one line here.
families! {
    /// Variational autoencoder.
    "vae" => Vae(vae::VaeConfig),
}
