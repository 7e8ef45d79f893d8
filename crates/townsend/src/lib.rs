//! Learns electron avalanches in gas detectors from a microscopic simulation, and samples new ones.
//!
//! The whole of townsend as functions: the verbs of the command line, and of every other language's binding, are
//! these and nothing more.
//!
//! ```no_run
//! use std::path::Path;
//! use townsend::{CheckOptions, Context, SampleOptions, TrainOptions};
//!
//! let context = Context::default();
//! let run = Path::new("runs/vae");
//! let data = Path::new("avalanches.root");
//! townsend::train(Path::new("configs/vae-2d.toml"), data, run, &TrainOptions::default(), &context)?;
//! let options = SampleOptions { events: 10_000, ..SampleOptions::default() };
//! townsend::generate(run, Path::new("generated.root"), &options, &context)?;
//! let options = CheckOptions { held_back: Some(run.into()), ..CheckOptions::default() };
//! let report = townsend::check(data, Path::new("generated.root"), Path::new("report"), &options, &context)?;
//! println!("{}", report.table());
//! # Ok::<(), townsend::Error>(())
//! ```

mod bench;
mod cascade;
mod check;
mod cloud;
mod context;
mod convert;
mod demo;
mod error;
mod export;
mod fitted;
mod generate;
mod inspect;
mod readout;
mod simulate;
mod train;

pub use bench::{BenchOptions, BenchPart, Benchmark, Measurement, ReferenceNetwork, Spread, bench};
pub use cascade::{CascadeSummary, EndFit, Estimate, StageFit, StagesFit};
pub use check::{CheckOptions, Gate, check, check_all};
pub use cloud::CloudSummary;
pub use context::Context;
pub use convert::{ConvertOptions, Converted, convert};
pub use demo::{Demo, demo};
pub use error::{Error, Result};
pub use export::{Exported, export};
pub use generate::{Generated, SampleOptions, Setting, Shard, generate, reconstruct};
pub use inspect::{InspectOptions, Inspection, ObservableSummary, inspect};
pub use readout::{ReadoutOptions, StripSummary, ViewSummary, readout};
pub use simulate::simulate;
pub use townsend_check::{Excess, Light, Ranking, Report, significant};
pub use townsend_core::{Progress, Silent, Task};
pub use townsend_io::Format;
pub use townsend_sim::Start;
pub use townsend_train::{Select, TrainSummary};
pub use train::{Summary, TrainOptions, Trained, train};
