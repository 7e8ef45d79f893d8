//! Pages other than the report: a ranking, and what is in one file.

use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};
use townsend_check::{AvalanchePoints, Ranking, gallery};
use townsend_core::Dataset;
use townsend_observables::text::{significant, thousands};
use townsend_observables::{Binning, Column, Observable, Observables, Sample};

use super::gallery::gallery_of;
use super::{gallery_section, head, plots, script_data, scripts};
use crate::{Figure, PageError};

/// A page of the table of a ranking. Each row leads to `report.html` in the folder of its report.
pub fn ranking_html(ranking: &Ranking) -> String {
    let rows = ranking.rows();
    let page = html! {
        (head("Generators side by side"))
        body {
            h1 { "Generators side by side" }
            p { "Against " strong { (ranking.real) } ", the best first: by red lights, by amber ones, by the mean AUC, by the mean W1/σ." }
            div.wide { table {
                thead { tr { th { "generated" } @for cell in rows[0].iter().skip(1) { th { (cell) } } } }
                tbody { @for (row, of) in rows.iter().skip(1).zip(&ranking.generators) {
                    tr {
                        th scope="row" { a href={ (of.report) "/report.html" } { (of.generated) } }
                        td { span class={ "light " (row[1]) } { (row[1]) } }
                        @for cell in row.iter().skip(2) { td { (cell) } }
                    }
                } }
            } }
        }
    };
    page.into_string()
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
        "gallery": gallery_of(&halves, &data.meta().units, ["avalanche", "avalanche"]),
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
                (plots("observables"))
                @if halves.iter().all(|half| !half.is_empty()) { (gallery_section()) }
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
                    td { (significant(column.mean(), 5)) } td { (significant(column.std(), 5)) } td { (column.unit) }
                    td { (thousands(column.values.len() as u64)) } td.text.faint { (column.observable.definition()) }
                }
            } }
        } }
    }
}

fn distribution(column: &Column) -> Value {
    let binning = Binning::of(&column.values, &column.values);
    let name = column.observable.name();
    let title = if column.unit.is_empty() { name.to_string() } else { format!("{name} [{}]", column.unit) };
    let (mean, std) = (significant(column.mean(), 3), significant(column.std(), 3));
    let definition = column.observable.definition();
    json!({
        "group": "observables", "name": name, "title": title, "low": binning.low, "width": binning.width(),
        "real": Sample::new(&column.values, &binning).histogram(),
        "label": format!("Distribution of {title}: mean {mean}, spread {std}. {definition}"),
    })
}
