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
    /// Where it was measured, the number, and its standard error.
    pub points: Vec<[f64; 3]>,
}

/// Panels in a row.
const COLUMNS: usize = 2;

impl Figure {
    /// A panel for each number, all against the same `x`.
    ///
    /// # Errors
    /// If it cannot be drawn.
    pub fn of_traces(name: &str, x: &str, traces: &[Trace]) -> Result<Self, PageError> {
        let columns = traces.len().clamp(1, COLUMNS);
        let rows = traces.len().div_ceil(COLUMNS).max(1);
        let size = (overlay::SIZE.0 * columns as u32, overlay::SIZE.1 * rows as u32);
        let titles = traces.iter().map(|trace| trace.title.as_str()).collect::<Vec<_>>().join(", ");
        let drawn =
            svg(size, &format!("{titles} against the {x}"), |area| draw(area, x, traces, [rows, columns]))?;
        Ok(Self {
            name: name.into(),
            svg: sized(&drawn, size),
            pdf: pdf(size, |area| draw(area, x, traces, [rows, columns]))?,
        })
    }
}

fn draw<DB: DrawingBackend>(
    area: &Area<DB>,
    x: &str,
    traces: &[Trace],
    [rows, columns]: [usize; 2],
) -> Result<(), PageError> {
    area.fill(&WHITE).map_err(failed)?;
    area.split_evenly((rows, columns))
        .iter()
        .zip(traces)
        .try_for_each(|(part, trace)| panel(part, x, trace, &Style::FILE))
}

/// The least and the largest of some values, with a margin; never without extent.
fn range(values: impl Iterator<Item = f64> + Clone) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return 0.0..1.0;
    }
    let margin = (0.08 * (high - low)).max(1e-3 * high.abs()).max(1e-9);
    low - margin..high + margin
}

fn panel<DB: DrawingBackend>(
    area: &Area<DB>,
    x: &str,
    trace: &Trace,
    style: &Style,
) -> Result<(), PageError> {
    let points: Vec<[f64; 3]> =
        trace.points.iter().copied().filter(|point| point.iter().all(|value| value.is_finite())).collect();
    let ends = |[_, y, error]: [f64; 3]| [y - error, y + error];
    let mut chart = ChartBuilder::on(area)
        .margin_top(14)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, overlay::LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, (style.text * 2.5) as i32)
        .build_cartesian_2d(
            range(points.iter().map(|point| point[0])),
            range(points.iter().flat_map(|&point| ends(point))),
        )
        .map_err(failed)?;
    overlay::axes(area, &mut chart, style, [x, &trace.title], 5)?;
    let plot = chart.plotting_area();
    let line = points.iter().map(|point| (point[0], point[1])).collect::<Vec<_>>();
    plot.draw(&PathElement::new(line, style.generated.stroke_width(style.line))).map_err(failed)?;
    for &[at, y, error] in &points {
        let [low, high] = ends([at, y, error]);
        let bar = PathElement::new([(at, low), (at, high)], style.ink.stroke_width(style.line - 1));
        plot.draw(&bar).map_err(failed)?;
        plot.draw(&Circle::new((at, y), style.line + 2, style.ink.filled())).map_err(failed)?;
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
        let odd = trace(&[[1.0, f64::NAN, 1.0], [2.0, 5.0, f64::INFINITY]]);
        assert_eq!(Figure::of_traces("odd", "x", &[odd]).unwrap().svg.matches("<circle").count(), 0);
    }
}
