//! The cascade: an avalanche as a branching process whose stages are GEM foils. Every electron above a foil
//! becomes a number of electrons below it, whose places and times depend on the hole that they come through.
//!
//! The foils of a [`townsend_sim::Detector`] are learned in one of two ways: [`fit_stages`] fits them to
//! recorded responses of single foils by maximum likelihood, [`fit_avalanches`] to avalanches at the anode
//! alone by the method of moments. Both give a detector again, from which the Monte Carlo draws avalanches.
//! [`record_stages`] fits nothing: electrons take the recorded responses themselves.
//!
//! ```
//! use std::collections::BTreeMap;
//! use townsend_cascade::{KnownFoil, Recorded, Responses, fit_foil};
//! use townsend_sim::{Detector, Direction, Lattice};
//!
//! // Responses of a known foil to electrons that start all over the cell of a hole, 10 from each place.
//! let detector = Detector::from_toml(Detector::shipped("microscopic_275").unwrap())?;
//! let (foil, lattice) = (&detector.foils[0], Lattice::new(0.14));
//! let starts: Vec<_> = (0..400).map(|i| [f64::from(i % 20) * 3.5, f64::from(i / 20) * 3.0]).collect();
//! let none = vec![0; starts.len() + 1];
//! let starts = Responses::new(starts, none, Vec::new())?;
//! let responses = starts.again(foil, (lattice, Direction::default()), 10, 1);
//!
//! let known = KnownFoil {
//!     extraction: foil.extraction,
//!     gap: foil.gap(),
//!     included_mm: foil.included_mm,
//!     magnetic: None,
//! };
//! let recorded = [Recorded { responses: &responses, conditions: BTreeMap::new() }];
//! let fitted = fit_foil(&recorded, lattice, &known)?;
//! assert!((fitted.foil.gain - foil.gain).abs() < 5.0 * fitted.errors["gain"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod anode;
mod config;
mod error;
mod foil;
mod read;
mod recorded;
mod stages;

pub use anode::{AnodeFit, Estimate, FitConfig, FittedAvalanches, Own, Width, fit_avalanches};
pub use config::{CascadeConfig, CascadeModel, CascadeSummary, Guess, StageKind};
pub use error::CascadeError;
pub use foil::{FittedFoil, KnownFoil, MeanShift, Recorded, Responses, fit_foil};
pub use read::read_responses;
pub use recorded::{RecordedCascade, RecordedStageSummary, RecordedSummary, load_responses, record_stages};
pub use stages::{Conditioned, FittedStages, StageData, StageDistribution, StageFit, StagesFit, fit_stages};

/// The result of a function of this crate.
type Result<T> = std::result::Result<T, CascadeError>;
