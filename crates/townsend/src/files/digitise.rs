//! Digits of the hits of a file, as a table.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::{Meta, OutputFile};
use townsend_io::{Cell, ColumnType, Format, TableColumn, TableWriter};
use townsend_readout::{Ionise, Waveform};

use super::hits::{self, HitOptions, ReadHits};
use crate::context::named_input;
use crate::digitise::{DigitSummary, DigitiseOptions, EventDigit, each_event};
use crate::{Context, Error, Result};

/// How to digitise hits.
#[derive(Debug, Clone, Default)]
pub struct DigitiseFileOptions {
    /// The detector: a TOML file, or the name of a description that ships; `None` for `cgem_it`.
    pub detector: Option<PathBuf>,
    /// How the table of hits is to be understood.
    pub hits: HitOptions,
    /// How often each event is digitised; 0 stands for once.
    pub repeat: u64,
    /// How hits free electrons; `None` for what the layout of the hits asks for.
    pub ionise: Option<Ionise>,
    /// A file for the signals of strips with digits.
    pub waveforms: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

/// What became of the hits of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FileDigits {
    /// The numbers.
    #[serde(flatten)]
    pub summary: DigitSummary,
    /// What a user should know of the file of hits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Where digits and signals are.
const PLACE: [TableColumn; 6] = [
    TableColumn::new("event", "number of the event", ColumnType::U64),
    TableColumn::new("repeat", "which time the event was digitised", ColumnType::U64),
    TableColumn::new("layer", "number of the layer", ColumnType::U32),
    TableColumn::new("sheet", "number of the sheet in the layer", ColumnType::U32),
    TableColumn::new("view", "0 for X, 1 for V", ColumnType::U32),
    TableColumn::new("strip", "number of the strip in its view", ColumnType::U32),
];
/// What a chip says.
const DIGIT: [TableColumn; 5] = [
    TableColumn::new("charge_fC", "charge [fC]", ColumnType::F32),
    TableColumn::new("time_ns", "time [ns]", ColumnType::F32),
    TableColumn::new("adc", "word of the charge", ColumnType::U32),
    TableColumn::new("tdc", "word of the time", ColumnType::U32),
    TableColumn::new("hit", "row of the hit that brought most of the charge", ColumnType::U64),
];
/// Where a digit comes from beside the hit, where hits say it.
const TRACK: TableColumn = TableColumn::new("track", "track of the hit", ColumnType::U64);
/// A value of a signal.
const SIGNAL: [TableColumn; 4] = [
    TableColumn::new("time_ns", "end of the time bin [ns]", ColumnType::F32),
    TableColumn::new("current_fC", "charge in the time bin, with noise [fC]", ColumnType::F32),
    TableColumn::new("output_fC", "output of the amplifier [fC of a charge at once]", ColumnType::F32),
    TableColumn::new("hit", "row of the hit that brought most of the charge", ColumnType::U64),
];

/// Digitises the hits of a file, each event as often as asked for, and writes the table of digits in memory
/// that does not grow with the number of repetitions.
pub fn digitise(
    file: &Path,
    out: &Path,
    options: &DigitiseFileOptions,
    context: &Context<'_>,
) -> Result<FileDigits> {
    let waveforms = options.waveforms.as_deref();
    for out in std::iter::once(out).chain(waveforms) {
        OutputFile::refuse_existing(out, context.force)?;
    }
    if waveforms == Some(out) {
        return Err(Error::Usage(format!(
            "{}: is to be both digits and signals; choose another name for one",
            out.display()
        )));
    }
    let named = options.detector.as_deref().unwrap_or("cgem_it".as_ref());
    let in_detector = |error: Error| match error {
        error @ Error::Detector(_) => Error::In { path: named.into(), source: Box::new(error) },
        error => error,
    };
    let detector = crate::detector(Some(named))?;
    let ionise = options.ionise.unwrap_or_else(|| options.hits.layout.ionise());
    let ReadHits { hits, tracks, warnings } = hits::read(file, ionise, &options.hits)?;
    let mut inputs = vec![named_input(file)?];
    if named.exists() {
        inputs.push(named_input(named)?);
    }
    let meta = context.meta("digitise", true, &Meta::default(), inputs);
    let create = |out: &Path, table: [&str; 2], columns: &[TableColumn]| {
        let track: &[TableColumn] = if tracks { &[TRACK] } else { &[] };
        let columns = [&PLACE[..], columns, track].concat();
        TableWriter::create(out, table, &columns, &meta, options.format, context.force)
    };
    let mut digits = create(out, ["digits", "digits of strips"], &DIGIT)?;
    let mut signals =
        waveforms.map(|out| create(out, ["waveforms", "signals of strips"], &SIGNAL)).transpose()?;
    let how = DigitiseOptions { repeat: options.repeat.max(1), ionise, waveforms: signals.is_some() };
    let summary = each_event(&hits, &detector, &how, context, |event, waveforms| {
        event.iter().try_for_each(|digit| digits.push(&row(digit, tracks)))?;
        if let Some(signals) = &mut signals {
            for waveform in waveforms {
                push(signals, &event[waveform.digit], waveform, tracks)?;
            }
        }
        Ok(())
    })
    .map_err(|error| match error {
        error @ Error::Unsuited(_) => Error::In { path: file.into(), source: Box::new(error) },
        error => in_detector(error),
    })?;
    digits.finish()?;
    signals.map(TableWriter::finish).transpose()?;
    Ok(FileDigits { summary, warnings })
}

fn place(EventDigit { event, repeat, digit }: &EventDigit) -> [Cell; 6] {
    [
        Cell::U64(*event),
        Cell::U64(*repeat),
        Cell::U32(digit.layer),
        Cell::U32(digit.sheet),
        Cell::U32(digit.view.into()),
        Cell::U32(digit.strip),
    ]
}

/// Of which track it is; 0 for a hit of none, as Geant4 counts tracks from 1.
fn track(digit: &EventDigit, tracks: bool) -> Option<Cell> {
    tracks.then(|| Cell::U64(digit.digit.track.unwrap_or(0)))
}

fn row(event: &EventDigit, tracks: bool) -> Vec<Cell> {
    let digit = &event.digit;
    let words = [
        Cell::F32(digit.charge_fc),
        Cell::F32(digit.time_ns),
        Cell::U32(digit.adc),
        Cell::U32(digit.tdc),
        Cell::U64(digit.hit),
    ];
    place(event).into_iter().chain(words).chain(track(event, tracks)).collect()
}

fn push(signals: &mut TableWriter, digit: &EventDigit, waveform: &Waveform, tracks: bool) -> Result<()> {
    for (bin, (current, output)) in waveform.current_fc.iter().zip(&waveform.output_fc).enumerate() {
        let time = waveform.first_ns + bin as f64 * waveform.bin_ns;
        let values =
            [Cell::F32(time as f32), Cell::F32(*current), Cell::F32(*output), Cell::U64(digit.digit.hit)];
        let row: Vec<_> = place(digit).into_iter().chain(values).chain(track(digit, tracks)).collect();
        signals.push(&row)?;
    }
    Ok(())
}
