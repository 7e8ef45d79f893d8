//! ROOT files: histograms and trees, read and written without ROOT.
mod buffer;
mod compression;
mod date;
mod encoder;
mod error;
mod file;
mod histogram;
mod key;
mod layout;
mod named;
mod reader;
mod streamers;
mod tree;
mod writer;

pub use compression::Compression;
pub use date::Date;
pub use error::{Error, Result};
pub use file::RootFile;
pub use histogram::{CellType, Cells, Contents, Histogram, HistogramAxis, SparseContents, SparseHistogram};
pub use key::Key;
pub use reader::Reader;
pub use tree::{
    Branch, BranchKind, BranchSpec, BranchType, BranchValue, Column, ColumnReader, ElementType, Tree,
    TreeWriter, Values,
};
pub use writer::RootWriter;
