//! What is in a file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use townsend_check::{ObservableOptions, Observables, inspection_page, significant};
use townsend_core::{Grid, OutputFile};
use townsend_io::{Format, Loaded, ReadOptions};

use crate::context::input_file;
use crate::{Context, Result};

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct InspectOptions {
    /// Histograms of this many dimensions, where the file holds several.
    pub dims: Option<usize>,
    /// The file's format; `None` looks at its first bytes.
    pub format: Option<Format>,
    /// A page to write too: the observables' distributions, and avalanches in three dimensions.
    pub html: Option<PathBuf>,
}

/// What is in a file.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The path as it was given.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How the file holds the avalanches.
    pub layout: String,
    /// How it was made, if it says so.
    pub source: String,
    /// Number of avalanches, empty ones included.
    pub avalanches: usize,
    /// Number of avalanches without electrons.
    pub empty: usize,
    /// Electrons in all avalanches.
    pub electrons: u64,
    /// The grid, if the avalanches are counts.
    pub grid: Option<Grid>,
    /// Fraction of the electrons outside the grid (of the standard grid, for electrons).
    pub fraction_outside: f64,
    /// Units of x, z, t.
    pub units: [String; 3],
    /// Mean and spread of every observable that the file allows.
    pub observables: Vec<ObservableSummary>,
    /// What a user should know.
    pub warnings: Vec<String>,
}

/// Mean and spread of an observable over the avalanches.
#[derive(Debug, Clone, Serialize)]
pub struct ObservableSummary {
    /// Its name.
    pub name: &'static str,
    /// Its unit; empty for a pure number.
    pub unit: String,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub std: f64,
    /// Avalanches that have it.
    pub avalanches: usize,
}

/// Reads a file and says what is in it.
pub fn inspect(path: &Path, options: &InspectOptions, context: &Context<'_>) -> Result<Inspection> {
    if let Some(page) = &options.html {
        OutputFile::refuse_existing(page, context.force)?;
    }
    let read = ReadOptions { format: options.format, dims: options.dims };
    let Loaded { data, layout, mut warnings } = context.read(path, &read)?;
    let observed =
        Observables::of(&data, &ObservableOptions { seed: context.seed, grid: None }, context.progress)?;
    if observed.outside > 0 {
        warnings.push(format!(
            "{} electrons ({}% of all) lie outside the grid, in its flow bins",
            observed.outside,
            significant(100.0 * observed.fraction_outside(), 2)
        ));
    }
    if observed.avalanches > 0 && observed.empty == observed.avalanches {
        warnings.push("all avalanches are empty".into());
    }
    let observables = observed
        .columns()
        .iter()
        .filter(|column| !column.values.is_empty())
        .map(|column| ObservableSummary {
            name: column.observable.name(),
            unit: column.unit.clone(),
            mean: column.mean(),
            std: column.std(),
            avalanches: column.values.len(),
        })
        .collect();
    let file = input_file(path)?;
    let inspection = Inspection {
        file: file.file,
        sha256: file.sha256,
        layout,
        source: data.meta().provenance.source.clone(),
        avalanches: observed.avalanches,
        empty: observed.empty,
        electrons: observed.electrons,
        grid: data.grid().cloned(),
        fraction_outside: observed.fraction_outside(),
        units: data.meta().units.clone(),
        observables,
        warnings,
    };
    if let Some(page) = &options.html {
        let facts = inspection.facts();
        let text =
            inspection_page(&inspection.file, &facts, &inspection.warnings, &data, &observed, context.seed)?;
        OutputFile::write(page, text.as_bytes(), context.force)?;
    }
    Ok(inspection)
}

impl Inspection {
    /// What is said of the file as a whole: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("layout", self.layout.clone())];
        if !self.source.is_empty() {
            facts.push(("source", self.source.clone()));
        }
        let fraction = self.empty as f64 / self.avalanches.max(1) as f64;
        facts.push(("avalanches", self.avalanches.to_string()));
        facts.push(("empty", format!("{} ({:.2}%)", self.empty, 100.0 * fraction)));
        facts.push(("electrons", self.electrons.to_string()));
        facts.extend(self.grid.as_ref().map(|grid| ("grid", grid.to_string())));
        facts
    }
}
