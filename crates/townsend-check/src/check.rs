//! The check itself: two data sets in, a report and what the page draws out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rayon::prelude::*;
use townsend_core::{Dataset, Grid, InputFile, Progress};

use crate::legacy::legacy;
use crate::maps::{Map, maps};
use crate::multivariate::scores;
use crate::page::page;
use crate::plot::overview;
use crate::report::{Compared, Comparison, EmptyDifference, Form, Report, SampleSummary, SetSummary};
use crate::text::{percent, thousands};
use crate::{
    Binning, CheckError, Column, MINIMUM_AVALANCHES, Observable, ObservableOptions, Observables, Resampling,
    Sample,
};

/// Avalanches of each set that are shown as images.
const SHOWN: usize = 4;
/// Fraction of avalanches left out of an observable from which a warning is due.
const LEFT_OUT: f64 = 0.05;

/// How to check.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckOptions {
    /// Seed of all random streams of the check.
    pub seed: u64,
    /// The grid for `n_cells` and `max_cell` if both sets are electrons; none for the standard grid of three axes.
    pub grid: Option<Grid>,
    /// Random halvings of the real set for the floors.
    pub halvings: u32,
    /// Bootstrap samples for the intervals.
    pub resamples: u32,
}

impl Default for CheckOptions {
    fn default() -> Self {
        let Resampling { seed, halvings, resamples } = Resampling::new(1);
        Self { seed, grid: None, halvings, resamples }
    }
}

/// A finished check: the report, and what its page and figure show.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The numbers.
    pub report: Report,
    pub(crate) overlays: Vec<Overlay>,
    pub(crate) real_maps: Vec<Map>,
    pub(crate) generated_maps: Vec<Map>,
}

/// The histograms of one observable: those that its separation power is computed from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Overlay {
    pub(crate) observable: Observable,
    pub(crate) unit: String,
    pub(crate) binning: Binning,
    /// Entries a bin, flow bins first and last.
    pub(crate) real: Vec<u64>,
    pub(crate) generated: Vec<u64>,
}

impl Check {
    /// The page `report.html`: tables, distributions, images and provenance in one file that needs no other. Every
    /// text that comes from outside is escaped.
    pub fn write_html(&self) -> Result<String, CheckError> {
        page(self)
    }

    /// A figure of the check as one SVG file: real and generated avalanches and three distributions.
    pub fn overview_svg(&self) -> Result<String, CheckError> {
        overview(self)
    }

    /// Electrons in the fullest cell of all avalanches shown: the end of their common colour scale.
    pub(crate) fn fullest_cell(&self) -> u32 {
        self.real_maps.iter().chain(&self.generated_maps).map(Map::fullest).max().unwrap_or(1).max(1)
    }
}

