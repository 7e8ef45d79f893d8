//! Figures for papers: one file a number, as SVG and as PDF.

use rayon::prelude::*;

use super::overview::sized;
use super::{Area, Style, failed, overlay, pdf, svg};
use crate::check::{Check, Group, Overlay};
use crate::{CheckError, Observable};
use plotters::prelude::*;

/// A figure as files.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Name for the files, without an ending.
    pub name: String,
    /// As SVG.
    pub svg: String,
    /// As PDF.
    pub pdf: Vec<u8>,
}

/// A number, as it is really and as it was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Its name.
    pub name: String,
    /// Its unit; empty if it has none.
    pub unit: String,
    /// Its real values.
    pub real: Vec<f64>,
    /// Its generated values.
    pub generated: Vec<f64>,
}

impl Figure {
    /// Rows of distributions, real and generated, and their ratios.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn of_distributions(name: &str, rows: &[Vec<Distribution>]) -> Result<Self, CheckError> {
        let rows: Vec<Vec<Overlay>> = rows.iter().map(|row| row.iter().map(Overlay::of).collect()).collect();
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default().max(1);
        let size = (overlay::SIZE.0 * columns as u32, overlay::SIZE.1 * rows.len().max(1) as u32);
        let label = format!("real and generated distributions and their ratios: {name}");
        let drawn = svg(size, &label, |area| draw_rows(area, &rows, columns))?;
        Ok(Self {
            name: name.into(),
            svg: sized(&drawn, size),
            pdf: pdf(size, |area| draw_rows(area, &rows, columns))?,
        })
    }
}

fn draw_rows<DB: DrawingBackend>(
    area: &Area<DB>,
    rows: &[Vec<Overlay>],
    columns: usize,
) -> Result<(), CheckError> {
    area.fill(&WHITE).map_err(failed)?;
    for (part, row) in area.split_evenly((rows.len().max(1), 1)).iter().zip(rows) {
        for (part, overlay) in part.split_evenly((1, columns)).iter().zip(row) {
            overlay::draw(part, overlay, &Style::FILE)?;
        }
    }
    Ok(())
}

/// The distribution of every number that was compared, real and generated, and their ratio.
pub(crate) fn figures(check: &Check) -> Result<Vec<Figure>, CheckError> {
    let drawn = check.overlays.par_iter().filter(|overlay| overlay.name != Observable::Empty.name());
    drawn.map(figure).collect()
}

fn figure(of: &Overlay) -> Result<Figure, CheckError> {
    let label = format!("real and generated distributions of {} and their ratio", of.title());
    let drawn = svg(overlay::SIZE, &label, |area| draw(area, of))?;
    let group = match of.group {
        Group::Observables => "",
        Group::Lumpiness => "lumpiness_",
        Group::Strips => "strips_",
    };
    Ok(Figure {
        name: format!("{group}{}", of.name.replace(' ', "_")),
        svg: sized(&drawn, overlay::SIZE),
        pdf: pdf(overlay::SIZE, |area| draw(area, of))?,
    })
}

fn draw<DB: DrawingBackend>(area: &Area<DB>, of: &Overlay) -> Result<(), CheckError> {
    area.fill(&WHITE).map_err(failed)?;
    overlay::draw(area, of, &Style::FILE)
}
