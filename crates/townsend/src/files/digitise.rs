//! Digits of the hits of a file, as a table.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::{Meta, OutputFile};
use townsend_io::{Cell, ColumnType, Format, TableColumn, TableWriter};
use townsend_readout::{Ionise, Place, Waveform};

use super::hits::{self, HitOptions, ReadHits};
use crate::context::named_input;
use crate::digitise::{DigitSummary, DigitiseOptions, EventDigit, each_event, strip_places};
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
    /// Whether digits say where their strip is and where it leads.
    pub positions: bool,
    /// The names of the columns of digits.
    pub names: Names,
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

/// The names of columns of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// Our own.
    #[default]
    Own,
    /// Those of members of `EDM4hep`'s `RawTimeSeries` and `TrackerHit`, and one number for the place of a
    /// strip.
    Edm4hep,
}

impl std::str::FromStr for Names {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "own" => Ok(Self::Own),
            "edm4hep" => Ok(Self::Edm4hep),
            _ => Err(format!("`{text}` are no names of columns; there are own and edm4hep")),
        }
    }
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
/// The same with `EDM4hep`'s names.
const EDM4HEP_PLACE: [TableColumn; 3] = [
    TableColumn::new("eventNumber", "number of the event", ColumnType::U64),
    TableColumn::new("repeat", "which time the event was digitised", ColumnType::U64),
    TableColumn::new("cellID", "strip:32,view:8,sheet:12,layer:12", ColumnType::U64),
];
/// What a chip says, and where it comes from.
const DIGIT: [[TableColumn; 2]; 6] = [
    [
        TableColumn::new("charge_fC", "charge [fC]", ColumnType::F32),
        TableColumn::new("charge", "charge [fC]", ColumnType::F32),
    ],
    [
        TableColumn::new("time_ns", "time [ns]", ColumnType::F32),
        TableColumn::new("time", "time [ns]", ColumnType::F32),
    ],
    [
        TableColumn::new("adc", "word of the charge", ColumnType::U32),
        TableColumn::new("adcCounts", "word of the charge", ColumnType::U32),
    ],
    [
        TableColumn::new("tdc", "word of the time", ColumnType::U32),
        TableColumn::new("tdcCounts", "word of the time", ColumnType::U32),
    ],
    [
        TableColumn::new("hit", "row of the hit that brought most of the charge", ColumnType::U64),
        TableColumn::new("simHit", "row of the hit that brought most of the charge", ColumnType::U64),
    ],
    // Where hits say it.
    [
        TableColumn::new("track", "track of the hit", ColumnType::U64),
        TableColumn::new("particle", "track of the hit", ColumnType::U64),
    ],
];
/// Where a strip is, on request.
const POSITION: [[TableColumn; 2]; 6] = {
    const fn column(own: &'static str, other: &'static str, title: &'static str) -> [TableColumn; 2] {
        [TableColumn::new(own, title, ColumnType::F32), TableColumn::new(other, title, ColumnType::F32)]
    }
    [
        column("x_mm", "position_x", "middle of the strip [mm]"),
        column("y_mm", "position_y", "middle of the strip [mm]"),
        column("z_mm", "position_z", "middle of the strip [mm]"),
        column("along_x", "direction_x", "direction of the strip"),
        column("along_y", "direction_y", "direction of the strip"),
        column("along_z", "direction_z", "direction of the strip"),
    ]
};
/// A value of a signal.
const SIGNAL: [TableColumn; 4] = [
    TableColumn::new("time_ns", "end of the time bin [ns]", ColumnType::F32),
    TableColumn::new("current_fC", "charge in the time bin, with noise [fC]", ColumnType::F32),
    TableColumn::new("output_fC", "output of the amplifier [fC of a charge at once]", ColumnType::F32),
    TableColumn::new("hit", "row of the hit that brought most of the charge", ColumnType::U64),
];

/// Which columns are written.
struct Written {
    names: Names,
    /// Whether hits say of which track they are.
    tracks: bool,
    /// The layers, if places of strips are wanted.
    layers: Option<Vec<Place>>,
}

