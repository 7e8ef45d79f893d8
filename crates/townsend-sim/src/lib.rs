//! A Monte Carlo of a triple GEM (gas electron multiplier): gas, gaps, foils, charged tracks and readout
//! strips, from a description of the detector in TOML.
//!
//! An avalanche is a function of the seed and its number. `docs/monte-carlo.md` describes each step with its
//! formula and source.
//!
//! ```
//! use townsend_sim::{Detector, Simulation, Start, Workspace};
//!
//! let detector = Detector::from_toml(Detector::shipped("cgem").unwrap())?;
//! let simulation = Simulation::new(&detector)?;
//! let mut workspace = Workspace::default();
//! let sizes: Vec<usize> = (0..100)
//!     .map(|index| simulation.avalanche(1, index, Start::Cell, &mut workspace).len())
//!     .collect();
//! let empty = sizes.iter().filter(|&&size| size == 0).count();
//! assert!((5..50).contains(&empty) && sizes.iter().sum::<usize>() > 10_000);
//! # Ok::<(), townsend_sim::SimError>(())
//! ```

#![allow(
    clippy::inline_always,
    reason = "loops over electrons must become part of the function that enables vector instructions"
)]
#![allow(clippy::needless_range_loop, reason = "electrons that stand side by side are counted")]

mod detector;
mod error;
mod gap;
mod gas;
mod holes;
mod lattice;
mod polya;
mod readout;
mod recorded;
mod simulation;
mod stage;
mod track;

pub use detector::{
    Arrangement, Condition, Detector, EffectiveGain, Foil, Gap, Gas, Holes, Late, Magnetic, MeasuredGain,
    SharedCondition, within,
};
pub use error::SimError;
pub use gap::{Direction, Drift, displaced};
pub use gas::{GasTable, Transport};
pub use lattice::Lattice;
pub use polya::Polya;
pub use readout::{Readout, StripHit, StripReadout, StripWorkspace};
pub use recorded::{
    Counted, RecordedFoil, RecordedStage, RecordedStages, ResponseDraw, ResponseTable, Reuse, Symmetry,
};
pub use simulation::{Simulation, Start, Workspace};
pub use stage::{FamilySpread, FoilStage, Landing, Stage, StageWorkspace};
pub use track::{Cluster, Ionisation, Track};
