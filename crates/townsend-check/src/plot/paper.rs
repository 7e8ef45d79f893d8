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
