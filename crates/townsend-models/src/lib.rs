//! x
mod checkpoint;
mod device;
mod error;
mod family;
mod generator;
mod layers;
mod multinomial;
mod parameters;
mod schedule;
mod size;
pub mod vae;

pub use checkpoint::{CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Moments, TrainingState};
pub use device::device;
pub use error::{ConfigError, ModelError};
pub use family::{Batch, LatentMap, Losses, Model, ModelConfig};
pub use generator::{Generator, standard_normal};
pub use layers::Pass;
pub use parameters::{Parameters, Role, TensorSpec};
pub use schedule::Schedule;
pub use size::{SizeConfig, SizeModel};
