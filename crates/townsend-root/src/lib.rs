//! ROOT files: histograms and trees, read and written without ROOT.
mod buffer;
mod compression;
mod date;
mod encoder;
mod error;
mod file;
mod key;
mod layout;
mod streamers;
mod writer;

pub use compression::Compression;
pub use date::Date;
pub use error::{Error, Result};
pub use file::RootFile;
pub use key::Key;
pub use writer::RootWriter;
