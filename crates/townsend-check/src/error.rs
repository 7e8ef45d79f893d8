use thiserror::Error;
use townsend_core::{GridError, Stopped};

use crate::MINIMUM_AVALANCHES;

/// Why two sets of avalanches cannot be compared, or why a report lacks an answer.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A set without avalanches.
    #[error("{file}: no avalanches; there is nothing to compare")]
    NoAvalanches {
        /// The file of the set.
        file: String,
    },
    /// Too few avalanches that hold an electron.
    #[error(
        "{file}: {filled} of {avalanches} avalanches hold an electron; a comparison needs at least \
         {MINIMUM_AVALANCHES} (a floor is the distance of two halves)"
    )]
    TooFew {
        /// The file of the set.
        file: String,
        /// Avalanches, empty ones included.
        avalanches: usize,
        /// Avalanches with at least one electron.
        filled: usize,
    },
    /// Counts on grids that have no common first axes.
    #[error(
        "the sets are counted on grids that differ: {real_file} on [{real}], {generated_file} on [{generated}]; \
         convert both to one grid"
    )]
    Grids {
        /// The file of the real set.
        real_file: String,
        /// Its grid.
        real: String,
        /// The file of the generated set.
        generated_file: String,
        /// Its grid.
        generated: String,
    },
    /// Sets whose coordinates mean different things.
    #[error(
        "the units differ: {real_file} is in {real}, {generated_file} in {generated}; convert one of them"
    )]
    Units {
        /// The file of the real set.
        real_file: String,
        /// Units of x, z, t there.
        real: String,
        /// The file of the generated set.
        generated_file: String,
        /// Units of x, z, t there.
        generated: String,
    },
    /// A condition whose number of values is not that of the set's avalanches.
    #[error(
        "condition `{name}`: {values} values for {avalanches} {set} avalanches; every avalanche needs one, empty ones too"
    )]
    Condition {
        /// The name of the condition.
        name: String,
        /// Real or generated.
        set: &'static str,
        /// Number of its values.
        values: usize,
        /// Number of avalanches in the set.
        avalanches: usize,
    },
    /// Electrons could not be counted on a grid.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A metric that the report does not contain.
    #[error(
        "the report has no metric `{name}`; it has w1_over_sigma, ks and separation_power of all observables, or of \
         one (ks.rms_x) of {}; empty; and, with enough avalanches, c2st.auc, c2st.auc_network, c2st.auc_low_level, \
         c2st.auc_cells_trees, fpd, kpd, shortfall (of precision, recall, density and coverage), correlations, duplicates, memorisation, \
         pair_correlation, lumpiness_by_scale, strips, conditional",
        observables.join(", ")
    )]
    UnknownMetric {
        /// What was asked for.
        name: String,
        /// The observables that the report has.
        observables: Vec<&'static str>,
    },
    /// Thresholds that contradict each other or name an unknown metric.
    #[error("thresholds of the check: {0}")]
    Thresholds(String),
    /// The work was asked to stop.
    #[error("the check was stopped before it was done")]
    Stopped(#[from] Stopped),
    /// The report could not be written as JSON.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}
