//! Generative models of electron avalanches: networks, losses, sampling and checkpoints.
//!
//! A family of models is a folder with its configuration, layers, loss and sampling, and one line in the list
//! of families; everything else works with [`NetworkModel`]. The check of a configuration against a grid
//! makes a model, whose weights are [`Parameters`] with the names of a PyTorch state dict:
//!
//! ```
//! use townsend_core::Grid;
//! use townsend_models::{ModelConfig, Parameters, device};
//!
//! let grid = Grid::standard(2)?;
//! let config: ModelConfig = serde_json::from_str(r#"{ "family": "vae", "latent": 16 }"#)?;
//! let model = config.check(&grid)?;
//! let weights = Parameters::initial(model.tensors(), 1, &device("cpu")?);
//! assert_eq!(weights.flat("decoder.hidden.weight").dims(), [3000 * 16]);
//!
//! let wrong: ModelConfig = serde_json::from_str(r#"{ "family": "vae", "latent": 0 }"#)?;
//! let message = wrong.check(&grid).unwrap_err().to_string();
//! assert_eq!(message, "model.latent = 0 is not possible: must be from 1 to 65536");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `townsend-train` trains the models and writes [`Checkpoint`]s, from which a [`Generator`] draws new
//! avalanches. All random numbers come from named streams, never from Burn's global generator, so that
//! results have the same bits on any number of threads. Of Burn only `burn-tensor` is used (tensors,
//! automatic gradients, backends): layers are functions of named tensors, so that names, initial values and
//! the state of the optimiser do not change with Burn.

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "where a test compares floats, it means these very bits")
)]

mod adversarial;
mod batch_observables;
mod checkpoint;
mod critic;
mod decoder;
mod dense;
mod device;
mod error;
mod family;
mod fused;
pub mod gan;
mod generator;
pub mod infogan;

mod layers;
mod layout;
mod multinomial;
pub mod onnx;
mod output;
mod parameters;
mod polynomial;
mod sampler;
mod schedule;
pub mod vae;

pub use adversarial::AdversarialLoss;
pub use checkpoint::{CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Moments, TrainingState};
pub use decoder::Decoder;
pub use device::device;
pub use error::{ConfigError, ModelError};
pub use family::{Batch, EachAvalanche, Losses, ModelConfig, NetworkModel, Number, Numbers, Player};
pub use generator::{Generator, Workspace, fill_standard_normal, standard_normal};
pub use layers::Pass;
pub use layout::Layers;
pub use output::{Output, Scaling};
pub use parameters::{Parameters, Role, TensorSpec};
pub use sampler::{Sampler, SamplerKind};
pub use schedule::Schedule;
pub use townsend_core::{SizeConfig, SizeForm, SizeModel};