impl Written {
    fn place(&self) -> &'static [TableColumn] {
        if self.names == Names::Own { &PLACE } else { &EDM4HEP_PLACE }
    }

    fn of_digits(&self) -> Vec<TableColumn> {
        let name = |columns: &[TableColumn; 2]| columns[usize::from(self.names == Names::Edm4hep)];
        let digit = DIGIT[..if self.tracks { 6 } else { 5 }].iter();
        let position = POSITION[..if self.layers.is_some() { 6 } else { 0 }].iter();
        self.place().iter().copied().chain(digit.chain(position).map(name)).collect()
    }

    fn of_signals(&self) -> Vec<TableColumn> {
        let track = self.tracks.then_some(DIGIT[5][0]);
        self.place().iter().chain(&SIGNAL).copied().chain(track).collect()
    }

    fn place_cells(&self, EventDigit { event, repeat, digit }: &EventDigit) -> Vec<Cell> {
        let mut cells = vec![Cell::U64(*event), Cell::U64(*repeat)];
        if self.names == Names::Own {
            let place = [digit.layer, digit.sheet, digit.view.into(), digit.strip];
            cells.extend(place.map(Cell::U32));
        } else {
            let [layer, sheet, view] = [digit.layer, digit.sheet, digit.view.into()].map(u64::from);
            cells.push(Cell::U64(layer << 52 | (sheet & 0xfff) << 40 | view << 32 | u64::from(digit.strip)));
        }
        cells
    }

    /// Of which track it is; 0 for a hit of none, as Geant4 counts tracks from 1.
    fn track(&self, digit: &EventDigit) -> Option<Cell> {
        self.tracks.then(|| Cell::U64(digit.digit.track.unwrap_or(0)))
    }

    fn row(&self, event: &EventDigit) -> Vec<Cell> {
        let digit = &event.digit;
        let mut cells = self.place_cells(event);
        cells.extend([
            Cell::F32(digit.charge_fc),
            Cell::F32(digit.time_ns),
            Cell::U32(digit.adc),
            Cell::U32(digit.tdc),
            Cell::U64(digit.hit),
        ]);
        cells.extend(self.track(event));
        if let Some(layers) = &self.layers {
            let at = digit.place(layers).map(|at| [at.centre_mm, at.direction].concat());
            let at = at.unwrap_or_else(|| vec![f64::NAN; 6]);
            // What sines leave of zero would be written as 6e-17.
            let tidy = |value: f64| if value.abs() < 1e-9 { 0.0 } else { value as f32 };
            cells.extend(at.into_iter().map(|value| Cell::F32(tidy(value))));
        }
        cells
    }

    fn push(&self, signals: &mut TableWriter, digit: &EventDigit, waveform: &Waveform) -> Result<()> {
        for (bin, (current, output)) in waveform.current_fc.iter().zip(&waveform.output_fc).enumerate() {
            let time = waveform.first_ns + bin as f64 * waveform.bin_ns;
            let mut cells = self.place_cells(digit);
            cells.extend([time as f32, *current, *output].map(Cell::F32));
            cells.push(Cell::U64(digit.digit.hit));
            cells.extend(self.track(digit));
            signals.push(&cells)?;
        }
        Ok(())
    }
}

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
    // The detector's own files are its description, gas and tables.
    let mut inputs = vec![named_input(file)?];
    inputs.extend(detector.files().iter().cloned());
    let meta = context.meta("digitise", true, &Meta::default(), inputs);
    let layers = options.positions.then(|| strip_places(&detector)).transpose().map_err(in_detector)?;
    let written = Written { names: options.names, tracks, layers };
    let create = |out: &Path, table: [&str; 2], columns: &[TableColumn]| {
        TableWriter::create(out, table, columns, &meta, options.format, context.force)
    };
    let mut digits = create(out, ["digits", "digits of strips"], &written.of_digits())?;
    let mut signals = waveforms
        .map(|out| create(out, ["waveforms", "signals of strips"], &written.of_signals()))
        .transpose()?;
    let how = DigitiseOptions { repeat: options.repeat.max(1), ionise, waveforms: signals.is_some() };
    let summary = each_event(&hits, &detector, &how, context, |event, waveforms| {
        event.iter().try_for_each(|digit| digits.push(&written.row(digit)))?;
        if let Some(signals) = &mut signals {
            for waveform in waveforms {
                written.push(signals, &event[waveform.digit], waveform)?;
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
