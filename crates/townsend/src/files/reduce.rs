//! What is kept of avalanches where they are too many to keep their electrons.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use townsend_core::{Dataset, Grid, Meta, OutputFile, Silent};
use townsend_io::{Cell, ColumnType, Format, TableColumn, TableWriter, write_sum};
use townsend_observables::{Observable, ObservableOptions, Observables};

use super::readout::{COLUMNS, TABLE, row, strips_of};
use super::write::Written;
use crate::readout::{StripReader, StripSummary, electrons_of};
use crate::{Context, Error, Result};

/// What is written in place of avalanches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// The hits of strips, as [`readout`](super::readout()) writes them.
    Hits,
    /// A row of observables for each avalanche; NaN where one is not defined.
    Observables,
    /// One histogram with the electrons of all of them.
    Histogram,
}

impl FromStr for Reduction {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "hits" => Ok(Self::Hits),
            "observables" => Ok(Self::Observables),
            "histogram" => Ok(Self::Histogram),
            _ => Err(format!("`{text}` is none of hits, observables, histogram")),
        }
    }
}

/// The file that avalanches are reduced to, under construction.
pub(super) enum Reduced {
    Hits { reader: Box<StripReader>, table: TableWriter },
    Observables { table: TableWriter, next: u64 },
    Histogram { output: OutputFile, path: PathBuf, meta: Box<Meta>, grid: Grid, electrons: Vec<u64> },
}

impl Reduced {
    /// Begins the file. `own` is the grid of avalanches that are counts, `first` the number of the first one,
    /// `detector` that with the strips.
    pub(super) fn create(
        kind: Reduction,
        out: &Path,
        written: &Written,
        (meta, own, first): (&Meta, Option<&Grid>, u64),
        detector: Option<&Path>,
        context: &Context<'_>,
    ) -> Result<Self> {
        let table = |name, columns: &[TableColumn]| {
            TableWriter::create(out, name, columns, meta, written.format, context.force)
        };
        Ok(match kind {
            Reduction::Hits => {
                let reader = StripReader::new(strips_of(detector)?, first);
                Self::Hits { reader: reader.into(), table: table(TABLE, &COLUMNS)? }
            }
            Reduction::Observables => {
                let number = TableColumn::new("event", "number of the avalanche, from 0", ColumnType::U64);
                let column = |of: Observable| TableColumn::new(of.name(), of.definition(), ColumnType::F32);
                let columns: Vec<_> =
                    std::iter::once(number).chain(Observable::ALL.into_iter().map(column)).collect();
                Self::Observables {
                    table: table(["observables", "observables of avalanches"], &columns)?,
                    next: first,
                }
            }
            Reduction::Histogram => {
                let format = written.format.map_or_else(|| Format::of_name(out), Ok)?;
                if format != Format::Root {
                    return Err(Error::Usage(format!(
                        "{}: a histogram of all avalanches is written to a ROOT file\n  hint: --out {}",
                        out.display(),
                        out.with_extension("root").display()
                    )));
                }
                let output = OutputFile::create(out, context.force)?;
                let grid = match written.grid_for(own)? {
                    Some(grid) => grid,
                    None => Grid::standard(3)?,
                };
                let electrons = vec![0; grid.cells()];
                Self::Histogram { output, path: out.into(), meta: meta.clone().into(), grid, electrons }
            }
        })
    }

    /// Adds avalanches, in the order of their numbers.
    pub(super) fn append(&mut self, data: &Dataset, context: &Context<'_>) -> Result<()> {
        match self {
            Self::Hits { reader, table } => {
                // The whole work is told of once, not block by block.
                let quiet = Context { progress: &Silent, ..*context };
                reader.read(electrons_of(data)?, &quiet, |hits| {
                    hits.iter().try_for_each(|hit| Ok(table.push(&row(hit))?))
                })
            }
            Self::Observables { table, next } => {
                let options =
                    ObservableOptions { seed: context.seed, first: *next, ..ObservableOptions::default() };
                let observables = Observables::of(data, &options, &Silent)?;
                let values = |of| observables.column(of).map(|column| column.by_avalanche(data.len()));
                let columns = Observable::ALL.map(values);
                for avalanche in 0..data.len() {
                    let value = |of: &Option<Vec<f64>>| of.as_ref().map_or(f64::NAN, |of| of[avalanche]);
                    let cells = columns.iter().map(|of| Cell::F32(value(of) as f32));
                    table.push(&std::iter::once(Cell::U64(*next)).chain(cells).collect::<Vec<_>>())?;
                    *next += 1;
                }
                Ok(())
            }
            Self::Histogram { grid, electrons, .. } => {
                let counts = data.to_counts(grid)?;
                for avalanche in counts.iter() {
                    for (cell, n) in avalanche.occupied() {
                        electrons[cell as usize] += u64::from(n);
                    }
                }
                Ok(())
            }
        }
    }

    /// Completes the file and moves it to its final name. Says what the strips recorded if it holds hits.
    pub(super) fn finish(self) -> Result<Option<StripSummary>> {
        match self {
            Self::Hits { reader, table } => {
                table.finish()?;
                return Ok(Some(reader.summary()));
            }
            Self::Observables { table, .. } => table.finish()?,
            Self::Histogram { output, path, meta, grid, electrons } => {
                let name = ["electrons", "electrons at the anode of all avalanches"];
                write_sum(output, &path, name, &grid, &electrons, &meta)?;
            }
        }
        Ok(None)
    }
}
