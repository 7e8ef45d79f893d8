//! Pages other than the report: a ranking, and what is in one file.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use townsend_check::{AvalanchePoints, HistogramPair, Ranking, gallery};
use townsend_core::Dataset;
use townsend_observables::text::{significant, thousands, with_error};
use townsend_observables::{Binning, Column, Observable, Observables, Sample};

use super::gallery::gallery_of;
use super::tables::FLOOR;
use super::{gallery_section, head, plots, script_data, scripts};
use crate::plot::title;
use crate::{Figure, PageError};

/// A page of a ranking: its table, of which each row leads to `report.html` in the folder of its report, and
/// the distributions of the real avalanches and of all generators. `histograms` are those of each generator's
/// check, in any order, each with the folder of its report; without these nothing is drawn.
///
/// # Errors
/// If the script of plotly.js is not found ([`PageError::PlottingScript`]).
pub fn ranking_html(
    ranking: &Ranking,
    histograms: &[(String, Vec<HistogramPair>)],
) -> Result<String, PageError> {
    let rows = ranking.rows();
    let overlays = overlays(ranking, histograms);
    let cells = |row: &[String]| {
        let named = rows[0].iter().skip(2).zip(row.iter().skip(2));
        html! { @for (name, cell) in named { td data-label=(name) { (cell) } } }
    };
    let page = html! {
        (head("Generators side by side"))
        body {
            header { h1 { "Generators side by side" } button #theme type="button" { "Light or dark" } }
            main {
                p {
                    "Against " strong { (ranking.real) } " (" (ranking.real_part.as_deref().unwrap_or("all avalanches"))
                    "), the best first: by red lights, by amber ones, by the mean AUC of the classifiers (0.5: none tells them apart), by the "
                    "mean W1/σ of the observables (Wasserstein distance over the real standard deviation)."
                }
                div.wide { table {
                    caption { (FLOOR) " The last row has the floors." }
                    thead { tr { th { "generated" } @for cell in rows[0].iter().skip(1) { th { (cell) } } } }
                    tbody {
                        @for (row, of) in rows.iter().skip(1).zip(&ranking.generators) {
                            tr {
                                th scope="row" { a href={ (of.report) "/report.html" } { (of.generated) } }
                                td data-label="light" { span class={ "light " (row[1]) } { (row[1]) } }
                                (cells(row))
                            }
                        }
                        @for row in rows.iter().skip(1 + ranking.generators.len()) {
                            tr { th scope="row" { (row[0]) } td {} (cells(row)) }
                        }
                    }
                } }
                @if !overlays.is_empty() {
                    h2 { "Distributions" }
                    p.faint {
                        "Points with error bars: real. Lines: the generators, in the order of the table. Share of avalanches over the width of "
                        "the bin; each generator has the bins of its own report. The axes show the range of the real ones."
                    }
                    (plots("ranked"))
                }
            }
            (script_data(&json!({ "overlays": [], "curves": [], "ranked": overlays, "key": "" })))
            (scripts()?)
        }
    };
    Ok(page.into_string())
}

/// The distributions of each observable, for the page's script: of the real avalanches, in the bins of the
/// best generator, and of every generator.
fn overlays(ranking: &Ranking, histograms: &[(String, Vec<HistogramPair>)]) -> Vec<Value> {
    let in_order = ranking.generators.iter().filter_map(|ranked| {
        let (_, found) = histograms.iter().find(|(folder, _)| *folder == ranked.report)?;
        Some((ranked.report.as_str(), found))
    });
    let all: Vec<(&str, &Vec<HistogramPair>)> = in_order.collect();
    let Some((_, first)) = all.first() else { return Vec::new() };
    let histogram = |name: &str, of: &HistogramPair, entries: &[u64]| json!({ "name": name, "low": of.binning.low, "width": of.binning.width(), "entries": entries });
    let drawn = first.iter().filter(|of| of.name != Observable::Empty.name());
    drawn
        .map(|best| {
            let same = |of: &&HistogramPair| of.group == best.group && of.name == best.name;
            let generators = all.iter().filter_map(|(name, of)| {
                let of = of.iter().find(same)?;
                Some(histogram(name, of, &of.generated))
            });
            let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            json!({
                "title": best.title(), "real": histogram("real", best, &best.real),
                "generators": generators.collect::<Vec<Value>>(),
                "label": format!("Distribution of {} of the real avalanches and of {}", best.title(), names.join(", ")),
            })
        })
        .collect()
}

/// A page of one set of avalanches: its observables, their distributions, and avalanches in three dimensions.
///
/// `facts` are lines of name and value at the top, `warnings` follow them. `observed` are the observables of
/// `data`; `seed` is that of the points that are drawn of each avalanche.
///
/// # Errors
/// If the script of plotly.js is not found ([`PageError::PlottingScript`]).
pub fn inspection_page(
    title: &str,
    facts: &[(&str, String)],
    warnings: &[String],
    data: &Dataset,
    observed: &Observables,
    seed: u64,
) -> Result<String, PageError> {
    let axes = data.grid().map_or(3, townsend_core::Grid::dims);
    let (first, second): (Vec<_>, Vec<_>) =
        gallery(data, seed).into_iter().enumerate().partition(|(k, _)| k % 2 == 0);
    let halves = [first, second]
        .map(|half| half.into_iter().map(|(_, avalanche)| avalanche).collect::<Vec<AvalanchePoints>>());
    let columns: Vec<&Column> = observed
        .columns()
        .iter()
        .filter(|column| column.observable != Observable::Empty && !column.values.is_empty())
        .collect();
    let figures = json!({
        "overlays": columns.iter().map(|column| distribution(column)).collect::<Vec<Value>>(),
        "curves": [], "key": title,
        "gallery": gallery_of(&halves, &data.meta().units, axes, ["avalanche", "avalanche"]),
    });
    let page = html! {
        (head(title))
        body {
            header { h1 { (title) } button #theme type="button" { "Light or dark" } }
            main {
                dl { @for (name, value) in facts { dt { (name) } dd { (value) } } }
                @if !warnings.is_empty() { div.warnings { ul { @for warning in warnings { li { (warning) } } } } }
                h2 { "Observables" }
                (table(&columns))
                p.faint {
                    "Avalanches a bin; the bins are the wider the fewer avalanches there are. Bars: the 68% interval of the Poisson "
                    "distribution (Gehrels, Astrophys. J. 303, 336, 1986)."
                }
                (plots("observables"))
                @if halves.iter().all(|half| !half.is_empty()) { (gallery_section(axes)) }
            }
            (script_data(&figures))
            (scripts()?)
        }
    };
    Ok(page.into_string())
}

/// A page of a table, whose first row is its head and whose first column names the others, and a figure of
/// it. It has no scripts.
pub fn figure_page(title: &str, warnings: &[String], rows: &[Vec<String>], figure: &Figure) -> String {
    let page = html! {
        (head(title))
        body {
            header { h1 { (title) } }
            main {
                @if !warnings.is_empty() { div.warnings { ul { @for warning in warnings { li { (warning) } } } } }
                div.wide { table {
                    @for row in rows.iter().take(1) { thead { tr { @for cell in row { th { (cell) } } } } }
                    tbody { @for row in rows.iter().skip(1) {
                        tr { @for (k, cell) in row.iter().enumerate() {
                            @if k == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                        } }
                    } }
                } }
                (PreEscaped(&figure.svg))
            }
        }
    };
    page.into_string()
}

fn table(columns: &[&Column]) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "observable" } th { "mean" } th { "spread" } th { "unit" } th { "avalanches" } th.text { "definition" } } }
            tbody { @for column in columns {
                tr {
                    th scope="row" { (column.observable.name()) }
                    td data-label="mean" { (mean(column)) } td data-label="spread" { (significant(column.std(), 3)) }
                    td data-label="unit" { (column.unit) } td data-label="avalanches" { (thousands(column.values.len() as u64)) }
                    td.text.faint data-label="definition" { (column.observable.definition()) }
                }
            } }
        } }
    }
}

/// The mean with its statistical error, if there are two values.
fn mean(column: &Column) -> String {
    let n = column.values.len();
    if n < 2 {
        significant(column.mean(), 5)
    } else {
        with_error(column.mean(), column.std() / (n as f64).sqrt())
    }
}

fn distribution(column: &Column) -> Value {
    let binning = Binning::for_figure(&column.values);
    let (name, title) = (column.observable.name(), title(column));
    let (mean, std) = (significant(column.mean(), 3), significant(column.std(), 3));
    let definition = column.observable.definition();
    json!({
        "group": "observables", "name": name, "title": title, "low": binning.low, "width": binning.width(),
        "real": Sample::new(&column.values, &binning).histogram(),
        "label": format!("Distribution of {title}: mean {mean}, spread {std}. {definition}"),
    })
}
