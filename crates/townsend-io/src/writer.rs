//! Writing files of avalanches, avalanche by avalanche: the memory needed does not grow with their number.

use std::path::{Path, PathBuf};

use townsend_core::{Avalanche, Counts, Dataset, Grid, GridError, Meta, OutputFile};

use crate::histograms::HistogramWriter;
use crate::npz::{NpzCountWriter, NpzElectronWriter};
use crate::tree::ElectronTreeWriter;
use crate::{Error, Format, Result};

/// How to write avalanches.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// The format; `None` tells it from the file's ending.
    pub format: Option<Format>,
    /// The grid to count on; `None` writes electrons.
    pub grid: Option<Grid>,
    /// In a ROOT file, histograms of each of these dimensions (`h1_i`, `h2_i`, `h3_i`); empty means the
    /// grid's own.
    pub dims: Vec<usize>,
    /// Number of the first avalanche, for files that number them: a shard goes on where the one before ends.
    pub first: u64,
    /// Whether to replace a file that is there already.
    pub force: bool,
}

/// A file of avalanches under construction. It appears under its name when [`AvalancheWriter::finish`]
/// succeeds.
pub struct AvalancheWriter {
    path: PathBuf,
    sink: Sink,
}

/// The two kinds of files: of electrons, and of counts on a grid.
enum Sink {
    Electrons(ElectronSink),
    Counts(CountSink, Grid),
}

enum ElectronSink {
    Npz(Box<NpzElectronWriter>),
    Tree(Box<ElectronTreeWriter>),
}

enum CountSink {
    Npz(Box<NpzCountWriter>),
    Histograms(Box<HistogramWriter>),
}

impl AvalancheWriter {
    /// Begins a file. `meta` holds the units and the provenance that are written into it.
    ///
    /// # Errors
    /// If the format is not known or cannot hold what `options` ask for, or the file exists already or cannot
    /// be created.
    pub fn create(path: &Path, meta: &Meta, options: &WriteOptions) -> Result<Self> {
        let format = match options.format {
            Some(format) => format,
            None => Format::of_name(path)?,
        };
        let unsuited = |what: &str| Error::Unsuited { file: path.into(), what: what.into() };
        let grid = options.grid.as_ref();
        if options.dims.len() > 1 && (format == Format::Npz || grid.is_none()) {
            return Err(unsuited(
                "only a ROOT file of histograms holds several dimensions; choose one of them",
            ));
        }
        let output = OutputFile::create(path, options.force)?;
        let sink = match (format, grid) {
            (Format::Npz, None) => {
                Sink::Electrons(ElectronSink::Npz(NpzElectronWriter::new(output, meta)?.into()))
            }
            (Format::Root | Format::RNTuple, None) => {
                let rntuple = format == Format::RNTuple;
                let writer = ElectronTreeWriter::new(output, path, rntuple, options.first, meta)?;
                Sink::Electrons(ElectronSink::Tree(writer.into()))
            }
            (Format::Npz, Some(grid)) => {
                Sink::Counts(CountSink::Npz(NpzCountWriter::new(output, grid, meta)?.into()), grid.clone())
            }
            (Format::Root, Some(grid)) => {
                let dims = if options.dims.is_empty() { vec![grid.dims()] } else { options.dims.clone() };
                if let Some(&wanted) = dims.iter().find(|&&wanted| wanted == 0 || wanted > grid.dims()) {
                    return Err(unsuited(&format!(
                        "h{wanted}_i histograms cannot come from a grid of {} axes",
                        grid.dims()
                    )));
                }
                let writer = HistogramWriter::new(output, path, grid, &dims, options.first, meta)?;
                Sink::Counts(CountSink::Histograms(writer.into()), grid.clone())
            }
            (Format::RNTuple, Some(_)) => {
                return Err(unsuited("an RNTuple holds electrons; histograms go into a ROOT file"));
            }
            (Format::Text | Format::Parquet, _) => return Err(format.not_written(path)),
        };
        Ok(Self { path: path.into(), sink })
    }

    /// Adds avalanches. Electrons are counted if the file holds counts; counts never become electrons.
    ///
    /// # Errors
    /// If `data` are counts and the file is one of electrons, if the counts cannot be brought onto the file's
    /// grid, or if the file cannot be written.
    pub fn append(&mut self, data: &Dataset) -> Result<()> {
        let failed = |source| Error::Grid { file: self.path.clone(), source };
        match (&mut self.sink, data) {
            (Sink::Electrons(sink), Dataset::Electrons(set)) => {
                set.iter().try_for_each(|electrons| sink.push(electrons))
            }
            (Sink::Electrons(_), Dataset::Counts(_)) => Err(failed(GridError::NoElectrons)),
            (Sink::Counts(sink, grid), data) => {
                let set = data.to_counts(grid).map_err(failed)?;
                set.iter().try_for_each(|counts| sink.push(counts))
            }
        }
    }

    /// Completes the file and moves it to its final name.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.sink {
            Sink::Electrons(ElectronSink::Npz(writer)) => writer.finish(),
            Sink::Electrons(ElectronSink::Tree(writer)) => writer.finish(),
            Sink::Counts(CountSink::Npz(writer), _) => writer.finish(),
            Sink::Counts(CountSink::Histograms(writer), _) => writer.finish(),
        }
    }
}

impl ElectronSink {
    fn push(&mut self, electrons: Avalanche<'_>) -> Result<()> {
        match self {
            Self::Npz(writer) => writer.push(electrons),
            Self::Tree(writer) => writer.push(electrons),
        }
    }
}

impl CountSink {
    fn push(&mut self, counts: Counts<'_>) -> Result<()> {
        match self {
            Self::Npz(writer) => writer.push(counts),
            Self::Histograms(writer) => writer.push(counts),
        }
    }
}
