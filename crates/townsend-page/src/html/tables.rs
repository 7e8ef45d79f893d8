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

/// What the word means, where it first stands.
pub(super) const FLOOR: &str = "The floor of a number is the same number between random halves of the real set: what \
     statistics alone give, and what a perfect generator reaches.";

pub(super) fn summary(report: &Report) -> Markup {
    let row = |name: &str, set: &SetSummary| {
        html! {
            tr {
                th scope="row" { (name) }
                td data-label="avalanches" { (thousands(set.avalanches as u64)) }
                td data-label="empty" { (significant(100.0 * set.empty_fraction, 3)) " ± " (significant(100.0 * set.empty_fraction_error, 2)) "%" }
                td data-label="electrons" { (thousands(set.electrons)) }
                td data-label="outside the grid" { (percent(set.fraction_outside)) }
                td.text data-label="file" { (set.file) }
                td.text data-label="taken of it" { (set.taken()) }
            }
        }
    };
    html! {
        div.wide { table {
            caption { "The two sets" }
            thead { tr { th { "set" } th { "avalanches" } th { "empty" } th { "electrons" } th { "outside the grid" } th.text { "file" } th.text { "taken of it" } } }
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
                    (FLOOR) " Green: even " (verdict.errors) " standard errors above it the value is within the green limit. Amber or red: it is above the green limit, "
                    "and more than " (verdict.errors) " standard errors above its floor; red above the amber limit. Grey, undecided: neither, for there are too "
                    "few avalanches; the last column says how many in each set would decide, if the difference is what it seems. The worst "
                    "number of a family answers for it."
                }
                thead { tr { th { "question" } th.text { "light" } th.text { "decided by" } th { "value" } th { "floor" } th { "green to" } th { "amber to" } th { "would decide" } } }
                tbody { @for judgement in &verdict.judgements { (judgement_row(judgement)) } }
            } }
        }
    }
}

fn light(light: Light) -> Markup {
    let name = light.name();
    html! { span class={ "light " (name) } { (name) @if light == Light::Grey { ", undecided" } } }
}

fn judgement_row(of: &Judgement) -> Markup {
    html! {
        tr {
            th scope="row" { (of.question) }
            td.text data-label="light" { (light(of.light)) }
            td.text data-label="decided by" { a href={ "#" (section_of(&of.metric)) } { code { (of.metric) } } }
            td data-label="value" { @if let Some(value) = of.value { (decimal(value)) @if of.error > 0.0 { " ± " (decimal(of.error)) } } @else { "none" } }
            td data-label="floor" { (decimal(of.floor)) }
            td data-label="green to" { (of.green) } td data-label="amber to" { (of.amber) }
            td data-label="would decide" { @if let Some(n) = of.avalanches_to_decide { (thousands(n as u64)) } @else if of.light == Light::Grey { "at its limit" } }
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
            (FLOOR) " It is scaled to these numbers of avalanches. ±: half of the 68% interval from resampling both sets. Bold: more "
            "than three times the floor. A name opens its definition."
        }
        dl.faint {
            @for (name, [what, trap]) in [("W1/σ", W1), ("KS, p", KS), ("separation power", SEPARATION)] {
                dt { (name) } dd { (what) ". " em { "Beware: " } (trap) "." }
            }
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
                    th.group colspan="2" { "W1/σ" } th.group colspan="3" { "KS" }
                    th.group colspan="2" { "separation power" }
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
            td.group data-label="real" { (mean(comparison.real.mean, comparison.real.std)) }
            td data-label="generated" { (mean(comparison.generated.mean, comparison.generated.std)) }
            (distance("W1/σ", comparison.w1_over_sigma))
            (distance("KS", Some(comparison.ks)))
            td data-label="p" { @if let Some(p) = comparison.ks.p_value { (significant(p, 2)) } }
            (distance("separation power", Some(comparison.separation_power)))
        }
    }
}

fn distance(name: &str, distance: Option<Distance>) -> Markup {
    html! {
        @if let Some(distance) = distance {
            td.group.far[distance.value > FAR * distance.floor] data-label=(name) { (distance.with_error()) }
            td data-label="floor" { (decimal(distance.floor)) }
        } @else {
            td.group data-label=(name) { "none" } td {}
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
                            td data-label="value" { (score.with_error()) } td data-label="floor" { (significant(score.floor, 3)) }
                            td data-label="avalanches" { (thousands(score.avalanches[0] as u64)) " / " (thousands(score.avalanches[1] as u64)) }
                            td.text.faint data-label="how" { (score.method) }
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
                        td data-label="divergence" { (decimal(of.divergence)) } td data-label="spread of the ratio" { (significant(of.ratio_spread, 3)) } td data-label="effective" { (percent(of.effective_share)) }
                        td data-label="wins from" { @if let Some(n) = of.wins_from { (thousands(n as u64)) } @else if of.learning.is_empty() { "not asked" } @else { "never" } }
                    }
                } }
            } }
        }
    }
}
