//! The arrays of an npz as columns of a table, whatever they are called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use townsend_core::Coordinate;

use super::Arrays;
use crate::Columns;
use crate::columns::{ColumnHeader, ColumnKind, ColumnReader, ColumnValues, InParts, Table};
use crate::error::{Result, content};
use crate::npy::{Header, Kind};

/// The arrays of numbers of an npz as columns of one table.
///
/// Rows are the first dimension of x, or of most arrays where nothing is called so; arrays of another length
/// are listed and not read. `offsets` says where avalanches begin.
pub(crate) struct NpzTable {
    path: PathBuf,
    arrays: Mutex<Arrays>,
    headers: Vec<ColumnHeader>,
    rows: u64,
    /// True if the columns can be read some rows at a time.
    in_parts: bool,
    file_bytes: u64,
}

/// Arrays that are no columns.
const ASIDE: [&str; 2] = ["offsets", "meta"];

impl NpzTable {
    /// Reads the headers of the arrays. `units` are those that `meta` states for x, z and t.
    pub(crate) fn new(
        path: &Path,
        mut arrays: Arrays,
        units: &[String; 3],
        columns: &Columns,
    ) -> Result<Self> {
        let names: Vec<String> =
            arrays.names().filter(|name| !ASIDE.contains(name)).map(Into::into).collect();
        let found: Vec<Header> = names.iter().map(|name| arrays.header(name)).collect::<Result<_>>()?;
        let x = names.iter().position(|name| name == columns.coordinate(Coordinate::X));
        let rows = x.and_then(|x| found[x].shape.first().copied()).unwrap_or_else(|| common_length(&found));
        let title = |name: &str| {
            let coordinate =
                Coordinate::ALL.into_iter().find(|coordinate| columns.coordinate(*coordinate) == name);
            let unit = coordinate.map_or("", |of| &units[of as usize]);
            if unit.is_empty() { name.to_owned() } else { format!("{name} [{unit}]") }
        };
        let header = |(name, header): (String, &Header)| ColumnHeader {
            kind: kind_of(header, rows),
            type_name: header.type_name(),
            title: title(&name),
            name,
        };
        let headers = names.into_iter().zip(&found).map(header).collect();
        let in_parts = found.iter().all(|header| !header.fortran_order);
        let file_bytes = arrays.size();
        Ok(Self { path: path.into(), arrays: Mutex::new(arrays), headers, rows, in_parts, file_bytes })
    }
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
        _ if header.kind == Kind::Other => ColumnKind::Other(header.refusal()),
        _ if !is_number(header) => ColumnKind::Other(header.type_name()),
        [length] | [length, _] if length != rows => ColumnKind::Other(format!("of {length} values")),
        [_] => ColumnKind::Number,
        [_, 0] => ColumnKind::Other("of no values".into()),
        [_, each] => ColumnKind::Array(each as usize),
        [] => ColumnKind::Other("a single value".into()),
        _ => ColumnKind::Other(format!("of shape {:?}", header.shape)),
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

    fn avalanches(&self) -> Result<Option<Vec<u64>>> {
        let mut arrays = self.arrays.lock().unwrap_or_else(PoisonError::into_inner);
        arrays.has("offsets").then(|| arrays.unsigned("offsets")).transpose()
    }

    fn parts(&self) -> Option<&dyn InParts> {
        self.in_parts.then_some(self)
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        let name = self.name(index)?;
        let (shape, values) = self.arrays.lock().unwrap_or_else(PoisonError::into_inner).numbers(name)?;
        let offsets = match *shape {
            [rows, each] => Some((0..=rows).map(|row| row * each).collect()),
            _ => None,
        };
        Ok(ColumnValues { offsets, values })
    }
}

impl InParts for NpzTable {
    fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    fn column(&self, index: usize) -> Result<Box<dyn ColumnReader + '_>> {
        let name = self.name(index)?;
        let reader = self.arrays.lock().unwrap_or_else(PoisonError::into_inner).member_reader(name)?;
        let whole = || content(&self.path, name, "cannot be read in parts");
        Ok(Box::new(reader.ok_or_else(whole)?))
    }
}

impl NpzTable {
    /// The name of the array at this place, which is a column.
    fn name(&self, index: usize) -> Result<&str> {
        let ColumnHeader { name, kind, .. } = &self.headers[index];
        match kind {
            ColumnKind::Other(what) => {
                let what = format!("{what}; it is no column of {} rows", self.rows);
                Err(content(&self.path, name, what))
            }
            _ => Ok(name),
        }
    }
}
