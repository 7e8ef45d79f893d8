//! Writing tables of numbers: as a ROOT tree or RNTuple with one entry per row, as an npz with one array per
//! column, as Parquet, or as a text with commas between columns, which has no room for provenance.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use townsend_core::{Meta, OutputFile};
use townsend_root::{BranchSpec, BranchType, BranchValue};

use crate::entries::EntryWriter;
use crate::histograms::{finish, start};
use crate::npz::{Column, meta_text, pack};
#[cfg(feature = "parquet")]
use crate::parquet::ParquetWriter;
use crate::{Format, Result};

/// The type of the numbers in a column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `Long64_t` in a ROOT tree, `uint64` in an npz.
    U64,
    /// `UInt_t` in a ROOT tree, `uint32` in an npz.
    U32,
    /// `Float_t` in a ROOT tree, `float32` in an npz.
    F32,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumn {
    /// The name of the branch or array.
    pub name: &'static str,
    /// The title of the branch, which ROOT shows beside its name.
    pub title: &'static str,
    /// The type of its numbers.
    pub kind: ColumnType,
}

impl TableColumn {
    /// A column of this name, title and type.
    pub const fn new(name: &'static str, title: &'static str, kind: ColumnType) -> Self {
        Self { name, title, kind }
    }
}

/// One number of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the variants are those of `ColumnType`")]
pub enum Cell {
    U64(u64),
    U32(u32),
    F32(f32),
}

/// A table under construction, row by row, in memory that does not grow with their number. It appears under
/// its name when [`TableWriter::finish`] succeeds.
pub struct TableWriter {
    columns: Vec<TableColumn>,
    sink: Sink,
}

enum Sink {
    Root {
        output: OutputFile,
        entries: EntryWriter,
    },
    Npz {
        output: OutputFile,
        arrays: Vec<Column>,
        meta: String,
    },
    Text {
        output: OutputFile,
        lines: BufWriter<File>,
    },
    #[cfg(feature = "parquet")]
    Parquet {
        output: OutputFile,
        writer: Box<ParquetWriter>,
    },
}

impl TableWriter {
    /// Begins a file. `name` and `title` are those of the tree; an npz has neither. Without a format, the
    /// file's ending tells it. A file that is there already is replaced only if `force` is true.
    pub fn create(
        path: &Path,
        [name, title]: [&str; 2],
        columns: &[TableColumn],
        meta: &Meta,
        format: Option<Format>,
        force: bool,
    ) -> Result<Self> {
        let format = format.map_or_else(|| Format::of_name(path), Ok)?;
        let output = OutputFile::create(path, force)?;
        let sink = match format {
            Format::Root | Format::RNTuple => {
                let branches: Vec<_> = columns.iter().map(branch).collect();
                let root = start(&output, path, meta)?;
                let entries = EntryWriter::new(root, format == Format::RNTuple, [name, title], &branches)?;
                Sink::Root { output, entries }
            }
            Format::Npz => {
                let array = |column: &TableColumn| Column::new(&output, column.name, numpy(column.kind));
                let arrays = columns.iter().map(array).collect::<Result<_>>()?;
                let meta = meta_text(&output, meta, None)?;
                Sink::Npz { output, arrays, meta }
            }
            Format::Text if !path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz")) => {
                let mut lines = BufWriter::new(output.duplicate()?);
                let names: Vec<_> = columns.iter().map(|column| column.name).collect();
                writeln!(lines, "{}", names.join(",")).map_err(|e| output.error(e))?;
                Sink::Text { output, lines }
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => {
                let meta = meta_text(&output, meta, None)?;
                let writer = ParquetWriter::new(output.duplicate()?, name, columns, &meta);
                Sink::Parquet { writer: Box::new(writer.map_err(|e| output.error(e))?), output }
            }
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(format.not_written(path)),
            Format::Text => return Err(format.not_written(path)),
        };
        Ok(Self { columns: columns.into(), sink })
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the cells are not those of the columns, which is a mistake in the calling code.
    pub fn push(&mut self, row: &[Cell]) -> Result<()> {
        let fits = self.columns.iter().map(|column| column.kind).eq(row.iter().map(Cell::kind));
        assert!(fits, "cells of a row: {row:?}");
        match &mut self.sink {
            Sink::Root { entries, .. } => entries.fill(&row.iter().map(Cell::entry).collect::<Vec<_>>()),
            Sink::Npz { output, arrays, .. } => {
                let written = arrays.iter_mut().zip(row).try_for_each(|(array, cell)| match *cell {
                    Cell::U64(value) => array.write(&[value], u64::to_le_bytes),
                    Cell::U32(value) => array.write(&[value], u32::to_le_bytes),
                    Cell::F32(value) => array.write(&[value], f32::to_le_bytes),
                });
                Ok(written.map_err(|e| output.error(e))?)
            }
            Sink::Text { output, lines } => {
                let cells: Vec<_> = row.iter().map(Cell::to_string).collect();
                Ok(writeln!(lines, "{}", cells.join(",")).map_err(|e| output.error(e))?)
            }
            #[cfg(feature = "parquet")]
            Sink::Parquet { output, writer } => Ok(writer.push(row).map_err(|e| output.error(e))?),
        }
    }

    /// Completes the file and moves it to its final name.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Root { output, entries } => finish(output, entries.finish()?),
            Sink::Npz { mut output, arrays, meta } => {
                let packed = pack(output.file(), arrays.into_iter(), &meta);
                packed.map_err(|e| output.error(e))?;
                Ok(output.commit()?)
            }
            Sink::Text { output, mut lines } => {
                lines.flush().map_err(|e| output.error(e))?;
                Ok(output.commit()?)
            }
            #[cfg(feature = "parquet")]
            Sink::Parquet { output, writer } => {
                writer.finish().map_err(|e| output.error(e))?;
                Ok(output.commit()?)
            }
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::U64(value) => value.fmt(f),
            Self::U32(value) => value.fmt(f),
            Self::F32(value) => value.fmt(f),
        }
    }
}

