//! A Monte Carlo of a triple GEM (gas electron multiplier).

mod cloud;
mod detector;
mod error;
mod fit;
mod gap;
mod gas;
mod holes;
mod lattice;
mod normal;
mod polya;
mod readout;
mod simulation;
mod stage;
mod track;

pub use cloud::Cloud;
pub use detector::{Detector, Foil, Gap, Gas, Holes};
pub use error::SimError;
pub use fit::{FittedFoil, KnownFoil, Responses, fit_foil};
pub use gap::Drift;
pub use gas::{GasTable, Transport};
pub use lattice::Lattice;
pub use normal::fill_normal;
pub use polya::Polya;
pub use readout::{Readout, StripHit, StripReadout, StripWorkspace};
pub use simulation::{Simulation, Start, Workspace};
pub use stage::{FoilStage, Stage};
pub use track::{Cluster, Ionisation, Track};
