//! The avalanches that the page's script shows as points, in as many dimensions as they have, as data.

use serde_json::{Value, json};
use townsend_check::{AvalanchePoints, Check, Form};

/// Number of steps over the extent of all avalanches shown that coordinates are rounded to: 12 bits, finer
/// than the pixels of a screen.
const STEPS: f64 = 4_095.0;

/// The avalanches of a check.
pub(super) fn gallery(check: &Check) -> Option<Value> {
    gallery_of(&check.galleries, &check.report.compared.units, axes(check), ["real", "generated"])
}

/// The number of coordinates that the avalanches of a check have.
pub(super) fn axes(check: &Check) -> usize {
    match check.report.compared.form {
        Form::Electrons => 3,
        Form::Counts => check.report.compared.grid.dims(),
    }
}

/// Two sets with their common extent along `axes` coordinates; none if one of them is empty.
pub(super) fn gallery_of(
    [real, generated]: &[Vec<AvalanchePoints>; 2],
    units: &[String; 3],
    axes: usize,
    names: [&str; 2],
) -> Option<Value> {
    if real.is_empty() || generated.is_empty() {
        return None;
    }
    let points = || real.iter().chain(generated).flat_map(|shown| &shown.points);
    let extent = [0, 1, 2].map(|d| {
        let mut values: Vec<f64> = points().map(|point| point[d]).collect();
        values.sort_unstable_by(f64::total_cmp);
        // The farthest electrons are left out, because they would make all others small.
        let at = |p: f64| values[(p * (values.len() - 1) as f64) as usize];
        let (low, high) = (at(0.001), at(0.999));
        if high > low { [low, high] } else { [low - 0.5, high + 0.5] }
    });
    let set = |shown: &[AvalanchePoints]| -> Vec<Value> {
        let one = |of: &AvalanchePoints| {
            let axis = |d: usize| -> Vec<i64> {
                let [low, high] = extent[d];
                of.points.iter().map(|p| ((p[d] - low) / (high - low) * STEPS).round() as i64).collect()
            };
            json!({ "index": of.index, "electrons": of.electrons, "x": axis(0), "z": axis(1), "t": axis(2) })
        };
        shown.iter().map(one).collect()
    };
    Some(json!({
        "axes": axes, "extent": extent, "steps": STEPS, "units": units, "names": names,
        "real": set(real), "generated": set(generated),
    }))
}
