//! Avalanches that the page shows in three dimensions.

use serde_json::{Value, json};
use townsend_core::{Dataset, Purpose, stream};

use crate::check::Check;
use crate::places::Places;
use crate::random::some_of;

/// Avalanches of each set: fifty in all.
const SHOWN: usize = 25;
/// Points that are shown of one avalanche.
const MOST_POINTS: usize = 1_500;
/// Steps that a coordinate is rounded to, over the extent of all avalanches shown.
const STEPS: f64 = 4_095.0;

const CHOOSE: Purpose = Purpose::new("points in the gallery");

/// One avalanche as points.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown {
    index: usize,
    electrons: u64,
    points: Vec<[f64; 3]>,
}

/// Avalanches at evenly spaced quantiles of the set's own sizes, so that two sets show comparable ones and none was
/// picked for its looks; of each at most some points drawn at random. None if the data have one axis only.
pub(crate) fn shown(data: &Dataset, seed: u64) -> Vec<Shown> {
    if data.grid().is_some_and(|grid| grid.dims() < 2) {
        return Vec::new();
    }
    let mut sizes: Vec<(u64, usize)> = (0..data.len()).map(|index| (data.electrons(index), index)).collect();
    sizes.retain(|size| size.0 > 0);
    sizes.sort_unstable();
    let wanted = SHOWN.min(sizes.len());
    let chosen = (0..wanted).map(|k| sizes[(2 * k + 1) * sizes.len() / (2 * wanted)]);
    let one = |(electrons, index): (u64, usize)| {
        let places = Places::of(data, index);
        let few = some_of(places.points.len(), MOST_POINTS, &mut stream(seed, CHOOSE, index as u64));
        Shown { index, electrons, points: few.into_iter().map(|k| places.points[k].0).collect() }
    };
    chosen.map(one).collect()
}

/// The avalanches of a check.
pub(super) fn gallery(check: &Check) -> Option<Value> {
    gallery_of(&check.shown, &check.report.compared.units, ["real", "generated"])
}

/// Two sets with their common extent; nothing if one set has nothing to show.
pub(super) fn gallery_of(
    [real, generated]: &[Vec<Shown>; 2],
    units: &[String; 3],
    names: [&str; 2],
) -> Option<Value> {
    if real.is_empty() || generated.is_empty() {
        return None;
    }
    let points = || real.iter().chain(generated).flat_map(|shown| &shown.points);
    let extent = [0, 1, 2].map(|d| {
        let mut values: Vec<f64> = points().map(|point| point[d]).collect();
        values.sort_unstable_by(f64::total_cmp);
        // Without the farthest electrons, which would make all others small.
        let at = |p: f64| values[(p * (values.len() - 1) as f64) as usize];
        let (low, high) = (at(0.001), at(0.999));
        if high > low { [low, high] } else { [low - 0.5, high + 0.5] }
    });
    let set = |shown: &[Shown]| -> Vec<Value> {
        let one = |of: &Shown| {
            let axis = |d: usize| -> Vec<i64> {
                let [low, high] = extent[d];
                of.points.iter().map(|p| ((p[d] - low) / (high - low) * STEPS).round() as i64).collect()
            };
            json!({ "index": of.index, "electrons": of.electrons, "x": axis(0), "z": axis(1), "t": axis(2) })
        };
        shown.iter().map(one).collect()
    };
    Some(json!({
        "extent": extent, "steps": STEPS, "units": units, "names": names,
        "real": set(real), "generated": set(generated),
    }))
}
