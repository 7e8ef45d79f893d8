//! Plots as SVG and PDF, drawn with plotters.

mod map;
mod observable;
mod overlay;
mod overview;
mod paper;
mod pdf;
mod trace;

use plotters::coord::Shift;
use plotters::prelude::*;
use townsend_observables::text::significant;

pub(crate) use map::{color_bar, maps_svg};
pub use observable::observable_figures;
pub(crate) use observable::title;
pub(crate) use overview::fullest_cell;
pub use overview::{overview_pdf, overview_svg};
pub use paper::{Distribution, Figure, figures};
pub use trace::{Panel, Trace};

use crate::PageError;

type Area<DB> = DrawingArea<DB, Shift>;

/// Colours and sizes of plots. Sizes are in the units of a drawing that is shown at a half or a third of its
/// size, because the drawing library rounds to whole units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// Axes, texts and the real data.
    ink: RGBColor,
    /// The generated data.
    generated: RGBColor,
    /// Height of texts.
    text: f64,
    /// Width of lines.
    line: u32,
    /// What the points and the line are called, and their ratio.
    names: [&'static str; 3],
}

/// Placeholder for the colour of the text around a plot, which depends on the reader's page.
const CURRENT: RGBColor = RGBColor(1, 2, 3);
const CURRENT_SVG: &str = "#010203";

impl Style {
    /// For a page: ink is the page's text colour.
    pub(crate) const PAGE: Self = Self {
        ink: CURRENT,
        generated: RGBColor(217, 72, 47),
        text: 38.0,
        line: 3,
        names: ["real", "generated", "gen. / real"],
    };
    /// For a file of its own, on white.
    pub(crate) const FILE: Self = Self { ink: BLACK, ..Self::PAGE };
    /// The same for a fit to what was recorded.
    const FIT: Self = Self { names: ["recorded", "fitted", "fit / rec."], ..Self::FILE };

    fn font(&self) -> TextStyle<'static> {
        ("sans-serif", self.text).into_font().color(&self.ink)
    }
}

/// Draws on a canvas and returns the SVG element, which scales with its surroundings; `label` is the text for
/// screen readers.
fn svg(
    size: (u32, u32),
    label: &str,
    draw: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<(), PageError>,
) -> Result<String, PageError> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    let (width, height) = size;
    let label = escape(label);
    let fixed = format!(r#"<svg width="{width}" height="{height}" "#);
    let free = format!(r#"<svg role="img" aria-label="{label}" "#);
    let text = merge_rectangles(&text).replacen(&fixed, &free, 1);
    Ok(text.replace(CURRENT_SVG, "currentColor"))
}

/// Draws on a page of a PDF, like [`svg`].
fn pdf(
    size: (u32, u32),
    draw: impl FnOnce(&Area<pdf::PdfBackend<'_>>) -> Result<(), PageError>,
) -> Result<Vec<u8>, PageError> {
    pdf::pdf(size, |backend| draw(&backend.into_drawing_area()))
}

fn failed(error: impl std::fmt::Display) -> PageError {
    PageError::Plot(error.to_string())
}

/// Escapes text for an attribute or an element.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Joins runs of filled rectangles of one colour into one path: a map of cells becomes a fifth as long.
fn merge_rectangles(svg: &str) -> String {
    let mut merged = String::with_capacity(svg.len());
    let mut open: Option<&str> = None;
    for line in svg.lines() {
        let rectangle = cell(line);
        if open.is_some() && open != rectangle.as_ref().map(|(fill, _)| *fill) {
            merged.push_str("\"/>\n");
            open = None;
        }
        let Some((fill, path)) = rectangle else {
            merged.push_str(line);
            merged.push('\n');
            continue;
        };
        if open.is_none() {
            merged.extend(["<path fill=\"", fill, "\" d=\""]);
            open = Some(fill);
        }
        merged.push_str(&path);
    }
    merged
}

/// Fill and outline of an opaque rectangle without a border.
fn cell(line: &str) -> Option<(&str, String)> {
    let rest = line.strip_prefix("<rect x=\"")?.strip_suffix("\" stroke=\"none\"/>")?;
    let (x, rest) = rest.split_once("\" y=\"")?;
    let (y, rest) = rest.split_once("\" width=\"")?;
    let (width, rest) = rest.split_once("\" height=\"")?;
    let (height, rest) = rest.split_once("\" opacity=\"1\" fill=\"")?;
    Some((rest, format!("M{x} {y}h{width}v{height}h-{width}z")))
}

/// The number beside a tick of an axis of length `span`, with no more digits than needed.
fn tick(value: f64, span: f64) -> String {
    // Ticks are found by adding steps, so rounding may leave a small number instead of 0.
    if value.abs() < 1e-9 * span {
        return "0".to_string();
    }
    if value.abs() < 1e-3 || value.abs() >= 1e5 {
        return significant(value, 2);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short() {
        let ticks = [0.0, 0.5, 12.0, -0.125, 2e-5, 100_000.0, 0.300_000_000_000_000_04, -5.5e-17]
            .map(|v| tick(v, 1.0));
        assert_eq!(ticks, ["0", "0.5", "12", "-0.125", "2.0e-5", "100000", "0.3", "0"]);
    }

    #[test]
    fn runs_of_cells_become_one_path() {
        let rectangle = |x, fill| {
            format!(
                "<rect x=\"{x}\" y=\"2\" width=\"3\" height=\"4\" opacity=\"1\" fill=\"{fill}\" stroke=\"none\"/>\n"
            )
        };
        let svg = format!(
            "<svg>\n{}{}{}</svg>\n",
            rectangle(0, "#111111"),
            rectangle(9, "#111111"),
            rectangle(5, "#222222")
        );
        assert_eq!(
            merge_rectangles(&svg),
            "<svg>\n<path fill=\"#111111\" d=\"M0 2h3v4h-3zM9 2h3v4h-3z\"/>\n<path fill=\"#222222\" d=\"M5 2h3v4h-3z\"/>\n</svg>\n"
        );
    }

    #[test]
    fn labels_cannot_leave_their_attribute() {
        let drawn = svg((10, 10), "\"><script>", |_| Ok(())).unwrap();
        assert!(drawn.contains("aria-label=\"&quot;&gt;&lt;script&gt;\"") && !drawn.contains("<script"));
    }
}
