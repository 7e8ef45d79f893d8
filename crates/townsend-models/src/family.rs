//! What every model can do, and the list of families.

use std::collections::BTreeMap;

use burn_tensor::Tensor;
use serde::{Deserialize, Serialize};
use townsend_core::{CountSet, Grid};

use crate::layers::Pass;
use crate::{ConfigError, Decoder, Parameters, Sampler, TensorSpec, gan, infogan, vae};

/// A model on a grid: which tensors it has, its losses, and how noise becomes the shape of an avalanche.
pub trait Model: std::fmt::Debug + Send + Sync {
    /// The tensors of the model, in a fixed order.
    fn tensors(&self) -> Vec<TensorSpec>;

    /// Who trains a tensor.
    fn player(&self, _tensor: &str) -> Player {
        Player::Generator
    }

    /// Who moves with a batch, one after the other; `step` counts the batches of the training from 1, `epoch` from 0.
    fn moves(&self, _epoch: u32, _step: u64) -> Vec<Player> {
        vec![Player::Generator]
    }

    /// Sets the tensors that are not trained but taken from the avalanches of the training part.
    fn prepare(&self, _parameters: &mut Parameters, _training: &CountSet) {}

    /// Standard normal numbers that an avalanche takes, in training and in generation.
    fn noise(&self) -> usize;

    /// What `player` minimises, for a batch in an epoch counted from 0.
    fn losses(&self, pass: &mut Pass<'_>, batch: &Batch, player: Player, epoch: u32) -> Losses;

    /// A loss that means the same in every epoch, to compare them by on avalanches that do not train; `None` if the model
    /// has none. `last` is the last epoch.
    fn validation(&self, _pass: &mut Pass<'_>, _batch: &Batch, _last: u32) -> Option<Losses> {
        None
    }

    /// What the means of an epoch say of a training that went wrong.
    fn symptoms(&self, _means: &Numbers) -> Vec<String> {
        Vec::new()
    }

    /// Changes the limits of tensors that a loss demands, after `player` moved.
    fn constrain(&self, _parameters: &mut Parameters, _player: Player) {}

    /// Sets, at the end of an epoch, the tensors that follow from training avalanches and the weights of the moment; `batches` are at
    /// most some thousand of these avalanches.
    fn settle(&self, _parameters: &mut Parameters, _batches: &mut dyn Iterator<Item = Batch>) {}

    /// What standard normal numbers become before the network sees them.
    fn sampler(&self, _parameters: &Parameters) -> Sampler {
        Sampler::normal(self.noise())
    }

    /// What [`Model::shapes`] does, for batches of `batch` on the CPU and without Burn; `None` if there is no such way.
    fn decoder(&self, _parameters: &Parameters, _batch: usize) -> Option<Decoder> {
        None
    }

    /// Additions with multiplication that a training step takes for an avalanche, each layer going forward once and back twice. A first
    /// convolution is left out: it only computes what occupied cells ask for. `None` where nobody has counted them.
    fn step_products(&self) -> Option<usize> {
        None
    }

    /// What the sampler gave, `[batch, _]` → weights of the cells `[batch, cells]`, not normalised; what is not positive is 0.
    fn shapes(&self, pass: &mut Pass<'_>, noise: Tensor<2>) -> Tensor<2>;

    /// Weights of the cells that avalanches are decoded to from their own latent points, `[batch, cells]`; `None` if the model has no
    /// encoder.
    fn reconstructed(&self, _pass: &mut Pass<'_>, _batch: &Batch) -> Option<Tensor<2>> {
        None
    }

    /// True if the model draws the number of electrons of avalanches that have any itself: the sum of the weights. Else the
    /// [`SizeModel`](crate::SizeModel) draws it, as it draws which avalanches are empty.
    fn draws_size(&self) -> bool {
        false
    }
}

/// More weights than any machine could hold, so that a slip in a file ends in a message and not in an allocation.
const MOST_WEIGHTS: usize = 1 << 28;

/// Refuses a model with too many weights; `key` and `value` are what most depends on.
pub(crate) fn check_weights(tensors: &[TensorSpec], key: &str, value: usize) -> Result<(), ConfigError> {
    let weights = tensors.iter().map(TensorSpec::len).fold(0, usize::saturating_add);
    if weights > MOST_WEIGHTS {
        let allowed = format!(
            "with these layers the model has {weights} weights, and at most {MOST_WEIGHTS} are allowed"
        );
        return Err(ConfigError::new(key, value, allowed));
    }
    Ok(())
}

/// Refuses a weight that is no finite number above 0.
pub(crate) fn check_finite(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "must be finite and above 0"))
}

