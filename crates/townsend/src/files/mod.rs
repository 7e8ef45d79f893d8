//! The same with files: each function reads files, calls what works in memory, and writes files, whole or not
//! at all.

mod check;
mod convert;
mod export;
mod generate;
mod input;
mod inspect;
mod readout;
mod train;
mod write;

pub use check::{CheckOptions, Gate, check, check_all};
pub use convert::{Converted, convert};
pub use export::{Exported, export};
pub use generate::{Generated, SampleOptions, Shard, generate, reconstruct, simulate};
pub use input::Input;
pub use inspect::{FileInspection, InspectOptions, inspect};
pub use readout::{FileReadout, ReadoutOptions, readout};
pub use train::{TrainOptions, train};
pub use write::Written;
