//! The plot of one observable: real as points with errors, generated as steps, and their ratio below.

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use townsend_check::HistogramPair;
use townsend_observables::text::significant;

use super::{Area, Style, failed, tick};
use crate::PageError;

pub(super) type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) const SIZE: (u32, u32) = (900, 780);
/// Fraction of the height for the ratio.
const RATIO: f64 = 0.32;
pub(super) const LEFT: i32 = 140;
/// Room above the frame for the legend, which never lies on points there.
const LEGEND: i32 = 62;
/// Numbers along x.
const X_LABELS: usize = 6;
/// Largest ratio shown; what lies beyond is marked at the edge.
const MOST: f64 = 2.0;

/// Fraction of a sample in a bin, and its statistical error `√n / N`.
#[derive(Debug, Clone, Copy)]
struct Share {
    value: f64,
    error: f64,
}

fn shares(entries: &[u64]) -> Vec<Share> {
    let total = entries.iter().sum::<u64>() as f64;
    entries.iter().map(|&n| Share { value: n as f64 / total, error: (n as f64).sqrt() / total }).collect()
}

/// Draws the plot into an area of any size.
pub(super) fn draw<DB: DrawingBackend>(
    area: &Area<DB>,
    overlay: &HistogramPair,
    style: &Style,
) -> Result<(), PageError> {
    let height = f64::from(area.dim_in_pixel().1);
    let (upper, lower) = area.split_vertically((height * (1.0 - RATIO)) as u32);
    let (real, generated) = (shares(&overlay.real), shares(&overlay.generated));
    let inner = 1..=overlay.binning.bins;
    let reach = |share: Share| share.value + share.error;
    let top = inner.map(|b| reach(real[b]).max(reach(generated[b]))).fold(0.0, f64::max);
    distributions(&upper, overlay, &real, &generated, 1.08 * top, style)?;
    ratio(&lower, overlay, &real, &generated, style)
}

/// Lower edge, centre and upper edge of bin 1, 2, ...
fn edges(overlay: &HistogramPair, bin: usize) -> [f64; 3] {
    let at = |position: f64| overlay.binning.low + position * overlay.binning.width();
    let bin = bin as f64;
    [at(bin - 1.0), at(bin - 0.5), at(bin)]
}

fn distributions<DB: DrawingBackend>(
    area: &Area<DB>,
    overlay: &HistogramPair,
    real: &[Share],
    generated: &[Share],
    top: f64,
    style: &Style,
) -> Result<(), PageError> {
    let mut chart = ChartBuilder::on(area)
        .margin_top(LEGEND)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .build_cartesian_2d(overlay.binning.low..overlay.binning.high, 0.0..top)
        .map_err(failed)?;
    axes(area, &mut chart, style, ["", "fraction / bin"], 5)?;
    let bins = 1..=overlay.binning.bins;
    for bin in bins.clone().filter(|&bin| generated[bin].error > 0.0) {
        let ([low, _, high], share) = (edges(overlay, bin), generated[bin]);
        let band = [(low, (share.value - share.error).max(0.0)), (high, share.value + share.error)];
        chart
            .plotting_area()
            .draw(&Rectangle::new(band, style.generated.mix(0.25).filled()))
            .map_err(failed)?;
    }
    let steps: Vec<(f64, f64)> = bins
        .clone()
        .flat_map(|bin| {
            let [low, _, high] = edges(overlay, bin);
            [(low, generated[bin].value), (high, generated[bin].value)]
        })
        .collect();
    let line = style.generated.stroke_width(style.line);
    chart.plotting_area().draw(&PathElement::new(steps, line)).map_err(failed)?;
    for bin in bins.filter(|&bin| real[bin].error > 0.0) {
        point(&chart, edges(overlay, bin)[1], real[bin], f64::INFINITY, style)?;
    }
    legend(area, real, generated, style)
}

