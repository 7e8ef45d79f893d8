//! Writing: avalanche by avalanche, in memory that does not grow with their number.

use std::path::{Path, PathBuf};

use townsend_core::{Avalanche, Counts, Dataset, Grid, GridError, Meta, OutputFile};

use crate::histograms::HistogramWriter;
use crate::npz::NpzWriter;
use crate::tree::ElectronTreeWriter;
use crate::{Error, Format, Result};

/// How to write avalanches.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The format; `None` follows from the file's ending.
    pub format: Option<Format>,
    /// The grid to count on; `None` writes electrons.
    pub grid: Option<Grid>,
    /// In a ROOT file, histograms of each of these dimensions (`h1_i`, `h2_i`, `h3_i`); empty means the grid's own.
    pub dims: Vec<usize>,
    /// Number of the first avalanche, for files that number them: a shard goes on where the one before ends.
    pub first: u64,
    /// Overwrite what is there.
    pub force: bool,
}

/// A file of avalanches under construction. It appears under its name when [`AvalancheWriter::finish`] succeeds.
pub struct AvalancheWriter {
    path: PathBuf,
    grid: Option<Grid>,
    sink: Sink,
}

enum Sink {
    Npz(NpzWriter),
    Histograms(HistogramWriter),
    Tree(ElectronTreeWriter),
}

impl AvalancheWriter {
    /// Begins a file.
    pub fn create(path: &Path, meta: &Meta, options: &WriteOptions) -> Result<Self> {
        let format = match options.format {
            Some(format) => format,
            None => Format::of_name(path)?,
        };
        let unsuited = |what: &str| Error::Unsuited { file: path.into(), what: what.into() };
        let grid = options.grid.as_ref();
        if options.dims.len() > 1 && (format == Format::Npz || grid.is_none()) {
            return Err(unsuited(
                "only a ROOT file of histograms holds several dimensions; give one with --dims",
            ));
        }
        let output = OutputFile::create(path, options.force)?;
        let sink = match (format, grid) {
            (Format::Npz, _) => Sink::Npz(NpzWriter::new(output, grid, meta)?),
            (Format::Root, None) => Sink::Tree(ElectronTreeWriter::new(output, path, options.first, meta)?),
            (Format::Root, Some(grid)) => {
                let dims = if options.dims.is_empty() { vec![grid.dims()] } else { options.dims.clone() };
                if let Some(&wanted) = dims.iter().find(|&&wanted| wanted == 0 || wanted > grid.dims()) {
                    return Err(unsuited(&format!(
                        "h{wanted}_i histograms cannot come from a grid of {} axes",
                        grid.dims()
                    )));
                }
                Sink::Histograms(HistogramWriter::new(output, path, grid, &dims, options.first, meta)?)
            }
        };
        Ok(Self { path: path.into(), grid: options.grid.clone(), sink })
    }

    /// Adds avalanches. Electrons are counted if the file holds counts; counts never become electrons.
    pub fn append(&mut self, data: &Dataset) -> Result<()> {
        let failed = |source| Error::Grid { file: self.path.clone(), source };
        match (data, &self.grid) {
            (Dataset::Electrons(set), None) => {
                set.iter().try_for_each(|electrons| self.sink.push_electrons(electrons))
            }
            (Dataset::Counts(_), None) => Err(failed(GridError::NoElectrons)),
            (_, Some(grid)) => {
                let set = data.to_counts(grid).map_err(failed)?;
                set.iter().try_for_each(|counts| self.sink.push_counts(counts))
            }
        }
    }

    /// Completes the file and puts it in its place.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Npz(writer) => writer.finish(),
            Sink::Histograms(writer) => writer.finish(),
            Sink::Tree(writer) => writer.finish(),
        }
    }
}

impl Sink {
    fn push_electrons(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        match self {
            Self::Npz(writer) => writer.push_electrons(electrons),
            Self::Tree(writer) => writer.push(electrons),
            Self::Histograms(_) => unreachable!("a file with a grid is given counts"),
        }
    }

    fn push_counts(&mut self, counts: Counts<'_>) -> Result<()> {
        match self {
            Self::Npz(writer) => writer.push_counts(counts),
            Self::Histograms(writer) => writer.push(counts),
            Self::Tree(_) => unreachable!("a tree has no grid"),
        }
    }
}
