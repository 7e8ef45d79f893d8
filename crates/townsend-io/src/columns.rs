//! Tables of numbers as files hold them: trees, RNTuples, texts, Parquet and arrays of an npz alike.
//!
//! What a format can do is here; which column is x, in which unit, and where an avalanche begins is decided
//! once for all formats.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use townsend_root::Values;

use crate::error::content;
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

    /// The table as one that is read in parts; `None` if its format has to be read whole.
    fn parts(&self) -> Option<&dyn InParts> {
        None
    }

    /// Reads all values of the column `index`.
    ///
    /// # Errors
    /// If the file is damaged, or the column holds no numbers.
    fn read(&self, index: usize) -> Result<ColumnValues>;
}

/// A table whose columns are read some rows at a time, in memory that does not grow with their number.
pub(crate) trait InParts: Sync {
    /// Bytes of the file.
    fn file_bytes(&self) -> u64;

    /// Opens the column `index`.
    ///
    /// # Errors
    /// If the file is damaged, or the column holds no numbers.
    fn column(&self, index: usize) -> Result<Box<dyn ColumnReader + '_>>;
}

/// A column that is being read.
pub(crate) trait ColumnReader: Send {
    /// Reads the values of these rows, fastest in their order. Rows beyond the last one are left out.
    ///
    /// # Errors
    /// If the file is damaged, or the column holds no numbers.
    fn read(&mut self, rows: Range<u64>) -> Result<ColumnValues>;
}

/// All rows of a table, however many there are.
pub(crate) const ALL: Range<u64> = 0..u64::MAX;

/// A table from which rows are read: all at once, or some at a time where its format allows it.
pub(crate) struct Reading<'t> {
    pub(crate) table: &'t dyn Table,
    path: &'t Path,
    parts: Option<&'t dyn InParts>,
    /// The columns that were read in part, by their places.
    columns: Mutex<BTreeMap<usize, Arc<Mutex<OpenColumn<'t>>>>>,
}

/// A column that is read in parts.
struct OpenColumn<'t> {
    reader: Box<dyn ColumnReader + 't>,
    /// The row after the last one that was read, and the bytes of all up to there.
    read: (u64, u64),
}

impl<'t> Reading<'t> {
    /// Reads whole columns, or, with `parts`, ranges of rows where the format allows it.
    pub(crate) fn new(path: &'t Path, table: &'t dyn Table, parts: bool) -> Self {
        let parts = if parts { table.parts() } else { None };
        Self { table, path, parts, columns: Mutex::default() }
    }

    /// True if rows can be read some at a time; else they are [`ALL`].
    pub(crate) fn in_parts(&self) -> bool {
        self.parts.is_some()
    }

    /// Reads rows of the column `index`; several columns at the same time, if asked from several threads.
    pub(crate) fn read(&self, index: usize, rows: &Range<u64>) -> Result<ColumnValues> {
        let Some(parts) = self.parts else { return self.table.read(index) };
        let column = {
            let mut columns = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
            match columns.entry(index) {
                Entry::Occupied(open) => Arc::clone(open.get()),
                Entry::Vacant(place) => {
                    let open = OpenColumn { reader: parts.column(index)?, read: (0, 0) };
                    Arc::clone(place.insert(Arc::new(Mutex::new(open))))
                }
            }
        };
        let mut column = column.lock().unwrap_or_else(PoisonError::into_inner);
        let read = column.reader.read(rows.clone())?;
        // The limit of what a file can unpack to holds for all parts together.
        let (row, bytes) = &mut column.read;
        if rows.start >= *row {
            *row = rows.end;
            *bytes += (read.values.len() * read.values.element().size()) as u64;
            townsend_root::check_content(*bytes, parts.file_bytes())
                .map_err(|what| content(self.path, &*self.table.headers()[index].name, what))?;
        }
        Ok(read)
    }
}
