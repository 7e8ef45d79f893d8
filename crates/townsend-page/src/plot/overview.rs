//! The figure with an overview of a check.

use plotters::prelude::*;
use townsend_check::{AvalancheMap, Check, HistogramPair, NumberGroup};

use super::{Area, Style, failed, map, overlay, pdf, svg};
use crate::PageError;

/// Width of the rows' names at the left.
const NAME: u32 = 90;
/// Height of the row of distributions.
const DISTRIBUTIONS: u32 = 900;

/// A figure with an overview of a check, as one SVG file: a row of real avalanches, one of generated ones,
/// and the distributions of three observables (size, width, and spread in time or position).
///
/// # Errors
/// If it cannot be drawn.
pub fn overview_svg(check: &Check) -> Result<String, PageError> {
    let label = "real and generated avalanches in x and z, and distributions of their observables";
    let size = size(check);
    let drawn = svg(size, label, |area| draw(area, check))?;
    Ok(sized(&drawn, size))
}

/// The figure of [`overview_svg`] as a PDF of one page.
///
/// # Errors
/// If it cannot be drawn.
pub fn overview_pdf(check: &Check) -> Result<Vec<u8>, PageError> {
    pdf(size(check), |area| draw(area, check))
}

/// Adds the size at which an SVG file of its own is shown.
pub(super) fn sized(svg: &str, (width, height): (u32, u32)) -> String {
    svg.replacen("<svg ", &format!(r#"<svg width="{}" height="{}" "#, width / 3, height / 3), 1)
}

/// Electrons in the fullest cell of all avalanches shown: the end of their common colour scale.
pub(crate) fn fullest_cell(check: &Check) -> u32 {
    let maps = check.real_maps.iter().chain(&check.generated_maps);
    maps.map(AvalancheMap::fullest).max().unwrap_or(1).max(1)
}

fn columns(check: &Check) -> u32 {
    check.real_maps.len().min(check.generated_maps.len()) as u32
}

fn size(check: &Check) -> (u32, u32) {
    let columns = columns(check);
    let rows = if columns > 0 { 2 * map::MAP.1 } else { 0 };
    (NAME + columns.max(3) * map::MAP.0 + map::BAR.0, rows + DISTRIBUTIONS)
}

fn draw<DB: DrawingBackend>(area: &Area<DB>, check: &Check) -> Result<(), PageError> {
    let (style, overlays) = (Style::FILE, chosen(check));
    area.fill(&WHITE).map_err(failed)?;
    let (maps, distributions) = area.split_vertically(size(check).1 - DISTRIBUTIONS);
    if columns(check) > 0 {
        draw_maps(&maps, check, columns(check) as usize, &style)?;
    }
    let parts = distributions.split_evenly((1, overlays.len().max(1)));
    for (part, overlay) in parts.iter().zip(&overlays) {
        overlay::draw(part, overlay, &style)?;
    }
    Ok(())
}

/// Size, width, and the spread in time or, of data without times, the position.
fn chosen(check: &Check) -> Vec<&HistogramPair> {
    let find = |wanted: &str| {
        check.histograms.iter().find(|o| o.group == NumberGroup::Observables && o.name == wanted)
    };
    let last = if find("rms_t").is_some() { "rms_t" } else { "mean_x" };
    ["n_electrons", "rms_x", last].into_iter().filter_map(find).collect()
}

fn draw_maps<DB: DrawingBackend>(
    area: &Area<DB>,
    check: &Check,
    columns: usize,
    style: &Style,
) -> Result<(), PageError> {
    let most = fullest_cell(check);
    let rows: [(&str, &[AvalancheMap]); 2] =
        [("real", &check.real_maps), ("generated", &check.generated_maps)];
    for (part, (name, maps)) in area.split_evenly((2, 1)).into_iter().zip(rows) {
        let at = (14, (part.dim_in_pixel().1 / 2) as i32 + 60);
        let font = ("sans-serif", 1.3 * style.text).into_font().transform(FontTransform::Rotate270);
        part.draw(&Text::new(name, at, font.color(&style.ink))).map_err(failed)?;
        let (_, mut rest) = part.split_horizontally(NAME);
        for map in &maps[..columns] {
            let (panel, next) = rest.split_horizontally(map::MAP.0);
            map::draw(&panel, map, most, style)?;
            rest = next;
        }
        map::draw_bar(&rest, most, style)?;
    }
    Ok(())
}
