//! Avalanches from and to files.
//!
//! [`AvalancheWriter`] writes counts if it is given a grid, and electrons otherwise:
//!
//! | file | with a grid: counts | without: electrons |
//! |---|---|---|
//! | `.root` | histograms `h1_i`, `h2_i`, `h3_i` | tree or RNTuple `avalanches`: vectors `x`, `z`, `t` |
//! | `.npz` | arrays `offsets`, `cells`, `counts`, `meta` | arrays `offsets`, `x`, `z`, `t`, `meta` |
//!
//! [`read`] reads all of these, and trees and histograms of other programs.
//!
//! ```
//! use townsend_core::{Dataset, ElectronSet, Meta, Silent};
//! use townsend_io::{AvalancheWriter, ReadOptions, WriteOptions, read};
//!
//! let mut electrons = ElectronSet::default();
//! electrons.push(&[0.01, 0.02], &[0.0, 0.01], &[175.0, 176.0]);
//! let data = Dataset::from(electrons);
//!
//! let folder = tempfile::tempdir()?;
//! let file = folder.path().join("avalanches.npz");
//! let mut writer = AvalancheWriter::create(&file, &data.meta(), &WriteOptions::default())?;
//! writer.append(&data)?;
//! writer.finish()?;
//! assert_eq!(read(&file, &ReadOptions::default(), &Silent)?.data, data);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod columns;
mod electrons;
mod entries;
mod error;
mod format;
mod histograms;
mod names;
mod notice;
mod npy;
mod npz;
mod numbering;
mod numbers;
mod parquet;
mod reader;
mod rntuple;
mod root;
mod selection;
mod sources;
mod table;
mod text;
mod tree;
mod units;
mod writer;

pub use array::{has_array, npz_of, read_array, read_array_of};
pub use error::{Error, Result};
pub use format::Format;
pub use histograms::write_sum;
pub use names::Columns;
pub use notice::{Choice, Notice};
pub use numbers::{NumberColumn, NumberTable, read_number_table};
pub use reader::{Label, Loaded, ReadOptions, label, read, read_condition, read_each};
pub use selection::Selection;
pub use sources::{Source, sources};
pub use table::{Cell, ColumnType, TableColumn, TableWriter};
pub use units::{Dimension, Stated, Units, unit_in_title, unit_size};
pub use writer::{AvalancheWriter, WriteOptions};
