//! What every part of townsend speaks: axes and grids with ROOT's flow bins, avalanches as electrons or as sparse
//! counts, data sets of them, the split into training, validation and test, and named random streams.
//!
//! Nothing here knows a file format, a network or a plot.
//!
//! ```
//! use townsend_core::{Dataset, ElectronSet, Grid};
//!
//! let mut electrons = ElectronSet::default();
//! electrons.push(&[0.01, 0.02, -0.4], &[0.0, 0.01, 0.3], &[175.0, 176.0, 171.5]);
//! electrons.push(&[], &[], &[]); // an avalanche that gave nothing is kept
//! let data = Dataset::from(electrons);
//! let counts = data.to_counts(&Grid::standard(2)?)?;
//! assert_eq!(counts.get(0).electrons(), 3);
//! assert_eq!(counts.get(1).electrons(), 0);
//! # Ok::<(), townsend_core::GridError>(())
//! ```

mod avalanche;
mod axis;
mod dataset;
mod grid;
mod minimise;
mod output;
mod progress;
mod provenance;
mod random;
mod run;
mod split;

pub use avalanche::{Avalanche, Coordinate, CountSet, Counts, ElectronSet};
pub use axis::{Axis, AxisError};
pub use dataset::Dataset;
pub use grid::{Grid, GridError};
pub use minimise::minimise;
pub use output::{OutputError, OutputFile};
pub use progress::{Progress, Silent, Task};
pub use provenance::{InputFile, Meta, Provenance};
pub use random::{Purpose, Stream, stream};
pub use run::{RUN_VERSION, RunError, RunFiles, RunHeader, TrainedOn};
pub use split::{Part, Split, SplitError};
