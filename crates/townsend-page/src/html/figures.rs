//! The data that the page's script draws.

use serde_json::{Value, json};
use townsend_check::{Check, Comparison, HistogramPair, NumberGroup, Report};
use townsend_observables::Observable;
use townsend_observables::text::{decimal, significant};

use super::gallery::gallery;

/// All data that the page's script draws. The names of the fields are those that `page.js` reads.
pub(super) fn figures(check: &Check) -> Value {
    let report = &check.report;
    json!({
        "overlays": check.histograms.iter().filter(|o| o.name != Observable::Empty.name()).map(|o| distribution(o, report)).collect::<Vec<_>>(),
        "correlations": report.correlations,
        "classifiers": report.c2st.as_ref().map(|test| &test.details),
        "pairs": report.pair_correlation,
        "conditional": report.conditional,
        "curves": check.curves,
        "gallery": gallery(check),
        "key": format!("{}{}", &report.real.sha256, &report.generated.sha256),
    })
}

fn distribution(of: &HistogramPair, report: &Report) -> Value {
    let (group, comparison) = match of.group {
        NumberGroup::Observables => ("observables", report.observables.get(&of.name)),
        NumberGroup::Lumpiness => ("lumpiness", report.lumpiness_by_scale.get(&of.name)),
        NumberGroup::Strips => ("strips", report.strips.get(&of.name)),
    };
    json!({
        "group": group, "name": of.name, "title": of.title(), "low": of.binning.low, "width": of.binning.width(),
        "real": of.real, "generated": of.generated, "label": comparison.map(|c| label(of, c)),
    })
}

/// The text of a distribution for screen readers.
fn label(of: &HistogramPair, c: &Comparison) -> String {
    let number = |v: f64| significant(v, 3);
    let w1 = c.w1_over_sigma.map_or(String::new(), |d| {
        format!("; Wasserstein distance {} sigma, floor {}", decimal(d.value), decimal(d.floor))
    });
    format!(
        "Distribution of {}, real and generated, and their ratio: real mean {}, spread {}; generated mean {}, spread {}{w1}. {}",
        of.title(),
        number(c.real.mean),
        number(c.real.std),
        number(c.generated.mean),
        number(c.generated.std),
        of.definition,
    )
}