/// Compares two sets of avalanches. The result depends on the avalanches, the options and nothing else.
///
/// # Errors
/// If a set holds fewer than [`MINIMUM_AVALANCHES`] avalanches with electrons, or if the two cannot be brought into
/// one form: other units, or counts on grids that have no common first axes.
pub fn check(
    real: &Dataset,
    generated: &Dataset,
    real_file: InputFile,
    generated_file: InputFile,
    options: &CheckOptions,
    progress: &dyn Progress,
) -> Result<Check, CheckError> {
    require_avalanches(real, &real_file)?;
    require_avalanches(generated, &generated_file)?;
    let (real, generated, form, note) = in_one_form(real, generated, &real_file, &generated_file)?;
    let of = |data: &Dataset| {
        let options = ObservableOptions { seed: options.seed, grid: options.grid.clone() };
        Observables::of(data, &options, progress)
    };
    let (real_observables, generated_observables) = (of(&real)?, of(&generated)?);
    let resampling =
        Resampling { seed: options.seed, halvings: options.halvings, resamples: options.resamples };
    let mut warnings = warnings(&real_observables, &generated_observables, &real_file, &generated_file);
    let (observables, overlays) =
        compare(&real_observables, &generated_observables, &resampling, progress, &mut warnings);
    let scores = scores(&real_observables, &generated_observables, options.seed, progress);
    warnings.extend(scores.warnings);
    let legacy = legacy_of(&real, &generated, &resampling, progress).unwrap_or_else(|reason| {
        warnings.push(reason);
        BTreeMap::new()
    });
    let report = Report {
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
        fpd: scores.fpd,
        kpd: scores.kpd,
        precision: scores.precision,
        recall: scores.recall,
        density: scores.density,
        coverage: scores.coverage,
        legacy,
        warnings,
    };
    let grid = &report.compared.grid;
    let (real_maps, generated_maps) = (maps(&real, grid, SHOWN), maps(&generated, grid, SHOWN));
    Ok(Check { report, overlays, real_maps, generated_maps })
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

type OneForm<'a> = (Cow<'a, Dataset>, Cow<'a, Dataset>, Form, String);

/// The same definition must hold for both sets: electrons with electrons, or counts with counts on one grid.
fn in_one_form<'a>(
    real: &'a Dataset,
    generated: &'a Dataset,
    real_file: &InputFile,
    generated_file: &InputFile,
) -> Result<OneForm<'a>, CheckError> {
    if real.meta().units != generated.meta().units {
        return Err(CheckError::Units {
            real_file: real_file.file.clone(),
            real: real.meta().units.join(", "),
            generated_file: generated_file.file.clone(),
            generated: generated.meta().units.join(", "),
        });
    }
    let count = |data: &Dataset, grid: &Grid| data.to_counts(grid).map(|counts| Cow::Owned(counts.into()));
    let counted = |what: &str, grid: &Grid| {
        format!(
            "the {what} were counted on the grid of the other set [{grid}], so that one definition holds for both"
        )
    };
    match (real.grid(), generated.grid()) {
        (None, None) => {
            let note = "both sets are electrons";
            Ok((Cow::Borrowed(real), Cow::Borrowed(generated), Form::Electrons, note.into()))
        }
        (None, Some(grid)) => {
            Ok((count(real, grid)?, Cow::Borrowed(generated), Form::Counts, counted("real electrons", grid)))
        }
        (Some(grid), None) => Ok((
            Cow::Borrowed(real),
            count(generated, grid)?,
            Form::Counts,
            counted("generated electrons", grid),
        )),
        (Some(a), Some(b)) if a.same_cells(b) => {
            let note = format!("both sets are counts on the grid [{a}]");
            Ok((Cow::Borrowed(real), Cow::Borrowed(generated), Form::Counts, note))
        }
        (Some(a), Some(b)) => {
            let common = a.first(a.dims().min(b.dims()))?;
            match (count(real, &common), count(generated, &common)) {
                (Ok(real), Ok(generated)) => {
                    let note = format!("both sets were projected on the axes they have in common [{common}]");
                    Ok((real, generated, Form::Counts, note))
                }
                _ => Err(CheckError::Grids {
                    real_file: real_file.file.clone(),
                    real: a.to_string(),
                    generated_file: generated_file.file.clone(),
                    generated: b.to_string(),
                }),
            }
        }
    }
}

