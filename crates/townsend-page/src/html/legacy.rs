//! The page's table of the first published models.

use maud::{Markup, html};
use townsend_check::{InRange, Legacy, Report};
use townsend_observables::Distance;
use townsend_observables::text::{decimal, thousands};

pub(super) fn legacy(report: &Report) -> Markup {
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
        html! { @if let Some(d) = distance { (d.with_error()) small { " (" (decimal(d.floor)) ")" } } @else { "none" } }
    };
    let range =
        |count: InRange| html! { (thousands(count.in_range as u64)) " / " (thousands(count.of as u64)) };
    html! {
        tr {
            td { (name) @if let Some(axis) = &entry.our_axis { small { " (our " (axis) ")" } } }
            td.group data-label="W1/σ (floor)" { (ours(entry.w1_over_sigma)) } td data-label="KS (floor)" { (ours(entry.ks)) }
            td data-label="sep. power (floor)" { (ours(entry.separation_power)) }
            td.group data-label="real in range" { (range(entry.real)) } td data-label="generated in range" { (range(entry.generated)) }
            @if let Some(reference) = &entry.reference {
                td.group data-label="published W1/σ" { (format!("{:.3}", reference.w1_over_sigma)) } td data-label="published KS" { (format!("{:.3}", reference.ks)) }
                td data-label="published sep. power" { (format!("{:.3}", reference.separation_power)) }
                td data-label="published in range" { @if let Some(n) = reference.produced_in_range { (thousands(u64::from(n))) " / 5,000" } }
                td.run data-label="published run" { (reference.run) }
            } @else {
                td.group colspan="5" {}
            }
        }
    }
}
