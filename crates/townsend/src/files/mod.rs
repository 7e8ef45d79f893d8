//! The same with files: each function reads files, calls what works in memory, and writes files, whole or not
//! at all.

mod check;
mod convert;
mod digitise;
mod export;
mod folder;
mod gain;
mod generate;
mod hits;
mod input;
mod inspect;
mod merge;
mod readout;
mod reduce;
mod resolution;
mod runs;
mod train;
mod write;

pub use check::{CheckOptions, Gate, check, check_all, write_check};
pub use convert::{Converted, convert};
pub use digitise::{DigitiseFileOptions, FileDigits, Names, digitise};
pub use export::{Exported, export, write_model};
pub use gain::{GainOptions, gain};
pub use generate::{Generated, SampleOptions, generate, reconstruct, simulate};
pub use hits::{HitColumns, HitOptions, HitUnits, Layout};
pub use input::{Input, Read};
pub use inspect::{FileInspection, InspectOptions, inspect};
pub use merge::{Merged, merge};
pub use readout::{FileReadout, ReadoutOptions, readout};
pub use reduce::Reduction;
pub use resolution::resolution;
pub use runs::{FoundRun, runs, table_of_runs};
pub use train::{resume, train, train_configured};
pub use write::{Written, write};
