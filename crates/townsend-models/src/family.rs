//! The trait of all networks, and the list of families.

use std::collections::BTreeMap;

use burn_tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use townsend_core::{CountSet, Counts, Grid};

use crate::layers::Pass;
use crate::onnx::{Graph, Value};
use crate::{ConfigError, Decoder, Parameters, Sampler, TensorSpec, gan, infogan, vae};

/// Avalanches that are looked at one after the other, so that they need not all be in memory.
pub trait EachAvalanche {
    /// The grid that they are counted on.
    fn grid(&self) -> &Grid;

    /// Shows each.
    fn each(&self, look: &mut dyn FnMut(Counts<'_>));
}

impl EachAvalanche for CountSet {
    fn grid(&self) -> &Grid {
        Self::grid(self)
    }

    fn each(&self, look: &mut dyn FnMut(Counts<'_>)) {
        self.iter().for_each(look);
    }
}

/// A network on a grid: its tensors, its losses, and how noise becomes the shape of an avalanche.
pub trait NetworkModel: std::fmt::Debug + Send + Sync {
    /// The tensors of the model, in a fixed order.
    fn tensors(&self) -> Vec<TensorSpec>;

    /// The player that a tensor belongs to and is changed by in training.
    fn player(&self, _tensor: &str) -> Player {
        Player::Generator
    }

    /// The players that take a step with a batch, in this order; `step` counts the batches of the training
    /// from 1, `epoch` from 0.
    fn moves(&self, _epoch: u32, _step: u64) -> Vec<Player> {
        vec![Player::Generator]
    }

    /// Sets the tensors that are not trained but computed from the avalanches of the training part.
    fn prepare(&self, _parameters: &mut Parameters, _training: &dyn EachAvalanche) {}

    /// Number of standard normal numbers for an avalanche, in training and in generation.
    fn noise(&self) -> usize;

    /// The loss that `player` minimises, for a batch in an epoch counted from 0.
    fn losses(&self, pass: &mut Pass<'_>, batch: &Batch, player: Player, epoch: u32) -> Losses;

    /// A loss that can be compared between epochs, for avalanches that are not trained on; `None` if the
    /// model has none. `last` is the last epoch.
    fn validation(&self, _pass: &mut Pass<'_>, _batch: &Batch, _last: u32) -> Option<Losses> {
        None
    }

    /// Signs, in the means of an epoch, that a training goes wrong: each a sentence with a remedy.
    fn symptoms(&self, _means: &Numbers) -> Vec<String> {
        Vec::new()
    }

    /// Brings tensors back into the limits that a loss requires, after a step of `player`.
    fn constrain(&self, _parameters: &mut Parameters, _player: Player) {}

    /// At the end of an epoch, sets the tensors that are computed from the current weights and from training
    /// avalanches, of which `batches` has at most a few thousand.
    fn finish_epoch(&self, _parameters: &mut Parameters, _batches: &mut dyn Iterator<Item = Batch>) {}

    /// The distribution of the network's inputs, as a function of [`NetworkModel::noise`] standard normal
    /// numbers.
    fn sampler(&self, _parameters: &Parameters) -> Sampler {
        Sampler::normal(self.noise())
    }

    /// The function [`NetworkModel::shapes`] computed by the CPU's kernels, for batches of `batch`
    /// avalanches; it is used for generation.
    fn decoder(&self, parameters: &Parameters, batch: usize) -> Decoder;

    /// The same function in a graph of ONNX: points `[batch, inputs]` → weights of the cells `[batch,
    /// cells]`.
    fn add_to_graph(&self, graph: &mut Graph<'_>, points: &Value) -> Value;

    /// Number of multiply-adds of a training step for one avalanche, with one pass forward and two backward
    /// through each layer. A first convolution is left out, because it computes occupied cells only. `None`
    /// for families that do not count them.
    fn step_multiply_adds(&self) -> Option<usize> {
        None
    }

    /// Points of the [sampler](NetworkModel::sampler), `[batch, inputs]` → weights of the cells `[batch,
    /// cells]`, not normalised; a weight that is not positive counts as 0. [`NetworkModel::decoder`] is
    /// tested against it.
    fn shapes(&self, pass: &mut Pass<'_>, points: Tensor<2>) -> Tensor<2>;

    /// True if the model has an encoder, so that [`NetworkModel::reconstructed`] returns something.
    fn has_encoder(&self) -> bool {
        false
    }

    /// Weights of the cells, `[batch, cells]`, decoded from the latent points of given avalanches; `None` if
    /// the model has no encoder.
    fn reconstructed(&self, _pass: &mut Pass<'_>, _batch: &Batch) -> Option<Tensor<2>> {
        None
    }

    /// True if the model draws the number of electrons of avalanches that have any, as the sum of the
    /// weights. Otherwise the [`SizeModel`](crate::SizeModel) draws it. Which avalanches are empty is always
    /// drawn by the `SizeModel`.
    fn draws_size(&self) -> bool {
        false
    }
}

/// Largest number of weights of a model, more than any machine could train. A mistake in a configuration then
/// ends in an error and not in exhausted memory.
const MOST_WEIGHTS: usize = 1 << 28;

/// An error if a model has too many weights; `key` and `value` are those on which their number depends most.
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

/// An error if a weight is not finite or not above 0.
pub(crate) fn check_finite(key: &str, value: f64) -> Result<(), ConfigError> {
    if value.is_finite() && value > 0.0 {
        return Ok(());
    }
    Err(ConfigError::new(key, value, "must be finite and above 0"))
}

/// A part of a model with a loss of its own, which it minimises in turn with the other part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Player {
    /// The part that generates avalanches.
    Generator,
    /// The part that distinguishes them from real ones.
    Critic,
}

/// Avalanches to train on. All randomness of a step comes from `noise` and from the streams of `seed` and
/// `step`.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Electrons in each cell, `[batch, cells]`.
    pub counts: Tensor<2>,
    /// Standard normal numbers, `[batch, noise]`.
    pub noise: Tensor<2>,
    /// Seed of the streams of all other random numbers.
    pub seed: u64,
    /// Number of the batch, which is the index of these streams.
    pub step: u64,
}

impl Batch {
    /// The avalanches `indices` of a set, with their `noise`, avalanche after avalanche. `place` gives for
    /// the number of a row and a cell the cell in which the electrons of that cell are counted: the same, or
    /// that of a mirrored avalanche. `streams` are the seed and the step.
    ///
    /// # Panics
    /// If there are no indices.
    pub fn new(
        set: &CountSet,
        indices: &[usize],
        mut place: impl FnMut(usize, u32) -> u32,
        noise: Vec<f32>,
        (seed, step): (u64, u64),
        device: &Device,
    ) -> Self {
        let (rows, cells) = (indices.len(), set.grid().cells());
        let mut counts = vec![0.0; rows * cells];
        for (number, (&index, row)) in indices.iter().zip(counts.chunks_mut(cells)).enumerate() {
            for (cell, count) in set.get(index).occupied() {
                row[place(number, cell) as usize] = count as f32;
            }
        }
        let tensor = |values: Vec<f32>| {
            let columns = values.len() / rows;
            Tensor::from_data(TensorData::new(values, [rows, columns]), device)
        };
        Self { counts: tensor(counts), noise: tensor(noise), seed, step }
    }
}

/// A loss, and numbers to report beside it.
#[derive(Debug, Clone)]
pub struct Losses {
    /// The number that is minimised.
    pub total: Tensor<1>,
    /// Parts of the loss and diagnostic numbers, by name: one number each, or several, such as one for each
    /// latent dimension.
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

/// A number, or a list of numbers such as one for each latent dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Number {
    /// One number.
    One(f64),
    /// Several numbers.
    Several(Vec<f64>),
}

impl Number {
    /// The number, if it is a single one.
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
            /// Names of all families, as `model.family` gives them.
            pub const FAMILIES: &[&str] = &[$($name),*];

            /// The configuration, as TOML, that a preset of a family stands for; `None` if there is no such
            /// family. Tables `[dims.N]` take precedence in N dimensions.
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

            /// The family, by the name that `model.family` gives it.
            pub fn family(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The model of this configuration on `grid`; an error names the value that is wrong.
            pub fn check(&self, grid: &Grid) -> Result<Box<dyn NetworkModel>, ConfigError> {
                match self { $(Self::$variant(config) => Ok(Box::new(config.check(grid)?)),)* }
            }

            /// Dimensions of the model's grid; 0 for the number of electrons alone.
            pub fn dims(&self) -> usize {
                match self { $(Self::$variant(config) => config.dims,)* }
            }
        }
    };
}

impl ModelConfig {
    /// The preset of a configuration that names none.
    pub const DEFAULT_PRESET: &str = "improved";

    /// The error that there is no such preset.
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
    /// GAN with classes and codes.
    "infogan" => InfoGan(infogan::InfoGanConfig) in "infogan",
}
