//! x
mod error;
mod family;
mod layers;
mod parameters;
mod schedule;
pub mod vae;

pub use error::{ConfigError, ModelError};
pub use family::{Batch, Losses, Model, ModelConfig};
pub use layers::Pass;
pub use parameters::{Parameters, Role, TensorSpec};
pub use schedule::Schedule;
