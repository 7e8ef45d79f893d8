//! The check: from two sets of avalanches to the report and to the data that its figures need.

mod compare;
mod form;
mod warnings;

use std::collections::BTreeMap;

use serde::Serialize;
use townsend_core::{Dataset, Grid, InputFile, Progress, Work};

use crate::cells::cells;
use crate::conditions::{Condition, Conditional, by_condition, by_size};
use crate::gallery::{AvalanchePoints, gallery};
use crate::legacy::legacy;
use crate::maps::{AvalancheMap, maps};
use crate::multivariate::{MetricInputs, scores};
use crate::pairs::pair_correlation;
use crate::report::{Compared, EmptyDifference, Report, SetSummary};
use crate::strips::strips;
use crate::verdict::{Thresholds, Verdict};
use crate::{CheckError, MINIMUM_AVALANCHES};
pub use compare::{HistogramPair, NumberGroup};
use compare::{compare, compare_quantities};
use form::{in_one_form, in_the_form_of};
use townsend_observables::lumpiness_by_scale;
use townsend_observables::{Column, ObservableOptions, Observables, Resampling};
use warnings::warnings;

/// Avalanches of each set that are kept as maps. Chosen, not fitted: as many as fit side by side on a page.
const SHOWN: usize = 4;

/// Options of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckOptions<'a> {
    /// Seed of all random streams of the check.
    pub seed: u64,
    /// The grid for `n_cells` and `max_cell` if both sets are electrons; none for the standard grid of three
    /// axes.
    pub grid: Option<Grid>,
    /// Random halvings of the real set for the floors.
    pub halvings: u32,
    /// Bootstrap samples for the intervals.
    pub resamples: u32,
    /// Whether to train classifiers, which takes most of the time of a check.
    pub classifiers: bool,
    /// The avalanches that the generator was trained on, for the test of memorisation; none leaves it out.
    /// The real avalanches must not be among them.
    pub training: Option<&'a Dataset>,
    /// Conditions of each avalanche that are known beforehand, such as a voltage: the observables are
    /// compared in bins of these as well.
    pub conditions: &'a [Condition],
    /// Limits of the traffic lights of the verdict.
    pub thresholds: Thresholds,
}

impl Default for CheckOptions<'_> {
    fn default() -> Self {
        let Resampling { seed, halvings, resamples } = Resampling::new(1);
        let thresholds = Thresholds::default();
        let (classifiers, training, conditions) = (true, None, &[][..]);
        Self { seed, grid: None, halvings, resamples, classifiers, training, conditions, thresholds }
    }
}

/// A finished check: the report, and the data that pages and figures show.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The numbers of `report.json`.
    pub report: Report,
    /// The histograms of every quantity compared: observables, then lumpiness by scale, then strips.
    pub histograms: Vec<HistogramPair>,
    /// Four real avalanches counted in the cells of the grid in x and z, at the 20%, 40%, 60% and 80%
    /// quantiles of the size.
    pub real_maps: Vec<AvalancheMap>,
    /// Four generated avalanches, chosen in the same way.
    pub generated_maps: Vec<AvalancheMap>,
    /// Avalanches as points in three dimensions, of the real and of the generated set ([`gallery`]).
    pub galleries: [Vec<AvalanchePoints>; 2],
    /// Curves of the training of the generator, for the page. [`check`] does not know them and leaves the
    /// list empty; the caller may add them.
    pub curves: Vec<Curve>,
}

/// A number followed over the epochs of a training: a line of a plot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curve {
    /// The number that it shows, such as `loss`. All curves of the same number are drawn in one plot.
    pub number: String,
    /// The name of this curve among those of the same number, such as `validation`.
    pub name: String,
    /// Epoch and value of each point.
    pub points: Vec<[f64; 2]>,
}