/// A part of a model that has a loss of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Player {
    /// What new avalanches come from.
    Generator,
    /// What tells them from real ones.
    Critic,
}

/// Avalanches to learn from. All randomness of a step is in `noise` and in the streams of `seed` and `step`.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Electrons in each cell, `[batch, cells]`.
    pub counts: Tensor<2>,
    /// Standard normal numbers, `[batch, noise]`.
    pub noise: Tensor<2>,
    /// Seed of the streams of what else is random.
    pub seed: u64,
    /// Number of the batch: index of these streams.
    pub step: u64,
}

/// What is minimised, and numbers to be shown beside it.
#[derive(Debug, Clone)]
pub struct Losses {
    /// What is minimised.
    pub total: Tensor<1>,
    /// Parts and symptoms, by name: one number each, or one for each of something such as a latent dimension.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl Losses {
    /// A loss and its parts.
    pub fn new<const N: usize>(total: Tensor<1>, parts: [(&'static str, Tensor<1>); N]) -> Self {
        Self { total, parts: parts.into() }
    }
}

/// Numbers of a step, or their means, by name.
pub type Numbers = BTreeMap<String, Number>;

/// A number, or one for each of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// One.
    One(f64),
    /// Several.
    Several(Vec<f64>),
}

impl Number {
    /// The number, if it is one.
    pub fn one(&self) -> Option<f64> {
        match self {
            Self::One(value) => Some(*value),
            Self::Several(_) => None,
        }
    }
}

/// Makes [`ModelConfig`] from the list of families.
macro_rules! families {
    ($($(#[$doc:meta])* $name:literal => $variant:ident($config:ty) in $folder:literal,)*) => {
        /// The `[model]` table of a configuration; `family` says which model it is.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "family")]
        pub enum ModelConfig {
            $($(#[$doc])* #[serde(rename = $name)] $variant($config),)*
        }

        impl ModelConfig {
            /// Names of all families.
            pub const FAMILIES: &[&str] = &[$($name),*];

            /// The configuration, as TOML, that a preset of a family stands for; `None` if there is no such family.
            /// Tables of `[dims.N]` go before the others in N dimensions.
            ///
            /// # Errors
            /// There is no preset of this name.
            pub fn preset(family: &str, preset: &str) -> Result<Option<&'static str>, ConfigError> {
                let [improved, reference] = match family {
                    $($name => [
                        include_str!(concat!($folder, "/improved.toml")),
                        include_str!(concat!($folder, "/reference.toml")),
                    ],)*
                    _ => return Ok(None),
                };
                match preset {
                    Self::DEFAULT_PRESET => Ok(Some(improved)),
                    "reference" => Ok(Some(reference)),
                    _ => Err(Self::no_preset(preset)),
                }
            }

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

impl ModelConfig {
    /// The preset of a configuration that names none.
    pub const DEFAULT_PRESET: &str = "improved";

    /// That there is no such preset.
    pub fn no_preset(preset: &str) -> ConfigError {
        ConfigError::new("model.preset", preset, "there are \"improved\" and \"reference\"")
    }
}

// A new family is a folder and one line here.
families! {
    /// Variational autoencoder.
    "vae" => Vae(vae::VaeConfig) in "vae",
    /// Generative adversarial network.
    "gan" => Gan(gan::GanConfig) in "gan",
    /// GAN that is told class and codes.
    "infogan" => InfoGan(infogan::InfoGanConfig) in "infogan",
}
