//! What a set of avalanches holds, in memory.

use serde::Serialize;
use townsend_core::{Dataset, Grid};
use townsend_observables::text::significant;
use townsend_observables::{ObservableOptions, Observables};

use crate::{Context, Result};

/// What a set of avalanches holds.
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
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
    /// Mean and spread of every observable that the data allow.
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

/// Says what a set of avalanches holds: how many, how large, and the mean and spread of every observable.
///
/// ```
/// use townsend::{Context, Setting, inspect, simulate};
///
/// let avalanches = simulate(&townsend::detector(None)?, 1, 0..50, &Setting::default())?;
/// let inspection = inspect(&avalanches, &Context::default())?;
/// assert_eq!(inspection.avalanches, 50);
/// assert!(inspection.observables.iter().any(|observable| observable.name == "rms_x"));
/// # Ok::<(), townsend::Error>(())
/// ```
pub fn inspect(data: &Dataset, context: &Context<'_>) -> Result<Inspection> {
    Ok(of_observables(data, &observables(data, context)?))
}

/// The observables of every avalanche.
pub(crate) fn observables(data: &Dataset, context: &Context<'_>) -> Result<Observables> {
    let options = ObservableOptions { seed: context.seed, grid: None };
    Ok(context.on_its_threads(|| Observables::of(data, &options, context.progress))?)
}

/// What the observables of a set say of it.
pub(crate) fn of_observables(data: &Dataset, observed: &Observables) -> Inspection {
    let mut warnings = Vec::new();
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
    let filled = observed.columns().iter().filter(|column| !column.values.is_empty());
    Inspection {
        source: data.meta().provenance.source.clone(),
        avalanches: observed.avalanches,
        empty: observed.empty,
        electrons: observed.electrons,
        grid: data.grid().cloned(),
        fraction_outside: observed.fraction_outside(),
        units: data.meta().units.clone(),
        observables: filled
            .map(|column| ObservableSummary {
                name: column.observable.name(),
                unit: column.unit.clone(),
                mean: column.mean(),
                std: column.std(),
                avalanches: column.values.len(),
            })
            .collect(),
        warnings,
    }
}

impl Inspection {
    /// What is said of the set as a whole: names and values.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = Vec::new();
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
