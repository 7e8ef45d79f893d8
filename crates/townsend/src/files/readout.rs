//! Strip hits of the avalanches of a file, as a table.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::{Dataset, OutputFile};
use townsend_io::{Cell, ColumnType, Format, TableColumn, TableWriter};
use townsend_sim::{StripHit, StripReadout};

use super::input::Input;
use crate::context::{named_input, without_folder};
use crate::readout::{StripReader, StripSummary, electrons_of, first_of};
use crate::{Context, Error, Result};

/// How to read avalanches with strips.
#[derive(Debug, Clone, Default)]
pub struct ReadoutOptions {
    /// The detector: a TOML file, or the name of a description that ships; `None` for the first of these.
    pub detector: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

/// What the strips recorded of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileReadout {
    /// The numbers.
    #[serde(flatten)]
    pub summary: StripSummary,
    /// What a user should know of the file of avalanches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The tree of hits, and its title.
pub(super) const TABLE: [&str; 2] = ["hits", "hits of strips"];

/// The table of hits: one row a hit, by event, view and strip.
pub(super) const COLUMNS: [TableColumn; 7] = [
    TableColumn::new("event", "number of the event", ColumnType::U64),
    TableColumn::new("layer", "number of the layer", ColumnType::U32),
    TableColumn::new("sheet", "number of the sheet in the layer", ColumnType::U32),
    TableColumn::new("view", "0 for X, 1 for V", ColumnType::U32),
    TableColumn::new("strip", "number of the strip in its view", ColumnType::U32),
    TableColumn::new("charge_fC", "charge [fC]", ColumnType::F32),
    TableColumn::new("time_ns", "time [ns]", ColumnType::F32),
];

/// Reads every avalanche of files of electrons with the strips of a detector, and writes the table of hits.
/// Event numbers are places in the files, one after the other, from 0, or in a shard from the number of its
/// first avalanche.
pub fn readout(
    avalanches: impl Into<Input>,
    out: &Path,
    options: &ReadoutOptions,
    context: &Context<'_>,
) -> Result<FileReadout> {
    let avalanches = avalanches.into();
    OutputFile::refuse_existing(out, context.force)?;
    let named = options.detector.as_deref();
    let strips = strips_of(named)?;
    let loaded = avalanches.read(context)?;
    let electrons = electrons_of(&loaded.data)
        .map_err(|error| Error::In { path: avalanches.path(), source: error.into() })?;
    let mut inputs: Vec<_> = avalanches.files()?.iter().map(without_folder).collect();
    if let Some(file) = named.filter(|path| path.exists()) {
        inputs.push(named_input(file)?);
    }
    let meta = context.meta("readout", true, &electrons.meta, inputs);
    let mut writer = TableWriter::create(out, TABLE, &COLUMNS, &meta, options.format, context.force)?;
    let mut reader = StripReader::new(strips, first_of(&loaded.data));
    reader.read(electrons, context, |hits| hits.iter().try_for_each(|hit| Ok(writer.push(&row(hit))?)))?;
    writer.finish()?;
    let summary = reader.summary();
    let mut warnings = loaded.warnings;
    if of_primaries(&loaded.data) {
        warnings.push(
            "no event has more than one electron: these look like primary electrons, and strips want the \
             avalanches that begin with them"
                .into(),
        );
    }
    Ok(FileReadout { summary, warnings })
}

/// The strips of a detector that ships or of a file.
pub(super) fn strips_of(named: Option<&Path>) -> Result<StripReadout> {
    StripReadout::new(&crate::detector(named)?).map_err(|error| match named {
        Some(path) => Error::In { path: path.into(), source: Box::new(error.into()) },
        None => error.into(),
    })
}

/// True if several events have an electron, and none has two.
fn of_primaries(data: &Dataset) -> bool {
    let electrons = || (0..data.len()).map(|index| data.electrons(index));
    electrons().all(|n| n <= 1) && electrons().sum::<u64>() > 1
}

pub(super) fn row(hit: &StripHit) -> [Cell; 7] {
    [
        Cell::U64(hit.event),
        Cell::U32(hit.layer.into()),
        Cell::U32(hit.sheet.into()),
        Cell::U32(hit.view.into()),
        Cell::U32(hit.strip),
        Cell::F32(hit.charge_fc),
        Cell::F32(hit.time_ns),
    ]
}
