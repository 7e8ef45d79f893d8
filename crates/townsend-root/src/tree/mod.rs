//! Trees: tables with one row per entry and one column per branch.
//!
//! Reading goes through [`RootFile::read_tree`](crate::RootFile::read_tree), writing through [`TreeWriter`].
//! A branch is stored as baskets, each a record of a few thousand entries; no more than one of them is in
//! memory at a time, so neither reading nor writing needs memory that grows with the file.

mod basket;
mod branch;
mod classes;
mod column;
mod encode;
mod kind;
mod layout;
mod leaf;
mod packing;
mod pending;
mod reader;
mod writer;

pub use branch::{Branch, BranchKind, ElementType};
pub use column::{Column, Values};
pub use reader::{ColumnReader, Tree};
pub(crate) use writer::check_types;
pub use writer::{BranchSpec, BranchType, BranchValue, TreeWriter};
