//! The report as one page that needs nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::check::Check;
use crate::plot::{Style, color_bar, maps_svg, overlay_svg};
use crate::report::{Comparison, Report, SetSummary, decimal, score_with_error, with_error};
use crate::text::{percent, significant, thousands};
use crate::{CheckError, Distance, InRange, Legacy, Observable};

/// Times its floor from which a distance is set in bold.
const FAR: f64 = 3.0;

pub(crate) fn page(check: &Check) -> Result<String, CheckError> {
    let report = &check.report;
    let plots: Result<Vec<String>, CheckError> = check
        .overlays
        .iter()
        .filter(|o| o.name != Observable::Empty.name())
        .map(|o| overlay_svg(o, &Style::PAGE))
        .collect();
    let plots = plots?;
    let images = images(check)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Check of " (report.generated.file) }
                link rel="icon" href="data:,";
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                h1 { "Generated against real avalanches" }
                (summary(report))
                (warnings(report))
                h2 { "Distances" }
                (distances(report))
                (scores(report))
                h2 { "Distributions" }
                p.faint {
                    "Points with error bars: real. Line with band: generated. Share of avalanches a bin, in the bins "
                    "of the separation power; what lies outside the axis is stated. Below: generated over real with "
                    "the error of the generated, around a band of the error of the real; triangles lie above the axis."
                }
                div.plots { @for plot in &plots { figure { (PreEscaped(plot)) } } }
                (images)
                (legacy(report))
                h2 { "How it was compared" }
                (provenance(report))
            }
        }
    };
    Ok(page.into_string())
}

fn summary(report: &Report) -> Markup {
    let row = |name: &str, set: &SetSummary| {
        html! {
            tr {
                td { (name) }
                td { (thousands(set.avalanches as u64)) }
                td { (significant(100.0 * set.empty_fraction, 3)) " ± " (significant(100.0 * set.empty_fraction_error, 2)) "%" }
                td { (thousands(set.electrons)) }
                td { (percent(set.fraction_outside)) }
                td.text { (set.file) }
            }
        }
    };
    html! {
        div.wide { table {
            thead { tr { th { "set" } th { "avalanches" } th { "empty" } th { "electrons" } th { "outside the grid" } th.text { "file" } } }
            tbody { (row("real", &report.real)) (row("generated", &report.generated)) }
        } }
        p { "Empty, generated less real: " (report.empty.text()) " (binomial error)." }
    }
}

fn warnings(report: &Report) -> Markup {
    let of_files = [&report.real, &report.generated]
        .into_iter()
        .flat_map(|set| set.warnings.iter().map(|warning| format!("{}: {warning}", set.file)));
    let all: Vec<String> = of_files.chain(report.warnings.iter().cloned()).collect();
    html! {
        @if !all.is_empty() {
            h2 { "Warnings" }
            div.warnings { ul { @for warning in &all { li { (warning) } } } }
        }
    }
}

fn distances(report: &Report) -> Markup {
    html! {
        p.faint {
            "Floor: the same distance between random halves of the real set, scaled to these numbers of avalanches; a "
            "distance near it is what statistics alone give. ±: half of the 68% interval from resampling both sets. "
            "Bold: more than three times the floor."
        }
        div.wide { table {
            thead {
                tr {
                    th rowspan="2" { "observable" }
                    th.group colspan="2" { "mean ± spread" }
                    th.group colspan="2" { "W1/σ" } th.group colspan="3" { "KS" } th.group colspan="2" { "separation power" }
                }
                tr {
                    th.group { "real" } th { "generated" }
                    th.group { "value" } th { "floor" } th.group { "value" } th { "floor" } th { "p" }
                    th.group { "value" } th { "floor" }
                }
            }
            tbody { @for (observable, comparison) in report.comparisons() { (row(observable, comparison)) } }
        } }
    }
}

fn row(observable: Observable, comparison: &Comparison) -> Markup {
    let unit = if comparison.unit.is_empty() { String::new() } else { format!(" [{}]", comparison.unit) };
    let mean = |mean: f64, std: f64| {
        if observable == Observable::Empty {
            return html! { (percent(mean)) };
        }
        html! { (significant(mean, 4)) small { " ± " (significant(std, 3)) } }
    };
    html! {
        tr {
            td title=(observable.definition()) { (observable.name()) small { (unit) } }
            td.group { (mean(comparison.real.mean, comparison.real.std)) }
            td { (mean(comparison.generated.mean, comparison.generated.std)) }
            (distance(comparison.w1_over_sigma))
            (distance(Some(comparison.ks)))
            td { @if let Some(p) = comparison.ks.p_value { (significant(p, 2)) } }
            (distance(Some(comparison.separation_power)))
        }
    }
}

fn distance(distance: Option<Distance>) -> Markup {
    html! {
        @if let Some(distance) = distance {
            td.group.far[distance.value > FAR * distance.floor] { (with_error(&distance)) }
            td { (decimal(distance.floor)) }
        } @else {
            td.group { "none" } td {}
        }
    }
}

