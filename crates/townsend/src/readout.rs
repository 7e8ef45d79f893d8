//! What the strips of a detector record of avalanches.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_core::{Dataset, ElectronSet, OutputFile};
use townsend_io::{Cell, ColumnType, Format, ReadOptions, TableColumn, TableWriter};
use townsend_sim::{StripHit, StripReadout};

use crate::simulate::detector;
use crate::{Context, Error, Result};

/// How to read avalanches.
#[derive(Debug, Clone, Default)]
pub struct ReadoutOptions {
    /// The detector: a TOML file, or the name of a description that comes with the program; `None` for the first of these.
    pub detector: Option<PathBuf>,
    /// The format to write; `None` follows from the file's ending.
    pub format: Option<Format>,
}

/// What the strips recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StripSummary {
    /// Number of events, those without hits included.
    pub events: u64,
    /// Events with at least one hit.
    pub events_with_hits: u64,
    /// Number of hits.
    pub hits: u64,
    /// Electrons at the anode.
    pub electrons: u64,
    /// Electrons that came down beside the strips.
    pub electrons_beside: u64,
    /// The X strips.
    pub x: ViewSummary,
    /// The V strips.
    pub v: ViewSummary,
    /// What a user should know of the file of avalanches.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What the strips of a view recorded; means are 0 where there is nothing to take them of.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ViewSummary {
    /// Number of hits.
    pub hits: u64,
    /// Mean number of hits of an event with hits in this view.
    pub strips_per_event: f64,
    /// Mean charge of a hit, fC.
    pub mean_charge_fc: f64,
    /// Mean charge of an event with hits in this view, fC.
    pub mean_event_charge_fc: f64,
    /// Mean time of a hit, ns.
    pub mean_time_ns: f64,
}

/// The table of hits: one row a hit, by event, view and strip.
const COLUMNS: [TableColumn; 7] = [
    column("event", "number of the event", ColumnType::U64),
    column("layer", "number of the layer", ColumnType::U32),
    column("sheet", "number of the sheet in the layer", ColumnType::U32),
    column("view", "0 for X, 1 for V", ColumnType::U32),
    column("strip", "number of the strip in its view", ColumnType::U32),
    column("charge_fC", "charge [fC]", ColumnType::F32),
    column("time_ns", "time [ns]", ColumnType::F32),
];
/// Events read in parallel before their hits are written.
const BLOCK: usize = 256;

const fn column(name: &'static str, title: &'static str, kind: ColumnType) -> TableColumn {
    TableColumn { name, title, kind }
}

/// Reads every avalanche of a file of electrons with the strips of a detector, and writes the table of hits. Event numbers
/// are places in the file, from 0.
pub fn readout(
    avalanches: &Path,
    out: &Path,
    options: &ReadoutOptions,
    context: &Context<'_>,
) -> Result<StripSummary> {
    OutputFile::refuse_existing(out, context.force)?;
    let named = options.detector.as_deref();
    let strips = StripReadout::new(&detector(named)?).map_err(|error| match named {
        Some(path) => Error::In { path: path.into(), source: Box::new(error.into()) },
        None => error.into(),
    })?;
    let (electrons, warnings) = electrons_of(avalanches, context)?;
    let inputs = std::iter::once(avalanches).chain(named.filter(|path| path.exists()));
    let meta = context.meta("readout", true, &electrons.meta, &inputs.collect::<Vec<_>>())?;
    let table = ["hits", "hits of strips"];
    let mut writer = TableWriter::create(out, table, &COLUMNS, &meta, options.format, context.force)?;
    let task = context.progress.task("reading out", electrons.len() as u64);
    let mut sums = Sums { events: electrons.len() as u64, ..Sums::default() };
    for first in (0..electrons.len()).step_by(BLOCK) {
        context.go_on()?;
        let numbers = first..(first + BLOCK).min(electrons.len());
        for (hits, beside) in strips.read_all(context.seed, &electrons, numbers.clone()) {
            hits.iter().try_for_each(|hit| writer.push(&row(hit)))?;
            sums.add(&hits);
            sums.beside += beside;
        }
        task.advance(numbers.len() as u64);
    }
    writer.finish()?;
    Ok(sums.summary(electrons.offsets().last().copied().unwrap_or_default(), warnings))
}

/// Reads a file that must hold electrons in mm and ns; with what is to be said of it.
fn electrons_of(path: &Path, context: &Context<'_>) -> Result<(ElectronSet, Vec<String>)> {
    let refused = |why: String| Err(Error::Usage(format!("{}: {why}", path.display())));
    let loaded = context.read(path, &ReadOptions::default())?;
    let Dataset::Electrons(electrons) = loaded.data else {
        return refused(format!(
            "holds counts ({}), and strips need the place and time of every electron\n  hint: give the electrons themselves, as `townsend simulate` writes them or a model of electrons generates them",
            loaded.layout
        ));
    };
    if electrons.meta.units != ["mm", "mm", "ns"] {
        return refused(format!(
            "x, z and t are in {}; the readout needs mm, mm and ns\n  hint: scale the values and write these units",
            electrons.meta.units.join(", ")
        ));
    }
    Ok((electrons, loaded.warnings))
}

fn row(hit: &StripHit) -> [Cell; 7] {
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

#[derive(Default)]
struct Sums {
    events: u64,
    with_hits: u64,
    beside: u64,
    /// X and V.
    views: [ViewSums; 2],
}

#[derive(Default)]
struct ViewSums {
    hits: u64,
    events: u64,
    charge_fc: f64,
    time_ns: f64,
}

impl Sums {
    /// Adds an event.
    fn add(&mut self, hits: &[StripHit]) {
        self.with_hits += u64::from(!hits.is_empty());
        for (view, sums) in self.views.iter_mut().enumerate() {
            let before = sums.hits;
            for hit in hits.iter().filter(|hit| usize::from(hit.view) == view) {
                sums.hits += 1;
                sums.charge_fc += f64::from(hit.charge_fc);
                sums.time_ns += f64::from(hit.time_ns);
            }
            sums.events += u64::from(sums.hits > before);
        }
    }

    fn summary(&self, electrons: u64, warnings: Vec<String>) -> StripSummary {
        let [x, v] = self.views.each_ref().map(ViewSums::summary);
        StripSummary {
            events: self.events,
            events_with_hits: self.with_hits,
            hits: x.hits + v.hits,
            electrons,
            electrons_beside: self.beside,
            x,
            v,
            warnings,
        }
    }
}

impl ViewSums {
    fn summary(&self) -> ViewSummary {
        let (hits, events) = (self.hits.max(1) as f64, self.events.max(1) as f64);
        ViewSummary {
            hits: self.hits,
            strips_per_event: self.hits as f64 / events,
            mean_charge_fc: self.charge_fc / hits,
            mean_event_charge_fc: self.charge_fc / events,
            mean_time_ns: self.time_ns / hits,
        }
    }
}
