//! RNTuples: the tables that follow trees in ROOT 6.34 and newer, and what uproot writes by default.
//!
//! Reading goes through [`RootFile::read_rntuple`](crate::RootFile::read_rntuple), writing through
//! [`RNTupleWriter`]. The format is ROOT's "RNTuple Binary Format Specification 1.0.0.0"
//! (`tree/ntuple/doc/BinaryFormatSpecification.md` of its sources). An *anchor* in a directory of the file
//! tells where *header* and *footer* are. The header describes *fields*, as the user sees them, and the
//! *columns* of equal numbers that they are stored as. Entries are grouped in *clusters*, and within a
//! cluster each column is stored as *pages*, which the *page lists* of the footer locate. No more than a page
//! of a column is in memory at a time.

mod anchor;
mod blob;
mod clusters;
mod describe;
mod encoding;
mod envelope;
mod field;
mod page;
mod pending;
mod reader;
mod schema;
mod writer;

pub use field::RNTupleField;
pub use reader::{FieldReader, RNTuple};
pub use writer::RNTupleWriter;