/// A point with its error bar, cut at `most`.
fn point<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    x: f64,
    share: Share,
    most: f64,
    style: &Style,
) -> Result<(), PageError> {
    let ends = [(x, (share.value - share.error).max(0.0)), (x, (share.value + share.error).min(most))];
    let area = chart.plotting_area();
    area.draw(&PathElement::new(ends, style.ink.stroke_width(style.line - 1))).map_err(failed)?;
    area.draw(&Circle::new((x, share.value), style.line + 2, style.ink.filled())).map_err(failed)
}

/// Numbers at the axes, names at their ends, and a frame on all four sides with ticks inside, as is usual in
/// particle physics.
pub(super) fn axes<DB: DrawingBackend>(
    area: &Area<DB>,
    chart: &mut Chart<'_, DB>,
    style: &Style,
    [x, y]: [&str; 2],
    y_labels: usize,
) -> Result<(), PageError> {
    // The topmost label would overlap with the lowest one of the plot above.
    let hidden = 0.99 * chart.y_range().end;
    let span = chart.x_range().end - chart.x_range().start;
    let (y_label, x_label) =
        (|v: &f64| if *v < hidden { tick(*v, hidden) } else { String::new() }, |v: &f64| tick(*v, span));
    let x_labels = if x.is_empty() { 0 } else { X_LABELS };
    chart
        .configure_mesh()
        .disable_mesh()
        .set_all_tick_mark_size(6)
        .axis_style(TRANSPARENT)
        .label_style(style.font())
        .x_labels(x_labels)
        .y_labels(y_labels)
        .y_label_formatter(&y_label)
        .x_label_formatter(&x_label)
        .draw()
        .map_err(failed)?;
    ticks(chart, style, [X_LABELS, y_labels])?;
    let (width, height) = area.dim_in_pixel();
    let end = |h, v| style.font().pos(Pos::new(h, v));
    area.draw(&Text::new(x, (width as i32 - 24, height as i32 - 4), end(HPos::Right, VPos::Bottom)))
        .map_err(failed)?;
    let turned = ("sans-serif", style.text).into_font().transform(FontTransform::Rotate270);
    let turned = turned.color(&style.ink).pos(Pos::new(HPos::Right, VPos::Top));
    area.draw(&Text::new(y, (10, 14), turned)).map_err(failed)
}

/// The frame, and ticks inward on all sides: long ones where numbers may be, and four short ones between two
/// of them.
fn ticks<DB: DrawingBackend>(
    chart: &Chart<'_, DB>,
    style: &Style,
    labels: [usize; 2],
) -> Result<(), PageError> {
    let area = chart.plotting_area();
    let (pixels, ink) = (area.dim_in_pixel(), style.ink.stroke_width(2));
    let (xs, ys) = (chart.x_range(), chart.y_range());
    let (right, up) = ((xs.end - xs.start) / f64::from(pixels.0), (ys.end - ys.start) / f64::from(pixels.1));
    let places = |range: &std::ops::Range<f64>, count: usize| {
        let long = RangedCoordf64::from(range.clone()).key_points(count);
        let step = if long.len() > 1 { (long[1] - long[0]) / 5.0 } else { 0.0 };
        let first = long.first().copied().unwrap_or(range.start);
        let short = (-5..5 * (long.len() as i32 + 1)).filter(move |k| k % 5 != 0 && step > 0.0);
        let short = short.map(move |k| (first + f64::from(k) * step, 9.0));
        let (low, high) = (range.start, range.end);
        long.iter()
            .map(|&v| (v, 18.0))
            .chain(short)
            .filter(|(v, _)| *v > low && *v < high)
            .collect::<Vec<_>>()
    };
    let draw =
        |from: (f64, f64), to: (f64, f64)| area.draw(&PathElement::new([from, to], ink)).map_err(failed);
    for (x, length) in places(&xs, labels[0]) {
        draw((x, ys.start), (x, ys.start + length * up))?;
        draw((x, ys.end), (x, ys.end - length * up))?;
    }
    for (y, length) in places(&ys, labels[1]) {
        draw((xs.start, y), (xs.start + length * right, y))?;
        draw((xs.end, y), (xs.end - length * right, y))?;
    }
    let corners = [(xs.start, ys.start), (xs.end, ys.end)];
    area.draw(&Rectangle::new(corners, style.ink.stroke_width(3))).map_err(failed)
}

