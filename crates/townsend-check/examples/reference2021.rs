//! Compares the simulation of a detector with the published microscopic simulation of 2021: the fraction of
//! empty avalanches, the size, and the histograms of seven observables.
//!
//! `cargo run --release -p townsend-check --example reference2021 -- DETECTOR.toml EVENTS UNIT_PER_NS
//! FIGURE.svg`
//!
//! The unit of the published longitudinal axis is not known; `UNIT_PER_NS` is the length of a nanosecond in
//! it.

use plotters::prelude::*;
use townsend_check::{Published, legacy_values_about};
use townsend_core::Coordinate;
use townsend_sim::{Detector, Simulation, Start};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [detector, events, unit_per_ns, figure] = &arguments[..] else {
        return Err(
            "give a detector's description, a number of events, the length of a nanosecond, and a figure"
                .into(),
        );
    };
    let (events, unit_per_ns): (u64, f64) = (events.parse()?, unit_per_ns.parse()?);
    let detector = Detector::from_toml(&std::fs::read_to_string(detector)?)?;
    let simulation = Simulation::new(&detector)?;

    // The axes are centred on the mean of all electrons, so avalanches are simulated twice rather than
    // stored.
    let (mut sums, mut sizes) = ([0.0; 3], Vec::new());
    for block in simulation.blocks(1, 0..events, Start::Cell) {
        sizes.extend(block.iter().map(|avalanche| avalanche.len() as f64));
        for (sum, coordinate) in sums.iter_mut().zip(Coordinate::ALL) {
            *sum += block.column(coordinate).iter().map(|&value| f64::from(value)).sum::<f64>();
        }
    }
    let electrons: f64 = sizes.iter().sum();
    let means = sums.map(|sum| sum / electrons);
    let mut values: std::collections::BTreeMap<&str, Vec<f64>> = std::collections::BTreeMap::new();
    for block in simulation.blocks(1, 0..events, Start::Cell) {
        for (name, of_block) in legacy_values_about(&block, means, unit_per_ns)? {
            values.entry(name).or_default().extend(of_block);
        }
    }

    let full: Vec<f64> = sizes.iter().copied().filter(|&size| size > 0.0).collect();
    let mean = full.iter().sum::<f64>() / full.len() as f64;
    let variance = full.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / full.len() as f64;
    println!("{events} primary electrons, {electrons} at the anode");
    println!("| | simulated | published |");
    println!("|---|---|---|");
    println!("| empty | {:.4} | {:.4} |", 1.0 - full.len() as f64 / events as f64, Published::EMPTY);
    println!("| mean size if not empty | {mean:.0} | {} |", Published::MEAN_SIZE);
    println!("| relative variance | {:.3} | {} |", variance / mean.powi(2), Published::RELATIVE_VARIANCE);
    println!("\n| observable | KS |");
    println!("|---|---|");
    let histograms = Published::all();
    for histogram in &histograms {
        println!("| {} | {:.3} |", histogram.name, histogram.kolmogorov_smirnov(&values[histogram.name]));
    }
    draw(figure, &histograms, &values)
}

/// The published histograms as points with errors, the simulation as steps.
fn draw(
    path: &str,
    histograms: &[Published],
    values: &std::collections::BTreeMap<&str, Vec<f64>>,
) -> Result<(), Failure> {
    let area = SVGBackend::new(path, (1400, 640)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, histogram) in area.split_evenly((2, 4)).iter().zip(histograms) {
        draw_one(panel, histogram, &values[histogram.name])?;
    }
    area.present()?;
    Ok(())
}

fn draw_one(
    panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    histogram: &Published,
    values: &[f64],
) -> Result<(), Failure> {
    let binning = &histogram.binning;
    // About 40 bins over most of the distribution.
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |q: f64| sorted[((sorted.len() - 1) as f64 * q) as usize];
    let bin = |value: f64| (binning.bin(value).clamp(1, binning.bins)) - 1;
    let (first, last) = (bin(quantile(0.002)), bin(quantile(0.995)));
    let step = ((last - first) / 40).max(1);
    let mut counts = vec![0.0; binning.bins];
    for &value in values {
        counts[bin(value)] += 1.0 / values.len() as f64;
    }
    let total = f64::from(histogram.avalanches.iter().sum::<u32>());
    let bars: Vec<(f64, f64, f64, f64)> = (first..=last)
        .step_by(step)
        .map(|from| {
            let to = (from + step).min(binning.bins);
            let entries = f64::from(histogram.avalanches[from..to].iter().sum::<u32>());
            let low = binning.low + from as f64 * binning.width();
            let simulated = counts[from..to].iter().sum::<f64>();
            (low, entries / total, entries.sqrt() / total, simulated)
        })
        .collect();
    let width = step as f64 * binning.width();
    let top = bars.iter().map(|bar| (bar.1 + bar.2).max(bar.3)).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(panel)
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(52)
        .build_cartesian_2d(bars[0].0..bars[bars.len() - 1].0 + width, 0.0..1.15 * top)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .x_labels(5)
        .y_labels(4)
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 18))
        .x_desc(histogram.name)
        .draw()?;
    let steps = bars.iter().flat_map(|&(low, _, _, simulated)| [(low, simulated), (low + width, simulated)]);
    chart
        .draw_series(LineSeries::new(steps, RGBColor(0, 90, 181).stroke_width(2)))?
        .label("simulated")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], RGBColor(0, 90, 181).stroke_width(2)));
    let middle = |low: f64| low + width / 2.0;
    let errors = bars.iter().map(|&(low, published, error, _)| {
        PathElement::new([(middle(low), published - error), (middle(low), published + error)], BLACK)
    });
    chart.draw_series(errors)?;
    let points =
        bars.iter().map(|&(low, published, ..)| Circle::new((middle(low), published), 3, BLACK.filled()));
    chart
        .draw_series(points)?
        .label("microscopic (2021)")
        .legend(|(x, y)| Circle::new((x + 9, y), 3, BLACK.filled()));
    if histogram.name == "sum" {
        chart.configure_series_labels().border_style(WHITE).label_font(("sans-serif", 15)).draw()?;
    }
    Ok(())
}