fn scores(report: &Report) -> Markup {
    html! {
        @if report.scores().next().is_some() {
            h3 { "All observables together" }
            div.wide { table {
                thead { tr { th { "metric" } th { "value" } th { "floor" } th { "avalanches" } th.text { "how" } } }
                tbody {
                    @for (name, score) in report.scores() {
                        tr {
                            td { (name) } td { (score_with_error(score)) } td { (significant(score.floor, 3)) }
                            td { (thousands(score.avalanches[0] as u64)) " / " (thousands(score.avalanches[1] as u64)) }
                            td.text.faint { (score.method) }
                        }
                    }
                }
            } }
        }
    }
}

fn images(check: &Check) -> Result<Markup, CheckError> {
    let most = check.fullest_cell();
    let real = maps_svg(&check.real_maps, most, "real", &Style::PAGE)?;
    let generated = maps_svg(&check.generated_maps, most, "generated", &Style::PAGE)?;
    let bar = color_bar(most, &Style::PAGE)?;
    let row = |name: &str, maps: &[String]| {
        html! {
            h3 { (name) }
            div.maps {
                @for map in maps { figure { (PreEscaped(map)) } }
                figure.bar { (PreEscaped(&bar)) }
            }
        }
    };
    Ok(html! {
        @if !real.is_empty() && !generated.is_empty() {
            h2 { "Avalanches" }
            p.faint {
                "Those at 20, 40, 60 and 80% of each set's own sizes (of avalanches that are not empty), in the cells of "
                "the grid, on one logarithmic scale. None was picked for its looks."
            }
            (row("real", &real)) (row("generated", &generated))
        }
    })
}

fn legacy(report: &Report) -> Markup {
    html! {
        @if !report.legacy.is_empty() {
            h2 { "Beside what was published" }
            p.faint {
                "The observables of the first generative models of avalanches (2021), in the bins of their figures. There "
                "the axis x is the drift direction and z, t are transverse: our x stands for their z, our z for their t, our t "
                "for their x. “std” is not a standard deviation but √Σ(c·w − mean)²/S. The published values are the nearest of seven "
                "runs, of other data, and of avalanches reconstructed from real input rather than sampled; a result here "
                "can be laid beside them, not ranked against them."
            }
            div.wide { table {
                thead {
                    tr { th rowspan="2" { "observable" } th.group colspan="3" { "this check (floor)" } th.group colspan="2" { "in range" } th.group colspan="5" { "nearest published run" } }
                    tr {
                        th.group { "W1/σ" } th { "KS" } th { "sep. power" } th.group { "real" } th { "generated" }
                        th.group { "W1/σ" } th { "KS" } th { "sep. power" } th { "in range" } th.text { "run" }
                    }
                }
                tbody { @for (name, entry) in &report.legacy { (legacy_row(name, entry)) } }
            } }
        }
    }
}

fn legacy_row(name: &str, entry: &Legacy) -> Markup {
    let ours = |distance: Option<Distance>| {
        html! { @if let Some(d) = distance { (with_error(&d)) small { " (" (decimal(d.floor)) ")" } } @else { "none" } }
    };
    let range =
        |count: InRange| html! { (thousands(count.in_range as u64)) " / " (thousands(count.of as u64)) };
    html! {
        tr {
            td { (name) @if let Some(axis) = &entry.our_axis { small { " (our " (axis) ")" } } }
            td.group { (ours(entry.w1_over_sigma)) } td { (ours(entry.ks)) } td { (ours(entry.separation_power)) }
            td.group { (range(entry.real)) } td { (range(entry.generated)) }
            @if let Some(reference) = &entry.reference {
                td.group { (format!("{:.3}", reference.w1_over_sigma)) } td { (format!("{:.3}", reference.ks)) }
                td { (format!("{:.3}", reference.separation_power)) }
                td { @if let Some(n) = reference.produced_in_range { (thousands(u64::from(n))) " / 5,000" } }
                td.run { (reference.run) }
            } @else {
                td.group colspan="5" {}
            }
        }
    }
}

fn provenance(report: &Report) -> Markup {
    html! {
        dl {
            dt { "form" } dd { (report.compared.note) }
            dt { "grid" } dd { (report.compared.grid) }
            dt { "units of x, z, t" } dd { (report.compared.units.join(", ")) }
            dt { "real" } dd { (report.real.file) br; code { "sha256 " (report.real.sha256) } }
            dt { "generated" } dd { (report.generated.file) br; code { "sha256 " (report.generated.sha256) } }
            dt { "made by" } dd { (report.producer) ", seed " (report.seed) ", schema " (report.schema) }
        }
        h3 { "Definitions" }
        dl {
            @for (observable, _) in report.comparisons() {
                dt { (observable.name()) } dd { (observable.definition()) }
            }
            dt { "W1/σ" } dd { "Wasserstein-1 distance of the two samples over the real standard deviation" }
            dt { "KS" } dd { "largest difference of the two distribution functions, with its asymptotic probability" }
            dt { "separation power" } dd {
                "½ Σ (a−b)²/(a+b) of the normalised histograms in 50 bins between the joint 0.1% and 99.9% quantiles (a bin "
                "each for whole numbers less than 50 apart) and two flow bins; 0 the same, 1 disjoint"
            }
        }
    }
}
