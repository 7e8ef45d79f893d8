//! Figures for papers, each as SVG and as PDF.

use plotters::prelude::*;
use rayon::prelude::*;
use townsend_check::{Check, HistogramPair, NumberGroup};
use townsend_observables::{Binning, Observable, Sample};

use super::overview::sized;
use super::{Area, Style, failed, overlay, pdf, svg};
use crate::PageError;

/// A figure in both formats.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name for the files, without an ending.
    pub name: String,
    /// As SVG.
    pub svg: String,
    /// As PDF.
    pub pdf: Vec<u8>,
}

/// The recorded and the fitted values of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// Its unit; empty if it has none.
    pub unit: String,
    /// Its values as they were recorded.
    pub recorded: Vec<f64>,
    /// Its values by the fit.
    pub fitted: Vec<f64>,
}

impl Figure {
    /// Rows of distributions, recorded and fitted, and their ratios.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn of_distributions(name: &str, rows: &[Vec<Distribution>]) -> Result<Self, PageError> {
        let rows: Vec<Vec<HistogramPair>> =
            rows.iter().map(|row| row.iter().map(histograms).collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default().max(1);
        let size = (overlay::SIZE.0 * columns as u32, overlay::SIZE.1 * rows.len().max(1) as u32);
        let label = format!("recorded and fitted distributions and their ratios: {name}");
        let drawn = svg(size, &label, |area| draw_rows(area, &rows, columns))?;
        Ok(Self {
            name: name.into(),
            svg: sized(&drawn, size),
            pdf: pdf(size, |area| draw_rows(area, &rows, columns))?,
        })
    }
}

/// The histograms of a number that is not part of a check.
fn histograms(distribution: &Distribution) -> HistogramPair {
    let Distribution { name, unit, recorded: real, fitted: generated } = distribution;
    let mut binning = Binning::of(real, generated);
    let whole = |values: &[f64]| values.iter().all(|value| value.fract() == 0.0);
    if whole(real) && whole(generated) && binning.width().fract() != 0.0 {
        // Every bin must contain the same number of whole numbers, or a smooth distribution looks like a
        // comb.
        let (low, width) = (binning.low - 0.5, binning.width().ceil());
        let bins = ((binning.high + 0.5 - low) / width).ceil();
        binning = Binning { low, high: low + bins * width, bins: bins as usize };
    }
    HistogramPair {
        group: NumberGroup::Observables,
        name: name.clone(),
        unit: unit.clone(),
        definition: String::new(),
        real: Sample::new(real, &binning).histogram(),
        generated: Sample::new(generated, &binning).histogram(),
        binning,
    }
}

fn draw_rows<DB: DrawingBackend>(
    area: &Area<DB>,
    rows: &[Vec<HistogramPair>],
    columns: usize,
) -> Result<(), PageError> {
    area.fill(&WHITE).map_err(failed)?;
    for (part, row) in area.split_evenly((rows.len().max(1), 1)).iter().zip(rows) {
        for (part, overlay) in part.split_evenly((1, columns)).iter().zip(row) {
            overlay::draw(part, overlay, &Style::FIT)?;
        }
    }
    Ok(())
}

/// One figure for each quantity compared, for papers: the real and the generated distribution, and their
/// ratio.
///
/// # Errors
/// If one cannot be drawn.
pub fn figures(check: &Check) -> Result<Vec<Figure>, PageError> {
    let drawn = check.histograms.par_iter().filter(|overlay| overlay.name != Observable::Empty.name());
    drawn.map(figure).collect()
}

fn figure(of: &HistogramPair) -> Result<Figure, PageError> {
    let label = format!("real and generated distributions of {} and their ratio", of.title());
    let drawn = svg(overlay::SIZE, &label, |area| draw(area, of))?;
    let group = match of.group {
        NumberGroup::Observables => "",
        NumberGroup::Lumpiness => "lumpiness_",
        NumberGroup::Strips => "strips_",
    };
    Ok(Figure {
        name: format!("{group}{}", of.name.replace(' ', "_")),
        svg: sized(&drawn, overlay::SIZE),
        pdf: pdf(overlay::SIZE, |area| draw(area, of))?,
    })
}

fn draw<DB: DrawingBackend>(area: &Area<DB>, of: &HistogramPair) -> Result<(), PageError> {
    area.fill(&WHITE).map_err(failed)?;
    overlay::draw(area, of, &Style::FILE)
}
