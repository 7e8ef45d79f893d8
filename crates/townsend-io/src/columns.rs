//! Tables of numbers as files hold them: trees, RNTuples, texts, Parquet and arrays of an npz alike.
//!
//! What a format can do is here; which column is x, in which unit, and where an avalanche begins is decided
//! once for all formats.

pub(crate) use townsend_root::Values;

use crate::{Notice, Result};

/// How many numbers a row of a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    /// One number a row.
    Number,
    /// A list of numbers a row, whose length may change.
    List,
    /// A list of as many numbers in every row.
    Array(usize),
    /// No numbers, or numbers that cannot be read, with the reason: "text", "a branch of objects".
    Other(String),
}

/// What a column of texts is, in [`ColumnKind::Other`].
pub(crate) const TEXT: &str = "text";

/// What is known of a column before its values are read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnHeader {
    /// The name by which users call it.
    pub(crate) name: String,
    /// How many numbers a row holds.
    pub(crate) kind: ColumnKind,
    /// The type as the format writes it, for users: `vector<f32>`, `f64`.
    pub(crate) type_name: String,
    /// A text that may name the unit: `x [mm]`; empty without one.
    pub(crate) title: String,
}

/// The values of a column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnValues {
    /// Where each row begins in `values`, and where the last one ends; `None` if each row has one value.
    pub(crate) offsets: Option<Vec<u64>>,
    /// The values of all rows, one row after the other.
    pub(crate) values: Values,
}

/// A table of a file that is open.
pub(crate) trait Table: Sync {
    /// What and which it is, for users: "ROOT tree run1/avalanches".
    fn describe(&self) -> String;

    /// Its columns, in the order of the file.
    fn headers(&self) -> &[ColumnHeader];

    /// Number of rows.
    fn rows(&self) -> u64;

    /// Where avalanches begin in rows that are electrons, and where the last one ends, if the table says so.
    fn avalanches(&self) -> Result<Option<Vec<u64>>> {
        Ok(None)
    }

    /// What is odd about the table as a whole.
    fn notice(&self) -> Option<Notice> {
        None
    }

    /// Reads all values of the column `index`.
    ///
    /// # Errors
    /// If the file is damaged, or the column holds no numbers.
    fn read(&self, index: usize) -> Result<ColumnValues>;
}
