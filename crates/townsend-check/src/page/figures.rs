//! What the page's script draws, as data.

use serde_json::{Value, json};

use super::gallery::gallery;
use crate::Observable;
use crate::check::{Check, Group, Overlay};
use crate::report::{Comparison, Report, decimal};
use crate::text::significant;

/// Everything that is drawn, for the page's script. Names of fields are those that the script asks for.
pub(super) fn figures(check: &Check) -> Value {
    let report = &check.report;
    json!({
        "overlays": check.overlays.iter().filter(|o| o.name != Observable::Empty.name()).map(|o| overlay(o, report)).collect::<Vec<_>>(),
        "correlations": report.correlations,
        "classifiers": report.c2st.as_ref().map(|test| &test.details),
        "pairs": report.pair_correlation,
        "conditional": report.conditional,
        "curves": check.curves,
        "gallery": gallery(check),
        "key": format!("{}{}", &report.real.sha256, &report.generated.sha256),
    })
}

fn overlay(of: &Overlay, report: &Report) -> Value {
    let (group, comparison) = match of.group {
        Group::Observables => ("observables", report.observables.get(&of.name)),
        Group::Lumpiness => ("lumpiness", report.lumpiness_by_scale.get(&of.name)),
        Group::Strips => ("strips", report.strips.get(&of.name)),
    };
    json!({
        "group": group, "name": of.name, "title": of.title(), "low": of.binning.low, "width": of.binning.width(),
        "real": of.real, "generated": of.generated, "label": comparison.map(|c| said(of, c)),
    })
}

/// What a screen reader says of a distribution.
fn said(of: &Overlay, c: &Comparison) -> String {
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
