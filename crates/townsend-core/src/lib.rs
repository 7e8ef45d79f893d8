//! The types that all parts of townsend share: axes and grids with ROOT's flow bins, avalanches as electrons
//! or as sparse counts, data sets, the split into training, validation and test, named random streams, normal
//! numbers, and the distribution of the number of electrons. File formats, networks and plots are in other
//! crates.
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
mod blocks;
mod dataset;
mod electron_buffer;
mod grid;
mod input;
mod lock;
mod minimise;
mod nearest;
mod normal;
mod number;
mod output;
mod progress;
mod provenance;
mod random;
mod run;
mod sizes;
mod special;
mod split;
mod stored;

pub use avalanche::{Avalanche, Coordinate, CountBuffer, CountSet, Counts, ElectronSet};
pub use axis::{Axis, AxisError};
pub use blocks::electron_blocks;
pub use dataset::Dataset;
pub use electron_buffer::ElectronBuffer;
pub use grid::{Grid, GridError};
pub use input::{Stamp, regular_file};
pub use lock::{Claim, Holder};
pub use minimise::minimise;
pub use nearest::{nearest_first, with_nearest};
pub use normal::fill_normal;
pub use number::parse_number;
pub use output::{OutputError, OutputFile};
pub use progress::{Progress, Silent, Stopped, Task, Work};
pub use provenance::{InputFile, Meta, Provenance, SettingNote, ShardNote};
pub use random::{Purpose, Stream, stream};
pub use run::{RUN_VERSION, RunError, RunFiles, RunHeader, TrainedOn};
pub use sizes::{
    FilledSizes, PolyaSizes, SizeConfig, SizeError, SizeForm, SizeModel, SizePart, negative_binomial,
};
pub use special::{digamma, ln_gamma, zero_crossing};
pub use split::{HeldBack, Part, Split, SplitError};
pub use stored::{StoredError, StoredSet, StoredSetWriter};
