//! Figures of one set of avalanches: how each of its observables is distributed.

use plotters::prelude::*;
use rayon::prelude::*;
use townsend_observables::{Binning, Column, Observable, Observables, Sample};

use super::overview::sized;
use super::{Area, Figure, Style, failed, overlay, pdf, svg};
use crate::PageError;

/// One figure for each observable that the avalanches have: avalanches a bin, with the 68% intervals of
/// Poisson's distribution.
///
/// # Errors
/// If one cannot be drawn.
pub fn observable_figures(observed: &Observables) -> Result<Vec<Figure>, PageError> {
    let drawn = observed
        .columns()
        .par_iter()
        .filter(|column| column.observable != Observable::Empty && !column.values.is_empty());
    drawn.map(figure).collect()
}

/// Name and unit.
pub(crate) fn title(column: &Column) -> String {
    let name = column.observable.name();
    if column.unit.is_empty() { name.to_string() } else { format!("{name} [{}]", column.unit) }
}

fn figure(column: &Column) -> Result<Figure, PageError> {
    let label = format!("distribution of {}", title(column));
    let drawn = svg(overlay::SIZE, &label, |area| draw(area, column))?;
    Ok(Figure {
        name: column.observable.name().into(),
        svg: sized(&drawn, overlay::SIZE),
        pdf: pdf(overlay::SIZE, |area| draw(area, column))?,
    })
}

/// The ends of the 68% interval of a Poisson distribution of which `n` was seen, by the approximations of
/// Gehrels (Astrophys. J. 303, 336, 1986, equations 7 and 11).
fn interval(n: u64) -> [f64; 2] {
    let n = n as f64;
    [if n > 0.0 { n - (n - 0.25).sqrt() } else { 0.0 }, n + 1.0 + (n + 0.75).sqrt()]
}

fn draw<DB: DrawingBackend>(area: &Area<DB>, column: &Column) -> Result<(), PageError> {
    let style = Style::FILE;
    area.fill(&WHITE).map_err(failed)?;
    let binning = Binning::for_figure(&column.values);
    let entries = Sample::new(&column.values, &binning).histogram();
    let bins: Vec<(f64, u64)> = (1..=binning.bins)
        .map(|bin| (binning.low + (bin as f64 - 0.5) * binning.width(), entries[bin]))
        .collect();
    let top = bins.iter().map(|&(_, n)| if n > 0 { interval(n)[1] } else { 0.0 }).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin_top(24)
        .margin_right(24)
        .set_label_area_size(LabelAreaPosition::Left, overlay::LEFT)
        .set_label_area_size(LabelAreaPosition::Bottom, (style.text * 2.5) as i32)
        .build_cartesian_2d(binning.low..binning.high, 0.0..1.05 * top)
        .map_err(failed)?;
    overlay::axes(area, &mut chart, &style, [&title(column), "avalanches / bin"], 5)?;
    let plot = chart.plotting_area();
    let half = 0.5 * binning.width();
    let steps: Vec<(f64, f64)> =
        bins.iter().flat_map(|&(at, n)| [(at - half, n as f64), (at + half, n as f64)]).collect();
    plot.draw(&PathElement::new(steps, style.ink.mix(0.5).stroke_width(style.line - 1))).map_err(failed)?;
    for &(at, n) in bins.iter().filter(|(_, n)| *n > 0) {
        let [low, high] = interval(n);
        let bar = PathElement::new([(at, low), (at, high)], style.ink.stroke_width(style.line - 1));
        plot.draw(&bar).map_err(failed)?;
        plot.draw(&Circle::new((at, n as f64), style.line + 2, style.ink.filled())).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use townsend_core::{ElectronSet, Silent};
    use townsend_observables::ObservableOptions;

    use super::*;

    #[test]
    fn every_observable_has_a_figure() {
        let mut set = ElectronSet::default();
        for k in 0..40u16 {
            let x: Vec<f32> = (0..20).map(|n| f32::from((k * 7 + n * 13) % 31) / 31.0).collect();
            set.push(&x, &x, &[170.0; 20]);
        }
        set.push(&[], &[], &[]);
        let options = ObservableOptions::default();
        let observed = Observables::of(&set.into(), &options, &Silent).unwrap();
        let figures = observable_figures(&observed).unwrap();
        let filled = observed.columns().iter().filter(|column| !column.values.is_empty()).count();
        assert_eq!(figures.len(), filled - 1);
        let width = figures.iter().find(|figure| figure.name == "rms_x").unwrap();
        assert!(width.svg.contains("rms_x [") && width.svg.contains("avalanches / bin"));
        assert!(width.svg.matches("<circle").count() >= 2 && width.pdf.starts_with(b"%PDF"));
    }

    /// Of Gehrels' tables: 0 has up to 1.841, 1 from 0.173 to 3.300, 10 from 6.891 to 14.267.
    #[test]
    fn intervals_are_those_of_poisson() {
        for (n, [low, high]) in [(0, [0.0, 1.841]), (1, [0.173, 3.300]), (10, [6.891, 14.267])] {
            let [found_low, found_high] = interval(n);
            assert!((found_low - low).abs() < 0.05 && (found_high - high).abs() < 0.03, "{n}");
        }
    }
}
