//! Training of the models of `townsend-models`, and the run directory that it leaves behind.
//!
//! A run is a function of the configuration, the data and the seeds in it: the same on any number of threads, and
//! whether it was stopped and resumed or not.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use townsend_core::{Axis, CountSet, Dataset, Grid, Silent};
//! use townsend_train::{Run, TrainConfig, TrainOptions, train};
//!
//! // 40 avalanches on 10 cells an axis, and a network that fits them.
//! let axis = Axis::uniform(8, -1.0, 1.0)?;
//! let grid = Grid::new(vec![axis.clone(), axis])?;
//! let mut counts = CountSet::new(grid);
//! for k in 0..40 {
//!     counts.push([(44 + k % 3, 20 + k), (55, 30)]);
//! }
//! let text = r#"
//!     [model]
//!     family = "vae"
//!     channels = [4, 8]
//!     kernels = [4, 4]
//!     strides = [2, 1]
//!     hidden = 16
//!     latent = 2
//!     [training]
//!     epochs = 2
//!     batch_size = 8
//! "#;
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("run");
//! let config = TrainConfig::parse(text, "example.toml".as_ref(), &[])?;
//! let stop = AtomicBool::new(false);
//! let summary = train(&config, &Dataset::from(counts), &path, TrainOptions::default(), &Silent, &stop)?;
//! assert_eq!(summary.epochs, 2);
//!
//! let generated = Run::open(&path)?.generator()?.generate(1, 0..100);
//! assert_eq!(generated.len(), 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "where a test compares floats, it means these very bits")
)]

mod batches;
mod config;
mod error;
mod metrics;
mod optimiser;
mod run;
mod train;
mod trainer;

pub use config::{DataConfig, Decay, Method, Select, TrainConfig, TrainingConfig, load_config};
pub use error::TrainError;
pub use metrics::EpochMetrics;
pub use run::{RUN_VERSION, Run, RunData};
pub use train::{TrainOptions, TrainSummary, train};