impl Cell {
    fn kind(&self) -> ColumnType {
        match self {
            Self::U64(_) => ColumnType::U64,
            Self::U32(_) => ColumnType::U32,
            Self::F32(_) => ColumnType::F32,
        }
    }

    fn entry(&self) -> BranchValue<'static> {
        match *self {
            Self::U64(value) => BranchValue::I64(i64::try_from(value).unwrap_or(i64::MAX)),
            Self::U32(value) => BranchValue::U32(value),
            Self::F32(value) => BranchValue::F32(value),
        }
    }
}

fn branch(column: &TableColumn) -> BranchSpec {
    let kind = match column.kind {
        ColumnType::U64 => BranchType::I64,
        ColumnType::U32 => BranchType::U32,
        ColumnType::F32 => BranchType::F32,
    };
    BranchSpec::new(column.name, column.title, kind)
}

/// NumPy's name of the type, such as `<u8`.
fn numpy(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::U64 => "<u8",
        ColumnType::U32 => "<u4",
        ColumnType::F32 => "<f4",
    }
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    /// What is written is what is read, also over more rows than a group holds.
    #[test]
    fn parquet_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.parquet");
        let columns = [
            TableColumn::new("event", "", ColumnType::U64),
            TableColumn::new("strip", "", ColumnType::U32),
            TableColumn::new("charge_fC", "", ColumnType::F32),
        ];
        let names = ["table", "a table"];
        let create = || TableWriter::create(&path, names, &columns, &Meta::default(), None, true);
        for rows in [0u32, 3, 100_000] {
            let mut writer = create().unwrap();
            for k in 0..rows {
                let row = [Cell::U64(u64::from(k) << 20), Cell::U32(u32::MAX - k), Cell::F32(k as f32 * 0.5)];
                writer.push(&row).unwrap();
            }
            writer.finish().unwrap();
            let column = |name: &str| crate::read_array(&path, name).unwrap().1;
            let of = |value: fn(u32) -> f64| (0..rows).map(value).collect::<Vec<_>>();
            assert_eq!(column("event"), of(|k| f64::from(k) * 1_048_576.0));
            assert_eq!(column("strip"), of(|k| f64::from(u32::MAX - k)));
            assert_eq!(column("charge_fC"), of(|k| f64::from(k) * 0.5));
        }
    }
}
