//! Reading and writing histograms, trees and RNTuples in ROOT files, without ROOT.
//!
//! Reads `TH1`, `TH2` and `TH3` of C, S, I, L, F and D and `TTree`s and `RNTuple`s of numbers, arrays,
//! vectors, texts and members of split objects in every compression that ROOT knows, in directories, with
//! cycles and in files over 2 GB, also those of Geant4; writes them uncompressed or with ZLIB, LZ4 or
//! Zstandard. Files that it writes are read by ROOT and by uproot; the same calls give the same bytes.
//!
//! ```
//! use townsend_root::{CellType, Compression, Contents, Histogram, HistogramAxis, RootFile, RootWriter};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("avalanches.root");
//!
//! // 3 bins, underflow and overflow.
//! let cells = Contents::F(vec![0.0, 2.0, 0.0, 1.0, 0.0]);
//! let axis = HistogramAxis::new("x [mm]", 3, -1.5, 1.5);
//! let mut histogram = Histogram::new("h1_0", "electrons", vec![axis], cells);
//! histogram.entries = 3.0;
//! let mut writer = RootWriter::create(&path, Compression::default())?;
//! writer.write_histogram(&histogram)?;
//! writer.finish()?;
//!
//! let file = RootFile::open(&path)?;
//! let mut reader = file.reader();
//! let mut read = Histogram::default();
//! for key in file.keys().filter(|key| key.class() == "TH1F") {
//!     reader.read_histogram_into(key, &mut read)?;
//!     assert_eq!((read.contents.cell_type(), read.contents.sum()), (CellType::F, 3.0));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Many histograms with fine bins and few entries are read fastest with [`Reader::read_sparse_into`], which
//! keeps only the cells that are not zero. Each thread can have its own [`Reader`] of the same file.
//!
//! No input makes this crate panic, and a damaged file cannot make it reserve memory for data that are not
//! there: lengths are checked against the bytes of the file, and buffers grow as data are decompressed. What
//! expands beyond belief is refused: [`check_content`].

mod buffer;
mod compression;
mod date;
mod encoder;
mod error;
mod file;
mod histogram;
mod key;
mod layout;
mod limit;
mod named;
mod reader;
mod rntuple;
mod streamers;
mod tree;
mod writer;

pub use compression::Compression;
pub use date::Date;
pub use error::{Error, Result};
pub use file::RootFile;
pub use histogram::{CellType, Cells, Contents, Histogram, HistogramAxis, SparseContents, SparseHistogram};
pub use key::Key;
pub use limit::check_content;
pub use reader::Reader;
pub use rntuple::{FieldReader, RNTuple, RNTupleField, RNTupleWriter};
pub use tree::{
    Branch, BranchKind, BranchSpec, BranchType, BranchValue, Column, ColumnReader, ElementType, Tree,
    TreeWriter, Values,
};
pub use writer::RootWriter;
