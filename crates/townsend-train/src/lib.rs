//! Training of the networks of `townsend-models`, and the [run](townsend_core::RunFiles) that it writes, in a
//! folder or in memory.
//!
//! A run is a function of the configuration, the data and the seeds in the configuration: it does not depend
//! on the number of threads, nor on whether training was stopped and resumed.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use townsend_core::{Axis, CountSet, Dataset, Grid, RunFiles, Silent};
//! use townsend_train::{Beginning, Run, TrainConfig, train};
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
//! let config = TrainConfig::parse(text, "example.toml".as_ref(), &[])?;
//! let stop = AtomicBool::new(false);
//! let data = Dataset::from(counts);
//! let mut files = RunFiles::memory();
//! let summary = train(&config, &data, None, &mut files, Beginning::New, &Silent, &stop)?;
//! assert_eq!(summary.epochs, 2);
//!
//! let generated = Run::open(files)?.generator()?.generate(1, 0..100);
//! assert_eq!(generated.len(), 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "where a test compares floats, it means these very bits")
)]

mod avalanches;
mod batches;
mod config;
mod error;
mod metrics;
mod optimiser;
mod run;
mod train;
mod trainer;

pub use avalanches::Avalanches;
pub use config::{DataConfig, Decay, Method, Select, TrainConfig, TrainingConfig, parse_config};
pub use error::TrainError;
pub use metrics::EpochMetrics;
pub use run::{Run, RunSummary};
pub use train::{Beginning, TrainSummary, train};
