//! The arrays of an npz as columns of a table, whatever they are called.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Arrays;
use crate::columns::{ColumnHeader, ColumnKind, ColumnValues, Table};
use crate::error::{Result, content};
use crate::npy::{Header, Kind};

/// The arrays of numbers of an npz as columns of one table.
///
/// Rows are the first dimension. Most arrays have as many (with as many arrays of each length, the longest);
/// the others are listed and not read.
pub(crate) struct NpzTable {
    path: PathBuf,
    arrays: RefCell<Arrays>,
    headers: Vec<ColumnHeader>,
    rows: u64,
}

/// Opens an npz and reads the headers of its arrays.
pub(crate) fn open(path: &Path) -> Result<NpzTable> {
    let mut arrays = Arrays::open(path)?;
    let names: Vec<String> = arrays.names().map(Into::into).collect();
    let found: Vec<Header> = names.iter().map(|name| arrays.header(name)).collect::<Result<_>>()?;
    let rows = common_length(&found);
    let header = |(name, header): (String, &Header)| ColumnHeader {
        kind: kind_of(header, rows),
        type_name: header.type_name(),
        title: name.clone(),
        name,
    };
    let headers = names.into_iter().zip(&found).map(header).collect();
    Ok(NpzTable { path: path.into(), arrays: RefCell::new(arrays), headers, rows })
}

fn is_number(header: &Header) -> bool {
    !matches!(header.kind, Kind::Unicode | Kind::Bytes | Kind::Other)
}

/// The length that most arrays of numbers have; the longest of these if there are several.
fn common_length(headers: &[Header]) -> u64 {
    let mut arrays_of = BTreeMap::new();
    for header in headers.iter().filter(|header| is_number(header) && matches!(header.shape.len(), 1 | 2)) {
        *arrays_of.entry(header.shape[0]).or_insert(0) += 1;
    }
    // Of equal numbers `max_by_key` takes the last, and the map is sorted by length.
    arrays_of.into_iter().max_by_key(|&(_, arrays)| arrays).map_or(0, |(length, _)| length)
}

fn kind_of(header: &Header, rows: u64) -> ColumnKind {
    match *header.shape {
        _ if !is_number(header) => ColumnKind::Other(header.type_name()),
        [length] | [length, _] if length != rows => ColumnKind::Other(format!("of {length} values")),
        [_] => ColumnKind::Number,
        [_, 0] => ColumnKind::Other("of no values".into()),
        [_, each] => ColumnKind::Array(each as usize),
        [] => ColumnKind::Other("a single value".into()),
        _ => ColumnKind::Other(format!("of shape {:?}", header.shape)),
    }
}

#[allow(dead_code, reason = "for the reader of columns")]
impl NpzTable {
    /// Reads an array of whole numbers from 0, such as `offsets`, whatever its length.
    pub(crate) fn unsigned(&self, name: &str) -> Result<Vec<u64>> {
        self.arrays.borrow_mut().unsigned(name)
    }

    /// The text of the array `name`, such as `meta`; `None` if there is no such array or it holds no text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let mut arrays = self.arrays.borrow_mut();
        if arrays.has(name) { arrays.text(name) } else { Ok(None) }
    }
}

impl Table for NpzTable {
    fn describe(&self) -> String {
        "arrays of an npz".into()
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        let ColumnHeader { name, kind, .. } = &self.headers[index];
        if let ColumnKind::Other(what) = kind {
            return Err(content(&self.path, name, format!("{what}; it is no column of {} rows", self.rows)));
        }
        let (shape, values) = self.arrays.borrow_mut().numbers(name)?;
        let offsets = match *shape {
            [rows, each] => Some((0..=rows).map(|row| row * each).collect()),
            _ => None,
        };
        Ok(ColumnValues { offsets, values })
    }
}
