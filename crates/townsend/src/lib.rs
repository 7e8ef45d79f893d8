//! Learns electron avalanches in gas detectors from a microscopic simulation, and samples new ones.
//!
//! Everything works in memory: a [`Model`] is opened or trained, draws avalanches, and sets of avalanches
//! ([`Dataset`]) are simulated, generated, inspected, read out and checked. The functions of [`files`] do the
//! same from files to files; the command line is those and nothing more.
//!
//! ```
//! use townsend::{CheckOptions, Configuration, Context, Setting};
//!
//! let context = Context::default();
//! // Simulated avalanches take the place of microscopic ones here.
//! let real = townsend::simulate(&townsend::detector(None)?, 1, 0..400, &Setting::default())?;
//! let config = Configuration::from_toml("[model]\nfamily = 'clusters'\n")
//!     .set("training.sweeps=10")
//!     .set("training.electrons=20000");
//! let model = townsend::train(&config, &real.clone().into(), &context)?.model(&context)?;
//!
//! let parts = townsend::held_back(&*model, &real)?;
//! let generated = model.generate(1, 0..200, &Setting::default())?;
//! let options = CheckOptions { classifiers: false, ..CheckOptions::default() };
//! let report = townsend::check(&real.select(&parts.test), &generated, &options, &context)?.report;
//! println!("{}", report.table());
//! # Ok::<(), townsend::Error>(())
//! ```

mod anode_tables;
mod check;
mod context;
mod digitise;
mod error;
mod families;
mod family;
pub mod files;
mod gain;
mod held_back;
mod inspect;
mod model;
mod model_file;
mod readout;
mod resolution;
mod sample;
mod simulate;
mod train;
mod version;

pub use check::{check, page};
pub use context::Context;
pub use digitise::{DigitSummary, DigitView, DigitiseOptions, EventDigit, Hits, digitise, strip_places};
pub use error::{Error, Result};
pub use families::DetectorModel;
pub use family::{Configuration, Families, Family, Outcome, Training, TrainingData, Wanted};
pub use gain::{GainCurve, GainPoint, Scan, gain};
pub use held_back::{HeldBack, NotHeldBack, held_back};
pub use inspect::{Inspection, ObservableSummary, inspect, observables};
pub use model::{Condition, Description, Drawn, History, KnownCondition, Model, Setting, Weights, Workspace};
pub use readout::{StripSummary, ViewSummary, readout};
pub use resolution::{Residuals, Resolution, ResolutionOptions, ResolutionPoint, Values, resolution};
pub use sample::{Sample, Shard, sample};
pub use simulate::{detector, simulate};
pub use townsend_cascade::Responses;
pub use townsend_check::Condition as ComparedCondition;
pub use townsend_check::{Check, CheckOptions, Curve, Excess, Light, Ranking, Report, Thresholds};
pub use townsend_core::{
    Avalanche, Axis, Coordinate, CountBuffer, CountSet, Counts, Dataset, ElectronBuffer, ElectronSet, Grid,
    GridError, InputFile, Meta, Part, Progress, Provenance, RUN_VERSION, RunFiles, RunHeader, SettingNote,
    ShardNote, Silent, Split, Task, TrainedOn,
};
pub use townsend_io::{Choice, Columns, Format, ReadOptions, Selection, Units};
pub use townsend_kernels::Isa;
pub use townsend_models::onnx::Onnx;
pub use townsend_observables::text::{significant, wrap};
pub use townsend_observables::{Gain, Measured, Observables};
pub use townsend_readout::{Digit, Hit, Ionise, Place, StripPlace};
pub use townsend_sim::{Detector, Start, StripHit, StripReadout, StripWorkspace};
pub use train::{Trained, train, train_into};
pub use version::version;