/// Compares two sets of avalanches. The result depends on the avalanches, the options and nothing else.
///
/// If a set has fewer than [`MINIMUM_AVALANCHES`] avalanches with electrons, if a condition does not have one
/// value for each avalanche, or if the two cannot be brought into one form because their units differ or
/// because they are counts on grids without common first axes.
pub fn check(
    real: &Dataset,
    generated: &Dataset,
    real_file: InputFile,
    generated_file: InputFile,
    options: &CheckOptions<'_>,
    work: Work<'_>,
) -> Result<Check, CheckError> {
    let progress = work.progress;
    require_avalanches(real, &real_file)?;
    require_avalanches(generated, &generated_file)?;
    require_conditions(real, generated, options.conditions)?;
    let (real, generated, form, note) = in_one_form(real, generated, &real_file, &generated_file)?;
    let of = |data: &Dataset| {
        let options = ObservableOptions { seed: options.seed, grid: options.grid.clone(), first: 0 };
        work.go_on()?;
        Ok::<_, CheckError>(Observables::of(data, &options, progress)?)
    };
    let (real_observables, generated_observables) = (of(&real)?, of(&generated)?);
    let resampling =
        Resampling { seed: options.seed, halvings: options.halvings, resamples: options.resamples };
    work.go_on()?;
    let mut warnings = warnings(&real_observables, &generated_observables, &real_file, &generated_file);
    let (observables, mut histograms) =
        compare(&real_observables, &generated_observables, &resampling, progress, &mut warnings);
    let training = match options.training.map(|training| in_the_form_of(training, &real)).transpose() {
        Ok(training) => training.as_ref().map(of).transpose()?,
        Err(reason) => {
            warnings.push(format!("no memorisation: the training avalanches cannot be compared: {reason}"));
            None
        }
    };
    work.go_on()?;
    let cells = if options.classifiers { cells(&real, &generated, options.seed, progress) } else { None };
    let inputs = MetricInputs {
        real: &real_observables,
        generated: &generated_observables,
        training: training.as_ref(),
        cells: cells.as_ref(),
        classifiers: options.classifiers,
    };
    let scores = scores(&inputs, options.seed, work)?;
    warnings.extend(scores.warnings);
    let lumpiness = [lumpiness_by_scale(&real, progress)?, lumpiness_by_scale(&generated, progress)?];
    let lumpiness_by_scale =
        compare_quantities(NumberGroup::Lumpiness, lumpiness, &resampling, &mut histograms);
    work.go_on()?;
    let strips = match (strips(&real, options.seed, progress), strips(&generated, options.seed, progress)) {
        (Ok(a), Ok(b)) => compare_quantities(NumberGroup::Strips, [a, b], &resampling, &mut histograms),
        (Err(reason), _) | (_, Err(reason)) => {
            warnings.push(format!("nothing of strips: {reason}"));
            BTreeMap::new()
        }
    };
    let width = real_observables.columns().iter().find(|c| c.observable.name() == "rms_x");
    let width = width.map_or(0.0, Column::mean);
    let legacy = legacy_of(&real, &generated, &resampling, progress).unwrap_or_else(|reason| {
        warnings.push(reason);
        BTreeMap::new()
    });
    work.go_on()?;
    let mut report = Report {
        schema: Report::SCHEMA.to_string(),
        producer: concat!("townsend ", env!("CARGO_PKG_VERSION")).to_string(),
        seed: options.seed,
        compared: Compared {
            form,
            grid: real_observables.grid.clone(),
            units: real.meta().units.clone(),
            note,
        },
        empty: empty_difference(&real_observables, &generated_observables),
        real: summary(real_file, &real_observables),
        generated: summary(generated_file, &generated_observables),
        observables,
        c2st: scores.c2st,
        correlations: scores.correlations,
        fpd: scores.fpd,
        kpd: scores.kpd,
        precision: scores.precision,
        recall: scores.recall,
        density: scores.density,
        coverage: scores.coverage,
        duplicates: scores.duplicates,
        memorisation: scores.memorisation,
        pair_correlation: pair_correlation(&real, &generated, width, options.seed, progress),
        lumpiness_by_scale,
        strips,
        conditional: conditional(&real_observables, &generated_observables, options.conditions, &resampling),
        legacy,
        verdict: None,
        warnings,
    };
    work.go_on()?;
    report.verdict = Some(Verdict::of(&report, &options.thresholds));
    let grid = &report.compared.grid;
    let (real_maps, generated_maps) = (maps(&real, grid, SHOWN), maps(&generated, grid, SHOWN));
    let galleries = [gallery(&real, options.seed), gallery(&generated, options.seed)];
    Ok(Check { report, histograms, real_maps, generated_maps, galleries, curves: Vec::new() })
}

/// The observables compared in bins of the size, and of every condition.
fn conditional(
    real: &Observables,
    generated: &Observables,
    conditions: &[Condition],
    resampling: &Resampling,
) -> Vec<Conditional> {
    let by = conditions.iter().filter_map(|condition| by_condition(condition, real, generated, resampling));
    by_size(real, generated, resampling).into_iter().chain(by).collect()
}

fn require_conditions(
    real: &Dataset,
    generated: &Dataset,
    conditions: &[Condition],
) -> Result<(), CheckError> {
    for condition in conditions {
        for (set, values, data) in
            [("real", &condition.real, real), ("generated", &condition.generated, generated)]
        {
            if values.len() != data.len() {
                return Err(CheckError::Condition {
                    name: condition.name.clone(),
                    set,
                    values: values.len(),
                    avalanches: data.len(),
                });
            }
        }
    }
    Ok(())
}

fn require_avalanches(data: &Dataset, file: &InputFile) -> Result<(), CheckError> {
    let file = file.file.clone();
    if data.is_empty() {
        return Err(CheckError::NoAvalanches { file });
    }
    let filled = (0..data.len()).filter(|&index| data.electrons(index) > 0).count();
    if filled < MINIMUM_AVALANCHES {
        return Err(CheckError::TooFew { file, avalanches: data.len(), filled });
    }
    Ok(())
}

fn summary(file: InputFile, observables: &Observables) -> SetSummary {
    let n = observables.avalanches as f64;
    let empty_fraction = observables.empty as f64 / n;
    SetSummary {
        file: file.file,
        sha256: file.sha256,
        part: None,
        avalanches: observables.avalanches,
        empty_fraction,
        empty_fraction_error: (empty_fraction * (1.0 - empty_fraction) / n).sqrt(),
        electrons: observables.electrons,
        fraction_outside: observables.fraction_outside(),
        warnings: Vec::new(),
    }
}

fn empty_difference(real: &Observables, generated: &Observables) -> EmptyDifference {
    let (n, m) = (real.avalanches as f64, generated.avalanches as f64);
    // Laplace's rule: that none of few is empty does not prove that none ever is.
    let pooled = (real.empty + generated.empty + 1) as f64 / (n + m + 2.0);
    EmptyDifference {
        difference: generated.empty as f64 / m - real.empty as f64 / n,
        error: (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt(),
    }
}

/// The observables of the published histograms, from the counts compared or from electrons counted on the
/// standard grid.
fn legacy_of(
    real: &Dataset,
    generated: &Dataset,
    resampling: &Resampling,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, crate::Legacy>, String> {
    let units = real.meta().units.join(" ");
    if real.grid().is_none() && units != "mm mm ns" {
        return Err(format!("the legacy observables are left out: they need mm, mm and ns, not {units}"));
    }
    let standard = Grid::standard(3).map_err(|error| error.to_string())?;
    let task = progress.task("legacy observables", 1);
    let found = legacy(real, generated, real.grid().unwrap_or(&standard), resampling);
    task.advance(1);
    found
}