fn summary(file: InputFile, observables: &Observables) -> SetSummary {
    let n = observables.avalanches as f64;
    let empty_fraction = observables.empty as f64 / n;
    SetSummary {
        file: file.file,
        sha256: file.sha256,
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
    let pooled = (real.empty + generated.empty) as f64 / (n + m);
    EmptyDifference {
        difference: generated.empty as f64 / m - real.empty as f64 / n,
        error: (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt(),
    }
}

fn warnings(
    real: &Observables,
    generated: &Observables,
    real_file: &InputFile,
    generated_file: &InputFile,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if real_file.sha256 == generated_file.sha256 {
        warnings.push("the real and the generated file are the same; all distances are 0".to_string());
    }
    for (name, set) in [("real", real), ("generated", generated)] {
        if set.outside > 0 {
            warnings.push(format!(
                "{} of the {name} electrons ({}) lie outside the grid [{}]; they are counted in its flow bins",
                thousands(set.outside),
                percent(set.fraction_outside()),
                set.grid
            ));
        }
    }
    for alike in real.absent.chunk_by(|a, b| a.1 == b.1) {
        let names: Vec<&str> = alike.iter().map(|(observable, _)| observable.name()).collect();
        warnings.push(format!("no {}: {}", names.join(", "), alike[0].1));
    }
    let left_out: Vec<String> = real
        .columns()
        .iter()
        .zip(generated.columns())
        .filter(|(a, b)| {
            [a, b].iter().any(|c| c.left_out as f64 > LEFT_OUT * (c.left_out + c.values.len()) as f64)
        })
        .map(|(a, b)| format!("{} (real {}, generated {})", a.observable.name(), a.left_out, b.left_out))
        .collect();
    if !left_out.is_empty() {
        warnings.push(format!(
            "more than 5% of the avalanches are too small or too narrow for {}",
            left_out.join(", ")
        ));
    }
    warnings
}

/// Every observable that both sets have, with its histograms.
fn compare(
    real: &Observables,
    generated: &Observables,
    resampling: &Resampling,
    progress: &dyn Progress,
    warnings: &mut Vec<String>,
) -> (BTreeMap<String, Comparison>, Vec<Overlay>) {
    let pairs: Vec<(&Column, &Column)> =
        real.columns().iter().filter_map(|c| Some((c, generated.column(c.observable)?))).collect();
    let (enough, few): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(a, b)| a.values.len().min(b.values.len()) >= MINIMUM_AVALANCHES);
    for (column, _) in few {
        let name = column.observable.name();
        warnings.push(format!("no {name}: fewer than {MINIMUM_AVALANCHES} avalanches of a set have it"));
    }
    let task = progress.task("distances", enough.len() as u64);
    let found: Vec<(Comparison, Overlay)> = enough
        .into_par_iter()
        .map(|(a, b)| {
            let compared = compare_columns(a, b, resampling);
            task.advance(1);
            compared
        })
        .collect();
    for (comparison, overlay) in &found {
        if comparison.w1_over_sigma.is_none() {
            let name = overlay.observable.name();
            warnings.push(format!("no W1/σ of {name}: all real values are {}", comparison.real.mean));
        }
    }
    let (comparisons, overlays): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let names = overlays.iter().map(|overlay: &Overlay| overlay.observable.name().to_string());
    (names.zip(comparisons).collect(), overlays)
}

fn compare_columns(real: &Column, generated: &Column, resampling: &Resampling) -> (Comparison, Overlay) {
    let binning = Binning::of(&real.values, &generated.values);
    let number = real.observable.index() as u64;
    let mut distances = resampling.distances(&real.values, &generated.values, &binning, number);
    if real.observable == Observable::Empty {
        // Of values that are 0 or 1 the asymptotic probability means nothing; the report has the binomial error.
        distances.ks.p_value = None;
    }
    let summary = |column: &Column| SampleSummary {
        mean: column.mean(),
        std: column.std(),
        avalanches: column.values.len(),
        left_out: column.left_out,
    };
    let comparison = Comparison {
        unit: real.unit.clone(),
        real: summary(real),
        generated: summary(generated),
        w1_over_sigma: distances.w1_over_sigma,
        ks: distances.ks,
        separation_power: distances.separation_power,
    };
    let overlay = Overlay {
        observable: real.observable,
        unit: real.unit.clone(),
        binning,
        real: Sample::new(&real.values, &binning).histogram(),
        generated: Sample::new(&generated.values, &binning).histogram(),
    };
    (comparison, overlay)
}

/// The legacy observables: of the counts compared, or of electrons counted on the standard grid.
fn legacy_of(
    real: &Dataset,
    generated: &Dataset,
    resampling: &Resampling,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, crate::Legacy>, String> {
    let task = progress.task("legacy observables", 2);
    let units = real.meta().units.join(" ");
    if real.grid().is_none() && units != "mm mm ns" {
        return Err(format!("the legacy observables are left out: they need mm, mm and ns, not {units}"));
    }
    let standard = Grid::standard(3).map_err(|error| error.to_string())?;
    let counts = |data: &Dataset| {
        let counts = data.to_counts(data.grid().unwrap_or(&standard)).map_err(|error| error.to_string());
        task.advance(1);
        counts
    };
    legacy(&counts(real)?, &counts(generated)?, resampling)
}
