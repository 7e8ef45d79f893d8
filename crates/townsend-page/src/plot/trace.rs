//! Measured numbers against what they depend on, as points with errors joined by lines.

use plotters::prelude::*;

use super::overview::sized;
use super::{Area, Style, failed, overlay, pdf, svg};
use crate::{Figure, PageError};

/// A number that was measured at several values of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What it is, with its unit.
    pub title: String,
    /// Where it was measured, the number, and its standard error; one that is no number breaks the line.
    pub points: Vec<[f64; 3]>,
}

/// Several numbers of one kind in one drawing, told apart by colour and by the titles of the traces.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What they are, with their unit.
    pub title: String,
    /// The numbers; where there is one its title is not shown.
    pub traces: Vec<Trace>,
}

/// Panels in a row.
const COLUMNS: usize = 2;
/// Colours of traces that share a panel (those of Okabe and Ito, which colour-blind readers tell apart),
/// taken again from the first when there are more.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 0, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(120, 120, 120),
];

impl Figure {
    /// A panel for each number, all against the same `x`.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn of_traces(name: &str, x: &str, traces: &[Trace]) -> Result<Self, PageError> {
        let alone = |trace: &Trace| Panel { title: trace.title.clone(), traces: vec![trace.clone()] };
        Self::of_panels(name, x, &traces.iter().map(alone).collect::<Vec<_>>())
    }

    /// Panels, all against the same `x`.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn of_panels(name: &str, x: &str, panels: &[Panel]) -> Result<Self, PageError> {
        let columns = panels.len().clamp(1, COLUMNS);
        let rows = panels.len().div_ceil(COLUMNS).max(1);
        let size = (overlay::SIZE.0 * columns as u32, overlay::SIZE.1 * rows as u32);
        let titles = panels.iter().map(|panel| panel.title.as_str()).collect::<Vec<_>>().join(", ");
        let drawn =
            svg(size, &format!("{titles} against the {x}"), |area| draw(area, x, panels, [rows, columns]))?;
        Ok(Self {
            name: name.into(),
            svg: sized(&drawn, size),
            pdf: pdf(size, |area| draw(area, x, panels, [rows, columns]))?,
        })
    }
}

fn draw<DB: DrawingBackend>(
    area: &Area<DB>,
    x: &str,
    panels: &[Panel],
    [rows, columns]: [usize; 2],
) -> Result<(), PageError> {
    area.fill(&WHITE).map_err(failed)?;
    area.split_evenly((rows, columns))
        .iter()
        .zip(panels)
        .try_for_each(|(part, panel)| draw_panel(part, x, panel, &Style::FILE))
}

/// The least and the largest of some values, with a margin; never without extent.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return 0.0..1.0;
    }
    let margin = (0.08 * (high - low)).max(1e-2 * high.abs()).max(1e-9);
    low - margin..high + margin
}

fn draw_panel<DB: DrawingBackend>(
    area: &Area<DB>,
    x: &str,
    panel: &Panel,
    style: &Style,
) -> Result<(), PageError> {
    // A point that is no number breaks the line.
    let missing = |point: &[f64; 3]| !point.iter().all(|value| value.is_finite());
    let traces: Vec<Vec<&[[f64; 3]]>> =
        panel.traces.iter().map(|trace| trace.points.split(missing).collect()).collect();
    let points = || traces.iter().flatten().copied().flatten();
    let ends = |[_, y, error]: [f64; 3]| [y - error, y + error];
    let mut high = range(points().flat_map(|&point| ends(point)));
    if traces.len() > 1 {
        // Room for the names.
        high.end += (0.05 + 0.09 * traces.len().div_ceil(NAMES) as f64) * (high.end - high.start);
    }
    let mut chart = ChartBuilder::on(area)
        .margin_top(14)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, overlay::LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, (style.text * 2.5) as i32)
        .build_cartesian_2d(range(points().map(|point| point[0])), high)
        .map_err(failed)?;
    overlay::axes(area, &mut chart, style, [x, &panel.title], 5)?;
    let plot = chart.plotting_area();
    for (k, pieces) in traces.iter().enumerate() {
        let (line, ink) = if traces.len() > 1 {
            (COLORS[k % COLORS.len()], COLORS[k % COLORS.len()])
        } else {
            (style.generated, style.ink)
        };
        for piece in pieces {
            let along = piece.iter().map(|point| (point[0], point[1])).collect::<Vec<_>>();
            plot.draw(&PathElement::new(along, line.stroke_width(style.line))).map_err(failed)?;
        }
        for &[at, y, error] in pieces.iter().copied().flatten() {
            let [low, high] = ends([at, y, error]);
            let bar = PathElement::new([(at, low), (at, high)], ink.stroke_width(style.line - 1));
            plot.draw(&bar).map_err(failed)?;
            plot.draw(&Circle::new((at, y), style.line + 2, ink.filled())).map_err(failed)?;
        }
    }
    if traces.len() > 1 {
        name_traces(plot, panel, style)?;
    }
    Ok(())
}

/// Names in a line.
const NAMES: usize = 2;

/// The titles of the traces of a panel in their colours, at its top.
fn name_traces<DB: DrawingBackend>(
    plot: &DrawingArea<
        DB,
        plotters::coord::cartesian::Cartesian2d<
            plotters::coord::types::RangedCoordf64,
            plotters::coord::types::RangedCoordf64,
        >,
    >,
    panel: &Panel,
    style: &Style,
) -> Result<(), PageError> {
    let (wide, _) = plot.dim_in_pixel();
    let plain = plot.strip_coord_spec();
    for (k, trace) in panel.traces.iter().enumerate() {
        let at = (
            (f64::from(wide) * (0.03 + (k % NAMES) as f64 / NAMES as f64)) as i32,
            26 + ((k / NAMES) as f64 * style.text * 0.95) as i32,
        );
        let font = ("sans-serif", style.text * 0.8).into_font().color(&COLORS[k % COLORS.len()]);
        plain.draw_text(&trace.title, &font, at).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_drawn_with_its_error() {
        let trace = |points: &[[f64; 3]]| Trace { title: "gain".into(), points: points.into() };
        let figure = Figure::of_traces(
            "gain",
            "voltage [V]",
            &[trace(&[[1.0, 10.0, 1.0], [2.0, 20.0, 2.0]]), trace(&[[1.0, 3.0, 0.0]]), trace(&[])],
        )
        .unwrap();
        assert_eq!(figure.svg.matches("<circle").count(), 3);
        assert!(figure.svg.contains("voltage [V]") && figure.pdf.starts_with(b"%PDF"));
        let panel = Panel {
            title: "width [µm]".into(),
            traces: ["centroid", "merged"]
                .map(|title| Trace { title: title.into(), points: vec![[0.0, 50.0, 2.0], [5.0, 60.0, 2.0]] })
                .into(),
        };
        let figure = Figure::of_panels("resolution", "angle [°]", &[panel]).unwrap();
        assert!(figure.svg.contains("centroid") && figure.svg.contains("merged"));
        assert_eq!(figure.svg.matches("<circle").count(), 4);
        let odd = trace(&[[1.0, f64::NAN, 1.0], [2.0, 5.0, f64::INFINITY]]);
        assert_eq!(Figure::of_traces("odd", "x", &[odd]).unwrap().svg.matches("<circle").count(), 0);
    }
}