/// The legend above the frame: the names at the left, at the right the fractions outside the axis.
fn legend<DB: DrawingBackend>(
    area: &Area<DB>,
    real: &[Share],
    generated: &[Share],
    style: &Style,
) -> Result<(), PageError> {
    let (width, middle) = (area.dim_in_pixel().0 as i32, LEGEND / 2);
    let at = |x: i32| (x, middle - (style.text * 0.4) as i32);
    let bar = [(LEFT + 12, middle - 14), (LEFT + 12, middle + 14)];
    area.draw(&PathElement::new(bar, style.ink.stroke_width(style.line - 1))).map_err(failed)?;
    area.draw(&Circle::new((LEFT + 12, middle), style.line + 2, style.ink.filled())).map_err(failed)?;
    let [points, line, _] = style.names;
    area.draw(&Text::new(points, at(LEFT + 28), style.font())).map_err(failed)?;
    // A letter is about half as wide as it is high.
    let start = LEFT + 60 + (0.5 * style.text * points.len() as f64) as i32;
    let step = [(start, middle), (start + 40, middle)];
    area.draw(&PathElement::new(step, style.generated.stroke_width(style.line))).map_err(failed)?;
    area.draw(&Text::new(line, at(start + 52), style.font())).map_err(failed)?;
    let [real, generated] = [real, generated].map(|shares| shares[0].value + shares[shares.len() - 1].value);
    if real + generated == 0.0 {
        return Ok(());
    }
    let outside = format!("outside: {}, {}", percent_of_two(real), percent_of_two(generated));
    let small = ("sans-serif", 0.7 * style.text).into_font().color(&style.ink);
    let end = small.pos(Pos::new(HPos::Right, VPos::Center));
    area.draw(&Text::new(outside, (width - 24, middle), end)).map_err(failed)
}

/// A fraction in percent with two significant digits.
fn percent_of_two(fraction: f64) -> String {
    format!("{}%", significant(100.0 * fraction, 2))
}

/// The ratio of generated to real with the errors of both, and a band of the real error about 1.
fn ratio<DB: DrawingBackend>(
    area: &Area<DB>,
    overlay: &HistogramPair,
    real: &[Share],
    generated: &[Share],
    style: &Style,
) -> Result<(), PageError> {
    let (low, high) = (overlay.binning.low, overlay.binning.high);
    let mut chart = ChartBuilder::on(area)
        .margin_top(10)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, (style.text * 2.5) as i32)
        .build_cartesian_2d(low..high, 0.0..MOST)
        .map_err(failed)?;
    axes(area, &mut chart, style, [&overlay.title(), style.names[2]], 3)?;
    let plot = chart.plotting_area();
    for bin in (1..=overlay.binning.bins).filter(|&bin| real[bin].value > 0.0) {
        let [left, center, right] = edges(overlay, bin);
        let relative = real[bin].error / real[bin].value;
        let band = [(left, 1.0 - relative), (right, (1.0 + relative).min(MOST))];
        plot.draw(&Rectangle::new(band, style.ink.mix(0.18).filled())).map_err(failed)?;
        let value = generated[bin].value / real[bin].value;
        if value > MOST {
            let mark = TriangleMarker::new((center, MOST * 0.95), style.line * 3, style.generated.filled());
            plot.draw(&mark).map_err(failed)?;
        } else if value > 0.0 {
            let error = generated[bin].error / real[bin].value;
            let points = Style { ink: style.generated, ..*style };
            point(&chart, center, Share { value, error }, MOST, &points)?;
        }
    }
    plot.draw(&PathElement::new([(low, 1.0), (high, 1.0)], style.ink.stroke_width(1))).map_err(failed)
}
