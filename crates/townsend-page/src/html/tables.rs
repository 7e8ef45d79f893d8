//! The page's tables.

use std::collections::BTreeMap;

use maud::{Markup, html};
use townsend_check::{Comparison, Judgement, Light, Report, SetSummary, Verdict};
use townsend_observables::text::{decimal, percent, significant, thousands};
use townsend_observables::{Distance, Observable};

use super::definitions::{Definition, KS, SEPARATION, W1, definition};

/// Multiple of its floor above which a distance is set in bold. Chosen, not fitted: floors are known to some
/// 10%, and distances of equal sets fluctuate by half of themselves, so that three floors are four standard
/// errors above one.
const FAR: f64 = 3.0;

pub(super) fn summary(report: &Report) -> Markup {
    let row = |name: &str, set: &SetSummary| {
        html! {
            tr {
                th scope="row" { (name) }
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
            caption { "The two sets" }
            thead { tr { th { "set" } th { "avalanches" } th { "empty" } th { "electrons" } th { "outside the grid" } th.text { "file" } } }
            tbody { (row("real", &report.real)) (row("generated", &report.generated)) }
        } }
        p { "Empty, generated less real: " (report.empty) " (binomial error)." }
    }
}

pub(super) fn warnings(report: &Report) -> Markup {
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

pub(super) fn verdict(verdict: &Verdict) -> Markup {
    html! {
        section #verdict aria-labelledby="verdict-title" {
            h2 #verdict-title { "Verdict: " (light(verdict.light)) }
            p.summary { (verdict.summary) }
            div.wide { table.lights {
                caption {
                    "A light is green within its limit, or where the value is not more than statistics above its floor; the "
                    "worst number of a family answers for it."
                }
                thead { tr { th { "question" } th.text { "light" } th.text { "decided by" } th { "value" } th { "floor" } th { "green to" } th { "amber to" } } }
                tbody { @for judgement in &verdict.judgements { (judgement_row(judgement)) } }
            } }
        }
    }
}

fn light(light: Light) -> Markup {
    let name = light.name();
    html! { span class={ "light " (name) } { (name) } }
}

fn judgement_row(of: &Judgement) -> Markup {
    html! {
        tr {
            th scope="row" { (of.question) }
            td.text { (light(of.light)) }
            td.text { a href={ "#" (section_of(&of.metric)) } { code { (of.metric) } } }
            td { @if let Some(value) = of.value { (decimal(value)) @if of.error > 0.0 { " ± " (decimal(of.error)) } } @else { "none" } }
            td { (decimal(of.floor)) }
            td { (of.green) } td { (of.amber) }
        }
    }
}

/// The section of the page with a metric and its definition.
fn section_of(metric: &str) -> &'static str {
    match metric.split('.').next().unwrap_or_default() {
        "correlations" => "correlations",
        "pair_correlation" | "lumpiness_by_scale" => "shape",
        "strips" => "strips",
        "conditional" => "conditional",
        _ => "distances",
    }
}

/// A name that opens its definition.
fn defined(name: &str, what: &str, trap: &str) -> Markup {
    html! {
        details { summary { (name) } p { (what) @if !trap.is_empty() { ". " em { "Beware: " } (trap) } "." } }
    }
}

fn heading(name: &str, [what, trap]: Definition) -> Markup {
    defined(name, what, trap)
}

pub(super) fn distances(report: &Report) -> Markup {
    html! {
        p.faint {
            "Floor: the same distance between random halves of the real set, scaled to these numbers of avalanches; a "
            "distance near it is what statistics alone give. ±: half of the 68% interval from resampling both sets. "
            "Bold: more than three times the floor. A name opens its definition."
        }
        (comparisons(
            "Observables",
            report.comparisons().map(|(o, c)| (o.name().to_string(), o.definition().to_string(), c)),
        ))
    }
}

/// A table of comparisons that are not observables; their definitions by name.
pub(super) fn others(
    caption: &str,
    of: &BTreeMap<String, Comparison>,
    definitions: &BTreeMap<&str, &str>,
) -> Markup {
    let definition = |name: &str| definitions.get(name).copied().unwrap_or_default().to_string();
    comparisons(caption, of.iter().map(|(name, c)| (name.clone(), definition(name), c)))
}

fn comparisons<'a>(caption: &str, of: impl Iterator<Item = (String, String, &'a Comparison)>) -> Markup {
    html! {
        div.wide { table {
            caption { (caption) }
            thead {
                tr {
                    th rowspan="2" { "name" }
                    th.group colspan="2" { "mean ± spread" }
                    th.group colspan="2" { (heading("W1/σ", W1)) } th.group colspan="3" { (heading("KS", KS)) }
                    th.group colspan="2" { (heading("separation power", SEPARATION)) }
                }
                tr {
                    th.group { "real" } th { "generated" }
                    th.group { "value" } th { "floor" } th.group { "value" } th { "floor" } th { "p" }
                    th.group { "value" } th { "floor" }
                }
            }
            tbody { @for (name, definition, comparison) in of { (row(&name, &definition, comparison)) } }
        } }
    }
}

fn row(name: &str, definition: &str, comparison: &Comparison) -> Markup {
    let unit = if comparison.unit.is_empty() { String::new() } else { format!(" [{}]", comparison.unit) };
    let mean = |mean: f64, std: f64| {
        if name == Observable::Empty.name() {
            return html! { (percent(mean)) };
        }
        html! { (significant(mean, 4)) small { " ± " (significant(std, 3)) } }
    };
    html! {
        tr {
            th scope="row" { (defined(&format!("{name}{unit}"), definition, "")) }
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
            td.group.far[distance.value > FAR * distance.floor] { (distance.with_error()) }
            td { (decimal(distance.floor)) }
        } @else {
            td.group { "none" } td {}
        }
    }
}

pub(super) fn scores(report: &Report) -> Markup {
    html! {
        @if report.scores().next().is_some() {
            div.wide { table {
                caption { "All observables together" }
                thead { tr { th { "metric" } th { "value" } th { "floor" } th { "avalanches" } th.text { "how" } } }
                tbody {
                    @for (name, score) in report.scores() {
                        tr {
                            th scope="row" { (heading(name, definition(name))) }
                            td { (score.with_error()) } td { (significant(score.floor, 3)) }
                            td { (thousands(score.avalanches[0] as u64)) " / " (thousands(score.avalanches[1] as u64)) }
                            td.text.faint { (score.method) }
                        }
                    }
                }
            } }
        }
    }
}

/// The table of the classifiers' results besides their AUC.
pub(super) fn classifiers(report: &Report) -> Markup {
    html! {
        @if let Some(test) = &report.c2st {
            div.wide { table {
                caption {
                    "Divergence: Jensen-Shannon, in bits, after isotonic calibration. Spread of the ratio: of the density ratio "
                    "real/generated over the generated avalanches. Effective: what is left of them when weighted by it. Wins from: "
                    "avalanches a set from which the AUC is three errors above 0.5."
                }
                thead { tr { th { "classifier" } th { "divergence" } th { "spread of the ratio" } th { "effective" } th { "wins from" } } }
                tbody { @for (name, of) in &test.details {
                    tr {
                        th scope="row" { (name) }
                        td { (decimal(of.divergence)) } td { (significant(of.ratio_spread, 3)) } td { (percent(of.effective_share)) }
                        td { @if let Some(n) = of.wins_from { (thousands(n as u64)) } @else if of.learning.is_empty() { "not asked" } @else { "never" } }
                    }
                } }
            } }
        }
    }
}
